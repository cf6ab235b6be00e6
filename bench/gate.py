"""CPU per call of the gateway, as a ratio to nginx's plain proxy_pass in the same run.

Slices of a second alternate: anchor, ours, anchor, ours, ... A slice's ratio is ours divided by the mean
of the anchor slices beside it. CPU comes from the kernel's accounting of the server's processes, so the
load generator and the backend do not count.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from datetime import date
from pathlib import Path

from processes import Server, free_port, wait_for
from signing import sign

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("TIDEGATE_BIN", ROOT / "target/dist/tidegate"))
VARIANTS = 1024

WORLD = {
    "projects": [{
        "id": "bench", "name": "bench-1", "domain": {"id": "bench", "name": "bench"},
        "users": [{"name": "rita", "access_key": "AKRITA", "secret_key": "bench-secret"}],
        "instances": [{"id": "gate-1", "name": "gate-1"}],
        "workspaces": [{"id": "bench", "name": "bench",
                        "members": [{"user": "rita", "role": "admin", "reviewer": True}]}],
    }]
}

NGINX = """
worker_processes 1;
daemon off;
pid {dir}/{name}.pid;
error_log {dir}/{name}.err crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {dir}/{name}-body;
    proxy_temp_path {dir}/{name}-proxy;
    fastcgi_temp_path {dir}/{name}-fastcgi;
    uwsgi_temp_path {dir}/{name}-uwsgi;
    scgi_temp_path {dir}/{name}-scgi;
    keepalive_requests 1000000000;
    {upstream}
    server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }}
}}
"""

CONFIG = """
data_dir = "{dir}/data"
control_addr = "127.0.0.1:{control}"
backend_networks = ["127.0.0.0/8"]
gateway_addr = "127.0.0.1:{gate}"
[gateway]
threads = 1
[log]
level = "error"
"""

LUA = """
local paths, authorizations, host, date = {{}}, {{}}, "{host}", "{date}"
{rows}
local requests, n = {{}}, 0
init = function()
    for i = 1, #paths do
        requests[i] = wrk.format("GET", paths[i],
            {{ Host = host, ["X-Sdk-Date"] = date, Authorization = authorizations[i] }})
    end
end
request = function()
    n = n % #requests + 1
    return requests[n]
end
done = function(summary, latency)
    io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
        summary.errors.status + summary.errors.read + summary.errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
