"""The gateway: who is let in, what the backend gets, and how a denial reads."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from support.gate import DENIALS, sdk_date
from support.server import free_ports
from support.signing import AUTHORIZATION, X_AUTHORIZATION, Signed, quiet_session, send
from support.tokens import token_for
from support.world import HOME, RESIDENTS


@pytest.fixture
def granted(reviewer, api, app, clock, gate):
    """The app, with a grant for ten hours."""
    reviewer.authorize(api, app, clock.hour(10))
    gate.lets_in(app, api, until=clock.hour(10))
    return app


@pytest.fixture(scope="module")
def iam_app(people):
    """The app that stands for the account."""
    return people["owner"].create_app(HOME.domain_name, app_type="IAM")


class TestSignatures:
    @pytest.mark.parametrize(
        "headers", [(AUTHORIZATION, X_AUTHORIZATION), (AUTHORIZATION,), (X_AUTHORIZATION,)]
    )
    def test_either_header_carries_it_and_both_do(self, api, granted, gate, headers):
        gate.lets_in(granted, api, carried_by=headers)

    def test_two_that_differ_are_no_signature(self, api, granted, gate):
        def differ(signed):
            signed.headers[X_AUTHORIZATION] = signed.headers[AUTHORIZATION][:-1] + "0"
            signed.headers[AUTHORIZATION] = signed.headers[AUTHORIZATION][:-1] + "1"
            return signed

        gate.denies(granted, api, "malformed-signature", "differ", tampered=differ)

    def test_without_one_nobody_is_let_in(self, api, granted, gate):
        gate.denies(None, api, "missing-signature")

    def test_an_unknown_key(self, api, granted, gate):
        unknown = type(granted)(granted.id, granted.name, "0" * 32, granted.secret)
        gate.denies(unknown, api, "unknown-key", "Check the app's key")

    def test_a_wrong_secret(self, api, granted, gate):
        gate.denies(granted.with_secret("0" * 32), api, "bad-signature")

    def test_a_users_key_is_no_apps_key(self, api, granted, gate):
        who = RESIDENTS["owner"]
        gate.denies(type(granted)("", "", who.access_key, who.secret_key), api, "unknown-key")

    def test_a_signature_of_another_time(self, api, granted, gate):
        for minutes in (-16, 16):
            gate.denies(granted, api, "clock-skew", "s off", date=sdk_date(minutes=minutes))
        for minutes in (-14, 14):
            gate.lets_in(granted, api, date=sdk_date(minutes=minutes))

    @pytest.mark.parametrize(
        "value",
        [
            "Basic YTpi",
            "SDK-HMAC-SHA256",
            "SDK-HMAC-SHA256 Access=x",
            "SDK-HMAC-SM3 Access={key}, SignedHeaders=host;x-sdk-date, Signature=" + "0" * 64,
            "SDK-HMAC-SHA256 Access={key}, SignedHeaders=host, Signature=" + "0" * 64,
            "SDK-HMAC-SHA256 Access={key}, SignedHeaders=host;x-none;x-sdk-date, Signature="
            + "0" * 64,
        ],
    )
    def test_what_is_no_signature(self, api, granted, gate, value):
        def tampered(signed):
            signed.headers[AUTHORIZATION] = value.replace("{key}", granted.key)
            return signed

        gate.denies(
            granted, api, "malformed-signature", carried_by=(AUTHORIZATION,), tampered=tampered
        )

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda s: setattr(s, "url", s.url + "&x=2"), id="query added"),
            pytest.param(
                lambda s: setattr(s, "url", s.url.replace("x=1", "x=2")), id="query changed"
            ),
            pytest.param(
                lambda s: s.headers.update({"X-Sdk-Date": sdk_date(minutes=1)}), id="date"
            ),
            pytest.param(lambda s: s.headers.update({"X-Order": "2"}), id="signed header"),
            pytest.param(lambda s: s.headers.update({"Host": "example.com"}), id="host"),
        ],
    )
    def test_a_changed_request(self, api, granted, gate, change):
        def tampered(signed):
            change(signed)
            return signed

        how = {"query": {"x": "1"}, "headers": {"X-Order": "1"}}
        gate.lets_in(granted, api, **how)
        gate.denies(granted, api, "bad-signature", tampered=tampered, **how)

    def test_a_changed_body(self, reviewer, stage, app, gate, clock):
        api = stage.published_api(method="POST")
        reviewer.authorize(api, app, clock.hour(10))

        def tampered(signed):
            signed.body = signed.body.replace(b"1", b"2")
            return signed

        gate.lets_in(app, api, body=b'{"count": 1}')
        gate.denies(app, api, "bad-signature", body=b'{"count": 1}', tampered=tampered)

    def test_a_repeat_of_an_honest_call_is_honest(self, api, granted, gate):
        date = sdk_date()
        for _ in range(3):
            gate.lets_in(granted, api, date=date)


class TestGrants:
    """Every reason of a denial, on the way through a grant's life."""

    def test_a_life(self, reviewer, owner, stage, app, gate, clock):
        api = stage.new_api()
        unknown = type(api)("", "", f"/v1/{stage.name('nothing')}", "GET")
        gate.denies(app, unknown, "no-route", "Check method and path")
        gate.denies(app, api, "not-published", "Ask its reviewer")
        reviewer.publish(api)
        gate.denies(app, api, "no-grant", "Apply for it")
        owner.apply(api, app, clock.hour(5))
        gate.denies(app, api, "pending", "ask again when it is decided")
        reviewer.decide(reviewer.waiting(api), passes=True)
        end = clock.hour(5)
        gate.lets_in(app, api, until=end)
        clock.go_to(end)
        gate.denies(app, api, "expired", f"It ended at {end.short}", "apply for a new one")
        reviewer.authorize(api, app, clock.hour(1000))
        gate.lets_in(app, api, until=clock.hour(1000))
        owner.give_back(api, app)
        gate.denies(app, api, "cancelled", "It ended at", "apply for a new one")
        reviewer.stop(api)
        gate.denies(app, api, "stopped", "recovered")
        reviewer.unpublish(api)
        gate.denies(app, api, "not-published")

    def test_the_key_is_checked_before_the_grant(self, api, app, gate):
        gate.denies(app, api, "no-grant")
        gate.denies(app.with_secret("0" * 32), api, "bad-signature")
        gate.denies(None, api, "missing-signature")

    def test_a_grant_is_for_one_api_and_one_app(self, stage, api, granted, gate):
        gate.denies(granted, stage.published_api(), "no-grant")
        gate.denies(stage.new_app(), api, "no-grant")

    def test_only_the_apis_own_method_is_routed(self, api, granted, gate):
        for method in ("POST", "PUT", "DELETE"):
            gate.denies(granted, api, "no-route", method=method)
        gate.lets_in(granted, api)

    def test_an_answer_tells_the_end_and_while_a_notice_runs_the_cancellation(
        self, reviewer, api, granted, gate, clock
    ):
        reviewer.authorize(api, granted, clock.hour(1000))
        answer = gate.lets_in(granted, api)
        assert answer.headers["X-Tidegate-Grant-End"] == clock.hour(1000).short
        assert "X-Tidegate-Cancelled-At" not in answer.headers
        reviewer.cancel(api, granted, clock.hour(60))
        answer = gate.lets_in(granted, api, cancelled_at=clock.hour(60))
        assert answer.headers["X-Tidegate-Grant-End"] == clock.hour(60).short
        assert answer.headers["X-Tidegate-Cancelled-At"] == clock.hour(60).short

    def test_revisions_only_grow(self, reviewer, api, granted, gate, clock):
        seen = []
        for hours in range(11, 16):
            reviewer.authorize(api, granted, clock.hour(hours))
            seen.append(int(gate.lets_in(granted, api).headers["X-Tidegate-Revision"]))
        assert seen == sorted(set(seen))

    def test_the_revision_told_is_the_one_that_was_decided_on(
        self, server, reviewer, stage, api, gate, clock
    ):
        """Asked all the time while grants arrive: no denial claims to know the grant."""
        for _ in range(40):
            app, done, told = stage.new_app(), threading.Event(), []
            gate.denies(app, api, "no-grant")

            def ask(app=app, done=done, told=told):
                session = quiet_session()
                keys = {"key": app.key, "secret": app.secret}
                while not done.is_set():
                    answer = Signed("GET", gate.address, api.path, **keys).send(session)
                    told.append((answer.status, int(answer.headers["X-Tidegate-Revision"])))

            with ThreadPoolExecutor(3) as pool:
                asking = [pool.submit(ask) for _ in range(3)]
                reviewer.authorize(api, app, clock.hour(10))
                gate.call(app, api)
                done.set()
                for each in asking:
                    each.result()
            granted_at = server.revision
            assert [t for t in told if (t[0] == 200) != (t[1] >= granted_at)] == []


