"""The actions of a reviewer and owner over kept connections, and calls of apps, as bytes."""

import json
import time
from datetime import datetime, timedelta

from line import Line, request
from signing import sign

# What every app holds at first.
FIRST_END = datetime(2099, 1, 1)
SIGN_AGAIN_NS = 60 * 10**9


class Actor:
    """Acts at one control node."""

    def __init__(self, address, api, wait=None):
        self.address, self.api, self.wait, self.line = address, api, wait, None

    def send(self, kind, app, end=None):
        """Sends an action on a grant; the connection its answer comes on."""
        return self.post("/apis/authorize/action", {
            "api_id": self.api, "instance_id": "gate-1", "app_id": app["id"], "apply_type": f"APPLY_TYPE_{kind}",
            "time": (end or FIRST_END).strftime("%Y-%m-%dT%H:%M:%SZ"),
        })

    def post(self, path, body):
        """Sends a call of the reviewer's."""
        path, body = f"/v1/bench/service{path}", json.dumps(body).encode()
        headers = {"content-type": "application/json", "workspace": "bench"}
        if self.wait:
            headers["x-tidegate-wait"] = self.wait
        signed = sign("POST", f"http://{self.address}{path}", "AKRITA", "bench-secret", headers, body)
        self.line = self.line or Line(self.address)
        self.line.send(request("POST", path, signed, body))
        return self.line

    def act(self, kind, app, end=None):
        """One action and its status. A connection that broke is not used again."""
        try:
            line = self.send(kind, app, end)
            line.wait()
            return line.status()
        except OSError:
            self.line = None
            raise

    def done(self, kind, app, end=None):
        """The same, which must succeed."""
        if self.act(kind, app, end) // 100 != 2:
            raise RuntimeError(f"{kind}: {self.line.answer.decode()}")
        return self.line


class Ends:
    """Later and later ends, so that no authorization is a repetition; each turn's are later than the last turn's."""

    def __init__(self, turn=0):
        self.last = FIRST_END + timedelta(days=2000 * turn)

    def next(self):
        self.last += timedelta(hours=1)
        return self.last


class Signed:
    """Calls of the apps at one gateway, signed again before they are too old."""

    def __init__(self, address, apps):
        self.address, self.apps, self.kept = address, apps, {}

    def of(self, number):
        now = time.monotonic_ns()
        bytes_, until = self.kept.get(number, (b"", 0))
        if now > until:
            app, url = self.apps[number], f"http://{self.address}/v1/items"
            bytes_ = request("GET", "/v1/items", sign("GET", url, app["app_key"], app["app_secret"]))
            self.kept[number] = bytes_, now + SIGN_AGAIN_NS
        return bytes_
