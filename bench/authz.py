"""CPU per question of Tidegate as Envoy's authorizer over gRPC, as a ratio to an authorizer that lets all in.

The anchor is what somebody writes who has tonic: its server, and Envoy's messages as they are generated. It
reads the whole question and looks at nothing. `--opaque` of the same program does not even read it. h2load
asks all of them the same bytes: a question with a signed call. Slices alternate: anchor, X, anchor, Y, ...;
a ratio is X by the mean of the two anchor slices beside it. CPU is the kernel's accounting of the server.
"""

import argparse
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import compare
from gate import Control, spread
from processes import Server, free_port, wait_for
from question import question
from targets import AUTHORIZER, QUIET

CALL = "envoy.service.auth.v3.Authorization/Check"
#: Connections, and questions at a time on each.
LOADS = {"1x32": (1, 32), "8x8": (8, 8), "1x1": (1, 1)}


class Target:
    def __init__(self, name, server, port, checks):
        self.name, self.server, self.port, self.checks = name, server, port, checks

    def ask(self, file):
        """The answer to one question, without its prefix."""
        command = ["curl", "-sS", "--http2-prior-knowledge", "-H", "content-type: application/grpc",
                   "-H", "te: trailers", "--data-binary", f"@{file}", f"http://127.0.0.1:{self.port}/{CALL}"]
        return subprocess.run(command, check=True, capture_output=True).stdout[5:]

    def slice(self, file, load, seconds):
        connections, streams = LOADS[load]
        before = self.server.cpu_seconds()
        ran = subprocess.run(
            ["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}", "-d", file,
             "-H", "content-type: application/grpc", "-H", "te: trailers", f"http://127.0.0.1:{self.port}/{CALL}"],
            capture_output=True, text=True, check=True).stdout
        cpu = self.server.cpu_seconds() - before
        done, failed, errored = (int(re.search(rf"(\d+) {word}", ran)[1]) for word in ("succeeded", "failed", "errored"))
        if failed or errored or not done:
            sys.exit(f"{self.name}: h2load said\n{ran}")
        return {"cpu": cpu * 1e6 / done, "rate": done / seconds}


def write(folder, app, forged=False):
    """A question about a call that is signed now."""
    path = compare.PATH.format(1)
    headers = compare.signed("GET", path, app)
    headers.pop("host", None)
    if forged:
        headers["authorization"] = headers["authorization"][:-4] + "0000"
    file = folder / ("forged" if forged else "question")
    file.write_bytes(question("GET", compare.HOST, path, {"user-agent": "bench/1", "accept": "*/*", **headers}))
    return file


def verify(targets, folder, app):
    """A good call is let in, and a forged one is not by whoever checks; else the figures mean nothing."""
    good, forged = write(folder, app), write(folder, app, forged=True)
    for target in targets:
        for file, is_let_in in ((good, True), (forged, not target.checks)):
            # The status comes first, and is empty if all is well.
            if target.ask(file).startswith(b"\x0a\x00") != is_let_in:
                sys.exit(f"{target.name}: {file.name} got {target.ask(file)}")


def measure(given, folder, load, targets, app):
    anchor, others = targets[0], targets[1:]
    rows = {target.name: [] for target in targets}
    ratios = {target.name: [] for target in others}
    order = random.Random(load)
    for target in targets:
        target.slice(write(folder, app), load, 1)
    for _ in range(given.rounds):
        # Signatures must not get old.
        file = write(folder, app)
        before = anchor.slice(file, load, given.seconds)
        rows[anchor.name].append(before)
        for target in order.sample(others, len(others)):
            row, after = (one.slice(file, load, given.seconds) for one in (target, anchor))
            rows[target.name].append(row)
            rows[anchor.name].append(after)
            ratios[target.name].append(row["cpu"] / statistics.mean([before["cpu"], after["cpu"]]))
            before = after
    print(f"\n{load.replace('x', ' connections × ')} questions at a time\n")
    print("| | CPU µs per question | ratio | questions/s | memory MiB |\n|---|---|---|---|---|")
    for target in targets:
        cpu, rate = (statistics.median(row[key] for row in rows[target.name]) for key in ("cpu", "rate"))
        ratio = spread(ratios[target.name]) if target.name in ratios else "1"
        print(f"| {target.name} | {cpu:.1f} | {ratio} | {rate:.0f} | {target.server.memory_mib():.0f} |", flush=True)


def run(given, folder, stops):
    ours = compare.Tidegate(folder, False)
    stops.append(ours.server.stop)
    while wait_for(f"http://127.0.0.1:{ours.control}/readyz") != 200:
        pass
    ours.furnish()
    app = compare.prepare(Control(f"127.0.0.1:{ours.control}"), free_port(), given.apps)[-1]
    targets = []
    for name, more in (("lets all in, with tonic", []), ("lets all in, unread", ["--opaque"])):
        port = free_port()
        server = Server([AUTHORIZER, *more, f"127.0.0.1:{port}"], **QUIET)
        stops.append(server.stop)
        targets.append(Target(name, server, port, checks=False))
    targets.append(Target("**tidegate, signature and grant**", ours.server, ours.ext_authz, checks=True))
    for target in targets:
        compare.wait_for_port(target)
    verify(targets, folder, app)
    size = write(folder, app).stat().st_size
    print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
          f"{given.rounds} rounds of {given.seconds} s, {given.apps} apps, a question of {size} bytes")
    for load in given.load:
        measure(given, folder, load, targets, app)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=12)
    arguments.add_argument("--seconds", type=int, default=1, help="the length of a slice")
    arguments.add_argument("--apps", type=int, default=2000)
    arguments.add_argument("--load", nargs="+", choices=LOADS, default=["1x32", "8x8"],
                           help="connections, and questions at a time on each")
    given = arguments.parse_args()
    began, stops = time.monotonic(), []
    with tempfile.TemporaryDirectory() as temporary:
        try:
            run(given, Path(temporary), stops)
        finally:
            for stop in reversed(stops):
                stop()
    print(f"it took {(time.monotonic() - began) / 60:.1f} minutes", file=sys.stderr)


if __name__ == "__main__":
    main()
