"""A private PostgreSQL: on a socket in a folder of its own, and on no port."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path


class Postgres:
    """A cluster with one database, until it is ended."""

    def __init__(self):
        self._programs = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="tidegate-postgres-"))
        self._user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
        else:
            self._user = []
        data, log = self._folder / "data", self._folder / "log"
        self._run("initdb", "-D", data, "-U", "tidegate", "-A", "trust", "--no-sync")
        options = f"-k '{self._folder}' -c listen_addresses= -c fsync=off"
        self._run("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", options)
        self._run("createdb", "-h", self._folder, "-U", "tidegate", "tidegate")
        self.url = f"postgres://tidegate@localhost/tidegate?host={self._folder}"

    def _run(self, program: str, *words):
        command = [*self._user, self._programs / program, *words]
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self._folder,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def kill(self):
        """Ends it."""
        self._run("pg_ctl", "stop", "-D", self._folder / "data", "-m", "immediate")
        shutil.rmtree(self._folder)


def _programs() -> Path:
    if named := os.environ.get("PG_BIN"):
        return Path(named)
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max(versions, key=lambda path: int(path.parts[-3])).parent
