//! Calls counted per API and app, for whoever keeps statistics of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tidegate_domain::{ApiId, AppId};

use super::Record;
use super::tally::own_slot;

/// What calls came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub calls: u64,
    /// Those that passed the checks.
    pub legal: u64,
    /// Those that were denied, or whose caller went away before the verdict.
    pub illegal: u64,
    /// The legal ones that were answered well and whole. What another proxy makes of a check is not
    /// known; it counts as succeeded.
    pub succeeded: u64,
    /// The other legal ones.
    pub failed: u64,
    /// How long all took together, in microseconds.
    pub total_us: u64,
    /// How long the successful ones took together.
    pub succeeded_us: u64,
    /// The bodies that came.
    pub bytes_in: u64,
    /// The bodies that went out.
    pub bytes_out: u64,
}

impl Counts {
    fn add(&mut self, record: &Record<'_>) {
        let is_legal = record.verdict == Some(Ok(()));
        let is_success = record.is_success();
        let us = u64::try_from(record.times.total.as_micros()).unwrap_or(u64::MAX);
        *self = self.plus(&Self {
            calls: 1,
            legal: is_legal.into(),
            illegal: (!is_legal).into(),
            succeeded: is_success.into(),
            failed: (is_legal && !is_success).into(),
            total_us: us,
            succeeded_us: if is_success { us } else { 0 },
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
        });
    }

    fn plus(&self, other: &Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            legal: self.legal.saturating_add(other.legal),
            illegal: self.illegal.saturating_add(other.illegal),
            succeeded: self.succeeded.saturating_add(other.succeeded),
            failed: self.failed.saturating_add(other.failed),
            total_us: self.total_us.saturating_add(other.total_us),
            succeeded_us: self.succeeded_us.saturating_add(other.succeeded_us),
            bytes_in: self.bytes_in.saturating_add(other.bytes_in),
            bytes_out: self.bytes_out.saturating_add(other.bytes_out),
        }
    }
}

/// The calls of one app to one API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The API; none if no API has the route.
    pub api: Option<ApiId>,
    /// The app; none if nobody proved that it calls.
    pub app: Option<AppId>,
    /// What they came to.
    pub counts: Counts,
}

/// What was counted since somebody asked last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// By API and app.
    pub rows: Vec<Row>,
    /// All calls for which there was no row left.
    pub other: Counts,
}

type Apps = HashMap<Option<AppId>, Counts>;

#[derive(Default)]
struct Slot {
    apis: HashMap<Option<ApiId>, Apps>,
    other: Counts,
}

const SLOTS: usize = 16;

/// The counters. Each thread has a table of its own, as far as there are enough, so that its lock is
/// free; the tables together have room for so many pairs.
pub(crate) struct Pairs {
    slots: Box<[Mutex<Slot>]>,
    most: usize,
    count: AtomicUsize,
}

impl Pairs {
    pub(crate) fn new(most: usize) -> Self {
        let slots = (0..SLOTS).map(|_| Mutex::default()).collect();
        Self { slots, most, count: AtomicUsize::new(0) }
    }

    /// Counts a call.
    pub(crate) fn count(&self, api: Option<&ApiId>, app: Option<&AppId>, record: &Record<'_>) {
        let Some(slot) = self.slots.get(own_slot(SLOTS)) else { return };
        let (api, app) = (api.cloned(), app.cloned());
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let known = slot.apis.get_mut(&api).and_then(|apps| apps.get_mut(&app));
        if let Some(counts) = known {
            counts.add(record);
        } else if self.count.fetch_add(1, Ordering::Relaxed) < self.most {
            slot.apis.entry(api).or_default().entry(app).or_default().add(record);
        } else {
            self.count.fetch_sub(1, Ordering::Relaxed);
            slot.other.add(record);
        }
    }

    /// Takes what was counted.
    pub(crate) fn take(&self) -> Statistics {
        let mut all: HashMap<(Option<ApiId>, Option<AppId>), Counts> = HashMap::new();
        let mut other = Counts::default();
        for slot in &self.slots {
            let taken = std::mem::take(&mut *slot.lock().unwrap_or_else(PoisonError::into_inner));
            other = other.plus(&taken.other);
            for (api, apps) in taken.apis {
                self.count.fetch_sub(apps.len(), Ordering::Relaxed);
                for (app, counts) in apps {
                    let sum = all.entry((api.clone(), app)).or_default();
                    *sum = sum.plus(&counts);
                }
            }
        }
        let row = |((api, app), counts)| Row { api, app, counts };
        Statistics { rows: all.into_iter().map(row).collect(), other }
    }
}
