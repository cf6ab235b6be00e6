//! Grants, applications, notices and publications: the lifecycle and the admission rule as pure
//! functions.
//!
//! ```text
//! decide(state, facts, command, now) -> events | refusal     may say no, never changes anything
//! evolve(state, event)               -> state                cannot fail
//! settle(state, now)                 -> events               what time alone has brought about
//! admit(publication, grant, now)     -> permit | denial      what the gate asks on every call
//! ```
//!
//! Nothing here reads a clock, draws a random number, waits or does input or output: the time, the
//! ids and the facts are arguments. So every rule can be tested as a table.

pub mod admission;
pub mod api;
pub mod app;
pub mod application;
mod auth;
mod grant;
mod guards;
pub mod host;
pub mod id;
pub mod limits;
pub mod name;
pub mod notice;
pub mod people;
pub mod publication;
pub mod refusal;
pub mod rules;
pub mod standing;
mod status;
pub mod time;

pub use admission::{Denied, Permit, admit};
pub use api::{Api, AuthType, Instance, Visibility};
pub use app::{App, AppKind};
pub use application::{Application, ApplicationKind, Outcome, Verdict, VoidCause};
pub use host::{BadHost, HostName};
pub use id::{
    ApiId, AppId, ApplicationId, DomainId, InstanceId, NoticeId, ProjectId, SHARED_INSTANCE,
    ThrottleName, UserId, WorkspaceId,
};
pub use notice::{Closed, Notice, NoticeKind, NoticeOutcome};
pub use people::{Role, Task};
pub use publication::Publication;
pub use refusal::Refusal;
pub use rules::{Quota, Rules, Throttle};
pub use standing::{Grant, Key, Standing};
pub use time::Timestamp;
