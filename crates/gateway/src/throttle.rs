//! How many calls an API's throttling policy lets through: counted in memory, by this gate alone.
//!
//! Each API that has a policy is counted by itself: all its calls, those of each user and those of
//! each app. A call is held against all its limits first and counted against all of them only if
//! each has room, so a call that one limit denies uses up none of the others.
//!
//! No window of a policy's length, wherever it begins, holds more calls than the policy allows, as
//! long as the gate runs and the window's length stays the same; a new length counts anew.
//! See [`Window`] for the proof.
//!
//! The memory is bounded by the number of counters. When all are taken, those that count nothing any
//! more are reused; if there are none, a caller that is not counted yet is denied as `overloaded`.
//! The other way, forgetting somebody to make room, would let many callers together drive one over
//! its limit. Only who has a grant is counted, so strangers cannot fill it.

mod window;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_domain::{ApiId, AppId, DomainId, UserId};
use tokio::time::Instant;

use self::window::{Moment, Window};
use crate::denial::{Denial, Reason};
use crate::feed::Throttle;

/// APIs are spread over so many locks. No call takes more than one, but to look for room.
const SHARDS: usize = 64;

/// How long after a look for room that found none there is no other.
const LOOK_GAP_MS: u64 = 1_000;

/// Who a call counts for, beside its API.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum User {
    /// The account of an app that signs.
    Account(DomainId),
    /// Whoever a token stands for.
    Token(UserId),
}

/// All counters of a gate.
#[derive(Debug)]
pub(crate) struct Throttles {
    base: Instant,
    /// How many windows there may be.
    cap: usize,
    /// How many there are.
    count: AtomicUsize,
    /// When room was last looked for everywhere.
    looked_ms: AtomicU64,
    hasher: RandomState,
    shards: Box<[Mutex<HashMap<ApiId, Counters>>]>,
}

/// The counters of one API.
#[derive(Debug)]
struct Counters {
    window_ms: u64,
    api: Option<Window>,
    users: HashMap<User, Window>,
    apps: HashMap<AppId, Window>,
}

impl Counters {
    fn new(window_ms: u64) -> Self {
        Self { window_ms, api: None, users: HashMap::new(), apps: HashMap::new() }
    }

    fn count(&self) -> usize {
        usize::from(self.api.is_some()) + self.users.len() + self.apps.len()
    }

    /// Is there room for one more call? Tells how many of its windows are still missing, or the limit
    /// that holds it back the longest.
    fn look(&mut self, asked: &Asked<'_>, now: Moment) -> Result<usize, Full> {
        let user = asked.user.as_ref().map(|(calls, user)| (*calls, self.users.get_mut(user)));
        let app = asked.app.map(|(calls, app)| (calls, self.apps.get_mut(app)));
        let api = asked.api.map(|calls| (calls, self.api.as_mut()));
        let mut missing = 0;
        let mut longest: Option<Full> = None;
        for (of, asked) in [("API", api), ("user", user), ("app", app)] {
            let Some((calls, window)) = asked else { continue };
            let Some(window) = window else {
                missing += 1;
                continue;
            };
            if window.used(now) < calls {
                continue;
            }
            let wait_ms = window.wait(calls, now);
            if longest.as_ref().is_none_or(|longest| longest.wait_ms < wait_ms) {
                longest = Some(Full { calls, of, wait_ms });
            }
        }
        longest.map_or(Ok(missing), Err)
    }

    /// Counts one more call, and tells how many windows were made for it.
    fn take(&mut self, asked: Asked<'_>, now: Moment) -> usize {
        let before = self.count();
        if asked.api.is_some() {
            count(self.api.get_or_insert_default(), now);
        }
        if let Some((_, user)) = asked.user {
            count(self.users.entry(user).or_default(), now);
        }
        if let Some((_, app)) = asked.app {
            count(self.apps.entry(app.clone()).or_default(), now);
        }
        self.count() - before
    }

    /// Forgets the counters that count nothing any more.
    fn sweep(&mut self, ms: u64) {
        let now = Moment::new(ms, self.window_ms);
        let counts = |window: &mut Window| window.used(now) > 0;
        self.api.take_if(|window| !counts(window));
        self.users.retain(|_, window| counts(window));
        self.apps.retain(|_, window| counts(window));
    }
}

/// The limits that hold for a call, and for whom.
struct Asked<'a> {
    api: Option<u32>,
    user: Option<(u32, User)>,
    app: Option<(u32, &'a AppId)>,
}

/// A limit that holds a call back.
struct Full {
    calls: u32,
    of: &'static str,
    wait_ms: u64,
}

