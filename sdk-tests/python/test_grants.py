"""Grants: the five actions, what they refuse, how they are listed, and how they end."""

import huaweicloudsdkdataartsstudio.v1 as sdk
import pytest

from support.answer import refused
from support.moment import Moment
from support.world import SECOND_INSTANCE, SECOND_INSTANCE_NAME

NOWHERE = "00000000000000000000000000000000"


def of_api(person, api):
    """The records of an API's grants, by app."""
    return {record.app_id: record for record in person.apps_of(api).records}


def of_app(person, app):
    """The records of an app's grants, by API."""
    return {record.id: record for record in person.apis_of(app).records}


class TestAuthorize:
    def test_a_grant_lets_in_until_just_before_its_end(self, reviewer, api, app, gate, clock):
        end = clock.hour(5)
        gate.denies(app, api, "no-grant", "Apply for it")
        reviewer.authorize(api, app, end)
        gate.lets_in(app, api, until=end)
        clock.just_before(end)
        gate.lets_in(app, api, until=end)
        clock.go_to(end)
        gate.denies(app, api, "expired", end.short)
        assert reviewer.apps_of(api).total == 0
        clock.advance(days=400)
        gate.denies(app, api, "expired", end.short)

    def test_an_end_is_rounded_down_to_the_hour(self, reviewer, owner, api, app, gate, clock):
        end = clock.hour(5)
        reviewer.authorize(api, app, end.plus(minutes=59, seconds=59, ms=999))
        gate.lets_in(app, api, until=end)
        assert of_api(reviewer, api)[app.id].api_using_time == end.ms
        assert of_app(owner, app)[api.id].deadline == end.ms

    def test_an_end_in_this_hour_has_passed(self, reviewer, api, app, gate, clock):
        begun = clock.hour(0)
        with refused("DLM.4680", begun.short):
            reviewer.authorize(api, app, begun.plus(minutes=59))
        with refused("DLM.4680"):
            reviewer.authorize(api, app, clock.hour(-24))
        gate.denies(app, api, "no-grant")
        reviewer.authorize(api, app, clock.hour(1))
        gate.lets_in(app, api, until=clock.hour(1))

    def test_a_later_end_extends_an_equal_one_changes_nothing_an_earlier_is_refused(
        self, reviewer, api, app, gate, clock
    ):
        short, long = clock.hour(10), clock.hour(20)
        reviewer.authorize(api, app, short)
        gate.lets_in(app, api, until=short)
        granted = of_api(reviewer, api)[app.id].approval_time
        reviewer.authorize(api, app, long)
        gate.lets_in(app, api, until=long)
        assert of_api(reviewer, api)[app.id].approval_time == granted
        reviewer.authorize(api, app, long.plus(minutes=30))
        gate.lets_in(app, api, until=long)
        for earlier in (clock.hour(19), clock.hour(0)):
            with refused("DLM.4682", "Validity can only grow", app.id, long.short):
                reviewer.authorize(api, app, earlier)
        gate.lets_in(app, api, until=long)

    def test_the_time_has_to_be_there_and_to_be_a_time(self, reviewer, owner, api, app, gate):
        for act in (reviewer.authorize, reviewer.cancel, owner.apply, owner.renew):
            with refused("DLM.4601", "`time`"):
                act(api, app, None)
        for text in ("noon", "2030-01-01", "1893456000000", "2030-02-30T10:00:00Z"):
            with refused("DLM.4600", "`time`", text):
                action(reviewer, api, app, "APPLY_TYPE_AUTHORIZE", text)
        with refused("DLM.4600", "zone"):
            action(reviewer, api, app, "APPLY_TYPE_AUTHORIZE", "2030-01-01T10:00:00.000")
        gate.denies(app, api, "no-grant")

    def test_an_offset_moves_the_text_and_not_the_moment(self, reviewer, api, app, gate, clock):
        end = clock.hour(30)
        local = end.plus(hours=8).iso.replace("Z", "+08:00")
        action(reviewer, api, app, "APPLY_TYPE_AUTHORIZE", local)
        gate.lets_in(app, api, until=end)

    def test_the_last_hour_there_is(self, reviewer, api, app, gate):
        last = Moment.parse("9999-12-31T23:00:00Z")
        with refused("DLM.4681", "9999"):
            action(reviewer, api, app, "APPLY_TYPE_AUTHORIZE", "9999-12-31T23:00:00.000-02:00")
        gate.denies(app, api, "no-grant")
        reviewer.authorize(api, app, last)
        gate.lets_in(app, api, until=last)
        assert of_api(reviewer, api)[app.id].api_using_time == last.ms

    def test_fields_and_kinds_are_checked(self, reviewer, api, app, clock):
        whole = {
            "api_id": api.id,
            "instance_id": reviewer.instance,
            "app_id": app.id,
            "apply_type": "APPLY_TYPE_AUTHORIZE",
            "time": clock.hour(5).iso,
        }
        for field in whole:
            body = {name: value for name, value in whole.items() if name != field}
            for missing in (body, body | {field: ""}, body | {field: None}):
                with refused("DLM.4601", f"`{field}`"):
                    reviewer.must("POST", "/apis/authorize/action", body=missing)
        for wrong in ("AUTHORIZE", "APPLY_TYPE_STOP", "apply_type_authorize"):
            with refused("DLM.4600", "`apply_type`", wrong, "APPLY_TYPE_APP_CANCEL_AUTHORIZE"):
                reviewer.must("POST", "/apis/authorize/action", body=whole | {"apply_type": wrong})
        with refused("DLM.4600", "`tme`"):
            reviewer.must("POST", "/apis/authorize/action", body=whole | {"tme": "x"})
        for nonsense in ([whole], "text", None):
            with refused("DLM.4600"):
                reviewer.must("POST", "/apis/authorize/action", body=nonsense)

    def test_only_the_apis_own_reviewer_may(
        self, api, app, gate, clock, owner, second_reviewer, admin, developer, operator, viewer
    ):
        for person in (owner, second_reviewer, admin, developer, operator):
            with refused("DLM.4641", "Only the API's reviewer may do this."):
                person.authorize(api, app, clock.hour(5))
        with refused("DLM.4640", "Your role in this workspace"):
            viewer.authorize(api, app, clock.hour(5))
        gate.denies(app, api, "no-grant")

    def test_the_api_has_to_be_published_there(self, reviewer, owner, stage, app, gate, clock):
        api = stage.new_api()
        for act in (reviewer.authorize, owner.apply):
            with refused("DLM.4661", "not published on this instance"):
                act(api, app, clock.hour(5))
        reviewer.publish(api)
        elsewhere = reviewer.but(instance=SECOND_INSTANCE)
        with refused("DLM.4661"):
            elsewhere.authorize(api, app, clock.hour(5))
        reviewer.authorize(api, app, clock.hour(5))
        gate.lets_in(app, api, until=clock.hour(5))

    def test_unknown_ids_are_told_apart_by_code(self, reviewer, owner, api, app, clock):
        end = clock.hour(5)
        for act in (reviewer.authorize, owner.apply, owner.renew, owner.give_back, reviewer.cancel):
            with refused("DLM.4018", "The API does not exist"):
                act(NOWHERE, app, end)
            with refused("DLM.4063", NOWHERE):
                act(api, NOWHERE, end)
        for name in ("authorize", "cancel"):
            with refused("DLM.4215", "The instance does not exist"):
                getattr(reviewer.but(instance=NOWHERE), name)(api, app, end)
        for name in ("apply", "renew", "give_back"):
            with refused("DLM.4215", "The instance does not exist"):
                getattr(owner.but(instance=NOWHERE), name)(api, app, end)
        with refused("DLM.4018"):
            reviewer.authorize("no/id?", app, end)

    def test_one_api_on_two_instances_has_two_grants(self, reviewer, owner, api, app, gate, clock):
        there = reviewer.but(instance=SECOND_INSTANCE)
        there.publish(api)
        here_until, there_until = clock.hour(5), clock.hour(50)
        reviewer.authorize(api, app, here_until)
        there.authorize(api, app, there_until)
        records = {r.instance_id: r for r in reviewer.apps_of(api).records}
        assert {id: r.api_using_time for id, r in records.items()} == {
            reviewer.instance: here_until.ms,
            SECOND_INSTANCE: there_until.ms,
        }
        assert records[SECOND_INSTANCE].instance_name == SECOND_INSTANCE_NAME
        gate.lets_in(app, api)
        owner.give_back(api, app)
        gate.lets_in(app, api, until=there_until)
        owner.but(instance=SECOND_INSTANCE).give_back(api, app)
        gate.denies(app, api, "cancelled")


