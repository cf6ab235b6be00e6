"""The gateway, as apps see it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from .answer import Answer
from .echo import Echo
from .moment import Moment
from .server import Server
from .signing import AUTHORIZATION, X_AUTHORIZATION, Signed, quiet_session, send

PATIENCE_SECONDS = 5

# Every way the gate says no in these stories: its stable name, the status, the vendor's code, and
# how the text begins.
NO_PERMISSION = (403, "APIG.0304", "App does not have permission to access API.")
DENIALS = {
    "no-route": (404, "APIG.0101", "The API does not exist."),
    "not-published": (404, "APIG.0101", "The API is not published."),
    "missing-token": (401, "APIG.0301", "Token not found."),
    "missing-signature": (401, "APIG.0301", "Authorization not found."),
    "invalid-token": (401, "DLM.4211", "Token invalid."),
    "malformed-signature": (401, "APIG.0301", "Authorization format incorrect."),
    "clock-skew": (401, "APIG.0301", "Signature expired."),
    "unknown-key": (401, "APIG.0303", "Signing key not found."),
    "bad-signature": (401, "APIG.0301", "Verify authorization failed."),
    "no-grant": NO_PERMISSION,
    "pending": NO_PERMISSION,
    "expired": NO_PERMISSION,
    "cancelled": NO_PERMISSION,
    "stopped": NO_PERMISSION,
    "bad-request": (400, "APIG.0201", "Bad request."),
    "backend-unreachable": (502, "APIG.0201", "The call was allowed,"),
    "backend-timeout": (504, "APIG.0201", "The call was allowed,"),
}
BEHIND_THE_GATE = {"backend-unreachable", "backend-timeout"}


class Gate:
    """Calls APIs and checks what comes back. Every answer is one that was decided after the latest
    answer of the control side: the gate tells at which revision it decides."""

    def __init__(self, server: Server, echo: Echo):
        self._server = server
        self._echo = echo
        self.session = quiet_session()
        # How often the backend had been called when the latest call began.
        self._calls_before = 0

    @property
    def address(self) -> str:
        """Where it answers."""
        return self._server.gateway

    def call(
        self,
        app,
        api,
        *,
        path=None,
        method=None,
        query=(),
        headers=None,
        body=b"",
        date=None,
        carried_by=(AUTHORIZATION, X_AUTHORIZATION),
        tampered=lambda signed: signed,
    ) -> Answer:
        """One call, signed with the app's key; unsigned if there is no app."""
        path = path or api.path.replace("{", "").replace("}", "")
        method = method or api.method
        headers = dict(headers or {})
        if body:
            headers.setdefault("Content-Type", "application/json")

        def once():
            if app is None:
                return send(self.session, method, self.address + path, headers=headers, body=body)
            signed = Signed(
                method,
                self.address,
                path,
                key=app.key,
                secret=app.secret,
                query=query,
                headers=headers,
                body=body,
                date=date,
            )
            return tampered(signed.carried_by(*carried_by)).send(self.session)

        return self.up_to_date(once)

    def up_to_date(self, once) -> Answer:
        """The first answer that was decided knowing all the control side has told so far."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self._calls_before = self._echo.calls
            answer = once()
            known = int(answer.headers.get("X-Tidegate-Revision") or -1)
            if known >= self._server.revision:
                return answer
            assert time.monotonic() < deadline, (
                f"the gate is at revision {known} and not at {self._server.revision}: {answer}"
            )
            time.sleep(0.01)

    def lets_in(
        self, app, api, *, until: Moment | None = None, cancelled_at: Moment | None = None, **how
    ) -> Answer:
        """The call comes through, and the answer tells when that will end."""
        answer = self.call(app, api, **how)
        assert answer.status == 200, answer
        assert answer.reason is None, answer
        assert self._echo.calls == self._calls_before + 1, "the backend was not called"
        assert answer.headers["X-Request-Id"]
        if until is not None:
            assert _moment(answer, "X-Tidegate-Grant-End") == until, answer.headers
        assert _moment(answer, "X-Tidegate-Cancelled-At") == cancelled_at, answer.headers
        return answer

    def denies(self, app, api, reason: str, *parts: str, **how) -> Answer:
        """The call does not come through, and the answer tells why."""
        answer = self.call(app, api, **how)
        self.check_denial(answer, reason, *parts)
        if reason not in BEHIND_THE_GATE:
            assert self._echo.calls == self._calls_before, "the backend was called all the same"
        return answer

    @staticmethod
    def check_denial(answer: Answer, reason: str, *parts: str):
        """The answer is the denial of this name, in full form."""
        status, code, text = DENIALS[reason]
        assert (answer.reason, answer.status) == (reason, status), answer
        assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
        body = answer.json
        assert set(body) == {"error_code", "error_msg", "request_id"}
        assert body["error_code"] == code
        assert body["error_msg"].startswith(text), body
        assert body["request_id"] == answer.headers["X-Request-Id"]
        for part in parts:
            assert part in body["error_msg"], body
        assert "X-Tidegate-Grant-End" not in answer.headers

    def soon(self, once, reason: str | None) -> Answer:
        """The first answer with this reason (none: let in), for changes that no revision tells."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self.up_to_date(once)
            if answer.reason == reason:
                return answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.01)


def _moment(answer: Answer, header: str) -> Moment | None:
    text = answer.headers.get(header)
    return Moment.parse(text) if text else None


def sdk_date(*, minutes=0) -> str:
    """A signature's date, so far from the caller's clock."""
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    return at.strftime("%Y%m%dT%H%M%SZ")
