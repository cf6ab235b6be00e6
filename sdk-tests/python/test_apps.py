"""Apps: made, shown, changed, given a new secret, deleted."""

import re

import pytest

from support.answer import refused
from support.stage import App

NOWHERE = "00000000000000000000000000000000"
HEX32 = re.compile(r"[0-9a-f]{32}")


def test_a_new_app_gets_a_key_and_a_secret(owner, stage, clock):
    before = clock.now()
    app = owner.create_app(stage.name("shop"), description="what it is for")
    assert HEX32.fullmatch(app.id)
    assert HEX32.fullmatch(app.app_key)
    assert HEX32.fullmatch(app.app_secret)
    assert len({app.id, app.app_key, app.app_secret}) == 3
    assert app.app_type == "APP"
    assert app.description == "what it is for"
    assert (app.create_user, app.update_user) == ("owner", "owner")
    assert before.ms <= app.register_time == app.update_time <= clock.now().ms


def test_names_may_be_in_any_script(owner, stage):
    for name in ("应用_1", "Größe & co / 100%", "🚢", "x" * 64, "数" * 64):
        name = f"{name}"[: 64 - 8] + stage.name("n")[-8:]
        app = owner.create_app(name, description="描述\n第二行")
        shown = owner.show_app(app)
        assert (shown.name, shown.description) == (name, "描述\n第二行")


def test_names_have_rules(owner, stage):
    for name in ("x" * 65, " x", "x ", "a\nb", "a\0"):
        with refused("DLM.4600", "`name`"):
            owner.create_app(name)
    for name in (None, "", "  "):
        with refused("DLM.4601", "`name`"):
            owner.create_app(name)
    with refused("DLM.4600", "`description`"):
        owner.create_app(stage.name("x"), description="x" * 256)
    with refused("DLM.4600", "`app_type`"):
        owner.create_app(stage.name("x"), app_type="ROBOT")


def test_a_name_is_taken_once_in_a_workspace(owner, developer, neighbour, stage):
    name = stage.name("taken")
    app = owner.create_app(name)
    other = developer.create_app(stage.name("free"))
    with refused("DLM.4672", "already taken"):
        developer.create_app(name)
    with refused("DLM.4672"):
        developer.update_app(other, name=name)
    owner.update_app(app, name=name, description="its own name is no clash")
    assert neighbour.create_app(name).name == name


def test_legacy_kinds_all_mean_app(owner, stage):
    for kind in ("APP", "APIG", "APIGW", "DLM", "ROMA_APIC"):
        assert owner.create_app(stage.name("old"), app_type=kind).app_type == "APP"


def test_the_secret_is_shown_to_the_owner_and_to_nobody_else(
    owner, admin, developer, reviewer, viewer, operator, app
):
    assert owner.show_app(app).app_secret == app.secret
    for person in (admin, developer, reviewer, viewer, operator):
        shown = person.show_app(app)
        assert shown.app_key == app.key
        assert shown.app_secret is None
    for person in (owner, admin, viewer):
        (listed,) = person.list_apps(name=app.name).apps
        assert listed.app_key == app.key
        assert listed.app_secret is None


