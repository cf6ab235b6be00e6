"""Which methods of the SDK were driven."""

from __future__ import annotations

# Every method that has to be driven, with the status of its success.
WANTED = {
    # Grants.
    "authorize_action_api_to_instance": 204,
    "authorize_api_to_instance": 204,
    "search_authorize_app": 200,
    "search_bind_api": 200,
    # Applications and notices.
    "list_apply": 200,
    "batch_approve_apply": 204,
    "show_apply_detail": 200,
    "list_message": 200,
    "confirm_message": 204,
    "show_message_detail": 200,
    # Apps.
    "create_app": 200,
    "list_apps": 200,
    "show_app_info": 200,
    "update_app": 200,
    "delete_app": 204,
    # APIs and their life.
    "create_api": 200,
    "list_apis": 200,
    "show_api": 200,
    "update_api": 204,
    "delete_api": 204,
    "publish_api_to_instance": 204,
    "execute_api_to_instance": 204,
    "search_publish_info": 200,
    "list_instance_list": 200,
    # Instances.
    "list_data_service_instances_detail": 200,
    "list_data_service_instances_overview": 200,
    "show_data_service_instance": 200,
}

DRIVEN: set[str] = set()


class Recorded:
    """A client of the SDK, with a note of every method whose call succeeded."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        method = getattr(self._client, name)

        def call(request):
            response = method(request)
            assert response.status_code == WANTED[name], f"{name}: {response.status_code}"
            if response.status_code == 204:
                assert not response.raw_content, f"{name} has a body"
            DRIVEN.add(name)
            return response

        return call
