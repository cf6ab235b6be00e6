"""CPU per call of gateways side by side, as ratios to nginx's plain proxy_pass in the same run.

Slices alternate: anchor, X, anchor, Y, anchor, ...; the order is shuffled in every round, and the ratio is X
by the mean of the two anchor slices beside it. CPU comes from the kernel's accounting of the gateway and of
whatever helps it, so the load generator and the backend do not count. Before every scenario a good
request has to be let in by every target, and a forged one refused by every target that claims to check.
"""

import argparse
import http.client
import json
import os
import platform
import random
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import targets
from gate import Control, WORLD, spread
from processes import Server, free_port, wait_for
from signing import sign

VARIANTS = 1024
HOST = "gateway.bench"
PATH = "/v1/items?filter=a%20b&lang=en&page={}&region=north&size=10&sort=name"

#: Method, bytes of the answer, and whether connections are kept.
SCENARIOS = {
    "get": ("GET", 1024, True),
    "post": ("POST", 1024, True),
    "get-64k": ("GET", 65536, True),
    "post-64k": ("POST", 65536, True),
    "get-close": ("GET", 1024, False),
    "post-close": ("POST", 1024, False),
}
BODY = json.dumps({"text": "x" * 1012}).encode()

LUA = """
local rows = {{ {rows} }}
local requests, n = {{}}, 0
init = function()
    for i, row in ipairs(rows) do
        requests[i] = wrk.format("{method}", row[1], {{ Host = "{host}", ["X-Sdk-Date"] = "{date}",
            Authorization = row[2], ["X-Api-Key"] = row[3]{more} }}, {body})
    end
end
request = function()
    n = n % #requests + 1
    return requests[n]
end
done = function(summary, latency)
    local errors = summary.errors
    io.write(string.format("RESULT %d %d %d %d %d %d\\n", summary.requests, summary.duration,
        errors.status, errors.read + errors.write + errors.connect + errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
"""


CONFIG = """
data_dir = "{data}"
control_addr = "127.0.0.1:{control}"
backend_networks = ["127.0.0.0/8"]
gateway_addr = "127.0.0.1:{gateway}"
ext_authz_addr = "127.0.0.1:{ext_authz}"
{tls}
[gateway]
threads = 1
[log]
level = "error"
"""

TLS = """
gateway_tls_cert = "{dir}/cert.pem"
gateway_tls_key = "{dir}/key.pem"
"""


class Tidegate:
    """Ours: one server is the gateway and, for Envoy, the authorizer."""

    def __init__(self, folder, tls):
        self.control, self.gateway, self.ext_authz = (free_port() for _ in range(3))
        self.world, self.data = folder / "world.yaml", folder / "data"
        self.world.write_text(json.dumps(WORLD))
        config = folder / "tidegate.toml"
        config.write_text(CONFIG.format(
            data=self.data, control=self.control, gateway=self.gateway, ext_authz=self.ext_authz,
            tls=TLS.format(dir=folder) if tls else ""))
        self.server = Server([targets.BINARY, "serve", "--config", config], **targets.QUIET)

    def furnish(self):
        """Makes the users and the instance."""
        command = [targets.BINARY, "apply", "--file", self.world, "--data-dir", self.data]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def prepare(control, backend, apps):
    """Two APIs before the backend, one per method, and `apps` apps with a grant of both."""
    made = [control.call("POST", "/apps", {"name": f"app-{i}"}) for i in range(apps)]
    for method in ("GET", "POST"):
        kind = f"REQUEST_TYPE_{method}"
        api = control.call("POST", "/apis", {
            "name": f"bench_{method.lower()}", "api_type": "API_SPECIFIC_TYPE_REGISTER", "auth_type": "APP",
            "manager": "rita", "path": "/v1/items", "protocol": "PROTOCOL_TYPE_HTTP", "request_type": kind,
            "visibility": "WORKSPACE",
            "backend_config": {"type": kind, "protocol": "PROTOCOL_TYPE_HTTP", "host": f"127.0.0.1:{backend}",
                               "path": "/v1/items", "timeout": 5000},
        })["id"]
        control.call("POST", f"/apis/{api}/instances/gate-1/publish", {})
        for start in range(0, apps, 1000):
            ids = [app["id"] for app in made[start:start + 1000]]
            control.call("POST", f"/apis/{api}/instances/gate-1/authorize",
                         {"app_ids": ids, "time": "2099-01-01T00:00:00Z"})
    return made


