"""The bytes that are sent: what is known to divide readers, and seeded mutations of it."""

from __future__ import annotations

import random
from dataclasses import dataclass

OCTETS = "application/octet-stream"


@dataclass(frozen=True)
class Payload:
    """Bytes, and what is known of them."""

    about: str
    data: bytes
    # Must a strict reader close the connection after it?
    ambiguous: bool = False


CODINGS = [
    b"Transfer-Encoding: chunked", b"transfer-encoding:chunked", b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding: chunked ", b"Transfer-Encoding: chunked\t", b"Transfer-Encoding: Chunked",
    b"TRANSFER-ENCODING: CHUNKED", b" Transfer-Encoding: chunked", b"Transfer-Encoding : chunked",
    b"Transfer-Encoding\t: chunked", b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: \x0cchunked",
    b"Transfer-Encoding: \x00chunked", b"Transfer-Encoding: chunked\x00", b"Transfer-Encoding: chunked\x0b",
    b"Transfer-Encoding: \xa0chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunkedx",
    b'Transfer-Encoding: "chunked"', b"Transfer-Encoding: 'chunked'", b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding: chunked; ext", b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, gzip", b"Transfer-Encoding: identity",
    b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: chunked,", b"Transfer-Encoding: , , chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: \r\n\tchunked", b"Transfer-Encoding:\n chunked",
    b"X: x\nTransfer-Encoding: chunked", b"X: x\rTransfer-Encoding: chunked", b"X: x\r\n\rTransfer-Encoding: chunked",
    b"Transfer_Encoding: chunked", b"Transfer.Encoding: chunked", b"Transfer-Encoding\x00: chunked",
    b"Transfer\x00-Encoding: chunked", b"Transfer-Encoding chunked", b"Transfer-Encoding;: chunked",
    b"Transfer-Encoding:", b"Transfer-Encoding: chun\xe2\x84\xaaed", b"Transfer-Encoding: chu\x6eked\xff",
    b"TE: chunked\r\nTransfer-Encoding: chunked", b"Content-Encoding: chunked", b"\x0bTransfer-Encoding: chunked",
    b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked",
    b"Connection: Content-Length\r\nTransfer-Encoding: chunked",
]

LENGTHS = [
    b"Content-Length: %d", b"content-length:%d", b"Content-Length:\t%d", b"Content-Length: %d ", b"Content-Length: +%d",
    b"Content-Length: -%d", b"Content-Length: 0%d", b"Content-Length: 0x%x", b"Content-Length: %d.0",
    b"Content-Length: %d,%d", b"Content-Length: %d, 0", b"Content-Length: %d %d", b"Content-Length: %d;",
    b'Content-Length: "%d"', b"Content-Length: \x0b%d", b"Content-Length: %d\x00", b"Content-Length: %de0",
    b"Content-Length : %d", b" Content-Length: %d", b"Content_Length: %d", b"Content-Length:\r\n %d",
    b"Content-Length: %d\r\nContent-Length: %d", b"Content-Length: %d\r\nContent-Length: 0",
    b"Content-Length: 0\r\nContent-Length: %d", b"X: x\nContent-Length: %d", b"X: x\rContent-Length: %d",
    b"Content-Length: 18446744073709551616", b"Content-Length: 99999999999999999999%d", b"Content-Length:",
    b"Content-Length: \r\nContent-Length: %d", b"Connection: content-length\r\nContent-Length: %d",
]

SIZES = [
    b"%x", b"%X", b"0%x", b"0000000000000000%x", b"0x%x", b"+%x", b"-%x", b" %x", b"%x ", b"%x\t", b"%x;", b"%x;a",
    b"%x;a=b", b'%x;a="b"', b'%x;a="\r\n"', b"%x;\n", b"%x;\r", b"%x ;a", b"%x; a = b", b"%x;a\x00b", b"%x\n", b"\n%x",
    b"%x\r", b"%x\r\r", b"%x\x00", b"%xg", b"%x.0", b"%x,", b"", b"ffffffffffffffff", b"10000000000000000%x",
    b"8000000000000000", b"%x;" + b"a" * 5000,
]

