//! The data folder: all that one installation keeps.
//!
//! | File | What |
//! |---|---|
//! | `tidegate.db` | the store, if it is not on a server |
//! | `vault.key` | opens the secrets in the store; made once, worthless to lose |
//! | `gate.snapshot` | what the gateway knew, sealed; no loss if it is lost |
//! | `gate.key` | seals it; no loss either |
//! | `gateway.id` | names the gateway of this folder to the control side |
//! | `operator.token` | opens the operator's routes |
//! | `feed.token` | what gateways that are not reached over TLS prove to have |
//! | `folder.kind` | whether it is a development server's, which no other server works on, or the reverse |
//! | `tidegate.lock` | held by the process that works on the folder |
//! | `server.json` | where a running server listens |
//! | `backup.lock`, `backup.tmp` | while a backup is made |
//! | `restore.tmp`, `before-...` | while a restore is made; what it replaced |
//! | `clock.json`, `dev.json` | of a development server: its clock, its users' keys |

use std::fs::{File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidegate_control::Vault;
use tidegate_feed::FeedToken;
use tidegate_gateway::{SealingKey, SnapshotFile, system_words};
use tidegate_sign::Secret;

use crate::durable;
use crate::exit::misused;
use crate::random;

/// The store's file.
pub const STORE: &str = "tidegate.db";
/// The file of the vault's key.
pub const VAULT: &str = "vault.key";
/// The file of the operator's token.
pub const TOKEN: &str = "operator.token";
/// The file of the feed's token.
pub const FEED_TOKEN: &str = "feed.token";
/// Whose folder it is.
pub const KIND: &str = "folder.kind";
/// The file of the key that seals the gateway's snapshot.
pub const SNAPSHOT_KEY: &str = "gate.key";
/// The gateway's snapshot.
pub const SNAPSHOT: &str = "gate.snapshot";
/// What names the gateway.
pub const GATEWAY_ID: &str = "gateway.id";
/// Where a running server listens.
pub const SERVER: &str = "server.json";
/// Files nobody but the owner may read.
pub const PRIVATE: [&str; 6] = [VAULT, TOKEN, FEED_TOKEN, STORE, SNAPSHOT_KEY, SNAPSHOT];
/// The folder of a server, unless another one is named.
pub const DEFAULT: &str = "./data";
/// The folder of a development server, unless another one is named.
pub const DEV_DEFAULT: &str = "./dev-data";
/// Held by the process that works on the folder.
pub const LOCK: &str = "tidegate.lock";
/// There while a restore is made.
pub const RESTORING: &str = "restore.tmp";
/// What the name of a folder with replaced files begins with.
pub const BEFORE: &str = "before-";

/// The folder.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

/// Whose folder it is. A development server gives everybody its clock and its users' keys, so it works on
/// no other server's folder; and what was decided there is of no worth to another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderKind {
    /// Of `tidegate dev`.
    Dev,
    /// Of any other server.
    Real,
}

impl FolderKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Real => "real",
        }
    }
}

/// The key that seals the gateway's snapshot, as it is kept.
#[derive(Debug, PartialEq, Eq)]
pub enum SnapshotKey {
    /// There is none.
    Missing,
    /// Its file holds something else.
    Damaged,
    /// It can be used.
    Kept([u8; SealingKey::LEN]),
}

/// The folder a command looks into: that of a server or, where none has left word, of a development
/// server.
pub fn for_commands() -> &'static str {
    let has_server = |folder: &str| DataDir::at(Path::new(folder)).server_file().exists();
    if !has_server(DEFAULT) && has_server(DEV_DEFAULT) { DEV_DEFAULT } else { DEFAULT }
}

/// The right to work on a folder, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Hold {
    _lock: File,
}

/// Where a running server listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// The control address, as `http://host:port`, if it has a control side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    /// Where gateways on other machines ask, if they can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<SocketAddr>,
    /// The gateway address, as `http://host:port`, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The address of the check service over HTTP, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The address of the check service over gRPC, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_authz: Option<String>,
    /// The address of the metrics, if they are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
    /// Is it a development server?
    pub dev: bool,
}

