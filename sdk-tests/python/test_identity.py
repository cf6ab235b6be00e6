"""Who calls: signatures, tokens, projects found by a region's name, and strangers."""

import json

import huaweicloudsdkdataartsstudio.v1 as sdk
import pytest
import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, SdkException
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkdataartsstudio.v1 import DataArtsStudioClient
from huaweicloudsdkdataartsstudio.v1.region.dataartsstudio_region import DataArtsStudioRegion

from support.answer import refused
from support.gate import sdk_date
from support.moment import Moment
from support.person import listening
from support.signing import Signed, quiet_session, send
from support.world import ABROAD, HOME, NEXT_DOOR, RESIDENTS, SISTER, WORKSPACE

NOWHERE = "00000000000000000000000000000000"


@pytest.fixture(scope="module")
def session():
    return quiet_session()


@pytest.fixture(scope="module")
def iam(server, session):
    """Asks for a token."""

    def ask(identity, scope=None):
        auth = {"identity": identity} | ({"scope": scope} if scope else {})
        headers = {"Content-Type": "application/json;charset=utf8"}
        url = f"{server.control}/v3/auth/tokens"
        return send(session, "POST", url, headers=headers, body=json.dumps({"auth": auth}).encode())

    return ask


def password(name, text=None, domain=HOME.domain_name):
    user = {
        "name": name,
        "password": text or RESIDENTS[name].password,
        "domain": {"name": domain},
    }
    return {"methods": ["password"], "password": {"user": user}}


def by_token(token):
    return {"methods": ["token"], "token": {"id": token}}


def by_key(name, secret=None):
    resident = RESIDENTS[name]
    keys = {
        "access": {"key": resident.access_key},
        "secret": {"key": secret or resident.secret_key},
    }
    return {"methods": ["hw_ak_sk"], "hw_ak_sk": keys}


AT_HOME = {"project": {"id": HOME.id}}
AT_HOME_BY_NAME = {"project": {"name": HOME.name}}


def token_of(answer):
    assert answer.status == 201, answer
    return answer.headers["X-Subject-Token"]


def denied(answer, status):
    """IAM says no in the form of Keystone."""
    assert answer.status == status, answer
    error = answer.json["error"]
    assert error["code"] == status
    assert error["message"] and error["title"]
    assert "X-Subject-Token" not in answer.headers
    return error