class TestSecretReset:
    def test_the_old_secret_fails_at_once(self, admin, api, granted, gate):
        fresh = granted.with_secret(admin.reset_secret(granted)["app_secret"])
        gate.denies(granted, api, "bad-signature")
        gate.lets_in(fresh, api)


class TestOpenApis:
    def test_anybody_may_call_them(self, reviewer, stage, app, gate):
        api = stage.new_api(auth="NONE")
        gate.denies(None, api, "not-published")
        reviewer.publish(api)
        answer = gate.lets_in(None, api)
        assert "X-Tidegate-Grant-End" not in answer.headers
        gate.lets_in(app, api)
        gate.lets_in(app.with_secret("wrong"), api)

    def test_until_they_are_stopped(self, reviewer, stage, gate):
        api = stage.published_api(auth="NONE")
        gate.lets_in(None, api)
        reviewer.stop(api)
        gate.denies(None, api, "stopped")
        reviewer.recover(api)
        gate.lets_in(None, api)
        reviewer.unpublish(api)
        gate.denies(None, api, "not-published")


class TestIamApis:
    @pytest.fixture
    def iam_api(self, stage, early_in_an_hour):
        return stage.published_api(auth="IAM")

    def test_a_token_of_the_account_gets_in_with_the_accounts_grant(
        self, server, reviewer, iam_api, iam_app, gate, clock
    ):
        token = {"X-Auth-Token": token_for(server, "developer")}

        def call():
            return send(gate.session, "GET", gate.address + iam_api.path, headers=token)

        # A token is no change that a revision tells, so the gate is given a moment to hear of it.
        gate.check_denial(gate.soon(call, "no-grant"), "no-grant")
        reviewer.authorize(iam_api, iam_app, clock.hour(10))
        answer = gate.lets_in(None, iam_api, headers=token, until=clock.hour(10))
        assert answer.json["headers"]["x-tidegate-app"] == iam_app.id
        assert "x-auth-token" not in answer.json["headers"]
        clock.go_to(clock.hour(10))
        gate.denies(None, iam_api, "expired", headers=token)

    def test_every_user_of_the_account_and_nobody_else(
        self, server, reviewer, iam_api, iam_app, gate, clock
    ):
        reviewer.authorize(iam_api, iam_app, clock.hour(10))

        def call(token):
            headers = {"X-Auth-Token": token}
            return send(gate.session, "GET", gate.address + iam_api.path, headers=headers)

        for name in ("viewer", "neighbour"):
            token = token_for(server, name)
            gate.soon(lambda token=token: call(token), None)
        token = token_for(server, "stranger")
        gate.soon(lambda: call(token), "invalid-token")

    def test_without_a_good_token_nobody(self, iam_api, app, gate):
        gate.denies(None, iam_api, "missing-token")
        gate.denies(None, iam_api, "invalid-token", headers={"X-Auth-Token": "0" * 64})
        gate.denies(app, iam_api, "missing-token")

    def test_a_token_ends(self, server, reviewer, iam_api, iam_app, gate, clock):
        reviewer.authorize(iam_api, iam_app, clock.hour(100))
        token = {"X-Auth-Token": token_for(server, "owner")}

        def call():
            return send(gate.session, "GET", gate.address + iam_api.path, headers=token)

        gate.soon(call, None)
        clock.advance(hours=24)
        gate.denies(None, iam_api, "invalid-token", headers=token)

    def test_the_owner_of_the_app_applies_for_the_account(
        self, server, reviewer, owner, iam_api, iam_app, gate, clock
    ):
        token = {"X-Auth-Token": token_for(server, "viewer")}

        def call():
            return send(gate.session, "GET", gate.address + iam_api.path, headers=token)

        gate.soon(call, "no-grant")
        owner.apply(iam_api, iam_app, clock.hour(10))
        gate.denies(None, iam_api, "pending", headers=token)
        reviewer.decide(reviewer.waiting(iam_api), passes=True)
        gate.lets_in(None, iam_api, headers=token, until=clock.hour(10))
        owner.give_back(iam_api, iam_app)
        gate.denies(None, iam_api, "cancelled", headers=token)


