//! A call that another proxy forwards and tells the gate of. It is read by the rules of a call that
//! comes to the gate itself, and gets the same verdict; only its body may not be there to be checked.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, request};
use tidegate_sign::{Cover, TargetError, sha256};
use tokio::time::Instant;

use crate::account::{Account, Asked};
use crate::check::{Admitted, decide, route};
use crate::denial::{Denial, Reason};
use crate::evidence::Evidence;
use crate::expiry_headers::ExpiryHeaders;
use crate::headers::{self, Sets, Strict};
use crate::identity_headers::set_identity_headers;
use crate::request_id::RequestId;
use crate::space;
use crate::state::State;
use crate::telemetry::Ids;

/// A call, as the proxy tells of it.
pub(crate) struct Told {
    parts: request::Parts,
    body: ToldBody,
    strips: Strips,
}

/// What the proxy that asks takes away of a caller's headers before the call goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strips {
    /// What the verdict names.
    Named,
    /// The names in its configuration.
    Configured,
}

/// What is told of a call's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToldBody {
    /// It has none.
    Empty,
    /// All of it.
    Whole(Bytes),
    /// It may have one, which the gate does not see.
    Untold,
}

impl ToldBody {
    /// A body that was not sent along, by what is told of its length. Only a method without a body,
    /// or a length of nothing, shows that there is none.
    pub(crate) fn absent(
        method: &[u8],
        length: Option<&HeaderValue>,
        coding: Option<&HeaderValue>,
    ) -> Self {
        match (length.map(HeaderValue::as_bytes), coding) {
            (Some(b"0"), None) => Self::Empty,
            (None, None) if matches!(method, b"GET" | b"HEAD") => Self::Empty,
            (Some(_) | None, Some(_) | None) => Self::Untold,
        }
    }
}

/// What makes up a call. The host is among the headers.
pub(crate) struct Head<'a> {
    pub(crate) method: &'a [u8],
    /// Path and query, as they stood in the request line.
    pub(crate) target: Bytes,
    pub(crate) headers: HeaderMap,
}

impl Told {
    /// A call of this head and body.
    pub(crate) fn new(head: Head<'_>, body: ToldBody, strips: Strips) -> Result<Self, Denial> {
        let method =
            Method::from_bytes(head.method).map_err(|_| bad("The method is malformed."))?;
        // What is behind a `#` would be cut off before it is judged, and the proxy may send it on.
        if head.target.contains(&b'#') {
            return Err(headers::not_accepted(TargetError::Fragment));
        }
        let uri =
            Uri::from_maybe_shared(head.target).map_err(|_| bad("The address is malformed."))?;
        let mut call = Request::new(());
        *call.method_mut() = method;
        *call.uri_mut() = uri;
        *call.headers_mut() = head.headers;
        Ok(Self { parts: call.into_parts().0, body, strips })
    }

    /// The names of the caller's headers that may not go on by the gate's own rule.
    fn kept_back(&self, admitted: &Admitted) -> impl Iterator<Item = &HeaderName> {
        headers::kept_back(&self.parts.headers, admitted.trust(&[]), admitted.proof())
    }

