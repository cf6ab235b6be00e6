"""PostgreSQL, control nodes and gateways on one machine, measured and broken.

  cancels   from a cancel to its denial at every gateway, under load
  bulk      batches of 1,000 apps, beside PostgreSQL's own INSERT and COPY of the same rows
  scale     memory, start, propagation and the database's work as gateways, grants and apps grow
  setbacks  a database that goes back to an earlier state: a stale standby, a copy that is put back
  faults    kills, a failover, frozen and cut-off gateways, wrong clocks, each many times

The tables are those of docs/run/scale.md.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from gate import prepare
from machines import bulk, cancels, faults, scale, setbacks
from machines.address import Address
from machines.load import Load
from machines.nodes import Cluster
from machines.postgres import Postgres


def progress(what):
    def tell(done, of):
        if done % max(1, of // 100) == 0 or done == of:
            print(f"\r{what} {done}/{of} ", end="" if done < of else "\n", file=sys.stderr, flush=True)
    return tell


def machine():
    return f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def part(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def percentiles(values):
    return ", ".join(f"{part(values, share) / 1e6:.1f}" for share in (0.5, 0.99, 1)) + " ms"


def grantable(cluster, given):
    """An API with granted apps, known at every gateway."""
    apps = prepare(cluster.control, cluster.backend_port, given.apps, 0)
    return cluster.control.call("GET", "/apis")["records"][0]["id"], apps


def run_cancels(given, folder):
    database = Postgres(folder, "primary").make()
    try:
        cluster = Cluster(folder, database.url(), given.controls, given.gateways)
        try:
            api, apps = grantable(cluster, given)
            told = cancels.measure(cluster, api, apps, given.count, given.load, progress("cancels"))
        finally:
            cluster.stop()
    finally:
        database.stop()
    load = told["load"]
    print(f"{machine()}; {given.controls} control nodes, {given.gateways} gateways, {given.count} cancels, "
          f"{(load.admitted + load.failed.total()) / load.seconds:.0f} other calls/s\n")
    print("| From the cancel's first byte | p50, p99, p100 |\n|---|---|")
    print(f"| until its answer | {percentiles(told['answered'])} |")
    print(f"| until the last gateway denied | {percentiles(told['denied'])} |")
    late = told["late"]
    latest = f", the latest {max(late) / 1e6:.1f} ms after it" if late else ""
    print(f"\nCalls sent after the answer and let in: {len(late)}{latest}. Other calls that failed: {dict(load.failed) or 0}.")
    return not load.failed


def run_bulk(given, folder):
    database = Postgres(folder, "primary").make()
    try:
        cluster = Cluster(folder, database.url(), 1, 1)
        try:
            apps = prepare(cluster.control, cluster.backend_port, bulk.APPS_A_CALL, 0)
            apis = bulk.apis(cluster.control, cluster.backend_port, given.apis, progress("APIs"))
            took = bulk.granted(cluster.controls[0], apis, apps, progress("batches"))
        finally:
            cluster.stop()
        figures = bulk.plain(database, len(took) * bulk.APPS_A_CALL)
    finally:
        database.stop()
    rate = len(took) * bulk.APPS_A_CALL / sum(took)
    print(f"{machine()}; {len(took) * bulk.APPS_A_CALL:,} grants, {bulk.APPS_A_CALL:,} a call\n")
    print("| | grants/s | ratio to INSERT | ratio to COPY |\n|---|---|---|---|")
    print(f"| calls of 1,000 apps: p50 {statistics.median(took) * 1e3:.0f} ms | {rate:,.0f} | "
          f"{rate / figures['INSERT']:.2f} | {rate / figures['COPY']:.2f} |")
    for how, figure in figures.items():
        print(f"| the same rows by `{how}` | {figure:,.0f} | | |")
    return True


@contextmanager
def staged(given, folder, apart=False):
    """A cluster whose way to the database can be moved and broken, and that is taken down at the end."""
    database = Postgres(folder, "primary").make()
    databases, address, cluster = [database], Address(database.port), None
    url = database.url().replace(f":{database.port}/", f":{address.port}/")
    try:
        cluster = Cluster(folder, url, given.controls, given.gateways, given.lease, apart=apart)
        api, apps = grantable(cluster, given)
        yield faults.Stage(cluster, databases, address, api, apps)
    finally:
        if cluster:
            cluster.stop()
        address.stop()
        for one in databases:
            one.stop()


def run_faults(given, folder):
    founds = []
    with staged(given, folder, apart="cut" in given.only) as stage:
        for which in given.only:
            founds.append(faults.play(stage, which, given.times, given.wait, progress(which)))
            print(faults.table(founds[-1:], given.lease).splitlines()[-1], file=sys.stderr, flush=True)
    print(f"{machine()}; {given.controls} control nodes, {given.gateways} gateways, leases of {given.lease} s, "
          f"changes answered when {given.wait or 'durable'}\n")
    print(faults.table(founds, given.lease))
    return all(faults.good(found, given.lease, given.wait) for found in founds)


def run_setbacks(given, folder):
    founds = []
    with staged(given, folder) as stage:
        with Load(stage.cluster.gateways, stage.apps[setbacks.OF_A_TURN:], given.load) as load:
            for which in given.only:
                founds.append(setbacks.play(stage, which, given.times, progress(which)))
                print(setbacks.table(founds[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(f"{machine()}; {given.controls} control nodes, {given.gateways} gateways, leases of {given.lease} s, "
          f"{(load.admitted + load.failed.total()) / load.seconds:.0f} other calls/s\n")
    print(setbacks.table(founds))
    print(f"\nOther calls that failed: {dict(load.failed) or 0}.")
    return all(setbacks.good(found) for found in founds)


def run_scale(given, _):
    rows = []
    for size in given.only:
        for point in scale.points(size):
            if max(point) > given.most:
                continue
            with tempfile.TemporaryDirectory(prefix="tidegate-") as folder:
                rows.append((point, scale.measure(Path(folder), *point, progress(f"{point}"))))
            print(scale.table(rows[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(f"{machine()}; 1 control node\n")
    print(scale.table(rows))
    return True


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = arguments.add_subparsers(required=True, dest="what")
    one = kinds.add_parser("cancels", help="from a cancel to its denial everywhere")
    one.set_defaults(run=run_cancels)
    one.add_argument("--count", type=int, default=10_000)
    one.add_argument("--load", type=float, default=400, help="other calls a second, over all gateways")
    two = kinds.add_parser("bulk", help="many grants")
    two.set_defaults(run=run_bulk)
    two.add_argument("--apis", type=int, default=1000, help="batches of 1,000 grants")
    three = kinds.add_parser("faults", help="what breaks")
    three.set_defaults(run=run_faults)
    three.add_argument("--times", type=int, default=200)
    three.add_argument("--only", nargs="+", choices=faults.FAULTS, default=list(faults.FAULTS),
                       help="silences of the database: " + " ".join(faults.SILENCES))
    three.add_argument("--lease", type=int, default=5, help="seconds")
    three.add_argument("--wait", choices=["enforced"], help="changes are answered when they are enforced")
    four = kinds.add_parser("scale", help="what grows")
    four.set_defaults(run=run_scale)
    four.add_argument("--only", nargs="+", choices=["gateways", "grants", "apps"], default=["gateways", "grants", "apps"])
    four.add_argument("--most", type=int, default=10**7, help="no run with more of anything")
    five = kinds.add_parser("setbacks", help="a store that goes back")
    five.set_defaults(run=run_setbacks)
    five.add_argument("--times", type=int, default=50)
    five.add_argument("--only", nargs="+", choices=setbacks.WAYS, default=list(setbacks.WAYS))
    five.add_argument("--lease", type=int, default=8, help="seconds")
    five.add_argument("--load", type=float, default=40, help="other calls a second, over all gateways")
    for kind in (one, three, five):
        kind.add_argument("--controls", type=int, default=2)
        kind.add_argument("--gateways", type=int, default=4)
        kind.add_argument("--apps", type=int, default=128)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-") as temporary:
        good = given.run(given, Path(temporary))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