def action(person, api, app, apply_type, time):
    """An action with a time that is just a text."""
    body = sdk.ApiParaForAuthToInstance(
        api_id=api.id,
        instance_id=person.instance,
        app_id=app.id,
        apply_type=apply_type,
        time=time,
    )
    request = sdk.AuthorizeActionApiToInstanceRequest(workspace=person.workspace, body=body)
    person.sdk.authorize_action_api_to_instance(request)


class TestApply:
    def test_an_application_gives_nothing_until_it_is_agreed_to(
        self, reviewer, owner, api, app, gate, clock
    ):
        end = clock.hour(10)
        gate.denies(app, api, "no-grant")
        owner.apply(api, app, end.plus(minutes=40))
        gate.denies(app, api, "pending", "waits for the API's reviewer")
        waiting = of_api(reviewer, api)[app.id]
        assert waiting.relationship_type == "LINK_WAITING_CHECK"
        assert waiting.api_using_time == end.ms
        assert waiting.approval_time is None
        reviewer.decide(reviewer.waiting(api), passes=True)
        gate.lets_in(app, api, until=end)

    def test_a_refused_application_leaves_no_trace_at_the_gate(
        self, reviewer, owner, api, app, gate, clock
    ):
        owner.apply(api, app, clock.hour(10))
        reviewer.decide(reviewer.waiting(api), passes=False)
        gate.denies(app, api, "no-grant")
        assert reviewer.apps_of(api).total == 0
        owner.apply(api, app, clock.hour(10))
        gate.denies(app, api, "pending")

    def test_only_the_owner_may(self, api, app, gate, clock, reviewer, admin, operator, viewer):
        for person in (reviewer, admin, operator):
            with refused("DLM.4642", "Only the app's owner may do this"):
                person.apply(api, app, clock.hour(10))
        with refused("DLM.4640"):
            viewer.apply(api, app, clock.hour(10))
        gate.denies(app, api, "no-grant")

    def test_one_application_at_a_time_and_none_beside_a_grant(
        self, reviewer, owner, api, app, gate, clock
    ):
        owner.apply(api, app, clock.hour(10))
        with refused("DLM.4663", "already waits for the reviewer"):
            owner.apply(api, app, clock.hour(20))
        reviewer.decide(reviewer.waiting(api), passes=True)
        with refused("DLM.4662", app.id, clock.hour(10).short, "renew it"):
            owner.apply(api, app, clock.hour(20))
        gate.lets_in(app, api, until=clock.hour(10))

    def test_the_apis_own_reviewer_applies_like_anybody(self, reviewer, stage, gate, clock):
        api, app = stage.published_api(), stage.new_app(by="reviewer")
        reviewer.apply(api, app, clock.hour(10))
        gate.denies(app, api, "pending")
        reviewer.decide(reviewer.waiting(api), passes=True)
        gate.lets_in(app, api, until=clock.hour(10))

    def test_authorizing_answers_the_application_that_waits(
        self, reviewer, owner, api, app, gate, clock
    ):
        owner.apply(api, app, clock.hour(10))
        application = reviewer.waiting(api)
        reviewer.authorize(api, app, clock.hour(20))
        gate.lets_in(app, api, until=clock.hour(20))
        record = owner.application(application)
        assert record.api_apply_status == "STATUS_TYPE_PASSED"
        assert record.approver_name == "reviewer"
        with refused("DLM.4666", "passed", "by reviewer"):
            reviewer.decide(application, passes=False)
        gate.lets_in(app, api, until=clock.hour(20))

    def test_an_application_nobody_decided_in_time_is_void(
        self, reviewer, owner, api, app, gate, clock
    ):
        end = clock.hour(3)
        owner.apply(api, app, end)
        application = reviewer.waiting(api)
        clock.go_to(end)
        with refused("DLM.4666", "the end asked for passed"):
            reviewer.decide(application, passes=True)
        record = owner.application(application)
        assert record.api_apply_status == "STATUS_TYPE_REJECTED"
        assert "passed before a verdict" in record.comment
        # The gate is told when the end of the application is recorded.
        gate.soon(lambda: gate.call(app, api), "no-grant")


