//! A real PostgreSQL for tests: one private cluster a test program, one new database a test.
//!
//! It listens on a socket in a folder of its own and on no port, as a user who is not root, and it
//! ends with the test program however that ends: the shell that started it waits at a pipe that
//! closes then.

mod server;

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub use self::server::Server;

/// Starts a cluster, tells its folder, and ends it when the input does. Its own order of texts is
/// that of a language, so that no test passes because it happens to be that of bytes.
const SCRIPT: &str = r#"
set -eu
folder=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-postgres.XXXXXX")
cd "$folder"
end() {
    [ ! -f data/postmaster.pid ] || "$BIN/pg_ctl" stop -D data -m immediate >/dev/null 2>&1 || :
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 1' HUP INT TERM
{
    "$BIN/initdb" -D data -U tidegate -A trust -E UTF8 --locale=C.UTF-8 --locale-provider=icu \
        --icu-locale=en-US --no-sync --no-instructions
    "$BIN/pg_ctl" start -w -D data -l server.log -o "-k '$folder' -c listen_addresses= \
        -c fsync=off -c full_page_writes=off -c shared_buffers=32MB -c max_connections=200"
} >start.log 2>&1 </dev/null || { cat start.log server.log >&2; exit 1; }
printf '%s\n' "$folder"
cat >/dev/null
"#;

/// What to do when there is no PostgreSQL here.
const INSTALL: &str = "PostgreSQL 15 or later is missing, which the tests of the store need: \
                       install it, on Debian with `apt-get install postgresql`, or name the folder \
                       of its programs in PG_BIN";

/// A private cluster.
struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    databases: AtomicU32,
    /// Its input is the pipe that closes when this program ends.
    _shell: Child,
}

/// The URL of a new, empty database.
pub fn database() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let cluster = CLUSTER.get_or_init(Cluster::start);
    let name = format!("test_{}", cluster.databases.fetch_add(1, Ordering::Relaxed));
    let made = Command::new(cluster.programs.join("createdb"))
        .args(["--username=tidegate", "--maintenance-db=postgres", &name])
        .arg("--host")
        .arg(&cluster.folder)
        .status();
    assert!(made.expect("createdb runs").success(), "createdb");
    // Everybody is trusted; the password is there to be looked for where it must not be.
    let folder = cluster.folder.display();
    format!("postgres://tidegate:{PASSWORD}@localhost/{name}?host={folder}")
}

/// Dumps a database into a file and restores that into a new one, with PostgreSQL's own tools; the URL
/// of the new one.
pub fn dumped_and_restored(url: &str, dump: &std::path::Path) -> String {
    let programs = programs().expect(INSTALL);
    let restored = database();
    let run = |program: &str, words: &[&str]| {
        let done = Command::new(programs.join(program)).args(words).arg(dump).status();
        assert!(done.expect("it runs").success(), "{program}");
    };
    run("pg_dump", &["--format=custom", "--dbname", url, "--file"]);
    run("pg_restore", &["--no-owner", "--dbname", &restored]);
    restored
}

/// The password in the URL of each database.
pub const PASSWORD: &str = "hush-sPk41";

impl Cluster {
    fn start() -> Self {
        let programs = programs().expect(INSTALL);
        // PostgreSQL refuses to run as root; its package brings a user for it.
        let mut shell = if is_root() {
            let mut other = Command::new("setpriv");
            other.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
            other
        } else {
            Command::new("sh")
        };
        let mut shell = shell
            .args(["-c", SCRIPT])
            .env("BIN", &programs)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let told = line_of(&mut shell);
        assert!(!told.is_empty(), "PostgreSQL did not start");
        Self { folder: told.into(), programs, databases: AtomicU32::new(0), _shell: shell }
    }
}

/// The first line a process writes.
fn line_of(process: &mut Child) -> String {
    let mut told = String::new();
    let mut out = process.stdout.take().expect("a pipe");
    let mut byte = [0];
    while out.read(&mut byte).expect("the process is read") == 1 && byte != *b"\n" {
        told.push(char::from(byte[0]));
    }
    told
}

/// The folder of the latest PostgreSQL's programs.
fn programs() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("PG_BIN") {
        return Some(named.into());
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |name: &std::ffi::OsStr| name.to_str().and_then(|name| name.parse::<u32>().ok());
    let latest = versions.filter_map(|entry| number(&entry.file_name())).max()?;
    let folder = PathBuf::from(format!("/usr/lib/postgresql/{latest}/bin"));
    (latest >= 15 && folder.join("initdb").exists()).then_some(folder)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout.trim_ascii() == b"0"
}
