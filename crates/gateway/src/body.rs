//! Bodies on their way through: held until all is there, or watched while they stream.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, combinators::UnsyncBoxBody};
use tidegate_sign::BodyHasher;
use tokio::time::Sleep;

use crate::denial::{Denial, Reason};
use crate::headers::trailers_from_backend;
use crate::held::Room;
use crate::limits::Limits;

/// What goes wrong below a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes a body of an enum of bodies. A generic enum would do it without a macro, but its bounds on an
/// error in a box are more than the compiler can see through in a task.
macro_rules! body_of_kinds {
    ($name:ident: $($kind:ident),+) => {
        impl Body for $name {
            type Data = Bytes;
            type Error = BoxError;

            fn poll_frame(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
                match &mut *self {
                    $(Self::$kind(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),)+
                }
            }

            fn is_end_stream(&self) -> bool {
                match self {
                    $(Self::$kind(body) => body.is_end_stream(),)+
                }
            }

            fn size_hint(&self) -> SizeHint {
                match self {
                    $(Self::$kind(body) => body.size_hint(),)+
                }
            }
        }
    };
}

/// A body, either way.
pub enum AnyBody {
    /// There at once.
    Whole(Full<Bytes>),
    /// Another one.
    Other(UnsyncBoxBody<Bytes, BoxError>),
}

impl AnyBody {
    /// A body of another kind.
    pub fn other(body: impl Body<Data = Bytes, Error = BoxError> + Send + 'static) -> Self {
        Self::Other(body.boxed_unsync())
    }
}

pub(crate) use body_of_kinds;

body_of_kinds!(AnyBody: Whole, Other);

/// The body that is there at once.
pub(crate) fn full(bytes: impl Into<Bytes>) -> AnyBody {
    AnyBody::Whole(Full::new(bytes.into()))
}

/// Reads a whole body, within the limits for bodies that are held. `room` grows with it.
pub(crate) async fn read_whole<B>(
    headers: &HeaderMap,
    body: B,
    limits: &Limits,
    room: &mut Room,
) -> Result<Bytes, Denial>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let limit = usize::try_from(limits.buffered_body).unwrap_or(usize::MAX);
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let declared = declared.and_then(|length| length.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limits.buffered_body.into()) {
        return Err(Reason::BodyTooLarge.into());
    }
    let until = tokio::time::Instant::now() + limits.buffered_read;
    let mut body = pin!(Limited::new(body, limit));
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    loop {
        let Ok(frame) = tokio::time::timeout_at(until, body.as_mut().frame()).await else {
            return Err(Fault::Stalled.into());
        };
        let frame = match frame {
            None => return Ok(if all.is_empty() { first } else { all.freeze() }),
            Some(Ok(frame)) => frame,
            Some(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(Reason::BodyTooLarge.into());
            }
            Some(Err(_)) => return Err(Fault::Broken.into()),
        };
        let Ok(data) = frame.into_data() else { continue };
        let come = first.len().saturating_add(all.len());
        room.grow_to(come.saturating_add(data.len()))?;
        if come == 0 {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
}

/// Why a body that streams was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Its hash is not the declared one.
    #[error("the body is not the one that was signed")]
    Mismatch,
    /// The caller broke off.
    #[error("the caller's body broke off")]
    Broken,
    /// The caller stood still.
    #[error("the caller's body stood still for too long")]
    Stalled,
}

/// Where a streaming body leaves word of its fault and its size: the client reports errors of bodies in
/// many ways, or not at all when the backend hangs up first.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultCell(Arc<Word>);

#[derive(Debug, Default)]
struct Word {
    fault: AtomicU8,
    bytes: AtomicU64,
}

impl FaultCell {
    fn set(&self, fault: Fault) -> BoxError {
        let code = match fault {
            Fault::Mismatch => 1,
            Fault::Broken => 2,
            Fault::Stalled => 3,
        };
        self.0.fault.store(code, Ordering::Release);
        Box::new(fault)
    }

    /// The fault, if there was one.
    pub(crate) fn get(&self) -> Option<Fault> {
        match self.0.fault.load(Ordering::Acquire) {
            1 => Some(Fault::Mismatch),
            2 => Some(Fault::Broken),
            3 => Some(Fault::Stalled),
            _ => None,
        }
    }

    /// How much of the body has come.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    fn count(&self, data: &Bytes) {
        self.0.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
    }
}

/// A caller's body on its way to the backend.
///
/// With a declared hash it stays one chunk behind, and lets the last chunk go only when the hash
/// agrees. So the backend sees a body that breaks off, never a complete one that nobody signed.
/// Trailers are not signed, so they are dropped.
pub(crate) struct Inbound<B> {
    inner: B,
    declared: Option<Declared>,
    held: Option<Bytes>,
    ended: bool,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    fault: FaultCell,
}

struct Declared {
    hasher: BodyHasher,
    hash: [u8; 32],
}

impl<B> Inbound<B> {
    /// A body to be streamed, with the hash it must have, if one was declared.
    pub(crate) fn new(inner: B, declared: Option<[u8; 32]>, idle: Duration) -> (Self, FaultCell) {
        let fault = FaultCell::default();
        let body = Self {
            inner,
            declared: declared.map(|hash| Declared { hasher: BodyHasher::new(), hash }),
            held: None,
            ended: false,
            idle,
            timer: None,
            fault: fault.clone(),
        };
        (body, fault)
    }

    fn fail(&mut self, fault: Fault) -> BoxError {
        self.ended = true;
        self.held = None;
        self.fault.set(fault)
    }

