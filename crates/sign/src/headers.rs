//! The headers that count for a signature, and how one value is taken from them.

use http::HeaderMap;

use crate::SignError;

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
    std::str::from_utf8(value)
        .ok()
        .filter(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')))
        .ok_or(SignError::MalformedAuthorization("not visible ASCII"))
}

/// The value of a header that may be there once, without outer blanks, as bytes: header values are
/// signed as they arrive, whatever their encoding.
pub(crate) fn single<'h>(
    headers: &'h HeaderMap,
    name: &str,
) -> Result<Option<&'h [u8]>, SignError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Ok(Some(value.as_bytes().trim_ascii())),
        (Some(_), Some(_)) => Err(SignError::DuplicateHeader(name.to_owned())),
    }
}
