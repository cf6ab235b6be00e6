//! So many a second, and no more.

use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_domain::Timestamp;

/// Counts within the running second, for what may be done so many times in each.
#[derive(Debug, Default)]
pub struct Rate {
    /// The second in the upper half, the count in the lower.
    state: AtomicU64,
}

impl Rate {
    /// Is there room for one more in the second of `now`? Takes it if there is.
    pub fn has_room(&self, per_second: u32, now: Timestamp) -> bool {
        let second = u64::from_ne_bytes(now.as_ms().div_euclid(1_000).to_ne_bytes()) << 32;
        let next = |state: u64| {
            // A clock that is set back begins a second, too.
            let count = if state >> 32 == second >> 32 { state & u64::from(u32::MAX) } else { 0 };
            (count < u64::from(per_second)).then_some(second | (count + 1))
        };
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_has_room_for_so_many() {
        let rate = Rate::default();
        let took = |ms| (0..5).filter(|_| rate.has_room(3, Timestamp::from_ms(ms))).count();
        let noon = 1_767_322_800_000;
        assert_eq!([took(noon), took(noon + 999), took(noon + 1_000), took(noon)], [3, 0, 3, 3]);
    }
}
