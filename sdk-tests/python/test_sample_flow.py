"""The flow of the vendor's documentation, written as its sample programs are: a client of the SDK,
requests, bodies, and nothing of our own between."""

import pytest
from huaweicloudsdkcore.exceptions import exceptions
from huaweicloudsdkdataartsstudio.v1 import (
    ApiParaForAuthorizeToInstance,
    ApiParaForAuthToInstance,
    AuthorizeActionApiToInstanceRequest,
    AuthorizeApiToInstanceRequest,
    BatchApproveApplyRequest,
    ConfirmMessageRequest,
    ListApplyRequest,
    ListMessageRequest,
    OpenApiParaForCheckMessage,
    OpenApplyIdsForApproveApply,
    SearchAuthorizeAppRequest,
    SearchBindApiRequest,
)

from support.world import HOME, WORKSPACE


def action(client, api, app, apply_type, time=None):
    request = AuthorizeActionApiToInstanceRequest()
    request.workspace = WORKSPACE
    request.dlm_type = "EXCLUSIVE"
    request.body = ApiParaForAuthToInstance(
        time=time, apply_type=apply_type, app_id=app.id, instance_id=HOME.instance, api_id=api.id
    )
    return client.authorize_action_api_to_instance(request)


def pending_application(client):
    request = ListApplyRequest(workspace=WORKSPACE, offset=0, limit=10, query_type=0)
    records = client.list_apply(request).records
    assert len(records) == 1
    return records[0]


def approve(client, apply_id):
    request = BatchApproveApplyRequest(workspace=WORKSPACE)
    request.body = OpenApplyIdsForApproveApply(apply_result=True, apply_ids=[apply_id])
    client.batch_approve_apply(request)


def relationship(client, api):
    request = SearchAuthorizeAppRequest(workspace=WORKSPACE, api_id=api.id)
    return {r.app_id: r.relationship_type for r in client.search_authorize_app(request).records}


def test_authorize_apply_approve_renew_and_both_cancellations(
    reviewer, owner, stage, api, gate, clock
):
    theirs, ours = reviewer.sdk, owner.sdk
    first, second = stage.new_app(), stage.new_app()
    soon, later, much_later = clock.hour(10), clock.hour(200), clock.hour(400)

    # The reviewer authorizes the first app.
    gate.denies(first, api, "no-grant")
    action(theirs, api, first, "APPLY_TYPE_AUTHORIZE", soon.iso)
    gate.lets_in(first, api, until=soon)

    # The owner applies for the second, and the reviewer approves.
    gate.denies(second, api, "no-grant")
    action(ours, api, second, "APPLY_TYPE_APPLY", later.iso)
    gate.denies(second, api, "pending")
    assert relationship(theirs, api) == {first.id: "LINKED", second.id: "LINK_WAITING_CHECK"}
    record = pending_application(theirs)
    assert record.api_apply_type == "APPLY_TYPE_APPLY"
    assert record.api_apply_status == "STATUS_TYPE_PENDING_APPROVAL"
    assert (record.app_id, record.api_using_time) == (second.id, later.ms)
    approve(theirs, record.id)
    gate.lets_in(second, api, until=later)
    assert relationship(theirs, api) == {first.id: "LINKED", second.id: "LINKED"}

    # The owner renews, and the reviewer approves.
    action(ours, api, second, "APPLY_TYPE_RENEW", much_later.iso)
    gate.lets_in(second, api, until=later)
    assert relationship(theirs, api)[second.id] == "RENEW_WAITING_CHECK"
    record = pending_application(theirs)
    assert record.api_apply_type == "APPLY_TYPE_RENEW"
    approve(theirs, record.id)
    gate.lets_in(second, api, until=much_later)

    # The first app's time is over.
    clock.go_to(soon)
    gate.denies(first, api, "expired")
    assert relationship(theirs, api) == {second.id: "LINKED"}

    # The reviewer cancels; two days go by, and the second app's access is over too.
    at = clock.hour(49)
    action(theirs, api, second, "APPLY_TYPE_API_CANCEL_AUTHORIZE", at.iso)
    gate.lets_in(second, api, until=at, cancelled_at=at)
    assert relationship(theirs, api) == {second.id: "OFFLINE_WAITING_CHECK"}
    (message,) = ours.list_message(ListMessageRequest(workspace=WORKSPACE)).records
    assert message.api_apply_type == "APPLY_TYPE_API_CANCEL_AUTHORIZE"
    assert message.api_apply_status == "STATUS_TYPE_PENDING_CHECK"
    clock.just_before(at)
    gate.lets_in(second, api, until=at, cancelled_at=at)
    clock.go_to(at)
    gate.denies(second, api, "cancelled")
    assert relationship(theirs, api) == {}

    # The first app is authorized anew, and its owner gives it back.
    action(theirs, api, first, "APPLY_TYPE_AUTHORIZE", clock.hour(10).iso)
    gate.lets_in(first, api, until=clock.hour(10))
    action(ours, api, first, "APPLY_TYPE_APP_CANCEL_AUTHORIZE")
    gate.denies(first, api, "cancelled")
    bound = ours.search_bind_api(SearchBindApiRequest(workspace=WORKSPACE, app_id=first.id))
    assert (bound.total, bound.records) == (0, [])


def test_the_owner_confirms_a_message(reviewer, owner, api, app, gate, clock):
    action(reviewer.sdk, api, app, "APPLY_TYPE_AUTHORIZE", clock.hour(1000).iso)
    action(reviewer.sdk, api, app, "APPLY_TYPE_API_CANCEL_AUTHORIZE", clock.hour(60).iso)
    gate.lets_in(app, api, until=clock.hour(60), cancelled_at=clock.hour(60))
    request = ListMessageRequest(workspace=WORKSPACE, api_name=api.name)
    (message,) = owner.sdk.list_message(request).records
    request = ConfirmMessageRequest(workspace=WORKSPACE)
    request.body = OpenApiParaForCheckMessage(message_id=message.id, action=0)
    owner.sdk.confirm_message(request)
    gate.denies(app, api, "cancelled")


def test_authorizing_several_apps(reviewer, stage, api, gate, clock):
    apps = [stage.new_app() for _ in range(3)]
    for app in apps:
        gate.denies(app, api, "no-grant")
    request = AuthorizeApiToInstanceRequest()
    request.workspace = WORKSPACE
    request.api_id = api.id
    request.instance_id = HOME.instance
    request.body = ApiParaForAuthorizeToInstance(
        app_ids=[app.id for app in apps], time=clock.hour(24).iso
    )
    reviewer.sdk.authorize_api_to_instance(request)
    for app in apps:
        gate.lets_in(app, api, until=clock.hour(24))


def test_what_a_sample_program_prints_when_it_is_refused(owner, api, app, clock):
    with pytest.raises(exceptions.ClientRequestException) as caught:
        action(owner.sdk, api, app, "APPLY_TYPE_AUTHORIZE", clock.hour(10).iso)
    assert caught.value.status_code == 400
    assert caught.value.request_id
    assert caught.value.error_code == "DLM.4641"
    assert "Only the API's reviewer may do this." in caught.value.error_msg
