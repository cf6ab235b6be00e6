//! The handlers: from a call to a command or a query, and from its outcome to a reply.

pub mod apis;
pub mod apps;
pub mod gateways;
pub mod grants;
pub mod health;
pub mod iam;
pub mod inbox;
pub mod instances;
pub mod operator;
pub mod rules;

use tidegate_control::Paging;
use tidegate_domain::Refusal;
use tidegate_wire::paging::{List, Window};

use crate::call::RawCall;
use crate::fault::Fault;
use crate::reply::Reply;

/// What a handler gives back.
type Answer = Result<Reply, Fault>;

/// The part of a list the call asks for.
fn window(call: &RawCall, list: List) -> Result<Window, Refusal> {
    Window::parse(list, call.query("offset"), call.query("limit"))
}

fn paging(window: Window) -> Paging {
    Paging { offset: window.offset, limit: window.limit }
}

/// A text of the query; none when it is absent or blank.
fn text(call: &RawCall, name: &str) -> Option<String> {
    tidegate_wire::query::given(call.query(name)).map(str::to_owned)
}
