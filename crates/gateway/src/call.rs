//! What all calls have in common, whichever way their bytes go: the verdict, and what goes on to the
//! backend.

use std::sync::Arc;

use http::header::{HOST, TE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, request};
use tidegate_domain::AuthType;
use tidegate_sign::{AUTHORIZATION, Authorization, X_AUTHORIZATION, app_authorization_of};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::account::Account;
use crate::backend::NoAnswer;
use crate::body::Fault;
use crate::check::{Admitted, Question, Route, decide, route};
use crate::denial::{Denial, Reason};
use crate::evidence::Evidence;
use crate::expiry_headers::ExpiryHeaders;
use crate::headers::{self, Sent, Strict};
use crate::held::{Room, Whose};
use crate::identity_headers::set_identity_headers;
use crate::index::Index;
use crate::space;
use crate::state::{Server, State};
use crate::telemetry::Ids;
use crate::upstream::Set;

/// A call, and who answers it.
pub(crate) struct Call<'a> {
    pub(crate) gate: &'a State,
    pub(crate) server: &'a Server,
    pub(crate) parts: &'a request::Parts,
    pub(crate) strict: &'a Strict,
}

/// What goes on to a backend, but for the body.
pub(crate) struct Onward<'a, H> {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) address: String,
    pub(crate) headers: H,
    /// Where it goes.
    pub(crate) backends: &'a Set,
    /// When the right to call ends, for the answer.
    pub(crate) ends: ExpiryHeaders,
    /// Its place among the API's calls.
    pub(crate) room: OwnedSemaphorePermit,
}

/// A denial, and what is for the log only.
pub(crate) type Failed = (Denial, Option<String>);

impl Call<'_> {
    /// The call's route.
    pub(crate) fn route<'i>(&self, index: &'i Index) -> Result<Route<'i>, Denial> {
        let Strict { target, host, .. } = self.strict;
        let host = space::host(host.as_deref(), &self.parts.headers)?;
        route(index, host, self.parts.method.as_str(), target)
    }

    /// A first look, from the head alone: what does the verdict need of the body? If it needs no
    /// more, it is made. Refuses what no body could make good, so that nobody fills memory with calls
    /// that cannot be admitted.
    pub(crate) fn look(&self, is_empty: bool, account: &mut Account) -> Result<Evidence, Denial> {
        let index = self.gate.ready()?;
        account.revision = Some(index.revision());
        let route = self.route(&index)?;
        self.look_along(&index, &route, is_empty, account)
    }

    /// The same, on a route that is known.
    pub(crate) fn look_along(
        &self,
        index: &Index,
        route: &Route<'_>,
        is_empty: bool,
        account: &mut Account,
    ) -> Result<Evidence, Denial> {
        if self.strict.is_websocket && !route.iter().any(|(api, _)| api.feed.rules.upgrade) {
            return Err(headers::no_switch());
        }
        let needed = Evidence::needed(route, &self.parts.headers, is_empty);
        // With a key that nobody has no body makes a difference, so none is waited for.
        let waits = needed == Evidence::Whole && self.names_key(index, route);
        let skew = self.gate.limits.clock_skew_seconds;
        let from_head = || decide(index, skew, &self.question(needed, b""), route);
        if !waits {
            self.settle(index, from_head(), account)?;
        } else if route.iter().all(|(api, _)| api.feed.auth == AuthType::App) {
            match from_head() {
                Ok(_) => {}
                // The body may make the difference.
                Err(denial) if denial.reason == Reason::BadSignature => {}
                Err(denial) => return Err(denial),
            }
        }
        Ok(needed)
    }

    /// Does the call name a key that there is, where its API is?
    fn names_key(&self, index: &Index, route: &Route<'_>) -> bool {
        let value = app_authorization_of(&self.parts.headers).ok();
        let authorization = value.and_then(|value| Authorization::parse(value).ok());
        let account = route.iter().next().map(|(api, _)| &api.feed.domain);
        authorization
            .zip(account)
            .is_some_and(|(named, account)| index.app_by_key(named.access, account).is_some())
    }

    /// Room for the call's body, which must be held.
    pub(crate) fn room(&self) -> Result<Room, Denial> {
        let index = self.gate.ready()?;
        let route = self.route(&index)?;
        Ok(self.room_on(&route))
    }

    /// The same, on a route that is known.
    pub(crate) fn room_on(&self, route: &Route<'_>) -> Room {
        let api = route.iter().next().map(|(api, _)| api.held.clone());
        self.gate.held_bodies.room(Whose::Known, self.server.caller.usage.bodies(), api)
    }

    /// The verdict on a call with a body, when all of it is there: by what is known and by the time it
    /// is then.
    pub(crate) fn verdict(
        &self,
        needed: Evidence,
        whole: &[u8],
        account: &mut Account,
    ) -> Result<(), Denial> {
        let index = self.gate.ready()?;
        account.revision = Some(index.revision());
        let question = self.question(needed, whole);
        let decided = self.route(&index).and_then(|route| {
            decide(&index, self.gate.limits.clock_skew_seconds, &question, &route)
        });
        self.settle(&index, decided, account)
    }

    /// Takes note of the verdict, and counts an admitted call towards its limits.
    fn settle(
        &self,
        index: &Index,
        decided: Result<Admitted, Denial>,
        account: &mut Account,
    ) -> Result<(), Denial> {
        let outcome = decided.and_then(|admitted| {
            let admitted = account.admitted.insert(admitted);
            account.hold = self.server.caller.usage.hold();
            self.gate.limit(index, admitted, &self.parts.headers)
        });
        account.decided = Some(Instant::now());
        outcome
    }

    fn question<'q>(&'q self, needed: Evidence, whole: &'q [u8]) -> Question<'q> {
        self.gate.question(self.parts, self.strict, needed.payload(whole))
    }

    /// What goes on of an admitted call.
    pub(crate) fn onward<'a, H: Sent>(
        &self,
        admitted: &'a Admitted,
        ids: &Ids,
    ) -> Result<Onward<'a, H>, Failed> {
        let (parts, strict) = (self.parts, self.strict);
        let api = &admitted.api;
        let (plan, backends) = match (&api.plan, &api.backends) {
            (Ok(plan), Ok(backends)) => (plan, backends),
            (Err(fault), _) | (_, Err(fault)) => {
                return Err((Reason::Internal.into(), Some(fault.clone())));
            }
        };
        let method = match (&parts.method, &plan.method) {
            (&Method::HEAD, &Method::GET) => Method::HEAD,
            (&Method::HEAD, _) => {
                let why = "Its backend is called with another method than GET, so it has no HEAD.";
                return Err((Denial::new(Reason::NoRoute, why), None));
            }
            (_, method) => method.clone(),
        };
        let room = Arc::clone(&api.room)
            .try_acquire_owned()
            .map_err(|_| (Reason::Overloaded.into(), None))?;

        let mut sent = H::begin(parts.headers.len());
        let replaced = |name: &HeaderName| ids.trace.is_some_and(|trace| trace.replaces(name));
        let add = |(name, value)| {
            if !replaced(name) {
                sent.add(name, value);
            }
        };
        let names = signed_names(&parts.headers, admitted)?;
        let (trust, proof) = (admitted.trust(&names), admitted.proof());
        let fill = |headers: &mut HeaderMap| {
            let filled = plan.fill(&strict.target, &api.shape.placeholders, headers);
            filled.map_err(|denial| (denial, None))
        };
        let address = if plan.changes_headers() {
            let mut changed = headers::towards_backend(&parts.headers, trust, proof);
            let address = fill(&mut changed)?;
            changed.iter().for_each(add);
            address
        } else {
            headers::going_on(&parts.headers, trust, proof).for_each(add);
            fill(&mut HeaderMap::new())?
        };
        // After everything a caller or an author may say, so that nobody can take it away again.
        let host = strict.host.as_deref().map(str::as_bytes);
        let host = host.or_else(|| parts.headers.get(HOST).map(HeaderValue::as_bytes));
        headers::set_origin(&mut sent, &self.server.origin, host);
        let ends = ExpiryHeaders::from_admitted(admitted);
        set_identity_headers(&mut sent, &ids.request, admitted, &ends);
        if let Some(trace) = &ids.trace {
            trace.pass_on(&mut sent);
        }
        // How gRPC asks for its status. Only HTTP/2 carries it all the way.
        let is_http2 = parts.version == Version::HTTP_2 && api.feed.rules.http2;
        if is_http2 && headers::takes_trailers(&parts.headers) {
            sent.set(TE, b"trailers");
        }
        Ok(Onward { method, address, headers: sent, backends, ends, room })
    }
}

