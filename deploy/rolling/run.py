"""A rolling upgrade: nodes are restarted one after the other behind HAProxy, under load, and no call
fails. Two nodes of the control side, and two gateways that follow them.
"""

from __future__ import annotations

import csv
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

from backend import Backend
from client import send
from postgres import Postgres
from process import Process, free_ports
from signing import signed
from tidegate import WORLD

PATIENCE = 60
ROUNDS = 2
CALLERS = 3

# In the order of an upgrade: control first.
NODES = ["control", "control", "gateway", "gateway"]

HAPROXY = """
global
    maxconn 1000
defaults
    mode http
    timeout connect 2s
    timeout client 20s
    timeout server 20s
    option httpchk GET /readyz
    http-reuse always
    default-server check inter 100ms fall 1 rise 1
listen stats
    bind 127.0.0.1:{stats}
    stats enable
    stats uri /
frontend control-in
    bind 127.0.0.1:{control}
    default_backend control
frontend gateway-in
    bind 127.0.0.1:{gateway}
    default_backend gateway
backend control
{control_servers}
backend gateway
{gateway_servers}
"""


class Node:
    """A server that can be told to stop and started again."""

    def __init__(self, name, side, folder: Path, more: dict[str, str]):
        self.name, self.side, self._folder = name, side, folder / name
        self._folder.mkdir()
        self.data = self._folder / "data"
        (self.port,) = free_ports(1)
        self._command = [os.environ["TIDEGATE_BIN"], side]
        self._environment = {
            "TIDEGATE_DATA_DIR": str(self.data),
            # Many times what HAProxy needs to notice.
            "TIDEGATE_SHUTDOWN_DELAY_SECONDS": "1",
            f"TIDEGATE_{side.upper()}_ADDR": f"127.0.0.1:{self.port}",
        } | more

    def start(self):
        """Starts it, and waits until it is ready."""
        self._process = Process(
            self.name, self._command, self._folder, [self.port], self._environment
        )
        until(lambda: health(self.port) == 200, self.said)

    def stop(self):
        """SIGTERM. It says that it is not ready, and still answers; then it ends in order."""
        self._process.terminate()
        until(lambda: health(self.port) == 503, self.said)
        assert self._process.ended(PATIENCE) == 0, self.said()

    def said(self) -> str:
        """Its log."""
        return self._process.said()

    def kill(self):
        """Ends it at once."""
        if hasattr(self, "_process"):
            self._process.kill()


def health(port: int) -> int | None:
    """What it says of itself; none when nobody answers."""
    try:
        return send(port, "GET", "/readyz", [("Host", "node")]).status
    except OSError:
        return None


def until(holds, said):
    """Waits until it holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, said()
        time.sleep(0.02)


@dataclass
class Load:
    """Callers that go on until they are told to stop."""

    calls: dict = field(default_factory=dict)
    failed: list = field(default_factory=list)

    def __post_init__(self):
        self._stop = threading.Event()
        self._threads = []

    def begin(self, kind: str, call):
        """One more caller."""
        self.calls.setdefault(kind, 0)

        def go_on():
            while not self._stop.is_set():
                try:
                    answer = call()
                    if answer.status != 200:
                        self.failed.append((kind, answer.status, answer.body[:200]))
                except OSError as error:
                    self.failed.append((kind, repr(error)))
                self.calls[kind] += 1

        self._threads.append(threading.Thread(target=go_on, daemon=True))
        self._threads[-1].start()

    def end(self):
        """Waits for the last calls."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