impl DataDir {
    /// The folder at `root`, made if there is none, for its owner's eyes only.
    pub fn create(root: &Path) -> anyhow::Result<Self> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(root)
            .with_context(|| format!("cannot make the data folder {}", root.display()))?;
        Ok(Self::at(root))
    }

    /// The folder at `root`, which need not be there.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Is there a store that this folder belongs to: its file, or the key to one on a server?
    pub fn has_store(&self) -> anyhow::Result<bool> {
        Ok(self.has_database()? || self.has_vault()?)
    }

    /// Is the store's file there? An empty one holds no store.
    pub fn has_database(&self) -> anyhow::Result<bool> {
        let file = self.database();
        Ok(is_there(&file)? && std::fs::metadata(&file).map_or(true, |found| found.len() > 0))
    }

    /// What a start is refused with when the store of a folder is gone; none as long as it is there, or there never
    /// was one.
    pub fn lost_database(&self) -> anyhow::Result<Option<String>> {
        if self.has_database()? || !self.has_vault()? {
            return Ok(None);
        }
        let state = if is_there(&self.database())? { "empty" } else { "missing" };
        Ok(Some(self.lost(state)))
    }

    /// The same, for what has become of the store.
    pub fn lost(&self, state: &str) -> String {
        format!(
            "the store {} is {state}, though its key (vault.key) is there",
            self.database().display()
        )
    }

    /// The store's file.
    pub fn database(&self) -> PathBuf {
        self.root.join(STORE)
    }

    /// The moved clock's file.
    pub fn clock(&self) -> PathBuf {
        self.root.join("clock.json")
    }

    /// The development server's file.
    pub fn dev(&self) -> PathBuf {
        self.root.join("dev.json")
    }

    fn server_file(&self) -> PathBuf {
        self.root.join(SERVER)
    }

    /// Takes the folder; none when another process works on it.
    pub fn hold(&self) -> anyhow::Result<Option<Hold>> {
        let path = self.root.join(LOCK);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let lock = options.open(&path).map_err(|error| not_opened(&path, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Hold { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    /// Fails if the folder could not be taken for another reason than that somebody works on it. Makes and takes
    /// nothing.
    pub fn can_be_held(&self) -> anyhow::Result<()> {
        let path = self.root.join(LOCK);
        if is_there(&path)? {
            let opened = OpenOptions::new().write(true).open(&path);
            opened.map_err(|error| not_opened(&path, &error))?;
        }
        Ok(())
    }

    /// Whether a process works on the folder. Makes nothing.
    pub fn is_held(&self) -> anyhow::Result<bool> {
        Ok(is_there(&self.root.join(LOCK))? && self.hold()?.is_none())
    }

    /// Takes the folder, or tells that another process works on it.
    pub fn hold_or_fail(&self) -> anyhow::Result<Hold> {
        self.hold()?.with_context(|| {
            format!("another process works on the data folder {}", self.root.display())
        })
    }

    /// Refused while a restore of this folder is not done.
    pub fn is_whole(&self) -> anyhow::Result<()> {
        if is_there(&self.root.join(RESTORING))? {
            bail!(
                "a restore into the data folder {} was interrupted; run it again, with --force if it \
                 says that the folder is not empty",
                self.root.display()
            );
        }
        Ok(())
    }

    /// Marks the folder as one of this kind; refused if it is of the other.
    pub fn claim(&self, kind: FolderKind) -> anyhow::Result<()> {
        self.suits(kind)?;
        let mark = self.root.join(KIND);
        if is_there(&mark)? {
            return Ok(());
        }
        durable::write(&mark, format!("{}\n", kind.name()).as_bytes())
    }

    /// Refused if the folder is of the other kind.
    pub fn suits(&self, kind: FolderKind) -> anyhow::Result<()> {
        let name = self.root.display();
        match (self.kind()?, kind) {
            (Some(FolderKind::Real), FolderKind::Dev) => misused!(
                "the data folder {name} is not a development server's, and `tidegate dev` gives everybody \
                 its clock and its users' keys: name another folder with --data-dir"
            ),
            (Some(FolderKind::Dev), FolderKind::Real) => misused!(
                "the data folder {name} is a development server's: its clock may have been moved, and its \
                 users' keys are written in it"
            ),
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// Whose folder it is; none of a new one. Older versions left no mark.
    pub fn kind(&self) -> anyhow::Result<Option<FolderKind>> {
        let path = self.root.join(KIND);
        if let Some(text) = read(&path)? {
            let known = [FolderKind::Dev, FolderKind::Real];
            let kind = known.into_iter().find(|kind| kind.name() == text.trim());
            return kind.map(Some).with_context(|| {
                format!(
                    "{} {}; expected `real`, of a server's folder, or `dev`, of a development server's",
                    path.display(),
                    content(&text)
                )
            });
        }
        for (kind, names) in [
            (FolderKind::Dev, &["dev.json", "clock.json"][..]),
            (FolderKind::Real, &[STORE, VAULT, TOKEN, GATEWAY_ID]),
        ] {
            for name in names {
                if is_there(&self.root.join(name))? {
                    return Ok(Some(kind));
                }
            }
        }
        Ok(None)
    }

    /// The vault of this folder. Its key is made with the folder and never again: secrets sealed
    /// with a lost key cannot be opened by a new one.
    /// `holding` names a store that may hold secrets.
    pub fn vault(&self, holding: Option<String>) -> anyhow::Result<Vault> {
        if let Some(vault) = self.kept_vault()? {
            return Ok(vault);
        }
        let path = self.root.join(VAULT);
        if let Some(store) = holding {
            bail!(
                "{} is missing, so the secrets in {store} cannot be opened; bring the key \
                 back from your backup",
                path.display()
            );
        }
        let key = Vault::draw_key()?;
        durable::write(&path, format!("{}\n", random::hex(&key)).as_bytes())?;
        Ok(Vault::new(&key)?)
    }

    /// The vault of this folder, if its key was made.
    pub fn kept_vault(&self) -> anyhow::Result<Option<Vault>> {
        let path = self.root.join(VAULT);
        let Some(text) = read(&path)? else { return Ok(None) };
        let vault = unhex(text.trim()).and_then(|key| Vault::new(&key).ok());
        vault
            .map(Some)
            .with_context(|| format!("{} holds no key: it has 64 hex digits", path.display()))
    }

    /// Whether the key to the store's secrets is there.
    pub fn has_vault(&self) -> anyhow::Result<bool> {
        is_there(&self.root.join(VAULT))
    }

    /// The gateway's snapshot. A key that is lost or damaged is made anew: what it sealed is then learnt from
    /// the store.
    pub fn gate_snapshot(&self) -> anyhow::Result<SnapshotFile> {
        let key = match self.snapshot_key()? {
            SnapshotKey::Kept(key) => key,
            SnapshotKey::Missing | SnapshotKey::Damaged => {
                let key = random::bytes::<{ SealingKey::LEN }>()?;
                let text = format!("{}\n", random::hex(&key));
                durable::write(&self.root.join(SNAPSHOT_KEY), text.as_bytes())?;
                key
            }
        };
        Ok(SnapshotFile::new(self.root.join(SNAPSHOT), SealingKey::new(key)))
    }

    /// The key of the gateway's snapshot, as it is kept. Makes nothing.
    pub fn snapshot_key(&self) -> anyhow::Result<SnapshotKey> {
        let path = self.root.join(SNAPSHOT_KEY);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(SnapshotKey::Missing);
            }
            Err(error) => return Err(unreadable(&path, &error)),
        };
        let key =
            String::from_utf8(bytes).ok().and_then(|text| unhex(text.trim())?.try_into().ok());
        Ok(key.map_or(SnapshotKey::Damaged, SnapshotKey::Kept))
    }

    /// What names this folder's gateway, made at the first start. No two gateways may have the same, so
    /// a folder is not copied to make a second one.
    pub fn gateway_id(&self) -> anyhow::Result<String> {
        if let Some(id) = self.kept_gateway_id()? {
            return Ok(id);
        }
        let id = random::hex(&random::bytes::<16>()?);
        durable::write(&self.root.join(GATEWAY_ID), format!("{id}\n").as_bytes())?;
        Ok(id)
    }

    /// What names this folder's gateway, if it was made.
    pub fn kept_gateway_id(&self) -> anyhow::Result<Option<String>> {
        let path = self.root.join(GATEWAY_ID);
        let Some(text) = read(&path)? else { return Ok(None) };
        let id = text.trim();
        if id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Some(id.to_owned()));
        }
        bail!("{} holds no id: it has 32 hex digits", path.display())
    }

    /// The operator's token, made at the first start.
    pub fn operator_token(&self) -> anyhow::Result<Secret> {
        if let Some(token) = self.kept_operator_token()? {
            return Ok(token);
        }
        let token = random::hex(&random::bytes::<32>()?);
        durable::write(&self.operator_file(), format!("{token}\n").as_bytes())?;
        Ok(Secret::new(token))
    }

    /// The operator's token, if it was made.
    pub fn kept_operator_token(&self) -> anyhow::Result<Option<Secret>> {
        let path = self.operator_file();
        match read(&path)? {
            Some(text) if text.trim().len() >= 32 => Ok(Some(Secret::new(text.trim()))),
            Some(_) => bail!("{} holds no token: it has 32 characters at least", path.display()),
            None => Ok(None),
        }
    }

    fn operator_file(&self) -> PathBuf {
        self.root.join(TOKEN)
    }

    /// The token of a control side's feed, in `file` or in this folder; made at the first start. Control
    /// nodes of one installation have the same, as they have the same vault key.
    pub fn feed_token(&self, file: Option<&Path>) -> anyhow::Result<FeedToken> {
        if let Some(token) = self.kept_feed_token(file)? {
            return Ok(token);
        }
        let path = file.map_or_else(|| self.root.join(FEED_TOKEN), Path::to_owned);
        let token = random::hex(&random::bytes::<32>()?);
        durable::write_new(&path, format!("{token}\n").as_bytes())?;
        // Another control node may have been first.
        self.kept_feed_token(file)?.with_context(|| format!("{} is gone", path.display()))
    }

    /// The same, if it was made: what a gateway has.
    pub fn kept_feed_token(&self, file: Option<&Path>) -> anyhow::Result<Option<FeedToken>> {
        let path = file.map_or_else(|| self.root.join(FEED_TOKEN), Path::to_owned);
        let Some(text) = read(&path)? else { return Ok(None) };
        let token = FeedToken::parse(&text);
        token.map(Some).with_context(|| {
            format!("{} holds no token of a feed: it has 64 hex digits", path.display())
        })
    }

    /// Tells other processes where the server listens.
    pub fn tell_server(&self, server: &Server) -> anyhow::Result<()> {
        durable::write(&self.server_file(), &serde_json::to_vec_pretty(server)?)
    }

    /// The server is gone.
    pub fn forget_server(&self) {
        // Nobody minds a leftover: it is only believed together with the lock.
        let _ = std::fs::remove_file(self.server_file());
    }

    /// Where the server of this folder listens, if one was told of.
    pub fn server(&self) -> anyhow::Result<Option<Server>> {
        read_json(&self.server_file())
    }
}

/// A file's text; none when there is no such file.
pub fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow!("{} cannot be read: {}", path.display(), system_words(error))
}

