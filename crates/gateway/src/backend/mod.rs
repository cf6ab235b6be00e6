//! The connections to the backends. What client is behind them, no other file knows.
//!
//! A worker thread has [`Backends`] of its own: its pools of idle connections, and the tasks that
//! drive them, stay on it, so no lock here is ever waited for. What all threads share is how
//! connections are made ([`Dialer`]).
//!
//! A request goes out one of two ways, which share the choice of a backend, retries and bounds in time:
//! by hyper, or straight ([`straight`]) where backend and call are plain.

mod answer;
mod dial;
mod head;
mod keep_alive;
mod networks;
mod own;
mod pool;
mod retry;
mod straight;
mod trust;
mod way;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::Either;
use http::{Request, Response, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use tokio::time::{Instant, sleep, timeout_at};

use self::answer::Lent;
use self::pool::Pool;
use self::retry::Again;
use crate::body::AnyBody;
use crate::limits::Limits;
use crate::upstream::{Endpoint, Flight, Set};

pub(crate) use self::answer::Answer;
pub use self::dial::BackendCounters;
pub(crate) use self::dial::Dialer;
use self::dial::{NoConnection, Speak};
pub use self::networks::{BadNetwork, Networks};
pub use self::own::OwnListeners;
pub(crate) use self::straight::{Begun, Straight, Wish};
use self::way::{ByHyper, Call, Way};

/// How the gate may reach backends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackendConfig {
    /// A file of authorities (PEM) that are trusted beside the machine's own.
    pub ca: Option<PathBuf>,
    /// Where backends may be.
    pub networks: Networks,
    /// The listeners that are no backends, whatever the networks say.
    pub own: OwnListeners,
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
    /// It is where the gate may not connect to.
    Forbidden(String),
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
        self.ask(to, request, began, false).await
    }

    /// The same for a request that asks to switch protocols: on a new connection, over HTTP/1.1. The
    /// answer may be that protocols are switched, and then its extensions tell how.
    pub(crate) async fn switch(
        &self,
        request: Request<AnyBody>,
        to: &Set,
        began: Instant,
    ) -> Result<Response<Answer>, NoAnswer> {
        self.ask(to, request, began, true).await
    }

    /// How long an answer of these backends may stand still.
    pub(crate) fn idle(&self, to: &Set) -> Duration {
        to.times.idle.unwrap_or(self.0.limits.answer_idle)
    }

    /// A call that began at `began` and is to be sent now. `is_safe`: it may be sent twice. `is_whole`:
    /// nothing of it is still to come from the caller.
    pub(crate) fn begin<'s>(
        &self,
        to: &'s Set,
        began: Instant,
        now: Instant,
        is_safe: bool,
        is_whole: bool,
    ) -> Call<'s> {
        let until = to.times.total.map(|total| began + total);
        let head = now + to.times.head.unwrap_or(self.0.limits.backend);
        let head = until.map_or(head, |until| until.min(head));
        let mut tries = 0;
        if to.retries > 0 {
            to.budget.pay();
            tries = if is_safe { to.retries } else { 0 };
        }
        Call { to, at: None, is_whole, tries, head, until }
    }

    /// The head of an answer, by this way. To be waited for until `call.head`.
    pub(crate) async fn answered<W: Way>(
        &self,
        call: &mut Call<'_>,
        way: &mut W,
        now: Instant,
    ) -> Result<W::Answer, NoAnswer> {
        self.0.answered(call, way, now).await
    }

    /// No head of an answer came in time.
    pub(crate) fn late(&self, call: &Call<'_>) -> NoAnswer {
        if call.is_whole {
            self.0.failed(call, call.head);
        }
        NoAnswer::Late
    }

    async fn ask(
        &self,
        to: &Set,
        request: Request<AnyBody>,
        began: Instant,
        switches: bool,
    ) -> Result<Response<Answer>, NoAnswer> {
        let now = Instant::now();
        let again = if to.retries > 0 { Again::of(&request) } else { None };
        let is_whole = request.body().is_end_stream();
        let mut call = self.begin(to, began, now, again.is_some(), is_whole);
        let mut way = ByHyper { inner: &self.0, request: Some(request), again, switches };
        let (answer, lent) =
            match timeout_at(call.head, self.answered(&mut call, &mut way, now)).await {
                Ok(answered) => answered?,
                Err(_) => return Err(self.late(&call)),
            };
        let idle = self.idle(to);
        let (until, flight) = (call.until, call.flight());
        Ok(answer.map(|body| Answer::new(body, lent, flight, idle, until)))
    }
}

