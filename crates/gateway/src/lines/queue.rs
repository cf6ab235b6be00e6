//! Lines that wait for the disk.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a line waits at most when there is little to write.
const PATIENCE: Duration = Duration::from_millis(200);

/// How long the end waits for the disk.
const FAREWELL: Duration = Duration::from_secs(5);

/// A buffer with a bound. Its lock is held to copy a line or to swap the buffer, never while anything
/// is written.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Rings when much waits, and at the end.
    bell: Condvar,
    /// Rings when all is written.
    done: Condvar,
    most: usize,
    /// This many bytes ring before the patience is over.
    ringing: usize,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    has_rung: bool,
    is_closed: bool,
    is_done: bool,
}

impl Queue {
    /// Holds `most` bytes. Lines are written when more than `ringing` bytes wait, or a little later.
    pub(super) fn new(most: usize, ringing: usize) -> Self {
        let (bell, done) = (Condvar::new(), Condvar::new());
        Self { state: Mutex::default(), bell, done, most, ringing }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line; false if there is no room.
    pub(super) fn push(&self, line: &[u8]) -> bool {
        let mut state = self.state();
        if state.is_closed || state.lines.len().saturating_add(line.len()) > self.most {
            return false;
        }
        state.lines.extend_from_slice(line);
        let rings = !state.has_rung && state.lines.len() > self.ringing;
        state.has_rung |= rings;
        drop(state);
        if rings {
            self.bell.notify_one();
        }
        true
    }

    /// Waits for lines and swaps them with `batch`, which is empty. Tells whether more may come.
    pub(super) fn take(&self, batch: &mut Vec<u8>) -> bool {
        let is_waiting = |state: &mut State| !state.has_rung && !state.is_closed;
        let mut state = if self.ringing == 0 {
            self.bell.wait_while(self.state(), is_waiting).unwrap_or_else(PoisonError::into_inner)
        } else {
            let waited = self.bell.wait_timeout_while(self.state(), PATIENCE, is_waiting);
            waited.unwrap_or_else(PoisonError::into_inner).0
        };
        state.has_rung = false;
        std::mem::swap(&mut state.lines, batch);
        !state.is_closed
    }

    /// All is written.
    pub(super) fn finish(&self) {
        self.state().is_done = true;
        self.done.notify_all();
    }

    /// Takes no line any more, and waits until all are written; not for ever.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        self.bell.notify_all();
        let _ = self.done.wait_timeout_while(state, FAREWELL, |state| !state.is_done);
    }
}
