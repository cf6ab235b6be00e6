"""A Tidegate with a small world: two APIs, an app without a grant, and an API that asks nobody."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

from client import send
from process import Process, free_ports
from signing import signed

WORLD = """
projects:
  - id: p1
    name: region-1
    domain: {id: d1, name: acme}
    users:
      - {name: rita, access_key: RITAKEY, secret_key: rita-secret}
      - {name: olaf, access_key: OLAFKEY, secret_key: olaf-secret}
    instances:
      - {id: g1, name: gate-one}
    workspaces:
      - id: w1
        name: sales
        members:
          - {user: rita, role: developer, reviewer: true}
          - {user: olaf, role: developer}
"""


class Tidegate:
    """`tidegate dev` in a folder of its own."""

    def __init__(self, folder: Path, backend: str = "127.0.0.1:9", path: str = "/orders"):
        self._backend = {"host": backend, "path": path}
        world = folder / "world.yaml"
        world.write_text(WORLD, encoding="utf-8")
        self.control, self.gateway, self.check, self.ext_authz = free_ports(4)
        self._process = Process(
            "tidegate",
            [
                os.environ["TIDEGATE_BIN"],
                "dev",
                f"--data-dir={folder / 'data'}",
                f"--world={world}",
                f"--control-addr=127.0.0.1:{self.control}",
                f"--gateway-addr=127.0.0.1:{self.gateway}",
                f"--check-addr=127.0.0.1:{self.check}",
                f"--ext-authz-addr=127.0.0.1:{self.ext_authz}",
            ],
            folder,
            [self.control, self.gateway, self.check, self.ext_authz],
        )
        self.kill = self._process.kill
        deadline = time.monotonic() + 30
        while send(self.check, "GET", "/readyz", [("Host", "check")]).status != 200:
            assert time.monotonic() < deadline, self._process.said()
            time.sleep(0.02)
        self.apis = {method: self._api(method) for method in ("GET", "POST")}
        self.open = self._api("GET", name="open", auth="NONE", path="/open/{id}")
        app = self._post("olaf", "/apps", {"name": "shop"})
        self.app, self.key, self.secret = app["id"], app["app_key"], app["app_secret"]

    def _api(self, method: str, name="orders", auth="APP", path="/orders/{id}") -> str:
        kind = f"REQUEST_TYPE_{method}"
        definition = {
            "name": f"{name}_{method.lower()}",
            "api_type": "API_SPECIFIC_TYPE_REGISTER",
            "auth_type": auth,
            "manager": "rita",
            "path": path,
            "protocol": "PROTOCOL_TYPE_HTTP",
            "request_type": kind,
            "request_paras": [
                {
                    "name": "id",
                    "position": "REQUEST_PARAMETER_POSITION_PATH",
                    "type": "REQUEST_PARAMETER_TYPE_STRING",
                    "necessary": True,
                }
            ],
            # Used by Tidegate's own gateway only.
            "backend_config": {
                "type": kind,
                "protocol": "PROTOCOL_TYPE_HTTP",
                "timeout": 2000,
            }
            | self._backend,
        }
        id = self._post("rita", "/apis", definition)["id"]
        self._post("rita", f"/apis/{id}/instances/g1/publish", {})
        return id

    def _post(self, user: str, path: str, body: dict):
        path, text = f"/v1/p1/service{path}", json.dumps(body).encode()
        headers = signed(
            "POST",
            f"127.0.0.1:{self.control}",
            path,
            key=f"{user.upper()}KEY",
            secret=f"{user}-secret",
            headers={"content-type": "application/json"},
            body=text,
        )
        answer = send(self.control, "POST", path, headers.items(), text)
        assert answer.status in (200, 204), answer
        return answer.json if answer.body else None

    def _clock(self, advance: int | None = None) -> datetime:
        body = None if advance is None else json.dumps({"advance_seconds": advance}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control}/dev/clock",
            data=body,
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            now = json.load(answer)["now"]
        return datetime.fromtimestamp(now / 1000, timezone.utc)

    def act(self, user: str, kind: str, hours: int):
        """Acts on both grants, with a time so many hours ahead."""
        time = (self._clock() + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:00:00Z")
        for api in self.apis.values():
            body = {
                "api_id": api,
                "instance_id": "g1",
                "app_id": self.app,
                "apply_type": f"APPLY_TYPE_{kind}",
                "time": time,
            }
            self._post(user, "/apis/authorize/action", body)

    def advance(self, hours: int):
        """Moves the clock."""
        self._clock(hours * 3600)

    def until_admitted(self, host: str):
        """Waits until the gateway has heard of the grant."""
        deadline = time.monotonic() + 30
        headers = signed("POST", host, "/orders/0", key=self.key, secret=self.secret)
        while send(self.gateway, "POST", "/orders/0", headers.items()).status != 200:
            assert time.monotonic() < deadline, self._process.said()
            time.sleep(0.02)
