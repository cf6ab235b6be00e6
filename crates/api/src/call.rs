//! A call that was authenticated, with all a handler needs to read it.

use std::net::IpAddr;

use axum::RequestExt;
use axum::body::Body;
use axum::extract::{FromRequest, RawPathParams, Request};
use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use tidegate_control::{Caller, Command, Control, Edition, Error, Identity, Revision};
use tidegate_domain::{InstanceId, Refusal, Timestamp};
use tidegate_sign::Target;
use tidegate_wire::{enums, errors, ids, requests};

use crate::authenticate;
use crate::bodies::ReadBody;
use crate::fault::Fault;
use crate::peer::{Hold, Peer};
use crate::state::Api;
use crate::wait::{Carried, WAIT, WAIT_SECONDS, Wait, Waited};

/// A call, of which it was not asked who sent it.
pub(crate) struct RawCall {
    head: Head,
    pub body: Bytes,
    /// The body's memory, and what keeps the connection.
    _held: (ReadBody, Option<Hold>),
}

/// A call, and who sent it.
pub(crate) struct Call {
    raw: RawCall,
    pub caller: Caller,
}

/// A call of the operator's.
pub(crate) struct OperatorCall(RawCall);

/// A call without its body.
pub(crate) struct Head {
    pub api: Api,
    pub parts: http::request::Parts,
    pub target: Target,
    pub path: Vec<(String, String)>,
    /// The decision time, read once.
    pub now: Timestamp,
}

impl Head {
    async fn split(mut request: Request, api: &Api) -> Result<(Self, Body), Fault> {
        let params: RawPathParams =
            request.extract_parts().await.map_err(|_| errors::Fault::NoSuchCall)?;
        let path = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (parts, body) = request.into_parts();
        let path_and_query = parts.uri.path_and_query().map_or("/", |pq| pq.as_str());
        let target = Target::parse(path_and_query)?;
        let now = (api.clock.now)();
        Ok((Self { api: api.clone(), parts, target, path, now }, body))
    }

    /// Keeps the connection for as long as the call is answered.
    fn hold(&self) -> Option<Hold> {
        self.parts.extensions.get::<Peer>().map(|peer| (peer.hold)())
    }

    /// The address of whoever sent it, as the socket sees it.
    pub fn address(&self) -> Option<IpAddr> {
        self.parts.extensions.get::<Peer>().map(|peer| peer.address)
    }

    /// The whole call.
    async fn read(self, body: Body, is_known: bool) -> Result<RawCall, Fault> {
        let hold = if is_known { self.hold() } else { None };
        let mut read = self.api.bodies.read(body, is_known).await?;
        let bytes = std::mem::take(&mut read.bytes);
        Ok(RawCall { head: self, body: bytes, _held: (read, hold) })
    }
}

impl FromRequest<Api> for RawCall {
    type Rejection = Fault;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Fault> {
        let (head, body) = Head::split(request, api).await?;
        head.read(body, false).await
    }
}

impl FromRequest<Api> for OperatorCall {
    type Rejection = Fault;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Fault> {
        let (head, body) = Head::split(request, api).await?;
        authenticate::must_be_operator(api, &head.parts)?;
        Ok(Self(head.read(body, true).await?))
    }
}

impl std::ops::Deref for OperatorCall {
    type Target = RawCall;

    fn deref(&self) -> &RawCall {
        &self.0
    }
}

impl std::ops::Deref for RawCall {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

impl RawCall {
    /// The value of a header that may appear once.
    pub fn header(&self, name: &str) -> Result<Option<&str>, Refusal> {
        header(&self.parts.headers, name)
    }

    /// The value of a query parameter; the first, if it repeats.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.target.query().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// All values of a query parameter.
    pub fn query_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.target.query().filter(move |(n, _)| *n == name).map(|(_, v)| v)
    }

    /// The value of a placeholder of the path.
    pub fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The caller, if it is proven who that is.
    pub async fn identify(&self) -> Result<Identity, Fault> {
        let claim = authenticate::claim(&self.api, &self.parts, &self.target).await?;
        claim.prove(&self.api, &self.parts, &self.target, &self.body)
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let malformed = |what: &str| Refusal::Malformed { what: format!("the header {name} {what}") };
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Err(_) => Err(malformed("is not plain text")),
        },
        (Some(_), Some(_)) => Err(malformed("appears twice")),
    }
}

