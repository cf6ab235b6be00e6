//! Who calls: by a signature with an access key, or by a token.
//!
//! When both are there the signature counts: the official SDKs sign a preset `X-Auth-Token` like any
//! other header and mean the signature.

use http::request::Parts;
use tidegate_control::Identity;
use tidegate_sign::{
    AUTHORIZATION, Authorization, Payload, Secret, SignError, SignedRequest, Target,
    authorization_of, check, constant_time_eq,
};

use crate::fault::Fault;
use crate::limits::SIGNATURE_WINDOW_SECONDS;
use crate::state::Api;

/// The header a token travels in.
pub(crate) const AUTH_TOKEN: &str = "x-auth-token";

/// The header that a temporary key's token travels in.
const SECURITY_TOKEN: &str = "x-security-token";

/// What the head of a call shows of its caller.
pub(crate) enum Claim {
    /// Who it is: a token needs nothing of the body.
    Proven(Identity),
    /// Whose key it is, if the body is the one that was signed.
    Signed(Identity, Secret),
}

/// Who sent this request, as far as its head shows. Whatever no body could make good is refused here, so
/// that nobody is waited for who cannot be known.
///
/// A temporary key is refused by name: to ignore its token would be to take the key for a lasting one.
pub(crate) async fn claim(api: &Api, parts: &Parts, target: &Target) -> Result<Claim, Fault> {
    if parts.headers.get_all(SECURITY_TOKEN).iter().any(|value| !value.is_empty()) {
        let why = "temporary keys are not served here; use an access key without X-Security-Token";
        Err(Fault::unauthenticated(why))
    } else if parts.headers.contains_key(AUTHORIZATION) {
        by_signature(api, parts, target).await
    } else if parts.headers.contains_key(AUTH_TOKEN) {
        by_token(api, parts).await.map(Claim::Proven)
    } else {
        Err(Fault::unauthenticated("sign the request with your access key, or send X-Auth-Token"))
    }
}

impl Claim {
    /// Who sent this request, with this body.
    pub(crate) fn prove(
        self,
        api: &Api,
        parts: &Parts,
        target: &Target,
        body: &[u8],
    ) -> Result<Identity, Fault> {
        match self {
            Self::Proven(identity) => Ok(identity),
            Self::Signed(identity, secret) => {
                let authorization = Authorization::parse(authorization_of(&parts.headers)?)?;
                is_signed(api, parts, target, &authorization, body, &secret)?;
                Ok(identity)
            }
        }
    }
}

async fn by_signature(api: &Api, parts: &Parts, target: &Target) -> Result<Claim, Fault> {
    let authorization = Authorization::parse(authorization_of(&parts.headers)?)?;
    let known = api.control.access_key(authorization.access).await?;
    // An unknown key costs the same work and gets the same answer as a wrong signature.
    let (identity, secret) = match known {
        Some((identity, secret)) => (Some(identity), secret),
        None => (None, Secret::decoy()),
    };
    // Without the body the signature itself can only be right by chance.
    match (is_signed(api, parts, target, &authorization, b"", &secret), identity) {
        (Ok(()) | Err(SignError::BadSignature), Some(identity)) => {
            Ok(Claim::Signed(identity, secret))
        }
        (Ok(()), None) => Err(SignError::BadSignature.into()),
        (Err(error), _) => Err(error.into()),
    }
}

fn is_signed(
    api: &Api,
    parts: &Parts,
    target: &Target,
    authorization: &Authorization<'_>,
    body: &[u8],
    secret: &Secret,
) -> Result<(), SignError> {
    let request = SignedRequest {
        method: parts.method.as_str(),
        target,
        headers: &parts.headers,
        host: parts.uri.authority().map(http::uri::Authority::as_str),
    };
    let wall_seconds = (api.clock.wall)().as_ms().div_euclid(1_000);
    let payload = Payload::Bytes(body);
    check(&request, authorization, payload, secret, wall_seconds, SIGNATURE_WINDOW_SECONDS)?;
    Ok(())
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

/// Is it the operator who calls?
pub(crate) fn must_be_operator(api: &Api, parts: &Parts) -> Result<(), Fault> {
    let offered = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let offered = offered.and_then(|value| value.strip_prefix("Bearer "));
    match (&api.operator_token, offered) {
        (Some(token), Some(offered))
            if constant_time_eq(token.expose().as_bytes(), offered.as_bytes()) =>
        {
            Ok(())
        }
        _ => Err(Fault::NotOperator),
    }
}
