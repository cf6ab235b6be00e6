"""Answers to plain HTTP calls, and refusals however they came."""

from __future__ import annotations

import contextlib
import json

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException


class Answer:
    """An answer to a plain HTTP call."""

    def __init__(self, response):
        self.status = response.status_code
        self.headers = response.headers
        self.body = response.content

    @property
    def json(self):
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def reason(self) -> str | None:
        """The stable name of a denial or refusal."""
        return self.headers.get("X-Tidegate-Reason")

    def __repr__(self) -> str:
        return f"<{self.status} {self.reason or ''} {self.body[:500]!r}>"


class Refused(Exception):
    """A plain HTTP call was refused."""

    def __init__(self, answer: Answer):
        super().__init__(repr(answer))
        self.answer = answer


class Refusal:
    """What a refused call was told."""

    def __init__(self):
        self.status = None
        self.code = None
        self.text = None


@contextlib.contextmanager
def refused(code: str, *parts: str, status: int = 400):
    """The call in this block is refused with this code, and a text that has these parts."""
    told = Refusal()
    try:
        yield told
    except ClientRequestException as error:
        told.status, told.code, told.text = error.status_code, error.error_code, error.error_msg
        assert error.request_id, "a refusal has a request id"
    except Refused as error:
        body = error.answer.json
        told.status, told.code, told.text = (
            error.answer.status,
            body["error_code"],
            body["error_msg"],
        )
        assert error.answer.headers["X-Request-Id"], "a refusal has a request id"
    else:
        raise AssertionError(f"not refused, though {code} was expected")
    assert (told.status, told.code) == (status, code), told.text
    for part in parts:
        assert part in told.text, told.text
