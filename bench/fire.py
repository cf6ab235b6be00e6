"""Change under fire: is a grant that was cancelled ever let in again?

Control processes change grants at random: cancelled by the app's side (which takes effect at once), given
again, extended, a renewal filed. Each owns some of the apps, so that an app's changes have one order.
Hammer processes send signed calls of random apps meanwhile, without a pause, over kept connections. A
control process also sends a call of the app itself as soon as a change of it is answered, so that every
change is looked at when it is youngest.

All processes share one clock, CLOCK_MONOTONIC. A change counts from the moment its process has the first
byte of the 2xx answer; a call counts as sent just before its first byte leaves. So a call that is said to
come later than an answer does. It is judged when it was sent after the answer to a change and was answered
before the next change of its app was asked for, or says by its revision that it was decided before that one.

- late admission: no grant holds, and the call is let in. Lateness: sent - answered, a lower bound.
- false denial: a grant holds, and the call is denied for want of one.
- older state: the call was decided at a revision before that of the change, whatever came out.

A late admission above the bound makes the run fail, and so does an answer that is neither. `--self-test`
puts a cache of one second between the callers and the gateway, as some gateways have one within; the run
is good when the meter finds late admissions above the bound then.
"""

import argparse
import json
import os
import platform
import random
import select
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path

from gate import BINARY, WORLD, Control, nginx, prepare, verify
from judge import Calls, Change, judge
from line import Line, request
from processes import Server, free_port, wait_for
from signing import sign

CONFIG = """
data_dir = "{dir}/data"
control_addr = "127.0.0.1:{control}"
backend_networks = ["127.0.0.0/8"]
gateway_addr = "127.0.0.1:{gate}"
[log]
level = "error"
"""
CACHE = """
proxy_pass http://gate; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
proxy_cache late; proxy_cache_valid 200 1s; proxy_cache_key $http_authorization;
"""
FIRST_END = datetime(2100, 1, 1)
# Signatures are good for 15 minutes.
SIGN_AGAIN_NS = 60 * 10**9
STEPS_MS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Signed:
    """The requests of the apps, signed beforehand."""

    def __init__(self, address, apps):
        self.address, self.apps, self.until = address, apps, 0

    def of(self, number):
        now = time.monotonic_ns()
        if now > self.until:
            self.requests = [self.sign(app) for app in self.apps]
            self.until = now + SIGN_AGAIN_NS
        return self.requests[number]

    def sign(self, app):
        url = f"http://{self.address}/v1/items"
        return request("GET", "/v1/items", sign("GET", url, app["app_key"], app["app_secret"]))


def hammer(target, address, apps, until, connections, seed):
    """Calls random apps until then."""
    dice, calls, signed = random.Random(seed), Calls(), Signed(address, apps)
    lines, chosen = {}, {}
    with select.epoll() as poll:

        def call(line):
            chosen[line.fileno()] = dice.randrange(len(apps))
            line.send(signed.of(chosen[line.fileno()]))

        for _ in range(connections):
            line = Line(target)
            lines[line.fileno()] = line
            poll.register(line, select.EPOLLIN)
            call(line)
        while time.monotonic_ns() < until:
            for number, _ in poll.poll(0.1):
                line = lines[number]
                if line.take():
                    calls.add(chosen[number], line)
                    call(line)
    return calls


class Changer:
    """Changes the grants of its apps, and calls them after each change."""

    def __init__(self, target, address, control, api, apps, seed):
        self.gate, self.control_line, self.control = Line(target), Line(control), control
        self.api, self.apps, self.dice = api, apps, random.Random(seed)
        self.signed = Signed(address, apps)
        self.ends, self.granted, self.asked = {}, set(range(len(apps))), set()
        self.changes, self.others, self.calls = [], 0, Calls()

    def act(self, number, kind):
        """One action, answered with 2xx."""
        self.ends[number] = self.ends.get(number, FIRST_END) + timedelta(hours=1)
        path, body = "/v1/bench/service/apis/authorize/action", json.dumps({
            "api_id": self.api, "instance_id": "gate-1", "app_id": self.apps[number]["id"],
            "apply_type": f"APPLY_TYPE_{kind}", "time": self.ends[number].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }).encode()
        headers = {"content-type": "application/json", "workspace": "bench"}
        url = f"http://{self.control}{path}"
        signed = sign("POST", url, "AKRITA", "bench-secret", headers, body)
        self.control_line.ask(request("POST", path, signed, body))
        if self.control_line.status() // 100 != 2:
            raise RuntimeError(f"{kind}: {self.control_line.answer.decode()}")

    def change(self, number, granted):
        """Grants, or cancels at once; the first call thereafter is ours."""
        self.act(number, "AUTHORIZE" if granted else "APP_CANCEL_AUTHORIZE")
        line = self.control_line
        self.gate.ask(self.signed.of(number))
        self.calls.add(number, self.gate)
        revision = int(line.field(b"x-tidegate-revision"))
        self.changes.append(Change(number, granted, line.sent, line.came, revision))
        (self.granted.add if granted else self.granted.discard)(number)
        self.asked.discard(number)

    def step(self, number):
        """What may come next for an app, at random."""
        thrown = self.dice.random()
        if number not in self.granted:
            self.change(number, True)
        elif thrown < 0.6:
            self.change(number, False)
        elif thrown < 0.8 or number in self.asked:
            self.act(number, "AUTHORIZE")
            self.asked.discard(number)
            self.others += 1
        else:
            self.act(number, "RENEW")
            self.asked.add(number)
            self.others += 1


def change(target, address, control, api, apps, own, until, seed):
    """Changes grants of its own apps until then."""
    changer = Changer(target, address, control, api, apps, seed)
    while time.monotonic_ns() < until:
        changer.step(changer.dice.choice(own))
    return changer.changes, changer.others, changer.calls


