//! The id of a call: what its caller, its backend and the log have in common.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand;
use http::HeaderValue;

/// 32 hex digits: 16 drawn at random when the gate is made, 16 of a counter that is shuffled, so that
/// any share of the ids is a fair sample. A caller's own id is not taken over, so nobody can make two
/// calls look like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

/// Makes the ids of one gate. Drawing each of them anew would cost a call more than its counting.
#[derive(Debug)]
pub(crate) struct RequestIds {
    /// The first half of each.
    drawn: u64,
    /// Where counting began.
    start: u64,
    next: AtomicU64,
}

impl RequestIds {
    /// Draws a new beginning. When the machine has no randomness left it is all zeros, which is no
    /// reason to deny.
    pub(crate) fn new() -> Self {
        let draw = || {
            let mut bytes = [0; 8];
            if rand::fill(&mut bytes).is_ok() { u64::from_ne_bytes(bytes) } else { 0 }
        };
        Self { drawn: draw(), start: draw(), next: AtomicU64::new(0) }
    }

    /// The next id.
    pub(crate) fn next(&self) -> RequestId {
        let number = self.start.wrapping_add(self.next.fetch_add(1, Ordering::Relaxed));
        let mut text = [b'0'; 32];
        let (first, second) = text.split_at_mut(16);
        write(self.drawn, first);
        write(shuffled(number), second);
        RequestId(HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("0")))
    }
}

/// Another number for each, with nothing left of their order (the finaliser of SplitMix64).
fn shuffled(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn write(number: u64, digits: &mut [u8]) {
    for (place, to) in digits.iter_mut().rev().enumerate() {
        *to = digit(number >> (4 * place));
    }
}

/// The lowest four bits, as a hex digit.
fn digit(number: u64) -> u8 {
    let nibble = u8::try_from(number & 15).unwrap_or(0);
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

impl RequestId {
    /// Its digits.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// As a header's value.
    pub(crate) fn value(&self) -> &HeaderValue {
        &self.0
    }

    /// As a header's value, to keep.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
    }
}
