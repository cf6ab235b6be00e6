//! The memory for bodies that are held to be checked: taken as bytes arrive, whatever length was announced,
//! within a bound per connection, per API and in all. A part of it is kept for callers whose key is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::denial::{Denial, Reason};
use crate::limits::{HELD_PER_API, HELD_PER_CONNECTION, HELD_UNKNOWN_QUARTERS, Limits};

/// How many bytes of something are held. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter(Arc<AtomicUsize>);

impl Counter {
    fn take(&self, bytes: usize, most: usize) -> bool {
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= most);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Whose body is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Its caller has named a key that there is.
    Known,
    /// Nobody has looked for a key yet.
    Unknown,
}

/// All memory for held bodies.
#[derive(Debug)]
pub(crate) struct HeldBodies {
    all: Counter,
    total: usize,
    largest: usize,
}

impl HeldBodies {
    pub(crate) fn new(limits: &Limits) -> Self {
        let bytes = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let (total, largest) = (bytes(limits.buffered_total), bytes(limits.buffered_body));
        Self { all: Counter::default(), total, largest }
    }

    /// Room for a body, of which nothing is taken yet.
    pub(crate) fn room(&self, whose: Whose, connection: Counter, api: Option<Counter>) -> Room {
        // Whatever the shares are, a largest body and its head find room.
        let least = self.largest.saturating_mul(2);
        let bound = |share: usize| share.max(least).min(self.total);
        let all = match whose {
            Whose::Known => self.total,
            Whose::Unknown => (self.total / 4).saturating_mul(HELD_UNKNOWN_QUARTERS),
        };
        let all = (self.all.clone(), bound(all));
        let connection = (connection, bound(self.total / HELD_PER_CONNECTION));
        let api = api.map(|api| (api, bound(self.total / HELD_PER_API)));
        Room { bounds: [Some(all), Some(connection), api], bytes: 0 }
    }
}

/// The memory of one body; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    bounds: [Option<(Counter, usize)>; 3],
    bytes: usize,
}

impl Room {
    /// Takes what is missing to this many bytes.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), Denial> {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return Ok(());
        }
        for (index, (counter, most)) in self.bounds.iter().flatten().enumerate() {
            if !counter.take(more, *most) {
                let taken = self.bounds.iter().flatten().take(index);
                taken.for_each(|(counter, _)| counter.give_back(more));
                return Err(Reason::Overloaded.into());
            }
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        for (counter, _) in self.bounds.iter().flatten() {
            counter.give_back(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies() -> HeldBodies {
        HeldBodies::new(&Limits { buffered_total: 1_600, buffered_body: 50, ..Limits::default() })
    }

    fn room(bodies: &HeldBodies, whose: Whose, connection: &Counter, api: &Counter) -> Room {
        bodies.room(whose, connection.clone(), Some(api.clone()))
    }

    #[test]
    fn each_bound_holds_by_itself_and_everything_is_given_back() {
        let bodies = bodies();
        let (connection, api) = (Counter::default(), Counter::default());
        let mut one = room(&bodies, Whose::Known, &connection, &api);
        assert!(one.grow_to(100).is_ok() && one.grow_to(100).is_ok() && one.grow_to(50).is_ok());
        assert!(one.grow_to(101).is_err(), "a sixteenth for a connection");
        let mut others = Vec::new();
        for _ in 0..7 {
            let mut other = room(&bodies, Whose::Known, &Counter::default(), &api);
            other.grow_to(100).unwrap();
            others.push(other);
        }
        let mut more = room(&bodies, Whose::Known, &Counter::default(), &api);
        assert!(more.grow_to(1).is_err(), "half for an API");
        let mut elsewhere = room(&bodies, Whose::Known, &Counter::default(), &Counter::default());
        assert!(elsewhere.grow_to(100).is_ok());
        drop((one, others, more, elsewhere));
        for counter in [&connection, &api, &bodies.all] {
            assert_eq!(counter.0.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn a_quarter_is_kept_for_callers_whose_key_is_known() {
        let bodies = bodies();
        let take = |whose| {
            let mut room = bodies.room(whose, Counter::default(), None);
            room.grow_to(100).map(|()| room)
        };
        let unknown: Vec<_> = std::iter::from_fn(|| take(Whose::Unknown).ok()).collect();
        let known: Vec<_> = std::iter::from_fn(|| take(Whose::Known).ok()).collect();
        assert_eq!((unknown.len(), known.len()), (12, 4));
    }
}
