//! What the fuzz targets in `fuzz/` look at beside the public interface. Only with the feature `fuzz`,
//! which nothing but they turn on.

use http::{HeaderMap, request};
use tidegate_sign::Target;

use crate::denial::Denial;
use crate::headers::{self, Trust};

/// The strict reading of a head: its target, and its host if that is in no header.
pub fn strict(parts: &request::Parts) -> Result<(Target, Option<String>), Denial> {
    headers::strict(parts).map(|strict| (strict.target, strict.host))
}

/// The headers that go on of a call that was signed over these names.
pub fn sent_of_signed(headers: &HeaderMap, names: &[&str]) -> HeaderMap {
    headers::towards_backend(headers, Trust::Signed(names))
}

/// The headers that go on of a call that was proven by a token.
pub fn sent_of_proven(headers: &HeaderMap) -> HeaderMap {
    headers::towards_backend(headers, Trust::Proven)
}

/// The headers that go on of a call of an API that asks nobody.
pub fn sent_of_open(headers: &HeaderMap) -> HeaderMap {
    headers::towards_backend(headers, Trust::Open)
}
