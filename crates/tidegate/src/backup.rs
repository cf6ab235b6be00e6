//! `tidegate backup`: everything a new machine needs, in one sealed file, made while the server runs.
//!
//! ```text
//! head: how the key is made | sealed: length of the manifest, manifest, file, file, ...
//! ```

mod content;
mod key;
mod restore;

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use tidegate_gateway::system_words;
use tidegate_seal::{Form, Opener, Sealer};
use tidegate_store::Store;
use tidegate_store::sql::{self, Contents, Schema, SqlStore};

use self::content::{Entry, FILES, Manifest};
use self::key::KeyArgs;
pub use self::restore::Restore;
use crate::clock::wall;
use crate::data::{DataDir, FEED_TOKEN, KIND, STORE, TOKEN, is_there};
use crate::database::{Database, DatabaseArg, may_use};
use crate::durable;
use crate::exit::{Misused, misused};
use crate::out::{Output, Table, say};

/// How the content is sealed.
const FORM: Form = Form { magic: *b"tidegate-sealed\0", version: 1, purpose: "tidegate backup" };

/// How much is read or written at a time.
const BUFFER: usize = 1 << 20;

/// Make a backup, or look at one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  tidegate backup /backups/tidegate-monday --pass-phrase-file /etc/tidegate/pass-phrase
  tidegate backup show /backups/tidegate-monday
  openssl rand -hex 32 > backup.key; tidegate backup /backups/today --key-file backup.key

It holds the store, vault.key and operator.token, sealed: who has the file but not the pass phrase or
the key learns nothing. The server may go on meanwhile; the backup is of one moment.

A store on PostgreSQL is backed up with PostgreSQL's tools: see docs/run/backup.md.")]
pub struct Backup {
    #[command(subcommand)]
    command: Option<BackupCommand>,

    /// The file to make; it must not be there.
    #[arg(required = true)]
    file: Option<PathBuf>,

    /// The data folder.
    #[arg(long, env = "TIDEGATE_DATA_DIR", default_value = crate::data::DEFAULT, value_name = "DIR")]
    data_dir: PathBuf,

    #[command(flatten)]
    database: DatabaseArg,

    #[command(flatten)]
    key: KeyArgs,
}

/// About a backup that is there.
#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Check a whole backup and tell what is in it, without its secrets.
    Show(Show),
}

/// What to look at.
#[derive(Debug, Args)]
struct Show {
    /// The backup.
    file: PathBuf,

    /// How to print.
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,

    #[command(flatten)]
    key: KeyArgs,
}

impl Backup {
    /// Carries it out.
    pub async fn run(self) -> anyhow::Result<()> {
        if let Some(BackupCommand::Show(show)) = &self.command {
            return show.run();
        }
        let Some(file) = &self.file else { misused!("name the file to make") };
        if let Database::Postgres(url) = self.database.read()? {
            misused!(
                "the store is at {url}: save it with pg_dump, and vault.key and operator.token of {} \
                 with it; see docs/run/backup.md",
                self.data_dir.display()
            );
        }
        if is_there(file)? {
            misused!("{} is there already", file.display());
        }
        let data = DataDir::at(&self.data_dir);
        if !data.has_database()? {
            misused!("there is no store {}", data.database().display());
        }
        may_use(&data.database())?;
        if let Some(fault) = sql::sqlite_fault(&data.database()) {
            bail!(fault);
        }
        let key = self.key.for_new()?;
        let staging = Staging::begin(&data)?;
        let (manifest, parts) = gather(&data, &staging).await?;
        durable::write_with(file, |to| {
            let mut to = BufWriter::with_capacity(BUFFER, to);
            to.write_all(&key.head)?;
            let mut sealer = Sealer::new(&FORM, &key.key, to)?;
            content::write(&manifest, &parts, &mut sealer)?;
            let to = sealer.finish()?.into_inner().map_err(|error| error.into_error())?;
            Ok(to)
        })?;
        drop(staging);
        say(manifest.table());
        say(format!("made {}", file.display()));
        Ok(())
    }
}

impl Show {
    fn run(&self) -> anyhow::Result<()> {
        let manifest = read(&self.file, &self.key, |_, rest| {
            std::io::copy(rest, &mut std::io::sink())?;
            Ok(())
        })?;
        self.output.print(&serde_json::to_value(&manifest)?, |_| manifest.table());
        Ok(())
    }
}

