#!/usr/bin/env python3
"""Checks every request of verdicts.json and clients.json, and compares the verdict.

    crates/sign/vectors/check.py

A checker of its own: it shares nothing with the crate, and nothing with the signer that wrote the file.
It reads what arrives, byte by byte. Only Python's own library is used.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import sys
from datetime import datetime, timezone
from itertools import product
from pathlib import Path

UNRESERVED = rb"A-Za-z0-9\-._~"
NOTHING = hashlib.sha256().hexdigest()
FORM = re.compile(
    rb"Access=([!-+\--~]{1,128}), ?SignedHeaders=([^,]*), ?Signature=([0-9a-f]{64})", re.DOTALL
)
NAME = re.compile(rb"[a-z0-9!#$%&'*+\-.^_`|~]{1,100}")
METHOD = re.compile(rb"[A-Z0-9!#$%&'*+\-.^_`|~]+")


class Refused(Exception):
    """The request is not let in; the argument is the name of the reason."""


def demand(holds, reason):
    """Refuses what does not hold."""
    if not holds:
        raise Refused(reason)


def encode(plain: bytes) -> bytes:
    """Percent-encodes all but the unreserved characters."""
    return re.sub(rb"[^" + UNRESERVED + rb"]", lambda found: b"%%%02X" % found[0][0], plain)


def decode(wire: bytes) -> bytes:
    """Decodes percent-escapes, which must be whole and make UTF-8."""
    demand(not re.search(rb"%(?![0-9A-Fa-f]{2})", wire), "BadEscape")
    plain = re.sub(rb"%(..)", lambda found: bytes([int(found[1], 16)]), wire)
    try:
        plain.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("NotUtf8") from None
    return plain


def everywhere(wire: bytes, also: bytes):
    """Refuses by the first byte that may not be there; `also` are those that may."""
    for byte in wire:
        demand(byte != ord("#"), "Fragment")
        demand(byte != ord("\\"), "Backslash")
        demand(31 < byte != 127, "Control")
        demand(re.match(rb"[" + also + rb"]", bytes([byte])), "NotEncoded")


def canonical_path(path: bytes) -> bytes:
    """The path as it is signed."""
    demand(path.startswith(b"/"), "NotOriginForm")
    path = path[1:].removesuffix(b"/")
    if not path:
        return b"/"
    segments = path.split(b"/")
    canonical = b"/"
    for number, segment in enumerate(segments):
        demand(number < 64, "TooManySegments")
        everywhere(segment, rb"A-Za-z0-9\-._~%!$&'()*+,=:@;")
        plain = decode(segment)
        demand(plain, "EmptySegment")
        demand(plain not in (b".", b".."), "DotSegment")
        for character in plain.decode():
            demand(character != "/", "EncodedSlash")
            demand(character != "\\", "Backslash")
            demand(character != ";", "Semicolon")
            demand(not (ord(character) < 32 or 127 <= ord(character) < 160), "Control")
        canonical += encode(plain) + b"/"
    return canonical


def canonical_queries(query: bytes) -> list[bytes]:
    """The query as it is signed: sorted by what it means, or by the names alone, as the official Java SDK
    does, with the values of a name as they are sent."""
    pairs = []
    for pair in (pair for pair in query.split(b"&") if pair):
        demand(len(pairs) < 256, "TooManyPairs")
        everywhere(pair, b"!-~")
        name, _, value = pair.partition(b"=")
        name, value = decode(name), decode(value)
        demand(b"\0" not in name + value, "Control")
        pairs.append((name, value))
    orders = [sorted(pairs), sorted(pairs, key=lambda pair: pair[0])]
    return [b"&".join(encode(name) + b"=" + encode(value) for name, value in order) for order in orders]


class Headers:
    """The headers as they arrived."""

    def __init__(self, sent):
        self.sent = [(name.lower(), value.encode("latin-1")) for name, value in sent]

    def one(self, name: str):
        """The one value, without the blanks around it; none if it was not sent."""
        values = [value for known, value in self.sent if known == name]
        demand(len(values) < 2, "DuplicateHeader")
        # What HTTP counts as blanks, and no more.
        return values[0].strip(b" \t\n\r\f") if values else None


def authorization(headers: Headers) -> bytes:
    """The one value that both headers agree on."""
    second, first = headers.one("x-authorization"), headers.one("authorization")
    if first is not None and second is not None:
        demand(first == second, "Conflict")
    value = first if first is not None else second
    demand(value is not None, "MissingAuthorization")
    demand(re.fullmatch(rb"[ -~]*", value), "MalformedAuthorization")
    return value


def when(text: bytes) -> int:
    """The moment, in seconds."""
    demand(re.fullmatch(rb"[0-9]{8}T[0-9]{6}Z", text), "BadDate")
    digits = text.decode()
    try:
        moment = datetime.strptime(digits, "%Y%m%dT%H%M%SZ")
    except ValueError:
        raise Refused("BadDate") from None
    # It reads second 60 and 61, too.
    demand(int(digits[13:15]) < 60, "BadDate")
    return int(moment.replace(tzinfo=timezone.utc).timestamp())


def last_lines(headers: Headers, is_signed: bool, body: bytes, payload: str) -> list[bytes]:
    """What the last line may be; the first of them is the official SDK's."""
    declared = headers.one("x-sdk-content-sha256")
    is_word = declared == b"UNSIGNED-PAYLOAD"
    if declared is not None and not is_word:
        demand(re.fullmatch(rb"[0-9A-Fa-f]{64}", declared), "BadContentHash")
    if payload != "whole":
        demand(declared is not None, "MissingContentHash")
        demand(payload == "unsigned" or not is_word, "UnsignedPayloadRefused")
        demand(is_signed, "ContentHashNotSigned")
        if not is_word:
            # Checked here as the body goes by.
            demand(declared.lower() == hashlib.sha256(body).hexdigest().encode(), "BodyMismatch")
        return [declared]
    real = hashlib.sha256(body).hexdigest().encode()
    if declared is None:
        return [real]
    if is_word:
        demand(not body, "UnsignedPayloadRefused")
    else:
        demand(declared.lower() == real, "BodyMismatch")
    if not body:
        return [real, declared] if is_signed else [real]
    demand(is_signed, "ContentHashNotSigned")
    return [declared]


