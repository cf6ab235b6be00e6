//! The decision: identify, authenticate, admit. Synchronous, without locks, from one snapshot.
//!
//! By its host a call belongs to one tenant, and what is another's does not exist for it: no route, no key,
//! no token. On the route there is one API, on one instance or several that are reached by the same hosts.
//! The call is admitted in the first of these places that admits; if none does, the caller gets the denial
//! that is nearest to admission. A proof that fails is final: no other API is looked at.

use http::HeaderMap;
use std::sync::Arc;
use tidegate_domain::api::Method;
use tidegate_domain::{AppId, AuthType, Denied, InstanceId, Permit, Timestamp, admission, admit};
use tidegate_sign::{
    Authorization, Cover, Payload, SignError, SignedRequest, Target, app_authorization_of, sha256,
};

use crate::denial::{Denial, Reason};
use crate::expected;
use crate::feed::FeedToken;
use crate::headers::{self, AUTH_TOKEN, Proof, Trust};
use crate::index::{Api, App, Door, Index};
use crate::routes::Found;
use crate::space::host;

/// What the gate is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path and query.
    pub target: &'a Target,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The host, when it is not in a header.
    pub host: Option<&'a str>,
    /// What is known of the body.
    pub payload: Payload<'a>,
    /// The wall clock: how old a signature is.
    pub wall: Timestamp,
    /// The decision time: what is granted now.
    pub now: Timestamp,
}

/// A call that may go on.
#[derive(Clone)]
pub struct Admitted {
    /// The proof.
    pub permit: Permit,
    /// Who calls; none when the API asks nobody.
    pub app: Option<AppId>,
    /// The API.
    pub api: Arc<Api>,
    /// On which instance.
    pub instance: InstanceId,
    /// The hash of the token that proves who calls, if one does.
    pub token: Option<[u8; 32]>,
    /// How far the body is covered by a signature; none when the call is not admitted by one.
    pub cover: Option<Cover>,
    /// The revision this was decided at.
    pub revision: u64,
}

impl Admitted {
    /// Which of the caller's headers go on, of which `signed` are the names of those that were signed.
    pub(crate) fn trust<'n>(&self, signed: &'n [&'n str]) -> Trust<'n> {
        match (&self.app, self.cover) {
            (_, Some(_)) => Trust::Signed(signed),
            (Some(_), None) => Trust::Proven,
            (None, None) => Trust::Open,
        }
    }

    /// Does the API's backend get the caller's proof?
    pub(crate) fn proof(&self) -> Proof {
        if self.api.feed.rules.forward_credentials { Proof::Forwarded } else { Proof::Kept }
    }

    /// When the right to call ends, if it does: an API that asks nobody gives none.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        let end = self.permit.end();
        (self.app.is_some() && end != Timestamp::MAX).then_some(end)
    }
}

/// May the call go on?
pub fn check(
    index: &Index,
    skew_seconds: i64,
    question: &Question<'_>,
) -> Result<Admitted, Denial> {
    let host = host(question.host, question.headers)?;
    let route = route(index, host, question.method, question.target)?;
    decide(index, skew_seconds, question, &route)
}

/// The API of a call that was admitted, as it is now, if the call would be admitted still. Its proof is not
/// asked for again.
pub(crate) fn still_admits<'i>(
    index: &'i Index,
    admitted: &Admitted,
    now: Timestamp,
) -> Option<&'i Api> {
    let door = index.door_of(&admitted.api.feed.id, &admitted.instance)?;
    if door.api.feed.is_unreadable() {
        return None;
    }
    let permit = match (&admitted.app, door.api.feed.auth) {
        (Some(app), AuthType::App | AuthType::Iam) => {
            let held = index.app(app).and_then(|app| index.held(door, app));
            admit(door.status, held, now)
        }
        (_, AuthType::None) => admission::admit_open(door.status, now),
        // It asks for proof now, and there was none.
        (None, AuthType::App | AuthType::Iam) => return None,
    };
    let is_proven = admitted
        .token
        .is_none_or(|hash| index.token(&hash).is_some_and(|token| now < token.expires_at));
    (permit.is_ok() && is_proven).then_some(&door.api)
}

/// The places of the API on a call's route; never none.
pub(crate) struct Route<'i> {
    index: &'i Index,
    places: &'i [u64],
}

impl<'i> Route<'i> {
    /// The APIs, each with its place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'i Arc<Api>, &'i Door)> {
        let doors = self.places.iter().filter_map(|number| self.index.door(*number));
        doors.map(|door| (&door.api, door))
    }
}

/// The route of a call to this host.
pub(crate) fn route<'i>(
    index: &'i Index,
    host: Option<&str>,
    method: &str,
    target: &Target,
) -> Result<Route<'i>, Denial> {
    let Some(odd) = target.odd() else { return plain_route(index, host, method, target) };
    // Only where an API lets it in, and only as a value, is an odd path more than a bad request.
    let refused = || headers::not_accepted(odd);
    let route = plain_route(index, host, method, target).map_err(|_| refused())?;
    let lets_in = route.iter().all(|(api, _)| api.lets_in_odd(target));
    if lets_in { Ok(route) } else { Err(refused()) }
}

