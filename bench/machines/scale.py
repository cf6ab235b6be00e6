"""What grows with gateways, grants and apps: memory, start, propagation, and the database's work."""

import shutil
import statistics
import time

from gate import prepare

from . import cancels, seed
from .nodes import Cluster
from .postgres import Postgres

IDLE_S = 5
CANCELS = 200
# Where one size grows, the others stay here.
GATEWAYS, GRANTS, APPS = 2, 100_000, 1_000


def points(size):
    """The sizes of one row of runs, as (gateways, grants, apps)."""
    return {
        "gateways": [(n, GRANTS, APPS) for n in (1, 2, 4, 8, 16)],
        "grants": [(GATEWAYS, n, max(APPS, n // 100)) for n in (10**4, 10**5, 10**6, 10**7)],
        "apps": [(GATEWAYS, max(GRANTS, n), n) for n in (10, 10**3, 10**5, 10**6)],
    }[size]


def measure(folder, gateways, grants, apps, progress):
    """One cluster of this size."""
    database = Postgres(folder, "primary").make()
    try:
        cluster = Cluster(folder, database.url(), 1, 1)
        try:
            real = prepare(cluster.control, cluster.backend_port, 16, 0)
            api = cluster.control.call("GET", "/apis")["records"][0]["id"]
            cluster.gateways[0].stop()
            key = bytes.fromhex((cluster.controls[0].home / "vault.key").read_text().strip())
            seed.apps(database, key, apps)
            seed.grants(database, api, grants, apps)
            database.sql("ANALYZE")
            return run(cluster, database, api, real, gateways, progress)
        finally:
            cluster.stop()
    finally:
        database.stop()


def run(cluster, database, api, apps, gateways, progress):
    cluster.gateways = [cluster.new_gateway(f"scale-{i}") for i in range(gateways)]
    told = {}
    first = cluster.gateways[0]
    told["first start s"] = started(first)
    first.stop()
    told["start from its file s"] = started(first)
    others = [node.start() for node in cluster.gateways[1:]]
    for node in others:
        node.ready(300)
    told["gateway MiB"] = statistics.median(node.server.memory_mib() for node in cluster.gateways)
    before, began = (database.cpu_seconds(), cluster.controls[0].server.cpu_seconds()), time.monotonic()
    time.sleep(IDLE_S)
    took = time.monotonic() - began
    told["database idle %"] = 100 * (database.cpu_seconds() - before[0]) / took
    told["control idle %"] = 100 * (cluster.controls[0].server.cpu_seconds() - before[1]) / took
    before = database.cpu_seconds(), cluster.controls[0].server.cpu_seconds()
    found = cancels.measure(cluster, api, apps, CANCELS, 0, progress)
    # Each cancel goes with a grant.
    told["database ms/change"] = 1e3 * (database.cpu_seconds() - before[0]) / (2 * CANCELS)
    told["control ms/change"] = 1e3 * (cluster.controls[0].server.cpu_seconds() - before[1]) / (2 * CANCELS)
    told["control MiB"] = cluster.controls[0].server.memory_mib()
    denied = sorted(found["denied"])
    told["cancel p50 ms"], told["cancel p99 ms"] = (denied[int(part * (len(denied) - 1))] / 1e6 for part in (0.5, 0.99))
    told["late"] = len(found["late"])
    return told


def started(node):
    began = time.monotonic()
    node.start().ready(600)
    return time.monotonic() - began


def table(rows):
    names = list(rows[0][1])
    lines = ["| gateways | grants | apps | " + " | ".join(names) + " |", "|---" * (3 + len(names)) + "|"]
    for (gateways, grants, apps), told in rows:
        cells = [f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.2f}" for value in told.values()]
        lines.append(f"| {gateways} | {grants:,} | {apps:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
