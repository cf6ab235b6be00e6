"""A kept HTTP connection that notes when a request left and when the first byte of its answer came."""

import socket
import time


class Line:
    def __init__(self, address):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = self.came = 0
        self.answer = b""

    def fileno(self):
        return self.socket.fileno()

    def send(self, request):
        self.answer = b""
        # Before it leaves: it was sent at this moment or later.
        self.sent = time.monotonic_ns()
        self.socket.sendall(request)

    def take(self):
        """Takes what has come; tells whether the answer is whole."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed a kept connection")
        if not self.answer:
            self.came = time.monotonic_ns()
        self.answer += piece
        head, ended, body = self.answer.partition(b"\r\n\r\n")
        return bool(ended) and len(body) >= int(field(head, b"content-length") or 0)

    def ask(self, request):
        """Sends, and waits for the whole answer."""
        self.send(request)
        self.wait()

    def wait(self):
        """Waits for the whole answer."""
        while not self.take():
            pass

    def status(self):
        return int(self.answer[9:12])

    def outcome(self):
        """The status, and the gateway's reason if it gave one."""
        return f"{self.status()} {(self.field(b'x-tidegate-reason') or b'').decode()}"

    def field(self, name):
        return field(self.answer.partition(b"\r\n\r\n")[0], name)


def field(head, name):
    """A header's value; nothing when it is not there."""
    _, found, rest = head.lower().partition(b"\r\n" + name + b": ")
    return rest.partition(b"\r\n")[0] if found else None


def request(method, path, headers, body=b""):
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
