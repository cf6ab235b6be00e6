"""Applications: who sees which, and what becomes of them."""

import pytest

from support.answer import refused

NOWHERE = "00000000000000000000000000000000"


def ids(page):
    return {record.id for record in page.records}


@pytest.fixture
def application(reviewer, owner, api, app, clock):
    """An application of `owner` that waits for `reviewer`."""
    owner.apply(api, app, clock.hour(10))
    return reviewer.waiting(api)


class TestLists:
    def test_an_application_moves_from_box_to_box(
        self, reviewer, owner, api, app, application, gate, clock
    ):
        gate.denies(app, api, "pending")
        assert application.id in ids(reviewer.applications(0))
        assert application.id in ids(reviewer.applications())
        assert application.id not in ids(reviewer.applications(1))
        assert application.id in ids(owner.applications(3))
        assert application.id not in ids(owner.applications(2))
        assert application.id not in ids(owner.applications(0))

        reviewer.decide(application, passes=True)
        gate.lets_in(app, api, until=clock.hour(10))
        assert application.id not in ids(reviewer.applications(0))
        assert application.id in ids(reviewer.applications(1))
        assert application.id in ids(owner.applications(3))

    def test_an_application_to_publish_is_in_the_developers_box(self, reviewer, developer, stage):
        api = stage.new_api()
        developer.publish(api)
        application = reviewer.waiting(api)
        assert application.api_apply_type == "APPLY_TYPE_PUBLISH"
        assert application.app_id is None
        assert application.api_using_time is None
        assert application.id in ids(developer.applications(2))
        assert application.id not in ids(developer.applications(3))
        assert application.id not in ids(reviewer.applications(2))

    def test_a_reviewer_sees_what_is_addressed_to_him_only(
        self, reviewer, second_reviewer, owner, stage, clock
    ):
        mine, his = stage.published_api(), stage.new_api(manager=second_reviewer.name)
        second_reviewer.publish(his)
        app = stage.new_app()
        for api in (mine, his):
            owner.apply(api, app, clock.hour(10))
        assert reviewer.waiting(mine).approver_name == "reviewer"
        assert second_reviewer.waiting(his).approver_name == "王芳"
        assert his.id not in {r.api_id for r in reviewer.applications(0).records}
        assert mine.id not in {r.api_id for r in second_reviewer.applications(0).records}
        with refused("DLM.4641"):
            reviewer.decide(second_reviewer.waiting(his), passes=True)

    def test_part_of_the_apis_name_finds_it(self, reviewer, owner, stage, clock):
        api = stage.published_api("发票_Invoice_" + stage.name("x"))
        owner.apply(api, stage.new_app(), clock.hour(10))
        for part in ("发票", "Invoice", "invoice", api.name):
            page = reviewer.applications(0, api_name=part)
            assert (page.total, [r.api_id for r in page.records]) == (1, [api.id])
            assert owner.applications(3, api_name=part).total == 1
        assert reviewer.applications(0, api_name="发货").total == 0
        assert reviewer.applications(0, api_name="Inv_ice").total == 0
        assert reviewer.applications(0, api_name="%").total == 0

    def test_lists_come_in_pages(self, reviewer, owner, stage, clock):
        api = stage.published_api("paged_" + stage.name("x"))
        for _ in range(5):
            owner.apply(api, stage.new_app(), clock.hour(10))
        pages = [
            reviewer.applications(0, api_name=api.name, limit=2, offset=offset)
            for offset in (0, 2, 4, 6)
        ]
        assert [(page.total, len(page.records)) for page in pages] == [
            (5, 2),
            (5, 2),
            (5, 1),
            (5, 0),
        ]
        assert len(set().union(*map(ids, pages))) == 5
        from_the_fourth = reviewer.applications(0, api_name=api.name, limit=2, offset=3).records
        assert {record.id for record in from_the_fourth} & ids(pages[0]) == set()
        assert len(from_the_fourth) == 2
        assert len(reviewer.applications(0, api_name=api.name).records) == 5

    def test_an_unknown_box_is_refused(self, reviewer):
        for query_type in (4, -1):
            with refused("DLM.4600", "`query_type`"):
                reviewer.applications(query_type)