impl FromRequest<Api> for Call {
    type Rejection = Fault;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Fault> {
        let (head, body) = Head::split(request, api).await?;
        // Before the body is waited for.
        let claim = authenticate::claim(api, &head.parts, &head.target).await?;
        let raw = head.read(body, true).await?;
        let identity = claim.prove(api, &raw.parts, &raw.target, &raw.body)?;
        let caller = caller(&raw, &identity)?;
        Ok(Self { raw, caller })
    }
}

/// Which part of the world the caller means. A project that is not his does not exist for him.
fn caller(raw: &RawCall, identity: &Identity) -> Result<Caller, Refusal> {
    let project = &identity.project.id;
    let named = raw.header("x-project-id")?.unwrap_or(project.as_str());
    let in_path = raw.path.iter().find(|(name, _)| name == "project_id");
    let in_path = in_path.map_or(project.as_str(), |(_, value)| value);
    if named != project.as_str() || in_path != project.as_str() {
        return Err(Refusal::ProjectUnknown);
    }
    let workspace = raw.header("workspace")?.map(ids::workspace).transpose()?;
    let edition = enums::edition(raw.header("dlm-type")?, None)?.map(|edition| match edition {
        enums::Edition::Shared => Edition::Shared,
        enums::Edition::Exclusive => Edition::Exclusive,
    });
    let (user, project) = (identity.user.clone(), project.clone());
    Ok(Caller { user, project, workspace, edition })
}

impl std::ops::Deref for Call {
    type Target = RawCall;

    fn deref(&self) -> &RawCall {
        &self.raw
    }
}

impl Call {
    /// The use cases.
    pub fn control(&self) -> &Control {
        &self.raw.api.control
    }

    /// The body, read as `T`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        requests::body(&self.raw.body)
    }

    /// The instance in the path.
    pub fn instance(&self) -> Result<InstanceId, Refusal> {
        ids::instance(self.path("instance_id"))
    }

    /// Carries out a command of this caller, and waits as he asks.
    pub async fn execute(&self, command: Command) -> Result<Carried, Fault> {
        let wait = Wait::parse(self.header(WAIT)?, self.header(WAIT_SECONDS)?)?;
        // Before the change is made, so that a refusal leaves nothing.
        let _waiter = match wait {
            Wait::Durable => None,
            Wait::Enforced(_) => Some(self.control().waiter().ok_or(Fault::TooManyWaiters)?),
        };
        match self.control().execute(&self.caller, command, self.now).await {
            Ok(receipt) => {
                let enforced = self.wait(wait, receipt.revision).await;
                Ok(Carried { receipt, enforced })
            }
            Err(Error::Refused(refusal)) => Err(self.naming(refusal).await),
            Err(error) => Err(error.into()),
        }
    }

    async fn wait(&self, wait: Wait, revision: Revision) -> Option<Waited> {
        match wait {
            Wait::Durable => {
                self.api.own_gateway_enforces(revision).await;
                None
            }
            Wait::Enforced(patience) => {
                match self.control().enforced(revision, patience, self.now).await {
                    Ok(enforcement) => Some(Waited::of(&enforcement)),
                    // What is done is done; what is not known is not claimed.
                    Err(error) => {
                        tracing::error!(%error, %revision, "it is not known who enforces this");
                        Some(Waited::unknown())
                    }
                }
            }
        }
    }

    /// A refusal because of what somebody did before says who it was.
    async fn naming(&self, refusal: Refusal) -> Fault {
        let by = match &refusal {
            Refusal::AlreadyDecided { verdict } => verdict.by.as_ref(),
            Refusal::NoticeEnded { closed } => closed.by.as_ref(),
            _ => None,
        };
        let name = match by {
            Some(user) => self.control().user_name(user).await.ok().flatten(),
            None => None,
        };
        match name {
            Some(name) => Fault::RefusedSince(refusal, name),
            None => Fault::Refused(refusal),
        }
    }
}
