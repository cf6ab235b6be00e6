"""What the vendor's Terraform provider sends, replayed: the provider itself is on no registry.

It signs with its own signer, which leaves `host` out, and reads lists by adding the rows it got to the offset
until a page is empty.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from support.answer import Answer
from support.signing import quiet_session
from support.world import HOME, RESIDENTS, WORKSPACE

AGENT = "terraform-provider-huaweicloud/1.80.0 golangsdk/2.0.0"
GONE = "0123456789abcdef0123456789abcdef"


def encoded(text: str) -> str:
    return quote(text, safe="-_.~")


class Provider:
    """Somebody who runs it, with an access key or with a token."""

    def __init__(self, server, name: str):
        self._server = server
        self._session = quiet_session()
        self._who = RESIDENTS[name]
        self.asked = 0

    def send(self, method, path, query=(), body=None, headers=None, signed=None) -> Answer:
        """One call; `signed` are the names of the signed headers, all but `host` if left out."""
        query = sorted((name, str(value)) for name, value in dict(query).items())
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"User-Agent": AGENT, **(headers or {})}
        if signed != []:
            headers["X-Sdk-Date"] = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            known = {name.lower(): value for name, value in headers.items()}
            names = sorted(signed or known)
            canonical = "\n".join(
                [
                    method,
                    "/".join(map(encoded, path.split("/"))).rstrip("/") + "/",
                    "&".join(f"{encoded(name)}={encoded(value)}" for name, value in query),
                    "".join(f"{name}:{known[name]}\n" for name in names),
                    ";".join(names),
                    hashlib.sha256(data).hexdigest(),
                ]
            )
            digest = hashlib.sha256(canonical.encode()).hexdigest()
            text = f"SDK-HMAC-SHA256\n{headers['X-Sdk-Date']}\n{digest}"
            signature = hmac.new(self._who.secret_key.encode(), text.encode(), "sha256").hexdigest()
            headers["Authorization"] = (
                f"SDK-HMAC-SHA256 Access={self._who.access_key}, "
                f"SignedHeaders={';'.join(names)}, Signature={signature}"
            )
        response = self._session.request(
            method, self._server.control + path, params=query, data=data or None, headers=headers, timeout=30
        )
        self._server.hear(response)
        self.asked += 1
        return Answer(response)

    def call(self, method, path, query=(), body=None) -> Answer:
        """A call of the service, with the headers its resources send."""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "workspace": WORKSPACE,
            "Dlm-Type": "EXCLUSIVE",
        }
        return self.send(method, f"/v1/{HOME.id}/service{path}", query, body, headers)

    def all_of(self, path, key, **query):
        """A data source: pages by the number of rows, until one is empty."""
        rows = []
        while True:
            answer = self.call("GET", path, {**query, "limit": 100, "offset": len(rows)})
            assert answer.status == 200, answer
            if not answer.json[key]:
                return rows
            rows += answer.json[key]
            assert len(rows) < 1000, "the list never ends"


@pytest.fixture(scope="module")
def terraform(server):
    return Provider(server, "reviewer")


def test_an_access_key_finds_its_account_and_project(terraform):
    domains = terraform.send("GET", "/v3/auth/domains", signed=["x-sdk-date"]).json["domains"]
    assert [(d["id"], d["name"]) for d in domains] == [(HOME.domain_id, HOME.domain_name)]
    answer = terraform.send("GET", "/v3/projects", {"name": HOME.name}, signed=["x-sdk-date"])
    assert [project["id"] for project in answer.json["projects"]] == [HOME.id]


def test_a_password_gets_a_token_for_the_project_and_one_for_the_account(terraform):
    who = RESIDENTS["reviewer"]
    user = {"name": who.name, "password": who.password, "domain": {"name": HOME.domain_name}}
    identity = {"methods": ["password"], "password": {"user": user}}
    tokens = []
    for scope in ({"project": {"name": HOME.name}}, {"domain": {"name": HOME.domain_name}}):
        body = {"auth": {"identity": identity, "scope": scope}}
        answer = terraform.send("POST", "/v3/auth/tokens", body=body, signed=[])
        assert answer.status == 201, answer
        assert set(answer.json["token"]) >= {"user", next(iter(scope))}
        tokens.append(answer.headers["X-Subject-Token"])
    again = {"methods": ["token"], "token": {"id": tokens[0]}}
    body = {"auth": {"identity": again, "scope": {"domain": {"id": HOME.domain_id}}}}
    answer = terraform.send("POST", "/v3/auth/tokens", body=body, signed=[])
    assert answer.status == 201, answer
    for token in tokens:
        answer = terraform.send("GET", "/v3/auth/domains", headers={"X-Auth-Token": token}, signed=[])
        assert answer.json["domains"][0]["id"] == HOME.domain_id


def test_a_data_source_asks_once_for_each_page_and_once_more(terraform, stage):
    apps = [stage.new_app("tf_" + stage.name("app")) for _ in range(3)]
    before = terraform.asked
    assert {row["id"] for row in terraform.all_of("/apps", "apps", name="tf_")} == {a.id for a in apps}
    assert len(terraform.all_of("/instances", "instances")) == 2
    assert terraform.asked - before == 4


def test_reviewers_are_typed_as_it_reads_them(terraform):
    answer = terraform.call("GET", "/authorizeapply/approver", {"size": 100, "page": 1})
    for approver in answer.json["approvers"]:
        assert type(approver["approver_type"]) is int
        assert type(approver["create_time"]) is int


def test_an_app_an_api_and_a_grant_from_plan_to_destroy(terraform, stage, clock):
    # App: create, read, rename.
    name = stage.name("tf_shop")
    made = terraform.call("POST", "/apps", body={"name": name, "description": "", "app_type": "APP"})
    app = made.json["id"]
    read = terraform.call("GET", f"/apps/{app}").json
    assert {"name", "description", "app_type", "app_key", "app_secret"} <= set(read)
    assert terraform.call("PUT", f"/apps/{app}", body={"name": name + "_2"}).status == 200
    # API: what the SDKs read as objects and it reads as lists is left out.
    definition = {key: value for key, value in stage.definition().to_dict().items() if value is not None}
    definition["backend_config"] = {
        key: value for key, value in definition["backend_config"].items() if value is not None
    }
    api = terraform.call("POST", "/apis", body=definition | {"catalog_id": "0"}).json["id"]
    read = terraform.call("GET", f"/apis/{api}").json
    assert read["name"] == definition["name"]
    assert not {"backend_config", "hosts"} & set(read)
    # Publish, and see it.
    on = f"/apis/{api}/instances/{HOME.instance}"
    assert terraform.call("POST", f"{on}/publish", body={}).status == 204
    (row,) = terraform.all_of(f"/apis/{api}/publish-info", "publish_messages")
    assert (row["instance_id"], row["api_status"]) == (HOME.instance, "API_STATUS_PUBLISHED")
    # Authorize, to the next whole hour after 48 hours, which it fills in.
    until = {"time": clock.hour(49).iso, "app_ids": [app]}
    assert terraform.call("POST", f"{on}/authorize", body=until).status == 204
    (row,) = terraform.all_of(f"/authorize/apis/{api}", "records")
    assert (row["app_id"], row["api_using_time"]) == (app, clock.hour(49).ms)
    assert row["approve_time"] == row["approval_time"]
    (row,) = terraform.all_of(f"/authorize/apps/{app}", "records")
    assert row["id"] == api
    # Destroy: cancel, unpublish 48 hours ahead, delete.
    action = {
        "api_id": api,
        "app_id": app,
        "instance_id": HOME.instance,
        "apply_type": "APPLY_TYPE_API_CANCEL_AUTHORIZE",
        "time": clock.hour(49).iso,
    }
    cancelled = terraform.call("POST", "/apis/authorize/action", body=action)
    assert cancelled.status == 204, cancelled
    body = {"action": "UNPUBLISH", "time": clock.hour(49).iso}
    assert terraform.call("POST", f"{on}/action", body=body).status == 204
    clock.go_to(clock.hour(50))
    assert terraform.call("POST", "/apis/batch-delete", body=[api]).status == 204
    assert terraform.call("DELETE", f"/apps/{app}").status == 204
    # Gone, by the codes it knows.
    assert terraform.call("GET", f"/apis/{api}").json["error_code"] == "DLM.4018"
    assert terraform.call("GET", f"/apps/{app}").json["error_code"] == "DLM.4063"


def test_actions_on_a_grant_messages_and_an_api(server, terraform, stage, clock):
    consumer = Provider(server, "owner")
    api, app = stage.published_api(), stage.new_app()

    def act(who, kind, hours=None):
        body = {"api_id": api.id, "app_id": app.id, "instance_id": HOME.instance, "apply_type": kind}
        body |= {"time": clock.hour(hours).iso} if hours else {}
        answer = who.call("POST", "/apis/authorize/action", body=body)
        assert answer.status == 204, answer

    def on_api(action, hours):
        body = {"action": action, "time": clock.hour(hours).iso}
        answer = terraform.call("POST", f"/apis/{api.id}/instances/{HOME.instance}/action", body=body)
        assert answer.status == 204, answer

    def linked():
        rows = terraform.all_of(f"/authorize/apis/{api.id}", "records")
        return [row["relationship_type"] for row in rows]

    act(terraform, "APPLY_TYPE_AUTHORIZE", 1000)
    assert linked() == ["LINKED"]
    act(consumer, "APPLY_TYPE_APP_CANCEL_AUTHORIZE")
    assert linked() == []
    act(terraform, "APPLY_TYPE_AUTHORIZE", 1000)
    act(terraform, "APPLY_TYPE_API_CANCEL_AUTHORIZE", 60)
    # The one list that begins again past its end; what it reads is the first page.
    pages = [
        consumer.call("GET", "/messages", {"limit": 100, "offset": offset, "api_name": api.name}).json
        for offset in (0, 1, 100)
    ]
    (message,) = pages[0]["records"]
    assert pages[1]["records"] == pages[2]["records"] == [message]
    answer = consumer.call("POST", "/messages", body={"message_id": message["id"], "action": 0})
    assert answer.status == 204, answer
    assert linked() == []
    on_api("STOP", 50)
    (row,) = terraform.all_of(f"/apis/{api.id}/publish-info", "publish_messages")
    assert row["api_status"] == "API_STATUS_STOPPED"
    on_api("RECOVER", 50)
    (row,) = terraform.all_of(f"/apis/{api.id}/publish-info", "publish_messages")
    assert row["api_status"] == "API_STATUS_PUBLISHED"


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", f"/apps/{GONE}", None, "DLM.4063"),
        ("GET", f"/apis/{GONE}", None, "DLM.4018"),
        ("POST", "/apis/batch-delete", [GONE], "DLM.4197"),
        ("GET", f"/instances/{GONE}", None, "DLM.4292"),
    ],
)
def test_by_these_codes_it_knows_that_something_is_gone(terraform, method, path, body, code):
    answer = terraform.call(method, path, body=body)
    assert (answer.status, answer.json["error_code"]) == (400, code), answer


def test_an_unknown_catalog_instance_and_an_illegal_action(terraform, stage):
    api = stage.published_api()
    lost = stage.definition(catalog_id=GONE).to_dict()
    lost = {key: value for key, value in lost.items() if value is not None}
    lost["backend_config"] = {k: v for k, v in lost["backend_config"].items() if v is not None}
    for path, body, code in [
        ("/apis", lost, "DLM.4205"),
        (f"/apis/{api.id}/instances/{GONE}/publish", {}, "DLM.4215"),
        (f"/apis/{api.id}/instances/{HOME.instance}/publish", {}, "DLM.4182"),
        (f"/apis/{api.id}/instances/{HOME.instance}/action", {"action": "RECOVER"}, "DLM.4182"),
    ]:
        answer = terraform.call("POST", path, body=body)
        assert (answer.status, answer.json["error_code"]) == (400, code), answer
