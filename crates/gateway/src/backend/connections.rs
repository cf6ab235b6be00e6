//! The connections of a worker thread to all backends, and requests on them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::{Instant, sleep};

use super::answer::Lent;
use super::dial::{Dialer, Speak};
use super::failure::{Failure, NoAnswer, NoConnection};
use super::keep_alive;
use super::pool::Pool;
use super::retry::Again;
use super::sender::Sender;
use super::way::{Call, Way};
use crate::body::AnyBody;
use crate::limits::Limits;
use crate::upstream::Endpoint;

/// The connections of one worker thread.
pub(super) struct Inner {
    pub(super) dialer: Arc<Dialer>,
    pub(super) limits: Limits,
    /// By the name of the endpoint.
    pub(super) pools: Mutex<Pools>,
    /// Does a task look for old connections?
    pub(super) sweeping: AtomicBool,
}

impl Inner {
    pub(super) fn new(dialer: Arc<Dialer>, limits: &Limits) -> Self {
        let (pools, sweeping) = (Mutex::default(), AtomicBool::new(false));
        Self { dialer, limits: limits.clone(), pools, sweeping }
    }
}

type Pools = HashMap<Arc<str>, Arc<Pool>>;

/// The head of an answer, its body, and what must go back after it.
pub(crate) type Answered = (Response<Incoming>, Option<Lent>);

impl Inner {
    /// An answer from one of the backends of a call.
    pub(super) async fn answered<W: Way>(
        &self,
        call: &mut Call<'_>,
        way: &mut W,
        mut now: Instant,
    ) -> Result<W::Answer, NoAnswer> {
        loop {
            let last = call.at.take();
            call.at = call.to.choose(now, last.as_ref().map(|at| &**at.member));
            drop(last);
            let Some(at) = &call.at else {
                return Err(NoAnswer::Unreachable("there is no backend".to_owned()));
            };
            let connect = call.to.times.connect.unwrap_or(self.limits.connect);
            let (counts, passes, why) = match way.exchange(&at.member.endpoint, now, connect).await
            {
                Ok(answered) => {
                    call.to.succeeded(at);
                    return Ok(answered);
                }
                Err(Failure::Connection(why)) => (true, true, why.into()),
                Err(Failure::Broken(why)) => (call.is_whole, true, NoAnswer::Unreachable(why)),
                Err(Failure::Nonsense(why)) => (call.is_whole, false, NoAnswer::Unreachable(why)),
            };
            now = Instant::now();
            if counts {
                self.failed(call, now);
            }
            if !passes || !call.may_go_again() {
                return Err(why);
            }
            tracing::debug!(?why, "a call is tried again");
            self.dialer.retried.fetch_add(1, Ordering::Relaxed);
            way.again();
        }
    }

