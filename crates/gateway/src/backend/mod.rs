//! The connections to the backends. What client is behind them, no other file knows.
//!
//! A worker thread has [`Backends`] of its own: its pools of idle connections, and the tasks that
//! drive them, stay on it, so no lock here is ever waited for. What all threads share is how
//! connections are made ([`Dialer`]).
//!
//! A request goes out one of two ways, which share the choice of a backend, retries and bounds in time:
//! by hyper, or straight ([`straight`]) where backend and call are plain.

mod answer;
mod config;
mod connections;
mod dial;
mod failure;
mod head;
mod keep_alive;
mod networks;
mod own;
mod pool;
mod retry;
mod sender;
mod straight;
mod trust;
mod way;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use tokio::time::{Instant, timeout_at};

pub(crate) use self::answer::Answer;
pub use self::config::BackendConfig;
use self::connections::{ByHyper, Inner};
pub use self::dial::BackendCounters;
pub(crate) use self::dial::Dialer;
pub(crate) use self::failure::NoAnswer;
pub use self::networks::{BadNetwork, Networks};
pub use self::own::OwnListeners;
use self::retry::Again;
pub(crate) use self::straight::{Begun, Straight, Wish};
use self::way::{Call, Way};
use crate::body::AnyBody;
use crate::limits::Limits;
use crate::upstream::Set;

/// The connections of one worker thread to all backends, kept and used again.
pub(crate) struct Backends(Arc<Inner>);

impl Backends {
    pub(crate) fn new(dialer: Arc<Dialer>, limits: &Limits) -> Self {
        Self(Arc::new(Inner::new(dialer, limits)))
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