class TestRenew:
    def test_a_renewal_changes_nothing_until_it_is_agreed_to(
        self, reviewer, owner, api, app, gate, clock
    ):
        old, new = clock.hour(10), clock.hour(30)
        reviewer.authorize(api, app, old)
        owner.renew(api, app, new)
        gate.lets_in(app, api, until=old)
        record = of_api(reviewer, api)[app.id]
        assert record.relationship_type == "RENEW_WAITING_CHECK"
        assert record.api_using_time == old.ms
        reviewer.decide(reviewer.waiting(api), passes=True)
        gate.lets_in(app, api, until=new)
        clock.go_to(old)
        gate.lets_in(app, api, until=new)
        clock.go_to(new)
        gate.denies(app, api, "expired")

    def test_a_refused_renewal_leaves_the_old_end(self, reviewer, owner, api, app, gate, clock):
        reviewer.authorize(api, app, clock.hour(10))
        owner.renew(api, app, clock.hour(30))
        reviewer.decide(reviewer.waiting(api), passes=False)
        gate.lets_in(app, api, until=clock.hour(10))
        assert of_api(reviewer, api)[app.id].relationship_type == "LINKED"

    def test_validity_can_only_grow(self, reviewer, owner, api, app, gate, clock):
        reviewer.authorize(api, app, clock.hour(10))
        for end in (clock.hour(10), clock.hour(9), clock.hour(10).plus(minutes=59)):
            with refused("DLM.4682", "Validity can only grow"):
                owner.renew(api, app, end)
        gate.lets_in(app, api, until=clock.hour(10))

    def test_only_the_owner_may_and_only_once(self, reviewer, owner, admin, api, app, clock):
        reviewer.authorize(api, app, clock.hour(10))
        for person in (reviewer, admin):
            with refused("DLM.4642"):
                person.renew(api, app, clock.hour(30))
        owner.renew(api, app, clock.hour(30))
        with refused("DLM.4663", "renew"):
            owner.renew(api, app, clock.hour(40))

    def test_there_is_nothing_to_renew_without_a_live_grant(
        self, reviewer, owner, api, app, gate, clock
    ):
        with refused("DLM.4664", "apply for it"):
            owner.renew(api, app, clock.hour(30))
        reviewer.authorize(api, app, clock.hour(2))
        end = clock.hour(2)
        clock.go_to(end)
        with refused("DLM.4664"):
            owner.renew(api, app, clock.hour(30))
        gate.denies(app, api, "expired")
        owner.apply(api, app, clock.hour(30))
        gate.denies(app, api, "pending")

    def test_a_renewal_dies_with_its_grant(self, reviewer, owner, api, app, gate, clock):
        end = clock.hour(4)
        reviewer.authorize(api, app, end)
        owner.renew(api, app, clock.hour(30))
        application = reviewer.waiting(api)
        clock.go_to(end)
        gate.denies(app, api, "expired")
        with refused("DLM.4666", "the grant to renew ended"):
            reviewer.decide(application, passes=True)
        gate.denies(app, api, "expired")
        assert reviewer.apps_of(api).total == 0


