//! Nonces: a signed call of an API that asks for one is let through once.
//!
//! The caller sends a nonce of its own, drawn anew for each call, and signs it. The gate remembers
//! the pair of app and nonce for as long as the signature could be good. It never forgets one sooner:
//! when its memory is full, calls are denied instead.
//!
//! What it remembers is gone with the process, so there is a *fence*: calls dated at or before it are
//! denied, because a call of that date may have been let through by what is forgotten.
//!
//! - A call is let through at wall time `w` only with a date of at most `w + AHEAD`. Whatever was let
//!   through before this process began, at `start`, had `w <= start`, so its date is at most
//!   `start + AHEAD`. The fence begins there: no such call is good again, whatever its nonce. Calls
//!   of a later date cannot have been let through before, so all of them are remembered.
//! - A nonce is forgotten when its date is older than any signature may be, and the fence moves up to
//!   that date. So the same holds should the wall clock be set back while the gate runs.
//!
//! `AHEAD` is what makes the fence short: a caller whose clock is right is denied for that long after
//! a start, and not for the whole age a signature may have. In return, callers of such an API must
//! have a clock that is at most `AHEAD` fast.
//!
//! This takes for granted that the wall clock is not set back between two runs, that the first has
//! ended when the second begins, and that nobody else serves the API: several gates share no memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::rand;
use http::HeaderMap;
use tidegate_domain::{AppId, Timestamp};
use tidegate_sign::{
    Authorization, BodyHasher, SDK_DATE, SignError, app_authorization_of, parse_sdk_date,
};

use crate::check::Admitted;
use crate::denial::{Denial, Reason};
use crate::headers::NONCE;
use crate::limits::{Limits, NONCE_AHEAD_SECONDS, NONCE_CHARS};

/// Nonces are spread over so many locks.
const SHARDS: usize = 64;

/// Few enough that looking through them costs nothing.
const LOOK_AT: usize = 256;

/// An app and a nonce of its: 16 of the 32 bytes of a salted SHA-256. The salt keeps callers from
/// choosing nonces that crowd into one shard.
type Pair = [u8; 16];

/// All nonces a gate remembers.
#[derive(Debug)]
pub(crate) struct Nonces {
    salt: [u8; 16],
    /// How old a signature may be, in seconds.
    age: i64,
    /// How far ahead it may be.
    ahead: i64,
    /// How many a shard remembers at most.
    cap: usize,
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Debug, Clone)]
struct Shard {
    /// Calls dated at this second or before are not let through. Never moves back.
    fence: i64,
    /// The second of the last look for what can be forgotten.
    looked: i64,
    /// When to look again although there is room, so that memory is given back.
    look_at: usize,
    /// What was let through, and its date.
    spent: HashMap<Pair, i64>,
}

/// A nonce that was spent by this call.
#[derive(Debug)]
pub(crate) struct Spent(Pair);

impl Nonces {
    /// A memory that begins at `start`, by the wall clock.
    pub(crate) fn new(limits: &Limits, start: Timestamp) -> Self {
        let mut salt = [0; 16];
        // Without randomness there is none to spread by; nothing else depends on it.
        let _ = rand::fill(&mut salt);
        let age = limits.clock_skew_seconds;
        let ahead = age.min(NONCE_AHEAD_SECONDS);
        let start = seconds(start);
        let shard = Shard {
            fence: start.saturating_add(ahead),
            looked: start,
            look_at: LOOK_AT,
            spent: HashMap::new(),
        };
        let shards = (0..SHARDS).map(|_| Mutex::new(shard.clone())).collect();
        Self { salt, age, ahead, cap: limits.nonces.div_ceil(SHARDS), shards }
    }