/// Reads a backup to its end. `take` gets each file's name and content; what it gets is believed only
/// once this has returned.
fn read(
    file: &Path,
    key: &KeyArgs,
    take: impl FnMut(&Entry, &mut dyn std::io::Read) -> anyhow::Result<()>,
) -> anyhow::Result<Manifest> {
    let name = file.display();
    let opened = File::open(file)
        .map_err(|error| Misused(format!("{name} cannot be read: {}", system_words(&error))))?;
    let mut from = BufReader::with_capacity(BUFFER, opened);
    let refused = |error: std::io::Error| key::told(error).context(format!("{name} is refused"));
    let key = key.for_old(&mut from).with_context(|| format!("{name} is refused"))?;
    let mut opener = Opener::new(&FORM, &key, from).map_err(refused)?;
    content::read(&mut opener, take).with_context(|| format!("{name} is refused"))
}

/// A folder for the copy of the store, within the data folder: it is no less private than the store.
/// It goes when this is dropped, or before the next backup is made.
struct Staging {
    folder: PathBuf,
    _lock: File,
}

impl Staging {
    fn begin(data: &DataDir) -> anyhow::Result<Self> {
        let lock = data.root().join("backup.lock");
        let folder = data.root().join("backup.tmp");
        let lock = match durable::create(&lock) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                File::options().write(true).open(&lock)
            }
            made => made,
        };
        let lock = lock.with_context(|| {
            format!("the data folder {} cannot be written to", data.root().display())
        })?;
        if lock.try_lock().is_err() {
            bail!("another backup of this folder is being made");
        }
        let staging = Self { folder, _lock: lock };
        staging
            .clear()
            .and_then(|()| private_folder(&staging.folder))
            .with_context(|| format!("cannot make the folder {}", staging.folder.display()))?;
        Ok(staging)
    }

    fn clear(&self) -> std::io::Result<()> {
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The next backup removes it otherwise.
        let _ = self.clear();
    }
}

/// Makes a folder for its owner's eyes only.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Copies the store as it is at one moment, and tells what goes into the backup.
async fn gather(
    data: &DataDir,
    staging: &Staging,
) -> anyhow::Result<(Manifest, Vec<(Entry, PathBuf)>)> {
    let original = data.database();
    let saved = staging.folder.join(STORE);
    durable::create(&saved)?;
    let source = SqlStore::read_sqlite(&original).await?;
    source.save_as(&saved).await.context("the store cannot be copied")?;
    drop(source);
    let (schema, contents, head) = {
        let copy = SqlStore::read_sqlite(&saved).await?;
        sound(&copy).await.context("the store is not sound, so nothing was saved")?;
        let mut view = copy.view().await?;
        let head = view.head().await?;
        // What nobody could open again is no backup.
        let vault = data.vault(Some(original.display().to_string()))?;
        if vault.fits(&mut *view).await? == Some(false) {
            bail!("vault.key does not open the secrets in the store, so nothing was saved");
        }
        drop(view);
        (copy.schema().await?, sql::contents(&copy).await?, head)
    };
    let mut parts = Vec::new();
    for name in FILES {
        let path = if name == STORE { saved.clone() } else { data.root().join(name) };
        let bytes = match path.metadata() {
            Ok(found) => found.len(),
            // Made at the first start; a folder that was only applied to has none.
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound
                    && [TOKEN, FEED_TOKEN, KIND].contains(&name) =>
            {
                continue;
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        parts.push((Entry { name: name.to_owned(), bytes }, path));
    }
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: wall().to_string(),
        schema: schema.step.unwrap_or_default(),
        epoch: head.epoch,
        revision: head.revision.0,
        decided_at: head.decided_at.to_string(),
        rows: contents.tables.iter().map(|(_, rows)| rows).sum(),
        digest: contents.digest,
        files: parts.iter().map(|(entry, _)| entry.clone()).collect(),
    };
    Ok((manifest, parts))
}

/// Is the structure of the file as SQLite wants it?
async fn sound(store: &SqlStore) -> anyhow::Result<()> {
    match store.faults().await?.as_slice() {
        [] => Ok(()),
        faults => bail!("SQLite finds: {}", faults.join("; ")),
    }
}

impl Manifest {
    /// For people.
    fn table(&self) -> String {
        let mut table = Table::new(&["what", "is"]);
        let mut row = |what: &str, is: String| table.row(vec![what.to_owned(), is]);
        row("made at", self.made_at.clone());
        row("by tidegate", self.version.clone());
        row("schema", self.schema.clone());
        row("epoch", self.epoch.clone());
        row("revision", self.revision.to_string());
        row("last decision", self.decided_at.clone());
        row("rows", format!("{}, sha256 {}", self.rows, self.digest));
        for file in &self.files {
            row("file", format!("{}, {} bytes", file.name, file.bytes));
        }
        table.text()
    }

    /// Are these the rows it was made of? Rows of an earlier schema look otherwise once they are
    /// brought up to date, so those are not compared.
    fn holds(&self, contents: &Contents) -> bool {
        self.schema != Schema::newest() || self.digest == contents.digest
    }
}