class TestBackends:
    def test_the_query_goes_through(self, api, granted, gate):
        query = [("name", "北京 &=+"), ("empty", ""), ("a", "2"), ("a", "1")]
        told = gate.lets_in(granted, api, query=query).json
        assert (told["method"], told["path"], told["body"]) == ("GET", "/echo", "")
        assert sorted(map(tuple, told["query"])) == sorted(query)

    def test_a_body_goes_through(self, reviewer, stage, app, gate, clock):
        api = stage.published_api(method="POST")
        reviewer.authorize(api, app, clock.hour(10))
        text = json.dumps({"订单": [1, 2, 3], "text": "x" * 100_000})
        told = gate.lets_in(app, api, body=text.encode()).json
        assert (told["method"], told["body"]) == ("POST", text)
        assert told["headers"]["content-type"] == "application/json"
        assert gate.lets_in(app, api).json["body"] == ""

    def test_a_body_that_is_not_json_may_be_left_out_of_the_signature(
        self, reviewer, stage, app, gate, clock
    ):
        """The SDK signs no body but JSON."""
        api = stage.published_api(method="POST")
        reviewer.authorize(api, app, clock.hour(10))
        told = gate.lets_in(app, api, body=b"a,b\n1,2\n", headers={"Content-Type": "text/csv"}).json
        assert told["body"] == "a,b\n1,2\n"

    def test_a_large_answer_comes_through_whole(self, reviewer, stage, app, gate, clock):
        backend = stage.definition().backend_config
        backend.path = "/large"
        api = stage.published_api(backend_config=backend)
        reviewer.authorize(api, app, clock.hour(10))
        assert len(gate.lets_in(app, api).json["filling"]) == 3_000_000

    def test_the_backends_own_answer_is_passed_on(self, reviewer, stage, app, gate, clock):
        backend = stage.definition().backend_config
        backend.path = "/teapot"
        api = stage.published_api(backend_config=backend)
        reviewer.authorize(api, app, clock.hour(10))
        answer = gate.call(app, api)
        assert (answer.status, answer.reason) == (418, None)
        assert answer.headers["X-Backend"] == "echo"
        assert answer.headers["X-Tidegate-Grant-End"] == clock.hour(10).short

    def test_who_calls_is_told_by_the_gate_and_by_nobody_else(self, api, granted, gate, clock):
        spoofed = {
            "X-Tidegate-App": "somebody",
            "x_tidegate_app": "somebody",
            "X-Tidegate-Api": "something",
            "X-Tidegate-Grant-End": "never",
            "X-Forwarded-For": "10.0.0.1",
            "X-Forwarded-Host": "evil.example.com",
            "X-Real-IP": "10.0.0.1",
            "Forwarded": "for=10.0.0.1",
            "X-Request-Id": "mine",
        }
        answer = gate.lets_in(granted, api, headers=spoofed)
        got = answer.json["headers"]
        assert got["x-tidegate-app"] == granted.id
        assert got["x-tidegate-api"] == api.id
        assert got["x-tidegate-grant-end"] == clock.hour(10).short
        assert got["x-forwarded-for"] == "127.0.0.1"
        assert got["x-forwarded-host"] == gate.address.removeprefix("http://")
        assert got["x-request-id"] == answer.headers["X-Request-Id"] != "mine"
        assert not {"x_tidegate_app", "x-real-ip", "forwarded"} & set(got)

    def test_nobody_is_named_to_an_open_apis_backend(self, stage, gate):
        api = stage.published_api(auth="NONE")
        got = gate.lets_in(None, api, headers={"X-Tidegate-App": "somebody"}).json["headers"]
        assert "x-tidegate-app" not in got

    def test_credentials_stay_at_the_gate_and_so_do_unsigned_headers(self, api, granted, gate):
        def add(signed):
            signed.headers["X-Unsigned"] = "1"
            signed.headers["Accept-Language"] = "zh"
            return signed

        got = gate.lets_in(granted, api, headers={"X-Signed": "1"}, tampered=add).json["headers"]
        assert got["x-signed"] == "1"
        assert got["accept-language"] == "zh"
        assert not {"authorization", "x-authorization", "x-sdk-date", "x-unsigned"} & set(got)

    def test_one_that_is_away(self, reviewer, stage, app, gate, clock):
        backend = stage.definition().backend_config
        backend.host = f"127.0.0.1:{free_ports(1)[0]}"
        api = stage.published_api(backend_config=backend)
        gate.denies(app, api, "no-grant")
        reviewer.authorize(api, app, clock.hour(10))
        gate.denies(app, api, "backend-unreachable")

    def test_one_that_is_slow(self, reviewer, stage, app, gate, clock):
        backend = stage.definition().backend_config
        backend.path, backend.timeout = "/slow", 200
        api = stage.published_api(backend_config=backend)
        reviewer.authorize(api, app, clock.hour(10))
        gate.denies(app, api, "backend-timeout")

    def test_many_calls_at_a_time(self, api, granted, gate):
        gate.lets_in(granted, api)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: gate.call(granted, api), range(100)))
        assert {answer.status for answer in answers} == {200}
        assert len({answer.headers["X-Request-Id"] for answer in answers}) == 100


