"""Control nodes and gateways as processes of their own, which can be killed, frozen and started again."""

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from gate import BINARY, WORLD, Control
from gate import nginx as nginx_of
from processes import Server, free_port, wait_for

CONTROL = """
data_dir = "{home}"
database = "{database}"
control_addr = "127.0.0.1:{port}"
feed_addr = "127.0.0.1:{feed}"
metrics_addr = "127.0.0.1:{metrics}"
[log]
level = "{log}"
"""
GATEWAY = """
data_dir = "{home}"
control = [{control}]
gateway_addr = "127.0.0.1:{port}"
metrics_addr = "127.0.0.1:{metrics}"
[gateway]
threads = 1
lease_seconds = {lease}
[log]
level = "{log}"
"""
LOG = os.environ.get("TIDEGATE_BENCH_LOG", "error")


class Node:
    """One process, and what it is started with."""

    def __init__(self, folder, name, role, text):
        self.name, self.role, self.home = name, role, Path(folder) / name
        self.home.mkdir(mode=0o700, exist_ok=True)
        self.config = self.home.with_suffix(".toml")
        self.config.write_text(text)
        self.config.chmod(0o600)
        self.log = open(self.home.with_suffix(".log"), "ab")
        self.before, self.server = [], None

    def start(self):
        self.server = Server([*self.before, BINARY, self.role, "--config", self.config],
                             stdout=subprocess.DEVNULL, stderr=self.log)
        return self

    def ready(self, seconds=30):
        """Waits until it says that it is ready."""
        until = time.monotonic() + seconds
        while (status := wait_for(f"http://{self.address}/readyz")) != 200:
            if time.monotonic() > until:
                raise RuntimeError(f"{self.name} is not ready: {status}; {self.tail()}")
            time.sleep(0.01)
        return self

    def tail(self):
        return self.home.with_suffix(".log").read_text()[-1500:]

    def kill(self):
        self.signal(signal.SIGKILL)
        self.server.process.wait()

    def signal(self, which):
        self.server.process.send_signal(which)

    def stop(self):
        """Ends it in order."""
        if self.server and self.server.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.server.stop()

    def metric(self, name):
        """The sum of a metric over its labels."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=5) as answer:
            rows = [row for row in answer.read().decode().splitlines() if row.startswith(name)]
        return sum(float(row.rpartition(" ")[2]) for row in rows if row[len(name)] in " {")


class ControlNode(Node):
    def __init__(self, folder, name, database):
        port, feed, metrics = free_port(), free_port(), free_port()
        self.address, self.feed, self.metrics = f"127.0.0.1:{port}", f"127.0.0.1:{feed}", f"127.0.0.1:{metrics}"
        super().__init__(folder, name, "control", CONTROL.format(
            home=Path(folder) / name, database=database, port=port, feed=feed, metrics=metrics, log=LOG))

    def share_keys_of(self, other):
        """What opens the store's secrets is the same at all nodes."""
        for name in ("vault.key", "operator.token"):
            shutil.copy(other.home / name, self.home / name)


class GatewayNode(Node):
    def __init__(self, folder, name, controls, lease):
        port, metrics = free_port(), free_port()
        self.address, self.metrics = f"127.0.0.1:{port}", f"127.0.0.1:{metrics}"
        urls = ", ".join(f'"http://{node.feed}"' for node in controls)
        super().__init__(folder, name, "gateway", GATEWAY.format(
            home=Path(folder) / name, control=urls, port=port, metrics=metrics, lease=lease, log=LOG))


class Cluster:
    """A database, control nodes, gateways and a backend, on this machine."""

    def __init__(self, folder, database, controls=2, gateways=4, lease=300):
        self.folder, self.lease = Path(folder), lease
        self.controls = [ControlNode(folder, f"control-{i + 1}", database) for i in range(controls)]
        first, *others = self.controls
        first.start().ready()
        for node in others:
            node.share_keys_of(first)
            node.start().ready()
        world = self.folder / "world.yaml"
        world.write_text(json.dumps(WORLD))
        subprocess.run([BINARY, "apply", "--file", world, "--data-dir", first.home], check=True,
                       stdout=subprocess.DEVNULL)
        self.control = Control(first.address)
        self.backend_port = free_port()
        self.backend = nginx_of(self.folder, "backend", self.backend_port, 'default_type text/plain; return 200 "here";')
        self.gateways = [self.new_gateway(f"gateway-{i + 1}") for i in range(gateways)]
        for node in self.gateways:
            node.start()
        for node in self.gateways:
            node.ready()

    def new_gateway(self, name):
        return GatewayNode(self.folder, name, self.controls, self.lease)

    def stop(self):
        for node in [*self.gateways, *self.controls]:
            node.stop()
        self.backend.stop()
        for network in self.networks:
            network.remove()
