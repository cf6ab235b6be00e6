//! The `Authorization` value.

use crate::SignError;
use crate::hex;
use crate::limits::{
    MAX_ACCESS_BYTES, MAX_AUTHORIZATION_BYTES, MAX_HEADER_NAME_BYTES, MAX_SIGNED_HEADERS,
};

/// The algorithm word, also the first line of the string to sign.
pub const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// The parts of an `Authorization` value, borrowed from it. Only [`Authorization::parse`] makes one.
///
/// None of it is proven: the key id is what the caller claims to be, until
/// [`check`](crate::check()) has passed with that key's secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authorization<'a> {
    /// The key id (AK, AppKey): 1 to [`MAX_ACCESS_BYTES`] visible ASCII characters, no comma.
    pub access: &'a str,
    /// Lower-case names, strictly ascending, at least one, at most [`MAX_SIGNED_HEADERS`].
    pub signed_headers: Vec<&'a str>,
    /// 64 lower-case hex digits.
    pub signature: &'a str,
    /// The names as they were written, between semicolons.
    pub(crate) names: &'a str,
    /// The signature's value.
    pub(crate) mac: [u8; 32],
}

impl<'a> Authorization<'a> {
    /// Reads `SDK-HMAC-SHA256 Access=<key>, SignedHeaders=<a;b;c>, Signature=<hex>`, in this order,
    /// with one blank or none behind each comma: known signers write either.
    ///
    /// # Errors
    ///
    /// [`SignError::UnsupportedAlgorithm`] if the first word is another one, else
    /// [`SignError::MalformedAuthorization`] naming the part that is wrong.
    pub fn parse(value: &'a str) -> Result<Self, SignError> {
        let malformed = SignError::MalformedAuthorization;
        if value.len() > MAX_AUTHORIZATION_BYTES {
            return Err(malformed("too long"));
        }
        let (word, items) = value.split_once(' ').unwrap_or((value, ""));
        if word != ALGORITHM {
            return Err(SignError::UnsupportedAlgorithm);
        }
        let items = items.strip_prefix("Access=").ok_or(malformed("Access"))?;
        // Neither a key nor a name holds a comma.
        let (access, items) = part(items, "SignedHeaders=").ok_or(malformed("SignedHeaders"))?;
        let (names, signature) = part(items, "Signature=").ok_or(malformed("Signature"))?;

        if !is_access(access) {
            return Err(malformed("Access"));
        }
        let mac = hex::decode_lower(signature.as_bytes()).ok_or(malformed("Signature"))?;
        let count = names.bytes().filter(|byte| *byte == b';').count() + 1;
        if count > MAX_SIGNED_HEADERS {
            return Err(malformed("too many SignedHeaders"));
        }
        let mut signed_headers = Vec::with_capacity(count);
        signed_headers.extend(names.split(';'));
        if !signed_headers.iter().all(|name| is_lower_case_header_name(name)) {
            return Err(malformed("SignedHeaders must be lower-case header names"));
        }
        if !signed_headers.is_sorted_by(|before, after| before < after) {
            return Err(malformed("SignedHeaders must be sorted and without repeats"));
        }
        Ok(Self { access, signed_headers, signature, names, mac })
    }

    /// Whether the (lower-case) header is among the signed ones.
    #[must_use]
    pub fn signs(&self, name: &str) -> bool {
        self.signed_headers.contains(&name)
    }
}

/// What comes before the first comma, and what comes after it, a blank if there is one, and `next`.
fn part<'a>(items: &'a str, next: &str) -> Option<(&'a str, &'a str)> {
    let (before, after) = items.split_once(',')?;
    Some((before, after.strip_prefix(' ').unwrap_or(after).strip_prefix(next)?))
}

/// A key id that can be written into the value and read back.
pub(crate) fn is_access(access: &str) -> bool {
    (1..=MAX_ACCESS_BYTES).contains(&access.len())
        && access.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

fn is_lower_case_header_name(name: &str) -> bool {
    (1..=MAX_HEADER_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| OF_NAMES[usize::from(byte)])
}

/// What a lower-case header name is made of.
static OF_NAMES: [bool; 256] = {
    let mut of_names = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let character = byte as u8;
        of_names[byte] = character.is_ascii_lowercase()
            || character.is_ascii_digit()
            || matches!(
                character,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        byte += 1;
    }
    of_names
};