IDENTITY = [
    b"X-Tidegate-App: root", b"x-tidegate-app: root", b"X_Tidegate_App: root", b"X.Tidegate.App: root",
    b"x-tidegate_App: root", b"X-Tidegate-Api: root", b"X-Tidegate-Grant-End: never", b"X-Forwarded-For: 6.6.6.6",
    b"X-Forwarded-Host: root", b"X_Forwarded_For: 6.6.6.6", b"Forwarded: for=6.6.6.6", b"X-Real-IP: 6.6.6.6",
    b"X-Request-Id: root", b"X-Tidegate-App : root", b" X-Tidegate-App: root", b"X: y\nX-Tidegate-App: root",
    b"X: y\rX-Tidegate-App: root", b"X: y\r\n X-Tidegate-App: root", b"X-Tidegate-App\x00: root",
    b"X-Tidegate-App:\r\n root", b"Connection: x-tidegate-app", b"Connection: X-Tidegate-App, close-not",
    b"Connection: x-request-id, x-forwarded-for, x-tidegate-api", b"Connection: host", b"Connection: authorization",
    b"Connection: x-sdk-date", b"Keep-Alive: x-tidegate-app", b"Proxy-Connection: x-tidegate-app",
    b"Connection: x-tidegate-app\r\nX-Tidegate-App: root", b"TE: trailers", b"Trailer: X-Tidegate-App",
]

LINES = [
    b"Host: other", b"Host:", b" folded", b"\tfolded", b"no colon", b": no name", b"na me: x", b"X: a\x00b", b"X: a\x7fb",
    b"Expect: 100-continue", b"Expect: 200-ok", b"Expect: 100-continue\r\nExpect: 100-continue", b"Upgrade: h2c",
    b"Upgrade: websocket\r\nConnection: Upgrade", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA",
    b"Connection: close", b"Connection: close, keep-alive", b"Authorization: x", b"Authorization:", b"X-Authorization: x",
    b"X-Sdk-Date: 20200101T000000Z", b"X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD", b"X-Auth-Token: x", b"X-HTTP-Method-Override: DELETE",
    b"X-Original-URL: /orders/smuggled", b"X-Rewrite-URL: /orders/smuggled", b"X-Forwarded-Uri: /orders/smuggled",
    b"Content-Type: multipart/form-data", b"X: " + b"v" * 30_000, b"X: " + b"v" * 70_000, b"\r\n".join(b"X-%d: v" % n for n in range(120)),
]

TARGETS = [
    b"http://other/orders/%s", b"http://api.example.com/orders/%s", b"//orders/%s", b"/orders/%s#/smuggled", b"/orders/%s?",
    b"/orders/%s/", b"/orders/%s/.", b"/orders/%s/..", b"/orders/../orders/%s", b"/orders/%%2e%%2e/orders/%s", b"/orders%%2f%s",
    b"/orders/%s%%2fsmuggled", b"/orders/%s;smuggled", b"/orders/%s%%3bsmuggled", b"/orders/%s\\smuggled", b"/orders/%s%%5csmuggled",
    b"/orders/%s%%00", b"/orders/%s\x00", b"/orders/%s\t", b"/orders/%s smuggled", b"/orders/%s\x7f", b"/orders/%s%%zz", b"/%%6frders/%s",
    b"/orders/%s?a=1&a=2", b"/orders/%s\xff", b"orders/%s", b"*", b"other:80", b"/orders/%s%%0d%%0aX-Tidegate-App:%%20root",
]

VERSIONS = [
    b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.1 ", b"HTTP/1.1\t", b"http/1.1", b"HTTP/01.1", b"HTTP/1.10", b"HTTP/1", b"HTTP/1.1x", b"",
]

STARTS = [b"\r\n", b"\r\n\r\n", b"\n", b" ", b"\t", b"\x00", b"0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\xef\xbb\xbf"]


