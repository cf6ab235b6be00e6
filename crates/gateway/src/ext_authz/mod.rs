//! Envoy asks over gRPC whether a call may go on: `envoy.service.auth.v3.Authorization/Check`.
//!
//! A denial is an answer (401 or 403). A fault of the gate's own is an error of gRPC, so that
//! Envoy, unless it is told otherwise, lets nothing through. Who can reach this can ask anything, so
//! only Envoy may.
//!
//! ```text
//! connection   HTTP/2: questions in, answers out
//! grpc         one message each way, and the codes
//! fields       protocol buffers, read where they lie
//! message      the fields that are used of a question
//! call         the call it tells of
//! answer       the verdict, written with write
//! ```

mod answer;
mod call;
mod connection;
mod fields;
mod grpc;
mod message;
#[cfg(test)]
mod tests;
mod write;

use bytes::Bytes;
use tokio::time::Instant;

use self::grpc::{Code, Fault};
use self::message::HttpRequest;
use crate::account::Asked;
use crate::caller::Caller;
use crate::denial::Reason;
use crate::gate::Gate;
use crate::held::{Room, Whose};
use crate::limits::{Limits, SMALL_MESSAGE, TOLD_HEAD_BYTES};
use crate::told::Judged;

/// The gate as a check service over gRPC.
#[derive(Clone)]
pub struct ExtAuthz {
    gate: Gate,
    caller: Option<Caller>,
}

impl ExtAuthz {
    /// The service of one connection.
    pub fn of(&self, caller: Caller) -> Self {
        Self { gate: self.gate.clone(), caller: Some(caller) }
    }

    /// The answer to one question, with the room for its prefix.
    fn answer(&self, message: &Bytes) -> Result<Vec<u8>, Fault> {
        let http = HttpRequest::read(message)
            .map_err(|_| Fault(Code::Internal, "the message is not well formed"))?;
        // It has been read before anybody is asked here.
        let peer = self.caller.as_ref().map(|caller| {
            caller.usage.touch();
            caller.address
        });
        let asked = Asked { began: Instant::now(), read: None, peer };
        let told = call::read(message, http.as_ref());
        let judged = Judged::of(&self.gate.0, &asked, told.as_ref());
        answer::of(&judged, told.as_ref().ok())
    }

    fn limits(&self) -> &Limits {
        &self.gate.0.limits
    }

    /// How large a message may be.
    fn largest(&self) -> usize {
        let body = usize::try_from(self.limits().buffered_body).unwrap_or(usize::MAX);
        body.saturating_add(TOLD_HEAD_BYTES)
    }

    /// Takes room for what has come of a message, if that is not little.
    fn hold(&self, room: &mut Option<Room>, come: usize) -> Result<(), Fault> {
        if come <= SMALL_MESSAGE {
            return Ok(());
        }
        let connection = self.caller.as_ref().map(|caller| caller.usage.bodies());
        let held = &self.gate.0.held_bodies;
        let room = room
            .get_or_insert_with(|| held.room(Whose::Unknown, connection.unwrap_or_default(), None));
        let busy = |_| Fault(Code::Unavailable, Reason::Overloaded.row().name);
        room.grow_to(come).map_err(busy)
    }
}

impl Gate {
    /// The service that Envoy asks over gRPC, for [`serve`](crate::serve).
    pub fn ext_authz(&self) -> ExtAuthz {
        ExtAuthz { gate: self.clone(), caller: None }
    }
}
