//! The id of a call: what its caller, its backend and the log have in common.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand;
use http::HeaderValue;

/// 32 hex digits: 20 drawn at random when the gate is made, 12 counted by it. A caller's own id is
/// not taken over, so nobody can make two calls look like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

/// Makes the ids of one gate. Drawing each of them anew would cost a call more than its counting.
#[derive(Debug)]
pub(crate) struct RequestIds {
    drawn: [u8; DRAWN],
    next: AtomicU64,
}

const DRAWN: usize = 20;
const COUNTED: usize = 12;

impl RequestIds {
    /// Draws a new beginning. When the machine has no randomness left it is all zeros, which is no
    /// reason to deny.
    pub(crate) fn new() -> Self {
        let mut bytes = [0_u8; DRAWN];
        if rand::fill(&mut bytes).is_err() {
            bytes = [0; DRAWN];
        }
        Self { drawn: bytes.map(|byte| digit(byte.into())), next: AtomicU64::new(0) }
    }

    /// The next id.
    pub(crate) fn next(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = [b'0'; DRAWN + COUNTED];
        let (drawn, counted) = text.split_at_mut(DRAWN);
        drawn.copy_from_slice(&self.drawn);
        for (place, to) in counted.iter_mut().rev().enumerate() {
            *to = digit(number >> (4 * place));
        }
        RequestId(HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("0")))
    }
}

/// The lowest four bits, as a hex digit.
fn digit(number: u64) -> u8 {
    let nibble = u8::try_from(number & 15).unwrap_or(0);
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

impl RequestId {
    /// As a header's value.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_32_hex_digits_and_differ() {
        let (here, there) = (RequestIds::new(), RequestIds::new());
        let ids = [here.next(), here.next(), there.next(), there.next()];
        for (n, id) in ids.iter().enumerate() {
            let text = id.to_string();
            assert_eq!(text.len(), 32);
            assert!(text.bytes().all(|b| b.is_ascii_hexdigit()));
            assert!(!ids[..n].contains(id));
        }
        assert!(ids[1].to_string().ends_with("000000000001"));
    }
}
