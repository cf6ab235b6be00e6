"""Instances and reviewers, and both editions from end to end."""

import pytest

from support.answer import refused
from support.world import HOME, SECOND_INSTANCE, SECOND_INSTANCE_NAME, SHARED_INSTANCE, SISTER

NOWHERE = "00000000000000000000000000000000"


class TestInstances:
    def test_those_of_the_project_are_listed(self, viewer, cousin):
        page = viewer.instances()
        assert page.total == 2
        assert {i.id: i.name for i in page.instances} == {
            HOME.instance: HOME.instance_name,
            SECOND_INSTANCE: SECOND_INSTANCE_NAME,
        }
        (only,) = cousin.instances().instances
        assert (only.id, only.name) == (SISTER.instance, SISTER.instance_name)

    def test_lists_are_filtered_and_paged(self, viewer):
        for list_them in (viewer.instances, viewer.instances_in_short):
            (found,) = list_them(name="第二").instances
            assert found.id == SECOND_INSTANCE
            assert list_them(name="ONE").instances[0].id == HOME.instance
            assert list_them(name="none such").total == 0
            pages = [list_them(limit=1, offset=offset) for offset in (0, 1, 2)]
            assert [(page.total, len(page.instances)) for page in pages] == [(2, 1), (2, 1), (2, 0)]
            assert len({i.id for page in pages for i in page.instances}) == 2

    def test_the_overview_is_the_same_in_short(self, viewer):
        page = viewer.instances_in_short()
        assert (page.total, page.scale_down, page.scale_out) == (2, False, False)
        long = {i.id: i for i in viewer.instances().instances}
        for short in page.instances:
            for name in (
                "name",
                "description",
                "create_time",
                "api_publishable_num",
                "charge_status",
            ):
                assert getattr(short, name) == getattr(long[short.id], name), name

    def test_one_is_shown(self, viewer, clock):
        shown = viewer.show_instance(HOME.instance)
        assert (shown.id, shown.name) == (HOME.instance, HOME.instance_name)
        assert shown.instance_status == "RUNNING"
        assert 0 < shown.create_time <= clock.now().ms
        extra = viewer.must("GET", f"/instances/{HOME.instance}")
        for name in ("dump_flag", "group_id", "group_name", "stream_id", "stream_name"):
            assert f"log_{name}" in extra
        assert "lts_log_dump_flag" in extra

    def test_it_counts_the_apis_published_on_it(self, reviewer, stage):
        before = reviewer.show_instance(HOME.instance).current_namespace_publish_api_num
        api = stage.published_api()
        shown = reviewer.show_instance(HOME.instance)
        assert shown.current_namespace_publish_api_num == before + 1
        assert shown.all_namespace_publish_api_num >= before + 1
        assert reviewer.show_instance(SECOND_INSTANCE).current_namespace_publish_api_num == 0
        reviewer.unpublish(api)
        assert reviewer.show_instance(HOME.instance).current_namespace_publish_api_num == before

    def test_unknown_and_foreign_ones_do_not_exist(self, viewer, cousin):
        for person, id in [
            (viewer, NOWHERE),
            (viewer, SISTER.instance),
            (cousin, HOME.instance),
            (viewer, SHARED_INSTANCE),
        ]:
            with refused("DLM.4292", "The instance does not exist"):
                person.show_instance(id)

    def test_the_shared_edition_has_its_one(self, viewer):
        shared = viewer.in_shared_edition
        (only,) = shared.instances().instances
        assert only.id == SHARED_INSTANCE
        assert shared.show_instance(SHARED_INSTANCE).id == SHARED_INSTANCE
        with refused("DLM.4292"):
            shared.show_instance(HOME.instance)


class TestReviewers:
    def test_the_list_of_reviewers(self, operator, admin, developer):
        for person in (operator, admin, developer):
            told = person.approvers()
            assert told["total"] == 2
            assert {a["approver_name"] for a in told["approvers"]} == {"reviewer", "王芳"}
            for approver in told["approvers"]:
                assert approver["user_name"] == approver["approver_name"]
                assert approver["id"] and approver["user_id"]
                assert approver["project_id"] == HOME.id

    def test_it_is_searched_and_counted_in_pages_from_one(self, admin):
        (found,) = admin.approvers(approver_name="芳")["approvers"]
        assert found["approver_name"] == "王芳"
        assert admin.approvers(approver_name="nobody")["total"] == 0
        first, second, third = (admin.approvers(page=str(n), size="1") for n in (1, 2, 3))
        assert [len(page["approvers"]) for page in (first, second, third)] == [1, 1, 0]
        assert first["approvers"] != second["approvers"]
        with refused("DLM.4600", "`page`"):
            admin.approvers(page="0", size="1")

    def test_a_viewer_does_not_read_it(self, viewer):
        with refused("DLM.4640", "list of reviewers"):
            viewer.approvers()

    def test_each_workspace_has_its_own(self, neighbour):
        (only,) = neighbour.approvers()["approvers"]
        assert only["approver_name"] == "neighbour"


