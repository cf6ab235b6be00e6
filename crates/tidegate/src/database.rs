//! Where the store is: a file of the data folder, or a PostgreSQL server.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use tidegate_control::Vault;
use tidegate_gateway::system_words;
use tidegate_store::Store;
use tidegate_store::sql::{PostgresUrl, SqlStore, sqlite_fault};
use tokio::time::timeout;

use crate::data::DataDir;
use crate::faults::Faults;

/// Where the store is. A URL may hold a password: it is shown nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Database {
    /// In the data folder.
    #[default]
    Sqlite,
    /// On a server.
    Postgres(PostgresUrl),
}

/// Where the store is, on the command line.
#[derive(Debug, Args)]
pub struct DatabaseArg {
    /// Where the store is: `sqlite`, in the data folder, or a postgres:// URL.
    #[arg(
        long,
        env = "TIDEGATE_DATABASE",
        hide_env_values = true,
        default_value = "sqlite",
        value_name = "URL"
    )]
    database: String,
}

impl DatabaseArg {
    /// What was given.
    pub fn read(&self) -> Result<Database, Faults> {
        Database::read(&self.database).map_err(|fault| Faults(vec![format!("--database {fault}")]))
    }
}

impl Database {
    /// Reads `sqlite` or a URL. What is wrong with it is told without showing it.
    pub fn read(text: &str) -> Result<Self, String> {
        if text == "sqlite" {
            return Ok(Self::Sqlite);
        }
        let read = PostgresUrl::parse(text).map(Self::Postgres);
        read.map_err(|fault| format!("{fault}, or sqlite"))
    }

    /// Opens the store, and the vault for its secrets. The key comes before the first secret: a store
    /// that holds one is never opened without it.
    pub async fn open(&self, data: &DataDir) -> anyhow::Result<(Arc<dyn Store>, Vault)> {
        data.is_whole()?;
        match self {
            Self::Sqlite => {
                let file = data.database();
                let is_there = data.has_database()?;
                let mut lost = data.lost_database()?;
                if is_there {
                    may_use(&file)?;
                    if let Some(fault) = sqlite_fault(&file) {
                        bail!(fault);
                    }
                    if data.has_vault()? && has_no_tables(&file).await {
                        lost = Some(data.lost(NO_TABLES));
                    }
                }
                if let Some(lost) = lost {
                    bail!("{lost}; {LOST_ADVICE}");
                }
                let store = sqlite(&file).await?;
                if is_there {
                    is_sound(&store, &file).await?;
                }
                let head = store.view().await?.head().await?;
                let vault =
                    data.vault((head.revision.0 > 0).then(|| file.display().to_string()))?;
                fitting(store, vault, &file.display().to_string()).await
            }
            Self::Postgres(url) => {
                let store = postgres(url).await?;
                let head = store.view().await?.head().await?;
                let vault = data.vault((head.revision.0 > 0).then(|| url.to_string()))?;
                fitting(store, vault, &url.to_string()).await
            }
        }
    }
}

/// What a store is in which no start has made tables.
pub const NO_TABLES: &str = "without tables";

/// What to do about a store that is gone.
pub const LOST_ADVICE: &str =
    "bring it back from your backup, or move vault.key away to begin anew";

/// Is this file one in which no start has made tables? What else is wrong with it shows when it is opened.
async fn has_no_tables(file: &Path) -> bool {
    let Ok(store) = SqlStore::read_sqlite(file).await else { return false };
    let schema = store.schema().await;
    store.close().await;
    schema.is_ok_and(|schema| schema.step.is_none())
}

/// Refuses a file that this user may not use, in plainer words than SQLite has for it.
pub fn may_use(file: &Path) -> anyhow::Result<()> {
    let opened = File::options().read(true).write(true).open(file);
    opened.map(drop).map_err(|error| {
        anyhow!("the store {} cannot be opened: {}", file.display(), system_words(&error))
    })
}

/// How long a start looks for damage in a file; a larger one is looked at by `tidegate doctor`.
const SOUND: Duration = Duration::from_secs(10);

/// Refuses a damaged file: what is read from it may be wrong.
async fn is_sound(store: &SqlStore, file: &Path) -> anyhow::Result<()> {
    match timeout(SOUND, store.faults()).await {
        Ok(faults) => {
            let faults = faults.with_context(|| format!("cannot read {}", file.display()))?;
            if !faults.is_empty() {
                bail!(
                    "the store {} is damaged: {}; keep the folder, and restore the last backup",
                    file.display(),
                    faults.join("; ")
                );
            }
        }
        Err(_) => tracing::warn!(
            "the store is too large to be looked at for damage before a start; `tidegate doctor` does it"
        ),
    }
    Ok(())
}

/// A store and the key that fits it. A wrong key is refused before anything is sealed with it.
async fn fitting(
    store: SqlStore,
    vault: Vault,
    place: &str,
) -> anyhow::Result<(Arc<dyn Store>, Vault)> {
    vault.recognise(&store).await.with_context(|| {
        format!("vault.key cannot be used with {place}; bring the key of this store back")
    })?;
    Ok((Arc::new(store), vault))
}

/// Opens a file, and makes it if there is none.
pub async fn sqlite(file: &Path) -> anyhow::Result<SqlStore> {
    SqlStore::open_sqlite(file)
        .await
        .with_context(|| format!("cannot open the store {}", file.display()))
}

/// Connects to a server.
pub async fn postgres(url: &PostgresUrl) -> anyhow::Result<SqlStore> {
    if url.is_exposed() {
        tracing::warn!(
            "PostgreSQL is on another machine, which does not have to prove who it is; add \
             sslmode=verify-full to the URL"
        );
    }
    // What goes wrong names the place.
    SqlStore::open_postgres(url).await.context("cannot open the store")
}
