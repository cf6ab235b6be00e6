//! The account of a call: what is found out about it along the way, and told at its end.
//!
//! ```text
//! Account   filled in while the call is decided and forwarded
//! Watch     keeps the account until the call is over, however it ends
//! Watched   the answer's body, on which the end of a call shows
//! ```

mod watched;
mod who;

use std::net::SocketAddr;

use http::{Method, StatusCode, Version, request};
use tidegate_sign::Target;
use tokio::time::{Duration, Instant};

pub(crate) use self::watched::Watch;
pub use self::watched::Watched;
use self::who::Who;
use crate::body::FaultCell;
use crate::check::Admitted;
use crate::denial::Reason;
use crate::slots::Hold;
use crate::state::State;
use crate::telemetry::{Aborted, Ids, Kind, Phase, Record, Times};

/// How another proxy asked about a call.
pub(crate) struct Asked {
    pub(crate) began: Instant,
    /// How long the body that was sent along was waited for.
    pub(crate) read: Option<Duration>,
    pub(crate) peer: Option<SocketAddr>,
}

/// What is known of a call so far.
pub(crate) struct Account {
    kind: Kind,
    pub(crate) ids: Ids,
    pub(crate) began: Instant,
    pub(crate) method: Option<Method>,
    pub(crate) version: Option<Version>,
    peer: Option<SocketAddr>,
    /// How long its body was waited for before the verdict.
    pub(crate) read: Option<Duration>,
    pub(crate) admitted: Option<Admitted>,
    /// Keeps the connection of an admitted call.
    pub(crate) hold: Option<Hold>,
    /// What was known when the verdict was made.
    pub(crate) revision: Option<u64>,
    /// When the verdict was there.
    pub(crate) decided: Option<Instant>,
    /// What went wrong behind the gate.
    pub(crate) fault: Option<String>,
    /// The size of a body that was held.
    pub(crate) held: u64,
    /// What a body that streams leaves word in.
    pub(crate) streamed: Option<FaultCell>,
    /// Of a denied call, whose it seems to be.
    who: Who,
    verdict: Option<Result<(), Reason>>,
    status: Option<StatusCode>,
    /// When the head of the answer was there.
    answered: Option<Instant>,
}

impl Account {
    /// The account of a call that comes to the gate itself, from its first moment on.
    pub(crate) fn of_call(gate: &State, peer: SocketAddr, parts: &request::Parts) -> Self {
        let ids = Ids::new(gate.ids.next(), gate.traces(), &parts.headers);
        Self {
            method: Some(parts.method.clone()),
            version: Some(parts.version),
            peer: Some(peer),
            ..Self::new(Kind::Call, ids, Instant::now())
        }
    }

    /// The account of a call that another proxy asks about.
    pub(crate) fn of_check(ids: Ids, asked: &Asked) -> Self {
        Self { peer: asked.peer, read: asked.read, ..Self::new(Kind::Check, ids, asked.began) }
    }

    fn new(kind: Kind, ids: Ids, began: Instant) -> Self {
        Self {
            kind,
            ids,
            began,
            method: None,
            version: None,
            peer: None,
            read: None,
            admitted: None,
            hold: None,
            revision: None,
            decided: None,
            fault: None,
            held: 0,
            streamed: None,
            who: Who::default(),
            verdict: None,
            status: None,
            answered: None,
        }
    }

    /// The head of the answer is there: counts the verdict and the phases up to here.
    pub(crate) fn answered(
        &mut self,
        gate: &State,
        head: Option<(&request::Parts, &Target)>,
        denied: Option<Reason>,
        status: StatusCode,
    ) {
        let now = Instant::now();
        self.answered = Some(now);
        self.status = Some(status);
        let verdict = denied.map_or(Ok(()), Err);
        self.verdict = Some(verdict);
        if let (Some(reason), None, Some((parts, target))) = (denied, &self.admitted, head) {
            self.who = Who::of_denied(gate, parts, target, reason);
        }
        let tally = gate.tally();
        tally.judged(verdict);
        if let Some(read) = self.read {
            tally.took(self.kind, Phase::Read, read);
        }
        tally.took(self.kind, Phase::Check, self.check_time(now));
        if let Some(backend) = self.backend_time(now) {
            tally.took(self.kind, Phase::Backend, backend);
        }
    }