class TestTokens:
    @pytest.mark.parametrize("scope", [AT_HOME, AT_HOME_BY_NAME])
    def test_a_password_buys_one(self, iam, clock, scope):
        before = clock.now()
        answer = iam(password("reviewer"), scope)
        assert len(token_of(answer)) >= 32
        token = answer.json["token"]
        assert token["methods"] == ["password"]
        assert token["user"]["name"] == "reviewer"
        assert token["user"]["domain"] == {"id": HOME.domain_id, "name": HOME.domain_name}
        assert token["project"] == {
            "id": HOME.id,
            "name": HOME.name,
            "domain": {"id": HOME.domain_id, "name": HOME.domain_name},
        }
        assert all(role["id"] == "0" for role in token["roles"])
        for text in (token["issued_at"], token["expires_at"]):
            assert len(text) == len("2021-01-01T10:00:00.000000Z") and text.endswith("Z")
        issued, expires = Moment.parse(token["issued_at"]), Moment.parse(token["expires_at"])
        assert before <= issued <= clock.now()
        assert expires == issued.plus(days=1)
        assert token_of(answer) not in answer.body.decode()

    def test_so_does_a_token_and_so_do_keys(self, iam):
        first = token_of(iam(password("owner"), AT_HOME))
        for identity, method in [(by_token(first), "token"), (by_key("owner"), "hw_ak_sk")]:
            answer = iam(identity, AT_HOME_BY_NAME)
            assert token_of(answer) != first
            assert answer.json["token"]["methods"] == [method]
            assert answer.json["token"]["user"]["name"] == "owner"

    def test_wrong_proof_buys_none_and_tells_nothing(self, iam):
        told = {
            json.dumps(denied(iam(identity, AT_HOME), 401))
            for identity in [
                password("reviewer", "wrong"),
                password("reviewer", RESIDENTS["owner"].password),
                password("nobody", "whatever"),
                password("developer", "has no password"),
                password("reviewer", domain="umbrella"),
                by_token("0" * 64),
                by_key("owner", RESIDENTS["reviewer"].secret_key),
            ]
        }
        assert len(told) == 1

    def test_a_project_that_is_not_ones_own_is_out_of_scope(self, iam):
        for project in ({"id": ABROAD.id}, {"id": SISTER.id}, {"id": NOWHERE}, {"name": "mars-1"}):
            denied(iam(password("reviewer"), {"project": project}), 403)

    def test_a_request_has_to_be_well_formed(self, iam, server, session):
        denied(iam({"methods": []}), 400)
        denied(iam({"methods": ["fingerprint"]}), 400)
        denied(iam({"methods": ["password"]}), 400)
        denied(
            iam({"methods": ["password", "totp"], **password("owner")} | {"methods": ["totp"]}), 400
        )
        for body in (b"{", b"", b'{"auth": {}}', b"[]"):
            denied(send(session, "POST", f"{server.control}/v3/auth/tokens", body=body), 400)

    def test_a_token_calls_the_service(self, iam, owner, reviewer, app):
        token = token_of(iam(password("owner"), AT_HOME))
        shown = owner.http("GET", f"/apps/{app.id}", token=token)
        assert shown.status == 200, shown
        assert shown.json["app_secret"] == app.secret
        # The rights are those of whoever the token stands for.
        stage_name = f"{app.name}_more"
        made = reviewer.http("POST", "/apps", body={"name": stage_name}, token=token)
        assert made.json["create_user"] == "owner"

    def test_it_ends_after_24_hours_by_the_clock(self, iam, owner, app, clock):
        answer = iam(by_key("owner"), AT_HOME)
        token = token_of(answer)
        end = Moment.parse(answer.json["token"]["expires_at"])
        clock.just_before(end)
        assert owner.http("GET", f"/apps/{app.id}", token=token).status == 200
        clock.go_to(end)
        late = owner.http("GET", f"/apps/{app.id}", token=token)
        assert (late.status, late.json["error_code"]) == (401, "APIGW.0301")
        denied(iam(by_token(token), AT_HOME), 401)

    def test_a_new_token_leaves_the_old_one_valid(self, iam, owner, app):
        tokens = [token_of(iam(by_key("owner"), AT_HOME)) for _ in range(3)]
        assert len(set(tokens)) == 3
        for token in tokens:
            assert owner.http("GET", f"/apps/{app.id}", token=token).status == 200

    def test_a_wrong_token_is_refused(self, owner, server, session):
        for token in ("", "x", "0" * 64):
            answer = owner.http("GET", "/apps", token=token)
            assert (answer.status, answer.json["error_code"]) == (401, "APIGW.0301"), answer
        bare = send(session, "GET", f"{server.control}/v1/{HOME.id}/service/apps")
        assert (bare.status, bare.json["error_code"]) == (401, "APIGW.0301")

    def test_what_a_token_stands_for_can_be_asked(self, iam, server, session):
        made = iam(by_key("owner"), AT_HOME)
        token, other = token_of(made), token_of(iam(password("reviewer"), AT_HOME))
        url = f"{server.control}/v3/auth/tokens"
        ask = {"X-Auth-Token": other, "X-Subject-Token": token}
        answer = send(session, "GET", url, headers=ask)
        assert answer.status == 200, answer
        assert answer.headers["X-Subject-Token"] == token
        told, first = answer.json["token"], made.json["token"]
        assert (told["user"], told["project"]) == (first["user"], first["project"])
        assert told["expires_at"] == first["expires_at"]
        denied(send(session, "GET", url, headers=ask | {"X-Subject-Token": "0" * 64}), 404)
        abroad = token_of(iam(password("stranger", domain=ABROAD.domain_name)))
        denied(send(session, "GET", url, headers=ask | {"X-Auth-Token": abroad}), 404)
        assert send(session, "GET", url, headers={"X-Subject-Token": token}).status == 401

    def test_the_signature_counts_when_both_are_there(self, iam, server, app):
        """The SDKs sign a preset token like any other header."""
        token = token_of(iam(password("stranger", domain=ABROAD.domain_name)))
        client = people_client(server, "owner")
        client.preset_headers["X-Auth-Token"] = token
        request = sdk.ShowAppInfoRequest(workspace=WORKSPACE, app_id=app.id)
        assert client.show_app_info(request).app_secret == app.secret


