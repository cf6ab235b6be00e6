"""One story per proxy: denied, granted, let in, cancelled, expired, and closed when nobody answers."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

from backend import Backend
from client import Answer, send
from proxies import PROXIES, Proxy
from signing import signed
from tidegate import Tidegate

HOST = "api.example.com:8443"
OCTETS = {"content-type": "application/octet-stream"}
JSON = {"content-type": "application/json"}


class Story:
    """A proxy in front of a backend, beside a Tidegate."""

    def __init__(self, proxy: Proxy, tidegate: Tidegate, backend: Backend, port: int):
        self.proxy, self.tidegate, self.backend, self.port = proxy, tidegate, backend, port
        self.checks = 0

    def call(
        self, method="GET", path="/orders/7", *, sent=None, unsigned=(), chunked=False, **how
    ) -> Answer:
        """A signed call; `sent` is what is sent in place of what was signed."""
        keys = {"key": self.tidegate.key, "secret": self.tidegate.secret} | how
        headers = signed(method, HOST, path, **keys)
        sent = {"method": method, "path": path, "body": how.get("body", b"")} | (sent or {})
        headers = [*headers.items(), *unsigned]
        return send(
            self.port, sent["method"], sent["path"], headers, sent["body"], chunked=chunked
        )

    def denied(self, status: int, reason: str | None, answer: Answer, before: int):
        """The call got no further than the proxy."""
        self.checks += 1
        assert (answer.status, answer.reason) == (status, reason), (answer, reason)
        assert len(self.backend.seen) == before, "the backend was called"
        if self.proxy.passes_text and reason:
            assert answer.json["error_code"], answer

    def denies(self, status: int, reason: str | None, **how):
        """Such a call is denied."""
        before = len(self.backend.seen)
        self.denied(status, reason, self.call(**how), before)

    def lets_in(self, **how):
        """Such a call comes through; tells what the backend saw."""
        self.checks += 1
        before = len(self.backend.seen)
        answer = self.call(**how)
        assert answer.status == 200 and len(self.backend.seen) == before + 1, answer
        assert answer.reason in (None, ""), answer.headers
        seen = self.backend.seen[-1]
        method = how.get("method", "GET")
        assert seen.all("x-tidegate-app") == [self.tidegate.app], seen
        assert seen.all("x-tidegate-api") == [self.tidegate.apis[method]], seen
        assert len(seen.all("x-tidegate-grant-end")) == 1, seen
        assert len(seen.all("x-request-id")) == 1 and len(seen.all("x-request-id")[0]) == 32, seen
        for secret in ("authorization", "x-authorization", "x-security-token", "x-sdk-date", "x-sdk-nonce"):
            assert seen.all(secret) == [], seen
        return seen

    def tell(self):
        """The story."""
        tidegate, proxy = self.tidegate, self.proxy
        self.denies(403, "no-grant")
        tidegate.act("rita", "AUTHORIZE", 200)
        seen = self.lets_in(path="/orders/7?b=%20x&a=1")
        assert (seen.method, seen.target) == ("GET", "/orders/7?b=%20x&a=1"), seen
        self.spoofed()
        self.proof()
        self.tampered()
        self.bodies()

        # The reviewer cancels: two days of notice, which the backend is told of.
        tidegate.act("rita", "API_CANCEL_AUTHORIZE", 50)
        assert len(self.lets_in().all("x-tidegate-cancelled-at")) == 1
        tidegate.advance(51)
        self.denies(403, "cancelled")
        # Granted again; time alone ends it.
        tidegate.act("rita", "AUTHORIZE", 5)
        self.lets_in()
        tidegate.advance(6)
        self.denies(403, "expired")

        # Nobody answers: nothing goes on.
        tidegate.act("rita", "AUTHORIZE", 5)
        self.lets_in()
        tidegate.kill()
        before = len(self.backend.seen)
        for _ in range(3):
            answer = self.call()
            closed = {"nginx": 500, "caddy": 502, "traefik": 500}.get(proxy.name, 503)
            self.denied(closed, None, answer, before)

    def spoofed(self):
        """What a caller says in the gate's name reaches nobody."""
        spoofed = [
            ("X-Tidegate-App", "root"),
            ("x-tidegate-api", "root"),
            ("X-Tidegate-Cancelled-At", "never"),
            ("X-Tidegate-Grant-End", "never"),
            ("X-Tidegate-Reason", "none"),
            ("X-Request-Id", "mine"),
            # Proof, which is not for the backend.
            ("X-Security-Token", "secret"),
            ("X-Sdk-Nonce", "drawn-for-this-call-alone"),
        ]
        seen = self.lets_in(unsigned=spoofed)
        for name in ("cancelled-at", "reason", "revision"):
            assert seen.all(f"x-tidegate-{name}") == [], seen
        assert seen.all("x-tidegate-grant-end") != ["never"], seen
        # In a spelling that a backend could take for one of these, or by a name there may be one day, it is
        # taken away, or the call is refused.
        for name in ("X_Tidegate_App", "x-tidegate_app", "X_Tidegate-App", "X.Tidegate.App", "X-Tidegate.Api",
                     "X!Tidegate!App", "X-Tidegate-Foo", "X-Tidegate"):
            before = len(self.backend.seen)
            answer = self.call(unsigned=[(name, "root")])
            self.checks += 1
            if answer.status == 200:
                told = [(known, value) for known, value in self.backend.seen[-1].headers if value]
                folded = [re.sub("[^a-z0-9]", "-", known.lower()) for known, _ in told]
                spoken = sorted(known for known in folded if known.startswith("x-tidegate"))
                assert spoken == ["x-tidegate-api", "x-tidegate-app", "x-tidegate-grant-end"], (name, spoken)
                assert "root" not in [value for _, value in told], name
            else:
                assert (answer.status, answer.reason) == (403, "bad-request"), (name, answer)
                assert len(self.backend.seen) == before, name
        # Neither does one have a call checked in place of the one that is made.
        for names in (
            ("X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Host"),
            ("X-Original-Uri", "X-Original-Method", "X-Original-Host"),
        ):
            said = list(zip(names, ("/orders/7", "GET", HOST), strict=True))
            before = len(self.backend.seen)
            answer = self.call(sent={"path": "/orders/8"}, unsigned=said)
            assert answer.status in (401, 403), answer
            assert len(self.backend.seen) == before
            self.checks += 1

    def proof(self):
        """A caller's proof reaches no backend in any spelling, but what is for the backend of an API that asks
        nobody: an Authorization that is no signature."""
        signature = "SDK-HMAC-SHA256 Access=k, SignedHeaders=host, Signature=s"
        for name, value, is_for_backend in (
            ("Authorization", "Bearer t", True),
            ("Authorization", signature, False),
            ("X-Authorization", "Basic dDp0", True),
            ("X-Authorization", signature, False),
            ("X_Authorization", signature, False),
            ("X-Auth-Token", "t", False),
            ("X_Auth_Token", "t", False),
            ("X.Auth-Token", "t", False),
            ("X-Security-Token", "t", False),
            ("X-Security_Token", "t", False),
            ("X-Sdk-Nonce", "drawn-for-this-call-alone", False),
            ("X.Sdk.Nonce", "drawn-for-this-call-alone", False),
            ("X-Sdk-Date", "20260102T030000Z", False),
            ("X_Sdk_Date", "20260102T030000Z", False),
        ):
            folded = re.sub("[^a-z0-9]", "-", name.lower())
            asked = [lambda: send(self.port, "GET", "/open/7", [("Host", HOST), (name, value)])]
            if name not in ("Authorization", "X-Authorization", "X-Sdk-Date"):
                asked.append(lambda: self.call(unsigned=[(name, value)]))
            for ask, goes in zip(asked, (is_for_backend, False), strict=False):
                before = len(self.backend.seen)
                answer = ask()
                self.checks += 1
                if answer.status == 200:
                    seen = self.backend.seen[-1]
                    assert seen.all(folded) == ([value] if goes else []), (name, value, seen)
                    assert len(seen.all("x-tidegate-api")) == 1, seen
                    told = [known.lower() for known, _ in seen.headers]
                    assert not [known for known in told if known.endswith(f"tidegate-{folded}")], seen
                else:
                    assert (answer.status, answer.reason, goes) == (403, "bad-request", False), (name, answer)
                    assert len(self.backend.seen) == before, name

    def tampered(self):
        """What was signed is what is let in."""
        proxy = self.proxy
        self.denies(401, "bad-signature", sent={"path": "/orders/8"})
        self.denies(401, "bad-signature", sent={"path": "/orders/7?a=1"})
        if proxy.tells_empty:
            self.denies(401, "bad-signature", sent={"method": "POST"})
        self.denies(401, "bad-signature", secret="other")
        self.denies(401, "unknown-key", key="other")
        self.denies(403, "no-route", path="/elsewhere")
        self.denies(403, "no-route", method="DELETE")
        for path in ("/orders/%2e%2e/orders/7", "/orders//7", "/orders/7%2F8", "/orders/7;x"):
            if not proxy.cleans_paths:
                self.denies(403, "bad-request", sent={"path": path})
                continue
            # What is checked is what goes on: the path as the proxy has cleaned it, or nothing.
            before = len(self.backend.seen)
            answer = self.call(sent={"path": path})
            self.checks += 1
            gone_on = [seen.target for seen in self.backend.seen[before:]]
            assert gone_on == (["/orders/7"] if answer.status == 200 else []), (path, answer, gone_on)
        before = len(self.backend.seen)
        unsigned = send(self.port, "GET", "/orders/7", [("Host", HOST)])
        self.denied(401, "missing-signature", unsigned, before)

    def bodies(self):
        """A body that was signed is checked where it is sent, and denied by name where it is not."""
        proxy, body = self.proxy, b'{"order": 7}'
        how = {"method": "POST", "body": body, "headers": JSON}
        other = {"body": b'{"order": 8}'}
        for chunked in (False, True):
            if proxy.sends_bodies:
                assert self.lets_in(**how, chunked=chunked).body == body
                self.denies(401, "bad-signature", **how, sent=other, chunked=chunked)
            else:
                self.denies(403, "body-not-covered", **how, chunked=chunked)
        # Its hash is signed: this much is known everywhere.
        declared = JSON | {"x-sdk-content-sha256": hashlib.sha256(body).hexdigest()}
        assert self.lets_in(**(how | {"headers": declared})).body == body
        if proxy.sends_bodies:
            self.denies(401, "body-mismatch", **(how | {"headers": declared}), sent=other)
        unsigned = {"x-sdk-content-sha256": "UNSIGNED-PAYLOAD"}
        self.lets_in(**(how | {"headers": OCTETS | unsigned}))
        self.denies(401, "malformed-signature", **(how | {"headers": JSON | unsigned}))
        if proxy.tells_empty:
            assert self.lets_in(method="POST").body == b""
        else:
            self.denies(403, "body-not-covered", method="POST")
        # A body that nobody signed reaches nobody, whatever tells of it.
        said = [("X-Original-Content-Length", "0"), ("X-Envoy-Auth-Partial-Body", "false")]
        nobodys = b"nobody signed this"
        for method, chunked in itertools.product(("GET", "POST"), (False, True)):
            for unsigned in ([], said):
                how = {"sent": {"body": nobodys}, "unsigned": unsigned, "chunked": chunked}
                answer = self.call(method, **how)
                self.checks += 1
                bodies = [seen.body for seen in self.backend.seen]
                assert nobodys not in bodies, (answer, method, chunked)


