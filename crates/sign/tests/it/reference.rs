//! The scheme once more, written for reading and sharing nothing but the hash with the crate: what
//! it says must be what the crate says.

use aws_lc_rs::{digest, hmac};
use tidegate_sign::Target;

use crate::support::{Call, hex};

/// Decoded path segments and query pairs.
pub struct Plain<'a> {
    pub segments: Vec<&'a str>,
    pub query: Vec<(&'a str, &'a str)>,
}

impl<'a> Plain<'a> {
    pub fn of(target: &'a Target) -> Self {
        Self { segments: target.segments().collect(), query: target.query().collect() }
    }
}

pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

/// The signature over all headers of the call; `x-sdk-date` must be one of them.
pub fn signature(call: &Call, plain: &Plain<'_>, secret: &str) -> String {
    let mut path = String::from("/");
    for segment in &plain.segments {
        path += &encode(segment);
        path += "/";
    }
    let mut pairs = plain.query.to_vec();
    pairs.sort();
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();

    let mut headers: Vec<(String, Vec<u8>)> = call
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().trim_ascii().to_vec()))
        .collect();
    headers.sort();
    let mut lines = Vec::new();
    for (name, value) in &headers {
        lines.extend([name.as_bytes(), b":", value, b"\n"].concat());
    }
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let date = &headers.iter().find(|(name, _)| name == "x-sdk-date").unwrap().1;

    let sha256 = |bytes: &[u8]| hex(digest::digest(&digest::SHA256, bytes).as_ref());
    let canonical = [
        call.method.as_bytes(),
        path.as_bytes(),
        pairs.join("&").as_bytes(),
        &lines,
        names.join(";").as_bytes(),
        sha256(&call.body).as_bytes(),
    ]
    .join(&b'\n');
    let message = [b"SDK-HMAC-SHA256".as_slice(), date, sha256(&canonical).as_bytes()].join(&b'\n');
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex(hmac::sign(&key, &message).as_ref())
}