fn plain_route<'i>(
    index: &'i Index,
    host: Option<&str>,
    method: &str,
    target: &Target,
) -> Result<Route<'i>, Denial> {
    let space = index.space(host)?.ok_or(Reason::NoRoute)?;
    let method = match method {
        // Who may read an answer may ask for its head alone.
        "GET" | "HEAD" => Method::Get,
        "POST" => Method::Post,
        _ => return Err(Reason::NoRoute.into()),
    };
    let places = match index.find(space, method, target) {
        Found::Places(places) => places,
        Found::Unpublished => return Err(Reason::NotPublished.into()),
        Found::Nothing => return Err(Reason::NoRoute.into()),
    };
    let route = Route { index, places };
    if route.iter().next().is_none() {
        return Err(Reason::Internal.into());
    }
    Ok(route)
}

/// May the call go on, in one of these places?
pub(crate) fn decide(
    index: &Index,
    skew_seconds: i64,
    question: &Question<'_>,
    route: &Route<'_>,
) -> Result<Admitted, Denial> {
    // Proof is looked at once, however many places ask for it.
    let mut signature = None;
    let mut token = None;
    let mut nearest = Denial::plain(Reason::NotPublished);
    let mut consider = |denial: Denial| {
        if denial.reason > nearest.reason {
            nearest = denial;
        }
    };
    for (api, door) in route.iter() {
        let status = door.status;
        // Nobody is asked for proof at a door that is not there.
        if let Err(Denied::NotPublished) = admission::admit_open(status, question.now) {
            continue;
        }
        if api.feed.is_unreadable() {
            consider(Reason::ApiUnreadable.into());
            continue;
        }
        let admitted = |permit, app: Option<&App>, cover| Admitted {
            permit,
            app: app.map(|app| app.feed.id.clone()),
            api: Arc::clone(api),
            instance: door.instance.clone(),
            token: None,
            cover,
            revision: index.revision(),
        };
        let of = |app: &App| admit(status, index.held(door, app), question.now);
        match api.feed.auth {
            AuthType::App => {
                let proof = signature
                    .get_or_insert_with(|| authenticate_app(index, skew_seconds, question, api));
                match proof {
                    Ok((app, cover)) => match of(app) {
                        Ok(permit) => return Ok(admitted(permit, Some(app), Some(*cover))),
                        Err(denied) => consider(denied.into()),
                    },
                    Err(denial) => consider(denial.clone()),
                }
            }
            AuthType::Iam => {
                let proof = token.get_or_insert_with(|| authenticate_user(index, question, api));
                match proof {
                    Ok(token) => {
                        consider(Reason::NoGrant.into());
                        for app in index.apps_of_account(&token.domain) {
                            match of(app) {
                                Ok(permit) => {
                                    let token = Some(token.hash);
                                    let admitted = admitted(permit, Some(app), None);
                                    return Ok(Admitted { token, ..admitted });
                                }
                                Err(denied) => consider(denied.into()),
                            }
                        }
                    }
                    Err(denial) => consider(denial.clone()),
                }
            }
            AuthType::None => match admission::admit_open(status, question.now) {
                Ok(permit) => return Ok(admitted(permit, None, None)),
                Err(denied) => consider(denied.into()),
            },
        }
    }
    Err(nearest)
}

/// The app that signed this. A key is known where its account's APIs are, and nowhere else.
fn authenticate_app<'i>(
    index: &'i Index,
    skew_seconds: i64,
    question: &Question<'_>,
    api: &Api,
) -> Result<(&'i App, Cover), Denial> {
    let value = app_authorization_of(question.headers)?;
    let authorization = Authorization::parse(value)?;
    let app = index.app_by_key(authorization.access, &api.feed.domain);
    // An unknown key costs what a known one costs.
    let secret = app.and_then(|app| app.feed.secret.as_ref()).unwrap_or(index.decoy());
    let request = SignedRequest {
        method: question.method,
        target: question.target,
        headers: question.headers,
        host: question.host,
    };
    let checked = tidegate_sign::check(
        &request,
        &authorization,
        question.payload,
        secret,
        question.wall.as_ms().div_euclid(1_000),
        skew_seconds,
    );
    match (checked, app) {
        (Ok(checked), Some(app)) => {
            // Whatever the host decides, it is what the app meant.
            if api.feed.rules.require_signed_host {
                checked.require_signed_host()?;
            }
            Ok((app, checked.body))
        }
        (Err(SignError::BadSignature) | Ok(_), None) => Err(Reason::UnknownKey.into()),
        // Whoever calls could not have signed for the secret that stands in.
        (Err(SignError::BadSignature), Some(app)) if app.feed.secret.is_none() => {
            Err(Reason::AppUnreadable.into())
        }
        (Err(SignError::BadSignature), Some(_)) => {
            let expected = expected::canonical(&request, &authorization, question.payload);
            Err(Denial::new(Reason::BadSignature, expected))
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// The user's token. It is known where its account's APIs are, and nowhere else.
fn authenticate_user<'i>(
    index: &'i Index,
    question: &Question<'_>,
    api: &Api,
) -> Result<&'i FeedToken, Denial> {
    let mut values = question.headers.get_all(AUTH_TOKEN).iter();
    let token = match (values.next(), values.next()) {
        (None, _) => return Err(Reason::MissingToken.into()),
        (Some(token), None) => token,
        (Some(_), Some(_)) => {
            return Err(Denial::new(
                Reason::BadRequest,
                "The header `x-auth-token` was sent more than once.",
            ));
        }
    };
    index
        .token(&sha256(token.as_bytes()))
        .filter(|token| question.now < token.expires_at && token.domain == api.feed.domain)
        .ok_or_else(|| Reason::InvalidToken.into())
}
