"""APIs: written, read back, published, stopped, taken offline, deleted."""

import re

import huaweicloudsdkdataartsstudio.v1 as sdk
import pytest

from support.answer import refused
from support.moment import Moment
from support.world import HOME, SECOND_INSTANCE, SECOND_INSTANCE_NAME, SHARED_INSTANCE

NOWHERE = "00000000000000000000000000000000"
HEX32 = re.compile(r"[0-9a-f]{32}")
PATH, QUERY, HEADER = (f"REQUEST_PARAMETER_POSITION_{p}" for p in ("PATH", "QUERY", "HEADER"))
STRING, NUMBER = (f"REQUEST_PARAMETER_TYPE_{t}" for t in ("STRING", "NUMBER"))


class TestDefinitions:
    def test_what_is_written_can_be_read(self, developer, viewer, stage, clock):
        before = clock.now()
        wanted = stage.definition(
            stage.name("订单_orders"),
            method="POST",
            description="所有订单\nall orders",
            visibility="PROJECT",
            log_flag=True,
            tags=["销售", "orders", "orders"],
            retention_period=24,
            publish_type="PUBLISH_TYPE_PRIVATE",
            request_paras=[
                sdk.RequestPara(
                    name="day",
                    position=QUERY,
                    type=STRING,
                    necessary=True,
                    example_value="2021-01-01",
                )
            ],
        )
        id = developer.create_api(wanted)
        assert HEX32.fullmatch(id)
        shown = viewer.show_api(id)
        assert shown.id == id
        assert (shown.name, shown.description) == (wanted.name, wanted.description)
        assert (shown.path, shown.request_type) == (wanted.path, "REQUEST_TYPE_POST")
        assert (shown.protocol, shown.publish_type) == (
            "PROTOCOL_TYPE_HTTP",
            "PUBLISH_TYPE_PRIVATE",
        )
        assert shown.type == "API_SPECIFIC_TYPE_REGISTER"
        assert shown.log_flag is True
        assert (shown.manager, shown.create_user) == ("reviewer", "developer")
        assert before.ms <= shown.create_time == shown.update_time <= clock.now().ms
        assert shown.request_paras == wanted.request_paras
        assert shown.backend_config == wanted.backend_config
        assert shown.publish_messages == []
        # What the vendor's model of an answer has no field for is told, too.
        extra = viewer.must("GET", f"/apis/{id}")
        assert (extra["auth_type"], extra["visibility"]) == ("APP", "PROJECT")
        assert (extra["tags"], extra["retention_period"]) == (["销售", "orders"], 24)

    def test_names_follow_the_vendors_rules(self, developer, stage):
        for name in ("abc", "订单表", "A1_2", "x" * 56):
            name = f"{name}_{stage.name('n')[2:]}"
            assert developer.show_api(developer.create_api(stage.definition(name))).name == name
        for name in ("ab", "1abc", "_abc", "a-b-c", "a b c", "naïve", "x" * 65):
            with refused("DLM.4600", "`name`"):
                developer.create_api(stage.definition(name))

    def test_a_name_is_taken_once_in_a_workspace(self, developer, neighbour, stage):
        name = stage.name("taken")
        developer.create_api(stage.definition(name))
        with refused("DLM.4672"):
            developer.create_api(stage.definition(name))
        neighbour.create_api(stage.definition(name, manager="neighbour"))

    @pytest.mark.parametrize(
        "field",
        "name api_type manager path request_type backend_config".split(),
    )
    def test_some_fields_are_needed(self, developer, stage, field):
        wanted = stage.definition()
        setattr(wanted, field, None)
        with refused("DLM.4601", f"`{field}`"):
            developer.create_api(wanted)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("api_type", "API_SPECIFIC_TYPE_SCRIPT"),
            ("api_type", "REGISTER"),
            ("auth_type", "BASIC"),
            ("protocol", "http"),
            ("request_type", "REQUEST_TYPE_PUT"),
            ("visibility", "WORLD"),
            ("publish_type", "PUBLIC"),
            ("path", "orders"),
            ("path", "/orders/"),
            ("path", "//orders"),
            ("path", "/a/../b"),
            ("path", "/{a}/{a}"),
            ("path", "/订单"),
            ("path", "/" + "x" * 255),
            ("retention_period", -1),
            ("retention_period", 87_601),
            ("description", "x" * 256),
            ("tags", [" "]),
        ],
    )
    def test_some_values_are_not_allowed(self, developer, stage, field, value):
        with refused("DLM.4600", f"`{field}`"):
            developer.create_api(stage.definition(stage.name("x"), **{field: value}))

    def test_unknown_fields_are_refused(self, developer, stage):
        body = {"name": stage.name("x"), "auth_tpye": "NONE"}
        with refused("DLM.4600", "auth_tpye"):
            developer.must("POST", "/apis", body=body)

    def test_the_reviewer_has_to_be_on_the_list(self, developer, stage):
        for name in ("owner", "admin", "nobody", "neighbour"):
            with refused("DLM.4622", f"`{name}`"):
                developer.create_api(stage.definition(manager=name))
        id = developer.create_api(stage.definition(manager="王芳"))
        assert developer.show_api(id).manager == "王芳"

    def test_roles_bound_who_may_write(self, viewer, operator, reviewer, stage, api):
        for person in (viewer, operator):
            with refused("DLM.4640"):
                person.create_api(stage.definition())
            with refused("DLM.4640"):
                person.update_api(api, stage.definition())
            with refused("DLM.4640"):
                person.delete_apis(api)
        assert HEX32.fullmatch(reviewer.create_api(stage.definition()))

    def test_unknown_apis_do_not_exist(self, developer, reviewer, stage):
        for act in (developer.show_api, developer.publish_info, reviewer.publish, reviewer.stop):
            with refused("DLM.4018"):
                act(NOWHERE)
        with refused("DLM.4018"):
            developer.update_api(NOWHERE, stage.definition())
        with refused("DLM.4018"):
            developer.choices(NOWHERE, "PUBLISH")

    def test_a_change_is_a_new_definition(self, developer, stage, clock):
        first = stage.definition(description="old", tags=["old"])
        id = developer.create_api(first)
        clock.advance(seconds=3)
        second = stage.definition(first.name, path=first.path, description="new")
        developer.update_api(id, second)
        shown = developer.show_api(id)
        assert (shown.name, shown.description) == (first.name, "new")
        assert shown.update_time >= shown.create_time + 3000
        assert developer.must("GET", f"/apis/{id}")["tags"] == []