def test_lists_are_filtered_and_paged(owner, viewer, stage):
    stem = stage.name("listed")
    for number in range(5):
        owner.create_app(f"{stem}_订单_{number}")
    found = viewer.list_apps(name=f"{stem}_订单")
    assert found.total == len(found.apps) == 5
    assert viewer.list_apps(name=stem.upper()).total == 5
    assert viewer.list_apps(name=f"{stem}_订单_3").total == 1
    assert viewer.list_apps(name=f"{stem}%").total == 0
    assert viewer.list_apps(name=stem, app_type="APP").total == 5
    assert viewer.list_apps(name=stem, app_type="IAM").total == 0
    pages = [viewer.list_apps(name=stem, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [(page.total, len(page.apps)) for page in pages] == [(5, 2), (5, 2), (5, 1), (5, 0)]
    assert len({app.id for page in pages for app in page.apps}) == 5
    assert len(viewer.list_apps(limit=None).apps) == 10


def test_an_app_is_renamed_and_described(owner, app, clock):
    register_time = owner.show_app(app).register_time
    clock.advance(seconds=5)
    changed = owner.update_app(app, description="new words")
    assert (changed.name, changed.description) == (app.name, "new words")
    assert changed.update_time >= register_time + 5000
    changed = owner.update_app(app, name=app.name + "_更名")
    assert (changed.name, changed.description) == (app.name + "_更名", "new words")
    assert owner.show_app(app).name == app.name + "_更名"
    assert owner.update_app(app, description="").description == ""
    assert owner.show_app(app).app_secret == app.secret


def test_who_changed_it_last_is_told(owner, developer, app):
    developer.update_app(app, description="by a colleague")
    shown = owner.show_app(app)
    assert (shown.create_user, shown.update_user) == ("owner", "developer")


def test_unknown_apps_do_not_exist(owner):
    for act in (owner.show_app, owner.delete_app, owner.apis_of):
        with refused("DLM.4063", NOWHERE):
            act(NOWHERE)
    with refused("DLM.4063"):
        owner.update_app(NOWHERE, name="x")
    with refused("DLM.4063"):
        owner.show_app("no such id?")


def test_roles_bound_what_members_may_do(viewer, operator, owner, stage, app):
    for person in (viewer, operator):
        with refused("DLM.4640", "create, change or delete"):
            person.create_app(stage.name("x"))
        with refused("DLM.4640"):
            person.update_app(app, description="x")
        with refused("DLM.4640"):
            person.delete_app(app)
        assert person.show_app(app).id == app.id
    for person in (viewer, operator, owner):
        with refused("DLM.4640", "reset an app's secret"):
            person.reset_secret(app)


class TestDeletion:
    def test_an_app_without_grants_goes(self, owner, app, api, gate):
        gate.denies(app, api, "no-grant")
        owner.delete_app(app)
        with refused("DLM.4063"):
            owner.show_app(app)
        with refused("DLM.4063"):
            owner.delete_app(app)
        gate.denies(app, api, "unknown-key", "deleted")

    def test_one_with_live_grants_stays(self, reviewer, owner, stage, api, app, gate, clock):
        reviewer.authorize(api, app, clock.hour(10))
        with refused("DLM.4671", "1 live grant."):
            owner.delete_app(app)
        reviewer.authorize(stage.published_api(), app, clock.hour(10))
        with refused("DLM.4671", "2 live grants."):
            owner.delete_app(app)
        gate.lets_in(app, api, until=clock.hour(10))

    def test_once_they_are_over_it_can_go(self, reviewer, owner, stage, api, app, clock):
        other = stage.published_api()
        reviewer.authorize(api, app, clock.hour(2))
        reviewer.authorize(other, app, clock.hour(10))
        clock.go_to(clock.hour(2))
        owner.give_back(other, app)
        owner.delete_app(app)

    def test_force_gives_back_what_it_holds(self, reviewer, owner, api, app, gate, clock):
        reviewer.authorize(api, app, clock.hour(1000))
        reviewer.cancel(api, app, clock.hour(60))
        owner.must("DELETE", f"/apps/{app.id}", query={"force": "true"})
        gate.denies(app, api, "unknown-key")
        assert reviewer.apps_of(api).total == 0
        (notice,) = reviewer.notices_about(api)
        assert notice.api_apply_status == "STATUS_TYPE_SYNCHRONOUS_EXECUTE"

    def test_an_application_goes_with_it(self, reviewer, owner, api, app, gate, clock):
        owner.apply(api, app, clock.hour(10))
        application = reviewer.waiting(api)
        owner.delete_app(app)
        assert application.id not in {r.id for r in reviewer.applications(0).records}
        assert reviewer.apps_of(api).total == 0
        gate.denies(app, api, "unknown-key")


class TestSecretReset:
    def test_the_old_secret_fails_and_grants_stay(
        self, reviewer, owner, admin, api, app, gate, clock
    ):
        reviewer.authorize(api, app, clock.hour(10))
        gate.lets_in(app, api, until=clock.hour(10))
        told = admin.reset_secret(app)
        assert (told["id"], told["app_key"]) == (app.id, app.key)
        assert HEX32.fullmatch(told["app_secret"])
        assert told["app_secret"] != app.secret
        gate.denies(app, api, "bad-signature")
        gate.lets_in(app.with_secret(told["app_secret"]), api, until=clock.hour(10))
        assert owner.show_app(app).app_secret == told["app_secret"]
        assert owner.show_app(app).update_user == "admin"

    def test_once_a_minute(self, admin, app, clock):
        first = admin.reset_secret(app)["app_secret"]
        with refused("DLM.4674", "less than a minute ago"):
            admin.reset_secret(app)
        clock.advance(seconds=61)
        assert admin.reset_secret(app)["app_secret"] != first

    def test_an_unknown_app_does_not_exist(self, admin):
        with refused("DLM.4063"):
            admin.reset_secret(NOWHERE)


@pytest.fixture(scope="module")
def iam_app(owner):
    """The one app that stands for the account."""
    return owner.create_app("acme", app_type="IAM")


class TestIamApp:
    def test_it_bears_the_accounts_name_and_has_no_secret(self, owner, viewer, iam_app):
        assert iam_app.app_type == "IAM"
        for shown in (iam_app, owner.show_app(iam_app), viewer.show_app(iam_app)):
            assert (shown.app_key, shown.app_secret) == ("NO DATA", "NO DATA")
        (listed,) = viewer.list_apps(app_type="IAM").apps
        assert (listed.id, listed.name, listed.app_secret) == (iam_app.id, "acme", "NO DATA")

    def test_there_is_one_in_a_project_and_every_workspace_sees_it(
        self, developer, neighbour, cousin, iam_app
    ):
        for person in (developer, neighbour):
            with refused("DLM.4673"):
                person.create_app("acme", app_type="IAM")
            assert person.show_app(iam_app).id == iam_app.id
        assert neighbour.list_apps(app_type="IAM").apps[0].id == iam_app.id
        with refused("DLM.4063"):
            cousin.show_app(iam_app)

    def test_it_has_no_other_name(self, stranger):
        with refused("DLM.4600", "umbrella"):
            stranger.create_app("acme", app_type="IAM")

    def test_it_cannot_be_changed(self, owner, admin, iam_app):
        with refused("DLM.4673", "IAM app"):
            owner.update_app(iam_app, name="other")
        with refused("DLM.4673"):
            admin.reset_secret(iam_app)


def test_two_apps_never_share_a_key(stage):
    apps = [stage.new_app() for _ in range(20)]
    assert len({app.key for app in apps}) == len({app.secret for app in apps}) == 20
    assert all(isinstance(app, App) for app in apps)
