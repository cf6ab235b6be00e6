//! The backends of one API: where they are, how they are to be called, and which one gets the next call. No
//! connection is known here.
//!
//! All threads share a set. With one backend there is nothing to choose and nothing is counted. With
//! more, a call goes to the one of two that has fewer calls under way; those that are out (see
//! [`Health`]) get none, but if all are out all are taken for well: nobody knows better.

mod budget;
mod endpoint;
mod health;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use self::budget::Budget;
pub(crate) use self::endpoint::Endpoint;
use self::health::Health;
use crate::feed::FeedApi;

/// The backends behind one API.
#[derive(Debug)]
pub(crate) struct Set {
    members: Vec<Arc<Member>>,
    /// What health counts time from.
    base: Instant,
    /// Stirs the choice.
    turn: AtomicU64,
    pub(crate) times: Times,
    /// How often a call that may be tried again is.
    pub(crate) retries: u8,
    pub(crate) budget: Budget,
}

/// One of the backends.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) endpoint: Endpoint,
    health: Health,
    /// Calls under way.
    calls: AtomicUsize,
}

/// How long things may take; the gate's limit where nothing is said.
#[derive(Debug)]
pub(crate) struct Times {
    /// A connection.
    pub(crate) connect: Option<Duration>,
    /// Until the answer begins.
    pub(crate) head: Option<Duration>,
    /// While the answer stands still.
    pub(crate) idle: Option<Duration>,
    /// From the call's head to the answer's end. Nothing said is no limit.
    pub(crate) total: Option<Duration>,
}

/// Where a call goes.
pub(crate) struct Choice<'s> {
    pub(crate) member: &'s Arc<Member>,
    /// Does it try one that is out?
    is_try: bool,
    /// Counts it, if there was a choice.
    pub(crate) flight: Option<Flight>,
}

/// A call under way at one of several backends. Counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Flight(Arc<Member>);

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Set {
    /// Reads an API's definition and rules.
    pub(crate) fn read(feed: &FeedApi) -> Result<Self, String> {
        let (backend, rules) = (&feed.backend, &feed.rules);
        let time =
            |ms: Option<u32>| ms.filter(|ms| *ms > 0).map(|ms| Duration::from_millis(ms.into()));
        let members: Result<Vec<_>, String> = std::iter::once(&backend.authority)
            .chain(&rules.more_backends)
            .map(|text| {
                let endpoint = Endpoint::read(backend.https, rules.http2, text)?;
                let (health, calls) = (Health::default(), AtomicUsize::new(0));
                Ok(Arc::new(Member { endpoint, health, calls }))
            })
            .collect();
        Ok(Self {
            members: members?,
            base: Instant::now(),
            turn: AtomicU64::new(0),
            times: Times {
                connect: time(rules.connect_timeout_ms),
                head: time(backend.timeout_ms),
                idle: time(rules.read_timeout_ms),
                total: time(rules.total_timeout_ms),
            },
            retries: rules.retries,
            budget: Budget::new(),
        })
    }

    /// Are all spoken to over plain TCP, in HTTP/1.1?
    pub(crate) fn is_plain(&self) -> bool {
        self.members.iter().all(|member| member.endpoint.is_plain())
    }

    /// The backend for the next call; another one than `not` if there is one.
    pub(crate) fn choose(&self, now: Instant, not: Option<&Member>) -> Option<Choice<'_>> {
        let (member, is_try) = match self.members.as_slice() {
            [only] => return Some(Choice { member: only, is_try: false, flight: None }),
            all => match self.tried(all, now) {
                Some(tried) => (tried, true),
                None => (self.less_busy(all, not)?, false),
            },
        };
        member.calls.fetch_add(1, Ordering::Relaxed);
        Some(Choice { member, is_try, flight: Some(Flight(Arc::clone(member))) })
    }

    /// One that was out and may be tried again.
    fn tried<'s>(&self, all: &'s [Arc<Member>], now: Instant) -> Option<&'s Arc<Member>> {
        let now = now.saturating_duration_since(self.base);
        all.iter().find(|member| member.health.may_be_tried(now))
    }

    /// Of two that are in, the one with fewer calls under way.
    fn less_busy<'s>(
        &self,
        all: &'s [Arc<Member>],
        not: Option<&Member>,
    ) -> Option<&'s Arc<Member>> {
        let other = |member: &&Arc<Member>| not.is_none_or(|not| !std::ptr::eq(&***member, not));
        let healthy = |member: &&Arc<Member>| member.health.is_in();
        let stirred = stir(self.turn.fetch_add(1, Ordering::Relaxed));
        pick(all.iter().filter(other).filter(healthy), stirred)
            .or_else(|| pick(all.iter().filter(healthy), stirred))
            .or_else(|| pick(all.iter().filter(other), stirred))
            .or_else(|| pick(all.iter(), stirred))
    }

    /// A backend answered. One alone is never put out, so nothing is noted of it.
    pub(crate) fn succeeded(&self, at: &Choice<'_>) {
        if at.flight.is_some() {
            at.member.health.succeeded();
        }
    }

    /// A backend did not answer. Does this put it out?
    pub(crate) fn failed(&self, at: &Choice<'_>, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.base);
        at.flight.is_some() && at.member.health.failed(now, at.is_try)
    }
}

