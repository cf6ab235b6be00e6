//! The headers that count for a signature, and how one value is taken from them.

use http::{HeaderMap, HeaderValue};

use crate::SignError;
use crate::limits::MAX_SIGNED_HEADERS;

/// `authorization`
pub const AUTHORIZATION: &str = "authorization";
/// `x-authorization`: apps send the value of `Authorization` a second time under this name, since
/// a front gateway may consume the first.
pub const X_AUTHORIZATION: &str = "x-authorization";
/// `host`
pub const HOST: &str = "host";
/// `x-sdk-date`
pub const SDK_DATE: &str = "x-sdk-date";
/// `x-sdk-content-sha256`
pub const CONTENT_SHA256: &str = "x-sdk-content-sha256";

/// The one `Authorization` value.
///
/// # Errors
///
/// As [`authorization_among`].
pub fn authorization_of(headers: &HeaderMap) -> Result<&str, SignError> {
    authorization_among(headers, &[AUTHORIZATION])
}

/// The one value of `Authorization` and `x-Authorization`: either, or the same in both.
///
/// # Errors
///
/// As [`authorization_among`].
pub fn app_authorization_of(headers: &HeaderMap) -> Result<&str, SignError> {
    authorization_among(headers, &[X_AUTHORIZATION, AUTHORIZATION])
}

/// The one value that the headers of these names agree on. Each may be absent, none may be doubled.
///
/// # Errors
///
/// [`SignError::MissingAuthorization`] if there is none, [`SignError::DuplicateHeader`] if one is
/// sent more than once, [`SignError::Conflict`] if two differ, and
/// [`SignError::MalformedAuthorization`] if the value is not visible ASCII and blanks.
pub fn authorization_among<'h>(
    headers: &'h HeaderMap,
    names: &[&str],
) -> Result<&'h str, SignError> {
    let mut found: Option<&[u8]> = None;
    for name in names {
        match (found, single(headers, name)?) {
            (Some(before), Some(now)) if before != now => return Err(SignError::Conflict),
            (None, Some(now)) => found = Some(now),
            (_, Some(_) | None) => {}
        }
    }
    let value = found.ok_or(SignError::MissingAuthorization)?;
    // All bytes are looked at, whatever they are: many at once, instead of one after the other.
    let plain = value.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
    std::str::from_utf8(value)
        .ok()
        .filter(|_| plain)
        .ok_or(SignError::MalformedAuthorization("not visible ASCII"))
}

/// The value of a header that may be there once, without outer blanks, as bytes: header values are
/// signed as they arrive, whatever their encoding.
pub(crate) fn single<'h>(
    headers: &'h HeaderMap,
    name: &str,
) -> Result<Option<&'h [u8]>, SignError> {
    let mut found = Once::No;
    headers.iter().filter(|(other, _)| other.as_str() == name).for_each(|(_, v)| found.see(v));
    found.of(name)
}

/// The values of some headers, found in one walk over all: for as many as are signed that is
/// cheaper than to look up each.
pub(crate) struct Picked<'h>([Once<'h>; MAX_SIGNED_HEADERS]);

impl<'h> Picked<'h> {
    /// The values of the headers of these names, of which there are no more than may be signed.
    pub(crate) fn of(headers: &'h HeaderMap, names: &[&str]) -> Self {
        let mut all = [Once::No; MAX_SIGNED_HEADERS];
        for (name, value) in headers {
            let name = name.as_str();
            for (wanted, once) in names.iter().zip(&mut all) {
                if *wanted == name {
                    once.see(value);
                }
            }
        }
        Self(all)
    }

    /// What [`single`] would say of the `n`th, whose name this is.
    pub(crate) fn single(&self, n: usize, name: &str) -> Result<Option<&'h [u8]>, SignError> {
        self.0.get(n).copied().unwrap_or(Once::No).of(name)
    }
}

/// How often a header was seen.
#[derive(Clone, Copy)]
enum Once<'h> {
    No,
    Yes(&'h [u8]),
    Again,
}

impl<'h> Once<'h> {
    fn see(&mut self, value: &'h HeaderValue) {
        *self = match self {
            Self::No => Self::Yes(value.as_bytes()),
            Self::Yes(_) | Self::Again => Self::Again,
        };
    }

    fn of(self, name: &str) -> Result<Option<&'h [u8]>, SignError> {
        match self {
            Self::No => Ok(None),
            Self::Yes(value) => Ok(Some(value.trim_ascii())),
            Self::Again => Err(SignError::DuplicateHeader(name.to_owned())),
        }
    }
}
