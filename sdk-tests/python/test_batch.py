"""Many apps in one call: all of them or none."""

import pytest

from support.answer import refused

NOWHERE = "00000000000000000000000000000000"


@pytest.fixture
def apps(stage, early_in_an_hour):
    return [stage.new_app() for _ in range(4)]


def test_all_are_granted(reviewer, api, apps, gate, clock):
    for app in apps:
        gate.denies(app, api, "no-grant")
    reviewer.authorize_many(api, apps, clock.hour(10).plus(minutes=30))
    for app in apps:
        gate.lets_in(app, api, until=clock.hour(10))
    assert reviewer.apps_of(api).total == 4


def test_repeating_it_extends(reviewer, api, apps, gate, clock):
    reviewer.authorize_many(api, apps[:2], clock.hour(10))
    reviewer.authorize_many(api, apps, clock.hour(20))
    for app in apps:
        gate.lets_in(app, api, until=clock.hour(20))
    reviewer.authorize_many(api, apps, clock.hour(20))
    for app in apps:
        gate.lets_in(app, api, until=clock.hour(20))


def test_an_app_named_twice_counts_once(reviewer, api, apps, gate, clock):
    reviewer.authorize_many(api, apps[:2] * 3, clock.hour(10))
    assert reviewer.apps_of(api).total == 2
    for app in apps[:2]:
        gate.lets_in(app, api, until=clock.hour(10))


def test_one_that_would_be_shortened_refuses_the_whole_and_is_named(
    reviewer, api, apps, gate, clock
):
    reviewer.authorize(api, apps[2], clock.hour(20))
    with refused("DLM.4682", apps[2].id, clock.hour(20).short):
        reviewer.authorize_many(api, apps, clock.hour(10))
    gate.lets_in(apps[2], api, until=clock.hour(20))
    for app in (apps[0], apps[1], apps[3]):
        gate.denies(app, api, "no-grant")
    assert reviewer.apps_of(api).total == 1


def test_one_under_notice_refuses_the_whole_and_is_named(reviewer, api, apps, gate, clock):
    reviewer.authorize(api, apps[1], clock.hour(1000))
    reviewer.cancel(api, apps[1], clock.hour(60))
    with refused("DLM.4665", apps[1].id, clock.hour(60).short):
        reviewer.authorize_many(api, apps, clock.hour(2000))
    gate.lets_in(apps[1], api, until=clock.hour(60), cancelled_at=clock.hour(60))
    gate.denies(apps[0], api, "no-grant")


def test_unknown_and_foreign_apps_refuse_the_whole_alike(reviewer, stage, api, apps, gate, clock):
    foreign = [stage.new_app(by=name).id for name in ("neighbour", "cousin", "stranger")]
    for bad in [*foreign, NOWHERE]:
        with refused("DLM.4063", f"The app {bad} does not exist"):
            reviewer.authorize_many(api, [*apps, bad], clock.hour(10))
    for app in apps:
        gate.denies(app, api, "no-grant")


def test_an_app_of_the_wrong_kind_refuses_the_whole(reviewer, stage, apps, clock):
    api = stage.published_api(auth="IAM")
    with refused("DLM.4660"):
        reviewer.authorize_many(api, apps, clock.hour(10))
    assert reviewer.apps_of(api).total == 0


def test_applications_that_wait_are_answered(reviewer, owner, api, apps, gate, clock):
    owner.apply(api, apps[0], clock.hour(5))
    application = reviewer.waiting(api)
    gate.denies(apps[0], api, "pending")
    reviewer.authorize_many(api, apps, clock.hour(10))
    assert owner.application(application).api_apply_status == "STATUS_TYPE_PASSED"
    for app in apps:
        gate.lets_in(app, api, until=clock.hour(10))


def test_a_thousand_apps_are_one_call_and_one_more_is_too_many(reviewer, stage, api, gate, clock):
    apps = [stage.new_app() for _ in range(1000)]
    one_more = stage.new_app()
    with refused("DLM.4602", "at most 1000 apps"):
        reviewer.authorize_many(api, [*apps, one_more], clock.hour(10))
    gate.denies(apps[0], api, "no-grant")
    reviewer.authorize_many(api, apps, clock.hour(10))
    for app in (apps[0], apps[499], apps[-1]):
        gate.lets_in(app, api, until=clock.hour(10))
    gate.denies(one_more, api, "no-grant")
    assert reviewer.apps_of(api).total == 1000
    # The whole list, in pages as large as they get.
    page = reviewer.apps_of(api, limit=1000)
    assert len({record.app_id for record in page.records}) == 1000


def test_it_does_not_exist_in_the_shared_edition(reviewer, api, apps, gate, clock):
    shared = reviewer.in_shared_edition
    shared.publish(api)
    with refused("DLM.4603", "EXCLUSIVE"):
        shared.authorize_many(api, apps, clock.hour(10))
    for app in apps:
        gate.denies(app, api, "no-grant")


def test_only_the_apis_reviewer_may(
    owner, second_reviewer, admin, operator, viewer, api, apps, gate, clock
):
    for person in (owner, second_reviewer, admin, operator):
        with refused("DLM.4641"):
            person.authorize_many(api, apps, clock.hour(10))
    with refused("DLM.4640"):
        viewer.authorize_many(api, apps, clock.hour(10))
    gate.denies(apps[0], api, "no-grant")


def test_form_existence_rights_state_and_time_are_checked_in_that_order(
    reviewer, owner, viewer, stage, api, apps, clock
):
    past = clock.hour(-1)
    with refused("DLM.4601", "`time`"):
        viewer.authorize_many(NOWHERE, apps, None)
    with refused("DLM.4018"):
        viewer.authorize_many(NOWHERE, apps, past)
    with refused("DLM.4640"):
        viewer.authorize_many(api, apps, past)
    with refused("DLM.4641"):
        owner.authorize_many(api, apps, past)
    with refused("DLM.4661"):
        reviewer.authorize_many(stage.new_api(), apps, past)
    with refused("DLM.4680", past.short):
        reviewer.authorize_many(api, apps, past)


def test_it_has_to_be_well_formed(reviewer, api, apps, clock):
    path = f"/apis/{api.id}/instances/{reviewer.instance}/authorize"
    time, ids = clock.hour(10).iso, [app.id for app in apps]
    for body, code in [
        ({"time": time}, "DLM.4601"),
        ({"app_ids": ids}, "DLM.4601"),
        ({"app_ids": [], "time": time}, "DLM.4600"),
        ({"app_ids": apps[0].id, "time": time}, "DLM.4600"),
        ({"app_ids": ids, "time": "later"}, "DLM.4600"),
        ({"app_ids": ids, "time": time, "apply_type": "x"}, "DLM.4600"),
    ]:
        with refused(code):
            reviewer.must("POST", path, body=body)
    with refused("DLM.4215"):
        reviewer.but(instance=NOWHERE).authorize_many(api, apps, clock.hour(10))
    assert reviewer.apps_of(api).total == 0