def people_client(server, name, *, project=HOME.id, secret=None):
    resident = RESIDENTS[name]
    credentials = BasicCredentials(resident.access_key, secret or resident.secret_key, project)
    return (
        DataArtsStudioClient.new_builder()
        .with_credentials(credentials)
        .with_endpoint(server.control)
        .with_http_handler(listening(server))
        .build()
    )


class TestProjects:
    def test_a_client_with_nothing_but_a_region_finds_its_project(self, server):
        who = RESIDENTS["newcomer"]
        credentials = BasicCredentials(who.access_key, who.secret_key)
        credentials.with_iam_endpoint(server.control)
        client = (
            DataArtsStudioClient.new_builder()
            .with_credentials(credentials)
            .with_region(Region(HOME.name, server.control))
            .build()
        )
        assert client.get_credentials().project_id == HOME.id
        page = client.list_data_service_instances_detail(
            sdk.ListDataServiceInstancesDetailRequest(workspace=WORKSPACE)
        )
        assert page.total == 2

    def test_an_unmodified_program_is_pointed_here_by_its_environment(self, server, monkeypatch):
        monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", server.control)
        monkeypatch.setenv("HUAWEICLOUD_SDK_REGION_DATAARTSSTUDIO_LOCAL_1", server.control)
        who = RESIDENTS["latecomer"]
        client = (
            DataArtsStudioClient.new_builder()
            .with_credentials(BasicCredentials(who.access_key, who.secret_key))
            .with_region(DataArtsStudioRegion.value_of("local-1"))
            .build()
        )
        assert client.get_credentials().project_id == HOME.id
        assert client.list_apps(sdk.ListAppsRequest(workspace=WORKSPACE)).total >= 0

    def test_a_region_nobody_has_finds_none(self, server):
        who = RESIDENTS["lost"]
        credentials = BasicCredentials(who.access_key, who.secret_key)
        credentials.with_iam_endpoint(server.control)
        builder = DataArtsStudioClient.new_builder().with_credentials(credentials)
        with pytest.raises(SdkException, match="Failed to get project id of region 'mars-1'"):
            builder.with_region(Region("mars-1", server.control)).build()

    def test_everybody_finds_his_own_only(self, server, session):
        def projects(name, query=()):
            keys = {"key": RESIDENTS[name].access_key, "secret": RESIDENTS[name].secret_key}
            signed = Signed("GET", server.control, "/v3/projects", query=query, **keys)
            answer = signed.send(session)
            assert answer.status == 200, answer
            return [(p["id"], p["name"], p["domain_id"]) for p in answer.json["projects"]]

        home = (HOME.id, HOME.name, HOME.domain_id)
        assert projects("owner", {"name": HOME.name}) == projects("owner") == [home]
        assert projects("owner", {"name": ABROAD.name}) == []
        assert projects("stranger") == [(ABROAD.id, ABROAD.name, ABROAD.domain_id)]
        assert send(session, "GET", f"{server.control}/v3/projects").status == 401


