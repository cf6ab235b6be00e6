"""The people of the world, and what they can do: each verb is one call of the official SDK, or,
where the vendor has none, one plain signed call."""

from __future__ import annotations

import copy
import json

import huaweicloudsdkdataartsstudio.v1 as sdk
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_handler import HttpHandler
from huaweicloudsdkdataartsstudio.v1 import DataArtsStudioClient

from .answer import Answer, Refused
from .driven import Recorded
from .moment import Moment
from .server import Server
from .signing import Signed, quiet_session, send
from .world import SHARED_INSTANCE, Resident

JSON = "application/json;charset=UTF-8"


def listening(server: Server) -> HttpHandler:
    """The SDK's own hook, by which the server hears what its answers look like."""
    return HttpHandler().add_response_handler(lambda response, **_: server.hear(response))


class Person:
    """Somebody with credentials."""

    def __init__(self, resident: Resident, server: Server):
        self.resident = resident
        self.name = resident.name
        self.workspace = resident.workspace
        self.edition = "EXCLUSIVE"
        self.instance = resident.project.instance
        self._server = server
        self._session = quiet_session()
        credentials = BasicCredentials(
            resident.access_key, resident.secret_key, resident.project.id
        )
        self.client = (
            DataArtsStudioClient.new_builder()
            .with_credentials(credentials)
            .with_endpoint(server.control)
            .with_http_handler(listening(server))
            .build()
        )
        self.sdk = Recorded(self.client)

    def but(self, **changes) -> Person:
        """The same person, who says another workspace, edition or instance."""
        other = copy.copy(self)
        for name, value in changes.items():
            assert hasattr(other, name), name
            setattr(other, name, value)
        return other

    @property
    def in_shared_edition(self) -> Person:
        """The same person, in the SHARED edition."""
        return self.but(edition="SHARED", instance=SHARED_INSTANCE)

    # How calls are made.

    def _ask(self, method: str, **fields):
        words = "".join(word.capitalize() for word in method.split("_"))
        request = getattr(sdk, f"{words}Request")
        return getattr(self.sdk, method)(
            request(workspace=self.workspace, dlm_type=self.edition, **fields)
        )

    def http(self, method, path, *, query=(), body=None, headers=None, token=None) -> Answer:
        """A plain call below the project, signed with the SDK's signer, or with a token instead."""
        data = b"" if body is None else json.dumps(body).encode()
        headers = {
            "Content-Type": JSON,
            "workspace": self.workspace,
            "Dlm-Type": self.edition,
            **(headers or {}),
        }
        headers = {name: value for name, value in headers.items() if value is not None}
        path = f"/v1/{self.resident.project.id}/service{path}"
        if token is not None:
            assert not query
            headers["X-Auth-Token"] = token
            url = self._server.control + path
            return send(self._session, method, url, headers=headers, body=data)
        keys = {"key": self.resident.access_key, "secret": self.resident.secret_key}
        signed = Signed(
            method, self._server.control, path, query=query, headers=headers, body=data, **keys
        )
        response = self._session.request(
            method, signed.url, headers=signed.headers, data=data or None, timeout=30
        )
        self._server.hear(response)
        return Answer(response)

    def must(self, method, path, **how):
        """A plain call that succeeds, or raises what it was told."""
        answer = self.http(method, path, **how)
        if answer.status >= 400:
            raise Refused(answer)
        return answer.json if answer.body else None

    # Apps.

    def create_app(self, name, *, description="", app_type=None):
        """Makes an app, which is his."""
        body = sdk.AppRequestDTO(name=name, description=description, app_type=app_type)
        return self._ask("create_app", body=body)

    def show_app(self, app):
        return self._ask("show_app_info", app_id=ident(app))

    def update_app(self, app, **changes):
        return self._ask("update_app", app_id=ident(app), body=sdk.AppUpdateDTO(**changes))

    def delete_app(self, app):
        self._ask("delete_app", app_id=ident(app))

    def list_apps(self, **which):
        return self._ask("list_apps", **({"limit": 100} | which))

    def reset_secret(self, app) -> dict:
        """Gives an app a new secret; the vendor has no call for it."""
        return self.must("POST", f"/apps/{ident(app)}/reset-secret")

    # APIs.

    def create_api(self, definition: sdk.Api) -> str:
        return self._ask("create_api", body=definition).id

    def show_api(self, api):
        return self._ask("show_api", api_id=ident(api))

    def update_api(self, api, definition: sdk.Api):
        self._ask("update_api", api_id=ident(api), body=definition)

    def delete_apis(self, *apis):
        self._ask("delete_api", body=[ident(api) for api in apis])

    def list_apis(self, **which):
        return self._ask("list_apis", **({"limit": 100} | which))

    def publish(self, api):
        self._ask(
            "publish_api_to_instance",
            api_id=ident(api),
            instance_id=self.instance,
            body=sdk.GatewayDTO(),
        )

    def stop(self, api, at: Moment | None = None):
        self._act_on(api, "STOP", at)

    def unpublish(self, api, at: Moment | None = None):
        self._act_on(api, "UNPUBLISH", at)

    def recover(self, api, at: Moment | None = None):
        self._act_on(api, "RECOVER", at)

    def _act_on(self, api, action, at):
        body = sdk.ApiActionDTO(action=action, time=at and at.iso)
        self._ask(
            "execute_api_to_instance", api_id=ident(api), instance_id=self.instance, body=body
        )

    def publish_info(self, api):
        """What an API is on each instance."""
        return self._ask("search_publish_info", api_id=ident(api), limit=100).publish_messages

    def status(self, api) -> str | None:
        """What an API is on his instance, if it has ever been anything there."""
        for message in self.publish_info(api):
            if message.instance_id == self.instance:
                return message.api_status
        return None

    def choices(self, api, action, **how):
        """The instances an action is possible on."""
        return self._ask("list_instance_list", api_id=ident(api), action=action, **how).instances

    # Grants.

    def authorize(self, api, app, until: Moment | None):
        self._act("APPLY_TYPE_AUTHORIZE", api, app, until)

    def apply(self, api, app, until: Moment | None):
        self._act("APPLY_TYPE_APPLY", api, app, until)

    def renew(self, api, app, until: Moment | None):
        self._act("APPLY_TYPE_RENEW", api, app, until)

    def cancel(self, api, app, at: Moment | None):
        """The reviewer's cancellation."""
        self._act("APPLY_TYPE_API_CANCEL_AUTHORIZE", api, app, at)

    def give_back(self, api, app, at: Moment | None = None):
        """The app's own cancellation."""
        self._act("APPLY_TYPE_APP_CANCEL_AUTHORIZE", api, app, at)

    def _act(self, apply_type, api, app, time):
        body = sdk.ApiParaForAuthToInstance(
            api_id=ident(api),
            instance_id=self.instance,
            app_id=ident(app),
            apply_type=apply_type,
            time=time and time.iso,
        )
        self._ask("authorize_action_api_to_instance", body=body)

    def authorize_many(self, api, apps, until: Moment | None):
        body = sdk.ApiParaForAuthorizeToInstance(
            time=until and until.iso, app_ids=[ident(app) for app in apps]
        )
        self._ask(
            "authorize_api_to_instance", api_id=ident(api), instance_id=self.instance, body=body
        )

    def apps_of(self, api, **page):
        """The apps that hold or ask for an API."""
        return self._ask("search_authorize_app", api_id=ident(api), **({"limit": 100} | page))

    def apis_of(self, app, **page):
        """The APIs an app holds or asks for."""
        return self._ask("search_bind_api", app_id=ident(app), **({"limit": 100} | page))

    # Applications.

    def applications(self, query_type=None, **which):
        return self._ask("list_apply", query_type=query_type, **which)

    def application(self, id):
        return self._ask("show_apply_detail", apply_id=ident(id))

    def waiting(self, api):
        """The one application about an API that waits for him."""
        found = [r for r in self.applications(0).records if r.api_id == ident(api)]
        assert len(found) == 1, found
        return found[0]

    def decide(self, *applications, passes: bool):
        body = sdk.OpenApplyIdsForApproveApply(
            apply_result=passes, apply_ids=[ident(each) for each in applications]
        )
        self._ask("batch_approve_apply", body=body)

    def decide_with(self, comment, *applications, passes: bool):
        """Decides and says why; the vendor's call has no field for that."""
        ids = [ident(each) for each in applications]
        body = {"apply_result": passes, "apply_ids": ids, "comment": comment}
        self.must("POST", "/applys", body=body)

    def withdraw_application(self, id):
        """Takes an application back; the vendor has no call for it."""
        self.must("POST", f"/applys/{ident(id)}/withdraw")

    # Notices.

    def notices(self, **which):
        return self._ask("list_message", **({"limit": 100} | which))

    def notices_about(self, api):
        return [record for record in self.notices().records if record.api_id == ident(api)]

    def notice_about(self, api):
        """The one notice about an API."""
        found = self.notices_about(api)
        assert len(found) == 1, found
        return found[0]

    def notice(self, id):
        return self._ask("show_message_detail", message_id=ident(id))

    def confirm_now(self, notice):
        self._confirm(notice, 0, None)

    def confirm_for(self, notice, at: Moment | None):
        self._confirm(notice, 1, at)

    def _confirm(self, notice, action, at):
        body = sdk.OpenApiParaForCheckMessage(
            message_id=ident(notice), action=action, time=at and at.iso
        )
        self._ask("confirm_message", body=body)

    def withdraw_notice(self, notice):
        """Takes a notice back; the vendor has no call for it."""
        self.must("POST", f"/messages/{ident(notice)}/withdraw")

    # Instances.

    def instances(self, **which):
        return self._ask("list_data_service_instances_detail", **which)

    def instances_in_short(self, **which):
        return self._ask("list_data_service_instances_overview", **which)

    def show_instance(self, id):
        return self._ask("show_data_service_instance", instance_id=id)

    def approvers(self, **which):
        """The list of reviewers, which is in no SDK."""
        return self.must("GET", "/authorizeapply/approver", query=which)


def ident(thing) -> str:
    """The id of a thing, or the id itself."""
    return thing if isinstance(thing, str) else thing.id
