"""What Envoy asks of a call: a CheckRequest with what Envoy 1.40 puts into one, framed for gRPC."""

import struct


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    """A number, a text, or bytes, which a message is, too."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def peer(address, port):
    return field(1, field(1, field(2, address) + field(3, port)))


def header(name, value):
    return field(1, field(1, name) + field(3, value))


def question(method, host, path, headers, body=b""):
    """Headers are told as they came, with `encode_raw_headers`."""
    told = {":authority": host, ":path": path, ":method": method, ":scheme": "http", **headers,
            "x-forwarded-proto": "http", "x-request-id": "0b5f2fd4-39a4-9d55-8a0f-6d6a3d6a0a61"}
    http = (field(1, "1234567890123456789") + field(2, method) + field(4, path) + field(5, host) + field(6, "http")
            + field(9, len(body)) + field(10, "HTTP/1.1") + (field(12, body) if body else b"")
            + field(13, b"".join(header(name, value) for name, value in told.items())))
    request = field(1, field(1, 1_800_000_000) + field(2, 123_456_000)) + field(2, http)
    context = (field(1, peer("10.0.0.17", 53_412)) + field(2, peer("10.0.0.2", 8_080)) + field(4, request)
               + field(11, b"") + field(13, b""))
    message = field(1, context)
    return struct.pack(">BI", 0, len(message)) + message
