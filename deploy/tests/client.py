"""HTTP calls, header by header."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def reason(self) -> str | None:
        """Why the call was denied."""
        return self.headers.get("X-Tidegate-Reason")

    @property
    def json(self):
        """The body, read."""
        return json.loads(self.body)


def send(port, method, target, headers, body=b"", *, chunked=False) -> Answer:
    """Sends a request as it is, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
            framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            if body or method == "POST":
                connection.putheader("Content-Length", str(len(body)))
            framed = body
        connection.endheaders(framed or None)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()
