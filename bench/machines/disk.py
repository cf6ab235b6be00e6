"""A small disk that can be filled, with a database on it."""

import os
import subprocess
from pathlib import Path

from .postgres import Postgres

CHUNK = 1 << 20


class SmallDisk:
    """A tmpfs of its own."""

    def __init__(self, folder, mib):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0755", "tmpfs", self.folder], check=True)
        self.filler = self.folder / "filler"

    def fill(self):
        """Leaves no room."""
        with open(self.filler, "wb", buffering=0) as filler:
            for size in (CHUNK, 4096):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError:
                    continue

    def empty(self):
        self.filler.unlink(missing_ok=True)

    def remove(self):
        # The database may need a moment to let go.
        subprocess.run(["umount", "-l", self.folder], check=False)


def database_on(disk, folder):
    """A database with its tables on the small disk. Its log of changes is elsewhere: without that it would end
    itself when the disk is full, and this is about one that goes on and refuses."""
    postgres = Postgres(disk.folder, "database").make()
    postgres.stop()
    elsewhere = Path(folder) / "wal"
    (postgres.data / "pg_wal").rename(disk.folder / "wal-moved")
    subprocess.run(["cp", "-a", disk.folder / "wal-moved", elsewhere], check=True)
    subprocess.run(["rm", "-rf", disk.folder / "wal-moved"], check=True)
    os.symlink(elsewhere, postgres.data / "pg_wal")
    postgres.start()
    return postgres