impl Throttles {
    /// Counters for at most `cap` windows.
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            base: Instant::now(),
            cap,
            count: AtomicUsize::new(0),
            looked_ms: AtomicU64::new(0),
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Counts one more call of an API, or denies it.
    pub(crate) fn take(
        &self,
        api: &ApiId,
        throttle: &Throttle,
        user: Option<User>,
        app: Option<&AppId>,
    ) -> Result<(), Denial> {
        let asked = Asked {
            api: limit(throttle.per_api),
            user: limit(throttle.per_user).zip(user),
            app: limit(throttle.per_app).zip(app),
        };
        let mut shard = self.shard(api);
        // Read within the lock, so that calls are counted in the order of their moments.
        let ms = u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX);
        let now = Moment::new(ms, throttle.window_ms);
        if shard.get(api).is_some_and(|counters| counters.window_ms != throttle.window_ms) {
            self.forget(&mut shard, api);
        }
        let of_api = || Counters::new(throttle.window_ms);
        let missing = match shard.entry(api.clone()).or_insert_with(of_api).look(&asked, now) {
            Ok(missing) => missing,
            Err(full) => return Err(denial(throttle, &full)),
        };
        if missing > 0 && !self.reserve(missing, &mut shard, ms) {
            let what = "The gateway counts as many callers as it can.";
            return Err(Denial::new(Reason::Overloaded, what));
        }
        // The look for room may have taken some that counted nothing: they are made anew.
        let made = shard.entry(api.clone()).or_insert_with(of_api).take(asked, now);
        self.count.fetch_add(made.saturating_sub(missing), Ordering::Relaxed);
        Ok(())
    }

    /// How many windows are kept.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn shard(&self, api: &ApiId) -> MutexGuard<'_, HashMap<ApiId, Counters>> {
        let at = self.hasher.hash_one(api) % SHARDS as u64;
        lock(&self.shards[at as usize])
    }

    fn forget(&self, shard: &mut HashMap<ApiId, Counters>, api: &ApiId) {
        if let Some(counters) = shard.remove(api) {
            self.count.fetch_sub(counters.count(), Ordering::Relaxed);
        }
    }

    /// Room for so many more windows, if there is any or can be made.
    fn reserve(&self, missing: usize, held: &mut HashMap<ApiId, Counters>, ms: u64) -> bool {
        let add = || {
            let most = self.cap.checked_sub(missing)?;
            let more = |count| (count <= most).then_some(count + missing);
            self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()
        };
        if add().is_some() {
            return true;
        }
        // All counters are looked through, so not on every call.
        let last = self.looked_ms.load(Ordering::Relaxed);
        let is_due = last == 0 || ms >= last.saturating_add(LOOK_GAP_MS);
        let claim = || {
            self.looked_ms.compare_exchange(last, ms.max(1), Ordering::Relaxed, Ordering::Relaxed)
        };
        if !is_due || claim().is_err() {
            return false;
        }
        self.sweep(held, ms);
        for shard in &self.shards {
            // One of them is held already, and others may be busy: those wait for the next look.
            if let Ok(mut shard) = shard.try_lock() {
                self.sweep(&mut shard, ms);
            }
        }
        add().is_some()
    }

    fn sweep(&self, shard: &mut HashMap<ApiId, Counters>, ms: u64) {
        let mut gone = 0;
        shard.retain(|_, counters| {
            let before = counters.count();
            counters.sweep(ms);
            let left = counters.count();
            gone += before - left;
            left > 0
        });
        self.count.fetch_sub(gone, Ordering::Relaxed);
    }
}

fn count(window: &mut Window, now: Moment) {
    window.used(now);
    window.take();
}

/// A panic of another call harms no counter: each is changed in one go.
fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Larger limits than can be counted are none that could be reached.
fn limit(calls: Option<u64>) -> Option<u32> {
    calls.map(|calls| u32::try_from(calls).unwrap_or(u32::MAX))
}

fn denial(throttle: &Throttle, full: &Full) -> Denial {
    let Full { calls, of, wait_ms } = full;
    let window = Seconds(throttle.window_ms);
    let wait = wait_ms.div_ceil(1_000).max(1);
    let word = if *calls == 1 { "call" } else { "calls" };
    let detail = format!(
        "The policy {} allows {calls} {word} per {of} within {window}; try again in {wait} s.",
        throttle.name
    );
    Denial::new(Reason::Throttled, detail).after(wait)
}

/// A length of time, in seconds.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_multiple_of(1_000) {
            write!(f, "{} s", self.0 / 1_000)
        } else {
            write!(f, "{} ms", self.0)
        }
    }
}

#[cfg(test)]
mod tests;