class Story:
    """HAProxy, the nodes behind it, and those who call."""

    def __init__(self, folder: Path, database: str, backend: Backend):
        self.folder, self.backend = folder, backend
        feeds = [f"127.0.0.1:{port}" for port in free_ports(NODES.count("control"))]
        token = folder / "feed.token"
        token.touch(0o600)
        token.write_text(secrets.token_hex(32) + "\n", encoding="utf-8")
        shared = {"TIDEGATE_FEED_TOKEN_FILE": str(token)}
        follow = shared | {
            "TIDEGATE_CONTROL_URLS": ",".join(f"http://{feed}" for feed in feeds),
            "TIDEGATE_BACKEND_NETWORKS": "127.0.0.0/8",
        }
        lead = [
            shared | {"TIDEGATE_DATABASE": database, "TIDEGATE_FEED_ADDR": feed} for feed in feeds
        ]
        more = {"control": iter(lead), "gateway": repeat(follow)}
        self.nodes = [
            Node(f"node-{n}", side, folder, next(more[side])) for n, side in enumerate(NODES, 1)
        ]
        world = folder / "world.yaml"
        world.write_text(WORLD, encoding="utf-8")
        first = self.nodes[0]
        subprocess.run(
            [os.environ["TIDEGATE_BIN"], "apply", "-f", world, "--data-dir", first.data],
            env=os.environ | {"TIDEGATE_DATABASE": database},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for other in self.of("control")[1:]:
            # All control nodes open the same secrets.
            other.data.mkdir(mode=0o700)
            shutil.copy(first.data / "vault.key", other.data)

    def of(self, side: str) -> list[Node]:
        """The nodes of a side."""
        return [node for node in self.nodes if node.side == side]

    def haproxy(self) -> Process:
        """Starts it in front of all nodes."""
        self.control, self.gateway, self.stats = free_ports(3)
        servers = {
            side: "\n".join(
                f"    server {node.name} 127.0.0.1:{node.port}" for node in self.of(side)
            )
            for side in ("control", "gateway")
        }
        config = self.folder / "haproxy.cfg"
        config.write_text(
            HAPROXY.format(
                stats=self.stats,
                control=self.control,
                gateway=self.gateway,
                control_servers=servers["control"],
                gateway_servers=servers["gateway"],
            ),
            encoding="utf-8",
        )
        ports = [self.control, self.gateway, self.stats]
        return Process("haproxy", ["haproxy", "-db", "-f", config], self.folder, ports)

    def is_up(self, node: Node) -> bool:
        """Does HAProxy send it calls?"""
        text = send(self.stats, "GET", "/;csv", [("Host", "stats")]).body.decode()
        rows = csv.DictReader(text.removeprefix("# ").splitlines())
        return ["UP"] == [row["status"] for row in rows if row["svname"] == node.name]

    def control_call(self, user: str, method: str, path: str, body: bytes = b""):
        """A call of a person, over HAProxy."""
        path = f"/v1/p1/service{path}"
        headers = signed(
            method,
            f"127.0.0.1:{self.control}",
            path,
            key=f"{user.upper()}KEY",
            secret=f"{user}-secret",
            headers={"content-type": "application/json"},
            body=body,
        )
        return send(self.control, method, path, headers.items(), body)

    def app_call(self, port: int):
        """A call of the app."""
        headers = signed("GET", "gate", "/orders", key=self.key, secret=self.secret)
        return send(port, "GET", "/orders", headers.items())

    def furnish(self):
        """An API with a backend, an app, a grant; then until every gateway knows."""
        def post(user, path, body):
            answer = self.control_call(user, "POST", path, json.dumps(body).encode())
            assert answer.status in (200, 204), answer
            return answer.json if answer.body else None

        kind, protocol = "REQUEST_TYPE_GET", "PROTOCOL_TYPE_HTTP"
        definition = {
            "name": "orders",
            "api_type": "API_SPECIFIC_TYPE_REGISTER",
            "auth_type": "APP",
            "manager": "rita",
            "path": "/orders",
            "protocol": protocol,
            "request_type": kind,
            "backend_config": {
                "type": kind,
                "protocol": protocol,
                "host": f"127.0.0.1:{self.backend.port}",
                "timeout": 5000,
                "path": "/orders",
            },
        }
        self.api = post("rita", "/apis", definition)["id"]
        post("rita", f"/apis/{self.api}/instances/g1/publish", {})
        app = post("olaf", "/apps", {"name": "shop"})
        self.key, self.secret = app["app_key"], app["app_secret"]
        grant = {
            "api_id": self.api,
            "instance_id": "g1",
            "app_id": app["id"],
            "apply_type": "APPLY_TYPE_AUTHORIZE",
            "time": "2099-01-01T00:00:00Z",
        }
        post("rita", "/apis/authorize/action", grant)
        for node in self.of("gateway"):
            until(lambda n=node: self.app_call(n.port).status == 200, node.said)

    def tell(self) -> Load:
        """Restarts every node while others call."""
        load = Load()
        for _ in range(CALLERS):
            load.begin("gateway", lambda: self.app_call(self.gateway))
        load.begin("control", lambda: self.control_call("rita", "GET", f"/apis/{self.api}"))
        try:
            for _ in range(ROUNDS):
                for node in self.nodes:
                    node.stop()
                    node.start()
                    until(lambda n=node: self.is_up(n), node.said)
        finally:
            load.end()
        return load


def main() -> int:
    """Runs the story once."""
    began = time.monotonic()
    started = []
    with tempfile.TemporaryDirectory(prefix="tidegate-") as folder:
        try:
            postgres = Postgres()
            started.append(postgres)
            backend = Backend()
            story = Story(Path(folder), postgres.url, backend)
            for node in story.nodes:
                started.append(node)
                node.start()
            haproxy = story.haproxy()
            started.append(haproxy)
            for node in story.nodes:
                until(lambda n=node: story.is_up(n), haproxy.said)
            story.furnish()
            load = story.tell()
            backend.close()
        finally:
            for each in reversed(started):
                each.kill()
    restarts = ROUNDS * len(NODES)
    counted = ", ".join(f"{count} {kind}" for kind, count in load.calls.items())
    print(
        f"rolling upgrade: {restarts} restarts, calls: {counted}, "
        f"{len(load.failed)} failed, {time.monotonic() - began:.1f} s"
    )
    for failed in load.failed[:10]:
        print(f"  {failed}", file=sys.stderr)
    return 1 if load.failed or min(load.calls.values()) < restarts else 0


if __name__ == "__main__":
    sys.exit(main())
