"""The vendor's Python SDK: its signer, and the HTTP library it sends with."""

import json
import os
from urllib.parse import quote, urlsplit

import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

told = json.loads(os.environ["RECORD"])
session = requests.Session()
session.trust_env = False
for case in told["cases"]:
    # The SDK's client encodes the parameters of a path itself, like this.
    path = case["path"].replace("{id}", quote(case["id"] or "", safe="~"))
    request = SdkRequest(
        method=case["method"],
        schema="http",
        host=urlsplit(told["url"]).netloc,
        resource_path=path,
        query_params=[(name, value) for name, values in case["query"] for value in values],
        header_params={"User-Agent": "huaweicloud-usdk-python/3.0", **case["headers"]},
        body="" if case["body"] is None else json.dumps(case["body"]),
    )
    Signer(BasicCredentials(told["access"], told["secret"])).sign(request)
    session.request(
        request.method, request.url, headers=request.header_params, data=request.body
    ).raise_for_status()
