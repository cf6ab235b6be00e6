//! A call as one JSON object. Every line has every field, in this order, so that columns can be read
//! off; what is not known is `null`.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use http::Version;
use tidegate_domain::Timestamp;

use crate::json;
use crate::limits::LOG_TEXT_BYTES;
use crate::telemetry::{Aborted, Record};

/// A field: its name, and what it says.
pub type Field = (&'static str, &'static str);

/// A field, and how it is written.
type Column = (Field, for<'a> fn(&'a Record<'a>) -> Value<'a>);

/// A value of a field.
enum Value<'a> {
    Text(Option<&'a str>),
    Number(Option<u64>),
    Time(Option<Timestamp>),
    Peer(Option<SocketAddr>),
    Trace(Option<u128>),
    Us(Duration),
}
use Value::{Number, Peer, Text, Time, Us};

/// All fields, in the order they are written.
pub const FIELDS: [Field; COLUMNS.len()] = {
    let mut fields = [("", ""); COLUMNS.len()];
    let mut index = 0;
    while index < fields.len() {
        fields[index] = COLUMNS[index].0;
        index += 1;
    }
    fields
};

const COLUMNS: [Column; 27] = [
    (("time", "when the call began, by the wall clock: RFC 3339, UTC, milliseconds"), |r| {
        Time(Some(r.time))
    }),
    (("kind", "`call`: the gateway forwarded it; `check`: another proxy asked about it"), |r| {
        Text(Some(r.kind.name()))
    }),
    (("request_id", "its id, as in the header `X-Request-Id`"), |r| Text(Some(r.request_id))),
    (("trace_id", "its trace, if traces are made"), |r| Value::Trace(r.trace.map(|t| t.id))),
    (("peer", "who connected: the caller's address and port, or the proxy's"), |r| Peer(r.peer)),
    (("protocol", "`HTTP/1.0`, `HTTP/1.1` or `HTTP/2`; of a call, not of a check"), |r| {
        Text(r.version.map(protocol))
    }),
    (("method", "its method"), |r| Text(r.method)),
    (
        ("path", "its canonical path, without the query; not of a call whose head was refused"),
        |r| Text(r.path),
    ),
    (("query_parameters", "how many parameters its query has"), |r| {
        Number(Some(r.parameters as u64))
    }),
    (("instance", "the instance"), |r| Text(r.instance)),
    (("api", "the API's id; of a denied call, the first API on its route"), |r| Text(r.api)),
    (("api_name", "the API's name"), |r| Text(r.api_name)),
    (("app", "the app that calls, if that is proved"), |r| Text(r.app)),
    (("claimed_app", "the app whose key was used, if nothing was proved by it"), |r| {
        Text(r.claimed_app)
    }),
    (
        ("verdict", "`admitted`, or the reason of the denial; `none` if the caller left before it"),
        |r| Text(Some(r.verdict_name())),
    ),
    (("status", "the status of the answer"), |r| Number(r.status.map(u64::from))),
    (("revision", "the revision the verdict was made on"), |r| Number(r.revision)),
    (("grant_end", "when the app's right to call ends"), |r| Time(r.grant_end)),
    (
        (
            "aborted",
            "who broke the call off: `caller`, `backend`, or `gateway` when the right to call ended while \
             the answer streamed",
        ),
        |r| Text(r.aborted.map(Aborted::name)),
    ),
    (("fault", "what went wrong behind the gateway"), |r| Text(r.fault)),
    (("bytes_in", "the size of the call's body, as far as it was read"), |r| {
        Number(Some(r.bytes_in))
    }),
    (("bytes_out", "the size of the answer's body, as far as it was sent"), |r| {
        Number(Some(r.bytes_out))
    }),
    (("read_us", "µs of waiting for a body that had to be held before the verdict"), |r| {
        Us(r.times.read)
    }),
    (("check_us", "µs of the verdict, without that wait"), |r| Us(r.times.check)),
    (("backend_us", "µs from the verdict to the head of the backend's answer"), |r| {
        Us(r.times.backend)
    }),
    (("transfer_us", "µs of the answer's body"), |r| Us(r.times.transfer)),
    (("total_us", "µs of all of it"), |r| Us(r.times.total)),
];

/// The line, with its end.
pub(super) fn of(record: &Record<'_>) -> String {
    let mut line = String::with_capacity(1_024);
    for (index, ((name, _), value)) in COLUMNS.iter().enumerate() {
        line.push_str(if index == 0 { "{\"" } else { ",\"" });
        line.push_str(name);
        line.push_str("\":");
        put(&mut line, &value(record));
    }
    line.push_str("}\n");
    line
}

fn put(line: &mut String, value: &Value<'_>) {
    // Writing to memory cannot fail.
    let _ = match value {
        Value::Text(Some(text)) => {
            put_text(line, text);
            Ok(())
        }
        Value::Number(Some(number)) => write!(line, "{number}"),
        Value::Time(Some(time)) => {
            put_time(line, *time);
            Ok(())
        }
        Value::Peer(Some(peer)) => write!(line, "\"{peer}\""),
        Value::Trace(Some(id)) => write!(line, "\"{id:032x}\""),
        Value::Us(time) => write!(line, "{}", time.as_micros()),
        Value::Text(None)
        | Value::Number(None)
        | Value::Time(None)
        | Value::Peer(None)
        | Value::Trace(None) => {
            line.push_str("null");
            Ok(())
        }
    };
}

/// A moment with its milliseconds, whatever they are.
fn put_time(line: &mut String, time: Timestamp) {
    let ms = time.as_ms().rem_euclid(1_000);
    let _ = write!(line, "\"{}", time.plus_ms(-ms));
    line.pop(); // the Z
    let _ = write!(line, ".{ms:03}Z\"");
}

/// A text in quotes; cut off if it is too long.
fn put_text(line: &mut String, text: &str) {
    let kept = text.get(..text.floor_char_boundary(LOG_TEXT_BYTES)).unwrap_or_default();
    let _ = write!(line, "{}", json::Text(kept));
    if kept.len() < text.len() {
        line.pop(); // the quote
        line.push_str("…\"");
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        Version::HTTP_2 => "HTTP/2",
        _ => "other",
    }
}
