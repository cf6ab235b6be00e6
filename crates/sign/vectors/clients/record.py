#!/usr/bin/env python3
"""Writes ../clients.json: requests as the vendor's real clients sign and send them.

    crates/sign/vectors/clients/record.py

Each client is driven over loopback with the same cases, by its own signer and its own HTTP library, and what
arrives is written down byte by byte. `check.py` and the crate's tests then say what they make of it. The clients
come from PyPI, Maven Central, the Go module proxy and npm, and are kept in `target/`; a run needs Python, Go, a
JDK, Maven and Node, so it is not part of `./test`. The dates, and with them the signatures, are new in each run.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from calendar import timegm
from pathlib import Path
from time import strptime

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
TARGET = ROOT / "target"
FILE = HERE.parent / "clients.json"
AK, SK = "AK-CLIENTS-0001", "sk-clients-0123456789abcdefghijklmnopqrstuv"
JSON = {"Content-Type": "application/json"}


def case(name, path="/orders", id=None, query=(), headers=None, body=None, method="GET", not_by=()):
    """A request in plain parts: `{id}` in the path stands for `id`, all of it not encoded."""
    query = [[name, value if isinstance(value, list) else [value]] for name, value in query]
    return {"name": name, "method": method, "path": path, "id": id, "query": query,
            "headers": headers or {}, "body": body, "not_by": not_by}


CASES = [
    case("nothing but a path"),
    case("an empty path", path="", not_by=("Python SDK", "JavaScript SDK")),  # Their signers raise an error.
    case("the root", path="/", not_by=("JavaScript SDK",)),
    case("a trailing slash", path="/orders/"),
    *(case(f"{what} in the path", path="/orders/{id}", id=text) for what, text in (
        ("a blank", "a b"), ("a plus", "a+b"), ("a tilde", "~a"), ("Chinese", "订单"), ("a star", "a*b"),
        ("a colon", "a:b"), ("an at sign", "a@b"), ("a percent", "50%"), ("parentheses", "(a)!'"),
    )),
    *(case(f"{what} in a value", query=[("q", text)]) for what, text in (
        ("a blank", "a b"), ("a plus", "a+b"), ("a blank and a plus", "a +b"), ("a tilde", "~a"),
        ("Chinese", "标签"), ("a star", "a*b"), ("a slash", "a/b"), ("a percent", "50%"), ("an ampersand", "a&b=c"),
        ("parentheses", "(a)!'"), ("an emoji", "🔑"), ("nothing", ""), ("a trailing equals sign", "a="),
    )),
    case("a blank, a plus and Chinese in a name", query=[("q 1+标", "x")]),
    case("several names", query=[("b", "2"), ("a", "1"), ("B", "3"), ("a-", "4")]),
    case("a name repeated, values in order", query=[("tag", ["a", "b", "b"])]),
    case("a name repeated, values out of order", query=[("tag", ["b", "a", ""]), ("x", "1")]),
    case("Content-Type of a GET", headers=JSON),
    case("Accept and Content-Type", headers={**JSON, "Accept": "application/json"}),
    case("a header in Chinese letters' bytes left out, in capitals", headers={"X-Tenant": "One  Two"}),
    case("a body", method="POST", headers=JSON, body={"name": "订单 ~+%"}),
    case("an empty body", method="POST", headers=JSON),
    case("a DELETE", method="DELETE", path="/orders/{id}", id="7"),
]


# What some clients send is not what they sign, or is no request at all: whoever checks refuses it, for this.
FAULTS = {
    # Does not encode the parameter's name when it signs.
    ("Java SDK", "a blank, a plus and Chinese in a name"): "BadSignature",
    # Send a percent sign in a path as it is.
    ("Java SDK", "a percent in the path"): "BadEscape",
    ("JavaScript SDK", "a percent in the path"): "BadEscape",
    # Encodes twice, when it signs, what its reader of addresses has encoded.
    ("JavaScript SDK", "a blank in the path"): "BadSignature",
    ("JavaScript SDK", "parentheses in the path"): "BadSignature",
}


class Recorder(threading.Thread):
    """Answers every request with `{}`, and keeps what arrived."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        self.seen: list[dict] = []

    def run(self):
        while True:
            connection, _ = self.socket.accept()
            with connection, connection.makefile("rb") as stream:
                method, target, _ = stream.readline().decode("latin-1").split(" ")
                headers = []
                while line := stream.readline().rstrip(b"\r\n"):
                    name, _, value = line.decode("latin-1").partition(":")
                    headers.append([name, value.strip(" ")])
                known = {name.lower(): value for name, value in headers}
                body = stream.read(int(known.get("content-length", 0)))
                if known.get("transfer-encoding") == "chunked":
                    while length := int(stream.readline(), 16):
                        body += stream.read(length)
                        stream.readline()
                    stream.readline()
                self.seen.append({"method": method, "target": target, "headers": headers,
                                  "body": body.decode("latin-1")})
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                   b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")


