//! Who calls: by a signature with an access key, or by a token.
//!
//! When both are there the signature counts: the official SDKs sign a preset `X-Auth-Token` like any
//! other header and mean the signature.

use http::request::Parts;
use tidegate_control::Identity;
use tidegate_sign::{
    AUTHORIZATION, Authorization, Payload, Secret, SignError, SignedRequest, Target,
    authorization_of, check,
};

use crate::fault::Fault;
use crate::{Api, SIGNATURE_WINDOW_SECONDS};

/// The header a token travels in.
pub(crate) const AUTH_TOKEN: &str = "x-auth-token";

/// The header that a temporary key's token travels in.
const SECURITY_TOKEN: &str = "x-security-token";

/// Who sent this request.
///
/// A temporary key is refused by name: to ignore its token would be to take the key for a lasting one.
pub(crate) async fn identify(
    api: &Api,
    parts: &Parts,
    target: &Target,
    body: &[u8],
) -> Result<Identity, Fault> {
    if parts.headers.get_all(SECURITY_TOKEN).iter().any(|value| !value.is_empty()) {
        let why = "temporary keys are not served here; use an access key without X-Security-Token";
        Err(Fault::unauthenticated(why))
    } else if parts.headers.contains_key(AUTHORIZATION) {
        by_signature(api, parts, target, body).await
    } else if parts.headers.contains_key(AUTH_TOKEN) {
        by_token(api, parts).await
    } else {
        Err(Fault::unauthenticated("sign the request with your access key, or send X-Auth-Token"))
    }
}

async fn by_signature(
    api: &Api,
    parts: &Parts,
    target: &Target,
    body: &[u8],
) -> Result<Identity, Fault> {
    let authorization = Authorization::parse(authorization_of(&parts.headers)?)?;
    let known = api.control.access_key(authorization.access).await?;
    // An unknown key costs the same work and gets the same answer as a wrong signature.
    let (identity, secret) = match known {
        Some((identity, secret)) => (Some(identity), secret),
        None => (None, Secret::decoy()),
    };
    let request = SignedRequest {
        method: parts.method.as_str(),
        target,
        headers: &parts.headers,
        host: parts.uri.authority().map(http::uri::Authority::as_str),
    };
    let wall_seconds = (api.clock.wall)().as_ms().div_euclid(1_000);
    check(
        &request,
        &authorization,
        Payload::Bytes(body),
        &secret,
        wall_seconds,
        SIGNATURE_WINDOW_SECONDS,
    )?;
    identity.ok_or_else(|| SignError::BadSignature.into())
}

async fn by_token(api: &Api, parts: &Parts) -> Result<Identity, Fault> {
    let mut values = parts.headers.get_all(AUTH_TOKEN).iter();
    let invalid = || {
        Fault::unauthenticated("decrypt token fail; the token is wrong or has ended, get a new one")
    };
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(invalid());
    };
    let text = value.to_str().map_err(|_| invalid())?;
    let now = (api.clock.now)();
    let (identity, _) = api.control.token(text, now).await?.ok_or_else(invalid)?;
    Ok(identity)
}