    /// Refuses a header that may not go on and that the proxy would send on.
    fn strippable(&self, admitted: &Admitted) -> Result<(), Denial> {
        let stays = |name: &&HeaderName| !headers::is_known_to_proxies(name);
        match self.kept_back(admitted).find(stays) {
            Some(name) if self.strips == Strips::Configured => {
                Err(bad(&format!("The backend may not get the header `{name}`.")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// A call that is refused because of how it is told.
pub(crate) fn bad(what: &str) -> Denial {
    Denial::new(Reason::BadRequest, what)
}

/// The one value of a header that may be there once, and is not empty.
pub(crate) fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h HeaderValue>, Denial> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Ok(Some(value).filter(|value| !value.is_empty())),
        (Some(_), Some(_)) => Err(bad(&format!("The header `{name}` was sent more than once."))),
    }
}

/// A verdict, for a proxy to carry out.
pub(crate) struct Judged {
    pub(crate) id: RequestId,
    pub(crate) verdict: Result<Admitted, Denial>,
    revision: Option<u64>,
}

impl Judged {
    /// Judges a call, counts it and tells of it.
    pub(crate) fn of(gate: &State, asked: &Asked, told: Result<&Told, &Denial>) -> Self {
        let id = gate.ids.next();
        let ids = match told {
            Ok(told) => Ids::new(id, gate.traces(), &told.parts.headers),
            Err(_) => Ids::new(id, gate.traces(), &HeaderMap::new()),
        };
        let mut account = Account::of_check(ids, asked);
        let mut strict = None;
        let verdict = match told {
            Ok(told) => {
                account.method = Some(told.parts.method.clone());
                if let ToldBody::Whole(bytes) = &told.body {
                    account.held = bytes.len() as u64;
                }
                headers::strict(&told.parts)
                    .and_then(|read| verdict(gate, told, strict.insert(read), &mut account))
            }
            Err(denial) => Err(denial.clone()),
        };
        account.decided = Some(Instant::now());
        let (denied, status) = match verdict {
            Ok(()) => (None, StatusCode::OK),
            Err(denial) => {
                let status = denial.reason.status_for_a_proxy();
                (Some(denial), status)
            }
        };
        let target = strict.as_ref().map(|strict| &strict.target);
        let parts = told.ok().map(|told| &told.parts);
        let reason = denied.as_ref().map(|denial| denial.reason);
        account.answered(gate, parts.zip(target), reason, status);
        account.over(gate, target, None, 0);
        let verdict = match (denied, account.admitted) {
            (None, Some(admitted)) => Ok(admitted),
            (denied, _) => Err(denied.unwrap_or_else(|| Reason::Internal.into())),
        };
        Self { id: account.ids.request, verdict, revision: account.revision }
    }

    /// Says who calls, by the headers by which only the gate speaks. They are for the backend.
    pub(crate) fn tell_backend(&self, out: &mut impl Sets) {
        match &self.verdict {
            Ok(admitted) => set_identity_headers(
                out,
                &self.id,
                admitted,
                &ExpiryHeaders::from_admitted(admitted),
            ),
            Err(_) => out.set_value(headers::REQUEST_ID, self.id.value()),
        }
    }

    /// The names of the caller's headers that the proxy must take away, but for those under which the backend
    /// is told something, which are replaced. None of a call that is denied.
    pub(crate) fn to_remove<'t>(&'t self, told: &'t Told) -> impl Iterator<Item = &'t HeaderName> {
        let admitted = self.verdict.as_ref().ok().into_iter();
        let kept_back = admitted.flat_map(|admitted| told.kept_back(admitted));
        kept_back.filter(|name| !self.tells_backend(name))
    }

    /// Repeats the proof that goes on, for a proxy that takes away all that its configuration names.
    pub(crate) fn give_back(&self, told: &Told, out: &mut HeaderMap) {
        let Ok(admitted) = &self.verdict else { return };
        let (trust, proof) = (admitted.trust(&[]), admitted.proof());
        for (name, value) in headers::proof_going_on(&told.parts.headers, trust, proof) {
            out.append(name, value.clone());
        }
    }

    /// Does it tell the backend something by this name?
    fn tells_backend(&self, name: &HeaderName) -> bool {
        let mut listens = Listens { name, has_heard: false };
        self.tell_backend(&mut listens);
        listens.has_heard
    }

    /// Says what the caller may know, whatever the verdict.
    pub(crate) fn tell_caller(&self, out: &mut impl Sets) {
        out.set_value(headers::REQUEST_ID, self.id.value());
        self.tell_revision(out);
        if let Ok(admitted) = &self.verdict {
            ExpiryHeaders::from_admitted(admitted).set(out);
        }
    }

    /// Says at which revision this was decided.
    pub(crate) fn tell_revision(&self, out: &mut impl Sets) {
        if let Some(revision) = self.revision {
            out.set_value(headers::REVISION, &revision.into());
        }
    }
}

/// Listens whether something is said by a name.
struct Listens<'a> {
    name: &'a HeaderName,
    has_heard: bool,
}

impl Sets for Listens<'_> {
    fn set(&mut self, name: HeaderName, _: &[u8]) {
        self.has_heard |= name == *self.name;
    }

    fn set_value(&mut self, name: HeaderName, _: &HeaderValue) {
        self.has_heard |= name == *self.name;
    }
}

/// The verdict. The account gets what it was made on and who was let in before anything can be denied for it.
fn verdict(
    gate: &State,
    told: &Told,
    strict: &Strict,
    account: &mut Account,
) -> Result<(), Denial> {
    if strict.is_websocket {
        return Err(headers::no_switch());
    }
    let index = gate.ready()?;
    account.revision = Some(index.revision());
    let host = space::host(strict.host.as_deref(), &told.parts.headers)?;
    let route = route(&index, host, told.parts.method.as_str(), &strict.target)?;
    let (whole, is_empty): (&[u8], bool) = match &told.body {
        ToldBody::Empty => (b"", true),
        ToldBody::Whole(bytes) => (bytes, bytes.is_empty()),
        ToldBody::Untold => (b"", false),
    };
    let needed = Evidence::needed(&route, &told.parts.headers, is_empty);
    let question = gate.question(&told.parts, strict, needed.payload(whole));
    let decided = decide(&index, gate.limits.clock_skew_seconds, &question, &route);
    let admitted = covered(&told.body, needed, decided)?;
    told.strippable(&admitted)?;
    let admitted = account.admitted.insert(admitted);
    gate.limit(&index, admitted, &told.parts.headers)
}

/// The verdict on the call with its body, as far as that is told.
fn covered(
    body: &ToldBody,
    needed: Evidence,
    decided: Result<Admitted, Denial>,
) -> Result<Admitted, Denial> {
    match (body, needed) {
        (ToldBody::Untold, Evidence::Whole) => match decided {
            // By no signature, so none has to cover the body.
            Ok(admitted) if admitted.cover.is_none() => Ok(admitted),
            Ok(_) => Err(Reason::BodyNotCovered.into()),
            // The body may make the difference.
            Err(denial) if denial.reason == Reason::BadSignature => {
                Err(Reason::BodyNotCovered.into())
            }
            Err(denial) => Err(denial),
        },
        (ToldBody::Whole(bytes), _) => {
            let admitted = decided?;
            match admitted.cover {
                Some(Cover::Declared(hash)) if hash != sha256(bytes) => {
                    Err(Reason::BodyMismatch.into())
                }
                Some(Cover::Declared(_) | Cover::Verified | Cover::Unsigned) | None => Ok(admitted),
            }
        }
        (ToldBody::Empty | ToldBody::Untold, _) => decided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_body_is_believed_only_where_it_is_shown() {
        for (method, length, coding, is_empty) in [
            ("GET", None, None, true),
            ("GET", Some("0"), None, true),
            ("GET", Some("1"), None, false),
            ("GET", None, Some("chunked"), false),
            ("GET", Some("0"), Some("chunked"), false),
            ("POST", Some("0"), None, true),
            ("POST", None, None, false),
            ("POST", Some("00"), None, false),
            ("POST", Some("x"), None, false),
        ] {
            let [length, coding] = [length, coding].map(|text| text.map(HeaderValue::from_static));
            let body = ToldBody::absent(method.as_bytes(), length.as_ref(), coding.as_ref());
            assert_eq!(body == ToldBody::Empty, is_empty, "{method} {length:?} {coding:?}");
        }
    }
}