def sh(*command, **env):
    """Runs a command."""
    subprocess.run([str(part) for part in command], check=True, env={**os.environ, **env})


def python():
    """`huaweicloudsdkcore` and `apigateway-sdk-python` of PyPI."""
    venv = TARGET / "vectors-venv"
    if not venv.exists():
        sh("python3", "-m", "venv", venv)
        sh(venv / "bin/pip", "install", "--quiet", "huaweicloudsdkcore==3.1.219", "apigateway-sdk-python==1.0.0")
    return [venv / "bin/python", HERE / "sdk.py"], [venv / "bin/python", HERE / "app_signer.py"]


def go():
    """`huaweicloud-sdk-go-v3` of the module proxy; the version is that of sdk-tests/go."""
    program = TARGET / "go" / "record"
    folder = TARGET / "go" / "recorder"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.go").write_bytes((HERE / "go" / "main.go.txt").read_bytes())
    for name in ("go.mod", "go.sum"):
        (folder / name).write_bytes((ROOT / "sdk-tests" / "go" / name).read_bytes())
    sh("go", "build", "-C", folder, "-o", program, ".", GOPATH=str(TARGET / "go"), GOTOOLCHAIN="local",
       GOMODCACHE=str(TARGET / "go/pkg/mod"), GOCACHE=str(TARGET / "go/cache"), GOFLAGS="-modcacherw",
       PATH=os.environ["PATH"] + ":/usr/local/go/bin")
    return [program]


def java():
    """`huaweicloud-sdk-core` of Maven Central, as sdk-tests/java has it."""
    libraries = TARGET / "java" / "lib"
    if not libraries.exists():
        raise SystemExit("run sdk-tests/java/run first: it fetches the SDK")
    classes = TARGET / "java" / "recorder"
    sh("javac", "-nowarn", "-encoding", "UTF-8", "-cp", f"{libraries}/*", "-d", classes, HERE / "java/Record.java")
    return ["java", "-Dfile.encoding=UTF-8", "-cp", f"{classes}:{libraries}/*", "Record"]


def javascript():
    """`@huaweicloud/huaweicloud-sdk-core` of npm."""
    folder = TARGET / "javascript"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "record.js"):
        (folder / name).write_bytes((HERE / "javascript" / name).read_bytes())
    if not (folder / "node_modules").exists():
        sh("npm", "install", "--silent", "--no-package-lock", "--prefix", folder)
    return ["node", folder / "record.js"]


def main():
    sdk, app_signer = python()
    clients = {"Python SDK": sdk, "Python app signer": app_signer, "Go SDK": go(), "Java SDK": java(),
               "JavaScript SDK": javascript()}
    vectors = []
    for client, command in clients.items():
        recorder = Recorder()
        recorder.start()
        cases = [each for each in CASES if client not in each["not_by"]]
        told = {"url": recorder.url, "access": AK, "secret": SK, "cases": cases}
        sh(*command, RECORD=json.dumps(told))
        assert len(recorder.seen) == len(cases), f"{client}: {len(recorder.seen)} of {len(cases)}"
        for wanted, seen in zip(cases, recorder.seen):
            date = next(value for name, value in seen["headers"] if name.lower() == "x-sdk-date")
            error = FAULTS.get((client, wanted["name"]))
            vectors.append({
                "name": f"{client}: {wanted['name']}", "verdict": "refused" if error else "accepted",
                "error": error, **seen,
                "payload": "whole", "now": timegm(strptime(date, "%Y%m%dT%H%M%SZ")), "window": 900,
            })
    lines = ",\n".join(json.dumps(each) for each in vectors)
    FILE.write_text(f'{{"keys": {json.dumps({AK: SK})},\n"vectors": [\n{lines}\n]}}\n', encoding="ascii")
    print(f"{len(vectors)} requests of {len(clients)} clients")


if __name__ == "__main__":
    main()