class TestSignatures:
    def test_wrong_secret_and_unknown_key_get_one_answer(self, server):
        told = set()
        for client in (
            people_client(server, "owner", secret="wrong" * 8),
            people_client_with_key(server, "AK" + "0" * 18),
        ):
            with pytest.raises(ClientRequestException) as caught:
                client.list_apps(sdk.ListAppsRequest(workspace=WORKSPACE))
            assert (caught.value.status_code, caught.value.error_code) == (401, "APIGW.0301")
            told.add(caught.value.error_msg)
        assert len(told) == 1

    @pytest.mark.parametrize(
        "tamper",
        [
            pytest.param(lambda s: setattr(s, "body", s.body + b" "), id="body"),
            pytest.param(lambda s: setattr(s, "url", s.url + "?force=true"), id="query"),
            pytest.param(lambda s: setattr(s, "url", s.url.replace("/apps", "/apis")), id="path"),
            pytest.param(lambda s: setattr(s, "method", "GET"), id="method"),
            pytest.param(lambda s: s.headers.update(workspace=NEXT_DOOR), id="workspace"),
            pytest.param(lambda s: s.headers.update({"Dlm-Type": "SHARED"}), id="edition"),
            pytest.param(lambda s: s.headers.update({"X-Project-Id": SISTER.id}), id="project"),
            pytest.param(lambda s: s.headers.update({"Content-Type": "text/plain"}), id="type"),
            pytest.param(
                lambda s: s.headers.update(Authorization=s.authorization[:-1] + "x"), id="signature"
            ),
            pytest.param(lambda s: s.headers.pop("Authorization"), id="nothing"),
            pytest.param(lambda s: s.headers.pop("X-Sdk-Date"), id="date"),
        ],
    )
    def test_what_was_tampered_with_is_refused(self, server, session, owner, stage, tamper):
        name = stage.name("tampered")
        signed = signed_creation(server, name)
        tamper(signed)
        answer = signed.send(session)
        assert (answer.status, answer.json["error_code"]) == (401, "APIGW.0301"), answer
        assert owner.list_apps(name=name).total == 0

    def test_what_was_not_is_taken(self, server, session, owner, stage):
        name = stage.name("untampered")
        answer = signed_creation(server, name).send(session)
        assert answer.status == 200, answer
        server.revision = max(server.revision, int(answer.headers["X-Tidegate-Revision"]))
        assert owner.list_apps(name=name).total == 1

    def test_a_signature_is_good_for_a_quarter_of_an_hour_of_the_callers_clock(
        self, server, session, stage
    ):
        for minutes, status in [(-16, 401), (16, 401), (-14, 200), (14, 200)]:
            signed = signed_creation(server, stage.name("dated"), date=sdk_date(minutes=minutes))
            answer = signed.send(session)
            assert answer.status == status, answer
            server.revision = max(
                server.revision, int(answer.headers.get("X-Tidegate-Revision") or 0)
            )

    def test_a_moved_clock_does_not_spoil_signatures(self, owner, clock):
        clock.advance(days=40)
        assert owner.list_apps().total >= 0

    def test_unicode_survives_in_path_query_and_body(self, owner, stage):
        app = owner.create_app(stage.name("应用 ~*+&=%/?"), description="ä\t€ 😀")
        assert owner.list_apps(name="应用 ~*+&=%/?").total == 1
        assert owner.show_app(app).description == "ä\t€ 😀"


def people_client_with_key(server, key):
    return (
        DataArtsStudioClient.new_builder()
        .with_credentials(BasicCredentials(key, "0" * 40, HOME.id))
        .with_endpoint(server.control)
        .build()
    )


def signed_creation(server, name, date=None):
    """A signed request to make an app, not yet sent."""
    return Signed(
        "POST",
        server.control,
        f"/v1/{HOME.id}/service/apps",
        key=RESIDENTS["owner"].access_key,
        secret=RESIDENTS["owner"].secret_key,
        headers={
            "Content-Type": "application/json;charset=utf-8",
            "workspace": WORKSPACE,
            "Dlm-Type": "EXCLUSIVE",
            "X-Project-Id": HOME.id,
        },
        body=json.dumps({"name": name}).encode(),
        date=date,
    )


def unknown_elsewhere(name):
    """Why a call of this person's app is denied: a key is known within its own account only."""
    return "unknown-key" if name == "stranger" else "no-grant"