"""


class Control:
    """The control side, called as the reviewer and owner of everything."""

    def __init__(self, address):
        self.base = f"http://{address}/v1/bench/service"

    def call(self, method, path, body=None):
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", "workspace": "bench"}
        url = self.base + path
        signed = sign(method, url, "AKRITA", "bench-secret", headers, data)
        request = urllib.request.Request(url, data or None, signed, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path}: {error.read().decode()}")
        return json.loads(text) if text else None


def nginx(folder, name, port, location, upstream="", before=()):
    config = folder / f"{name}.conf"
    config.write_text(NGINX.format(dir=folder, name=name, port=port, location=location, upstream=upstream))
    return Server([*before, "nginx", "-c", config, "-p", folder], stderr=subprocess.DEVNULL)


def prepare(control, backend_port, apps, answer_bytes):
    """An API before the backend, and `apps` apps with a grant of it."""
    api = control.call("POST", "/apis", {
        "name": "bench", "api_type": "API_SPECIFIC_TYPE_REGISTER", "auth_type": "APP",
        "manager": "rita", "path": "/v1/items", "protocol": "PROTOCOL_TYPE_HTTP",
        "request_type": "REQUEST_TYPE_GET", "visibility": "WORKSPACE",
        "backend_config": {"type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP",
                           "host": f"127.0.0.1:{backend_port}", "path": "/v1/items", "timeout": 5000},
    })["id"]
    control.call("POST", f"/apis/{api}/instances/gate-1/publish", {})
    made = [control.call("POST", "/apps", {"name": f"app-{i}"}) for i in range(apps)]
    for start in range(0, apps, 1000):
        ids = [app["id"] for app in made[start:start + 1000]]
        control.call("POST", f"/apis/{api}/instances/gate-1/authorize",
                     {"app_ids": ids, "time": "2099-01-01T00:00:00Z"})
    return made


def script(folder, name, address, apps):
    """A wrk script with signed requests, made before the run."""
    rows, date_header = [], None
    for i in range(VARIANTS):
        app = apps[i % len(apps)]
        path = f"/v1/items?page={i}&size=10&sort=name&filter=a%20b&region=north&lang=en"
        headers = sign("GET", f"http://{address}{path}", app["app_key"], app["app_secret"],
                       {"x-sdk-date": ""})
        date_header = date_header or headers["x-sdk-date"]
        if headers["x-sdk-date"] != date_header:
            return script(folder, name, address, apps)
        rows.append(f'paths[{i + 1}] = "{path}"; authorizations[{i + 1}] = "{headers["authorization"]}"')
    file = folder / f"{name}.lua"
    file.write_text(LUA.format(host=address, date=date_header, rows="\n".join(rows)))
    return file


def verify(address, app):
    """A good request is let in, a forged one is not; else the figures mean nothing."""
    url = f"http://{address}/v1/items"
    good = sign("GET", url, app["app_key"], app["app_secret"])
    assert urllib.request.urlopen(urllib.request.Request(url, headers=good)).status == 200
    forged = {**good, "authorization": good["authorization"][:-4] + "0000"}
    try:
        urllib.request.urlopen(urllib.request.Request(url, headers=forged))
        sys.exit("a forged request was let in")
    except urllib.error.HTTPError as denied:
        assert denied.code == 401, denied.code


def slice_of(server, address, lua, connections, seconds):
    before = server.cpu_seconds()
    ran = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", lua, f"http://{address}/"],
        capture_output=True, text=True, check=True)
    line = next(line for line in ran.stdout.splitlines() if line.startswith("RESULT"))
    requests, micros, errors, p50, p99 = map(int, line.split()[1:])
    if errors:
        sys.exit(f"{errors} errors:\n{ran.stdout}")
    cpu = (server.cpu_seconds() - before) * 1e6 / requests
    return {"cpu": cpu, "rate": requests * 1e6 / micros, "p50": p50, "p99": p99}


def spread(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--slices", type=int, default=12)
    arguments.add_argument("--seconds", type=int, default=1)
    arguments.add_argument("--connections", type=int, default=32)
    arguments.add_argument("--apps", type=int, default=2000)
    arguments.add_argument("--answer-bytes", type=int, default=1024)
    given = arguments.parse_args()
    servers = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            run(folder, given, servers)
        finally:
            for server in reversed(servers):
                server.stop()


def run(folder, given, servers):
    backend_port, anchor_port, control_port, gate_port = (free_port() for _ in range(4))
    answer = "x" * given.answer_bytes
    servers.append(nginx(folder, "backend", backend_port, f'default_type text/plain; return 200 "{answer}";'))
    upstream = f"upstream backend {{ server 127.0.0.1:{backend_port}; keepalive 64; }}"
    proxy = 'proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";'
    anchor = nginx(folder, "anchor", anchor_port, proxy, upstream)
    servers.append(anchor)
    world = folder / "world.yaml"
    world.write_text(json.dumps(WORLD))
    gate_address, anchor_address = f"127.0.0.1:{gate_port}", f"127.0.0.1:{anchor_port}"
    config = folder / "tidegate.toml"
    config.write_text(CONFIG.format(dir=folder, control=control_port, gate=gate_port))
    gate = Server([BINARY, "serve", "--config", config], stdout=subprocess.DEVNULL,
                  stderr=subprocess.DEVNULL)
    servers.append(gate)
    for port in (backend_port, anchor_port):
        wait_for(f"http://127.0.0.1:{port}/")
    while wait_for(f"http://127.0.0.1:{gate_port}/readyz") != 200:
        pass

    subprocess.run([BINARY, "apply", "--file", world, "--data-dir", folder / "data"], check=True,
                   stdout=subprocess.DEVNULL)
    apps = prepare(Control(f"127.0.0.1:{control_port}"), backend_port, given.apps, given.answer_bytes)
    verify(gate_address, apps[-1])
    ours = script(folder, "ours", gate_address, apps)
    plain = script(folder, "plain", anchor_address, apps)
    measure = lambda server, address, lua: slice_of(server, address, lua, given.connections, given.seconds)
    for warm_up in ((anchor, anchor_address, plain), (gate, gate_address, ours)):
        measure(*warm_up)

    anchors, gates = [measure(anchor, anchor_address, plain)], []
    for number in range(given.slices):
        gates.append(measure(gate, gate_address, ours))
        anchors.append(measure(anchor, anchor_address, plain))
        print(f"slice {number + 1}/{given.slices}", end="\r", file=sys.stderr)
    ratios = [
        one["cpu"] / statistics.mean([anchors[i]["cpu"], anchors[i + 1]["cpu"]])
        for i, one in enumerate(gates)
    ]
    print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
          f"{given.slices} slices of {given.seconds} s, {given.connections} connections, "
          f"{given.apps} apps, answers of {given.answer_bytes} bytes\n")
    print("| | CPU µs per call | ratio | calls/s | p50 µs | p99 µs | memory MiB |")
    print("|---|---|---|---|---|---|---|")
    for name, rows, server, ratio in (
        ("nginx proxy_pass, no check", anchors, anchor, "1"),
        ("tidegate, signature and grant checked", gates, gate, spread(ratios)),
    ):
        middle = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        print(f"| {name} | {middle['cpu']:.1f} | {ratio} | {middle['rate']:.0f} | {middle['p50']:.0f} | "
              f"{middle['p99']:.0f} | {server.memory_mib():.0f} |")


if __name__ == "__main__":
    main()
