//! Log-ins under attack: how often and how many at a time somebody may be wrong.
//!
//! What fails is counted per user (or access key) and per peer address, each with a bucket that refills. Before
//! a check begins its place is taken, and given back if the log-in was right, so that checks side by side
//! cannot outrun the count. A user who logged in from an address before has a bucket there of their own:
//! whoever guesses elsewhere does not lock them out.
//!
//! Names are counted whether or not there is such a user, so that nothing shows who exists.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_domain::Timestamp;

use crate::identity::LoginError;
use crate::limits::{
    ATTEMPT_KEYS, ATTEMPTS_AT_A_TIME, ATTEMPTS_OF_KNOWN, ATTEMPTS_PER_SUBJECT, BUCKET_OF_ADDRESS,
    Bucket,
};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    /// Too many log-ins failed, or are being checked.
    #[error("too many log-ins; try again in {seconds} s")]
    TooMany {
        /// When to try again.
        seconds: u64,
    },
    /// The log-in itself.
    #[error(transparent)]
    Login(#[from] LoginError),
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Subject([u8; 32]),
    Known([u8; 32], IpAddr),
    Address(IpAddr),
}

/// What is known of the log-ins so far.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When each bucket is full again, in milliseconds.
    full_at: HashMap<Key, i64>,
    /// Who has logged in from where, and when last.
    known: HashMap<([u8; 32], IpAddr), i64>,
    under_way: HashMap<Key, usize>,
    /// Log-ins under way: all but those of users that are known where they come from, and those.
    count: [usize; 2],
}

/// A log-in under way. Unless it is said to be right it counts as one that failed.
pub(crate) struct Attempt<'a> {
    attempts: &'a Attempts,
    subject: [u8; 32],
    from: Option<IpAddr>,
    key: Key,
    taken: Vec<(Key, Bucket)>,
    lane: usize,
}

impl Attempts {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(
        &self,
        subject: [u8; 32],
        bucket: Bucket,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Attempt<'_>, NoToken> {
        let now = now.as_ms();
        let from = from.map(|address| address.to_canonical());
        let mut state = self.state();
        let known = from.filter(|from| state.known.contains_key(&(subject, *from)));
        let key = known.map_or(Key::Subject(subject), |from| Key::Known(subject, from));
        let (lane, most) = match known {
            Some(_) => (1, ATTEMPTS_OF_KNOWN),
            None => (0, ATTEMPTS_AT_A_TIME),
        };
        let busy = Err(NoToken::TooMany { seconds: 1 });
        if state.count.get(lane).is_none_or(|count| *count >= most)
            || state.under_way.get(&key).is_some_and(|count| *count >= ATTEMPTS_PER_SUBJECT)
        {
            return busy;
        }
        // On this machine there is a proxy, as a rule, that stands for everybody.
        let address = from.filter(|address| !address.is_loopback()).map(Key::Address);
        let address = address.map(|address| (address, BUCKET_OF_ADDRESS));
        let mut taken = Vec::new();
        for (key, bucket) in [(key, bucket)].into_iter().chain(address) {
            if let Err(wait_ms) = state.take(key, bucket, now) {
                taken.iter().for_each(|(key, bucket)| state.give_back(*key, *bucket));
                let seconds = u64::try_from(wait_ms).unwrap_or(0).div_ceil(1_000).max(1);
                return Err(NoToken::TooMany { seconds });
            }
            taken.push((key, bucket));
        }
        *state.under_way.entry(key).or_default() += 1;
        if let Some(count) = state.count.get_mut(lane) {
            *count += 1;
        }
        Ok(Attempt { attempts: self, subject, from, key, taken, lane })
    }
}

impl State {
    /// Takes one from a bucket, or returns how long to wait for one.
    fn take(&mut self, key: Key, bucket: Bucket, now: i64) -> Result<(), i64> {
        let whole = bucket.size.saturating_mul(bucket.refill_ms);
        let full_at = self.full_at.get(&key).copied().unwrap_or(now);
        // A clock that was set back leaves nobody out for longer than a whole bucket takes.
        let full_at = full_at.clamp(now, now.saturating_add(whole));
        let next = full_at.saturating_add(bucket.refill_ms);
        let wait = next.saturating_sub(now).saturating_sub(whole);
        if wait > 0 {
            return Err(wait);
        }
        make_room(&mut self.full_at, now);
        self.full_at.insert(key, next);
        Ok(())
    }

    fn give_back(&mut self, key: Key, bucket: Bucket) {
        if let Some(full_at) = self.full_at.get_mut(&key) {
            *full_at = full_at.saturating_sub(bucket.refill_ms);
        }
    }
}

/// Forgets what is over, and what is over first, where there is too much.
fn make_room<K: Hash + Eq + Copy>(moments: &mut HashMap<K, i64>, now: i64) {
    if moments.len() < ATTEMPT_KEYS {
        return;
    }
    moments.retain(|_, at| *at > now);
    while moments.len() >= ATTEMPT_KEYS {
        let Some(first) = moments.iter().min_by_key(|(_, at)| **at).map(|(key, _)| *key) else {
            return;
        };
        moments.remove(&first);
    }
}