    /// The backend a call is at has failed.
    pub(super) fn failed(&self, call: &Call<'_>, now: Instant) {
        if let Some(at) = &call.at
            && call.to.failed(at, now)
        {
            tracing::warn!(backend = %at.member.endpoint.name, "a backend gets no calls for a while");
            self.dialer.ejected.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One request and the head of its answer, on a connection that is there if one is.
    pub(super) async fn exchange(
        self: &Arc<Self>,
        request: &mut Option<Request<AnyBody>>,
        to: &Endpoint,
        now: Instant,
        connect: Duration,
    ) -> Result<Answered, Failure> {
        let pool = self.pool(to);
        if let Some(mut sender) = pool.take(now) {
            // What only reads may be asked again when the backend gives the connection up meanwhile.
            let again = request.as_ref().and_then(Again::of);
            match sender.send(request.take().ok_or_else(sent)?, to).await {
                Ok(answer) => return final_answer(answer, sender, pool),
                Err(mut error) => match (error.take_message(), again) {
                    // The backend hung up before any of it was sent: nobody has seen it.
                    (Some(unsent), _) => *request = Some(unsent),
                    (None, Some(again)) if !error.error().is_parse() => {
                        *request = Some(again.request());
                    }
                    (None, _) => return Err(error.into_error().into()),
                },
            }
        }
        // Rare and large: kept apart, so that it makes no call's state larger.
        let opened = Box::pin(self.open(&pool, to, connect)).await;
        let mut sender = opened.map_err(Failure::Connection)?;
        let answer = sender.send(request.take().ok_or_else(sent)?, to).await;
        let answer = answer.map_err(TrySendError::into_error)?;
        final_answer(answer, sender, pool)
    }

    /// One request to switch protocols and the head of its answer, on a connection of its own.
    pub(super) async fn switched(
        &self,
        request: &mut Option<Request<AnyBody>>,
        to: &Endpoint,
        connect: Duration,
    ) -> Result<Answered, Failure> {
        let opened = self.dialer.dial(to, Speak::Http1, connect).await;
        let mut sender = opened.map_err(Failure::Connection)?;
        let answer = sender.send(request.take().ok_or_else(sent)?, to).await;
        let answer = answer.map_err(TrySendError::into_error)?;
        Ok((answer, None))
    }

    /// A new connection, or one that another call has made meanwhile and that can be shared.
    async fn open(
        self: &Arc<Self>,
        pool: &Pool,
        to: &Endpoint,
        connect: Duration,
    ) -> Result<Sender, NoConnection> {
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
            let why = "the connection could not be made for another call";
            return Err(NoConnection::Failed(why.to_owned()));
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
    ) -> Result<Sender, NoConnection> {
        let sender = self.dialer.dial(to, Speak::Any, connect).await?;
        pool.note(&sender, Instant::now());
        self.sweep_later();
        Ok(sender)
    }

    pub(super) fn pool(&self, of: &Endpoint) -> Arc<Pool> {
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
    pub(super) fn sweep_later(self: &Arc<Self>) {
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

/// An answer that is one. Nobody was asked to switch protocols, and hyper takes all others of their
/// kind for what they are: not the answer yet.
fn final_answer(
    answer: Response<Incoming>,
    sender: Sender,
    pool: Arc<Pool>,
) -> Result<Answered, Failure> {
    if answer.status().is_informational() {
        return Err(Failure::Nonsense(format!("it answered {}", answer.status())));
    }
    let idle_for = answer.headers().get("keep-alive");
    let idle_for = idle_for.and_then(|value| keep_alive::idle_for(value.as_bytes()));
    Ok((answer, lent_by(sender, pool, idle_for)))
}

/// The shortest time of which old connections are looked for twice.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// What must go back after the answer. A shared connection is never away.
fn lent_by(sender: Sender, pool: Arc<Pool>, idle_for: Option<Duration>) -> Option<Lent> {
    match sender {
        Sender::Http1(sender) => Some(Lent { sender, pool, idle_for }),
        Sender::Http2(_) => None,
    }
}

/// A request is sent once.
fn sent() -> Failure {
    Failure::Nonsense("the request is not there any more".to_owned())
}

/// The way by hyper: it can do everything.
///
/// The request is moved into place once and then borrowed: what a future takes by value is copied with it.
pub(super) struct ByHyper<'i> {
    pub(super) inner: &'i Arc<Inner>,
    /// Until it is sent.
    pub(super) request: Option<Request<AnyBody>>,
    pub(super) again: Option<Again>,
    /// Does it ask to switch protocols?
    pub(super) switches: bool,
}

impl Way for ByHyper<'_> {
    type Answer = Answered;

    async fn exchange(
        &mut self,
        to: &Endpoint,
        now: Instant,
        connect: Duration,
    ) -> Result<Answered, Failure> {
        if self.switches {
            Box::pin(self.inner.switched(&mut self.request, to, connect)).await
        } else {
            self.inner.exchange(&mut self.request, to, now, connect).await
        }
    }

    fn again(&mut self) {
        self.request = self.again.as_ref().map(Again::request);
    }
}