class TestLists:
    def test_filters(self, reviewer, viewer, stage, clock):
        stem = stage.name("filtered")
        clock.advance(hours=1)
        begin = clock.now()
        first = stage.new_api(f"{stem}_发票_A", tags=["red", "round"], description="the First")
        clock.advance(minutes=10)
        middle = clock.now()
        second = stage.new_api(f"{stem}_发票_B", by="reviewer", tags=["red"], description="二")
        reviewer.publish(second)

        def found(**which):
            page = viewer.list_apis(**({"name": stem} | which))
            assert page.total == len(page.records)
            return [record.id for record in page.records]

        both = sorted([first.id, second.id])
        assert sorted(found()) == sorted(found(name=f"{stem}_发票")) == both
        assert sorted(found(name=stem.upper())) == both
        assert found(name=f"{stem}_发票_B") == [second.id]
        assert found(name=f"{stem}_发票%B") == []
        assert found(description="first") == [first.id]
        assert found(description="二") == [second.id]
        assert found(create_user="devel") == [first.id]
        assert found(create_user="reviewer") == [second.id]
        assert sorted(found(tags=["red"])) == both
        assert found(tags=["red", "round"]) == [first.id]
        assert found(tags=["round", "green"]) == []
        assert found(publish_status="PUBLISHED") == [second.id]
        assert found(publish_status="NOT_PUBLISHED") == [first.id]
        assert sorted(found(start_time=begin.iso)) == both
        assert found(start_time=middle.iso) == [second.id]
        assert found(end_time=middle.iso) == [first.id]
        assert found(start_time=clock.now().plus(hours=1).iso) == []
        assert sorted(found(api_type="API_SPECIFIC_TYPE_REGISTER")) == both

    def test_bad_filters_are_refused(self, viewer):
        with refused("DLM.4600", "`publish_status`"):
            viewer.list_apis(publish_status="SOMETIMES")
        with refused("DLM.4600", "`start_time`"):
            viewer.list_apis(start_time="yesterday")

    def test_pages(self, viewer, stage):
        stem = stage.name("paged")
        ids = {stage.new_api(f"{stem}_{number}").id for number in range(5)}
        pages = [viewer.list_apis(name=stem, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
        assert [(page.total, len(page.records)) for page in pages] == [
            (5, 2),
            (5, 2),
            (5, 1),
            (5, 0),
        ]
        assert {record.id for page in pages for record in page.records} == ids
        for number in range(5, 12):
            stage.new_api(f"{stem}_{number}")
        assert len(viewer.list_apis(name=stem, limit=None).records) == 10

    def test_an_overview_tells_the_essentials(self, reviewer, viewer, stage, app, clock):
        api = stage.published_api(description="数据")
        (record,) = viewer.list_apis(name=api.name).records
        assert (record.name, record.description) == (api.name, "数据")
        assert (record.manager, record.create_user) == ("reviewer", "developer")
        assert record.type == "API_SPECIFIC_TYPE_REGISTER"
        assert record.create_time == viewer.show_api(api).create_time
        assert record.authorization_status == "UNAUTHORIZED"
        assert record.publish_messages is None
        reviewer.authorize(api, app, clock.hour(5))
        (record,) = viewer.list_apis(name=api.name).records
        assert record.authorization_status == "AUTHORIZED"
        clock.go_to(clock.hour(5))
        (record,) = viewer.list_apis(name=api.name).records
        assert record.authorization_status == "UNAUTHORIZED"
        open_to_all = stage.published_api(auth="NONE")
        (record,) = viewer.list_apis(name=open_to_all.name).records
        assert record.authorization_status == "NO_AUTHORIZATION_REQUIRED"

    def test_publications_are_listed_on_request(self, viewer, api):
        for switch in (True, "true", "True"):
            (record,) = viewer.list_apis(name=api.name, x_return_publish_messages=switch).records
            (message,) = record.publish_messages
            assert (message.instance_id, message.api_status) == (
                HOME.instance,
                "API_STATUS_PUBLISHED",
            )
        (record,) = viewer.list_apis(name=api.name, x_return_publish_messages=False).records
        assert record.publish_messages is None


class TestPublishing:
    def test_a_reviewer_publishes_at_once(self, reviewer, second_reviewer, stage, app, gate):
        for person in (reviewer, second_reviewer):
            api = stage.new_api()
            gate.denies(app, api, "not-published")
            assert person.publish_info(api) == []
            person.publish(api)
            gate.denies(app, api, "no-grant")
            (message,) = person.publish_info(api)
            assert (message.api_id, message.instance_id) == (api.id, HOME.instance)
            assert message.instance_name == HOME.instance_name
            assert message.api_status == "API_STATUS_PUBLISHED"
            assert message.api_debug == "API_DEBUG_SUCCESS"
            assert message.id
            assert person.show_api(api).publish_messages == [message]

    def test_anybody_else_files_an_application(
        self, reviewer, developer, operator, admin, viewer, stage, app, gate
    ):
        for person in (developer, operator, admin):
            api = stage.new_api()
            person.publish(api)
            gate.denies(app, api, "not-published")
            assert person.status(api) == "API_STATUS_PUBLISH_WAIT_REVIEW"
            application = reviewer.waiting(api)
            assert application.api_apply_type == "APPLY_TYPE_PUBLISH"
            assert application.user_name == person.name
            with refused("DLM.4182", "This action is illegal", "waiting for the review"):
                person.publish(api)
            reviewer.decide(application, passes=True)
            gate.denies(app, api, "no-grant")
            assert person.status(api) == "API_STATUS_PUBLISHED"
        with refused("DLM.4640", "publish"):
            viewer.publish(stage.new_api())

    def test_a_refused_one_may_be_asked_for_again(self, reviewer, developer, stage, app, gate):
        api = stage.new_api()
        developer.publish(api)
        reviewer.decide_with("no owner yet", reviewer.waiting(api), passes=False)
        assert developer.status(api) == "API_STATUS_PUBLISH_REJECT"
        gate.denies(app, api, "not-published")
        developer.update_api(api, stage.definition(api.name, path=api.path))
        developer.publish(api)
        reviewer.decide(reviewer.waiting(api), passes=True)
        gate.denies(app, api, "no-grant")

    def test_twice_is_once_too_often(self, reviewer, api):
        with refused("DLM.4182", "This action is illegal while the API is published"):
            reviewer.publish(api)

    def test_two_apis_cannot_answer_the_same_calls(self, reviewer, developer, stage):
        first = stage.published_api(path=f"/v1/{stage.name('route')}/{{id}}")
        rival = stage.new_api(path=first.path.replace("{id}", "{number}"))
        with refused("DLM.4668", "Api path already exist"):
            reviewer.publish(rival)
        with refused("DLM.4668"):
            developer.publish(rival)
        other_method = stage.new_api(path=first.path, method="POST")
        reviewer.publish(other_method)
        # Neither instance names hosts, so calls to both are the same.
        with refused("DLM.4668"):
            reviewer.but(instance=SECOND_INSTANCE).publish(rival)
        reviewer.stop(first)
        with refused("DLM.4668"):
            reviewer.publish(rival)
        reviewer.unpublish(first)
        reviewer.publish(rival)

    def test_the_instance_has_to_exist(self, reviewer, stage):
        api = stage.new_api()
        for id in (NOWHERE, SHARED_INSTANCE):
            with refused("DLM.4215"):
                reviewer.but(instance=id).publish(api)
        # Without a word on the edition, the instance tells.
        reviewer.but(edition=None, instance=SHARED_INSTANCE).publish(api)

    def test_each_instance_has_a_publication_of_its_own(self, reviewer, stage):
        api, there = stage.new_api(), reviewer.but(instance=SECOND_INSTANCE)
        reviewer.publish(api)
        assert there.status(api) is None
        there.publish(api)
        reviewer.stop(api)
        states = {
            m.instance_id: (m.instance_name, m.api_status) for m in reviewer.publish_info(api)
        }
        assert states == {
            HOME.instance: (HOME.instance_name, "API_STATUS_STOPPED"),
            SECOND_INSTANCE: (SECOND_INSTANCE_NAME, "API_STATUS_PUBLISHED"),
        }


class TestEditing:
    def test_a_published_api_is_stopped_first(
        self, reviewer, developer, stage, api, app, gate, clock
    ):
        changed = stage.definition(api.name, path=api.path, description="changed")
        with refused("DLM.4669", "Stop it on every instance"):
            developer.update_api(api, changed)
        reviewer.authorize(api, app, clock.hour(1000))
        reviewer.stop(api, clock.hour(60))
        with refused("DLM.4669"):
            developer.update_api(api, changed)
        clock.go_to(clock.hour(60))
        with refused("DLM.4641", "Only the API's reviewer"):
            developer.update_api(api, changed)
        reviewer.update_api(api, changed)
        gate.denies(app, api, "stopped")
        reviewer.recover(api)
        gate.lets_in(app, api)
        assert developer.show_api(api).description == "changed"

    def test_while_an_application_waits_nothing_is_changed(self, developer, stage):
        api = stage.new_api()
        developer.publish(api)
        with refused("DLM.4669"):
            developer.update_api(api, stage.definition(api.name))

    def test_a_new_backend_takes_effect_with_the_recovery(self, reviewer, developer, stage, gate):
        api = stage.published_api(auth="NONE")
        assert gate.lets_in(None, api).json["path"] == "/echo"
        reviewer.stop(api)
        gate.denies(None, api, "stopped")
        changed = stage.definition(api.name, path=api.path, auth="NONE")
        changed.backend_config.path = "/elsewhere"
        developer.update_api(api, changed)
        gate.denies(None, api, "stopped")
        reviewer.recover(api)
        assert gate.lets_in(None, api).json["path"] == "/elsewhere"


class TestDeletion:
    def test_what_was_never_published_or_is_offline_goes(
        self, reviewer, developer, stage, app, gate
    ):
        fresh, offline = stage.new_api(), stage.published_api()
        reviewer.unpublish(offline)
        developer.delete_apis(fresh, offline, fresh)
        for api in (fresh, offline):
            with refused("DLM.4018"):
                developer.show_api(api)
            gate.denies(app, api, "no-route")

    def test_anything_else_stays_and_so_does_all_that_was_named_with_it(
        self, reviewer, developer, stage, api
    ):
        fresh = stage.new_api()
        with refused("DLM.4670", "Unpublish it first"):
            developer.delete_apis(fresh, api)
        reviewer.stop(api)
        with refused("DLM.4670"):
            developer.delete_apis(fresh, api)
        with refused("DLM.4197", "An API to delete does not exist"):
            developer.delete_apis(fresh, NOWHERE)
        assert developer.show_api(fresh).id == fresh.id
        reviewer.unpublish(api)
        developer.delete_apis(fresh, api)
        with refused("DLM.4197"):
            developer.delete_apis(fresh)

    def test_at_most_a_thousand_and_at_least_one(self, developer):
        with refused("DLM.4602", "at most 1000 APIs"):
            developer.delete_apis(*[NOWHERE] * 1001)
        with refused("DLM.4600"):
            developer.delete_apis()

    def test_its_name_and_path_are_free_again(self, developer, reviewer, stage):
        api = stage.published_api()
        reviewer.unpublish(api)
        developer.delete_apis(api)
        again = stage.new_api(api.name, path=api.path)
        reviewer.publish(again)
        assert again.id != api.id


class TestStopAndRecover:
    def test_an_api_nobody_counts_on_stops_at_once(self, reviewer, api, app, gate, clock):
        gate.denies(app, api, "no-grant")
        reviewer.stop(api, clock.hour(60))
        assert reviewer.status(api) == "API_STATUS_STOPPED"
        gate.denies(app, api, "stopped", "recovered")
        with refused("DLM.4182", "This action is illegal while the API is stopped"):
            reviewer.stop(api)
        reviewer.recover(api)
        gate.denies(app, api, "no-grant")
        with refused("DLM.4182"):
            reviewer.recover(api)

    def test_only_the_apis_reviewer_stops_and_unpublishes(
        self, developer, second_reviewer, admin, operator, viewer, api
    ):
        for person in (developer, second_reviewer, admin, operator):
            for act in (person.stop, person.unpublish):
                with refused("DLM.4641"):
                    act(api)
        with refused("DLM.4640"):
            viewer.stop(api)

    def test_a_stop_is_announced_forced_and_survived_by_the_grant(
        self, reviewer, owner, api, app, gate, clock
    ):
        end, at = clock.hour(1000), clock.hour(60)
        reviewer.authorize(api, app, end)
        with refused("DLM.4601", "`time`"):
            reviewer.stop(api)
        with refused("DLM.4683", clock.hour(49).short):
            reviewer.stop(api, clock.hour(48))
        gate.lets_in(app, api, until=end)
        reviewer.stop(api, at.plus(minutes=-30))
        assert reviewer.status(api) == "API_STATUS_WAITING_STOP"
        gate.lets_in(app, api, until=at, cancelled_at=at)
        (record,) = reviewer.apps_of(api).records
        assert record.relationship_type == "OFFLINE_WAITING_CHECK"
        notice = owner.notice_about(api)
        assert notice.api_apply_type == "APPLY_TYPE_STOP"
        assert notice.api_apply_status == "STATUS_TYPE_PENDING_CHECK"
        assert notice.api_using_time == at.ms
        clock.just_before(at)
        gate.lets_in(app, api, until=at, cancelled_at=at)
        clock.go_to(at)
        gate.denies(app, api, "stopped")
        assert reviewer.status(api) == "API_STATUS_STOPPED"
        assert owner.notice_about(api).api_apply_status == "STATUS_TYPE_FORCED_CANCEL"
        (record,) = reviewer.apps_of(api).records
        assert (record.relationship_type, record.api_using_time) == ("LINKED", end.ms)
        reviewer.recover(api)
        gate.lets_in(app, api, until=end)

    def test_it_comes_early_when_every_app_has_dealt_with_it(
        self, reviewer, owner, stage, api, gate, clock
    ):
        first, second, third = apps = [stage.new_app() for _ in range(3)]
        reviewer.authorize_many(api, apps, clock.hour(1000))
        reviewer.stop(api, clock.hour(60))
        notices = {record.app_id: record for record in owner.notices_about(api)}
        assert set(notices) == {app.id for app in apps}
        owner.confirm_now(notices[first.id])
        gate.denies(first, api, "stopped")
        gate.lets_in(second, api, cancelled_at=clock.hour(60))
        owner.give_back(api, second)
        gate.denies(second, api, "cancelled")
        gate.lets_in(third, api, cancelled_at=clock.hour(60))
        assert reviewer.status(api) == "API_STATUS_WAITING_STOP"
        owner.confirm_now(notices[third.id])
        gate.denies(third, api, "stopped")
        assert reviewer.status(api) == "API_STATUS_STOPPED"
        reviewer.recover(api)
        for app in (first, third):
            gate.lets_in(app, api, until=clock.hour(1000))
        gate.denies(second, api, "cancelled")

    def test_an_app_may_choose_its_own_earlier_hour(self, reviewer, owner, api, app, gate, clock):
        chosen, at = clock.hour(5), clock.hour(60)
        reviewer.authorize(api, app, clock.hour(1000))
        reviewer.stop(api, at)
        owner.confirm_for(owner.notice_about(api), chosen)
        gate.lets_in(app, api, until=chosen, cancelled_at=chosen)
        clock.go_to(chosen)
        gate.denies(app, api, "stopped")
        reviewer_sees = owner.notice_about(api)
        assert reviewer_sees.api_apply_status == "STATUS_TYPE_PASSED"

    def test_it_can_be_called_off_for_all(self, reviewer, owner, stage, api, gate, clock):
        apps = [stage.new_app() for _ in range(2)]
        reviewer.authorize_many(api, apps, clock.hour(1000))
        reviewer.stop(api, clock.hour(60))
        notices = owner.notices_about(api)
        owner.confirm_for(notices[0], clock.hour(20))
        with refused("DLM.4641"):
            owner.withdraw_notice(notices[0])
        reviewer.withdraw_notice(notices[1])
        assert reviewer.status(api) == "API_STATUS_PUBLISHED"
        assert owner.notices_about(api) == []
        for app in apps:
            gate.lets_in(app, api, until=clock.hour(1000))
        later = clock.hour(70)
        clock.go_to(later)
        for app in apps:
            gate.lets_in(app, api)

    def test_recovering_by_one_who_is_no_reviewer_waits_for_the_reviewer(
        self, reviewer, developer, api, app, gate, clock
    ):
        reviewer.stop(api)
        developer.recover(api, clock.hour(-5))
        assert developer.status(api) == "API_STATUS_RECOVER_WAIT_REVIEW"
        gate.denies(app, api, "stopped")
        application = reviewer.waiting(api)
        assert application.api_apply_type == "APPLY_TYPE_RECOVER"
        assert application.id in {r.id for r in developer.applications(2).records}
        reviewer.decide(application, passes=False)
        assert developer.status(api) == "API_STATUS_STOPPED"
        developer.recover(api)
        reviewer.decide(reviewer.waiting(api), passes=True)
        assert developer.status(api) == "API_STATUS_PUBLISHED"
        gate.denies(app, api, "no-grant")

    def test_the_retention_period_counts_from_publishing(self, reviewer, stage, app, gate, clock):
        api = stage.new_api(retention_period=100)
        reviewer.publish(api)
        reviewer.authorize(api, app, clock.hour(1000))
        with refused("DLM.4683", clock.hour(101).short):
            reviewer.stop(api, clock.hour(100))
        reviewer.stop(api, clock.hour(101))
        gate.lets_in(app, api, until=clock.hour(101), cancelled_at=clock.hour(101))

    def test_actions_have_to_be_well_formed(self, reviewer, api):
        path = f"/apis/{api.id}/instances/{reviewer.instance}/action"
        for body, code, part in [
            ({}, "DLM.4601", "`action`"),
            ({"action": "PAUSE"}, "DLM.4600", "UNPUBLISH"),
            ({"action": "STOP", "time": "soon"}, "DLM.4600", "`time`"),
        ]:
            with refused(code, part):
                reviewer.must("POST", path, body=body)
        with refused("DLM.4215"):
            reviewer.but(instance=NOWHERE).stop(api)


class TestUnpublishing:
    def test_without_grants_it_is_immediate(self, reviewer, api, app, gate):
        gate.denies(app, api, "no-grant")
        reviewer.unpublish(api)
        assert reviewer.status(api) == "API_STATUS_OFFLINE"
        gate.denies(app, api, "not-published")
        with refused("DLM.4182", "This action is illegal while the API is offline"):
            reviewer.unpublish(api)
        with refused("DLM.4182"):
            reviewer.stop(api)
        with refused("DLM.4182"):
            reviewer.recover(api)

    def test_it_takes_the_grants_along(self, reviewer, owner, api, app, gate, clock):
        at = clock.hour(50)
        reviewer.authorize(api, app, clock.hour(1000))
        gate.lets_in(app, api, until=clock.hour(1000))
        reviewer.unpublish(api, at)
        assert reviewer.status(api) == "API_STATUS_WAITING_OFFLINE"
        assert owner.notice_about(api).api_apply_type == "APPLY_TYPE_OFFLINE"
        gate.lets_in(app, api, until=at, cancelled_at=at)
        clock.just_before(at)
        gate.lets_in(app, api, until=at, cancelled_at=at)
        clock.go_to(at)
        gate.denies(app, api, "not-published")
        assert reviewer.status(api) == "API_STATUS_OFFLINE"
        assert reviewer.apps_of(api).total == owner.apis_of(app).total == 0
        reviewer.publish(api)
        gate.denies(app, api, "no-grant")

    def test_the_last_app_that_lets_go_ends_it(self, reviewer, owner, api, app, gate, clock):
        reviewer.authorize(api, app, clock.hour(1000))
        reviewer.unpublish(api, clock.hour(50))
        gate.lets_in(app, api, cancelled_at=clock.hour(50))
        owner.give_back(api, app)
        assert reviewer.status(api) == "API_STATUS_OFFLINE"
        gate.denies(app, api, "not-published")

    def test_the_last_confirmation_ends_it(self, reviewer, owner, api, app, gate, clock):
        reviewer.authorize(api, app, clock.hour(1000))
        reviewer.unpublish(api, clock.hour(50))
        owner.confirm_now(owner.notice_about(api))
        assert reviewer.status(api) == "API_STATUS_OFFLINE"
        gate.denies(app, api, "not-published")

    def test_while_it_is_announced_nobody_new_is_let_in_and_nothing_extended(
        self, reviewer, owner, stage, api, app, gate, clock
    ):
        newcomer = stage.new_app()
        reviewer.authorize(api, app, clock.hour(1000))
        reviewer.unpublish(api, clock.hour(50))
        with refused("DLM.4661"):
            reviewer.authorize(api, newcomer, clock.hour(1000))
        with refused("DLM.4661"):
            owner.apply(api, newcomer, clock.hour(1000))
        with refused("DLM.4665", clock.hour(50).short):
            reviewer.authorize(api, app, clock.hour(2000))
        gate.denies(newcomer, api, "no-grant")
        gate.lets_in(app, api, until=clock.hour(50), cancelled_at=clock.hour(50))

    def test_from_stopped_it_is_immediate(self, reviewer, owner, api, app, gate, clock):
        reviewer.authorize(api, app, clock.hour(1000))
        reviewer.stop(api, clock.hour(60))
        owner.confirm_now(owner.notice_about(api))
        gate.denies(app, api, "stopped")
        reviewer.unpublish(api)
        assert reviewer.status(api) == "API_STATUS_OFFLINE"
        gate.denies(app, api, "not-published")
        assert owner.apis_of(app).total == 0


class TestChoices:
    def test_where_an_action_is_possible(self, reviewer, stage):
        api = stage.new_api()
        everywhere = [HOME.instance, SECOND_INSTANCE]

        def possible(action, **how):
            choices = reviewer.choices(api, action, **how)
            assert all(c.result and c.cause is None and c.action == action for c in choices)
            return sorted(choice.instance_id for choice in choices)

        assert possible("PUBLISH") == everywhere
        for action in ("UNPUBLISH", "STOP", "RECOVER", "AUTHORIZE", "WHITELIST"):
            assert possible(action) == []
        reviewer.publish(api)
        assert possible("PUBLISH") == [SECOND_INSTANCE]
        for action in ("UNPUBLISH", "STOP", "AUTHORIZE", "WHITELIST"):
            assert possible(action) == [HOME.instance]
        assert possible("RECOVER") == []
        reviewer.stop(api)
        assert possible("RECOVER") == possible("UNPUBLISH") == [HOME.instance]
        assert possible("STOP") == possible("AUTHORIZE") == []

    def test_with_all_shown_those_where_it_is_not_say_why(self, reviewer, api):
        choices = {c.instance_id: c for c in reviewer.choices(api, "STOP", show_all=True)}
        assert set(choices) == {HOME.instance, SECOND_INSTANCE}
        here, there = choices[HOME.instance], choices[SECOND_INSTANCE]
        assert (here.result, here.cause) == (True, None)
        assert (here.name, here.instance_type) == (HOME.instance_name, "DLM")
        assert (here.api_status, here.api_debug) == ("API_STATUS_PUBLISHED", "API_DEBUG_SUCCESS")
        assert (there.result, there.cause) == (False, "API_STATUS_ERROR")
        assert there.api_status == "API_STATUS_CREATED"

    def test_an_app_that_does_not_fit_is_told(self, reviewer, stage, app):
        api = stage.published_api(auth="IAM")
        assert reviewer.choices(api, "AUTHORIZE", app_id=app.id) == []
        choices = reviewer.choices(api, "AUTHORIZE", app_id=app.id, show_all=True)
        causes = {choice.instance_id: choice.cause for choice in choices}
        assert causes == {HOME.instance: "TYPE_MISMATCH", SECOND_INSTANCE: "API_STATUS_ERROR"}
        with refused("DLM.4063"):
            reviewer.choices(api, "AUTHORIZE", app_id=NOWHERE)

    def test_the_shared_edition_has_its_own(self, reviewer, api):
        (choice,) = reviewer.in_shared_edition.choices(api, "PUBLISH")
        assert (choice.instance_id, choice.instance_type) == (SHARED_INSTANCE, "APIG")

    def test_an_action_has_to_be_named(self, reviewer, api):
        with refused("DLM.4601", "`action`"):
            reviewer.must("GET", f"/apis/{api.id}/instances")
        with refused("DLM.4600", "`action`"):
            reviewer.choices(api, "DANCE")


class TestBackends:
    def test_path_parameters_reach_the_backend_where_they_are_mapped_to(
        self, reviewer, stage, app, gate, clock
    ):
        wanted = stage.definition(path=f"/shops/{stage.name('x')}/{{shop}}/orders/{{number}}")
        wanted.request_paras = [
            sdk.RequestPara(name="shop", position=PATH, type=STRING, necessary=True),
            sdk.RequestPara(name="number", position=PATH, type=NUMBER, necessary=True),
            sdk.RequestPara(name="day", position=QUERY, type=STRING, default_value="today"),
            sdk.RequestPara(name="X-Lang", position=HEADER, type=STRING),
        ]
        wanted.backend_config.path = "/backend/{id}/x"
        wanted.backend_config.backend_paras = [
            sdk.BackendRequestPara(name="number", position=PATH, backend_para_name="id"),
            sdk.BackendRequestPara(name="shop", position=QUERY, backend_para_name="store"),
            sdk.BackendRequestPara(name="day", position=HEADER, backend_para_name="X-Day"),
            sdk.BackendRequestPara(name="X-Lang", position=QUERY, backend_para_name="lang"),
        ]
        wanted.backend_config.constant_paras = [
            sdk.BackendConstant(name="source", type=STRING, position=QUERY, value="tide & gate"),
            sdk.BackendConstant(name="X-Source", type=STRING, position=HEADER, value="tidegate"),
        ]
        api = stage.published_api(
            wanted.name,
            path=wanted.path,
            request_paras=wanted.request_paras,
            backend_config=wanted.backend_config,
        )
        prefix = wanted.path.split("{")[0]
        path = f"{prefix}北京 1/orders/42"
        gate.denies(app, api, "no-grant", path=path)
        reviewer.authorize(api, app, clock.hour(5))
        told = gate.lets_in(
            app, api, path=path, query={"day": "2021-01-01", "page": "2"}, headers={"X-Lang": "zh"}
        ).json
        assert told["method"] == "GET"
        assert told["path"] == "/backend/42/x"
        assert sorted(map(tuple, told["query"])) == [
            ("lang", "zh"),
            ("page", "2"),
            ("source", "tide & gate"),
            ("store", "北京 1"),
        ]
        assert told["headers"]["x-day"] == "2021-01-01"
        assert told["headers"]["x-source"] == "tidegate"
        assert "x-lang" not in told["headers"]
        told = gate.lets_in(app, api, path=path).json
        assert told["headers"]["x-day"] == "today"
        # A constant is the author's: nobody calls his own value by its name.
        told = gate.lets_in(app, api, path=path, query={"source": "me"}).json
        assert ["source", "me"] not in told["query"]

    def test_the_method_towards_the_backend_is_the_backends(self, stage, gate):
        backend = stage.definition().backend_config
        backend.type = "REQUEST_TYPE_POST"
        api = stage.published_api(auth="NONE", backend_config=backend)
        assert gate.lets_in(None, api).json["method"] == "POST"

    @pytest.mark.parametrize(
        ("changes", "part"),
        [
            ({"host": "http://example.com"}, "`backend_config.host`"),
            ({"host": "exa mple.com"}, "`backend_config.host`"),
            ({"path": "no-slash"}, "`backend_config.path`"),
            ({"path": "/x/{unknown}"}, "placeholder"),
            ({"timeout": 0}, "`backend_config.timeout`"),
            ({"timeout": 600_001}, "`backend_config.timeout`"),
            ({"protocol": "FTP"}, "`backend_config.protocol`"),
            ({"type": "REQUEST_TYPE_DELETE"}, "`backend_config.type`"),
        ],
    )
    def test_a_backend_has_to_make_sense(self, developer, stage, changes, part):
        wanted = stage.definition()
        for name, value in changes.items():
            setattr(wanted.backend_config, name, value)
        with refused("DLM.4600", part):
            developer.create_api(wanted)

    @pytest.mark.parametrize("name", ["X-Apig-Mode", "x-sdk-date", "X-Stage", "Authorization"])
    def test_some_names_of_parameters_are_reserved(self, developer, stage, name):
        paras = [sdk.RequestPara(name=name, position=HEADER, type=STRING)]
        with refused("DLM.4600", "reserved"):
            developer.create_api(stage.definition(request_paras=paras))


def test_times_of_an_api_are_milliseconds(developer, stage, clock):
    shown = developer.show_api(stage.new_api())
    assert abs(Moment(shown.create_time).ms - clock.now().ms) < 60_000
