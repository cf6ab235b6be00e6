//! The connections to the backends. What client is behind them, no other file knows.
//!
//! A worker thread has [`Backends`] of its own: its pools of idle connections, and the tasks that
//! drive them, stay on it, so no lock here is ever waited for. What all threads share is how
//! connections are made ([`Dialer`]).

mod answer;
mod dial;
mod endpoint;
mod networks;
mod pool;
mod set;
mod trust;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use tokio::time::{Instant, sleep, timeout_at};

use self::answer::Lent;
use self::pool::Pool;
use crate::body::AnyBody;
use crate::limits::Limits;

pub(crate) use self::answer::Answer;
pub(crate) use self::dial::Dialer;
pub(crate) use self::endpoint::Endpoint;
pub use self::networks::{BadNetwork, Networks};
pub(crate) use self::set::Set;

/// How the gate may reach backends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackendConfig {
    /// A file of authorities (PEM) that are trusted beside the machine's own.
    pub ca: Option<PathBuf>,
    /// Where backends may be.
    pub networks: Networks,
}

/// The connections of one worker thread to all backends, kept and used again.
pub(crate) struct Backends(Arc<Inner>);

struct Inner {
    dialer: Arc<Dialer>,
    limits: Limits,
    /// By the name of the endpoint.
    pools: Mutex<Pools>,
    /// Does a task look for old connections?
    sweeping: AtomicBool,
}

type Pools = HashMap<Arc<str>, Arc<Pool>>;

/// Why a backend gave no answer. The text is for the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// It did not begin in time.
    Late,
    /// It could not be reached, hung up, or spoke nonsense.
    Unreachable(String),
}

impl Backends {
    pub(crate) fn new(dialer: Arc<Dialer>, limits: &Limits) -> Self {
        Self(Arc::new(Inner {
            dialer,
            limits: limits.clone(),
            pools: Mutex::default(),
            sweeping: AtomicBool::new(false),
        }))
    }

    /// Sends a request of a call that began at `began`, and waits for the head of the answer. Of the
    /// request's address only path and query count. Follows no redirect.
    pub(crate) async fn send(
        &self,
        request: Request<AnyBody>,
        to: &Set,
        began: Instant,
    ) -> Result<Response<Answer>, NoAnswer> {
        let now = Instant::now();
        let limits = &self.0.limits;
        let until = to.times.total.map(|total| began + total);
        let head = now + to.times.head.unwrap_or(limits.backend);
        let head = until.map_or(head, |until| until.min(head));
        let connect = to.times.connect.unwrap_or(limits.connect);
        let sent = self.0.exchange(request, to.choose(), now, connect);
        let (answer, lent) = match timeout_at(head, sent).await {
            Ok(sent) => sent.map_err(NoAnswer::Unreachable)?,
            Err(_) => return Err(NoAnswer::Late),
        };
        if answer.status().is_informational() {
            return Err(NoAnswer::Unreachable(format!("it answered {}", answer.status())));
        }
        let idle = to.times.idle.unwrap_or(limits.answer_idle);
        Ok(answer.map(|body| Answer::new(body, lent, idle, until)))
    }
}

/// A connection, as it takes a request.
pub(crate) enum Sender {
    Http1(http1::SendRequest<AnyBody>),
    Http2(http2::SendRequest<AnyBody>),
}

/// Why a request got no answer on a connection, and the request if it was not even begun.
type Unsent = TrySendError<Request<AnyBody>>;

impl Sender {
    fn version(&self) -> Version {
        match self {
            Self::Http1(_) => Version::HTTP_11,
            Self::Http2(_) => Version::HTTP_2,
        }
    }

    async fn send(&mut self, request: Request<AnyBody>) -> Result<Response<Incoming>, Unsent> {
        match self {
            Self::Http1(sender) => sender.try_send_request(request).await,
            Self::Http2(sender) => sender.try_send_request(request).await,
        }
    }

