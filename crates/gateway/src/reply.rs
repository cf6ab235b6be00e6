//! The body of an answer to a caller.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use crate::backend;
use crate::body::{AnyBody, BoxError, Outbound, body_of_kinds};

/// The body of an answer to a caller. A backend's is not boxed: the allocation per response is measurable.
pub enum Reply {
    /// The gate's own.
    Own(AnyBody),
    /// A backend's.
    Backend(Outbound<backend::Answer, OwnedSemaphorePermit>),
}

impl From<AnyBody> for Reply {
    fn from(body: AnyBody) -> Self {
        Self::Own(body)
    }
}

body_of_kinds!(Reply: Own, Backend);
