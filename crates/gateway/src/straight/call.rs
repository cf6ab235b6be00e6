//! One plain call: verdict, body, backend, answer. What is decided, and by which rules, is what
//! [`Call`] has for all calls; here is only how the bytes go.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{Method, Response, Version};
use tidegate_sign::{Cover, sha256};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Duration, Instant};

use super::answer::{self, Said};
use super::caller::{Caller, Cut};
use super::head::Head;
use crate::account::{Account, Watch};
use crate::backend::{Begun, Straight, Wish};
use crate::body::Fault;
use crate::call::{Call, Failed, Onward};
use crate::denial::{Denial, Reason};
use crate::denial_response::refuse;
use crate::evidence::Evidence;
use crate::framing::Torn;
use crate::headers::{self, Lines};
use crate::held::Room;
use crate::probes::health;
use crate::right::Recheck;
use crate::state::Server;
use crate::telemetry::Aborted;
use crate::upstream::Flight;

/// What becomes of the connection after a call.
pub(super) enum After {
    /// The next call may come.
    Next,
    /// It is closed in order.
    Close,
    /// There is nobody left, or nothing that could still be said.
    Gone,
    /// The call is for hyper. Nothing of it was counted or answered.
    Hyper,
}

/// Why there is no answer of a backend.
enum Unanswered {
    Denied(Denial),
    Gone,
    Hyper,
}

