//! WebSockets: a call that goes on in another protocol, for as long as it may.
//!
//! A call that asks for one is admitted like any other. When the backend agrees, bytes are copied both
//! ways, and the gate goes on asking itself whether such a call would be admitted still. It ends with
//! the grant, with the lease, with silence and with the gate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::watch;
use tokio::time::{Instant, interval, timeout};

use crate::check::{Admitted, still_admits};
use crate::state::State;
use crate::websocket::{AGREEMENT, agrees};

/// So much is read at a time, each way.
const CHUNK: usize = 16 * 1024;

/// How long either end may take to begin, and to take leave.
const MANNERS: Duration = Duration::from_secs(5);

/// Adds to the backend's headers what asks it for a WebSocket.
pub(crate) fn ask(callers: &HeaderMap, sent: &mut HeaderMap) {
    for name in AGREEMENT {
        sent.remove(&name);
        for value in callers.get_all(&name) {
            sent.append(&name, value.clone());
        }
    }
    agree(sent);
}

fn agree(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// What is between the two ends of an admitted WebSocket.
pub(crate) struct Tunnel<R> {
    pub(crate) gate: Arc<State>,
    pub(crate) admitted: Admitted,
    /// How long it may be silent.
    pub(crate) idle: Duration,
    /// What is given back at the end.
    pub(crate) room: R,
}

impl<R: Send + 'static> Tunnel<R> {
    /// Lets the two ends talk, if the backend agrees. `head` is its answer's, and becomes the caller's.
    pub(crate) fn open(
        self,
        caller: Option<OnUpgrade>,
        backend: Option<OnUpgrade>,
        answered: &HeaderMap,
        head: &mut HeaderMap,
    ) -> Result<(), &'static str> {
        if !agrees(answered) {
            return Err("it switched to another protocol than it was asked to");
        }
        let (caller, backend) =
            caller.zip(backend).ok_or("a connection that cannot switch protocols")?;
        agree(head);
        // From now on it is known of, so that the end of the gate does not miss it.
        let closing = self.gate.closing.subscribe();
        tokio::spawn(async move {
            let both = async { tokio::join!(caller, backend) };
            if let Ok((Ok(caller), Ok(backend))) = timeout(MANNERS, both).await {
                let why = self.run(caller, backend, closing).await;
                tracing::debug!(target: "tidegate::call", why, "a WebSocket has ended");
            }
        });
        Ok(())
    }

    async fn run(
        self,
        caller: Upgraded,
        backend: Upgraded,
        closing: watch::Receiver<bool>,
    ) -> &'static str {
        let Self { gate, admitted, idle, room } = self;
        let moved = AtomicU64::new(0);
        let (mut from_caller, mut to_caller) = split(TokioIo::new(caller));
        let (mut from_backend, mut to_backend) = split(TokioIo::new(backend));
        let why = tokio::select! {
            _ = async {
                tokio::join!(
                    copy(&mut from_caller, &mut to_backend, &moved),
                    copy(&mut from_backend, &mut to_caller, &moved),
                )
            } => "its ends are done",
            why = end(&gate, &admitted, idle, &moved, closing) => why,
        };
        let leave = async { tokio::join!(to_caller.shutdown(), to_backend.shutdown()) };
        let _ = timeout(MANNERS, leave).await;
        drop(room);
        why
    }
}

/// Returns when a WebSocket must end, and tells why.
async fn end(
    gate: &State,
    admitted: &Admitted,
    idle: Duration,
    moved: &AtomicU64,
    mut closing: watch::Receiver<bool>,
) -> &'static str {
    let mut ticks = interval(gate.limits.recheck);
    let mut last = (moved.load(Ordering::Relaxed), Instant::now());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // The sender lives as long as the gate.
            _ = closing.wait_for(|closing| *closing) => return "the gate ends",
        }
        let now = (gate.clock.now)();
        match gate.ready() {
            Ok(index)
                if still_admits(&index, admitted, now)
                    .is_some_and(|api| api.feed.rules.upgrade) => {}
            Ok(_) => return "it is admitted no longer",
            Err(_) => return "the gate may not decide any longer",
        }
        let count = moved.load(Ordering::Relaxed);
        if count != last.0 {
            last = (count, Instant::now());
        } else if last.1.elapsed() >= idle {
            return "it was silent for too long";
        }
    }
}

/// Copies until there is no more, and tells the other end so.
async fn copy(
    from: &mut ReadHalf<TokioIo<Upgraded>>,
    to: &mut WriteHalf<TokioIo<Upgraded>>,
    moved: &AtomicU64,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk).await {
            Ok(read) if read > 0 => {
                if to.write_all(&chunk[..read]).await.is_err() || to.flush().await.is_err() {
                    break;
                }
                moved.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) | Err(_) => break,
        }
    }
    let _ = to.shutdown().await;
}