/// The less busy of two of these.
fn pick<'s>(
    of: impl Iterator<Item = &'s Arc<Member>> + Clone,
    stirred: u64,
) -> Option<&'s Arc<Member>> {
    let count = of.clone().count() as u64;
    let first = stirred.checked_rem(count)?;
    let second = match count {
        1 => first,
        _ => (first + 1 + (stirred >> 32) % (count - 1)) % count,
    };
    let nth = |n: u64| of.clone().nth(usize::try_from(n).unwrap_or(0));
    let (first, second) = (nth(first)?, nth(second)?);
    let calls = |member: &Arc<Member>| member.calls.load(Ordering::Relaxed);
    Some(if calls(second) < calls(first) { second } else { first })
}

/// Numbers that follow each other, far apart (SplitMix64).
fn stir(n: u64) -> u64 {
    let mut x = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::health::IN_A_ROW;
    use std::collections::HashMap;

    fn set(backends: usize) -> Set {
        let member = |n: usize| {
            let endpoint = Endpoint::read(false, false, &format!("b{n}:80")).unwrap();
            let (health, calls) = (Health::default(), AtomicUsize::new(0));
            Arc::new(Member { endpoint, health, calls })
        };
        let times = Times { connect: None, head: None, idle: None, total: None };
        Set {
            members: (0..backends).map(member).collect(),
            base: Instant::now(),
            turn: AtomicU64::new(0),
            times,
            retries: 0,
            budget: Budget::new(),
        }
    }

    fn host(choice: &Choice<'_>) -> String {
        choice.member.endpoint.host.clone()
    }

    /// Where so many calls go that end at once.
    fn spread(set: &Set, now: Instant, calls: usize) -> HashMap<String, usize> {
        let mut spread = HashMap::new();
        for _ in 0..calls {
            *spread.entry(host(&set.choose(now, None).unwrap())).or_default() += 1;
        }
        spread
    }

    /// Calls until `name` has failed often enough.
    fn put_out(set: &Set, name: &str, now: Instant) {
        let mut failures = 0;
        while failures < IN_A_ROW {
            let choice = set.choose(now, None).unwrap();
            if host(&choice) == name {
                set.failed(&choice, now);
                failures += 1;
            }
        }
    }

    #[test]
    fn calls_are_spread_and_go_where_fewer_are_under_way() {
        let (set, now) = (set(4), Instant::now());
        let spread = spread(&set, now, 4_000);
        assert_eq!(spread.len(), 4);
        assert!(spread.values().all(|n| (800..1_200).contains(n)), "{spread:?}");
        // One is slow: its calls do not end.
        let mut flights = Vec::new();
        for _ in 0..1_000 {
            let choice = set.choose(now, None).unwrap();
            if host(&choice) == "b0" {
                flights.push(choice.flight);
            }
        }
        assert_eq!(flights.len(), 1, "it gets no second call while the others are idle");
        drop(flights);
        assert_eq!(set.members[0].calls.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn who_is_out_gets_no_call_until_one_tries_it() {
        let (set, now) = (set(3), Instant::now());
        put_out(&set, "b1", now);
        assert_eq!(spread(&set, now, 900).get("b1"), None);
        let later = now + Duration::from_secs(2);
        let tried = set.choose(later, None).unwrap();
        assert_eq!(host(&tried), "b1");
        assert_eq!(spread(&set, later, 900).get("b1"), None, "one try is enough");
        set.succeeded(&tried);
        drop(tried);
        assert!(spread(&set, later, 900)["b1"] > 200);
    }

    #[test]
    fn when_all_are_out_all_are_tried_and_one_alone_is_never_out() {
        let now = Instant::now();
        let three = set(3);
        for name in ["b0", "b1", "b2"] {
            put_out(&three, name, now);
        }
        assert_eq!(spread(&three, now, 900).len(), 3);
        let one = set(1);
        put_out(&one, "b0", now);
        assert!(one.members[0].health.is_in());
        assert_eq!(spread(&one, now, 9)["b0"], 9);
    }

    #[test]
    fn a_second_try_goes_to_another_backend_if_there_is_one() {
        let now = Instant::now();
        for (backends, out) in [(2, None), (3, None), (3, Some("b2"))] {
            let set = set(backends);
            if let Some(out) = out {
                put_out(&set, out, now);
            }
            for _ in 0..100 {
                assert_ne!(host(&set.choose(now, Some(&set.members[0])).unwrap()), "b0");
            }
        }
        let one = set(1);
        assert!(one.choose(now, Some(&one.members[0])).is_some());
    }
}