fn not_opened(path: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow!("{} cannot be opened: {}", path.display(), system_words(error))
}

/// The most characters that are quoted of a file.
const QUOTED: usize = 40;

/// What a file holds, in words: the beginning of it.
fn content(text: &str) -> String {
    let text = text.trim();
    let mut quoted: String = text.chars().take(QUOTED).collect();
    if quoted.is_empty() {
        return "is empty".to_owned();
    }
    if quoted.len() < text.len() {
        quoted.push('…');
    }
    format!("holds `{quoted}`")
}

/// Whether something is there; an error when this user may not know.
pub fn is_there(path: &Path) -> anyhow::Result<bool> {
    path.try_exists().map_err(|error| {
        anyhow!("{} cannot be looked at: {}", path.display(), system_words(&error))
    })
}

/// The value in a JSON file; none when there is no such file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    let Some(text) = read(path)? else {
        return Ok(None);
    };
    let value = serde_json::from_str(&text)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Some(value))
}

/// Bytes from hex digits; none if they are not.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| (c as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| match *pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_folder_gets_a_key_and_a_token_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep/data");
        let data = DataDir::create(&root).unwrap();
        data.vault(None).unwrap();
        let key = std::fs::read_to_string(root.join("vault.key")).unwrap();
        data.vault(None).unwrap();
        assert_eq!(std::fs::read_to_string(root.join("vault.key")).unwrap(), key, "kept");
        let token = data.operator_token().unwrap();
        assert_eq!(data.operator_token().unwrap().expose(), token.expose(), "kept");
        #[cfg(unix)]
        {
            assert_eq!(mode(&root), 0o700);
            assert_eq!(mode(&root.join("vault.key")), 0o600);
            assert_eq!(mode(&root.join("operator.token")), 0o600);
        }
    }

    #[test]
    fn a_folder_is_a_development_servers_or_it_is_not() {
        use FolderKind::{Dev, Real};
        for (leftover, dev, real) in [
            (None, true, true),
            (Some("dev.json"), true, false),
            (Some("clock.json"), true, false),
            (Some("tidegate.db"), false, true),
            (Some("vault.key"), false, true),
            (Some("gateway.id"), false, true),
        ] {
            for (kind, other, may) in [(Dev, Real, dev), (Real, Dev, real)] {
                let dir = tempfile::tempdir().unwrap();
                let data = DataDir::create(dir.path()).unwrap();
                if let Some(name) = leftover {
                    std::fs::write(dir.path().join(name), "").unwrap();
                }
                assert_eq!(data.claim(kind).is_ok(), may, "{leftover:?} {kind:?}");
                if may {
                    assert!(data.claim(kind).is_ok() && data.claim(other).is_err(), "it is marked");
                } else {
                    assert!(!dir.path().join(KIND).exists(), "nothing is changed");
                }
            }
        }
    }

    #[test]
    fn the_token_of_the_feed_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::create(dir.path()).unwrap();
        assert!(data.kept_feed_token(None).unwrap().is_none());
        let elsewhere = dir.path().join("shared.token");
        for (file, path) in
            [(None, dir.path().join("feed.token")), (Some(&*elsewhere), elsewhere.clone())]
        {
            data.feed_token(file).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            data.feed_token(file).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "kept");
            assert!(data.kept_feed_token(file).unwrap().is_some());
            #[cfg(unix)]
            assert_eq!(mode(&path), 0o600);
            std::fs::write(&path, "secret").unwrap();
            let error = data.feed_token(file).err().unwrap().to_string();
            assert!(error.contains("64 hex digits") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_key_of_the_gates_snapshot_is_kept_and_replaced_when_it_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::create(dir.path()).unwrap();
        let path = dir.path().join("gate.key");
        let key = || {
            data.gate_snapshot().unwrap();
            std::fs::read_to_string(&path).unwrap()
        };
        let first = key();
        assert_eq!(key(), first, "kept");
        std::fs::write(&path, "abc").unwrap();
        assert_ne!(key(), first);
        #[cfg(unix)]
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn the_id_of_the_gateway_is_kept_and_never_guessed() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::create(dir.path()).unwrap();
        let id = data.gateway_id().unwrap();
        assert_eq!((data.gateway_id().unwrap(), id.len()), (id, 32), "kept");
        std::fs::write(dir.path().join("gateway.id"), "gate").unwrap();
        assert!(data.gateway_id().is_err());
    }

    #[test]
    fn a_store_without_its_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::create(dir.path()).unwrap();
        let error = data.vault(Some("the store".to_owned())).err().unwrap().to_string();
        assert!(error.contains("vault.key is missing"), "{error}");
        assert!(!dir.path().join("vault.key").exists(), "no new key is made");
        std::fs::write(dir.path().join("vault.key"), "abc").unwrap();
        assert!(data.vault(None).is_err());
    }

    #[test]
    fn one_process_at_a_time_holds_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::create(dir.path()).unwrap();
        let hold = data.hold().unwrap();
        assert!(hold.is_some());
        assert!(data.hold().unwrap().is_none());
        assert!(data.hold_or_fail().is_err());
        drop(hold);
        assert!(data.hold().unwrap().is_some());
    }

    #[test]
    fn hex_is_read_back() {
        assert_eq!(unhex("00ff1A"), Some(vec![0, 255, 26]));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("zz"), None);
        assert_eq!(unhex("+1"), None);
    }
}
