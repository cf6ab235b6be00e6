//! Hex.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Lower-case digits, two for each byte.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits(*byte)).map(char::from).collect()
}

/// The digits of a hash.
pub(crate) fn encode_hash(hash: &[u8; 32]) -> [[u8; 2]; 32] {
    hash.map(digits)
}

fn digits(byte: u8) -> [u8; 2] {
    PAIRS[usize::from(byte)]
}

/// The digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

/// The value of each digit; `NONE` of everything else.
const fn values(either_case: bool) -> [u8; 256] {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 16 {
        let digit = DIGITS[value as usize];
        values[digit as usize] = value;
        if either_case {
            values[digit.to_ascii_uppercase() as usize] = value;
        }
        value += 1;
    }
    values
}
const NONE: u8 = 255;
static VALUES: [u8; 256] = values(true);
static VALUES_LOWER: [u8; 256] = values(false);

/// Reads 64 hex digits of either case.
pub(crate) fn decode(text: &[u8]) -> Option<[u8; 32]> {
    read(text, &VALUES)
}

/// Reads 64 hex digits, lower case only, so that a value has one spelling.
pub(crate) fn decode_lower(text: &[u8]) -> Option<[u8; 32]> {
    read(text, &VALUES_LOWER)
}

fn read(text: &[u8], values: &[u8; 256]) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_chunks::<2>();
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    let mut seen = 0;
    let bytes = pairs.map(|[high, low]| {
        let (high, low) = (values[usize::from(high)], values[usize::from(low)]);
        seen |= high | low;
        high << 4 | low
    });
    // Only what is no digit sets a high bit.
    (seen < 16 && rest.is_empty()).then_some(bytes)
}
