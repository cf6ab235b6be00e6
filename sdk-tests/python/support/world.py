"""The world the server is started with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class Project:
    """A project, which the SDK finds by the name of a region."""

    id: str
    name: str
    domain_id: str
    domain_name: str
    instance: str
    instance_name: str


@dataclass(frozen=True)
class Resident:
    """Somebody in the world, and what he is in his workspaces."""

    name: str
    project: Project
    workspace: str
    role: str
    is_reviewer: bool = False
    password: str | None = None
    also_in: str | None = None

    @property
    def access_key(self) -> str:
        return "AK" + self._digest("access")[:18].upper()

    @property
    def secret_key(self) -> str:
        return self._digest("secret")[:40]

    def _digest(self, what: str) -> str:
        return hashlib.sha256(f"{what} of {self.name}".encode()).hexdigest()


HOME = Project(
    id="0833a5737480d53b2f250010d01a7b88",
    name="local-1",
    domain_id="d78cbac186b744899480f25bd022f468",
    domain_name="acme",
    instance="21398ad1c7d34c50b2a3f1d9087122d4",
    instance_name="gate one",
)
SISTER = Project(
    id="1a2b3c4d5e6f708192a3b4c5d6e7f809",
    name="local-2",
    domain_id=HOME.domain_id,
    domain_name=HOME.domain_name,
    instance="5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e",
    instance_name="sister's gate",
)
ABROAD = Project(
    id="f0e1d2c3b4a5968778695a4b3c2d1e0f",
    name="abroad-1",
    domain_id="aaaabbbbccccddddeeeeffff00001111",
    domain_name="umbrella",
    instance="99999999999999999999999999999999",
    instance_name="gate abroad",
)

SHARED_INSTANCE = "APIG"
SECOND_INSTANCE = "31398ad1c7d34c50b2a3f1d9087122d5"
SECOND_INSTANCE_NAME = "第二网关"

WORKSPACE = "d9ef3a1b2c3d4e5f90a1b2c3d4e5f600"
NEXT_DOOR = "e9ef3a1b2c3d4e5f90a1b2c3d4e5f601"
SISTERS = "a9ef3a1b2c3d4e5f90a1b2c3d4e5f602"
FAR_AWAY = "b9ef3a1b2c3d4e5f90a1b2c3d4e5f603"

RESIDENTS = {
    resident.name: resident
    for resident in [
        Resident("reviewer", HOME, WORKSPACE, "developer", True, password="rev-Pa55 wörd"),
        Resident("王芳", HOME, WORKSPACE, "developer", True),
        Resident("owner", HOME, WORKSPACE, "developer", password="own-Pa55word"),
        Resident("developer", HOME, WORKSPACE, "developer"),
        Resident("operator", HOME, WORKSPACE, "operator"),
        Resident("viewer", HOME, WORKSPACE, "viewer"),
        Resident("admin", HOME, WORKSPACE, "admin"),
        Resident("neighbour", HOME, NEXT_DOOR, "developer", True),
        Resident("commuter", HOME, WORKSPACE, "developer", also_in=NEXT_DOOR),
        Resident("cousin", SISTER, SISTERS, "developer"),
        Resident("stranger", ABROAD, FAR_AWAY, "admin", True, password="str-Pa55word"),
        # Their keys are used in one test each, since the SDK remembers the project of a key.
        Resident("newcomer", HOME, WORKSPACE, "viewer"),
        Resident("latecomer", HOME, WORKSPACE, "viewer"),
        Resident("lost", HOME, WORKSPACE, "viewer"),
    ]
}


def world_file() -> str:
    """The world, as YAML."""
    return yaml.safe_dump(
        {"projects": [_project(p) for p in (HOME, SISTER, ABROAD)]}, allow_unicode=True
    )


def _project(project: Project) -> dict:
    residents = [r for r in RESIDENTS.values() if r.project is project]
    instances = [{"id": project.instance, "name": project.instance_name}]
    if project is HOME:
        instances.append({"id": SECOND_INSTANCE, "name": SECOND_INSTANCE_NAME})
    workspaces: dict[str, list] = {}
    for resident in residents:
        for workspace in filter(None, (resident.workspace, resident.also_in)):
            member = {
                "user": resident.name,
                "role": resident.role,
                "reviewer": resident.is_reviewer,
            }
            workspaces.setdefault(workspace, []).append(member)
    return {
        "id": project.id,
        "name": project.name,
        "domain": {"id": project.domain_id, "name": project.domain_name},
        "users": [_user(r) for r in residents],
        "instances": instances,
        "workspaces": [
            {"id": id, "name": f"workspace {id[:4]}", "members": members}
            for id, members in workspaces.items()
        ],
    }


def _user(resident: Resident) -> dict:
    user = {
        "name": resident.name,
        "access_key": resident.access_key,
        "secret_key": resident.secret_key,
    }
    return user | ({"password": resident.password} if resident.password else {})