class Maker:
    """Makes payloads around signed calls; `sign` gives the headers of one."""

    def __init__(self, host: str, sign):
        self.host, self._sign = host, sign
        # Functions that make a payload for a name.
        self.known = self._known()

    def _lines(self, method: str, name: str) -> list[bytes]:
        headers = {}
        if method == "POST":
            headers = {"content-type": OCTETS, "x-sdk-content-sha256": "UNSIGNED-PAYLOAD"}
        signed = self._sign(method, self.host, f"/orders/{name}", headers=headers)
        return [f"{name}: {value}".encode() for name, value in signed.items()]

    def _request(self, method, name, lines=(), body=b"", target=None, version=b"HTTP/1.1", start=b""):
        target = target or f"/orders/{name}".encode()
        head = [method.encode() + b" " + target + b" " + version, *self._lines(method, name), *lines]
        return start + b"\r\n".join(head) + b"\r\n\r\n" + body

    def end(self, name: str) -> bytes:
        """The honest call behind every payload."""
        return self._request("GET", f"{name}-end", [b"Connection: close"])

    def inner(self, name: str) -> bytes:
        """A call that nobody signed, and that nobody may take for one."""
        return (
            b"GET /orders/smuggled-%s HTTP/1.1\r\nHost: %s\r\nX-Tidegate-App: root\r\n\r\n"
            % (name.encode(), self.host.encode())
        )

    def _known(self) -> list:
        made = []

        def add(about, ambiguous=False, **parts):
            parts = {"method": "POST", "lines": ()} | parts

            def make(name):
                filled = {}
                for part, value in parts.items():
                    filled[part] = value(name) if callable(value) else value
                method = filled.pop("method")
                return Payload(about, self._request(method, name, **filled), ambiguous)

            made.append(make)

        inner = self.inner
        clear = CODINGS[:7]
        for coding in CODINGS:
            ambiguous = coding in clear
            # The length covers an inner call, the chunks end before it; and the other way round.
            add(f"CL.TE {coding!r}", ambiguous, lines=lambda n, c=coding: [b"Content-Length: %d" % len(b"0\r\n\r\n" + inner(n)), c], body=lambda n: b"0\r\n\r\n" + inner(n))
            add(f"TE.CL {coding!r}", ambiguous, lines=lambda n, c=coding: [c, b"Content-Length: 4"], body=lambda n: b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner(n)), inner(n)))
            add(f"TE.0 {coding!r}", lines=[coding], body=lambda n: b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner(n)), inner(n)))
            add(f"CL.0 {coding!r}", ambiguous, lines=[coding, b"Content-Length: 0"], body=inner)
            add(f"TE behind {coding!r}", lines=[coding], body=lambda n: b"0\r\n\r\n" + inner(n))
        for length in LENGTHS:
            places = length.count(b"%d") + length.count(b"%x")
            fill = lambda n, extra, l=length, p=places: [l % ((len(inner(n)) + extra,) * p)]  # noqa: E731
            add(f"length {length!r}", lines=lambda n, f=fill: f(n, 0), body=inner)
            add(f"length short {length!r}", lines=lambda n, f=fill: f(n, -20), body=inner)
            add(f"length long {length!r}", lines=lambda n, f=fill: f(n, 20), body=inner)
            add(f"length of a GET {length!r}", method="GET", lines=lambda n, f=fill: f(n, 0), body=inner)
        for size in SIZES:
            places = size.count(b"%x") + size.count(b"%X")
            chunk = lambda n, s=size, p=places: (s % ((len(inner(n)),) * p)) + b"\r\n" + inner(n)  # noqa: E731
            coded = [b"Transfer-Encoding: chunked"]
            add(f"chunk size {size[:30]!r}", lines=coded, body=lambda n, c=chunk: c(n) + b"\r\n0\r\n\r\n")
            add(f"chunk without its end {size[:30]!r}", lines=coded, body=lambda n, c=chunk: c(n) + b"0\r\n\r\n")
            add(f"chunk ended by LF {size[:30]!r}", lines=coded, body=lambda n, c=chunk: c(n) + b"\n0\n\n")
            add(f"last chunk {size[:30]!r}", lines=coded, body=lambda n, s=size, p=places: b"1\r\nx\r\n" + s % ((0,) * p) + b"\r\n\r\n" + inner(n))
        for line in IDENTITY:
            add(f"identity {line!r}", method="GET", lines=[line])
            add(f"identity in a trailer {line!r}", lines=[b"Transfer-Encoding: chunked"], body=b"1\r\nx\r\n0\r\n" + line + b"\r\n\r\n")
            add(f"identity in a chunk {line!r}", lines=[b"Transfer-Encoding: chunked"], body=b"1;" + line + b"\r\nx\r\n0\r\n\r\n")
        for line in LINES:
            add(f"line {line[:40]!r}", method="GET", lines=[line])
            add(f"line with a body {line[:40]!r}", lines=lambda n, l=line: [l, b"Content-Length: %d" % len(inner(n))], body=inner)
            add(f"line and a call behind {line[:40]!r}", method="GET", lines=[line], body=inner)
        for target in TARGETS:
            place = lambda n, t=target: t % n.encode() if b"%s" in t else t  # noqa: E731
            add(f"target {target!r}", method="GET", target=place)
            add(f"target and a call behind {target!r}", method="GET", target=place, body=inner)
        for version in VERSIONS:
            add(f"version {version!r}", method="GET", version=version)
            add(f"version with chunks {version!r}", version=version, lines=[b"Transfer-Encoding: chunked"], body=lambda n: b"0\r\n\r\n" + inner(n))
        for start in STARTS:
            add(f"start {start!r}", method="GET", start=start)
            add(f"start and a call behind {start!r}", method="GET", start=start, body=inner)
        add("a call behind a call", method="GET", body=inner)
        add("many calls behind a call", method="GET", body=lambda n: inner(n) * 20)
        add("half a call behind a call", method="GET", body=lambda n: inner(n)[:30])
        add("bytes behind an upgrade", lines=[b"Connection: Upgrade", b"Upgrade: websocket"], body=inner)
        return made

    def mutated(self, make, name: str, chance: random.Random) -> Payload:
        """A payload with a few bytes of it changed."""
        payload = make(name)
        data = payload.data
        for _ in range(chance.randint(1, 3)):
            data = _mutate(data, chance)
        return Payload(f"mutation of {payload.about}", data)