def fire(given, target, address, control, api, apps):
    """All processes at once; what was changed, and what was called."""
    until = time.monotonic_ns() + given.seconds * 10**9
    with ProcessPoolExecutor(given.changers + given.hammers) as processes:
        changing = [
            processes.submit(change, target, address, control, api, apps,
                             range(number, len(apps), given.changers), until, f"changer {number}")
            for number in range(given.changers)
        ]
        hammering = [
            processes.submit(hammer, target, address, apps, until, given.connections, f"hammer {number}")
            for number in range(given.hammers)
        ]
        changed = [one.result() for one in changing]
        calls = [one.result() for one in hammering] + [calls for _, _, calls in changed]
    changes = [one for own, _, _ in changed for one in own]
    return changes, sum(others for _, others, _ in changed), calls


def milliseconds(values):
    return f"{max(values) / 1e6:.1f} ms" if values else "–"


def report(given, changes, others, told):
    """Tables for docs/run/performance.md."""
    waits = sorted(one.came - one.sent for one in changes if not one.granted)
    late, false = told.wrong[False], told.wrong[True]
    print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
          f"{given.seconds} s, {given.apps} apps, {given.changers} control processes, {given.hammers} hammer "
          f"processes of {given.connections} connections{', behind a cache' if given.self_test else ''}\n")
    print("| What | Figure |\n|---|---|")
    rows = {
        "cancels by the app's side": len(waits),
        "grants given again; extensions and renewals filed": f"{len(changes) - len(waits)}; {others}",
        "cancel, asked to answered: p50, p99, p100":
            ", ".join(f"{waits[int(part * (len(waits) - 1))] / 1e6:.1f}" for part in (0.5, 0.99, 1)) + " ms",
        "calls": f"{told.calls} ({told.calls / given.seconds:.0f}/s)",
        "admitted; denied; neither": f"{told.admitted}; {told.denied}; {told.other}",
        "not judged: sent or answered while a change of the app was on its way": told.open,
        "**late admissions**; the latest (p100)": f"**{len(late)}**; {milliseconds(late)}",
        "false denials; the latest (p100)": f"{len(false)}; {milliseconds(false)}",
        "decided on an older state than was acknowledged": told.stale,
    }
    for what, figure in rows.items():
        print(f"| {what} | {figure} |")
    print("\n| Sent after the answer | calls without a grant | let in | calls with a grant | turned away |")
    print("|---|---|---|---|---|")
    for low, high in zip(STEPS_MS, [*STEPS_MS[1:], None]):
        counts = [
            sum(low * 1e6 <= value < (high or 1e12) * 1e6 for value in values)
            for granted in (False, True) for values in (told.judged[granted], told.wrong[granted])
        ]
        name = f"{low}–{high} ms" if high else f"later than {low} ms"
        print(f"| {name} | {' | '.join(map(str, counts))} |")


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--apps", type=int, default=64)
    arguments.add_argument("--changers", type=int, default=4)
    arguments.add_argument("--hammers", type=int, default=2)
    arguments.add_argument("--connections", type=int, default=4, help="of each hammer process")
    arguments.add_argument("--bound-ms", type=float, default=50)
    arguments.add_argument("--self-test", action="store_true", help="does the meter measure?")
    given = arguments.parse_args()
    servers = []
    with tempfile.TemporaryDirectory() as temporary:
        try:
            good = run(Path(temporary), given, servers)
        finally:
            for server in reversed(servers):
                server.stop()
    sys.exit(0 if good else 1)


def run(folder, given, servers):
    backend_port, cache_port, control_port, gate_port = (free_port() for _ in range(4))
    servers.append(nginx(folder, "backend", backend_port, 'default_type text/plain; return 200 "here";'))
    world, config = folder / "world.yaml", folder / "tidegate.toml"
    world.write_text(json.dumps(WORLD))
    config.write_text(CONFIG.format(dir=folder, control=control_port, gate=gate_port))
    servers.append(Server([BINARY, "serve", "--config", config], stdout=subprocess.DEVNULL))
    control, address = f"127.0.0.1:{control_port}", f"127.0.0.1:{gate_port}"
    target = address
    if given.self_test:
        target = f"127.0.0.1:{cache_port}"
        # nginx's worker, another user, keeps its cache there.
        folder.chmod(0o711)
        upstream = (f"upstream gate {{ server {address}; keepalive 64; }} "
                    f"proxy_cache_path {folder}/cache keys_zone=late:1m use_temp_path=off;")
        servers.append(nginx(folder, "cache", cache_port, CACHE, upstream))
    wait_for(f"http://127.0.0.1:{backend_port}/")
    while wait_for(f"http://{address}/readyz") != 200:
        pass
    wait_for(f"http://{target}/")
    subprocess.run([BINARY, "apply", "--file", world, "--data-dir", folder / "data"], check=True,
                   stdout=subprocess.DEVNULL)
    side = Control(control)
    apps = prepare(side, backend_port, given.apps, 0)
    api = side.call("GET", "/apis")["records"][0]["id"]
    verify(address, apps[-1])

    changes, others, calls = fire(given, target, address, control, api, apps)
    told = judge(changes, calls)
    report(given, changes, others, told)
    late = told.wrong[False]
    beyond = sum(value > given.bound_ms * 1e6 for value in late)
    print(f"\n{beyond} late admissions beyond the bound of {given.bound_ms:g} ms", file=sys.stderr)
    if told.other:
        print(f"{told.other} answers were neither: these figures mean nothing", file=sys.stderr)
        return False
    return beyond > 0 if given.self_test else beyond == 0


if __name__ == "__main__":
    main()
