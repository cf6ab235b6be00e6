"""Programs that are started here, and ended by their id."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

START_SECONDS = 30


class Process:
    """A program that listens on ports. It writes into a file."""

    def __init__(self, name: str, command: list, folder: Path, ports: list[int], environment=None):
        self.name = name
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                cwd=folder,
                # Caddy keeps files at home otherwise.
                env=os.environ
                | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
                | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        for port in ports:
            while not _listens(port):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise AssertionError(f"{name} does not start; it says:\n{self.said()}")
                time.sleep(0.02)

    def kill(self):
        """Kills it where it stands."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def terminate(self):
        """Tells it to end."""
        self._process.terminate()

    def ended(self, seconds: float) -> int:
        """Waits for its end, and tells how it ended."""
        return self._process.wait(seconds)

    def said(self) -> str:
        """The end of what it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
