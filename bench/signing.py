"""SDK-HMAC-SHA256, as far as the benchmarks need it. Written from the description, not from the
server's code, so that the two can disagree."""

import hashlib
import hmac
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote, unquote, urlsplit


def encoded(text):
    return quote(text, safe="-_.~")


def sign(method, url, key, secret, headers=None, body=b""):
    """The headers of a request, with its signature."""
    parts = urlsplit(url)
    headers = {name.lower(): value for name, value in (headers or {}).items()}
    headers["host"] = parts.netloc
    headers["x-sdk-date"] = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    path = "/".join(encoded(segment) for segment in unquote(parts.path).split("/"))
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    names = sorted(headers)
    canonical = "\n".join([
        method,
        path if path.endswith("/") else path + "/",
        "&".join(f"{encoded(name)}={encoded(value)}" for name, value in query),
        "".join(f"{name}:{headers[name].strip()}\n" for name in names),
        ";".join(names),
        hashlib.sha256(body).hexdigest(),
    ])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"SDK-HMAC-SHA256\n{headers['x-sdk-date']}\n{digest}"
    signature = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"SDK-HMAC-SHA256 Access={key}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return headers
