"""Tokens, bought with a key."""

from __future__ import annotations

import json

from .server import Server
from .signing import quiet_session, send
from .world import RESIDENTS


def token_for(server: Server, name: str) -> str:
    """A token that stands for somebody in his project."""
    who = RESIDENTS[name]
    keys = {"access": {"key": who.access_key}, "secret": {"key": who.secret_key}}
    auth = {
        "identity": {"methods": ["hw_ak_sk"], "hw_ak_sk": keys},
        "scope": {"project": {"id": who.project.id}},
    }
    body = json.dumps({"auth": auth}).encode()
    answer = send(quiet_session(), "POST", f"{server.control}/v3/auth/tokens", body=body)
    assert answer.status == 201, answer
    return answer.headers["X-Subject-Token"]