def signed(method, path, app):
    body = BODY if method == "POST" else b""
    return sign(method, f"http://{HOST}{path}", app["app_key"], app["app_secret"], {"x-sdk-date": ""}, body)


def script(folder, scenario, apps):
    """A wrk script with signed requests, made before they are needed; all of one second."""
    method, _, keeps = SCENARIOS[scenario]
    while True:
        rows, dates = [], set()
        for i in range(VARIANTS):
            app, path = apps[i % len(apps)], PATH.format(i)
            headers = signed(method, path, app)
            dates.add(headers["x-sdk-date"])
            rows.append(f'{{ "{path}", "{headers["authorization"]}", "{app["app_key"]}" }}')
        if len(dates) == 1:
            break
    more = "" if keeps else ', Connection = "close"'
    body = "nil"
    if method == "POST":
        more += ', ["Content-Type"] = "application/json"'
        body = f"[==[{BODY.decode()}]==]"
    file = folder / f"{scenario}.lua"
    file.write_text(LUA.format(rows=", ".join(rows), method=method, host=HOST, date=dates.pop(), more=more, body=body))
    return file


def ask(target, tls, method, headers, path):
    """One request; tells the status and the size of the answer."""
    if tls:
        trusting = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", target.port, context=trusting, timeout=10)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)
    connection.request(method, path, BODY if method == "POST" else None, headers)
    answer = connection.getresponse()
    status, size = answer.status, len(answer.read())
    connection.close()
    return status, size


def verify(target, tls, scenario, app):
    """A good request is let in, and forged ones are not; else the figures mean nothing."""
    method, answer, _ = SCENARIOS[scenario]
    path = PATH.format(1)
    good = {**signed(method, path, app), "x-api-key": app["app_key"]}
    if method == "POST":
        good["content-type"] = "application/json"
    said = ask(target, tls, method, good, path)
    if said != (200, answer):
        sys.exit(f"{target.name}: a good request got {said}")
    if not target.checks:
        return
    forged = {**good, "authorization": good["authorization"][:-4] + "0000", "x-api-key": "nobody"}
    status, _ = ask(target, tls, method, forged, path)
    if status not in (401, 403):
        sys.exit(f"{target.name}: a forged request got {status}")
    if "no signature" in target.name:
        return
    status, _ = ask(target, tls, method, good, path + "0")
    if status not in (401, 403):
        sys.exit(f"{target.name}: a request signed for another address got {status}")


