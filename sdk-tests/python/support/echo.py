"""A backend that tells what reached it."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Echo

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self._chunks() if self.headers.get("Transfer-Encoding") else self.rfile.read(length)
        url = urlsplit(self.path)
        self.server.note(unquote(url.path))
        if url.path.endswith("/slow"):
            time.sleep(1)
        told = {
            "method": self.command,
            "path": unquote(url.path),
            "query": parse_qsl(url.query, keep_blank_values=True),
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode("utf-8"),
        }
        if url.path.endswith("/large"):
            told["filling"] = "x" * 3_000_000
        answer = json.dumps(told).encode()
        status = 418 if url.path.endswith("/teapot") else 200
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("X-Backend", "echo")
        self.send_header("X-Tidegate-Grant-End", "a backend cannot speak for the gate")
        self.end_headers()
        self.wfile.write(answer)

    def _chunks(self) -> bytes:
        body = b""
        while length := int(self.rfile.readline(), 16):
            body += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, *_):
        pass


class Echo(ThreadingHTTPServer):
    """The backend: answers every call with what it was, and counts."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self._lock = threading.Lock()
        self._calls = 0
        threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    @property
    def address(self) -> str:
        """Host and port."""
        host, port = self.server_address[:2]
        return f"{host}:{port}"

    @property
    def calls(self) -> int:
        """How many calls have come through."""
        with self._lock:
            return self._calls

    def note(self, _path: str):
        with self._lock:
            self._calls += 1

    def handle_error(self, request, client_address):
        pass

    def close(self):
        self.shutdown()
        self.server_close()