class TestReviewersCancellation:
    def test_it_leaves_two_days_and_then_bites_by_itself(
        self, reviewer, owner, api, app, gate, clock
    ):
        end, at = clock.hour(1000), clock.hour(60)
        reviewer.authorize(api, app, end)
        gate.lets_in(app, api, until=end)
        reviewer.cancel(api, app, at)
        gate.lets_in(app, api, until=at, cancelled_at=at)
        record = of_api(reviewer, api)[app.id]
        assert (record.relationship_type, record.api_using_time) == ("OFFLINE_WAITING_CHECK", at.ms)
        assert of_app(owner, app)[api.id].deadline == at.ms
        clock.just_before(at)
        gate.lets_in(app, api, until=at, cancelled_at=at)
        clock.go_to(at)
        gate.denies(app, api, "cancelled", at.short)
        assert reviewer.apps_of(api).total == owner.apis_of(app).total == 0
        notice = owner.notice_about(api)
        assert notice.api_apply_status == "STATUS_TYPE_FORCED_CANCEL"
        with refused("DLM.4667", "deadline passed without an answer"):
            owner.confirm_now(notice)

    def test_two_days_are_48_hours_to_the_second(self, reviewer, stage, clock, gate):
        api, app, other = stage.published_api(), stage.new_app(), stage.new_app()
        reviewer.authorize_many(api, [app, other], clock.hour(1000))
        turn, due = clock.hour(1), clock.hour(49)
        clock.just_before(turn)
        reviewer.cancel(api, app, due)
        gate.lets_in(app, api, until=due, cancelled_at=due)
        clock.go_to(turn.plus(ms=1))
        with refused("DLM.4683", due.plus(hours=1).short):
            reviewer.cancel(api, other, due)
        gate.lets_in(other, api)
        reviewer.cancel(api, other, due.plus(hours=1))
        gate.lets_in(other, api, until=due.plus(hours=1), cancelled_at=due.plus(hours=1))

    def test_the_moment_is_rounded_up_so_notice_is_never_less_than_asked(
        self, reviewer, api, app, gate, clock
    ):
        reviewer.authorize(api, app, clock.hour(1000))
        with refused("DLM.4683", clock.hour(49).short):
            reviewer.cancel(api, app, clock.hour(48))
        reviewer.cancel(api, app, clock.hour(48).plus(ms=1))
        gate.lets_in(app, api, until=clock.hour(49), cancelled_at=clock.hour(49))

    def test_only_the_apis_own_reviewer_may(
        self, reviewer, owner, second_reviewer, admin, operator, viewer, api, app, gate, clock
    ):
        reviewer.authorize(api, app, clock.hour(1000))
        for person in (owner, second_reviewer, admin, operator):
            with refused("DLM.4641"):
                person.cancel(api, app, clock.hour(60))
        with refused("DLM.4640"):
            viewer.cancel(api, app, clock.hour(60))
        gate.lets_in(app, api, until=clock.hour(1000))

    def test_there_is_nothing_to_cancel_without_a_live_grant(
        self, reviewer, owner, api, app, clock
    ):
        with refused("DLM.4664"):
            reviewer.cancel(api, app, clock.hour(60))
        owner.apply(api, app, clock.hour(10))
        with refused("DLM.4664"):
            reviewer.cancel(api, app, clock.hour(60))

    def test_while_a_notice_runs_nothing_is_extended_and_no_second_one_is_sent(
        self, reviewer, owner, api, app, gate, clock
    ):
        at = clock.hour(60)
        reviewer.authorize(api, app, clock.hour(1000))
        reviewer.cancel(api, app, at)
        for act in (reviewer.authorize, owner.renew):
            with refused("DLM.4665", app.id, at.short, "withdraws it"):
                act(api, app, clock.hour(2000))
        with refused("DLM.4665"):
            reviewer.cancel(api, app, clock.hour(70))
        gate.lets_in(app, api, until=at, cancelled_at=at)

    def test_it_closes_a_renewal_that_waits(self, reviewer, owner, api, app, clock):
        reviewer.authorize(api, app, clock.hour(100))
        owner.renew(api, app, clock.hour(200))
        application = reviewer.waiting(api)
        reviewer.cancel(api, app, clock.hour(60))
        record = owner.application(application)
        assert record.api_apply_status == "STATUS_TYPE_REJECTED"
        assert "announced the end" in record.comment
        with refused("DLM.4666"):
            reviewer.decide(application, passes=True)

    def test_a_grant_that_ends_before_its_notice_just_ends(
        self, reviewer, owner, api, app, gate, clock
    ):
        end = clock.hour(50)
        reviewer.authorize(api, app, end)
        reviewer.cancel(api, app, clock.hour(60))
        gate.lets_in(app, api, until=end, cancelled_at=clock.hour(60))
        clock.go_to(end)
        gate.denies(app, api, "expired", end.short)
        assert owner.notice_about(api).api_apply_status == "STATUS_TYPE_SYNCHRONOUS_EXECUTE"