def slice_of(target, given, lua, seconds):
    scheme = "https" if given.tls else "http"
    before = target.cpu()
    ran = subprocess.run(
        ["wrk", "-t1", f"-c{given.connections}", f"-d{seconds}s", "-s", lua, f"{scheme}://127.0.0.1:{target.port}/"],
        capture_output=True, text=True, check=True)
    after = target.cpu()
    line = next((line for line in ran.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        sys.exit(f"{target.name}: wrk said\n{ran.stdout}{ran.stderr}")
    requests, micros, refused, broken, p50, p99 = map(int, line.split()[1:])
    if refused or broken > requests // 1000:
        sys.exit(f"{target.name}: {refused} refused, {broken} broken:\n{ran.stdout}")
    gateway, helper = ((b - a) * 1e6 / requests for a, b in zip(before, after))
    return {"cpu": gateway + helper, "helper": helper, "rate": requests * 1e6 / micros, "p50": p50, "p99": p99}


def put_answer(folder, anchor, tls, size):
    """Lets the backend answer so many bytes. It looks for a new file once a second."""
    new = folder / "answer.new"
    new.write_text("x" * size)
    # In one step, so that it never sends half of one.
    new.rename(folder / "answer")
    deadline = time.monotonic() + 20
    while ask(anchor, tls, "GET", {"host": HOST}, "/v1/items") != (200, size):
        if time.monotonic() > deadline:
            sys.exit("the backend does not answer as it should")
        time.sleep(0.1)


def measure(given, folder, scenario, running, apps):
    """The rows of one scenario, and the memory of each target after it."""
    anchor, others = running[0], running[1:]
    put_answer(folder, anchor, given.tls, SCENARIOS[scenario][1])
    for target in running:
        verify(target, given.tls, scenario, apps[-1])
    lua = script(folder, scenario, apps)
    for target in running:
        slice_of(target, given, lua, 1)
    rows = {target.name: [] for target in running}
    ratios = {target.name: [] for target in others}
    order = random.Random(scenario)
    for number in range(given.rounds):
        # The signatures must not get old.
        lua = script(folder, scenario, apps)
        before = slice_of(anchor, given, lua, given.seconds)
        rows[anchor.name].append(before)
        for target in order.sample(others, len(others)):
            row = slice_of(target, given, lua, given.seconds)
            after = slice_of(anchor, given, lua, given.seconds)
            rows[target.name].append(row)
            rows[anchor.name].append(after)
            ratios[target.name].append(row["cpu"] / statistics.mean([before["cpu"], after["cpu"]]))
            before = after
        print(f"{scenario}: round {number + 1}/{given.rounds}   ", end="\r", file=sys.stderr)
    return rows, ratios


def tell(given, scenario, running, rows, ratios):
    method, answer, keeps = SCENARIOS[scenario]
    body = f" with {len(BODY)} bytes" if method == "POST" else ""
    kept = f"{given.connections} kept connections" if keeps else f"a connection per call, {given.connections} at a time"
    print(f"\n## {scenario}: {method}{body}, {answer} bytes back, {kept}{', TLS' if given.tls else ''}\n")
    print("| | CPU µs per call | of it the helper | ratio | calls/s | p50 µs | p99 µs | memory MiB |")
    print("|---|---|---|---|---|---|---|---|")
    for target in running:
        middle = {key: statistics.median(row[key] for row in rows[target.name]) for key in rows[target.name][0]}
        helper = f"{middle['helper']:.1f}" if target.helpers else ""
        quotients = ratios.get(target.name)
        ratio = "1" if quotients is None else spread(quotients) if len(quotients) > 1 else f"{quotients[0]:.2f}"
        print(f"| {target.name} | {middle['cpu']:.1f} | {helper} | {ratio} | {middle['rate']:.0f} | "
              f"{middle['p50']:.0f} | {middle['p99']:.0f} | {target.memory():.0f} |", flush=True)


def estimate(given):
    others = len(given.target) - 1
    slices = len(given.target) + given.rounds * (2 * others + 1) * given.seconds
    return len(given.scenario) * (slices * 1.1 + given.rounds * 0.3 + 3) + given.apps * 0.01 + 10


def parse():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=12)
    arguments.add_argument("--seconds", type=int, default=1, help="the length of a slice")
    arguments.add_argument("--connections", type=int, default=32)
    arguments.add_argument("--apps", type=int, default=2000)
    arguments.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    arguments.add_argument("--target", nargs="+", choices=targets.ALL, default=list(targets.ALL),
                           help="nginx, the anchor, is always among them")
    arguments.add_argument("--tls", action="store_true", help="callers speak TLS")
    given = arguments.parse_args()
    given.target = ["nginx", *(name for name in given.target if name != "nginx")]
    return given


def main():
    given = parse()
    print(f"this takes about {estimate(given) / 60:.0f} minutes", file=sys.stderr)
    began = time.monotonic()
    stops = []
    with tempfile.TemporaryDirectory() as temporary:
        try:
            run(given, Path(temporary), stops)
        finally:
            for stop in reversed(stops):
                stop()
    print(f"it took {(time.monotonic() - began) / 60:.1f} minutes", file=sys.stderr)


def run(given, folder, stops):
    backend_port = free_port()
    # Workers of nginx run as another user.
    folder.chmod(0o755)
    (folder / "answer").write_text("x")
    if given.tls:
        targets.certificate(folder)
    ours = Tidegate(folder, given.tls)
    stops.append(ours.server.stop)
    while wait_for(f"http://127.0.0.1:{ours.control}/readyz") != 200:
        pass
    ours.furnish()
    apps = prepare(Control(f"127.0.0.1:{ours.control}"), backend_port, given.apps)
    place = targets.Place(folder, backend_port, apps, ours, given.tls)
    stops.append(targets.backend(place, backend_port).stop)
    running = []
    for name in given.target:
        running.append(targets.ALL[name](place))
        stops.append(running[-1].stop)
    for target in running:
        wait_for_port(target)
    print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
          f"{given.rounds} rounds of {given.seconds} s, {given.apps} apps")
    for scenario in given.scenario:
        tell(given, scenario, running, *measure(given, folder, scenario, running, apps))


def wait_for_port(target):
    """Waits until something listens there; TLS or not is all the same to it."""
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", target.port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"{target.name} does not start")
            time.sleep(0.05)


if __name__ == "__main__":
    main()
