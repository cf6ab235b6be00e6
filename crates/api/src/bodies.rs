//! The bodies of calls: read within a time, a size and a memory that depend on whether the caller is known.

use std::sync::Arc;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tidegate_wire::errors;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::fault::Fault;
use crate::limits::{
    BODY_LIMIT, BODY_READ, KNOWN_BODIES_KIB, UNKNOWN_BODIES_KIB, UNKNOWN_BODY_LIMIT,
    UNKNOWN_BODY_READ,
};

/// The memory for bodies. Clones share it.
#[derive(Debug, Clone)]
pub struct Bodies {
    known: Arc<Semaphore>,
    unknown: Arc<Semaphore>,
}

impl Default for Bodies {
    fn default() -> Self {
        let known = Arc::new(Semaphore::new(KNOWN_BODIES_KIB));
        Self { known, unknown: Arc::new(Semaphore::new(UNKNOWN_BODIES_KIB)) }
    }
}

/// A body that was read, and its memory.
#[derive(Debug, Default)]
pub(crate) struct ReadBody {
    pub bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    /// Reads a body. Memory is taken as it arrives, whatever length was announced.
    pub(crate) async fn read(&self, body: Body, is_known: bool) -> Result<ReadBody, Fault> {
        let (room, most, time) = match is_known {
            true => (&self.known, BODY_LIMIT, BODY_READ),
            false => (&self.unknown, UNKNOWN_BODY_LIMIT, UNKNOWN_BODY_READ),
        };
        let bad = |why: &str| errors::Fault::BadRequest { why: why.to_owned() };
        let until = Instant::now() + time;
        let mut body = Limited::new(body, most);
        let mut read = ReadBody::default();
        let mut bytes = BytesMut::new();
        loop {
            let Ok(frame) = timeout_at(until, body.frame()).await else {
                return Err(bad("The body did not arrive in time.").into());
            };
            let frame = match frame {
                None => break,
                Some(Ok(frame)) => frame,
                Some(Err(error)) if error.is::<LengthLimitError>() => {
                    return Err(errors::Fault::TooLarge { max: most }.into());
                }
                Some(Err(_)) => return Err(bad("The body did not arrive whole.").into()),
            };
            let Ok(data) = frame.into_data() else { continue };
            read.grow(room, bytes.len().saturating_add(data.len()))?;
            bytes.extend_from_slice(&data);
        }
        read.bytes = bytes.freeze();
        Ok(read)
    }
}

impl ReadBody {
    fn grow(&mut self, room: &Arc<Semaphore>, length: usize) -> Result<(), Fault> {
        let has = self._room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = length.div_ceil(1024).saturating_sub(has);
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let busy = |_| Fault::Busy { seconds: 1 };
        let permit = Arc::clone(room).try_acquire_many_owned(more).map_err(busy)?;
        match &mut self._room {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memory_is_taken_as_it_arrives_and_kept_apart_for_known_callers() {
        let bodies = Bodies::default();
        let body = |bytes: usize| Body::from(vec![b'x'; bytes]);
        let mut held = Vec::new();
        for _ in 0..UNKNOWN_BODIES_KIB * 1024 / UNKNOWN_BODY_LIMIT {
            held.push(bodies.read(body(UNKNOWN_BODY_LIMIT), false).await.unwrap());
        }
        let busy = bodies.read(body(1), false).await;
        assert!(matches!(busy, Err(Fault::Busy { .. })), "{busy:?}");
        assert_eq!(bodies.read(body(BODY_LIMIT), true).await.unwrap().bytes.len(), BODY_LIMIT);
        held.pop();
        assert!(bodies.read(body(1), false).await.is_ok());
        let large = bodies.read(body(UNKNOWN_BODY_LIMIT + 1), false).await;
        assert!(matches!(large, Err(Fault::Wire(errors::Fault::TooLarge { .. }))), "{large:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        struct Silent;
        impl http_body::Body for Silent {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
                std::task::Poll::Pending
            }
        }
        let bodies = Bodies::default();
        for is_known in [true, false] {
            let late = bodies.read(Body::new(Silent), is_known).await;
            let is_bad = matches!(late, Err(Fault::Wire(errors::Fault::BadRequest { .. })));
            assert!(is_bad, "{late:?}");
        }
    }
}