_PIECES = [
    b"\r", b"\n", b"\r\n", b"\r\n ", b"\r\n\t", b"\x00", b" ", b"\t", b"\x0b", b"\x0c", b"\x85", b"\xa0", b"\xff", b":", b";", b",", b"=",
    b'"', b"0", b"1", b"-", b"+", b"_", b"%", b"chunked", b"identity", b"close", b"HTTP/1.1", b"GET ", b"\r\n\r\n", b"0\r\n\r\n",
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"X-Tidegate-App: root\r\n", b"Connection: x-tidegate-app\r\n", b"Host: other\r\n",
]


def _mutate(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    kind = chance.randrange(7)
    if kind == 0:
        return data[:at] + chance.choice(_PIECES) + data[at:]
    if kind == 1:
        return data[:at] + data[at + 1 :]
    if kind == 2:
        return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
    if kind == 3:
        return data[:at] + chance.choice(_PIECES) + data[at + chance.randint(1, 4) :]
    lines = data.split(b"\r\n")
    one = chance.randrange(len(lines))
    if kind == 4 and not _is_first(lines[one]):
        lines.insert(chance.randrange(1, len(lines) + 1), lines[one])
    elif kind == 5 and len(lines) > 1 and not _is_first(lines[one]):
        lines.insert(chance.randrange(1, len(lines)), lines.pop(one))
    else:
        lines[one] = lines[one].swapcase() if chance.random() < 0.5 else lines[one].replace(b": ", b":", 1)
    return b"\r\n".join(lines)


def _is_first(line: bytes) -> bool:
    # Never a request line: two of them would be two requests.
    return b" HTTP/" in line