class TestDetail:
    def test_a_record_tells_who_asks_for_what_until_when(
        self, reviewer, owner, api, app, application, clock
    ):
        for person in (reviewer, owner):
            shown = person.application(application)
            assert shown.id == application.id
            assert shown.api_apply_status == "STATUS_TYPE_PENDING_APPROVAL"
            assert shown.api_apply_type == "APPLY_TYPE_APPLY"
            assert (shown.api_id, shown.api_name) == (api.id, api.name)
            assert (shown.app_id, shown.app_name) == (app.id, app.name)
            assert shown.api_using_time == clock.hour(10).ms
            assert shown.user_name == "owner"
            assert shown.approver_name == "reviewer"
            assert shown.approval_time is None
            assert shown.comment is None
            assert clock.hour(0).ms <= shown.apply_time <= clock.now().ms

    def test_the_instance_is_told_as_an_extra(self, reviewer, application):
        record = reviewer.must("GET", f"/applys/{application.id}")
        assert record["instance_id"] == reviewer.instance

    def test_those_it_does_not_concern_do_not_find_it(
        self, application, second_reviewer, developer, operator, viewer
    ):
        for person in (second_reviewer, developer, operator, viewer):
            with refused("DLM.4620", "The application does not exist"):
                person.application(application)

    def test_an_unknown_one_does_not_exist(self, reviewer):
        with refused("DLM.4620"):
            reviewer.application(NOWHERE)
        with refused("DLM.4620"):
            reviewer.decide(NOWHERE, passes=True)


class TestVerdicts:
    def test_agreeing_takes_effect_at_once(
        self, reviewer, owner, api, app, application, gate, clock
    ):
        gate.denies(app, api, "pending")
        reviewer.decide(application, passes=True)
        gate.lets_in(app, api, until=clock.hour(10))
        record = owner.application(application)
        assert record.api_apply_status == "STATUS_TYPE_PASSED"
        assert clock.hour(0).ms <= record.approval_time <= clock.now().ms

    def test_many_at_once(self, reviewer, owner, stage, api, gate, clock):
        apps = [stage.new_app() for _ in range(20)]
        for app in apps:
            owner.apply(api, app, clock.hour(10))
            gate.denies(app, api, "pending")
        waiting = [r for r in reviewer.applications(0).records if r.api_id == api.id]
        assert len(waiting) == 20
        agreed = {r.app_id for r in waiting[:15]}
        reviewer.decide(*waiting[:15], *waiting[:2], passes=True)
        reviewer.decide(*waiting[15:], passes=False)
        for app in apps:
            if app.id in agreed:
                gate.lets_in(app, api, until=clock.hour(10))
            else:
                gate.denies(app, api, "no-grant")

    def test_one_that_cannot_be_decided_refuses_the_whole(
        self, reviewer, owner, stage, api, gate, clock
    ):
        first, second, third = apps = [stage.new_app() for _ in range(3)]
        for app in apps:
            owner.apply(api, app, clock.hour(10))
        waiting = {r.app_id: r for r in reviewer.applications(0).records if r.api_id == api.id}
        reviewer.decide(waiting[second.id], passes=False)
        with refused("DLM.4666"):
            reviewer.decide(*waiting.values(), passes=True)
        with refused("DLM.4620"):
            reviewer.decide(waiting[first.id], NOWHERE, passes=True)
        gate.denies(first, api, "pending")
        gate.denies(second, api, "no-grant")
        gate.denies(third, api, "pending")

    def test_kinds_may_be_mixed(self, reviewer, owner, developer, stage, app, gate, clock):
        old, new = stage.published_api(), stage.new_api()
        owner.apply(old, app, clock.hour(10))
        developer.publish(new)
        gate.denies(app, new, "not-published")
        reviewer.decide(reviewer.waiting(old), reviewer.waiting(new), passes=True)
        gate.lets_in(app, old, until=clock.hour(10))
        gate.denies(app, new, "no-grant")

    def test_only_the_apis_reviewer_decides(
        self, application, second_reviewer, owner, admin, operator, viewer, api, app, gate
    ):
        for person in (second_reviewer, owner, admin, operator):
            with refused("DLM.4641", "Only the API's reviewer may do this."):
                person.decide(application, passes=True)
        with refused("DLM.4640"):
            viewer.decide(application, passes=True)
        gate.denies(app, api, "pending")

    def test_a_decided_one_is_decided(self, reviewer, api, app, application, gate):
        reviewer.decide(application, passes=False)
        for passes in (True, False):
            with refused("DLM.4666", "rejected", "by reviewer", "file a new one"):
                reviewer.decide(application, passes=passes)
        gate.denies(app, api, "no-grant")

    def test_what_was_good_when_filed_is_checked_again(
        self, reviewer, owner, api, app, gate, clock
    ):
        reviewer.authorize(api, app, clock.hour(10))
        owner.renew(api, app, clock.hour(20))
        application = reviewer.waiting(api)
        reviewer.authorize(api, app, clock.hour(30))
        with refused("DLM.4666", "passed"):
            reviewer.decide(application, passes=True)
        gate.lets_in(app, api, until=clock.hour(30))

    def test_an_unpublish_voids_what_waits(self, reviewer, owner, api, app, application, gate):
        reviewer.unpublish(api)
        with refused("DLM.4666", "the API was unpublished"):
            reviewer.decide(application, passes=True)
        record = owner.application(application)
        assert record.api_apply_status == "STATUS_TYPE_REJECTED"
        assert "unpublished" in record.comment
        gate.denies(app, api, "not-published")

    def test_a_verdict_has_to_be_well_formed(self, reviewer, application):
        for body, code in [
            ({"apply_ids": [application.id]}, "DLM.4601"),
            ({"apply_result": True}, "DLM.4601"),
            ({"apply_result": True, "apply_ids": []}, "DLM.4600"),
            ({"apply_result": "true", "apply_ids": [application.id]}, "DLM.4600"),
            ({"apply_result": True, "apply_ids": [NOWHERE] * 1001}, "DLM.4602"),
        ]:
            with refused(code):
                reviewer.must("POST", "/applys", body=body)