@pytest.fixture
def cancelled(reviewer, api, app, gate, clock):
    """A grant that ends in 60 hours, by a reviewer's cancellation; tells when."""
    at = clock.hour(60)
    reviewer.authorize(api, app, clock.hour(1000))
    reviewer.cancel(api, app, at)
    gate.lets_in(app, api, until=at, cancelled_at=at)
    return at


class TestNotices:
    def test_the_appss_side_reads_what_is_announced(
        self, reviewer, owner, admin, viewer, developer, api, app, cancelled
    ):
        notice = owner.notice_about(api)
        assert notice.api_apply_type == "APPLY_TYPE_API_CANCEL_AUTHORIZE"
        assert notice.api_apply_status == "STATUS_TYPE_PENDING_CHECK"
        assert (notice.api_name, notice.app_id, notice.app_name) == (api.name, app.id, app.name)
        assert notice.api_using_time == cancelled.ms
        assert notice.approval_time is None
        assert notice.apply_time > 0
        for person in (owner, reviewer, admin):
            assert person.notice_about(api).id == notice.id
            shown = person.notice(notice)
            assert (shown.id, shown.api_id, shown.app_id) == (notice.id, api.id, app.id)
        for person in (viewer, developer):
            assert person.notices_about(api) == []
            with refused("DLM.4621", "The message does not exist"):
                person.notice(notice)

    def test_notices_are_found_by_part_of_the_apis_name(self, owner, api, cancelled):
        part = api.name[2:].upper()
        assert api.id in {record.api_id for record in owner.notices(api_name=part).records}
        assert owner.notices(api_name="no such api").records == []

    def test_past_the_end_the_first_page_comes_again(self, reviewer, owner, stage, clock):
        for _ in range(3):
            api, app = stage.published_api("pages_" + stage.name("x")), stage.new_app()
            reviewer.authorize(api, app, clock.hour(1000))
            reviewer.cancel(api, app, clock.hour(60))
        first = owner.notices(api_name="pages_", limit=2)
        second = owner.notices(api_name="pages_", limit=2, offset=2)
        assert (first.total, len(first.records), len(second.records)) == (3, 2, 1)
        ids = [record.id for record in first.records + second.records]
        assert len(set(ids)) == 3
        for offset in (3, 4, 100):
            again = owner.notices(api_name="pages_", limit=2, offset=offset)
            assert [record.id for record in again.records] == ids[:2]
        between = owner.notices(api_name="pages_", limit=2, offset=1)
        assert [record.id for record in between.records] == ids[1:]

    def test_confirming_now_ends_access_now(self, reviewer, owner, api, app, gate, cancelled):
        notice = owner.notice_about(api)
        owner.confirm_now(notice)
        gate.denies(app, api, "cancelled")
        assert owner.notice(notice).api_apply_status == "STATUS_TYPE_SYNCHRONOUS_EXECUTE"
        assert owner.notice(notice).approval_time > 0
        assert reviewer.apps_of(api).total == 0
        with refused("DLM.4667", "confirmed", "by owner"):
            owner.confirm_now(notice)

    def test_confirming_for_a_time_ends_access_then(
        self, reviewer, owner, api, app, gate, clock, cancelled
    ):
        notice, chosen = owner.notice_about(api), clock.hour(7)
        owner.confirm_for(notice, chosen.plus(minutes=-20))
        gate.lets_in(app, api, until=chosen, cancelled_at=chosen)
        record = owner.notice(notice)
        assert record.api_apply_status == "STATUS_TYPE_PENDING_EXECUTE"
        assert record.api_using_time == chosen.ms
        assert of_api(reviewer, api)[app.id].api_using_time == chosen.ms
        clock.just_before(chosen)
        gate.lets_in(app, api, until=chosen, cancelled_at=chosen)
        clock.go_to(chosen)
        gate.denies(app, api, "cancelled", chosen.short)
        assert owner.notice(notice).api_apply_status == "STATUS_TYPE_PASSED"

    def test_confirming_without_a_time_means_three_days_but_not_after_the_deadline(
        self, reviewer, owner, stage, gate, clock
    ):
        api, soon, late = stage.published_api(), stage.new_app(), stage.new_app()
        reviewer.authorize_many(api, [soon, late], clock.hour(1000))
        reviewer.cancel(api, soon, clock.hour(50))
        reviewer.cancel(api, late, clock.hour(500))
        notices = {record.app_id: record for record in owner.notices_about(api)}
        owner.confirm_for(notices[soon.id], None)
        gate.lets_in(soon, api, until=clock.hour(50), cancelled_at=clock.hour(50))
        owner.confirm_for(notices[late.id], None)
        three_days = clock.hour(73)
        gate.lets_in(late, api, until=three_days, cancelled_at=three_days)
        clock.go_to(three_days)
        gate.denies(late, api, "cancelled")

    def test_a_notice_can_only_be_brought_forward(self, owner, api, app, gate, clock, cancelled):
        notice = owner.notice_about(api)
        with refused("DLM.4685", cancelled.short):
            owner.confirm_for(notice, cancelled.plus(hours=1))
        with refused("DLM.4684", "let access end now"):
            owner.confirm_for(notice, clock.hour(0))
        gate.lets_in(app, api, until=cancelled, cancelled_at=cancelled)
        owner.confirm_for(notice, cancelled)
        gate.lets_in(app, api, until=cancelled, cancelled_at=cancelled)

    def test_an_answer_can_be_followed_by_an_earlier_one(
        self, owner, admin, api, app, gate, clock, cancelled
    ):
        notice = owner.notice_about(api)
        owner.confirm_for(notice, clock.hour(20))
        admin.confirm_for(notice, clock.hour(5))
        gate.lets_in(app, api, until=clock.hour(5), cancelled_at=clock.hour(5))
        owner.confirm_now(notice)
        gate.denies(app, api, "cancelled")

    def test_nobody_but_the_apps_side_may_answer(
        self,
        reviewer,
        second_reviewer,
        developer,
        operator,
        viewer,
        owner,
        api,
        app,
        gate,
        cancelled,
    ):
        notice = owner.notice_about(api)
        with refused("DLM.4643", "Only the app's owner or an admin"):
            reviewer.confirm_now(notice)
        for person in (second_reviewer, developer, operator):
            with refused("DLM.4643"):
                person.confirm_now(notice)
        with refused("DLM.4640"):
            viewer.confirm_now(notice)
        gate.lets_in(app, api, until=cancelled, cancelled_at=cancelled)

    def test_answers_have_to_be_well_formed(self, owner, api, cancelled):
        notice = owner.notice_about(api)
        for body, code in [
            ({"action": 0}, "DLM.4601"),
            ({"message_id": notice.id}, "DLM.4601"),
            ({"message_id": notice.id, "action": 2}, "DLM.4600"),
            ({"message_id": notice.id, "action": -1}, "DLM.4600"),
            ({"message_id": notice.id, "action": 1, "time": "soon"}, "DLM.4600"),
            ({"message_id": NOWHERE, "action": 0}, "DLM.4621"),
        ]:
            with refused(code):
                owner.must("POST", "/messages", body=body)

    def test_the_reviewer_takes_a_notice_back(
        self, reviewer, owner, api, app, gate, clock, cancelled
    ):
        notice = reviewer.notice_about(api)
        with refused("DLM.4641"):
            owner.withdraw_notice(notice)
        reviewer.withdraw_notice(notice)
        gate.lets_in(app, api, until=clock.hour(1000))
        assert of_api(reviewer, api)[app.id].relationship_type == "LINKED"
        assert owner.notices_about(api) == []
        with refused("DLM.4667", "withdrawn", "by reviewer"):
            owner.confirm_now(notice)
        with refused("DLM.4667"):
            reviewer.withdraw_notice(notice)
        reviewer.authorize(api, app, clock.hour(1100))
        gate.lets_in(app, api, until=clock.hour(1100))
        clock.go_to(cancelled.plus(hours=1))
        gate.lets_in(app, api)

    def test_a_confirmed_notice_can_be_taken_back_too_until_it_bites(
        self, reviewer, owner, api, app, gate, clock, cancelled
    ):
        notice = owner.notice_about(api)
        owner.confirm_for(notice, clock.hour(10))
        reviewer.withdraw_notice(notice)
        gate.lets_in(app, api, until=clock.hour(1000))
        reviewer.cancel(api, app, cancelled)
        notice = owner.notice_about(api)
        clock.go_to(cancelled)
        with refused("DLM.4667"):
            reviewer.withdraw_notice(notice)
        gate.denies(app, api, "cancelled")