impl From<Denial> for Unanswered {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Reason> for Unanswered {
    fn from(reason: Reason) -> Self {
        Self::Denied(reason.into())
    }
}

/// An answer that has begun.
struct Answering {
    begun: Begun,
    /// Its head.
    out: Vec<u8>,
    /// May another call come behind it?
    keeps: bool,
    /// How long it may stand still, and when it must have ended.
    idle: Duration,
    until: Option<Instant>,
    /// Given back when it has ended.
    _held: (OwnedSemaphorePermit, Option<Flight>),
}

/// Answers a call.
pub(super) async fn answer(server: &Arc<Server>, caller: &mut Caller, head: &Head) -> After {
    let mut watch = Watch::begin(Arc::clone(server), &head.parts);
    let Watch { account, strict, .. } = &mut *watch;
    let gate = &*server.gate;
    let mut to_come = head.body;
    let outcome = match headers::read(&head.parts, gate.limits.head_bytes) {
        Ok(read) => {
            let strict = strict.insert(read);
            if let Some(answer) = health(gate, strict.target.canonical_path()) {
                watch.silence();
                return own(watch, caller, head, to_come, &answer).await;
            }
            let call = Call { gate, server, parts: &head.parts, strict };
            Going { call, caller: &mut *caller, keeps: head.keeps, to_come: &mut to_come }
                .answered(account)
                .await
        }
        Err(denial) => Err(denial.into()),
    };
    match outcome {
        Ok(answering) => {
            watch.answered(&head.parts, None, answering.begun.status);
            relay(watch, caller, answering).await
        }
        Err(Unanswered::Denied(denial)) => {
            let answer = refuse(&denial, &account.ids.request, Version::HTTP_11);
            watch.answered(&head.parts, Some(denial.reason), answer.status());
            own(watch, caller, head, to_come, &answer).await
        }
        Err(Unanswered::Gone) => After::Gone,
        Err(Unanswered::Hyper) => {
            watch.silence();
            After::Hyper
        }
    }
}

/// Sends an answer of the gate's own. A body that has come is passed over; one that has not ends the
/// connection.
async fn own(
    mut watch: Box<Watch>,
    caller: &mut Caller,
    head: &Head,
    to_come: usize,
    answer: &Response<Bytes>,
) -> After {
    let is_there = caller.inbox.len() >= to_come;
    let closes = answer.headers().contains_key(CONNECTION);
    let keeps = head.keeps && is_there && !closes && !caller.is_stopping();
    let account = &watch.account;
    let gate = &*watch.server.gate;
    let said = Said { gate, id: &account.ids.request, revision: account.revision, keeps };
    let out = answer::own(answer, &said);
    let idle = gate.limits.body_idle;
    if caller.write(&mut out.as_slice(), idle).await.is_err() {
        return After::Gone;
    }
    watch.sent(answer.body().len() as u64);
    watch.ended(None);
    if !keeps {
        return After::Close;
    }
    drop(caller.inbox.split_to(to_come));
    After::Next
}

/// Sends an answer of a backend, and keeps the backend's connection.
async fn relay(mut watch: Box<Watch>, caller: &mut Caller, answering: Answering) -> After {
    let Answering { mut begun, mut out, keeps, idle, until, _held } = answering;
    let mut recheck = Recheck::default();
    loop {
        let passed = begun.pass(&mut out);
        if let Err(by) = send(&watch, caller, &out, &mut recheck).await {
            watch.ended(Some(by));
            return After::Gone;
        }
        out.clear();
        watch.sent(passed.unwrap_or_default());
        if begun.framing.is_over() {
            break;
        }
        let waited = match passed {
            Ok(_) => more(&watch, caller, &mut begun, &mut recheck, (idle, until)).await,
            Err(Torn) => Err(Aborted::Backend),
        };
        match waited {
            Ok(1..) => {}
            Ok(0) if begun.framing.close(&mut out) => {}
            Ok(0) => {
                watch.ended(Some(Aborted::Backend));
                return After::Gone;
            }
            Err(by) => {
                watch.ended(Some(by));
                return After::Gone;
            }
        }
    }
    watch.ended(None);
    begun.give_back(Instant::now());
    if keeps { After::Next } else { After::Close }
}

/// Sends a part of an answer. While the caller takes nothing it is looked at whether it is for them still.
async fn send(
    watch: &Watch,
    caller: &mut Caller,
    out: &[u8],
    recheck: &mut Recheck,
) -> Result<(), Aborted> {
    let limits = &watch.server.gate.limits;
    let (mut rest, mut waited) = (out, Duration::ZERO);
    let step = limits.recheck.min(limits.body_idle);
    loop {
        let before = rest.len();
        match caller.write(&mut rest, step).await {
            Ok(()) => return Ok(()),
            Err(Cut::Late) => {}
            Err(Cut::Ended | Cut::Gone | Cut::Stopped) => return Err(Aborted::Caller),
        }
        waited = if rest.len() < before { step } else { waited + step };
        if waited >= limits.body_idle {
            return Err(Aborted::Caller);
        }
        look(watch, recheck, Instant::now())?;
    }
}

/// Waits for more of an answer, which may stand still for so long and must have ended by then.
async fn more(
    watch: &Watch,
    caller: &mut Caller,
    begun: &mut Begun,
    recheck: &mut Recheck,
    (idle, until): (Duration, Option<Instant>),
) -> Result<usize, Aborted> {
    let mut now = Instant::now();
    let stalled = now + idle;
    let last = until.map_or(stalled, |until| until.min(stalled));
    while now < last {
        let next = look(watch, recheck, now)?;
        match caller.wait(next.min(last), begun.read()).await {
            Ok(read) => return read.map_err(|_| Aborted::Backend),
            Err(Cut::Gone | Cut::Ended) => return Err(Aborted::Caller),
            Err(Cut::Late | Cut::Stopped) => now = Instant::now(),
        }
    }
    Err(Aborted::Backend)
}

/// Would the call be admitted still? Returns when to look again.
fn look(watch: &Watch, recheck: &mut Recheck, now: Instant) -> Result<Instant, Aborted> {
    let gate = &*watch.server.gate;
    let Some(admitted) = &watch.account.admitted else { return Err(Aborted::Gateway) };
    recheck.look(gate, admitted, now).map_err(|_| Aborted::Gateway)
}

/// A call on its way.
struct Going<'a, 'c> {
    call: Call<'a>,
    caller: &'c mut Caller,
    keeps: bool,
    /// How much of its body was not taken yet.
    to_come: &'c mut usize,
}

impl Going<'_, '_> {
    /// The beginning of a backend's answer.
    async fn answered(mut self, account: &mut Account) -> Result<Answering, Unanswered> {
        let gate = self.call.gate;
        let index = gate.ready()?;
        account.revision = Some(index.revision());
        let route = self.call.route(&index)?;
        // Before anything is counted. Where there is no room to hold the body, hyper may stream it.
        if !route.iter().all(|(api, _)| api.goes_straight()) {
            return Err(Unanswered::Hyper);
        }
        let mut room = (*self.to_come > 0).then(|| self.call.room_on(&route));
        if let Some(room) = &mut room {
            let there = (*self.to_come).min(self.caller.inbox.len());
            room.grow_to(there).map_err(|_| Unanswered::Hyper)?;
        }
        let needed = self.call.look_along(&index, &route, *self.to_come == 0, account)?;
        drop(index);
        let mut body = Bytes::new();
        if needed != Evidence::Empty {
            let asked = Instant::now();
            let read = self.body(asked + gate.limits.buffered_read, room.as_mut()).await;
            if account.admitted.is_none() {
                account.read = Some(asked.elapsed());
            }
            body = read?;
            account.held = body.len() as u64;
        }
        if account.admitted.is_none() {
            self.call.verdict(needed, &body, account)?;
        }
        let Some(admitted) = &account.admitted else { return Err(Reason::Internal.into()) };
        if let (Evidence::Declared, Some(Cover::Declared(hash))) = (needed, admitted.cover)
            && hash != sha256(&body)
        {
            return Err(Denial::from(Fault::Mismatch).into());
        }
        self.forward(account, &body).await
    }

