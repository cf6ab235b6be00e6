"""A server of one's own: the real program, started, stopped and killed by its process id."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import subprocess
import threading
from pathlib import Path

from .clock import Clock
from .world import world_file

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 30
STOP_SECONDS = 15


def binary() -> Path:
    """The program under test."""
    return Path(os.environ.get("TIDEGATE_BIN") or ROOT / "target" / "debug" / "tidegate")


class Server:
    """`tidegate dev` on a data folder and a world of its own."""

    def __init__(self, folder: Path):
        self._data = folder / "data"
        self._world = folder / "world.yaml"
        self._log = folder / "server.log"
        self._world.write_text(world_file(), encoding="utf-8")
        self._process: subprocess.Popen | None = None
        self._ports = free_ports(2)
        self.control = f"http://127.0.0.1:{self._ports[0]}"
        self.gateway = f"http://127.0.0.1:{self._ports[1]}"
        self.clock = Clock(self.control)
        # The latest revision an answer of the control side told; the gate has to catch up with it.
        self.revision = 0
        # What was wrong with the form of answers.
        self.odd_answers: list[str] = []

    def start(self) -> Server:
        """Starts it, on the same ports and folder every time, and waits until it is ready."""
        control, gateway = self._ports
        log = self._log.open("ab")
        self._process = subprocess.Popen(
            [
                binary(),
                "dev",
                f"--data-dir={self._data}",
                f"--world={self._world}",
                f"--control-addr=127.0.0.1:{control}",
                f"--gateway-addr=127.0.0.1:{gateway}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
        )
        log.close()
        said = queue.SimpleQueue()
        reading = threading.Thread(target=_read, args=(self._process.stdout, said), daemon=True)
        reading.start()
        with contextlib.suppress(queue.Empty):
            if said.get(timeout=START_SECONDS):
                return self
        self.kill()
        raise AssertionError(f"the server did not get ready; it said:\n{self.log_tail()}")

    def stop(self) -> int:
        """Asks it to stop, as an operator would, and tells its exit status."""
        self._process.terminate()
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop in {STOP_SECONDS} s") from None

    def kill(self):
        """Kills it where it stands."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def is_running(self) -> bool:
        """Does it run?"""
        return self._process is not None and self._process.poll() is None

    def log_tail(self) -> str:
        """The end of what it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def hear(self, response):
        """Looks at the form of an answer of the control side, and at the revision it tells."""
        told = response.headers
        self.revision = max(self.revision, int(told.get("X-Tidegate-Revision") or 0))
        what = f"{response.request.method} {response.request.url}: {response.status_code}"
        if not told.get("X-Request-Id"):
            self.odd_answers.append(f"{what} has no X-Request-Id")
        if response.status_code == 204:
            if response.content or told.get("Content-Type"):
                self.odd_answers.append(f"{what} has a body or says so")
        elif told.get("Content-Type") != "application/json;charset=UTF-8":
            self.odd_answers.append(f"{what} is {told.get('Content-Type')}")


def _read(output, said: queue.SimpleQueue):
    """Says true when the server is ready, and false when its output ends. Reads on all the time, so
    that the server never waits for a reader."""
    with output:
        for line in output:
            if line.rstrip("\n") == "ready":
                said.put(True)
    said.put(False)


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
