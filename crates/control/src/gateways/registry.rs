//! All gateways, as this process knows them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_domain::{Refusal, Timestamp};
use tidegate_store::{Gateway, Head, Point, Revision};
use tokio::sync::watch;
use tokio::time::Instant;

use super::entry::Entry;
use super::figures::{Figures, GatewayFigures};
use super::heard::GatewayHeard;
use super::rule::is_lapsed;
use super::shown::Enforcement;
use super::speaker::Impostor;
use crate::limits::GATEWAYS;

/// Why a gateway is not heard.
#[derive(Debug, thiserror::Error)]
pub enum HearError {
    /// Somebody else has its id.
    #[error(transparent)]
    Impostor(#[from] Impostor),
    /// It is refused for another reason, or something broke.
    #[error(transparent)]
    Other(#[from] crate::Error),
}

impl From<Refusal> for HearError {
    fn from(refusal: Refusal) -> Self {
        Self::Other(refusal.into())
    }
}

/// What is known, and a bell that rings when a gateway is heard of.
pub(crate) struct Registry {
    state: Mutex<State>,
    writing: tokio::sync::Mutex<()>,
    heard: watch::Sender<u64>,
}

/// What this process knows.
pub(super) struct State {
    pub gateways: BTreeMap<String, Entry>,
    pub head: Revision,
    pub figures: Figures,
}

/// What is not written down yet.
pub(crate) struct Unwritten {
    begun: Instant,
    gateways: Vec<Gateway>,
    counts: Vec<u64>,
}

impl Unwritten {
    pub fn is_empty(&self) -> bool {
        self.gateways.is_empty()
    }

    pub fn gateways(&self) -> &[Gateway] {
        &self.gateways
    }
}

impl Registry {
    pub fn new() -> Self {
        let state =
            State { gateways: BTreeMap::new(), head: Revision(0), figures: Figures::default() };
        let heard = watch::Sender::new(0);
        Self { state: Mutex::new(state), writing: tokio::sync::Mutex::new(()), heard }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever waits for gateways listens here.
    pub(crate) fn ears(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }

    /// One writes at a time, so that what is older is never written over what is newer.
    pub(crate) async fn writing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.writing.lock().await
    }

    /// A gateway was heard of. Tells what must be written down before it is answered, if anything.
    pub(crate) fn hear(
        &self,
        heard: GatewayHeard,
        now: Timestamp,
    ) -> Result<Option<u64>, HearError> {
        let mut state = self.state();
        if !state.gateways.contains_key(&heard.id) && state.gateways.len() >= GATEWAYS {
            return Err(Refusal::TooMany { what: "gateways", max: GATEWAYS }.into());
        }
        if let Some(known) = state.gateways.get(&heard.id)
            && let Err(impostor) = known.admits(&heard)
        {
            tracing::warn!(
                id = heard.id,
                name = heard.name,
                certificate = heard.certificate,
                %impostor,
                "a gateway is refused: nothing it acknowledges counts"
            );
            state.figures.refused();
            return Err(impostor.into());
        }
        let id = heard.id.clone();
        let entry = state.gateways.entry(id).or_insert_with(|| Entry::new(heard.clone(), now));
        let count = entry.hear(heard, now);
        let must_write = (!entry.is_written()).then_some(count);
        state.measure();
        drop(state);
        self.heard.send_modify(|times| *times = times.wrapping_add(1));
        Ok(must_write)
    }

    pub(crate) fn knows(&self, id: &str) -> bool {
        self.state().gateways.contains_key(id)
    }

    pub(crate) fn has_written(&self, id: &str, count: u64) -> bool {
        self.state().gateways.get(id).is_some_and(|entry| entry.has_written(count))
    }

    /// All that is not written down; if nobody waits for that, only of those who have news. How
    /// long ago a gateway was heard of is counted on top by whoever reads of it.
    pub(crate) fn unwritten(&self, is_waited_for: bool) -> Unwritten {
        let begun = Instant::now();
        let state = self.state();
        let entries = state.gateways.values().filter(|entry| is_waited_for || entry.has_news());
        let (gateways, counts) = entries.filter_map(Entry::unwritten).unzip();
        Unwritten { begun, gateways, counts }
    }

    pub(crate) fn wrote(&self, unwritten: &Unwritten) {
        let mut state = self.state();
        for (gateway, count) in unwritten.gateways.iter().zip(&unwritten.counts) {
            if let Some(entry) = state.gateways.get_mut(&gateway.id) {
                entry.wrote(gateway, *count, unwritten.begun);
            }
        }
    }

    /// The store has it like this.
    pub(crate) fn merge(&self, stored: Vec<Gateway>, head: Head) {
        let mut state = self.state();
        let is_stored = |id: &String| stored.binary_search_by(|g| g.id.cmp(id)).is_ok();
        // One that the store has lost may still decide.
        let may_decide = |entry: &Entry| entry.has_news() || !is_lapsed(&entry.known());
        state.gateways.retain(|id, entry| is_stored(id) || may_decide(entry));
        for gateway in stored {
            match state.gateways.get_mut(&gateway.id) {
                Some(entry) => entry.merge(gateway),
                None => {
                    state.gateways.insert(gateway.id.clone(), Entry::stored(gateway));
                }
            }
        }
        state.came_to(head.revision);
        state.measure();
    }

    /// What was acknowledged and is not known to be part of the store's history: each point once, with the
    /// name of a gateway that knows it.
    pub(crate) fn unproven(&self) -> BTreeMap<Point, String> {
        let state = self.state();
        let unproven = state
            .gateways
            .values()
            .filter_map(|entry| entry.unproven().map(|point| (point, entry.gateway.name.clone())));
        unproven.collect()
    }

    /// The store's history has these points.
    pub(crate) fn prove(&self, points: &[Point]) {
        if points.is_empty() {
            return;
        }
        let mut state = self.state();
        for entry in state.gateways.values_mut() {
            points.iter().for_each(|point| entry.prove(point));
        }
        state.measure();
        drop(state);
        self.heard.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// The store's history is another one.
    pub(crate) fn start_over(&self) {
        let mut state = self.state();
        state.head = Revision(0);
        state.figures.start_over();
        state.gateways.values_mut().for_each(Entry::start_over);
    }

    pub(crate) fn drop(&self, id: &str) {
        self.state().gateways.remove(id);
    }

    /// Those whose lease is over: id, beat, and when they were last heard of.
    pub(crate) fn lapsed(&self) -> Vec<(String, u64, Timestamp)> {
        let state = self.state();
        let over = state.gateways.values().filter(|entry| is_lapsed(&entry.known()));
        over.map(|entry| &entry.gateway).map(|g| (g.id.clone(), g.beat, g.heard_at)).collect()
    }

    /// Who enforces a revision; without one, the last.
    pub(crate) fn enforcement(&self, revision: Option<Revision>, now: Timestamp) -> Enforcement {
        let state = self.state();
        let revision = revision.unwrap_or(state.head);
        let gateways = state.gateways.values().map(|entry| entry.shown(revision, now)).collect();
        Enforcement { revision, gateways, is_lost: revision > state.head }
    }

    /// Has this gateway acknowledged a revision?
    pub(crate) fn has_acknowledged(&self, id: &str, revision: Revision) -> bool {
        let state = self.state();
        let acknowledged = state.gateways.get(id).and_then(|entry| entry.known().revision);
        acknowledged.is_some_and(|acknowledged| acknowledged >= revision)
    }

    /// A revision was committed here, which took something away or did not.
    pub(crate) fn committed(&self, revision: Revision, takes_away: bool) {
        let mut state = self.state();
        state.came_to(revision);
        if takes_away {
            state.figures.took_away(revision);
        }
    }

    pub(crate) fn figures(&self) -> GatewayFigures {
        self.state().figures()
    }
}