class TestStrangers:
    """What belongs to another workspace or project does not exist."""

    @pytest.fixture(params=["neighbour", "cousin", "stranger"])
    def outsider(self, people, request):
        return people[request.param]

    def test_nothing_of_ours_exists_for_them(
        self, outsider, reviewer, owner, stage, api, app, gate, clock
    ):
        own_app = stage.new_app(by=outsider.name)
        waiting = stage.new_app()
        reviewer.authorize(api, app, clock.hour(1000))
        owner.apply(api, waiting, clock.hour(10))
        application = reviewer.waiting(api)
        reviewer.cancel(api, app, clock.hour(60))
        notice = reviewer.notice_about(api)
        end = clock.hour(100)

        for code, acts in {
            "DLM.4018": [
                lambda: outsider.show_api(api),
                lambda: outsider.update_api(api, stage.definition(manager="neighbour")),
                lambda: outsider.publish_info(api),
                lambda: outsider.choices(api, "STOP", show_all=True),
                lambda: outsider.apps_of(api),
                lambda: outsider.publish(api),
                lambda: outsider.stop(api, end),
                lambda: outsider.unpublish(api, end),
                lambda: outsider.recover(api),
                lambda: outsider.authorize(api, app, end),
                lambda: outsider.authorize(api, own_app, end),
                lambda: outsider.authorize_many(api, [app], end),
                lambda: outsider.cancel(api, app, end),
                lambda: outsider.apply(api, own_app, end),
                lambda: outsider.renew(api, own_app, end),
                lambda: outsider.give_back(api, own_app),
            ],
            "DLM.4063": [
                lambda: outsider.show_app(app),
                lambda: outsider.update_app(app, name="mine"),
                lambda: outsider.delete_app(app),
                lambda: outsider.apis_of(app),
                lambda: outsider.renew(api, app, end),
                lambda: outsider.give_back(api, app),
                lambda: outsider.reset_secret(app),
            ],
            "DLM.4197": [lambda: outsider.delete_apis(api)],
            "DLM.4620": [
                lambda: outsider.application(application),
                lambda: outsider.decide(application, passes=True),
                lambda: outsider.withdraw_application(application),
            ],
            "DLM.4621": [
                lambda: outsider.notice(notice),
                lambda: outsider.confirm_now(notice),
                lambda: outsider.withdraw_notice(notice),
            ],
        }.items():
            for act in acts:
                with refused(code):
                    act()

        assert api.id not in {r.id for r in outsider.list_apis().records}
        assert app.id not in {a.id for a in outsider.list_apps().apps}
        for query_type in range(4):
            assert application.id not in {r.id for r in outsider.applications(query_type).records}
        assert outsider.notices_about(api) == []
        gate.lets_in(app, api, until=clock.hour(60), cancelled_at=clock.hour(60))
        gate.denies(own_app, api, unknown_elsewhere(outsider.name))
        gate.denies(waiting, api, "pending")

    def test_an_unknown_thing_and_one_of_others_are_told_alike(self, outsider, api, app):
        def told(call):
            try:
                call()
            except ClientRequestException as error:
                return error.status_code, error.error_code, error.error_msg
            raise AssertionError("not refused")

        assert told(lambda: outsider.show_api(api)) == told(lambda: outsider.show_api(NOWHERE))
        status, code, text = told(lambda: outsider.show_app(app))
        assert (status, code, text.replace(app.id, NOWHERE)) == told(
            lambda: outsider.show_app(NOWHERE)
        )

    def test_our_workspace_does_not_exist_for_them(self, outsider):
        for workspace in (WORKSPACE, NOWHERE):
            with refused("DLM.4001", "The workspace does not exist"):
                outsider.but(workspace=workspace).list_apps()

    def test_credentials_are_good_for_their_own_project_only(self, server):
        for project in (SISTER.id, ABROAD.id, NOWHERE):
            with refused("DLM.4628"):
                client = people_client(server, "owner", project=project)
                client.list_apps(sdk.ListAppsRequest(workspace=WORKSPACE))
        with refused("DLM.4628"):
            client = people_client(server, "stranger")
            client.list_apps(sdk.ListAppsRequest(workspace=WORKSPACE))