/// Why there is no answer. The text is for the log.
pub(crate) enum Failure {
    /// There is no connection.
    Connection(NoConnection),
    /// The connection broke before a byte of an answer came, as far as can be told.
    Broken(String),
    /// What came is no answer.
    Nonsense(String),
}

impl From<NoConnection> for NoAnswer {
    fn from(why: NoConnection) -> Self {
        match why {
            NoConnection::Failed(why) => Self::Unreachable(why),
            NoConnection::Forbidden(why) => Self::Forbidden(why),
        }
    }
}

/// A request is sent once.
fn sent() -> Failure {
    Failure::Nonsense("the request is not there any more".to_owned())
}

impl From<hyper::Error> for Failure {
    fn from(error: hyper::Error) -> Self {
        let text = causes(&error);
        if error.is_parse() { Self::Nonsense(text) } else { Self::Broken(text) }
    }
}

/// The head of an answer, its body, and what must go back after it.
pub(crate) type Answered = (Response<Incoming>, Option<Lent>);

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

    /// Sends a request to the backend at the other end.
    fn send(
        &mut self,
        mut request: Request<AnyBody>,
        to: &Endpoint,
    ) -> impl Future<Output = Result<Response<Incoming>, Unsent>> + use<> {
        to.address(&mut request, self.version());
        match self {
            Self::Http1(sender) => Either::Left(sender.try_send_request(request)),
            Self::Http2(sender) => Either::Right(sender.try_send_request(request)),
        }
    }

    /// What must go back after the answer. A shared connection is never away.
    fn lent_by(self, pool: Arc<Pool>, idle_for: Option<Duration>) -> Option<Lent> {
        match self {
            Self::Http1(sender) => Some(Lent { sender, pool, idle_for }),
            Self::Http2(_) => None,
        }
    }
}

impl Inner {
    /// An answer from one of the backends of a call.
    async fn answered<W: Way>(
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
    fn failed(&self, call: &Call<'_>, now: Instant) {
        if let Some(at) = &call.at
            && call.to.failed(at, now)
        {
            tracing::warn!(backend = %at.member.endpoint.name, "a backend gets no calls for a while");
            self.dialer.ejected.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One request and the head of its answer, on a connection that is there if one is.
    async fn exchange(
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
    async fn switched(
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
    Ok((answer, sender.lent_by(pool, idle_for)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_domain::{ApiId, AuthType, DomainId, ProjectId, api::Method};

    use crate::body::full;
    use crate::feed::{Backend, FeedApi, Rules};

    #[test]
    fn what_every_call_carries_is_small() {
        let feed = FeedApi {
            id: ApiId::parse("a").unwrap(),
            project: ProjectId::parse("p").unwrap(),
            domain: DomainId::parse("d").unwrap(),
            name: "a".to_owned(),
            auth: AuthType::None,
            method: Method::Get,
            path: "/".to_owned(),
            backend: Backend {
                https: false,
                authority: "h".to_owned(),
                method: Method::Get,
                path: "/".to_owned(),
                timeout_ms: None,
                moved: Vec::new(),
                constants: Vec::new(),
                numbers: Vec::new(),
            },
            rules: Rules::default(),
        };
        let set = Set::read(&feed).unwrap();
        let dialer = Arc::new(Dialer::new(&BackendConfig::default()).unwrap());
        let backends = Backends::new(dialer, &Limits::default());
        let sent = backends.send(Request::new(full("")), &set, Instant::now());
        assert!(size_of_val(&sent) < 3_500, "{} bytes are moved and kept", size_of_val(&sent));
    }
}