    /// The body, which must all be there in time.
    async fn body(&mut self, until: Instant, mut room: Option<&mut Room>) -> Result<Bytes, Denial> {
        let length = *self.to_come;
        while self.caller.inbox.len() < length {
            self.caller.read(until, false).await.map_err(|cut| match cut {
                Cut::Late => Fault::Stalled,
                Cut::Ended | Cut::Gone | Cut::Stopped => Fault::Broken,
            })?;
            if let Some(room) = &mut room {
                room.grow_to(length.min(self.caller.inbox.len()))?;
            }
        }
        *self.to_come = 0;
        Ok(self.caller.inbox.split_to(length).freeze())
    }

    async fn forward(self, account: &mut Account, body: &[u8]) -> Result<Answering, Unanswered> {
        let Self { call, caller, keeps, .. } = self;
        let Account { admitted, ids, began, decided, revision, fault, .. } = account;
        let Some(admitted) = &*admitted else { return Err(Reason::Internal.into()) };
        let mut failed = |(denial, why): Failed| {
            *fault = why;
            Unanswered::Denied(denial)
        };
        let Onward { method, address, headers, backends, ends, room } =
            call.onward::<Lines>(admitted, ids).map_err(&mut failed)?;
        let clients = &call.server.backends;
        let wish = Wish { method: &method, address: &address, headers: &headers, body };
        let mut way = Straight::new(clients, wish);
        let is_safe = method == Method::GET && body.is_empty();
        // Nothing was waited for since the verdict, if there is no body.
        let now = decided.filter(|_| body.is_empty()).unwrap_or_else(Instant::now);
        let mut asked = clients.begin(backends, *began, now, is_safe, true);
        let until = asked.head;
        let begun = match caller.wait(until, clients.answered(&mut asked, &mut way, now)).await {
            Ok(Ok(begun)) => begun,
            Ok(Err(why)) => return Err(failed(why.into())),
            Err(Cut::Late | Cut::Stopped) => return Err(failed(clients.late(&asked).into())),
            Err(Cut::Ended | Cut::Gone) => return Err(Unanswered::Gone),
        };
        let keeps = keeps && !caller.is_stopping();
        let said = Said { gate: call.gate, id: &ids.request, revision: *revision, keeps };
        let mut out = way.out;
        answer::end_head(&mut out, &begun, &said, &ends);
        let (idle, until) = (clients.idle(backends), asked.until);
        Ok(Answering { begun, out, keeps, idle, until, _held: (room, asked.flight()) })
    }
}
