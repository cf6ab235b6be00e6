"""What a server knows outlives it, whether it is asked to stop or killed."""

import pytest

from support.answer import refused
from support.server import Server
from support.signing import quiet_session, send
from support.tokens import token_for
from support.world import WORKSPACE


@pytest.fixture(params=["stopped", "killed"])
def restart(request, server):
    """Ends the server in one of two ways and starts it on the same data folder."""

    def again():
        if request.param == "stopped":
            assert server.stop() == 0, server.log_tail()
        else:
            server.kill()
        assert not server.is_running
        with pytest.raises(OSError):
            send(quiet_session(), "GET", f"{server.control}/healthz")
        server.start()

    return again


def test_grants_applications_and_notices(restart, reviewer, owner, stage, api, gate, clock):
    granted, applied, ending, agreed = (stage.new_app() for _ in range(4))
    end, at, chosen = clock.hour(1000), clock.hour(60), clock.hour(20)
    reviewer.authorize_many(api, [granted, ending, agreed], end)
    owner.apply(api, applied, clock.hour(100))
    for app in (ending, agreed):
        reviewer.cancel(api, app, at)
    (notice,) = [n for n in owner.notices_about(api) if n.app_id == agreed.id]
    owner.confirm_for(notice, chosen)

    def nothing_has_changed():
        gate.lets_in(granted, api, until=end)
        gate.denies(applied, api, "pending")
        gate.lets_in(ending, api, until=at, cancelled_at=at)
        gate.lets_in(agreed, api, until=chosen, cancelled_at=chosen)
        states = {r.app_id: r.relationship_type for r in reviewer.apps_of(api).records}
        assert states == {
            granted.id: "LINKED",
            applied.id: "LINK_WAITING_CHECK",
            ending.id: "OFFLINE_WAITING_CHECK",
            agreed.id: "OFFLINE_WAITING_CHECK",
        }
        statuses = {n.app_id: n.api_apply_status for n in owner.notices_about(api)}
        assert statuses == {
            ending.id: "STATUS_TYPE_PENDING_CHECK",
            agreed.id: "STATUS_TYPE_PENDING_EXECUTE",
        }

    nothing_has_changed()
    restart()
    nothing_has_changed()

    # And life goes on where it was.
    reviewer.decide(reviewer.waiting(api), passes=True)
    gate.lets_in(applied, api, until=clock.hour(100))
    clock.go_to(chosen)
    gate.denies(agreed, api, "cancelled")
    clock.go_to(at)
    gate.denies(ending, api, "cancelled")
    restart()
    gate.denies(ending, api, "cancelled")
    gate.denies(agreed, api, "cancelled")
    gate.lets_in(granted, api, until=end)


def test_what_came_due_while_the_server_was_away(server, reviewer, api, app, gate, clock):
    """The clock is moved, and the server killed before it can do anything about it."""
    end = clock.hour(5)
    reviewer.authorize(api, app, end)
    gate.lets_in(app, api, until=end)
    clock.go_to(end)
    server.kill()
    server.start()
    gate.denies(app, api, "expired")
    assert reviewer.apps_of(api).total == 0


def test_decisions_are_kept_from_the_moment_they_are_answered(
    server, reviewer, stage, api, gate, clock
):
    """Killed right after the answer, ten times over."""
    for _ in range(10):
        app = stage.new_app()
        gate.denies(app, api, "no-grant")
        reviewer.authorize(api, app, clock.hour(10))
        server.kill()
        server.start()
        gate.lets_in(app, api, until=clock.hour(10))


def test_the_moved_clock(restart, clock):
    clock.advance(days=30, seconds=7)
    before = clock.read()
    restart()
    after = clock.read()
    assert after["advanced_seconds"] == before["advanced_seconds"] >= 30 * 86_400 + 7
    assert 0 <= after["now"] - before["now"] < 30_000


def test_tokens(restart, server, owner, app, clock):
    token = token_for(server, "owner")
    assert owner.http("GET", f"/apps/{app.id}", token=token).status == 200
    restart()
    assert owner.http("GET", f"/apps/{app.id}", token=token).status == 200
    clock.advance(hours=24)
    assert owner.http("GET", f"/apps/{app.id}", token=token).status == 401
    restart()
    assert owner.http("GET", f"/apps/{app.id}", token=token).status == 401


def test_secrets_and_stops(restart, reviewer, owner, admin, api, app, gate, clock):
    reviewer.authorize(api, app, clock.hour(1000))
    fresh = app.with_secret(admin.reset_secret(app)["app_secret"])
    reviewer.stop(api, clock.hour(60))
    gate.lets_in(fresh, api, until=clock.hour(60), cancelled_at=clock.hour(60))
    restart()
    gate.denies(app, api, "bad-signature")
    gate.lets_in(fresh, api, until=clock.hour(60), cancelled_at=clock.hour(60))
    assert owner.show_app(app).app_secret == fresh.secret
    owner.confirm_now(owner.notice_about(api))
    gate.denies(fresh, api, "stopped")
    restart()
    gate.denies(fresh, api, "stopped")
    assert reviewer.status(api) == "API_STATUS_STOPPED"
    reviewer.recover(api)
    gate.lets_in(fresh, api, until=clock.hour(1000))


def test_nothing_the_world_file_does_not_name_is_lost(restart, reviewer, owner, api, app):
    """The file is applied at every start, and changes nothing the second time."""
    revision = int(
        owner.http("PUT", f"/apps/{app.id}", body={"description": "x"}).headers[
            "X-Tidegate-Revision"
        ]
    )
    restart()
    assert owner.show_app(app).description == "x"
    assert reviewer.show_api(api).name == api.name
    answer = owner.http("PUT", f"/apps/{app.id}", body={"description": "y"})
    assert int(answer.headers["X-Tidegate-Revision"]) > revision
    with refused("DLM.4672"):
        owner.create_app(app.name)


def test_two_servers_do_not_share_a_data_folder(server, tmp_path, owner, app):
    second = Server(tmp_path)
    second._data = server._data
    with pytest.raises(AssertionError, match="did not get ready"):
        second.start()
    assert not second.is_running
    assert owner.but(workspace=WORKSPACE).show_app(app).id == app.id
