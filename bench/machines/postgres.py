"""A private PostgreSQL on a loopback port: started, killed, followed by a standby that takes over."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from processes import free_port

# As it ships, but for size: what is acknowledged is on the disk.
SETTINGS = {
    "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "shared_buffers": "128MB",
    "max_connections": 100, "wal_level": "replica", "max_wal_senders": 8, "hot_standby": "on",
    "wal_keep_size": "256MB", "log_min_messages": "fatal",
}
PATIENCE_S = 60


def programs():
    """The folder of the latest PostgreSQL's programs."""
    if named := os.environ.get("PG_BIN"):
        return Path(named)
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent


class Postgres:
    """One server. It does not run as root, so its folder belongs to the user of its package."""

    def __init__(self, folder, name, port=None):
        self.home, self.name, self.port = Path(folder) / name, name, port or free_port()
        self.data = self.home / "data"
        if not self.home.exists():
            self.home.mkdir(parents=True)
            if os.getuid() == 0:
                shutil.chown(self.home, "postgres", "postgres")
                for parent in (self.home.parent, *self.home.parent.parents[:2]):
                    if parent.stat().st_uid == 0 and parent != Path("/"):
                        parent.chmod(parent.stat().st_mode | 0o011)

    def run(self, program, *words, check=True, quiet=True):
        command = [programs() / program, *words]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        # Its server keeps what it inherits, so it is given no pipe of ours.
        with open(self.home / "out.log", "a") as log:
            done = subprocess.run(list(map(str, command)), cwd=self.home, stdin=subprocess.DEVNULL,
                                  stdout=log if quiet else subprocess.PIPE, stderr=log, text=True)
        if check and done.returncode:
            raise RuntimeError(f"{program}: {(self.home / 'out.log').read_text()[-2000:]}")
        return done

    def make(self):
        """Makes the cluster and starts it."""
        self.run("initdb", "-D", self.data, "-U", "tidegate", "-A", "trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-instructions")
        self.start()
        self.run("createdb", *self.to("postgres"), "tidegate")
        return self

    def start(self):
        settings = [f"-c {name}='{value}'" for name, value in (SETTINGS | {"port": self.port}).items()]
        until = time.monotonic() + PATIENCE_S
        # After a kill the last of its processes may still be going.
        while self.run("pg_ctl", "start", "-w", "-D", self.data, "-l", self.home / "server.log",
                       "-o", " ".join(settings), check=False).returncode:
            if time.monotonic() > until:
                raise RuntimeError((self.home / "server.log").read_text()[-2000:])
            time.sleep(0.05)

    def stop(self):
        if self.data.exists():
            self.run("pg_ctl", "stop", "-D", self.data, "-m", "immediate", check=False)

    def remove(self):
        """Ends it, and forgets what it kept."""
        self.stop()
        shutil.rmtree(self.home)

    def pid(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def kill(self):
        """SIGKILL for its first process; the others end when they notice."""
        os.kill(self.pid(), signal.SIGKILL)

    def standby(self, name):
        """A new server that follows this one."""
        other = Postgres(self.home.parent, name)
        self.run("pg_basebackup", "-h", "127.0.0.1", "-p", self.port, "-U", "tidegate", "-D", other.data,
                 "-X", "stream", "-R", "-c", "fast", "-d", f"application_name={name}")
        other.start()
        return other

    def wait_for_each_commit_at(self, standby):
        """From now on a commit is acknowledged when the standby has it, too."""
        self.sql(f"ALTER SYSTEM SET synchronous_standby_names = '\"{standby.name}\"'")
        self.sql("SELECT pg_reload_conf()")
        query = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        until = time.monotonic() + PATIENCE_S
        while self.sql(query) != "1":
            if time.monotonic() > until:
                raise RuntimeError("the standby does not follow")
            time.sleep(0.02)

    def promote(self):
        self.run("pg_ctl", "promote", "-w", "-D", self.data)
        self.sql("ALTER SYSTEM RESET synchronous_standby_names")
        self.sql("SELECT pg_reload_conf()")

    def sql(self, text, database="tidegate"):
        return self.run("psql", *self.to(database), "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", text,
                        quiet=False).stdout.strip()

    def copy(self, table, rows):
        """Puts rows, in COPY's text form, into a table."""
        file = self.home / f"{table}.rows"
        file.write_text(rows)
        self.run("psql", *self.to("tidegate"), "-qX", "-v", "ON_ERROR_STOP=1", "-c", f"\\copy {table} FROM '{file}'")
        file.unlink()

    def to(self, database):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "tidegate",
                *(["-d", database] if database != "postgres" else [])]

    def url(self):
        return f"postgres://tidegate@127.0.0.1:{self.port}/tidegate"

    def cpu_seconds(self):
        """Time on a CPU of its processes that are there now, and of those that have ended."""
        total, ticks = 0, os.sysconf("SC_CLK_TCK")
        first = self.pid()
        for pid in [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]:
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += sum(map(int, fields[11:15] if pid == first else fields[11:13]))
        return total / ticks
