//! `tidegate restore`: a data folder from a backup.
//!
//! Everything is read, checked and made ready in `restore.tmp` within the folder before anything is
//! moved to its place. While that is there no server starts on the folder, so a restore that was
//! interrupted leaves nothing half: it is run again.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use tidegate_store::sql::{self, Schema, SqlStore};
use tidegate_store::{Head, Store};

use super::content::Manifest;
use super::key::KeyArgs;
use super::{FILES, private_folder, read, sound};
use crate::clock::wall;
use crate::data::{BEFORE, DataDir, LOCK, RESTORING, STORE, is_there};
use crate::durable;
use crate::exit::misused;
use crate::out::say;

/// What to restore, and where.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate restore /backups/tidegate-monday --data-dir /var/lib/tidegate
  tidegate restore /backups/tidegate-monday --force     what is there is kept in before-...

Everything is checked before anything is put in its place. The history gets a new name (epoch), so
gateways that knew more than the backup does begin anew from what it holds.")]
pub struct Restore {
    /// The backup.
    file: PathBuf,

    /// The data folder to fill, which must be empty.
    #[arg(long, env = "TIDEGATE_DATA_DIR", default_value = crate::data::DEFAULT, value_name = "DIR")]
    data_dir: PathBuf,

    /// Also where something is: that is kept, in a folder within the data folder.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    key: KeyArgs,
}

impl Restore {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        if !is_there(&self.file)? {
            misused!("there is no backup {}", self.file.display());
        }
        let data = DataDir::create(&self.data_dir)?;
        let _hold = data.hold_or_fail()?;
        let staging = data.root().join(RESTORING);
        let was_interrupted = staging.exists();
        let there = there(data.root(), was_interrupted)?;
        if !there.is_empty() && !self.force {
            misused!(
                "the data folder {} is not empty; with --force, what is in it is kept in a folder \
                 of it",
                data.root().display()
            );
        }
        if was_interrupted {
            std::fs::remove_dir_all(&staging)?;
        }
        private_folder(&staging)
            .with_context(|| format!("cannot make the folder {}", staging.display()))?;
        let made = self.make_ready(&staging).await;
        let (manifest, head) = match made {
            Ok(made) => made,
            Err(error) => {
                let _ = std::fs::remove_dir_all(&staging);
                return Err(error);
            }
        };
        let kept = put_aside(data.root(), &there)?;
        for name in FILES {
            let from = staging.join(name);
            if from.exists() {
                std::fs::rename(&from, data.root().join(name))?;
            }
        }
        durable::sync_folder_of(&data.root().join(STORE))?;
        std::fs::remove_dir_all(&staging)?;
        durable::sync_folder_of(&staging)?;
        tell(&manifest, &head, kept.as_deref());
        Ok(())
    }

    /// Unpacks and checks everything, and begins the new epoch.
    async fn make_ready(&self, staging: &Path) -> anyhow::Result<(Manifest, Head)> {
        let manifest = read(&self.file, &self.key, |entry, content| {
            let mut file = durable::create(&staging.join(&entry.name))?;
            std::io::copy(content, &mut file)?;
            file.sync_all()?;
            Ok(())
        })?;
        let head = begin(staging, &manifest).await.context("the backup was read, but not used")?;
        // What SQLite leaves beside a file that is closed.
        for entry in std::fs::read_dir(staging)?.flatten() {
            if !FILES.iter().any(|name| entry.file_name() == *name) {
                std::fs::remove_file(entry.path())?;
            }
        }
        File::open(staging)?.sync_all()?;
        Ok((manifest, head))
    }
}

/// Checks that the store is sound, is what was saved, and fits its key; then begins a new epoch.
async fn begin(staging: &Path, manifest: &Manifest) -> anyhow::Result<Head> {
    let file = staging.join(STORE);
    if !file.exists() {
        bail!("it holds no store");
    }
    {
        let store = SqlStore::read_sqlite(&file).await?;
        sound(&store).await?;
        store.schema().await?;
        let head = store.view().await?.head().await?;
        if (&head.epoch, head.revision.0) != (&manifest.epoch, manifest.revision) {
            bail!("its store stands at another revision than it says");
        }
        if manifest.schema == Schema::newest() && !manifest.holds(&sql::contents(&store).await?) {
            bail!("its store does not hold the rows it says");
        }
    }
    let store = SqlStore::open_sqlite(&file).await?;
    let vault = DataDir::at(staging).vault(Some("the backup".to_owned()))?;
    if vault.fits(&mut *store.view().await?).await? == Some(false) {
        bail!("its vault.key does not open the secrets in its store");
    }
    let head = store.begin_epoch().await?;
    store.close().await;
    Ok(head)
}

/// What is in the folder already. After an interrupted restore that had not come to the store, keys
/// alone are of that restore.
fn there(root: &Path, was_interrupted: bool) -> anyhow::Result<Vec<PathBuf>> {
    let is_leftover = was_interrupted && !root.join(STORE).exists();
    let mut there = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_ours = [LOCK, RESTORING, "lost+found"].contains(&&*name) || name.starts_with(BEFORE);
        if !(is_ours || is_leftover && FILES.contains(&&*name)) {
            there.push(entry.path());
        }
    }
    Ok(there)
}

/// Moves what is there into a folder of its own, and tells which.
fn put_aside(root: &Path, there: &[PathBuf]) -> anyhow::Result<Option<PathBuf>> {
    if there.is_empty() {
        return Ok(None);
    }
    let aside = root.join(format!("{BEFORE}{}", wall().as_ms()));
    private_folder(&aside).with_context(|| format!("cannot make {}", aside.display()))?;
    for path in there {
        if let Some(name) = path.file_name() {
            std::fs::rename(path, aside.join(name))
                .with_context(|| format!("cannot put {} aside", path.display()))?;
        }
    }
    File::open(&aside)?.sync_all()?;
    Ok(Some(aside))
}

fn tell(manifest: &Manifest, head: &Head, kept: Option<&Path>) {
    say(manifest.table());
    say(format!("restored at revision {}, under the new epoch {}", head.revision.0, head.epoch));
    say(
        "what was decided after the backup is gone; gateways begin anew from this at their next turn",
    );
    if let Some(kept) = kept {
        say(format!("what was there is in {}", kept.display()));
    }
}