    /// The call is over: counts the rest of it, and tells whoever wants to know.
    pub(crate) fn over(
        &self,
        gate: &State,
        target: Option<&Target>,
        aborted: Option<Aborted>,
        bytes_out: u64,
    ) {
        let now = Instant::now();
        // Whoever left before the answer may have been admitted.
        let verdict = self.verdict.or_else(|| self.admitted.as_ref().map(|_| Ok(())));
        let times = self.times(now);
        let tally = gate.tally();
        if self.kind == Kind::Call && self.verdict == Some(Ok(())) {
            tally.took(self.kind, Phase::Transfer, times.transfer);
        }
        tally.took(self.kind, Phase::Total, times.total);
        tally.moved(self.bytes_in(), bytes_out);
        if let Some(by) = aborted {
            tally.aborted(by);
        }
        let (pairs, sinks) = (gate.pairs(), gate.sinks());
        if pairs.is_none() && !sinks.iter().any(|sink| sink.wants(verdict)) {
            return;
        }
        let record = Record { verdict, aborted, bytes_out, ..self.record(gate, target, times) };
        if let Some(pairs) = pairs {
            let (api, app) = match &self.admitted {
                Some(admitted) => (Some(&admitted.api.feed.id), admitted.app.as_ref()),
                None => (self.who.api.as_ref().map(|api| &api.feed.id), self.who.app.as_ref()),
            };
            pairs.count(api, app, &record);
        }
        for sink in sinks.iter().filter(|sink| sink.wants(verdict)) {
            sink.tell(&record);
        }
    }

    fn record<'a>(&'a self, gate: &State, target: Option<&'a Target>, times: Times) -> Record<'a> {
        let admitted = self.admitted.as_ref();
        let api = admitted.map(|by| &by.api).or(self.who.api.as_ref());
        let instance = admitted.map(|by| &by.instance).or(self.who.instance.as_ref());
        let app = match admitted {
            Some(admitted) => admitted.app.as_ref(),
            None => self.who.app.as_ref(),
        };
        let total_ms = i64::try_from(times.total.as_millis()).unwrap_or(i64::MAX);
        Record {
            kind: self.kind,
            time: (gate.clock.wall)().plus_ms(total_ms.saturating_neg()),
            request_id: self.ids.request.as_str(),
            trace: self.ids.trace.as_ref(),
            method: self.method.as_ref().map(Method::as_str),
            path: target.map(Target::plain_path),
            parameters: target.map_or(0, |target| target.query().len()),
            version: self.version,
            peer: self.peer,
            api: api.map(|api| api.feed.id.as_str()),
            api_name: api.map(|api| api.feed.name.as_str()),
            instance: instance.map(|id| id.as_str()),
            app: app.map(|id| id.as_str()),
            claimed_app: self.who.claimed.as_ref().map(|id| id.as_str()),
            revision: self.revision,
            grant_end: admitted.and_then(Admitted::end),
            verdict: self.verdict,
            status: self.status.map(|status| status.as_u16()),
            fault: self.fault.as_deref(),
            aborted: None,
            bytes_in: self.bytes_in(),
            bytes_out: 0,
            times,
        }
    }

    fn bytes_in(&self) -> u64 {
        self.streamed.as_ref().map_or(self.held, FaultCell::bytes)
    }

    fn times(&self, now: Instant) -> Times {
        let answered = self.answered.unwrap_or(now);
        Times {
            read: self.read.unwrap_or_default(),
            check: self.check_time(answered),
            backend: self.backend_time(answered).unwrap_or_default(),
            transfer: now.saturating_duration_since(answered),
            total: now.saturating_duration_since(self.began),
        }
    }

    /// How long the verdict took, without the wait for the body.
    fn check_time(&self, answered: Instant) -> Duration {
        let verdict = self.decided.unwrap_or(answered).saturating_duration_since(self.began);
        verdict.saturating_sub(self.read.unwrap_or_default())
    }

    /// How long the backend took, if the call got there.
    fn backend_time(&self, answered: Instant) -> Option<Duration> {
        self.admitted.as_ref().filter(|_| self.kind == Kind::Call)?;
        Some(answered.saturating_duration_since(self.decided?))
    }
}