    /// What must go back after the answer. A shared connection is never away.
    fn lent_by(self, pool: Arc<Pool>) -> Option<Lent> {
        match self {
            Self::Http1(sender) => Some(Lent { sender, pool }),
            Self::Http2(_) => None,
        }
    }
}

impl Inner {
    /// One request and the head of its answer, on a connection that is there if one is.
    async fn exchange(
        self: &Arc<Self>,
        mut request: Request<AnyBody>,
        to: &Endpoint,
        now: Instant,
        connect: Duration,
    ) -> Result<(Response<Incoming>, Option<Lent>), String> {
        let pool = self.pool(to);
        if let Some(mut sender) = pool.take(now) {
            to.address(&mut request, sender.version());
            match sender.send(request).await {
                Ok(answer) => return Ok((answer, sender.lent_by(pool))),
                Err(mut error) => match error.take_message() {
                    // The backend hung up before any of it was sent: nobody has seen it.
                    Some(unsent) => request = unsent,
                    None => return Err(causes(error.error())),
                },
            }
        }
        let mut sender = self.open(&pool, to, connect).await?;
        to.address(&mut request, sender.version());
        let answer = sender.send(request).await.map_err(|error| causes(error.error()))?;
        Ok((answer, sender.lent_by(pool)))
    }

    /// A new connection, or one that another call has made meanwhile and that can be shared.
    async fn open(
        self: &Arc<Self>,
        pool: &Pool,
        to: &Endpoint,
        connect: Duration,
    ) -> Result<Sender, String> {
        let may_share = to.http2 || (to.is_tls && !pool.speaks_http1());
        if !may_share {
            return self.dial(pool, to, connect).await;
        }
        let failures = pool.failures.load(Ordering::Relaxed);
        let turn = pool.opening.lock().await;
        if pool.speaks_http1() {
            drop(turn);
            return self.dial(pool, to, connect).await;
        }
        if let Some(sender) = pool.take(Instant::now()) {
            return Ok(sender);
        }
        // Who waited for one that could not be made need not wait for the next.
        if pool.failures.load(Ordering::Relaxed) != failures {
            return Err("the connection could not be made for another call".to_owned());
        }
        let made = self.dial(pool, to, connect).await;
        if made.is_err() {
            pool.failures.fetch_add(1, Ordering::Relaxed);
        }
        made
    }

    async fn dial(
        self: &Arc<Self>,
        pool: &Pool,
        to: &Endpoint,
        connect: Duration,
    ) -> Result<Sender, String> {
        let sender = self.dialer.dial(to, connect).await?;
        pool.note(&sender, Instant::now());
        self.sweep_later();
        Ok(sender)
    }

    fn pool(&self, of: &Endpoint) -> Arc<Pool> {
        let mut pools = self.pools();
        if let Some(pool) = pools.get(&of.name) {
            return Arc::clone(pool);
        }
        let pool = Arc::new(Pool::new(self.limits.pool_per_host, self.limits.pool_idle));
        pools.insert(Arc::clone(&of.name), Arc::clone(&pool));
        pool
    }

    fn pools(&self) -> MutexGuard<'_, Pools> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that old connections are closed even if nobody calls their backend again.
    fn sweep_later(self: &Arc<Self>) {
        if self.sweeping.swap(true, Ordering::AcqRel) {
            return;
        }
        let pause = self.limits.pool_idle.max(SHORTEST_PAUSE) / 2;
        let inner = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                sleep(pause).await;
                match inner.upgrade() {
                    Some(inner) if inner.sweep(Instant::now()) => {}
                    Some(_) | None => return,
                }
            }
        });
    }

    /// Closes old connections and forgets backends nobody calls. Is there anything left to sweep?
    fn sweep(&self, now: Instant) -> bool {
        let mut pools = self.pools();
        pools.retain(|_, pool| pool.sweep(now) > 0 || Arc::strong_count(pool) > 1);
        let is_left = !pools.is_empty();
        self.sweeping.store(is_left, Ordering::Release);
        is_left
    }
}

/// The shortest time of which old connections are looked for twice.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// An error with all that caused it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