    /// Has the caller stood still for too long? The time runs only while he is waited for, not while
    /// the backend is.
    fn is_stalled(&mut self, cx: &mut Context<'_>) -> bool {
        let idle = self.idle;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        timer.as_mut().poll(cx).is_ready()
    }
}

impl<B> Body for Inbound<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
                if self.is_stalled(cx) {
                    return Poll::Ready(Some(Err(self.fail(Fault::Stalled))));
                }
                return Poll::Pending;
            };
            self.timer = None;
            let data = match frame {
                Some(Ok(frame)) => frame.into_data().ok().filter(|data| !data.is_empty()),
                Some(Err(_)) => return Poll::Ready(Some(Err(self.fail(Fault::Broken)))),
                None => {
                    let declared = self.declared.take();
                    if declared.is_some_and(|d| d.hasher.finish() != d.hash) {
                        return Poll::Ready(Some(Err(self.fail(Fault::Mismatch))));
                    }
                    self.ended = true;
                    let last = self.held.take();
                    return Poll::Ready(last.map(|data| Ok(Frame::data(data))));
                }
            };
            let Some(data) = data else { continue };
            self.fault.count(&data);
            let ready = match &mut self.declared {
                Some(declared) => {
                    declared.hasher.update(&data);
                    self.held.replace(data)
                }
                None => Some(data),
            };
            if let Some(data) = ready {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || (self.declared.is_none() && self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, |data| data.len() as u64);
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(held));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}

/// A body on its way out. Keeps `room` until the other end has all of it. Trailers go on only where they are
/// wanted, and never say what only the gate may say.
pub struct Outbound<B, R> {
    pub(crate) inner: B,
    pub(crate) lets_trailers: bool,
    /// What is given back at the end.
    pub(crate) _room: R,
}

impl<B, R> Body for Outbound<B, R>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
    R: Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
            match frame {
                Some(Ok(frame)) if frame.is_data() => return Poll::Ready(Some(Ok(frame))),
                Some(Ok(mut frame)) => {
                    if let Some(trailers) = frame.trailers_mut().filter(|_| self.lets_trailers) {
                        trailers_from_backend(trailers);
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::held::{Counter, HeldBodies, Whose};
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use tidegate_sign::sha256;

    const MINUTE: Duration = Duration::from_secs(60);

    struct Chunks(VecDeque<Frame<Bytes>>);

    impl Body for Chunks {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(Ok))
        }
    }

    struct Silent;

    impl Body for Silent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    fn chunks(texts: &[&'static str]) -> Chunks {
        let data = texts.iter().map(|text| Frame::data(Bytes::from_static(text.as_bytes())));
        let mut trailers = HeaderMap::new();
        trailers.insert("x-tidegate-app", http::HeaderValue::from_static("spoofed"));
        Chunks(data.chain([Frame::trailers(trailers)]).collect())
    }

    /// What comes out, and the error at the end if there is one.
    async fn drain(mut body: impl Body<Data = Bytes, Error = BoxError> + Unpin) -> (String, bool) {
        let mut text = String::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => {
                    let data = frame.into_data().expect("no trailers pass");
                    text.push_str(std::str::from_utf8(&data).unwrap());
                }
                Err(_) => return (text, false),
            }
        }
        (text, true)
    }

    #[tokio::test]
    async fn the_last_chunk_waits_for_the_hash() {
        for texts in [&["one", "", "two", "three"][..], &["onetwothree"], &[]] {
            let whole = texts.concat();
            let (body, fault) = Inbound::new(chunks(texts), Some(sha256(whole.as_bytes())), MINUTE);
            assert_eq!(drain(body).await, (whole.clone(), true));
            assert_eq!(fault.get(), None);

            let (body, fault) = Inbound::new(chunks(texts), Some(sha256(b"other")), MINUTE);
            let (seen, is_complete) = drain(body).await;
            assert!(!is_complete && whole.starts_with(&seen));
            assert!(seen.len() < whole.len() || whole.is_empty(), "it broke off");
            assert_eq!(fault.get(), Some(Fault::Mismatch));

            let (body, _) = Inbound::new(chunks(texts), None, MINUTE);
            assert_eq!(drain(body).await, (whole, true));
        }
    }

    /// Holds a body of at most ten bytes.
    async fn held<B>(body: B) -> Result<Bytes, Denial>
    where
        B: Body<Data = Bytes, Error = Infallible>,
    {
        let limits = Limits { buffered_body: 10, buffered_read: MINUTE, ..Limits::default() };
        let mut room = HeldBodies::new(&limits).room(Whose::Known, Counter::default(), None);
        read_whole(&HeaderMap::new(), body, &limits, &mut room).await
    }

    #[tokio::test(start_paused = true)]
    async fn who_stands_still_is_cut_off() {
        let (body, fault) = Inbound::new(Silent, None, MINUTE);
        assert_eq!(drain(body).await, (String::new(), false));
        assert_eq!(fault.get(), Some(Fault::Stalled));
        assert_eq!(held(Silent).await.unwrap_err().reason, Reason::BadRequest);
    }

    #[tokio::test]
    async fn a_body_is_held_up_to_the_limit_and_no_byte_more() {
        assert_eq!(held(chunks(&["12345", "67890"])).await.unwrap(), "1234567890");
        let denial = held(chunks(&["12345", "67890", "1"])).await.unwrap_err();
        assert_eq!(denial.reason, Reason::BodyTooLarge);
    }
}
