"""SDK-HMAC-SHA256, as an app signs."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timezone
from urllib.parse import quote, unquote


def signed(method, host, path, *, key, secret, headers=None, body=b""):
    """The headers of a signed call: those given, the host, the date and the signature."""
    date = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    all_headers = {"host": host, "x-sdk-date": date}
    all_headers |= {name.lower(): value for name, value in (headers or {}).items()}
    path, _, query = path.partition("?")
    canonical_path = "/".join(quote(part, safe="-_.~") for part in path.split("/"))
    canonical_path = canonical_path if canonical_path.endswith("/") else canonical_path + "/"
    pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    pairs = sorted((unquote(name), unquote(value)) for name, value in pairs)
    names = sorted(all_headers)
    body_line = all_headers.get("x-sdk-content-sha256") or hashlib.sha256(body).hexdigest()
    canonical = "\n".join(
        [
            method,
            canonical_path,
            "&".join(f"{quote(n, safe='-_.~')}={quote(v, safe='-_.~')}" for n, v in pairs),
            *(f"{name}:{all_headers[name]}" for name in names),
            "",
            ";".join(names),
            body_line,
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"SDK-HMAC-SHA256\n{date}\n{digest}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    all_headers["authorization"] = (
        f"SDK-HMAC-SHA256 Access={key}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return all_headers
