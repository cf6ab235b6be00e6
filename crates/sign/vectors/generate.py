#!/usr/bin/env python3
"""Writes verdicts.json: requests, and whether a checker lets them in.

    crates/sign/vectors/generate.py            writes the file
    crates/sign/vectors/generate.py --check    fails if the file is another one

A signer of its own, from the description of the scheme and nothing else. What a checker must say of a
request is written here beside it; no checker is asked. Only Python's own library is used.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from calendar import timegm
from pathlib import Path
from time import gmtime, strftime, strptime

FILE = Path(__file__).with_name("verdicts.json")

AK, SK = "AK-ORDERS-0001", "sk-0123456789abcdefghijklmnopqrstuvwxyz"
LONGEST_AK = "k" * 128
KEYS = {
    AK: SK,
    "AK-OTHER-0002": "sk-other",
    "AK-SAME-SECRET": SK,
    "a": "s",
    "!#$%&'()*+-./:;<=>?@[]^_`{|}~": "symbols",
    LONGEST_AK: "longest",
    "AK-UNICODE": "schlüssel-密钥-🔑",
    "AK-LONG-SECRET": "x" * 200,
    "AK-BLOCK-SECRET": "y" * 64,
    "AK-SPACES": "  a secret with blanks  ",
    "AK-EMPTY": "",
    "AK-ZEROES": "\0\0\0\0",
}
NOW = 1_767_322_800  # 2026-01-02T03:00:00Z
WINDOW = 900
EMPTY = hashlib.sha256(b"").hexdigest()
DATE, HASH = "x-sdk-date", "x-sdk-content-sha256"
PLAIN = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")

vectors: list[dict] = []


def enc(text: str) -> str:
    """Percent-encoding of all but the unreserved characters."""
    return "".join(c if c in PLAIN else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


def date_of(seconds: int) -> str:
    """A date as it is signed."""
    return strftime("%Y%m%dT%H%M%SZ", gmtime(seconds))


class Call:
    """A request in its plain parts: segments, pairs, headers, body."""

    def __init__(self, method="GET", path=("orders", "7"), query=(), headers=(), body=b"", **how):
        self.method, self.path, self.query, self.body = method, list(path), list(query), body
        self.date = how.pop("date", date_of(NOW))
        self.headers = [("host", how.pop("host", "api.example.com")), (DATE, self.date), *headers]
        self.key = how.pop("key", AK)
        self.secret = how.pop("secret", KEYS.get(self.key, "nobody's"))
        self.names = how.pop("names", None)
        self.last = how.pop("last", None)
        # Mistakes of a signer.
        self.mistake = how.pop("mistake", None)
        assert not how, how

    def wrong(self, text, mistake, other):
        """The text, or what it becomes by a mistake."""
        return other(text) if self.mistake == mistake else text

    def signed(self) -> tuple[list[str], str]:
        """The names that are signed, and the signature."""
        values: dict[str, str] = {}
        for name, value in self.headers:
            values[name.lower()] = value.strip(" \t")
        names = self.names if self.names is not None else sorted(values)
        path = "/" + "".join(enc(segment) + "/" for segment in self.path)
        path = self.wrong(path, "no slash at the end", lambda p: p.rstrip("/") or "/")
        path = self.wrong(path, "path encoded twice", lambda p: p.replace("%", "%25"))
        path = self.wrong(path, "path not encoded", lambda _: "/" + "/".join(self.path) + "/")
        path = self.wrong(path, "lower hex", lambda p: p.replace("%C3%A9", "%c3%a9"))
        pairs = sorted(self.query)
        pairs = self.wrong(pairs, "query not sorted", lambda _: self.query)
        query = [f"{enc(name)}={enc(value)}" for name, value in pairs]
        query = self.wrong(query, "query sorted when encoded", sorted)
        # No mistake: the official Java SDK does it.
        query = self.wrong(query, "query sorted by name only", lambda _: [
            f"{enc(n)}={enc(v)}" for n, v in sorted(self.query, key=lambda pair: pair[0])])
        query = "&".join(query)
        query = self.wrong(query, "plus for a blank", lambda q: q.replace("%20", "+"))
        query = self.wrong(query, "no equals sign", lambda q: q.replace("=&", "&").rstrip("="))
        query = self.wrong(query, "query left out", lambda _: "")
        lines = "".join(f"{name}:{values.get(name, '')}\n" for name in names)
        lines = self.wrong(lines, "blanks within collapsed", lambda t: " ".join(
            part for part in t.split(" ") if part))
        lines = self.wrong(lines, "values in lower case", str.lower)
        lines = self.wrong(lines, "a blank behind the colon", lambda t: t.replace(":", ": "))
        lines = self.wrong(lines, "no line behind the headers", lambda t: t[:-1])
        last = self.last or values.get(HASH) or hashlib.sha256(self.body).hexdigest()
        last = self.wrong(last, "hash in upper case", str.upper)
        last = self.wrong(last, "no body hash", lambda _: "")
        listed = ";".join(names)
        listed = self.wrong(listed, "names with commas", lambda t: t.replace(";", ","))
        method = self.wrong(self.method, "method in lower case", str.lower)
        joint = "\r\n" if self.mistake == "lines ended by CR LF" else "\n"
        canonical = joint.join([method, path, query, lines, listed, last])
        digest = hashlib.sha256(canonical.encode("latin-1", "strict")).hexdigest()
        word = "SDK-HMAC-SHA256"
        date = self.wrong(values.get(DATE, ""), "another date", lambda _: date_of(NOW + 1))
        text = f"{word}\n{date}\n{digest}"
        text = self.wrong(text, "no hash of the request", lambda _: f"{word}\n{date}\n{canonical}")
        text = self.wrong(text, "a line feed at the end", lambda t: t + "\n")
        text = self.wrong(text, "no word", lambda t: t.split("\n", 1)[1])
        key = self.secret.encode()
        key = self.wrong(key, "derived key", lambda k: hmac.new(
            b"SDK" + k, date[:8].encode(), hashlib.sha256).digest())
        key = self.wrong(key, "key and text swapped", lambda _: text.encode())
        if self.mistake == "key and text swapped":
            text = self.secret
        kind = hashlib.sha1 if self.mistake == "another hash" else hashlib.sha256
        signature = hmac.new(key, text.encode("latin-1"), kind).hexdigest()
        return names, signature + "0" * (64 - len(signature))

    def target(self) -> str:
        """The path and query as an honest client sends them."""
        path = "/" + "/".join(enc(segment) for segment in self.path)
        pairs = "&".join(f"{enc(name)}={enc(value)}" for name, value in self.query)
        return path + ("?" + pairs if pairs else "")

    def authorization(self) -> str:
        """The value of the header."""
        names, signature = self.signed()
        listed = ";".join(names)
        return f"SDK-HMAC-SHA256 Access={self.key}, SignedHeaders={listed}, Signature={signature}"


def latin(text: str) -> str:
    """Text as bytes, a character each."""
    return text.encode().decode("latin-1")


def vector(name, call, error=None, **sent):
    """A request; what is sent may differ from what was signed."""
    authorization = sent.pop("authorization", call.authorization())
    headers = sent.pop("headers", call.headers)
    carriers = sent.pop("carriers", ["authorization"])
    if authorization is not None:
        headers = [*headers, *((carrier, authorization) for carrier in carriers)]
    request = {
        "name": name,
        "verdict": "refused" if error else "accepted",
        "error": error,
        "method": sent.pop("method", call.method),
        "target": sent.pop("target", call.target()),
        "headers": [list(header) for header in headers],
        "body": sent.pop("body", call.body).decode("latin-1"),
        "payload": sent.pop("payload", "whole"),
        "now": sent.pop("now", NOW),
        "window": sent.pop("window", WINDOW),
    }
    assert not sent, sent
    assert all(name != known["name"] for known in vectors), name
    vectors.append(request)


def replaced(call, name, value):
    """The headers with another value for one of them; none removes it."""
    others = [(n, value if n.lower() == name else v) for n, v in call.headers]
    return [(n, v) for n, v in others if v is not None]


def paths():
    """Every spelling of a path has the signature of what it means, and some mean nothing."""
    for wire, meaning in (
        ("/", ()), ("/orders", ("orders",)), ("/orders/", ("orders",)), ("/orders/7/", ("orders", "7")),
        ("/a/b/c/d/e", "abcde"), ("/%6F%72ders/7", ("orders", "7")), ("/%6f%72ders/7", ("orders", "7")),
        ("/a%20b", ("a b",)), ("/caf%C3%A9", ("café",)), ("/caf%c3%a9", ("café",)),
        ("/%E5%90%8D", ("名",)), ("/%F0%9F%94%91", ("🔑",)), ("/%7Ea", ("~a",)), ("/~a", ("~a",)),
        ("/a%2Bb", ("a+b",)), ("/a+b", ("a+b",)), ("/a%25b", ("a%b",)), ("/a%252Fb", ("a%2Fb",)),
        ("/a%252e%252e", ("a%2e%2e",)), ("/a:b@c,d=e&f$g", ("a:b@c,d=e&f$g",)),
        ("/!*'()", ("!*'()",)), ("/%21%2A%27%28%29", ("!*'()",)), ("/...", ("...",)),
        ("/.a", (".a",)), ("/a.", ("a.",)), ("/a..b", ("a..b",)), ("/a%3Fb", ("a?b",)),
        ("/a%23b", ("a#b",)), ("/-._~", ("-._~",)), ("/%22%3C%3E%7B%7D%7C%5E%60", ('"<>{}|^`',)),
        ("/" + "/".join("s" * 64), "s" * 64), ("/cafe%CC%81", ("cafe\u0301",)), ("/%E2%80%8B", ("\u200b",)),
    ):
        vector(f"path {wire[:40]}", Call(path=meaning), target=wire)
    for wire, meaning, error in (
        ("/orders/../orders/7", ("orders", "7"), "DotSegment"), ("/orders/./7", ("orders", "7"), "DotSegment"),
        ("/orders/%2e%2e/orders/7", ("orders", "7"), "DotSegment"), ("/orders/%2E/7", ("orders", "7"), "DotSegment"),
        ("/orders/7/..", ("orders",), "DotSegment"), ("/.%2e/orders/7", ("orders", "7"), "DotSegment"),
        ("//orders/7", ("orders", "7"), "EmptySegment"), ("/orders//7", ("orders", "7"), "EmptySegment"),
        ("/orders/7//", ("orders", "7"), "EmptySegment"), ("/orders%2F7", ("orders", "7"), "EncodedSlash"),
        ("/orders%2f7", ("orders/7",), "EncodedSlash"), ("/orders;x=y/7", ("orders", "7"), "Semicolon"),
        ("/orders/7;v=1", ("orders", "7"), "Semicolon"), ("/orders/7%3Bv", ("orders", "7;v"), "Semicolon"),
        ("/orders\\7", ("orders", "7"), "Backslash"), ("/orders%5C7", ("orders\\7",), "Backslash"),
        ("/orders/7%00", ("orders", "7\0"), "Control"), ("/orders/7%0A", ("orders", "7\n"), "Control"),
        ("/orders/7%7F", ("orders", "7\x7f"), "Control"), ("/orders/7%C2%85", ("orders", "7\x85"), "Control"),
        ("/orders/7#x", ("orders", "7"), "Fragment"), ("/orders/%zz", ("orders", "%zz"), "BadEscape"),
        ("/orders/7%", ("orders", "7%"), "BadEscape"), ("/orders/7%2", ("orders", "7%2"), "BadEscape"),
        ("/orders/%FF", ("orders", "ÿ"), "NotUtf8"), ("/orders/%C0%AF", ("orders", "/"), "NotUtf8"),
        ("/orders/%ED%A0%80", ("orders", "x"), "NotUtf8"), ("/orders/a b", ("orders", "a b"), "NotEncoded"),
        ('/orders/"7"', ("orders", '"7"'), "NotEncoded"), ("/orders/<7>", ("orders", "<7>"), "NotEncoded"),
        ("orders/7", ("orders", "7"), "NotOriginForm"), ("*", ("*",), "NotOriginForm"),
        ("http://api.example.com/orders/7", ("orders", "7"), "NotOriginForm"),
        ("/" + "/".join("s" * 65), "s" * 65, "TooManySegments"), ("/" + "a" * 8192, ("a" * 8192,), "TooLong"),
    ):
        vector(f"path refused {wire[:40]}", Call(path=meaning), error, target=wire)


def queries():
    """The set of pairs is signed, sorted by what they mean; neither order nor spelling is."""
    ab = [("a", "1"), ("b", "2")]
    for name, wire, pairs in (
        ("in order", "a=1&b=2", ab), ("out of order", "b=2&a=1", ab), ("empty pairs", "&a=1&&b=2&", ab),
        ("only a question mark", "", []), ("only ampersands", "&&", []),
        ("no equals sign", "a", [("a", "")]), ("empty value", "a=", [("a", "")]),
        ("empty name", "=a", [("", "a")]), ("both empty", "=", [("", "")]),
        ("one name twice", "a=2&a=1", [("a", "1"), ("a", "2")]), ("one pair twice", "a=1&a=1", [("a", "1")] * 2),
        ("empty value before others", "a=1&a", [("a", ""), ("a", "1")]),
        ("equals sign in a value", "a=b=c", [("a", "b=c")]), ("question mark in a value", "a=?b", [("a", "?b")]),
        ("slash in a value", "a=/b/../c", [("a", "/b/../c")]), ("encoded slash in a value", "a=%2Fb", [("a", "/b")]),
        ("plus is a plus", "a=b+c", [("a", "b+c")]), ("encoded plus", "a=b%2Bc", [("a", "b+c")]),
        ("blank", "a=b%20c", [("a", "b c")]), ("lower hex", "a=%c3%a9", [("a", "é")]),
        ("encoded name", "%61=1", [("a", "1")]), ("encoded ampersand", "a=1%26b=2", [("a", "1&b=2")]),
        ("encoded equals sign", "a%3D1=2", [("a=1", "2")]), ("percent", "a=%25", [("a", "%")]),
        ("percent twice", "a=%2525", [("a", "%25")]), ("semicolon", "a=1;b=2", [("a", "1;b=2")]),
        ("brackets", "a[]=1&a[]=2", [("a[]", "1"), ("a[]", "2")]), ("quotes", "a=\"b\"", [("a", '"b"')]),
        ("line feed", "a=%0A", [("a", "\n")]), ("encoded hash", "a=%23", [("a", "#")]),
        ("upper before lower case", "a=1&B=2", [("B", "2"), ("a", "1")]),
        ("tilde before e acute", "%C3%A9=1&~=2", [("~", "2"), ("é", "1")]),
        ("code points, not UTF-16", "%F0%9F%98%80=1&%EF%BD%9E=2", [("\uff5e", "2"), ("\U0001f600", "1")]),
        ("exclamation before minus", "a-=1&a%21=2", [("a!", "2"), ("a-", "1")]),
        ("name before longer name", "ab=1&a=2", [("a", "2"), ("ab", "1")]),
        ("name and value, not their text", "a-b=1&a=b", [("a", "b"), ("a-b", "1")]),
        ("ten after nine as texts", "a=10&a=9", [("a", "10"), ("a", "9")]),
        ("256 pairs", "&".join(f"p{n}" for n in range(256)), [(f"p{n}", "") for n in range(256)]),
    ):
        vector(f"query {name}", Call(query=pairs), target=f"/orders/7?{wire}")
    by_name = [("z", "1"), ("a", "3"), ("a", "1"), ("a", "2")]
    call = Call(query=by_name, mistake="query sorted by name only")
    vector("query sorted by name, values as sent", call)
    vector("query sorted by name, names in another order", call, target="/orders/7?a=3&a=1&z=1&a=2")
    for wire in ("a=1&a=2&a=3&z=1", "a=2&a=3&a=1&z=1", "a=3&a=1&z=1", "a=3&a=1&a=2&a=2&z=1"):
        vector(f"query refused: sorted by name, sent as {wire}", call, "BadSignature", target=f"/orders/7?{wire}")
    for name, wire, pairs, error in (
        ("changed", "a=1&b=3", ab, "BadSignature"), ("left out", "a=1", ab, "BadSignature"),
        ("added", "a=1&b=2&c=3", ab, "BadSignature"), ("one of two equal pairs", "a=1", [("a", "1")] * 2, "BadSignature"),
        ("values swapped", "a=2&b=1", ab, "BadSignature"), ("joined", "a=1%26b=2", ab, "BadSignature"),
        ("plus for a blank", "a=b+c", [("a", "b c")], "BadSignature"), ("case of a name", "A=1&b=2", ab, "BadSignature"),
        ("empty value for none at all", "a=1&b=2&c", ab, "BadSignature"),
        ("percent once", "a=%25", [("a", "%25")], "BadSignature"), ("NUL", "a=%00", [("a", "\0")], "Control"),
        ("broken escape", "a=%zz", [("a", "%zz")], "BadEscape"), ("no UTF-8", "a=%FF", [("a", "ÿ")], "NotUtf8"),
        ("backslash", "a=\\", [("a", "\\")], "Backslash"), ("hash", "a=1#b", [("a", "1")], "Fragment"),
        ("blank as it is", "a=b c", [("a", "b c")], "NotEncoded"),
        ("257 pairs", "&".join(f"p{n}" for n in range(257)), [(f"p{n}", "") for n in range(257)], "TooManyPairs"),
    ):
        vector(f"query refused: {name}", Call(query=pairs), error, target=f"/orders/7?{wire}")


def headers():
    """Values are signed as they are but for the blanks around them."""
    for name, value in (
        ("plain", "one"), ("empty", ""), ("blanks around", "  one  "), ("tabs around", "\tone\t"),
        ("blanks within", "one   two"), ("a tab within", "one\ttwo"), ("only blanks", "   "),
        ("upper case", "ONE"), ("a colon", "a:b: c"), ("a comma", "a, b,c"), ("quotes", '"a  b"'),
        ("UTF-8", latin("名前 é 🔑")), ("Latin-1", "caf\xe9"), ("bytes that are no text", "\xff\xfe\x80"),
        ("a no-break space at its end", "one\xa0"), ("long", "v" * 4000),
    ):
        vector(f"header with {name}", Call(headers=[("x-tenant", value)]))
    many = [(f"x-h{n:02}", str(n)) for n in range(62)]
    vector("header names in capitals", Call(headers=[("X-Tenant", "one"), ("Content-Type", "a/b")]))
    vector("header names of symbols", Call(headers=[("!#$%&'*+-.^_`|~", "one"), ("0", "two")]))
    vector("header names with underscores", Call(headers=[("x_tenant", "one")]))
    vector("64 signed headers", Call(headers=many))
    vector("a security token", Call(headers=[("x-security-token", "TOKEN==")]))
    vector("a token beside the signature", Call(headers=[("x-auth-token", "TOKEN==")]))
    for host in ("api.example.com:8443", "127.0.0.1:80", "[::1]:8080", "API.Example.COM", "xn--caf-dma.example"):
        vector(f"host {host}", Call(host=host))
    call = Call(headers=[("x-tenant", "one")])
    sent = call.headers
    vector("an unsigned header beside", call, headers=[*sent, ("accept", "*/*")])
    vector("an unsigned header twice", call, headers=[*sent, ("accept", "a"), ("accept", "b")])
    vector("headers in another order", call, headers=sent[::-1])
    vector("a signed header left unsigned", Call(headers=[("x-tenant", "one")], names=["host", DATE]))
    vector("the shortest list", Call(names=[DATE]))
    vector("host and date", Call())
    provider = [("user-agent", "terraform-provider-x/1"), ("workspace", "d9ef"), ("dlm-type", "EXCLUSIVE"),
                ("accept", "application/json"), ("content-type", "application/json")]
    vector("signed as the Terraform provider does", Call("POST", headers=provider, body=b"{}", names=sorted(
        [DATE, *(name for name, _ in provider)])))
    unsigned_host = Call(headers=[("accept", "a/b"), ("content-type", "a/b")], names=["accept", "content-type", DATE])
    vector("host not signed", unsigned_host)
    vector("host not signed, another one sent", unsigned_host, headers=replaced(unsigned_host, "host", "api.example.org"))
    vector("host not signed, none sent", unsigned_host, headers=replaced(unsigned_host, "host", None))
    vector("a signed Accept", Call(headers=[("accept", "*/*")]))
    for name, error, changed in (
        ("changed", "BadSignature", replaced(call, "x-tenant", "two")),
        ("in another case", "BadSignature", replaced(call, "x-tenant", "One")),
        ("made longer", "BadSignature", replaced(call, "x-tenant", "one,two")),
        ("emptied", "BadSignature", replaced(call, "x-tenant", "")),
        ("with a no-break space", "BadSignature", replaced(call, "x-tenant", "one\xa0")),
        ("left out", "HeaderNotPresent", replaced(call, "x-tenant", None)),
        ("sent twice", "DuplicateHeader", [*sent, ("x-tenant", "one")]),
        ("sent twice, another first", "DuplicateHeader", [("X-Tenant", "two"), *sent]),
        ("renamed", "HeaderNotPresent", [(n.replace("x-tenant", "x_tenant"), v) for n, v in sent]),
        ("host changed", "BadSignature", replaced(call, "host", "api.example.org")),
        ("host with its port", "BadSignature", replaced(call, "host", "api.example.com:80")),
        ("host in another case", "BadSignature", replaced(call, "host", "API.example.com")),
        ("host left out", "HeaderNotPresent", replaced(call, "host", None)),
        ("host twice", "DuplicateHeader", [*sent, ("host", "api.example.com")]),
        ("date twice", "DuplicateHeader", [*sent, (DATE, call.date)]),
        ("date left out", "HeaderNotPresent", replaced(call, DATE, None)),
    ):
        vector(f"header refused: {name}", call, error, headers=changed)
    for name, error, names in (
        ("date not signed", "DateNotSigned", ["host"]), ("neither signed", "DateNotSigned", ["x-tenant"]),
        ("a name of no header", "HeaderNotPresent", ["host", DATE, "x-tenantx"]),
        ("Authorization signed", "BadSignature", ["authorization", "host", DATE]),
    ):
        vector(f"header refused: {name}", Call(headers=[("x-tenant", "one")], names=names), error)
    for host in ("", "a b", "caf\xe9.example", "a\tb"):
        vector(f"host refused: {host!r}", Call(host=host), "BadHost")


def bodies():
    """What the signature says of the body, and what is known of it."""
    body = b'{"order": 7}'
    digest = hashlib.sha256(body).hexdigest()
    declared, unsigned = [(HASH, digest)], [(HASH, "UNSIGNED-PAYLOAD")]
    for name, bytes_ in (
        ("JSON", body), ("UTF-8", "名".encode()), ("any bytes", bytes(range(256))), ("a line feed", b"\n"),
        ("one byte", b"\0"), ("long", b"0123456789abcdef" * 512),
    ):
        vector(f"body of {name}", Call("POST", body=bytes_))
    vector("body and its declared hash", Call("POST", headers=declared, body=body))
    vector("body and its hash in capitals", Call("POST", headers=[(HASH, digest.upper())], body=body))
    vector("body of a GET", Call(body=body))
    vector("no body, its hash declared", Call("POST", headers=[(HASH, EMPTY)]))
    vector("no body, unsigned, the hash of nothing signed", Call("POST", headers=unsigned, last=EMPTY))
    vector("no body, unsigned, the word signed", Call("POST", headers=unsigned))
    vector("body to come, its hash declared", Call("POST", headers=declared, body=body), payload="declared")
    vector("body to come, unsigned allowed, hash declared", Call("POST", headers=declared, body=body), payload="unsigned")
    vector("body unsigned where it is allowed", Call("POST", headers=unsigned, body=body), payload="unsigned")
    vector("body unsigned and changed", Call("POST", headers=unsigned, body=body), payload="unsigned", body=b"x")
    signed, call = Call("POST", body=body), Call("POST", headers=declared, body=body)
    for name, sent in (
        ("changed", b'{"order": 8}'), ("longer", body + b" "), ("shorter", body[:-1]), ("left out", b""),
        ("with a line feed", body + b"\n"), ("in other words", b'{"order":7}'),
    ):
        vector(f"body refused: {name}", signed, "BadSignature", body=sent)
        vector(f"body refused: declared, {name}", call, "BodyMismatch", body=sent)
    vector("body refused: none was signed", Call("POST"), "BadSignature", body=body)
    vector("body refused: unsigned", Call("POST", headers=unsigned, body=body), "UnsignedPayloadRefused")
    vector("body refused: to come, no hash", signed, "MissingContentHash", payload="declared")
    vector("body refused: to come, unsigned", Call("POST", headers=unsigned, body=body), "UnsignedPayloadRefused", payload="declared")
    vector("body refused: unsigned allowed, no hash", signed, "MissingContentHash", payload="unsigned")
    vector("body refused: hash not signed", Call("POST", headers=declared, body=body, names=["host", DATE]), "ContentHashNotSigned")
    vector("body refused: word not signed", Call("POST", headers=unsigned, body=body, names=["host", DATE]), "ContentHashNotSigned", payload="unsigned")
    vector("body refused: hash twice", call, "DuplicateHeader", headers=[*call.headers, *declared])
    vector("body refused: hash and word", call, "DuplicateHeader", headers=[*call.headers, *unsigned])
    for wrong in (digest[:-1], digest + "0", "g" + digest[1:], "", "unsigned-payload", "STREAMING-PAYLOAD", "0x" + digest[2:]):
        vector(f"body refused: hash {wrong[:1]!r} to {wrong[-20:]!r}", Call("POST", headers=[(HASH, wrong)], body=body), "BadContentHash")


def dates():
    """A date has one form, and is good for a while either way."""
    for off in (0, 1, -1, 899, -899, 900, -900):
        vector(f"date {off:+} s", Call(date=date_of(NOW + off)))
    for off in (901, -901, 3600, -3600, 86_400, -86_400, 315_360_000, -315_360_000):
        vector(f"date refused {off:+} s", Call(date=date_of(NOW + off)), "ClockSkew")
    vector("date exact, no window", Call(), window=0)
    vector("date refused: a second off, no window", Call(date=date_of(NOW + 1)), "ClockSkew", window=0)
    vector("date refused: no second is good", Call(), "ClockSkew", window=-1)
    for text in ("20240229T235959Z", "20000229T000000Z", "19700101T000000Z", "20380119T031408Z", "99991231T235959Z"):
        now = timegm(strptime(text, "%Y%m%dT%H%M%SZ"))
        vector(f"date {text}", Call(date=text), now=now)
    for text in (
        "20260102T030000", "20260102T030000z", "20260102t030000Z", "2026-01-02T03:00:00Z", "20260102T030000.0Z",
        "20260102T030000+0000", "20260102 030000Z", "1767322800", "", "20260102T240000Z", "20260102T036000Z",
        "20260102T030060Z", "20260132T030000Z", "20261302T030000Z", "20260229T030000Z", "20260100T030000Z",
        "Fri, 02 Jan 2026 03:00:00 GMT", "\xb220260102T03000Z", "+0260102T030000Z", "20260102T030000Z, 20260102T030000Z",
    ):
        vector(f"date refused {text!r}", Call(date=text), "BadDate")
    call = Call()
    vector("date changed within the window", call, "BadSignature", headers=replaced(call, DATE, date_of(NOW + 1)))


def keys():
    """The secret belongs to the key id that is claimed."""
    for key in KEYS:
        usable = KEYS[key].strip("\0") != ""
        vector(f"key {key[:30]}", Call(key=key), None if usable else "BadSignature")
    vector("key refused: unknown", Call(key="AK-NOBODY"), "BadSignature")
    vector("key refused: in another case", Call(key=AK.lower(), secret=SK), "BadSignature")
    vector("key refused: another's secret", Call(secret=KEYS["AK-OTHER-0002"]), "BadSignature")
    vector("key refused: no secret", Call(secret=""), "BadSignature")
    vector("key refused: secret with a blank", Call(secret=SK + " "), "BadSignature")
    vector("key refused: secret in capitals", Call(secret=SK.upper()), "BadSignature")
    vector("key refused: secret with a NUL and more", Call(secret=SK + "\0x"), "BadSignature")
    call = Call()
    other = call.authorization().replace(AK, "AK-SAME-SECRET")
    vector("key that has the same secret", call, authorization=other)
    vector("key refused: claimed afterwards", call, "BadSignature", authorization=call.authorization().replace(AK, "a"))


def authorizations():
    """The value has one spelling but for the blanks behind commas."""
    call = Call(headers=[("x-tenant", "one")])
    value = call.authorization()
    names, signature = call.signed()
    listed = ";".join(names)
    vector("authorization in x-Authorization", call, carriers=["X-Authorization"])
    vector("authorization in both, the same", call, carriers=["authorization", "x-authorization"])
    vector("authorization with blanks around", call, authorization=f" {value}  ")
    vector("authorization without blanks after the commas", call, authorization=value.replace(", ", ","))
    vector("authorization with one blank after a comma", call, authorization=value.replace(", ", ",", 1))

    def refused(name, error, text):
        vector(f"authorization refused: {name}", call, error, authorization=text)

    unsupported, malformed = "UnsupportedAlgorithm", "MalformedAuthorization"
    for word in (
        "sdk-hmac-sha256", "SDK-HMAC-SM3", "SDK-HMAC-SHA1", "SDK-ECDSA-P256-SHA256", "SDK-SM2-SM3",
        "V11-HMAC-SHA256", "AWS4-HMAC-SHA256", "HMAC-SHA256", "Bearer", "Basic", "none", "SDK-HMAC-SHA256,", "",
    ):
        refused(f"word {word!r}", unsupported, value.replace("SDK-HMAC-SHA256", word, 1))
    refused("a tab for the blank", malformed, value.replace("256 A", "256\tA"))
    for name, before, after in (
        ("two blanks", "256 A", "256  A"), ("access in lower case", "Access", "access"),
        ("Credential", "Access", "Credential"), ("a blank before =", "Access=", "Access ="),
        ("a blank after =", "Access=", "Access= "),
        ("two blanks after the comma", ", Sig", ",  Sig"), ("a blank before the comma", ", Sig", " , Sig"),
        ("a semicolon for the comma", ", Sig", "; Sig"), ("no comma", ", Sig", " Sig"),
        ("names in capitals", "x-tenant,", "X-Tenant,"), ("a comma in the names", ";x-tenant", ",x-tenant"),
        ("a blank in the names", ";x-tenant", "; x-tenant"), ("a colon in the names", ";x-tenant", ":x-tenant"),
        ("an empty name", ";x-tenant", ";;x-tenant"), ("an empty last name", ";x-tenant", ";x-tenant;"),
        ("no names", listed, ""), ("a name twice", "host;", "host;host;"),
        ("names out of order", listed, ";".join(reversed(names))), ("quoted names", listed, f'"{listed}"'),
        ("no key", AK, ""), ("a key with a comma", AK, "AK,1"), ("a key with a blank", AK, "AK 1"),
        ("a key that is too long", AK, "k" * 129), ("a quoted signature", signature, f'"{signature}"'),
        ("signature in capitals", signature, signature.upper()), ("signature too short", signature, signature[:-1]),
        ("signature too long", signature, signature + "0"), ("signature that is no hex", signature, "g" + signature[1:]),
        ("no signature", signature, ""), ("signature in base64", signature, "q" * 43 + "="),
        ("something behind it", signature, signature + ", x=y"), ("a comma behind it", signature, signature + ","),
        ("signature twice", ", Signature=", f", Signature={signature}, Signature="),
        ("key twice", "Access=", "Access=a, Access="), ("a key with bytes beyond ASCII", AK, "AK\xe9"),
    ):
        error = malformed
        refused(name, error, value.replace(before, after, 1))
    refused("another order", malformed, f"SDK-HMAC-SHA256 SignedHeaders={listed}, Access={AK}, Signature={signature}")
    refused("only the word", malformed, "SDK-HMAC-SHA256")
    many = ";".join(sorted(["host", DATE, *(f"x-h{n:02}" for n in range(63))]))
    refused("65 names", malformed, value.replace(listed, many))
    refused("a name that is too long", malformed, value.replace(listed, f"{listed};{'z' * 101}"))
    refused("none", "MissingAuthorization", None)
    refused("empty", unsupported, "")
    vector("authorization refused: twice", call, "DuplicateHeader", carriers=["authorization"] * 2)
    vector("authorization refused: x-Authorization twice", call, "DuplicateHeader", carriers=["x-authorization"] * 2)
    vector("authorization refused: two that differ", call, "Conflict",
           headers=[*call.headers, ("x-authorization", value.replace(signature, "0" * 64))])
    vector("authorization refused: a Bearer beside it", call, "Conflict", headers=[*call.headers, ("x-authorization", "Bearer x")])
    for place in (0, 1, 31, 62, 63):
        digit = "0" if signature[place] != "0" else "1"
        refused(f"digit {place} changed", "BadSignature", value.replace(signature, signature[:place] + digit + signature[place + 1:]))
    refused("all zeroes", "BadSignature", value.replace(signature, "0" * 64))
    refused("turned around", "BadSignature", value.replace(signature, signature[::-1]))
    refused("a name less", "BadSignature", value.replace(";x-tenant", ""))


def methods():
    """The method is signed."""
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "PURGE", "M-SEARCH"):
        vector(f"method {method}", Call(method))
    for method in ("POST", "HEAD", "DELETE"):
        vector(f"method refused: {method} for GET", Call(), "BadSignature", method=method)
    for method in ("get", "Get", "gET"):
        vector(f"method refused: {method}", Call(method), "BadMethod")


def mistakes():
    """What signers get wrong: each gives another signature."""
    rich = {
        "method": "POST", "path": ("caf\u00e9", "a b"), "body": b"{}",
        "query": [("b", ""), ("a", "2 3"), ("a", "10"), ("é", "1"), ("~", "2")],
        "headers": [("x-tenant", "One   two")],
    }
    vector("signed without a mistake", Call(**rich))
    for mistake in (
        "no slash at the end", "path encoded twice", "path not encoded", "lower hex", "query not sorted",
        "query sorted when encoded", "plus for a blank", "no equals sign", "query left out",
        "blanks within collapsed", "values in lower case", "a blank behind the colon", "no line behind the headers",
        "hash in upper case", "no body hash", "names with commas", "method in lower case", "lines ended by CR LF",
        "another date", "no hash of the request", "a line feed at the end", "no word", "derived key",
        "key and text swapped", "another hash",
    ):
        vector(f"mistake: {mistake}", Call(**rich, mistake=mistake), "BadSignature")


def main() -> int:
    """Writes the file, or compares it."""
    for group in (paths, queries, headers, bodies, dates, keys, authorizations, methods, mistakes):
        group()
    lines = ",\n".join(json.dumps(each) for each in vectors)
    text = f'{{"keys": {json.dumps(KEYS)},\n"vectors": [\n{lines}\n]}}\n'
    refused = sum(each["verdict"] == "refused" for each in vectors)
    print(f"{len(vectors)} vectors, {len(vectors) - refused} accepted, {refused} refused")
    if "--check" in sys.argv[1:]:
        same = FILE.read_text(encoding="ascii") == text
        print("as in the file" if same else "not as in the file: run it without --check")
        return 0 if same else 1
    FILE.write_text(text, encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
