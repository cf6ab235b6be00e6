//! A PostgreSQL of one test alone: it may be killed, stand by for another one, and be promoted.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{INSTALL, PASSWORD, is_root, line_of, programs};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What every server is started with, beside where it listens.
const OPTIONS: &str = "-c fsync=off -c full_page_writes=off -c shared_buffers=16MB \
                       -c max_connections=100 -c wal_level=replica -c hot_standby=on";

/// Makes a folder, tells it, and ends what runs there when the input does.
const KEEPER: &str = r#"
set -eu
folder=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-server.XXXXXX")
chmod 755 "$folder"
end() {
    [ ! -f "$folder/data/postmaster.pid" ] \
        || "$BIN/pg_ctl" stop -D "$folder/data" -m immediate >/dev/null 2>&1 || :
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 1' HUP INT TERM
printf '%s\n' "$folder"
cat >/dev/null
"#;

/// The same, with the server's files on a disk of `$MIB` MiB of memory. Needs root.
const SMALL_DISK: &str = r#"
set -eu
folder=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-server.XXXXXX")
chmod 755 "$folder"
chown postgres: "$folder"
mkdir "$folder/data"
end() {
    [ ! -f "$folder/data/postmaster.pid" ] \
        || setpriv --reuid=postgres --regid=postgres --clear-groups \
            "$BIN/pg_ctl" stop -D "$folder/data" -m immediate >/dev/null 2>&1 || :
    umount "$folder/data" 2>/dev/null || umount -l "$folder/data" 2>/dev/null || :
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 1' HUP INT TERM
mount -t tmpfs -o "size=${MIB}m,mode=700,uid=$(id -u postgres),gid=$(id -g postgres)" tidegate "$folder/data"
printf '%s\n' "$folder"
cat >/dev/null
"#;

/// A server. It ends with this value, or with the test program.
pub struct Server {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    more: String,
    /// Its input is the pipe that closes when this program ends.
    keeper: Child,
}

impl Server {
    /// A new one, running, with an empty database `world`.
    pub fn start() -> Self {
        let server = Self::kept();
        server.make();
        server
    }

    /// The same on a port of the loopback interface, too, where it has TLS with this certificate.
    pub fn start_with_tls(port: u16, certificate: &str, key: &str) -> Self {
        let mut server = Self::kept();
        server.port = port;
        let folder = server.folder.display();
        server.more = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on \
             -c ssl_cert_file={folder}/server.pem -c ssl_key_file={folder}/server.key"
        );
        server.file("server.pem", certificate);
        server.file("server.key", key);
        server.make();
        server
    }

    /// A new one whose files are on a disk of this size; none where such a disk cannot be had, for which takes root.
    pub fn on_a_small_disk(mib: u32) -> Option<Self> {
        if !is_root() {
            return None;
        }
        let programs = programs().expect(INSTALL);
        let mut keeper = Command::new("sh");
        keeper.args(["-c", SMALL_DISK]).env("BIN", &programs).env("MIB", mib.to_string());
        let mut server = Self::kept_by(keeper, programs)?;
        server.more = "-c max_wal_size=8MB -c min_wal_size=4MB".to_owned();
        server.make();
        Some(server)
    }

    /// Fills its disk, but for so many KiB.
    pub fn fill(&self, but_kib: u32) {
        let filler = self.data().join("filler");
        let filler = filler.display();
        let fill = format!(
            "cat /dev/zero >'{filler}' 2>/dev/null || :; truncate -s -{but_kib}K '{filler}'"
        );
        done(owner("sh").args(["-c", &fill]));
    }

    /// Makes room on its disk again, and starts it if it has ended for want of that.
    pub fn make_room(&self) {
        done(owner("rm").arg("-f").arg(self.data().join("filler")));
        let deadline = Instant::now() + PATIENCE;
        let quiet = |command: &mut Command| {
            let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().expect("it runs").success()
        };
        while !quiet(self.client("pg_isready").args(["-d", "world"])) {
            if !quiet(self.program("pg_ctl").args(["status", "-D"]).arg(self.data())) {
                self.resume();
            }
            assert!(Instant::now() < deadline, "PostgreSQL does not come back: {}", self.log());
        }
    }

    fn make(&self) {
        let mut init = self.program("initdb");
        init.args(["-U", "tidegate", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
        done(
            init.args(["--no-sync", "--no-instructions", "--wal-segsize=1", "-D"]).arg(self.data()),
        );
        self.resume();
        done(self.client("createdb").arg("world"));
    }

    /// A standby of it, which every commit reaches before it is acknowledged.
    pub fn standby(&self) -> Self {
        let standby = Self::kept();
        let mut copy = self.client("pg_basebackup");
        done(copy.args(["-R", "-X", "stream", "-c", "fast", "-D"]).arg(standby.data()));
        standby.resume();
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.sql("ALTER SYSTEM SET synchronous_commit = 'remote_apply'");
        self.sql("SELECT pg_reload_conf()");
        let deadline = Instant::now() + PATIENCE;
        let following = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while self.sql(following) != "1" {
            assert!(Instant::now() < deadline, "the standby does not follow");
        }
        standby
    }

    /// Where its socket is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The URL of the database at a folder, which may lead to another server later.
    pub fn url_through(folder: &Path) -> String {
        format!("postgres://tidegate:{PASSWORD}@localhost/world?host={}", folder.display())
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        Self::url_through(&self.folder)
    }

    /// What a statement answers.
    pub fn sql(&self, sql: &str) -> String {
        let out = done(self.client("psql").args(["-d", "world", "-tAqc", sql]));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    /// SIGKILL to its first process; the others end by themselves.
    pub fn kill(&self) {
        let told = done(owner("cat").arg(self.data().join("postmaster.pid")));
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        let pid = told.lines().next().expect("it runs");
        done(owner("kill").args(["-KILL", pid]));
    }

    /// Starts it as it was left.
    pub fn resume(&self) {
        let folder = self.folder.display();
        let options = format!("-k '{folder}' -c listen_addresses= {OPTIONS} {}", self.more);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut start = self.program("pg_ctl");
            start.args(["start", "-w", "-l"]).arg(self.folder.join("server.log"));
            start.arg("-D").arg(self.data()).args(["-o", &options]);
            // The server would keep pipes open.
            start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if start.status().expect("pg_ctl runs").success() {
                return;
            }
            // What is left of one that was killed may still be ending.
            assert!(Instant::now() < deadline, "PostgreSQL does not start: {}", self.log());
        }
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        done(self.program("pg_ctl").args(["promote", "-w", "-D"]).arg(self.data()));
    }

    fn log(&self) -> String {
        let told = done(owner("cat").arg(self.folder.join("server.log")));
        String::from_utf8_lossy(&told.stdout).into_owned()
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A folder, and who looks after it.
    fn kept() -> Self {
        let programs = programs().expect(INSTALL);
        let mut keeper = owner("sh");
        keeper.args(["-c", KEEPER]).env("BIN", &programs);
        Self::kept_by(keeper, programs).expect("a folder for PostgreSQL")
    }

    /// The same, by another one; none if it has no folder.
    fn kept_by(mut keeper: Command, programs: PathBuf) -> Option<Self> {
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = keeper.spawn().expect("a shell starts");
        let folder = line_of(&mut keeper);
        if folder.is_empty() {
            return None;
        }
        Some(Self { folder: folder.into(), programs, port: 5432, more: String::new(), keeper })
    }

    fn file(&self, name: &str, text: &str) {
        let write = format!("umask 077; cat > '{}'", self.folder.join(name).display());
        let mut shell = owner("sh");
        let mut shell = shell.args(["-c", &write]).stdin(Stdio::piped()).spawn().expect("sh runs");
        shell.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it is written");
        assert!(shell.wait().expect("sh ends").success());
    }

    fn program(&self, name: &str) -> Command {
        owner(self.programs.join(name))
    }

    fn client(&self, name: &str) -> Command {
        let mut client = self.program(name);
        client.arg("--username=tidegate").arg("--host").arg(&self.folder);
        client.arg("--port").arg(self.port.to_string());
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// A program, run by a user who may run PostgreSQL: never root.
fn owner(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = if is_root() {
        let mut other = Command::new("setpriv");
        other.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        other
    } else {
        Command::new(program)
    };
    command.env("LC_ALL", "C.UTF-8").current_dir("/");
    command
}

fn done(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {told}");
    output
}
