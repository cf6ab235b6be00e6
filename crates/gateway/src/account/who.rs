//! Whose a denied call is, as far as can be told. A denial does not say, for its caller must not read
//! it; those who run the gate must. Looked up for denied calls only, so admitted ones pay nothing.

use std::sync::Arc;

use http::request;
use http::uri::Authority;
use tidegate_domain::{AppId, InstanceId};
use tidegate_sign::{Authorization, Target, app_authorization_of};

use crate::check::route;
use crate::denial::Reason;
use crate::index::Api;
use crate::space::host as host_of;
use crate::state::State;

#[derive(Default)]
pub(super) struct Who {
    /// The first API on the route.
    pub(super) api: Option<Arc<Api>>,
    pub(super) instance: Option<InstanceId>,
    /// The app, if it has proved that it calls.
    pub(super) app: Option<AppId>,
    /// The app that is named in a signature that proves nothing.
    pub(super) claimed: Option<AppId>,
}

impl Who {
    pub(super) fn of_denied(
        gate: &State,
        parts: &request::Parts,
        target: &Target,
        reason: Reason,
    ) -> Self {
        let index = gate.index.load();
        let Some(index) = index.as_ref() else { return Self::default() };
        let host = parts.uri.authority().map(Authority::as_str);
        let route = host_of(host, &parts.headers)
            .and_then(|host| route(index, host, parts.method.as_str(), target));
        let Ok(route) = route else { return Self::default() };
        let Some((api, door)) = route.iter().next() else { return Self::default() };
        let named = app_authorization_of(&parts.headers)
            .and_then(Authorization::parse)
            .ok()
            .and_then(|authorization| index.app_by_key(authorization.access, &api.feed.domain))
            .map(|app| app.feed.id.clone());
        let (app, claimed) = if is_after_proof(reason) { (named, None) } else { (None, named) };
        Self { api: Some(Arc::clone(api)), instance: Some(door.instance.clone()), app, claimed }
    }
}

/// Is a call denied for this only after its signature was found to be good?
fn is_after_proof(reason: Reason) -> bool {
    match reason {
        Reason::NoGrant
        | Reason::Pending
        | Reason::NotYet
        | Reason::Expired
        | Reason::Cancelled
        | Reason::Stopped
        | Reason::NonceRequired
        | Reason::Replayed
        | Reason::ReplayFence
        | Reason::NonceStoreFull
        | Reason::Throttled => true,
        Reason::Internal
        | Reason::NoRoute
        | Reason::NotPublished
        | Reason::ApiUnreadable
        | Reason::MissingToken
        | Reason::MissingSignature
        | Reason::InvalidToken
        | Reason::MalformedSignature
        | Reason::ClockSkew
        | Reason::UnknownKey
        | Reason::BadSignature
        | Reason::AppUnreadable
        | Reason::BodyMismatch
        | Reason::BodyNotCovered
        | Reason::BadRequest
        | Reason::BodyTooLarge
        | Reason::TargetTooLong
        | Reason::HeadTooLarge
        | Reason::NotReady
        | Reason::LeaseLapsed
        | Reason::Overloaded
        | Reason::BackendForbidden
        | Reason::BackendUnreachable
        | Reason::BackendTimeout => false,
    }
}