    /// Begins anew at `start`: for a gate that learns the time only now, and has let nothing through.
    pub(crate) fn begin(&self, start: Timestamp) {
        let start = seconds(start);
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.fence = start.saturating_add(self.ahead);
            shard.looked = start;
        }
    }

    /// Remembers the nonce of an admitted call, or denies the call.
    pub(crate) fn spend(
        &self,
        admitted: &Admitted,
        headers: &HeaderMap,
        wall: Timestamp,
    ) -> Result<Spent, Denial> {
        let (Some(app), Some(_)) = (&admitted.app, admitted.cover) else {
            return Err(wanted("The call is not signed."));
        };
        let nonce = signed_nonce(headers)?;
        // As it was signed: the check has read this very header.
        let date = headers.get(SDK_DATE).and_then(|date| date.to_str().ok());
        let date = parse_sdk_date(date.ok_or(SignError::BadDate)?)?;
        self.remember(self.pair(app, nonce), date, seconds(wall))
    }

    /// Forgets a nonce that was spent by a call which then was not let through.
    pub(crate) fn give_back(&self, spent: Spent) {
        self.with(&spent.0, |shard| shard.spent.remove(&spent.0));
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        let len = |shard: &Mutex<Shard>| lock(shard).spent.len();
        self.shards.iter().map(len).sum()
    }

    fn pair(&self, app: &AppId, nonce: &[u8]) -> Pair {
        let mut hasher = BodyHasher::new();
        hasher.update(&self.salt);
        hasher.update(app.as_str().as_bytes());
        // In neither of them.
        hasher.update(b"\n");
        hasher.update(nonce);
        let mut pair = [0; 16];
        for (byte, of_hash) in pair.iter_mut().zip(hasher.finish()) {
            *byte = of_hash;
        }
        pair
    }

    fn remember(&self, pair: Pair, date: i64, wall: i64) -> Result<Spent, Denial> {
        let off = date.saturating_sub(wall);
        if off > self.ahead {
            let window_seconds = self.ahead;
            return Err(SignError::ClockSkew { seconds_off: off, window_seconds }.into());
        }
        self.with(&pair, |shard| {
            if date <= shard.fence {
                return Err(fenced(shard.fence, wall));
            }
            if shard.spent.contains_key(&pair) {
                return Err(Reason::Replayed.into());
            }
            if shard.spent.len() >= self.cap.min(shard.look_at) && shard.looked < wall {
                shard.forget(wall, self.age);
            }
            if shard.spent.len() >= self.cap {
                return Err(Reason::NonceStoreFull.into());
            }
            shard.spent.insert(pair, date);
            Ok(Spent(pair))
        })
    }

    fn with<T>(&self, pair: &Pair, act: impl FnOnce(&mut Shard) -> T) -> T {
        let [first, ..] = pair;
        // The byte's values are spread evenly: their number is a multiple of the shards'.
        act(&mut lock(&self.shards[usize::from(*first) % SHARDS]))
    }
}

impl Shard {
    /// Forgets the calls that are too old to be good again, and moves the fence up to them.
    fn forget(&mut self, wall: i64, age: i64) {
        self.fence = self.fence.max(wall.saturating_sub(age).saturating_sub(1));
        self.spent.retain(|_, date| *date > self.fence);
        self.looked = wall;
        // At least doubling keeps the cost of looking in proportion.
        self.look_at = self.spent.len().saturating_mul(2).max(LOOK_AT);
    }
}

/// A panic of another call harms no shard: each is changed in one go.
fn lock(shard: &Mutex<Shard>) -> std::sync::MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn seconds(moment: Timestamp) -> i64 {
    moment.as_ms().div_euclid(1_000)
}

/// The nonce of a call, if it is well formed and covered by the signature.
fn signed_nonce(headers: &HeaderMap) -> Result<&[u8], Denial> {
    let nonce = headers.get(NONCE).ok_or_else(|| wanted("It was not sent."))?.as_bytes();
    let is_plain = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    if !NONCE_CHARS.contains(&nonce.len()) || !nonce.iter().all(is_plain) {
        return Err(wanted("It has another form."));
    }
    if !Authorization::parse(app_authorization_of(headers)?)?.signs(NONCE) {
        return Err(wanted("It was sent and not signed."));
    }
    Ok(nonce)
}

fn wanted(what: &str) -> Denial {
    Denial::new(Reason::NonceRequired, what)
}

fn fenced(fence: i64, wall: i64) -> Denial {
    let from = fence.saturating_add(1);
    let wait = u64::try_from(from.saturating_sub(wall)).unwrap_or(0).max(1);
    let from = Timestamp::from_ms(from.saturating_mul(1_000));
    Denial::new(Reason::ReplayFence, format!("Sign calls from {from} on.")).after(wait)
}

#[cfg(test)]
mod tests;
