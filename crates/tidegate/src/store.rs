//! `tidegate store`: what is done with a store as a whole.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use tidegate_store::Store;
use tidegate_store::sql::{self, PostgresUrl, SqlStore};

use crate::clock::wall;
use crate::data::{DataDir, is_there};
use crate::database::{Database, DatabaseArg, may_use, postgres, sqlite};
use crate::exit::misused;
use crate::faults::Faults;
use crate::out::say;

/// About a store as a whole.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Copy everything from one store into another one, which must be empty.
    Copy(Copy),
    /// Begin a new history: for after a database went back to an earlier state.
    NewEpoch(NewEpoch),
    /// Say that this machine's clock is right: for after it, or the last decision's time, was wrong.
    TrustClock(TrustClock),
    /// Say that the feed's token is to be a new one: the next control node that starts has it.
    NewFeedToken(NewFeedToken),
}

/// A store, in a data folder or a database.
#[derive(Debug, Args)]
struct Which {
    /// The data folder, if the store is in it.
    #[arg(long, env = "TIDEGATE_DATA_DIR", default_value = crate::data::DEFAULT, value_name = "DIR")]
    data_dir: PathBuf,

    #[command(flatten)]
    database: DatabaseArg,
}

impl Which {
    async fn open(&self) -> anyhow::Result<SqlStore> {
        let data = DataDir::at(&self.data_dir);
        match self.database.read()? {
            Database::Postgres(url) => postgres(&url).await,
            Database::Sqlite if data.has_database()? => {
                may_use(&data.database())?;
                sqlite(&data.database()).await
            }
            Database::Sqlite => misused!("there is no store {}", data.database().display()),
        }
    }
}

/// Where.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  TIDEGATE_DATABASE=postgres://... tidegate store new-epoch

Gateways remember how far they have followed a history. After the database was restored from a dump
or a base backup it stands earlier in that history than they do; under a new name (epoch) they learn
everything anew at their next turn. `tidegate restore` does this by itself.")]
pub struct NewEpoch {
    #[command(flatten)]
    store: Which,
}

/// Where.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate store trust-clock --data-dir /var/lib/tidegate

A server decides nothing while its clock is not plausible: more than an hour ahead of what has passed since the
last decision, 31 days if the machine was started since, or more than an hour behind the last decision. Set the
clock if it is wrong. If it is right, this says so: the time of the last decision becomes now if it is later, and
the next decision is made at the time it is then. A server on SQLite is stopped first; one on PostgreSQL takes
notice within a second.

What was decided at a wrong time stays as it was decided: look at the journal for it.")]
pub struct TrustClock {
    #[command(flatten)]
    store: Which,
}

/// Where.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  (umask 077; openssl rand -hex 32 > new.token)      and to feed.token of every control node
  TIDEGATE_DATABASE=postgres://... tidegate store new-feed-token

All control nodes on a store have the same feed.token; one that has another is not started. To replace it, put the
new one in its place on every node, run this, and restart the nodes; then give it to the gateways.")]
pub struct NewFeedToken {
    #[command(flatten)]
    store: Which,
}

/// From where to where.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate store copy --from sqlite:data/tidegate.db --to postgres://tidegate@db.local/tidegate
  TIDEGATE_STORE_FROM=postgres://... tidegate store copy --to sqlite:data/tidegate.db

Stop the server first: what it writes after the copy has begun is not in it. The copy is made in one
transaction, so it is all there or nothing is; a digest of all rows must be the same on both sides.
The secrets stay sealed: vault.key, in the data folder, opens them wherever they are.

A password is better kept in the environment, or in ~/.pgpass, than on the command line.")]
pub struct Copy {
    /// The store to read: sqlite:FILE or a postgres:// URL.
    #[arg(long, env = "TIDEGATE_STORE_FROM", hide_env_values = true, value_name = "URL")]
    from: String,

    /// The store to fill: sqlite:FILE or a postgres:// URL.
    #[arg(long, env = "TIDEGATE_STORE_TO", hide_env_values = true, value_name = "URL")]
    to: String,
}

impl StoreCommand {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Copy(copy) => copy.run().await,
            Self::NewEpoch(epoch) => epoch.run().await,
            Self::TrustClock(trust) => trust.run().await,
            Self::NewFeedToken(token) => token.run().await,
        }
    }
}

impl Copy {
    async fn run(self) -> anyhow::Result<()> {
        let from = Place::read("--from", &self.from)?;
        let to = Place::read("--to", &self.to)?;
        if let Place::File(file) = from
            && !is_there(file)?
        {
            misused!("there is no store {}", file.display());
        }
        let (from, to) = (from.open().await?, to.open().await?);
        let copied = sql::copy(&from, &to).await.context("nothing was copied");
        from.close().await;
        to.close().await;
        let copied = copied?;
        for (table, rows) in &copied.tables {
            say(format!("{rows:>9} {table}"));
        }
        say(format!("the same on both sides: sha256 {}", copied.digest));
        Ok(())
    }
}

impl NewEpoch {
    async fn run(self) -> anyhow::Result<()> {
        let store = self.store.open().await?;
        let head = store.begin_epoch().await;
        store.close().await;
        let head = head?;
        say(format!("revision {}, under the new epoch {}", head.revision.0, head.epoch));
        Ok(())
    }
}

impl TrustClock {
    async fn run(self) -> anyhow::Result<()> {
        let now = wall();
        let store = self.store.open().await?;
        let before = store.trust_clock(now).await;
        store.close().await;
        let before = before?;
        if before > now {
            say(format!("the last decision was made at {before}; its time is {now} now"));
        } else {
            say(format!("the next decision may be made at {now}; the last one was at {before}"));
        }
        Ok(())
    }
}

impl NewFeedToken {
    async fn run(self) -> anyhow::Result<()> {
        let store = self.store.open().await?;
        let forgotten = store.forget_feed_check().await;
        store.close().await;
        forgotten?;
        say("the next control node that starts says what the feed's token is");
        Ok(())
    }
}

/// A store by itself, without a data folder.
enum Place<'a> {
    File(&'a Path),
    Server(PostgresUrl),
}

impl<'a> Place<'a> {
    fn read(option: &str, text: &'a str) -> Result<Self, Faults> {
        if let Some(file) = text.strip_prefix("sqlite:").filter(|file| !file.is_empty()) {
            return Ok(Self::File(Path::new(file)));
        }
        let read = PostgresUrl::parse(text).map(Self::Server);
        read.map_err(|fault| Faults(vec![format!("{option} {fault}, or sqlite:FILE")]))
    }

    async fn open(&self) -> anyhow::Result<SqlStore> {
        match self {
            Self::File(file) => sqlite(file).await,
            Self::Server(url) => postgres(url).await,
        }
    }
}