impl From<NoAnswer> for Failed {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Late => (Reason::BackendTimeout.into(), None),
            NoAnswer::Unreachable(why) => (Reason::BackendUnreachable.into(), Some(why)),
            NoAnswer::Forbidden(why) => (Reason::BackendForbidden.into(), Some(why)),
        }
    }
}

impl From<Fault> for Denial {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Mismatch => Reason::BodyMismatch.into(),
            Fault::Broken => {
                Self::new(Reason::BadRequest, "The body broke off or is not well formed.")
            }
            Fault::Stalled => Self::new(Reason::BadRequest, "The body did not arrive in time."),
        }
    }
}

/// The names of the headers that were signed; none of a call that was admitted without a signature.
fn signed_names<'h>(headers: &'h HeaderMap, admitted: &Admitted) -> Result<Vec<&'h str>, Failed> {
    if admitted.cover.is_none() {
        return Ok(Vec::new());
    }
    let names = names_in_signature(headers).ok_or((Reason::Internal.into(), None))?;
    Ok(names.collect())
}

/// The names of the headers that were signed, of a call whose signature was found to be good: so it is
/// well formed, and the same wherever it stands.
fn names_in_signature(headers: &HeaderMap) -> Option<impl Iterator<Item = &str>> {
    let value = headers.get(X_AUTHORIZATION).or_else(|| headers.get(AUTHORIZATION))?.as_bytes();
    // Neither a key nor a name holds a comma.
    let names = value.split(|byte| *byte == b',').nth(1)?.trim_ascii_start();
    let names = std::str::from_utf8(names.strip_prefix(b"SignedHeaders=")?).ok()?;
    Some(names.split(';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_signed_headers_are_found_again() {
        let signature = "a".repeat(64);
        for names in ["host", "host;x-sdk-date", "a;b;host;x-signature;x-sdk-date"] {
            let value = format!(
                "SDK-HMAC-SHA256 Access=key=;x, SignedHeaders={names}, Signature={signature}"
            );
            let tight = value.replace(", ", ",");
            let spellings = [(AUTHORIZATION, &value), (X_AUTHORIZATION, &value)];
            for (name, value) in [spellings[0], spellings[1], (AUTHORIZATION, &tight)] {
                let mut headers = HeaderMap::new();
                headers.insert(name, HeaderValue::from_str(value).unwrap());
                let found: Vec<&str> = names_in_signature(&headers).unwrap().collect();
                assert_eq!(found.join(";"), names);
            }
        }
        for bad in ["", "SDK-HMAC-SHA256", "SDK-HMAC-SHA256 Access=a, Signature=b"] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(bad).unwrap());
            assert!(names_in_signature(&headers).is_none());
        }
    }
}