class TestWorkspaces:
    def test_who_is_in_one_need_not_name_it(self, owner, app):
        assert owner.but(workspace=None).show_app(app).id == app.id

    def test_who_is_in_several_must(self, people, stage):
        commuter = people["commuter"]
        app = commuter.create_app(stage.name("here"))
        with refused("DLM.4601", "`workspace`"):
            commuter.but(workspace=None).show_app(app)
        with refused("DLM.4063"):
            commuter.but(workspace=NEXT_DOOR).show_app(app)
        assert commuter.show_app(app).id == app.id

    def test_blanks_around_it_do_not_matter(self, owner, app):
        answer = owner.http("GET", f"/apps/{app.id}", headers={"workspace": f"{WORKSPACE} "})
        assert answer.status == 200, answer


class TestVisibility:
    @pytest.mark.parametrize(
        ("visibility", "who_sees_it"),
        [
            ("WORKSPACE", set()),
            ("PROJECT", {"neighbour"}),
            ("DOMAIN", {"neighbour", "cousin"}),
        ],
    )
    def test_an_app_from_elsewhere_may_apply_for_what_is_visible_there(
        self, reviewer, people, stage, gate, clock, visibility, who_sees_it
    ):
        api = stage.published_api(visibility=visibility)
        for name in ("neighbour", "cousin", "stranger"):
            person, app = people[name], stage.new_app(by=name)
            from_there = person.but(instance=HOME.instance)
            gate.denies(app, api, unknown_elsewhere(name))
            if name not in who_sees_it:
                with refused("DLM.4018"):
                    from_there.apply(api, app, clock.hour(10))
                gate.denies(app, api, unknown_elsewhere(name))
                continue
            assert person.show_api(api).name == api.name
            # The reviewer cannot see the app before it asks, and can once it has.
            with refused("DLM.4063"):
                reviewer.authorize(api, app, clock.hour(10))
            from_there.apply(api, app, clock.hour(10))
            gate.denies(app, api, "pending")
            reviewer.decide(reviewer.waiting(api), passes=True)
            gate.lets_in(app, api, until=clock.hour(10))
            (bound,) = person.apis_of(app).records
            assert (bound.id, bound.manager) == (api.id, "reviewer")
            # It is not theirs for that.
            with refused("DLM.4018"):
                person.apps_of(api)
            from_there.give_back(api, app)
            gate.denies(app, api, "cancelled")


class TestRoutes:
    def test_there_is_nothing_beside_them(self, owner):
        for method, path in [
            ("GET", "/nothing"),
            ("DELETE", "/apps"),
            ("PATCH", "/apps/x"),
            ("GET", "/apps/x/y"),
        ]:
            answer = owner.http(method, path)
            assert (answer.status, answer.json["error_code"]) == (404, "APIGW.0101"), answer

    def test_the_operators_routes_need_the_operators_token(self, server, session):
        for headers in ({}, {"Authorization": "Bearer x"}, {"X-Auth-Token": "x"}):
            answer = send(session, "POST", f"{server.control}/admin/world", headers=headers)
            assert answer.status in (401, 403), answer

    def test_a_large_body_is_refused(self, owner):
        answer = owner.http("POST", "/apps", body={"name": "x" * 2_000_000})
        assert (answer.status, answer.json["error_code"]) == (413, "APIGW.0201")


def test_requests_without_the_sdk_work_as_well(server, iam, app):
    """As a plain program would do it."""
    token = token_of(iam(password("owner"), AT_HOME))
    response = requests.get(
        f"{server.control}/v1/{HOME.id}/service/apps/{app.id}",
        headers={"X-Auth-Token": token, "workspace": WORKSPACE, "Dlm-Type": "EXCLUSIVE"},
        timeout=30,
    )
    assert response.status_code == 200
    assert response.json()["id"] == app.id
