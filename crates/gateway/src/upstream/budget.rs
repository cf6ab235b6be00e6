//! How many calls may be tried again.

use std::sync::atomic::{AtomicU32, Ordering};

/// A retry takes so much from the budget, in tenths of a call.
const PRICE: u32 = 10;
/// So much is in it at most.
const MOST: u32 = 10 * PRICE;

/// How many calls may be tried again: one in ten, and ten at once. So an outage is not made worse by
/// a wave of second tries.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(MOST))
    }

    /// A call pays in.
    pub(crate) fn pay(&self) {
        let more = |left: u32| (left < MOST).then(|| left + 1);
        // An error says that it is full.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Takes what a retry costs, if it is there.
    pub(crate) fn take(&self) -> bool {
        let less = |left: u32| left.checked_sub(PRICE);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_in_ten_is_tried_again_and_ten_at_once() {
        let budget = Budget::new();
        let took = |calls: u32| {
            (0..calls)
                .filter(|_| {
                    budget.pay();
                    budget.take()
                })
                .count()
        };
        assert_eq!(took(10), 10);
        assert!((90..=102).contains(&took(1_000)));
        for _ in 0..10_000 {
            budget.pay();
        }
        assert_eq!((0..100).filter(|_| budget.take()).count(), 10);
    }
}
