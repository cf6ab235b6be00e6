//! What is told of the gateways to those who watch: how far each is behind, and how long it takes
//! until what was taken away is refused everywhere.

use std::collections::VecDeque;
use std::time::Duration;

use tidegate_store::Revision;
use tokio::time::Instant;

use crate::limits::COMMITS;

/// The upper bounds of the counts of [`GatewayFigures::enforced`], in seconds.
pub const BOUNDS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 600.0];

/// What is told of a gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayFigure {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Is its lease over?
    pub is_lapsed: bool,
    /// The age of the oldest revision it has not acknowledged.
    pub behind: Duration,
    /// How many revisions that are.
    pub behind_revisions: u64,
    /// How long nothing has been heard of it.
    pub silent: Duration,
    /// How far its clock is ahead, in milliseconds.
    pub clock_ahead_ms: i64,
}

/// What is told of all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayFigures {
    /// Each, by id.
    pub gateways: Vec<GatewayFigure>,
    /// How long anything that was taken away can go on being let in, whatever the network does.
    pub bound: Duration,
    /// How many of what was taken away was enforced within each of [`BOUNDS`] and not the one
    /// before; the last count is of those that took longer.
    pub enforced: [u64; BOUNDS.len() + 1],
    /// The seconds all of them took together.
    pub enforced_seconds: f64,
    /// How often a gateway was refused because another one has its id.
    pub refused: u64,
}

/// Commits that are not enforced everywhere, and how long others took.
#[derive(Default)]
pub(super) struct Figures {
    /// Each revision with the moment it was first known, oldest first.
    pub(super) commits: VecDeque<(Revision, Instant)>,
    /// Those of them that took something away here.
    pub(super) taken: VecDeque<(Revision, Instant)>,
    pub(super) enforced: [u64; BOUNDS.len() + 1],
    pub(super) enforced_seconds: f64,
    pub(super) refused: u64,
}

impl Figures {
    /// A gateway was refused because another one has its id.
    pub fn refused(&mut self) {
        self.refused = self.refused.saturating_add(1);
    }

    /// A revision took something away. When there are too many to remember, it is not measured.
    pub fn took_away(&mut self, revision: Revision) {
        if self.taken.len() < COMMITS {
            self.taken.push_back((revision, Instant::now()));
        }
    }

    /// The history is another one. What it measured remains.
    pub fn start_over(&mut self) {
        self.commits.clear();
        self.taken.clear();
    }

    pub(super) fn enforced_up_to(&mut self, floor: Revision) {
        while self.commits.front().is_some_and(|(revision, _)| *revision <= floor) {
            self.commits.pop_front();
        }
        // Commits may be told here in another order than they were made.
        let (mut counts, mut sum) = (self.enforced, 0.0);
        self.taken.retain(|(revision, at)| {
            if *revision > floor {
                return true;
            }
            let seconds = at.elapsed().as_secs_f64();
            sum += seconds;
            if let Some(count) = counts.get_mut(BOUNDS.partition_point(|bound| *bound < seconds)) {
                *count = count.saturating_add(1);
            }
            false
        });
        self.enforced = counts;
        self.enforced_seconds += sum;
    }

    /// The age of the oldest commit after this one. The oldest are never left out, so it is never
    /// told younger than it is.
    pub(super) fn oldest_after(&self, known: Revision) -> Duration {
        let later = self.commits.iter().find(|(revision, _)| *revision > known);
        later.map_or(Duration::ZERO, |(_, at)| at.elapsed())
    }
}
