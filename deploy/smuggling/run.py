"""Ambiguous requests through chains of real servers: what comes out is what was signed, or nothing.

    deploy/test smuggling            all that is known to divide readers, and a few mutations of it
    deploy/test smuggling --whole    with all mutations

For every payload, whatever the servers make of it:
- the backend sees only requests that were signed, each at most once, and each well formed;
- no header by which the gate speaks is a caller's;
- an answer goes to the one who asked;
- after a payload that can be read in two ways the gate closes the connection.

That the corpus is able to tell is shown first: a proxy without the gate lets through what nobody signed.
"""

from __future__ import annotations

import os
import random
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from chains import haproxy, nginx
from echo import Echo
from payloads import Maker
from signing import signed
from tidegate import Tidegate

HOST = "api.example.com:8443"
SEED = 20260102
MUTATIONS = 20_000
FEW = 500
WORKERS = 24
# How long nothing has to come before nothing comes any more.
SILENCE = 0.25
UNPROTECTED = "nginx-without-gate"
OURS = ("x-tidegate-", "x-forwarded-", "x-request-id", "x-real-ip", "forwarded")


class Chain:
    """A way to the gate and from it to the backend."""

    def __init__(self, name: str, port: int, tidegate: Tidegate, echo: Echo, direct: bool):
        self.name, self.port, self.tidegate, self.echo = name, port, tidegate, echo
        # Is the gate the first to read?
        self.direct = direct
        self.wrong: list[str] = []
        self.answers: Counter = Counter()

    def maker(self) -> Maker:
        """Signs for this chain's gate."""
        keys = {"key": self.tidegate.key, "secret": self.tidegate.secret}
        return Maker(HOST, lambda *what, **how: signed(*what, **keys, **how))

    def play(self, payloads: list):
        """Sends them all, and looks at what came of it."""
        names = [f"{self.name}{number}" for number in range(len(payloads))]
        maker = self.maker()
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda each: self._one(maker, *each), zip(names, payloads, strict=True)))
        self._reached(set(names))

    def _one(self, maker, name, make):
        payload = make(maker, name)
        answer, closed = exchange(self.port, payload.data + maker.end(name))
        statuses = re.findall(rb"HTTP/1\.[01] (\d{3})", answer)
        self.answers.update(status.decode() for status in statuses[:1] or [b"none"])
        of = set(re.findall(rb"for /orders/([^;?/ ]*)", answer))
        allowed = {name.encode(), f"{name}-end".encode()}
        if not of <= allowed:
            self.wrong.append(f"{payload.about}: another's answer {of - allowed}")
        if len(statuses) > 25:
            self.wrong.append(f"{payload.about}: {len(statuses)} answers")
        if self.direct and payload.ambiguous and (f"{name}-end".encode() in of or not closed):
            self.wrong.append(f"{payload.about}: the connection goes on")

    def _reached(self, names: set[str]):
        for bytes_ in self.echo.malformed:
            self.wrong.append(f"malformed at the backend: {bytes_[:300]!r}")
        counts: Counter = Counter()
        for request in self.echo.reached:
            name = re.split(r"[?]", request.target.removeprefix("/orders/"))[0].rstrip("/")
            counts[name] += 1
            if name.removesuffix("-end") not in names:
                self.wrong.append(f"nobody signed {request.target!r}")
            told = [(folded(known), value) for known, value in request.headers]
            apps = [value for known, value in told if known == "x-tidegate-app"]
            if apps != [self.tidegate.app.encode()]:
                self.wrong.append(f"{request.target}: comes from {apps}")
            for known, value in told:
                if known.startswith(OURS) and value in (b"root", b"never", b"6.6.6.6", b"for=6.6.6.6"):
                    self.wrong.append(f"{request.target}: a caller said {known}: {value!r}")
                if known in ("authorization", "x-authorization", "x-sdk-date"):
                    self.wrong.append(f"{request.target}: a proof went on in {known}")
        for name, count in counts.items():
            if count > 1:
                self.wrong.append(f"{name} came {count} times")


def folded(name: str) -> str:
    """As a server reads it that takes other signs for dashes."""
    return name.replace("_", "-").replace(".", "-")


def exchange(port: int, data: bytes) -> tuple[bytes, bool]:
    """Sends bytes; tells what comes back, and whether the connection was closed."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        try:
            peer.sendall(data)
            peer.settimeout(SILENCE)
            while piece := peer.recv(65536):
                answer += piece
        except TimeoutError:
            return answer, False
        except ConnectionError:
            pass
    return answer, True


def corpus(whole: bool) -> list:
    """The payloads, as functions of a maker and a name."""
    count = len(Maker(HOST, lambda *_, **__: {}).known)
    known = [lambda maker, name, n=n: maker.known[n](name) for n in range(count)]

    def mutation(number):
        def make(maker, name):
            chance = random.Random(SEED + number)
            return maker.mutated(chance.choice(maker.known), name, chance)

        return make

    return known + [mutation(number) for number in range(MUTATIONS if whole else FEW)]


def chains(folder: Path, started: list):
    """Starts every chain in turn."""

    def gate(backend: int) -> Tidegate:
        own = folder / f"gate-{backend}"
        own.mkdir()
        started.append(Tidegate(own, backend=f"127.0.0.1:{backend}", path="/orders/{id}"))
        started[-1].act("rita", "AUTHORIZE", 200)
        started[-1].until_admitted(HOST)
        return started[-1]

    def proxy(start, to: int) -> int:
        process, port = start(folder, to)
        started.append(process)
        return port

    for name, before, behind in (
        (UNPROTECTED, nginx, None),
        ("alone", None, None),
        ("nginx-before", nginx, None),
        ("haproxy-before", haproxy, None),
        ("nginx-behind", None, nginx),
        ("haproxy-behind", None, haproxy),
    ):
        echo = Echo()
        tidegate = gate(proxy(behind, echo.port) if behind else echo.port)
        echo.reached.clear()
        first = echo.port if name == UNPROTECTED else tidegate.gateway
        port = proxy(before, first) if before else first
        yield Chain(name, port, tidegate, echo, before is None)
        echo.close()


def main() -> int:
    """Plays the corpus on every chain."""
    if not Path(os.environ["TIDEGATE_BIN"]).is_file():
        print("build it first: cargo build -p tidegate", file=sys.stderr)
        return 2
    payloads = corpus("--whole" in sys.argv[1:])
    failed = 0
    with tempfile.TemporaryDirectory(prefix="tidegate-") as folder:
        started: list = []
        try:
            for chain in chains(Path(folder), started):
                began = time.monotonic()
                chain.play(payloads)
                took = time.monotonic() - began
                if chain.name == UNPROTECTED:
                    unsigned = sum(wrong.startswith("nobody signed") for wrong in chain.wrong)
                    print(f"smuggling, {chain.name}: {unsigned} unsigned requests came through")
                    failed += not unsigned
                    continue
                answers = ", ".join(f"{n} x {status}" for status, n in sorted(chain.answers.items()))
                print(
                    f"smuggling, {chain.name}: {len(payloads)} payloads, first answers {answers}; "
                    f"{len(chain.echo.reached)} requests reached the backend, "
                    f"{len(chain.wrong)} wrong, {took:.1f} s"
                )
                for wrong in chain.wrong[:20]:
                    print(f"  {wrong}", file=sys.stderr)
                failed += bool(chain.wrong)
        finally:
            for each in reversed(started):
                each.kill()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