class TestGivingBack:
    def test_it_takes_effect_at_once_whatever_time_is_named(
        self, reviewer, owner, api, app, gate, clock
    ):
        for time in (None, clock.hour(100), clock.hour(-100)):
            reviewer.authorize(api, app, clock.hour(50))
            gate.lets_in(app, api, until=clock.hour(50))
            owner.give_back(api, app, time)
            gate.denies(app, api, "cancelled")
            assert reviewer.apps_of(api).total == owner.apis_of(app).total == 0
        reviewer.authorize(api, app, clock.hour(50))
        action(owner, api, app, "APPLY_TYPE_APP_CANCEL_AUTHORIZE", "whenever")
        gate.denies(app, api, "cancelled")

    def test_only_the_owner_may_and_only_what_there_is(
        self, reviewer, owner, admin, operator, viewer, api, app, gate, clock
    ):
        with refused("DLM.4664"):
            owner.give_back(api, app)
        reviewer.authorize(api, app, clock.hour(50))
        for person in (reviewer, admin, operator):
            with refused("DLM.4642"):
                person.give_back(api, app)
        with refused("DLM.4640"):
            viewer.give_back(api, app)
        gate.lets_in(app, api, until=clock.hour(50))
        owner.give_back(api, app)
        with refused("DLM.4664"):
            owner.give_back(api, app)

    def test_it_settles_a_notice_and_a_renewal(self, reviewer, owner, api, app, gate, clock):
        reviewer.authorize(api, app, clock.hour(1000))
        reviewer.cancel(api, app, clock.hour(60))
        owner.give_back(api, app)
        gate.denies(app, api, "cancelled")
        assert owner.notice_about(api).api_apply_status == "STATUS_TYPE_SYNCHRONOUS_EXECUTE"
        reviewer.authorize(api, app, clock.hour(1000))
        owner.renew(api, app, clock.hour(2000))
        application = reviewer.waiting(api)
        owner.give_back(api, app)
        assert owner.application(application).api_apply_status == "STATUS_TYPE_REJECTED"
        with refused("DLM.4666"):
            reviewer.decide(application, passes=True)
        gate.denies(app, api, "cancelled")

    def test_the_same_app_can_be_granted_anew(self, reviewer, owner, api, app, gate, clock):
        reviewer.authorize(api, app, clock.hour(50))
        owner.give_back(api, app)
        owner.apply(api, app, clock.hour(5))
        gate.denies(app, api, "pending")
        reviewer.decide(reviewer.waiting(api), passes=True)
        gate.lets_in(app, api, until=clock.hour(5))


