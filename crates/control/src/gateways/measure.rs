//! Figures of the gateways that are known.

use tidegate_store::Revision;
use tokio::time::Instant;

use super::entry::Entry;
use super::figures::{GatewayFigure, GatewayFigures};
use super::registry::State;
use super::rule::{is_lapsed, longest};
use crate::limits::COMMITS;

impl State {
    /// The store has come to a revision.
    pub fn came_to(&mut self, revision: Revision) {
        if revision > self.head {
            self.head = revision;
            if self.figures.commits.len() < COMMITS {
                self.figures.commits.push_back((revision, Instant::now()));
            }
        }
    }

    /// Takes note of what is enforced everywhere by now.
    pub fn measure(&mut self) {
        let live = self.gateways.values().filter(|entry| !is_lapsed(&entry.known()));
        let floor = live.map(Self::acknowledged).min().unwrap_or(self.head);
        self.figures.enforced_up_to(floor);
    }

    /// What a gateway has acknowledged of this history.
    fn acknowledged(entry: &Entry) -> Revision {
        entry.known().revision.unwrap_or_default()
    }

    pub fn figures(&self) -> GatewayFigures {
        let gateways = self.gateways.values().map(|entry| {
            let acknowledged = Self::acknowledged(entry);
            GatewayFigure {
                id: entry.gateway.id.clone(),
                name: entry.gateway.name.clone(),
                is_lapsed: is_lapsed(&entry.known()),
                behind: self.figures.oldest_after(acknowledged),
                behind_revisions: self.head.0.saturating_sub(acknowledged.0),
                silent: entry.silent(),
                clock_ahead_ms: entry.gateway.clock_ahead_ms,
            }
        });
        let longest = self.gateways.values().map(|entry| longest(entry.lease())).max();
        GatewayFigures {
            gateways: gateways.collect(),
            bound: longest.unwrap_or_default(),
            enforced: self.figures.enforced,
            enforced_seconds: self.figures.enforced_seconds,
            refused: self.figures.refused,
        }
    }
}
