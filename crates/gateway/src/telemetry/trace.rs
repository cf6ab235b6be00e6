//! A call's place in a trace, by the W3C's `traceparent`.

use http::{HeaderMap, HeaderName};

use super::Share;
use crate::headers::Sets;
use crate::request_id::RequestId;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The gate's span in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The trace.
    pub id: u128,
    /// The caller's span, if he has one.
    pub parent: Option<u64>,
    /// The gate's span.
    pub span: u64,
    /// Is it kept?
    pub is_sampled: bool,
}

impl Trace {
    /// Goes on with the caller's trace, which says itself whether it is kept. Without one the trace
    /// has the call's own id, and `share` of them are kept.
    pub(crate) fn of_call(share: Share, headers: &HeaderMap, request: &RequestId) -> Self {
        let own = u128::from_str_radix(request.as_str(), 16).unwrap_or_default();
        // As random as the id is, and told apart within any trace; drawing another one costs more than
        // the whole account of a call.
        let span = low_half(own).max(1);
        if let Some((id, parent, is_sampled)) = brought(headers) {
            return Self { id, parent: Some(parent), span, is_sampled };
        }
        let id = own.max(1);
        Self { id, parent: None, span, is_sampled: share.takes(low_half(id)) }
    }

    /// Makes the gate's span the parent of the backend's.
    pub(crate) fn pass_on(&self, headers: &mut impl Sets) {
        let flags = u8::from(self.is_sampled);
        let text = format!("00-{:032x}-{:016x}-{flags:02x}", self.id, self.span);
        headers.set(TRACEPARENT, text.as_bytes());
    }

    /// Does a header say what is said by this trace from now on, or belong to one that ended here?
    pub(crate) fn replaces(&self, name: &HeaderName) -> bool {
        *name == TRACEPARENT || (*name == TRACESTATE && self.parent.is_none())
    }
}

/// The caller's trace and span, and whether they are kept.
fn brought(headers: &HeaderMap) -> Option<(u128, u64, bool)> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let mut fields = value.to_str().ok()?.split('-');
    let (version, id) = (hex(fields.next()?, 2)?, hex(fields.next()?, 32)?);
    let (parent, flags) = (hex(fields.next()?, 16)?, hex(fields.next()?, 2)?);
    // A later version may have more fields; this one has none.
    let is_readable = match version {
        0 => fields.next().is_none(),
        0xff => false,
        _ => true,
    };
    (is_readable && id != 0 && parent != 0).then(|| (id, low_half(parent), flags & 1 == 1))
}

/// A number of exactly so many lower-case hex digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let is_number = text.len() == digits && text.bytes().all(is_hex);
    is_number.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

fn low_half(number: u128) -> u64 {
    u64::try_from(number & u128::from(u64::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::request_id::RequestIds;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn of(values: &[&str], share: Share) -> (Trace, String) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_str(value).unwrap());
        }
        headers.insert(TRACESTATE, HeaderValue::from_static("a=1"));
        let id = RequestIds::new().next();
        let trace = Trace::of_call(share, &headers, &id);
        assert!(trace.replaces(&TRACEPARENT));
        assert_eq!(trace.replaces(&TRACESTATE), trace.parent.is_none());
        trace.pass_on(&mut headers);
        if trace.parent.is_none() {
            assert_eq!(format!("{:032x}", trace.id), id.as_str());
        }
        (trace, headers.get(TRACEPARENT).unwrap().to_str().unwrap().to_owned())
    }

    #[test]
    fn the_callers_trace_goes_on_and_decides_whether_it_is_kept() {
        let none = Share::new(0.0).unwrap();
        let (trace, sent) = of(&[GOOD], none);
        assert_eq!(trace.id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!(trace.parent, Some(0xb7ad_6b71_6920_3331));
        assert!(trace.is_sampled);
        let span = trace.span;
        assert_eq!(sent, format!("00-0af7651916cd43dd8448eb211c80319c-{span:016x}-01"));
        let (unkept, sent) = of(&[&GOOD.replace("-01", "-00")], Share::ALL);
        assert!(!unkept.is_sampled && sent.ends_with("-00"));
        assert!(of(&[&GOOD.replacen("00", "cc", 1)], none).0.parent.is_some(), "a later version");
    }

    #[test]
    fn what_is_no_trace_begins_a_new_one() {
        for bad in [
            "",
            "x",
            &GOOD.replacen("00", "ff", 1),
            &GOOD.to_uppercase(),
            &format!("{GOOD}-01"),
            &GOOD.replace("b7ad6b7169203331", "0000000000000000"),
            &GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
        ] {
            assert_eq!(of(&[bad], Share::ALL).0.parent, None, "{bad}");
        }
        let (two, _) = of(&[GOOD, GOOD], Share::new(0.0).unwrap());
        assert!(two.parent.is_none() && !two.is_sampled);
        assert!(of(&[], Share::ALL).0.is_sampled);
    }
}