impl Attempt<'_> {
    pub(crate) fn was_right(self, now: Timestamp) {
        if let Some(from) = self.from {
            let mut state = self.attempts.state();
            make_room(&mut state.known, i64::MIN);
            state.known.insert((self.subject, from), now.as_ms());
        }
        self.was_nothing();
    }

    pub(crate) fn was_nothing(self) {
        let mut state = self.attempts.state();
        self.taken.iter().for_each(|(key, bucket)| state.give_back(*key, *bucket));
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut state = self.attempts.state();
        if let Some(count) = state.under_way.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                state.under_way.remove(&self.key);
            }
        }
        if let Some(count) = state.count.get_mut(self.lane) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::BUCKET_OF_USER;
    use tidegate_sign::sha256;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)));
    const THERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)));
    const RITA: [u8; 32] = [1; 32];
    const RAVI: [u8; 32] = [2; 32];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(1_767_322_800_000 + seconds * 1_000)
    }

    pub(crate) fn begin(
        attempts: &Attempts,
        who: [u8; 32],
        from: Option<IpAddr>,
        s: i64,
    ) -> Result<(), u64> {
        match attempts.begin(who, BUCKET_OF_USER, from, at(s)) {
            Ok(_) => Ok(()),
            Err(NoToken::TooMany { seconds }) => Err(seconds),
            Err(NoToken::Login(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn a_user_may_be_wrong_so_often_and_others_are_not_asked() {
        let attempts = Attempts::default();
        for _ in 0..BUCKET_OF_USER.size {
            assert_eq!(begin(&attempts, RITA, HERE, 0), Ok(()));
        }
        let refill = u64::try_from(BUCKET_OF_USER.refill_ms / 1_000).unwrap();
        assert_eq!(begin(&attempts, RITA, HERE, 0), Err(refill));
        assert_eq!(begin(&attempts, RITA, THERE, 0), Err(refill), "wherever it comes from");
        assert_eq!(begin(&attempts, RAVI, HERE, 0), Ok(()));
        assert_eq!(begin(&attempts, RITA, HERE, BUCKET_OF_USER.refill_ms / 1_000), Ok(()));
        // A clock that is set back by a day.
        assert!(begin(&attempts, RITA, HERE, -86_400).is_err_and(|seconds| seconds <= refill));
    }

    #[test]
    fn who_was_right_before_is_not_locked_out_by_others() {
        let attempts = Attempts::default();
        attempts.begin(RITA, BUCKET_OF_USER, HERE, at(0)).unwrap().was_right(at(0));
        while begin(&attempts, RITA, THERE, 0).is_ok() {}
        assert_eq!(begin(&attempts, RITA, HERE, 0), Ok(()));
        let right = attempts.begin(RITA, BUCKET_OF_USER, HERE, at(0)).unwrap();
        right.was_right(at(0));
        for _ in 1..BUCKET_OF_USER.size {
            assert_eq!(begin(&attempts, RITA, HERE, 0), Ok(()));
        }
        assert!(begin(&attempts, RITA, HERE, 0).is_err(), "there, too, not for ever");
    }

    #[test]
    fn an_address_may_be_wrong_so_often_but_for_this_machine() {
        let attempts = Attempts::default();
        let name = |n: u32| sha256(&n.to_be_bytes());
        let size = u32::try_from(BUCKET_OF_ADDRESS.size).unwrap();
        for n in 0..size {
            assert_eq!(begin(&attempts, name(n), HERE, 0), Ok(()));
        }
        assert!(begin(&attempts, name(size), HERE, 0).is_err());
        assert_eq!(begin(&attempts, name(size), THERE, 0), Ok(()));
        let own = Some(IpAddr::from([127, 0, 0, 1]));
        for n in 0..2 * size {
            assert_eq!(begin(&attempts, name(n + 2 * size), own, 0), Ok(()));
        }
    }

    #[test]
    fn few_wait_at_a_time_and_a_known_user_has_a_lane() {
        let attempts = Attempts::default();
        attempts.begin(RAVI, BUCKET_OF_USER, HERE, at(0)).unwrap().was_right(at(0));
        let begin = |who, from| attempts.begin(who, BUCKET_OF_USER, from, at(0));
        let of_rita: Vec<_> = std::iter::from_fn(|| begin(RITA, HERE).ok()).collect();
        assert_eq!(of_rita.len(), ATTEMPTS_PER_SUBJECT);
        let mut number = 0_u32;
        let others = std::iter::from_fn(|| {
            number += 1;
            begin(sha256(&number.to_be_bytes()), THERE).ok()
        });
        let others: Vec<_> = others.collect();
        assert_eq!(of_rita.len() + others.len(), ATTEMPTS_AT_A_TIME);
        assert!(begin([3; 32], HERE).is_err(), "the queue is full");
        assert!(begin(RAVI, HERE).is_ok(), "but not for who is known");
        drop(of_rita);
        assert!(begin([3; 32], HERE).is_ok());
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let attempts = Attempts::default();
        let own = Some(IpAddr::from([127, 0, 0, 1]));
        for n in 0..u32::try_from(ATTEMPT_KEYS).unwrap() + 10 {
            assert_eq!(begin(&attempts, sha256(&n.to_be_bytes()), own, 0), Ok(()));
        }
        assert!(attempts.state().full_at.len() <= ATTEMPT_KEYS);
    }
}
