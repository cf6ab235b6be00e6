"""Plain HTTP calls, signed by the SDK's own signer."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from .answer import Answer

AUTHORIZATION = "Authorization"
X_AUTHORIZATION = "x-Authorization"


class Signed:
    """A signed request, ready to be sent, or to be tampered with first."""

    def __init__(
        self, method, base, path, *, key, secret, query=(), headers=None, body=b"", date=None
    ):
        headers = dict(headers or {})
        if date is not None:
            headers["X-Sdk-Date"] = date
        request = SdkRequest(
            method=method,
            schema="http",
            host=urlsplit(base).netloc,
            resource_path=quote(path, safe="/~%"),
            query_params=list(query.items() if isinstance(query, dict) else query),
            header_params=headers,
            body=body,
        )
        Signer(BasicCredentials(key, secret)).sign(request)
        self.method = method
        self.url = request.url
        self.headers = request.header_params
        self.body = body

    @property
    def authorization(self) -> str:
        """The signature."""
        return self.headers[AUTHORIZATION]

    def carried_by(self, *names: str) -> Signed:
        """With the signature in these headers."""
        signature = self.headers.pop(AUTHORIZATION)
        self.headers.update({name: signature for name in names})
        return self

    def send(self, session: requests.Session) -> Answer:
        """Sends it."""
        return send(session, self.method, self.url, headers=self.headers, body=self.body)


def send(session, method, url, *, headers=None, body=b"") -> Answer:
    """Sends a request as it is."""
    response = session.request(
        method, url, headers=headers, data=body or None, timeout=30, allow_redirects=False
    )
    return Answer(response)


def quiet_session() -> requests.Session:
    """A session that takes nothing from the environment, neither proxies nor credentials."""
    session = requests.Session()
    session.trust_env = False
    return session