def wait_for_routes(port: int) -> None:
    """Waits until a proxy knows where calls go: Traefik listens before it has read that, and answers 404."""
    until = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
        except urllib.error.HTTPError as answer:
            if answer.read() != b"404 page not found\n":
                return
        if time.monotonic() > until:
            raise RuntimeError("the proxy leads nowhere")
        time.sleep(0.05)


def run(proxy: Proxy) -> int:
    """Tells one proxy's story, and how many calls were looked at."""
    with tempfile.TemporaryDirectory(prefix="tidegate-") as folder:
        folder = Path(folder)
        started = []
        backend = Backend()
        try:
            tidegate = Tidegate(folder)
            started.append(tidegate)
            process, port = proxy.start(
                folder, tidegate.check, tidegate.ext_authz, backend.port
            )
            started.append(process)
            wait_for_routes(port)
            story = Story(proxy, tidegate, backend, port)
            try:
                story.tell()
            except Exception:
                print(f"{proxy.name} says:\n{process.said()}", file=sys.stderr)
                raise
            return story.checks
        finally:
            for each in reversed(started):
                each.kill()
            backend.close()


def main() -> int:
    """Runs what is asked for, or all."""
    if not Path(os.environ["TIDEGATE_BIN"]).is_file():
        print("build it first: cargo build -p tidegate", file=sys.stderr)
        return 2
    wanted = sys.argv[1:]
    unknown = set(wanted) - {proxy.name for proxy in PROXIES}
    if unknown:
        print(f"no such proxy: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    failed = 0
    for proxy in PROXIES:
        if wanted and proxy.name not in wanted:
            continue
        if proxy.name == "traefik" and not Path(os.environ["TRAEFIK_BIN"]).is_file():
            print("traefik: not built; ask for it by name")
            continue
        began = time.monotonic()
        try:
            checks = run(proxy)
        except Exception:
            traceback.print_exc()
            print(f"{proxy.name}: FAILED")
            failed += 1
            continue
        print(f"{proxy.name}: {checks} calls as they should be, {time.monotonic() - began:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