class TestComments:
    def test_a_rejection_can_say_why(self, reviewer, owner, api, app, application, gate):
        why = "本季度不再开放; ask again in spring"
        reviewer.decide_with(why, application, passes=False)
        for record in (
            owner.application(application),
            next(r for r in owner.applications(3).records if r.id == application.id),
            next(r for r in reviewer.applications(1).records if r.id == application.id),
        ):
            assert record.api_apply_status == "STATUS_TYPE_REJECTED"
            assert record.comment == why
            assert record.approver_name == "reviewer"
        gate.denies(app, api, "no-grant")

    def test_so_can_an_agreement(self, reviewer, owner, api, app, application, gate, clock):
        reviewer.decide_with("fine", application, passes=True)
        assert owner.application(application).comment == "fine"
        gate.lets_in(app, api, until=clock.hour(10))

    def test_a_comment_has_a_length(self, reviewer, application):
        with refused("DLM.4600", "`comment`", "255"):
            reviewer.decide_with("x" * 256, application, passes=False)
        reviewer.decide_with("好" * 255, application, passes=False)


class TestWithdrawal:
    def test_the_applicant_takes_it_back(self, reviewer, owner, api, app, application, gate, clock):
        gate.denies(app, api, "pending")
        owner.withdraw_application(application)
        gate.denies(app, api, "no-grant")
        assert reviewer.apps_of(api).total == 0
        with refused("DLM.4666", "withdrawn", "by owner"):
            reviewer.decide(application, passes=True)
        with refused("DLM.4666"):
            owner.withdraw_application(application)
        owner.apply(api, app, clock.hour(20))
        reviewer.decide(reviewer.waiting(api), passes=True)
        gate.lets_in(app, api, until=clock.hour(20))

    def test_the_vendors_lists_have_no_word_for_it_and_leave_it_out(
        self, reviewer, owner, application
    ):
        owner.withdraw_application(application)
        for box in (reviewer.applications(0), reviewer.applications(1), owner.applications(3)):
            assert application.id not in ids(box)
            assert box.total == len(box.records)

    def test_nobody_else_may(self, reviewer, admin, developer, viewer, application, api, app, gate):
        for person in (reviewer, admin, developer):
            with refused("DLM.4644", "Only the applicant"):
                person.withdraw_application(application)
        with refused("DLM.4640"):
            viewer.withdraw_application(application)
        with refused("DLM.4620"):
            reviewer.withdraw_application(NOWHERE)
        gate.denies(app, api, "pending")

    def test_a_renewal_taken_back_leaves_the_grant(self, reviewer, owner, api, app, gate, clock):
        reviewer.authorize(api, app, clock.hour(10))
        owner.renew(api, app, clock.hour(20))
        owner.withdraw_application(reviewer.waiting(api))
        gate.lets_in(app, api, until=clock.hour(10))
        (record,) = reviewer.apps_of(api).records
        assert record.relationship_type == "LINKED"

    def test_a_publication_taken_back(self, reviewer, developer, stage):
        api = stage.new_api()
        developer.publish(api)
        assert developer.status(api) == "API_STATUS_PUBLISH_WAIT_REVIEW"
        developer.withdraw_application(reviewer.waiting(api))
        assert developer.status(api) == "API_STATUS_CREATED"
        developer.publish(api)
        assert developer.status(api) == "API_STATUS_PUBLISH_WAIT_REVIEW"
