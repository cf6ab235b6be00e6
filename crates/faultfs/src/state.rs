//! Which calls fail, and what is durable.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No space is left; nothing is written.
    Full,
    /// No space is left after a part of it was written.
    Short,
    /// The device fails; nothing is written.
    Io,
    /// The quota is used up after a part of it was written.
    Quota,
    /// The device fails after it has done everything.
    Late,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Full, Self::Short, Self::Io, Self::Quota, Self::Late];
}

/// Which calls fail, counted from 1.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The first one.
    pub from: u64,
    /// How many in all.
    pub count: u64,
    /// How.
    pub fault: Fault,
}

impl Plan {
    /// Counts, and fails none.
    pub const NONE: Self = Self { from: u64::MAX, count: 0, fault: Fault::Io };
}

#[derive(Debug, Default)]
pub struct State(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    plan: Option<Plan>,
    calls: u64,
    failed: u64,
    files: HashMap<PathBuf, Durable>,
}

/// A file as a loss of power would leave it, and what was done since.
#[derive(Debug, Default)]
struct Durable {
    content: Vec<u8>,
    since: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn arm(&self, plan: Plan) {
        let mut inner = self.lock();
        (inner.plan, inner.calls, inner.failed) = (Some(plan), 0, 0);
    }

    pub fn disarm(&self) -> (u64, u64) {
        let mut inner = self.lock();
        inner.plan = None;
        (inner.calls, inner.failed)
    }

    /// Counts a call that writes or syncs; how it fails, if it shall.
    pub fn call(&self) -> Option<Fault> {
        let mut inner = self.lock();
        let plan = inner.plan?;
        inner.calls += 1;
        let fails = inner.calls.checked_sub(plan.from).is_some_and(|nth| nth < plan.count);
        inner.failed += u64::from(fails);
        fails.then_some(plan.fault)
    }

    pub fn opened(&self, file: &Path) {
        let content = || std::fs::read(file).unwrap_or_default();
        self.lock()
            .files
            .entry(file.to_owned())
            .or_insert_with(|| Durable { content: content(), since: Vec::new() });
    }

    pub fn deleted(&self, file: &Path) {
        self.lock().files.remove(file);
    }

    pub fn written(&self, file: &Path, offset: usize, bytes: &[u8]) {
        self.changed(file, Change::Write(offset, bytes.to_owned()));
    }

    pub fn truncated(&self, file: &Path, size: usize) {
        self.changed(file, Change::Truncate(size));
    }

    fn changed(&self, file: &Path, change: Change) {
        if let Some(durable) = self.lock().files.get_mut(file) {
            durable.since.push(change);
        }
    }

    /// A sync has made everything durable, or has failed and lost it.
    pub fn synced(&self, file: &Path, done: bool) {
        let mut inner = self.lock();
        let Some(durable) = inner.files.get_mut(file) else { return };
        let changes = std::mem::take(&mut durable.since);
        if done {
            changes.into_iter().for_each(|change| durable.apply(change));
        }
    }

    pub fn after_power_loss(&self, of: &Path, folder: &Path) -> std::io::Result<()> {
        let inner = self.lock();
        for (file, durable) in inner.files.iter().filter(|(file, _)| file.parent() == Some(of)) {
            if let Some(name) = file.file_name() {
                std::fs::write(folder.join(name), &durable.content)?;
            }
        }
        Ok(())
    }
}

impl Durable {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Truncate(size) => self.content.resize(size, 0),
            Change::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if self.content.len() < end {
                    self.content.resize(end, 0);
                }
                self.content[offset..end].copy_from_slice(&bytes);
            }
        }
    }
}
