//! The gateways: who follows, what each enforces, and whose lease may still run.
//!
//! A gateway is written down before it is answered for the first time, so no lease runs that the store
//! does not know of. Later acknowledgements are told at once in this process and written in bulk.

mod entry;
mod figures;
mod look;
mod registry;
mod rule;
mod speaker;
mod wait;

use tidegate_domain::{Refusal, Timestamp};
use tidegate_store::{Gateway, Point, Revision};

pub use self::figures::{BOUNDS, GatewayFigure, GatewayFigures};
pub(crate) use self::look::Looks;
pub use self::look::Waiter;
pub(crate) use self::registry::Registry;
pub use self::speaker::{Impostor, Line};
use crate::Control;
use crate::error::Result;
use crate::history::Place;
use crate::limits::{GATEWAY_CHARS, GATEWAY_FORGOTTEN_MS, LEASE_MS};

/// What a gateway tells of itself whenever it asks for changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayHeard {
    /// Its id, kept over its restarts. No two gateways have the same.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// The history its revision belongs to.
    pub epoch: String,
    /// The revision it enforces: the one it decides at, or would if its lease held.
    pub revision: Option<u64>,
    /// The stamp of that revision; empty if it knows none.
    pub stamp: String,
    /// How long it decides on after it asked, in milliseconds.
    pub lease_ms: u64,
    /// How far its clock is ahead, in milliseconds.
    pub clock_ahead_ms: i64,
    /// Its version of the program.
    pub version: String,
    /// The process that asks, drawn anew at each start.
    pub boot: String,
    /// The name in the certificate it shows; empty if it shows none.
    pub certificate: String,
    /// The connection it asks on.
    pub line: Line,
    /// Is it the gateway of the only process on this store? Then no other can speak for it: on a store that lets
    /// several in, another may have a copy of its folder.
    pub is_alone: bool,
}

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

/// What may be said of a gateway, as to some revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayState {
    /// It enforces it.
    Enforces {
        /// From when on, at the latest.
        since: Timestamp,
    },
    /// It may decide on less.
    Awaited {
        /// Until when, at the latest.
        until: Timestamp,
    },
    /// Its lease is over, so it denies everything.
    Lapsed {
        /// From when on, about.
        since: Timestamp,
    },
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayShown {
    /// What it told.
    pub gateway: Gateway,
    /// What may be said of it.
    pub state: GatewayState,
    /// Is its lease over, whatever it enforces?
    pub is_lapsed: bool,
    /// When its lease is over at the latest, if nothing more is heard of it.
    pub ends_at: Timestamp,
}

/// Who enforces a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enforcement {
    /// The revision.
    pub revision: Revision,
    /// All gateways, by id.
    pub gateways: Vec<GatewayShown>,
    /// Has the store lost the revision? Then it went back to an earlier state, and nobody enforces it.
    pub is_lost: bool,
}

impl GatewayHeard {
    /// The point of a history it decides at, or would if its lease held.
    fn point(&self) -> Option<Point> {
        let revision = Revision(self.revision?);
        Some(Point { epoch: self.epoch.clone(), revision, stamp: self.stamp.clone() })
    }
}

impl Enforcement {
    /// Is there no gateway that may decide on less, and does the store still have the revision?
    pub fn is_enforced(&self) -> bool {
        !self.is_lost && self.awaited().next().is_none()
    }

    /// Those that may decide on less.
    pub fn awaited(&self) -> impl Iterator<Item = &GatewayShown> {
        let awaits = |shown: &&GatewayShown| matches!(shown.state, GatewayState::Awaited { .. });
        self.gateways.iter().filter(awaits)
    }
}

/// Why a gateway is not forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// There is none of this id.
    #[error("there is no gateway of this id")]
    Unknown,
    /// Its lease may still run, so it may still let calls in.
    #[error("its lease may still run")]
    HoldsLease {
        /// Until when, at the latest.
        until: Timestamp,
    },
    /// Something broke.
    #[error(transparent)]
    Broken(#[from] crate::Error),
}

