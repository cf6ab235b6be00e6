"""Sets scenes: apps and published APIs, each with a name of its own."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import huaweicloudsdkdataartsstudio.v1 as sdk

from .echo import Echo
from .person import Person
from .server import Server
from .world import RESIDENTS


@dataclass(frozen=True)
class App:
    """An app, with its key and secret."""

    id: str
    name: str
    key: str
    secret: str

    def with_secret(self, secret: str) -> App:
        """The app with another secret."""
        return replace(self, secret=secret)


@dataclass(frozen=True)
class Api:
    """An API, and how to call it."""

    id: str
    name: str
    path: str
    method: str


class People:
    """Everybody, by name; each has a client of his own."""

    def __init__(self, server: Server):
        self._server = server
        self._known: dict[str, Person] = {}

    def __getitem__(self, name: str) -> Person:
        if name not in self._known:
            self._known[name] = Person(RESIDENTS[name], self._server)
        return self._known[name]


class Stage:
    """Makes what a story begins with."""

    _numbers = itertools.count(1)

    def __init__(self, people: People, echo: Echo):
        self._people = people
        self._echo = echo

    def name(self, stem: str) -> str:
        """A name nobody else has."""
        return f"{stem}_{next(self._numbers)}"

    def definition(self, name=None, *, auth="APP", method="GET", **other) -> sdk.Api:
        """The definition of a registered API whose backend is the echo."""
        name = name or self.name("orders")
        kind = f"REQUEST_TYPE_{method}"
        backend = sdk.BackendConfig(
            type=kind,
            protocol="PROTOCOL_TYPE_HTTP",
            host=self._echo.address,
            timeout=5000,
            path="/echo",
        )
        fields = {
            "name": name,
            "description": "",
            "api_type": "API_SPECIFIC_TYPE_REGISTER",
            "auth_type": auth,
            "manager": "reviewer",
            "path": f"/v1/{self.name('path')}",
            "protocol": "PROTOCOL_TYPE_HTTP",
            "request_type": kind,
            "visibility": "WORKSPACE",
            "backend_config": backend,
        }
        return sdk.Api(**(fields | other))

    def new_api(self, name=None, *, by="developer", **definition) -> Api:
        """A new API, published nowhere."""
        wanted = self.definition(name, **definition)
        id = self._people[by].create_api(wanted)
        method = wanted.request_type.removeprefix("REQUEST_TYPE_")
        return Api(id, wanted.name, wanted.path, method)

    def published_api(self, name=None, **definition) -> Api:
        """A new API, published on the instance at home."""
        api = self.new_api(name, **definition)
        self._people["reviewer"].publish(api)
        return api

    def new_app(self, name=None, *, by="owner", **how) -> App:
        """A new app."""
        made = self._people[by].create_app(name or self.name("shop"), **how)
        return App(made.id, made.name, made.app_key, made.app_secret)