class TestSharedEdition:
    @pytest.fixture
    def shared_api(self, reviewer, stage, early_in_an_hour):
        api = stage.new_api()
        reviewer.in_shared_edition.publish(api)
        return api

    def test_from_application_to_cancellation(self, reviewer, owner, shared_api, app, gate, clock):
        api, theirs, ours = shared_api, reviewer.in_shared_edition, owner.in_shared_edition
        gate.denies(app, api, "no-grant")
        ours.apply(api, app, clock.hour(10))
        gate.denies(app, api, "pending")
        theirs.decide(theirs.waiting(api), passes=True)
        gate.lets_in(app, api, until=clock.hour(10))
        theirs.authorize(api, app, clock.hour(1000))
        gate.lets_in(app, api, until=clock.hour(1000))
        (record,) = theirs.apps_of(api).records
        assert record.instance_id == SHARED_INSTANCE
        (bound,) = ours.apis_of(app).records
        assert (bound.id, bound.deadline) == (api.id, clock.hour(1000).ms)
        at = clock.hour(50)
        theirs.cancel(api, app, at)
        gate.lets_in(app, api, until=at, cancelled_at=at)
        ours.confirm_now(ours.notice_about(api))
        gate.denies(app, api, "cancelled")
        theirs.authorize(api, app, clock.hour(5))
        gate.lets_in(app, api, until=clock.hour(5))
        ours.give_back(api, app)
        gate.denies(app, api, "cancelled")

    def test_its_state_is_told_by_the_api_itself(self, reviewer, shared_api, api):
        theirs = reviewer.in_shared_edition
        shown = theirs.show_api(shared_api)
        assert (shown.status, shown.debug_status) == ("API_STATUS_PUBLISHED", "API_DEBUG_SUCCESS")
        (record,) = theirs.list_apis(name=shared_api.name).records
        assert record.status == "API_STATUS_PUBLISHED"
        assert theirs.status(shared_api) == "API_STATUS_PUBLISHED"
        theirs.stop(shared_api)
        assert theirs.show_api(shared_api).status == "API_STATUS_STOPPED"
        assert reviewer.show_api(api).status is None

    def test_stop_and_unpublish(self, reviewer, owner, shared_api, app, gate, clock):
        api, theirs, ours = shared_api, reviewer.in_shared_edition, owner.in_shared_edition
        theirs.authorize(api, app, clock.hour(1000))
        theirs.stop(api, clock.hour(60))
        gate.lets_in(app, api, until=clock.hour(60), cancelled_at=clock.hour(60))
        ours.confirm_now(ours.notice_about(api))
        gate.denies(app, api, "stopped")
        theirs.recover(api)
        gate.lets_in(app, api, until=clock.hour(1000))
        ours.give_back(api, app)
        theirs.unpublish(api)
        gate.denies(app, api, "not-published")

    def test_the_editions_do_not_mix(self, reviewer, owner, shared_api, api, app, gate, clock):
        for person, instance in [
            (reviewer.in_shared_edition, HOME.instance),
            (reviewer, SHARED_INSTANCE),
        ]:
            for thing in (api, shared_api):
                with refused("DLM.4215"):
                    person.but(instance=instance).authorize(thing, app, clock.hour(5))
        with refused("DLM.4661"):
            reviewer.authorize(shared_api, app, clock.hour(5))
        with refused("DLM.4661"):
            owner.in_shared_edition.apply(api, app, clock.hour(5))
        gate.denies(app, api, "no-grant")
        gate.denies(app, shared_api, "no-grant")

    def test_without_the_header_the_instance_tells(
        self, reviewer, shared_api, api, app, gate, clock
    ):
        silent = reviewer.but(edition=None)
        silent.but(instance=SHARED_INSTANCE).authorize(shared_api, app, clock.hour(5))
        silent.authorize(api, app, clock.hour(5))
        for thing in (shared_api, api):
            gate.lets_in(app, thing, until=clock.hour(5))

    def test_the_headers_value_is_read_in_any_case(self, reviewer, shared_api):
        for word in ("SHARED", "shared", "Shared"):
            assert reviewer.but(edition=word).publish_info(shared_api)
        with refused("DLM.4600", "Dlm-Type"):
            reviewer.but(edition="DELUXE").publish_info(shared_api)