class TestLists:
    def test_both_lists_show_the_four_relationships(self, reviewer, owner, stage, clock):
        api = stage.published_api("four_" + stage.name("states"), description="四种状态")
        applied, linked, ending, renewing = apps = [stage.new_app() for _ in range(4)]
        end = clock.hour(100)
        owner.apply(api, applied, end)
        reviewer.authorize_many(api, [linked, ending, renewing], end)
        reviewer.cancel(api, ending, clock.hour(60))
        owner.renew(api, renewing, clock.hour(300))
        wanted = {
            applied.id: ("LINK_WAITING_CHECK", end.ms, False),
            linked.id: ("LINKED", end.ms, True),
            ending.id: ("OFFLINE_WAITING_CHECK", clock.hour(60).ms, True),
            renewing.id: ("RENEW_WAITING_CHECK", end.ms, True),
        }
        names = {app.id: app.name for app in apps}
        page = reviewer.apps_of(api)
        assert page.total == 4
        for record in page.records:
            relationship, until, is_granted = wanted.pop(record.app_id)
            assert record.relationship_type == relationship
            assert record.api_using_time == until
            assert (record.approval_time is not None) == is_granted
            assert record.app_name == names[record.app_id]
            assert record.instance_id == reviewer.instance
            assert record.instance_name == "gate one"
            assert record.static_params == []
            bound = of_app(owner, record.app_id)[api.id]
            assert bound.relationship_type == relationship
            assert bound.deadline == until
            assert bound.approval_time == record.approval_time
            assert (bound.name, bound.description) == (api.name, "四种状态")
            assert bound.manager == "reviewer"
        assert wanted == {}

    def test_times_come_out_as_milliseconds_on_the_hour(self, reviewer, api, app, clock):
        before = clock.now()
        reviewer.authorize(api, app, clock.hour(10).plus(minutes=7))
        record = of_api(reviewer, api)[app.id]
        assert record.api_using_time == clock.hour(10).ms
        assert len(str(record.api_using_time)) == 13
        assert before.ms <= record.approval_time <= clock.now().ms

    def test_the_time_of_a_grant_has_both_its_names(self, reviewer, api, app, clock):
        reviewer.authorize(api, app, clock.hour(10))
        for path in (f"/authorize/apis/{api.id}", f"/authorize/apps/{app.id}"):
            (record,) = reviewer.must("GET", path)["records"]
            assert record["approval_time"] == record["approve_time"]
            assert record["instance_id"] == reviewer.instance
            assert record["instance_name"] == "gate one"

    def test_lists_come_in_pages_and_end_with_an_empty_one(self, reviewer, owner, stage, clock):
        api, apps = stage.published_api(), [stage.new_app() for _ in range(5)]
        reviewer.authorize_many(api, apps, clock.hour(10))
        pages = [reviewer.apps_of(api, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
        assert [page.total for page in pages] == [5, 5, 5, 5]
        assert [len(page.records) for page in pages] == [2, 2, 1, 0]
        seen = [record.app_id for page in pages for record in page.records]
        assert sorted(seen) == sorted(app.id for app in apps)
        between = reviewer.apps_of(api, limit=2, offset=3)
        assert [record.app_id for record in between.records] == seen[3:5]
        apis = [stage.published_api() for _ in range(3)]
        for each in apis:
            reviewer.authorize(each, apps[0], clock.hour(10))
        bound = [owner.apis_of(apps[0], limit=3, offset=offset) for offset in (0, 3, 6)]
        assert [(page.total, len(page.records)) for page in bound] == [(4, 3), (4, 1), (4, 0)]
        for limit, offset in ((0, 0), (-1, 0), (10, -1)):
            with refused("DLM.4600"):
                reviewer.apps_of(api, limit=limit, offset=offset)

    def test_what_has_ended_is_listed_no_more(self, reviewer, owner, stage, api, clock):
        short, long = stage.new_app(), stage.new_app()
        reviewer.authorize(api, short, clock.hour(2))
        reviewer.authorize(api, long, clock.hour(20))
        end = clock.hour(2)
        clock.just_before(end)
        assert reviewer.apps_of(api).total == 2
        clock.go_to(end)
        page = reviewer.apps_of(api)
        assert (page.total, [r.app_id for r in page.records]) == (1, [long.id])
        assert owner.apis_of(short).total == 0

    def test_everybody_in_the_workspace_may_read_them(
        self, reviewer, owner, viewer, operator, admin, api, app, clock
    ):
        reviewer.authorize(api, app, clock.hour(10))
        for person in (owner, viewer, operator, admin):
            assert list(of_api(person, api)) == [app.id]
            assert list(of_app(person, app)) == [api.id]
        with refused("DLM.4018"):
            viewer.apps_of(NOWHERE)
        with refused("DLM.4063"):
            viewer.apis_of(NOWHERE)


class TestKinds:
    def test_app_and_api_have_to_go_together(self, reviewer, owner, stage, app, gate, clock):
        iam_api = stage.published_api(auth="IAM")
        for act in (reviewer.authorize, owner.apply):
            with refused("DLM.4660", "APP takes APP apps"):
                act(iam_api, app, clock.hour(10))
        gate.denies(app, iam_api, "missing-token")

    def test_granting_what_is_open_to_all_is_done_already(
        self, reviewer, owner, stage, app, gate, clock
    ):
        api = stage.published_api(auth="NONE")
        gate.lets_in(None, api)
        reviewer.authorize(api, app, clock.hour(10))
        owner.apply(api, app, clock.hour(10))
        assert reviewer.apps_of(api).total == owner.apis_of(app).total == 0
        gate.lets_in(None, api)
