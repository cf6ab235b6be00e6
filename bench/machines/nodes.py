"""Control nodes and gateways as processes of their own, which can be killed, frozen and started again."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from gate import BINARY, WORLD, Control
from gate import nginx as nginx_of
from processes import Server, free_port, wait_for

from .network import Network

CONTROL = """
data_dir = "{home}"
database = "{database}"
control_addr = "127.0.0.1:{port}"
feed_addr = "{feed}"
feed_token_file = "{token}"
metrics_addr = "127.0.0.1:{metrics}"
{tls}
[log]
level = "{log}"
"""
GATEWAY = """
data_dir = "{home}"
control_urls = [{control}]
feed_token_file = "{token}"
backend_networks = ["0.0.0.0/0", "127.0.0.0/8"]
gateway_addr = "{address}"
metrics_addr = "{metrics}"
{tls}
[gateway]
name = "{name}"
threads = 1
lease_seconds = {lease}
[log]
level = "{log}"
"""
TLS = """
feed_ca = "{dir}/ca.pem"
feed_cert = "{dir}/{name}.pem"
feed_key = "{dir}/{name}.key"
"""
LOG = os.environ.get("TIDEGATE_BENCH_LOG", "error")


def feed_token(folder):
    """The file of the feed's token, which all nodes of a folder share."""
    file = Path(folder) / "feed.token"
    if not file.exists():
        file.touch(0o600)
        file.write_text(secrets.token_hex(32) + "\n")
    return file


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
    def __init__(self, folder, name, database, certs=None):
        port, self.feed_port, metrics = free_port(), free_port(), free_port()
        self.address, self.metrics = f"127.0.0.1:{port}", f"127.0.0.1:{metrics}"
        host, tls = ("0.0.0.0", TLS.format(dir=certs, name="127.0.0.1")) if certs else ("127.0.0.1", "")
        super().__init__(folder, name, "control", CONTROL.format(
            home=Path(folder) / name, database=database, port=port, feed=f"{host}:{self.feed_port}", metrics=metrics,
            token=feed_token(folder),
            tls=tls, log=LOG))

    def share_keys_of(self, other):
        """What opens the store's secrets is the same at all nodes."""
        for name in ("vault.key", "operator.token"):
            shutil.copy(other.home / name, self.home / name)


class GatewayNode(Node):
    """A gateway; in a network of its own, if it is given one."""

    def __init__(self, folder, name, controls, lease, network=None, certs=None):
        host, control, scheme = ("127.0.0.1", "127.0.0.1", "http")
        if network:
            host, control, scheme = network.calls, network.control, "https"
        self.network, self.address, self.metrics = network, f"{host}:{free_port()}", f"{host}:{free_port()}"
        urls = ", ".join(f'"{scheme}://{control}:{node.feed_port}"' for node in controls)
        tls = TLS.format(dir=certs, name=name) if certs else ""
        super().__init__(folder, name, "gateway", GATEWAY.format(
            home=Path(folder) / name, control=urls, address=self.address, metrics=self.metrics, lease=lease, name=name,
            token=feed_token(folder),
            tls=tls, log=LOG))

    def start(self):
        if self.network:
            self.before = [*self.network.before, *(word for word in self.before if word not in self.network.before)]
        return super().start()


class Cluster:
    """A database, control nodes, gateways and a backend, on this machine. Gateways that are apart have a network
    each, and follow over mutual TLS."""

    def __init__(self, folder, database, controls=2, gateways=4, lease=300, apart=False):
        self.folder, self.lease = Path(folder), lease
        self.networks = [Network(i + 1) for i in range(gateways)] if apart else []
        names = [f"gateway-{i + 1}" for i in range(gateways)]
        self.certs = self.certificates(names) if apart else None
        self.controls = [ControlNode(folder, f"control-{i + 1}", database, self.certs) for i in range(controls)]
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
        answer = 'default_type text/plain; return 200 "here";'
        # At the same address in every network.
        self.backends = [nginx_of(self.folder, "backend", self.backend_port, answer)]
        for network in self.networks:
            name = f"backend-{network.name}"
            self.backends.append(nginx_of(self.folder, name, self.backend_port, answer, before=network.before))
        self.gateways = [
            self.new_gateway(name, network) for name, network in zip(names, self.networks or [None] * gateways)]
        for node in self.gateways:
            node.start()
        for node in self.gateways:
            node.ready()

    def certificates(self, gateways):
        """An authority of the cluster's own, and what it gives to its nodes."""
        hosts = ",".join(["127.0.0.1", *(network.control for network in self.networks)])
        words = [word for name in gateways for word in ("--gateway", name)]
        subprocess.run([BINARY, "certs", "--dir", self.folder / "certs", "--control", hosts, *words], check=True,
                       stdout=subprocess.DEVNULL)
        return self.folder / "certs"

    def new_gateway(self, name, network=None):
        return GatewayNode(self.folder, name, self.controls, self.lease, network, self.certs)

    def stop(self):
        for node in [*self.gateways, *self.controls]:
            node.stop()
        for backend in self.backends:
            backend.stop()
        for network in self.networks:
            network.remove()