impl Control {
    /// A gateway asks, or tells that it has come further. Must have returned before it is answered:
    /// from then on its lease is known, also to other processes on this store. A lease of 0 says that it
    /// stops, and decides nothing from now on.
    pub async fn gateway_heard(
        &self,
        heard: GatewayHeard,
        now: Timestamp,
    ) -> Result<(), HearError> {
        check(&heard)?;
        let (id, name) = (heard.id.clone(), heard.name.clone());
        let point = heard.point();
        if !self.gateways.knows(&id) {
            // It may be another one's id, which this node has not learnt of yet.
            self.look_at_gateways().await?;
        }
        let must_write = self.gateways.hear(heard, now)?;
        if let Some(point) = point
            && self.recognise(&point, &name).await? == Place::Part
        {
            self.gateways.prove(&[point]);
        }
        match must_write {
            None => Ok(()),
            Some(count) => Ok(self.write_gateways(Some((&id, count))).await?),
        }
    }

    /// Writes down what was heard of gateways, learns what was heard elsewhere, and forgets those
    /// that have been gone for long. To be called again and again.
    pub async fn tend_gateways(&self, now: Timestamp) -> Result<()> {
        self.write_gateways(None).await?;
        self.look_at_gateways().await?;
        for (id, beat, heard_at) in self.gateways.lapsed() {
            let is_long_gone = heard_at.plus_ms(GATEWAY_FORGOTTEN_MS) <= now;
            if is_long_gone && self.store.forget_gateway(&id, beat).await? {
                tracing::info!(gateway = id, "a gateway that has been gone for long is forgotten");
                self.gateways.drop(&id);
            }
        }
        Ok(())
    }

    /// All gateways, and how they are as to the last revision.
    pub async fn gateways(&self, now: Timestamp) -> Result<Enforcement> {
        self.look_at_gateways().await?;
        Ok(self.gateways.enforcement(None, now))
    }

    /// Forgets a gateway that has left. One whose lease may still run is not forgotten.
    pub async fn forget_gateway(&self, id: &str, now: Timestamp) -> Result<(), ForgetError> {
        let known = self.gateways(now).await?;
        let shown = known.gateways.iter().find(|shown| shown.gateway.id == id);
        let shown = shown.ok_or(ForgetError::Unknown)?;
        let beat = shown.gateway.beat;
        let until = shown.ends_at;
        if !shown.is_lapsed {
            return Err(ForgetError::HoldsLease { until });
        }
        let forgotten = self.store.forget_gateway(id, beat).await.map_err(crate::Error::from)?;
        if !forgotten {
            return Err(ForgetError::HoldsLease { until });
        }
        self.gateways.drop(id);
        Ok(())
    }

    /// What is told of the gateways to those who watch.
    pub fn gateway_figures(&self) -> GatewayFigures {
        self.gateways.figures()
    }

    /// Writes down what is not written yet; all at once, so that who queues here finds it done.
    async fn write_gateways(&self, wanted: Option<(&str, u64)>) -> Result<()> {
        let _writing = self.gateways.writing().await;
        if wanted.is_some_and(|(id, count)| self.gateways.has_written(id, count)) {
            return Ok(());
        }
        let unwritten = self.gateways.unwritten(wanted.is_some());
        if !unwritten.is_empty() {
            self.store.keep_gateways(unwritten.gateways()).await?;
            self.gateways.wrote(&unwritten);
        }
        Ok(())
    }

    pub(crate) async fn look_at_gateways(&self) -> Result<()> {
        let stored = self.store.gateways().await?;
        let (mut view, generation) = self.view_and_generation().await?;
        let head = view.head().await?;
        self.gateways.merge(stored, head);
        let mut proven = Vec::new();
        for (point, name) in self.gateways.unproven() {
            let place = self.recognise_in(&mut *view, generation, &point, &name).await?;
            if place == Place::Part {
                proven.push(point);
            }
        }
        self.gateways.prove(&proven);
        Ok(())
    }
}

/// What cannot be believed is not registered, and so gets no answer and no lease.
fn check(heard: &GatewayHeard) -> Result<(), Refusal> {
    let malformed = |what: String| Err(Refusal::Malformed { what });
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if heard.id.is_empty() || !heard.id.chars().all(is_plain) {
        return malformed("a gateway's id has letters, digits, `.`, `_` and `-`".to_owned());
    }
    let texts = [
        &heard.id,
        &heard.name,
        &heard.version,
        &heard.epoch,
        &heard.stamp,
        &heard.boot,
        &heard.certificate,
    ];
    let is_long = |text: &&String| text.chars().count() > GATEWAY_CHARS;
    if texts.iter().any(|text| is_long(text) || text.chars().any(char::is_control)) {
        return malformed(format!("what a gateway tells has {GATEWAY_CHARS} characters at most"));
    }
    if heard.lease_ms > LEASE_MS {
        return malformed(format!("a gateway's lease is {LEASE_MS} ms at most"));
    }
    Ok(())
}