class TestRequests:
    @pytest.mark.parametrize("path", ["/a//b", "/a/%2e%2e/b", "/a%2Fb", "/a%00b", "/a;b", "/a%5Cb"])
    def test_ambiguous_paths_are_refused(self, gate, path):
        connection = quiet_session()
        prepared = connection.prepare_request(requests.Request("GET", gate.address))
        prepared.url = gate.address + path
        response = connection.send(prepared, timeout=30)
        assert response.headers["X-Tidegate-Reason"] == "bad-request", response.text
        assert response.status_code == 400

    def test_a_slash_at_the_end_does_not_matter(self, api, granted, gate):
        gate.lets_in(granted, api, path=api.path + "/")

    def test_reasons_are_part_of_the_contract(self):
        assert {code for _, code, _ in DENIALS.values()} == {
            "APIG.0101",
            "APIG.0201",
            "APIG.0301",
            "APIG.0303",
            "APIG.0304",
            "DLM.4211",
        }


@pytest.mark.parametrize("side", ["control", "gateway"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_both_addresses_tell_how_they_are(server, side, path):
    answer = send(quiet_session(), "GET", getattr(server, side) + path)
    assert answer.status == 200, answer


def test_the_control_side_is_not_at_the_gates_address(server):
    session = quiet_session()
    for path in ("/dev/clock", f"/v1/{HOME.id}/service/apps", "/v3/auth/tokens"):
        answer = send(session, "GET", server.gateway + path)
        assert (answer.status, answer.reason) == (404, "no-route")
