"""Everything at once, and what came of it: two tenants under load through two gateways, changes through two
control nodes, silent peers on every port, wrong log-ins, a database whose disk fills and empties, control nodes
that are killed and started again.

- lost: a change that was acknowledged with 2xx and is not there when all is over.
- foreign: a call that was answered by another tenant's backend, under another app's name, or let in at another
  tenant's host.
- failed: a call with a grant that was not answered 200. Gateways decide from memory, so no fault here excuses one.
- unexcused: a change, log-in or health check that failed while the store was there and no node had just been killed.

Each of these must be 0, or the run fails.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

from gate import BINARY, nginx
from machines.disk import SmallDisk, database_on
from machines.nodes import ControlNode, GatewayNode
from machines.silent import hold
from machines.tenants import PATIENCE_S, Tenant, call, change, lost
from processes import free_port

# After a fault is over, so long a failure may still be of it: the longest wait for a store, and a restart.
GRACE_S = 15
CYCLE_S = 60
DISK_MIB = 400
APPS = 8


class Siege:
    """The machines, and what is done to them."""

    def __init__(self, given, folder):
        self.given, self.folder = given, Path(folder)
        self.disk = SmallDisk(self.folder / "disk", DISK_MIB)
        self.database = database_on(self.disk, self.folder)
        self.controls = [ControlNode(folder, f"control-{n}", self.database.url()) for n in (1, 2)]
        first, second = self.controls
        first.start().ready()
        second.share_keys_of(first)
        second.start().ready()
        self.backends = []
        self.tenants = [self.tenant(name) for name in ("one", "two")]
        self.apply({"projects": [tenant.world() for tenant in self.tenants]})
        for tenant in self.tenants:
            tenant.furnish(first.address, APPS)
        self.gateways = [self.gateway(f"gateway-{n}") for n in (1, 2)]
        self.faults, self.unexcused, self.logins, self.probes = [], [], Counter(), 0
        self.memory, self.slowest_login, self.over = {}, 0.0, threading.Event()

    def tenant(self, name):
        port = free_port()
        answer = f'default_type text/plain; return 200 "{name} $http_x_tidegate_app";'
        self.backends.append(nginx(self.folder, f"backend-{name}", port, answer))
        return Tenant(name, port)

    def apply(self, world):
        file = self.folder / "world.yaml"
        file.write_text(json.dumps(world))
        token = (self.controls[0].home / "operator.token").read_text().strip()
        asked = urllib.request.Request(f"http://{self.controls[0].address}/admin/world", json.dumps(world).encode(),
                                       {"authorization": f"Bearer {token}"})
        try:
            urllib.request.urlopen(asked, timeout=60).close()
        except urllib.error.HTTPError as answer:
            raise RuntimeError(answer.read().decode()) from None

    def gateway(self, name):
        """A gateway with all its ports, and its access log on the small disk."""
        node = GatewayNode(self.folder, name, self.controls, 300)
        node.check, node.ext_authz = (f"127.0.0.1:{free_port()}" for _ in range(2))
        logs = self.disk.folder / f"{name}.access.log"
        text = node.config.read_text().replace(
            "metrics_addr", f'check_addr = "{node.check}"\next_authz_addr = "{node.ext_authz}"\nmetrics_addr', 1)
        node.config.write_text(f'{text}\n[access_log]\npath = "{logs}"\nsample = 0.01\n')
        return node.start().ready()

    def ports(self):
        """Every port there is."""
        for node in self.controls:
            yield from (node.address, f"127.0.0.1:{node.feed_port}", node.metrics)
        for node in self.gateways:
            yield from (node.address, node.check, node.ext_authz, node.metrics)

    # What happens to them.

    def is_excused(self, began):
        """May something that began then have failed because of a fault?"""
        now = time.monotonic()
        return any(begin <= now and began <= (end or now) + GRACE_S for begin, end in list(self.faults))

    def fault(self):
        entry = [time.monotonic(), None]
        self.faults.append(entry)
        return entry

    def fill_the_disk(self, seconds):
        entry = self.fault()
        self.disk.fill()
        self.over.wait(seconds)
        self.disk.empty()
        entry[1] = time.monotonic()

    def kill_a_node(self, number, seconds):
        entry = self.fault()
        node = self.controls[number % len(self.controls)]
        node.kill()
        self.over.wait(seconds)
        node.start().ready()
        entry[1] = time.monotonic()

    def strike(self):
        """A fault of each kind in every cycle."""
        number = 0
        while not self.over.wait(self.cycle / 4):
            self.fill_the_disk(self.cycle / 8)
            if self.over.wait(self.cycle / 3):
                break
            self.kill_a_node(number, self.cycle / 12)
            number += 1

    @property
    def cycle(self):
        return min(CYCLE_S, self.given.seconds / 2)

    # Who asks.

    def log_in(self, address, tenant, user, password):
        identity = {"methods": ["password"], "password": {"user": {
            "name": user, "password": password, "domain": {"name": tenant.name}}}}
        asked = urllib.request.Request(f"http://{address}/v3/auth/tokens",
                                       json.dumps({"auth": {"identity": identity}}).encode(),
                                       {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
                return answer.status
        except urllib.error.HTTPError as answer:
            return answer.code
        except OSError as error:
            return type(error).__name__

    def guess(self, number):
        """Wrong passwords, one after the other, for a user there is and for many there are not."""
        turn = 0
        while not self.over.wait(0.05):
            turn += 1
            user = "victim" if turn % 2 else f"nobody-{number}-{turn % 50}"
            address = self.controls[turn % len(self.controls)].address
            self.logins[self.log_in(address, self.tenants[number % 2], user, f"wrong-{turn}")] += 1

    def enter(self):
        """Right log-ins of users nobody guesses at."""
        turn = 0
        while not self.over.wait(1):
            turn += 1
            tenant, began = self.tenants[turn % 2], time.monotonic()
            status = self.log_in(self.controls[turn // 2 % 2].address, tenant, "guest", tenant.password("guest"))
            self.logins[f"right: {status}"] += 1
            if status == 201:
                self.slowest_login = max(self.slowest_login, time.monotonic() - began)
            elif not self.is_excused(began):
                self.unexcused.append(f"a right log-in: {status}")

    def probe(self):
        """Is every side alive, as a load balancer asks?"""
        while not self.over.wait(1):
            for node in [*self.controls, *self.gateways]:
                began = time.monotonic()
                try:
                    status = urllib.request.urlopen(f"http://{node.address}/healthz", timeout=PATIENCE_S).status
                except OSError as error:
                    status = error
                self.probes += 1
                if status != 200 and not self.is_excused(began):
                    self.unexcused.append(f"{node.name} is asked for its health: {status}")
                try:
                    used = node.server.memory_mib()
                except (OSError, StopIteration):
                    # It was killed a moment ago.
                    continue
                first, most, _ = self.memory.get(node.name, (used, used, used))
                self.memory[node.name] = (first, max(most, used), used)

    def run(self):
        """All of it, for as long as was said."""
        seconds, ports = self.given.seconds, list(self.ports())
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=work, args=words) for work, *words in (
            (self.strike,), (self.enter,), (self.probe,), *((self.guess, n) for n in range(self.given.guessers)))]
        addresses = [[node.address for node in nodes] for nodes in (self.gateways, self.controls)]
        with ProcessPoolExecutor(len(ports) + 2 * len(self.tenants)) as processes:
            silent = [processes.submit(hold, port, self.given.silent, until) for port in ports]
            pairs = [self.tenants, self.tenants[::-1]]
            calling = [processes.submit(call, addresses[0], pair, until, n) for n, pair in enumerate(pairs)]
            changing = [processes.submit(change, addresses[1], tenant, until, n)
                        for n, tenant in enumerate(self.tenants)]
            for thread in threads:
                thread.start()
            try:
                silent = [one.result() for one in silent]
                calls, changes = ([one.result() for one in some] for some in (calling, changing))
            finally:
                self.over.set()
                for thread in threads:
                    thread.join()
        return silent, calls, changes

    def judged(self, changes):
        """What is lost, once everything is well again."""
        self.disk.empty()
        for node in self.controls:
            node.ready(60)
        for told in changes:
            for at, address, status, answer in told.refused:
                if not any(begin <= at and at - PATIENCE_S <= (end or at) + GRACE_S for begin, end in self.faults):
                    self.unexcused.append(f"a change at {address}: {status} {answer}")
        return [what for tenant, told in zip(self.tenants, changes, strict=True)
                for what in lost(self.controls[1].address, tenant, told)]

    def stop(self):
        for node in [*self.gateways, *self.controls]:
            node.stop()
        for backend in self.backends:
            backend.stop()
        self.database.stop()
        self.disk.remove()


def report(given, siege, silent, calls, changes, missing):
    """A table for docs/run/siege.md."""
    foreign = [what for told in calls for what in told.foreign]
    failed = [what for told in calls for what in told.failed]
    print(f"\n{date.today()}, {platform.machine()}, {os.cpu_count()} cores, {given.seconds} s, "
          f"{len(silent)} ports, {given.silent} silent peers each\n\n| What | Figure |\n|---|---|")
    rows = {
        "changes acknowledged; refused": f"{sum(c.acknowledged for c in changes)}; {sum(len(c.refused) for c in changes)}",
        "acknowledged changes lost": len(missing),
        "calls answered well; at the other tenant's host": f"{sum(c.good for c in calls)}; {sum(c.cross for c in calls)}",
        "foreign deliveries": len(foreign),
        "good calls that failed": len(failed),
        "good calls sent once more on a new connection": sum(c.again for c in calls),
        "slowest good call": f"{max(c.slowest for c in calls):.2f} s",
        "faults": len(siege.faults),
        "changes, log-ins and health checks that failed for another reason than those": len(siege.unexcused),
        "health checks": siege.probes,
        "log-ins, by outcome": ", ".join(f"{status}: {n}" for status, n in sorted(siege.logins.items(), key=str)),
        "slowest right log-in": f"{siege.slowest_login:.2f} s",
        "silent connections made; closed by the server": f"{sum(s['made'] for s in silent)}; {sum(s['closed'] for s in silent)}",
        "most silent connections at a port, as its peer counts": max(s["most"] for s in silent),
    }
    rows |= {f"memory of {name}: first, most, last": ", ".join(f"{mib:.0f}" for mib in used) + " MiB"
             for name, used in siege.memory.items()}
    for what, figure in rows.items():
        print(f"| {what} | {figure} |")
    wrong = {"lost": missing, "foreign": foreign, "failed": failed, "unexcused": siege.unexcused}
    for kind, found in wrong.items():
        for what in found[:10]:
            print(f"{kind}: {what}", file=sys.stderr)
    return 1 if any(wrong.values()) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--silent", type=int, default=10_000, help="silent peers at each port")
    parser.add_argument("--guessers", type=int, default=4, help="threads that send wrong passwords")
    given = parser.parse_args()
    if not BINARY.is_file():
        sys.exit(f"{BINARY} is missing: build it first")
    with tempfile.TemporaryDirectory(prefix="siege-") as folder:
        siege = Siege(given, folder)
        try:
            silent, calls, changes = siege.run()
            missing = siege.judged(changes)
            return report(given, siege, silent, calls, changes, missing)
        finally:
            siege.stop()


if __name__ == "__main__":
    sys.exit(main())