def check(keys: dict, request: dict):
    """Lets the request in, or says why not."""
    target = request["target"].encode("latin-1")
    demand(len(target) <= 8192, "TooLong")
    path, _, query = target.partition(b"?")
    path, queries = canonical_path(path), canonical_queries(query)

    headers = Headers(request["headers"])
    word, _, items = authorization(headers).partition(b" ")
    demand(word == b"SDK-HMAC-SHA256", "UnsupportedAlgorithm")
    found = FORM.fullmatch(items)
    demand(found, "MalformedAuthorization")
    access, listed, signature = found.groups()
    names = listed.split(b";")
    demand(len(names) <= 64 and all(map(NAME.fullmatch, names)), "MalformedAuthorization")
    demand(all(a < b for a, b in zip(names, names[1:])), "MalformedAuthorization")

    demand(b"x-sdk-date" in names, "DateNotSigned")
    method = request["method"].encode()
    demand(METHOD.fullmatch(method), "BadMethod")
    lines = b""
    for name in names:
        value = headers.one(name.decode())
        demand(value is not None, "HeaderNotPresent")
        demand(name != b"host" or re.fullmatch(rb"[!-~]+", value), "BadHost")
        lines += name + b":" + value + b"\n"
    date = headers.one("x-sdk-date")
    off = when(date) - request["now"]
    demand(request["window"] >= 0 and abs(off) <= request["window"], "ClockSkew")
    body = request["body"].encode("latin-1")
    possible = last_lines(headers, b"x-sdk-content-sha256" in names, body, request["payload"])

    secret = keys.get(access.decode(), "").encode()
    for last, query in product(possible, queries):
        canonical = b"\n".join([method, path, query, lines, listed, last])
        digest = hashlib.sha256(canonical).hexdigest().encode()
        text = b"\n".join([b"SDK-HMAC-SHA256", date, digest])
        right = hmac.new(secret, text, hashlib.sha256).hexdigest().encode()
        # A secret of nothing, or of zero bytes, which HMAC takes for nothing, opens no door.
        if secret.strip(b"\0") and hmac.compare_digest(right, signature):
            return
    raise Refused("BadSignature")


def check_file(name: str) -> bool:
    """Checks a file. Whether any verdict is another one than stands there."""
    file = json.loads(Path(__file__).with_name(name).read_text(encoding="ascii"))
    wrong, counts = 0, {"accepted": 0, "refused": 0}
    for vector in file["vectors"]:
        error = None
        try:
            check(file["keys"], vector)
        except Refused as refused:
            error = str(refused)
        counts["refused" if error else "accepted"] += 1
        if error != vector["error"]:
            wrong += 1
            print(f"{vector['name']}: {error} here, {vector['error']} there")
    print(f"{name}: {counts['accepted']} accepted, {counts['refused']} refused, {wrong} of them wrongly")
    return wrong > 0


def main() -> int:
    """Checks them all."""
    return sum([check_file("verdicts.json"), check_file("clients.json")])


if __name__ == "__main__":
    sys.exit(main())
