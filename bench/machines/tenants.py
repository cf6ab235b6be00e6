"""Two tenants: each has a project, a host, a backend, an API of the same path, and apps. What is done in their
name is written down, so that it can be judged when all is over."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

from line import Line, request
from signing import sign

PATH = "/v1/items"
END = "2100-01-01T00:00:00Z"
# How long a call may take before it counts as one that failed.
PATIENCE_S = 10
# Signatures are good for a quarter of an hour.
SIGN_AGAIN_S = 60


@dataclass
class Tenant:
    """A tenant, and who calls in its name."""

    name: str
    backend: int
    api: str = ""
    apps: list = field(default_factory=list)

    @property
    def host(self):
        return f"api.{self.name}.example"

    @property
    def key(self):
        return f"AK{self.name.upper()}", f"{self.name}-secret-key"

    def password(self, user):
        return f"{user}-of-{self.name}"

    def world(self):
        users = [{"name": user, "password": self.password(user)} for user in ("victim", "guest")]
        key, secret = self.key
        users.append({"name": "rita", "access_key": key, "secret_key": secret})
        member = {"role": "admin", "reviewer": True}
        return {
            "id": self.name, "name": self.name, "domain": {"id": self.name, "name": self.name}, "users": users,
            "instances": [{"id": f"{self.name}-1", "name": self.name, "hosts": [self.host]}],
            "workspaces": [{"id": self.name, "name": self.name,
                            "members": [{"user": user["name"], **member} for user in users]}],
        }

    def ask(self, address, method, path, body=None):
        """A signed call of the control side: the status, and what it answers."""
        url = f"http://{address}/v1/{self.name}/service{path}"
        data = json.dumps(body).encode() if body is not None else b""
        headers = {"workspace": self.name} | ({"content-type": "application/json"} if data else {})
        signed = sign(method, url, *self.key, headers, data)
        asked = urllib.request.Request(url, data or None, signed, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()[:200]
        except OSError as error:
            return 0, str(error)

    def must(self, address, method, path, body=None):
        status, answer = self.ask(address, method, path, body)
        if status // 100 != 2:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer

    def furnish(self, address, apps):
        """An API, and apps with grants."""
        definition = {
            "api_type": "API_SPECIFIC_TYPE_REGISTER", "name": "items", "path": PATH, "protocol": "PROTOCOL_TYPE_HTTP",
            "request_type": "REQUEST_TYPE_GET", "manager": "rita", "auth_type": "APP", "catalog_id": "0",
            "visibility": "WORKSPACE", "description": "", "tags": [],
            "backend_config": {"type": "REQUEST_TYPE_GET", "protocol": "PROTOCOL_TYPE_HTTP", "timeout": 5000,
                               "host": f"127.0.0.1:{self.backend}", "path": PATH, "backend_paras": [],
                               "constant_paras": []},
        }
        self.api = self.must(address, "POST", "/apis", definition)["id"]
        self.must(address, "POST", f"/apis/{self.api}/instances/{self.name}-1/publish", {})
        for number in range(apps):
            self.apps.append(self.must(address, "POST", "/apps", {"name": f"app-{number}"}))
            self.act(address, self.apps[-1]["id"], "AUTHORIZE")

    def act(self, address, app, kind):
        body = {"api_id": self.api, "app_id": app, "instance_id": f"{self.name}-1", "apply_type": f"APPLY_TYPE_{kind}",
                "time": END}
        return self.ask(address, "POST", "/apis/authorize/action", body)


@dataclass
class Called:
    """What became of calls."""

    good: int = 0
    again: int = 0
    foreign: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    cross: int = 0
    slowest: float = 0.0


def call(gateways, tenants, until, number):
    """Calls of the first tenant's apps, through all gateways in turn; now and then at the other tenant's host, which
    must deny them."""
    own, other = tenants
    told, lines, turn, signed_at = Called(), {}, number, 0.0
    while time.monotonic() < until:
        if time.monotonic() > signed_at + SIGN_AGAIN_S:
            signed_at = time.monotonic()
            calls = [(app["id"], *(request("GET", PATH, sign("GET", f"http://{tenant.host}{PATH}", app["app_key"],
                                                              app["app_secret"])) for tenant in (own, other)))
                     for app in own.apps]
        turn += 1
        gateway = gateways[turn % len(gateways)]
        app, at_own, at_other = calls[turn % len(calls)]
        is_cross = turn % 16 == 0
        asked = at_other if is_cross else at_own
        began = time.monotonic()
        for is_again in (False, True):
            try:
                if gateway not in lines:
                    lines[gateway] = Line(gateway)
                    lines[gateway].socket.settimeout(PATIENCE_S)
                line = lines[gateway]
                line.ask(asked)
                break
            except OSError as error:
                is_kept = lines.pop(gateway, None) is not None
                if is_again or not is_kept:
                    told.failed.append((time.monotonic(), gateway, str(error)))
                    line = None
                    break
                # A kept connection may close at any time; a call that reads is sent once more.
                told.again += 1
        if line is None:
            continue
        told.slowest = max(told.slowest, time.monotonic() - began)
        body = line.answer.partition(b"\r\n\r\n")[2].decode()
        if is_cross:
            told.cross += 1
            if line.status() == 200:
                told.foreign.append((time.monotonic(), f"{own.name}'s app was let in at {other.host}: {body}"))
        elif line.status() != 200:
            told.failed.append((time.monotonic(), gateway, line.outcome()))
        elif body != f"{own.name} {app}":
            told.foreign.append((time.monotonic(), f"a call of {own.name} {app} was answered {body}"))
        else:
            told.good += 1
    return told


@dataclass
class Changed:
    """Changes that were acknowledged, and those that were not."""

    apps: list = field(default_factory=list)
    grants: dict = field(default_factory=dict)
    acknowledged: int = 0
    refused: list = field(default_factory=list)


def change(controls, tenant, until, number):
    """Creates apps, and grants and takes back what they have; through the control nodes in turn."""
    told, turn = Changed(), 0
    while time.monotonic() < until:
        turn += 1
        address = controls[turn % len(controls)]
        if not told.apps or turn % 3 == 0:
            status, answer = tenant.ask(address, "POST", "/apps", {"name": f"new-{number}-{turn}"})
            if status == 200:
                told.apps.append(answer["id"])
        else:
            app = told.apps[turn % len(told.apps)]
            is_granted = told.grants.get(app) == "AUTHORIZE"
            kind = "APP_CANCEL_AUTHORIZE" if is_granted else "AUTHORIZE"
            status, answer = tenant.act(address, app, kind)
            if status // 100 == 2:
                told.grants[app] = kind
            else:
                # Whether it was made need not be known, so nothing is claimed about it from now on.
                told.grants[app] = None
        if status // 100 == 2:
            told.acknowledged += 1
        else:
            told.refused.append((time.monotonic(), address, status, str(answer)))
        time.sleep(0.02)
    return told


def lost(address, tenant, told):
    """What was acknowledged and is not there."""
    missing = []
    for app in told.apps:
        if tenant.ask(address, "GET", f"/apps/{app}")[0] != 200:
            missing.append(f"the app {app} of {tenant.name}")
    for app, kind in told.grants.items():
        if kind is None:
            continue
        status, answer = tenant.ask(address, "GET", f"/authorize/apps/{app}")
        granted = status == 200 and any(api["id"] == tenant.api for api in answer["records"])
        if granted != (kind == "AUTHORIZE"):
            missing.append(f"{kind} of {app} of {tenant.name}: {status} {answer}")
    return missing
