//! What this process knows of one gateway.

use std::collections::VecDeque;
use std::time::Duration;

use tidegate_domain::Timestamp;
use tidegate_store::{Gateway, Point, Revision};
use tokio::time::Instant;

use super::heard::GatewayHeard;
use super::rule::{Known, Verdict, is_lapsed, judge, longest};
use super::shown::{GatewayShown, GatewayState};
use super::speaker::{Impostor, Speaker};
use crate::limits::{ACKNOWLEDGEMENTS, GATEWAY_WRITTEN};

/// One gateway.
pub struct Entry {
    pub gateway: Gateway,
    /// The last moment at which it may have been heard of, by the clock that cannot be set.
    heard: Instant,
    /// How often it was heard of here, and how many of these are written down.
    count: u64,
    written: u64,
    /// When the last writing of it here was begun.
    durable: Option<Instant>,
    /// As the store has it, as far as is known here.
    stored: Option<Gateway>,
    /// The last acknowledgements, oldest first.
    acknowledged: VecDeque<(Revision, Timestamp)>,
    /// The process that speaks for it.
    speaker: Speaker,
    /// Is what it acknowledged last part of the store's history?
    is_proven: bool,
    /// The lease it reported here last, and when.
    reported: Option<(Instant, u64)>,
}

impl Entry {
    /// As the store has it. When it was last heard of is not believed, for that is a time of day; it
    /// may have been just now.
    pub fn stored(gateway: Gateway) -> Self {
        let mut entry = Self {
            heard: Instant::now(),
            count: 0,
            written: 0,
            durable: None,
            stored: Some(gateway.clone()),
            acknowledged: VecDeque::new(),
            speaker: Speaker::stored(),
            is_proven: false,
            reported: None,
            gateway,
        };
        entry.remember();
        entry
    }

    /// Heard of for the first time.
    pub fn new(heard: GatewayHeard, now: Timestamp) -> Self {
        let gateway = Gateway {
            id: heard.id,
            name: heard.name,
            version: heard.version,
            epoch: heard.epoch,
            revision: heard.revision.map(Revision),
            stamp: heard.stamp,
            acknowledged_at: now,
            registered_at: now,
            heard_at: now,
            lease_ms: heard.lease_ms,
            clock_ahead_ms: heard.clock_ahead_ms,
            boot: heard.boot,
            certificate: heard.certificate,
            beat: 0,
        };
        Self { stored: None, speaker: Speaker::default(), ..Self::stored(gateway) }
    }

    /// Whether what was heard may come from this gateway.
    pub fn admits(&self, heard: &GatewayHeard) -> Result<(), Impostor> {
        self.speaker.admits(&self.gateway, heard)
    }

    /// It was heard of. Tells how often that makes it.
    pub fn hear(&mut self, heard: GatewayHeard, now: Timestamp) -> u64 {
        self.speaker.hear(&self.gateway, self.heard, &heard);
        let gateway = &mut self.gateway;
        let revision = heard.revision.map(Revision);
        let is_news = (&heard.epoch, revision, &heard.stamp)
            != (&gateway.epoch, gateway.revision, &gateway.stamp);
        if heard.epoch != gateway.epoch || revision < gateway.revision {
            self.acknowledged.clear();
        }
        gateway.name = heard.name;
        gateway.version = heard.version;
        gateway.epoch = heard.epoch;
        gateway.revision = revision;
        gateway.stamp = heard.stamp;
        gateway.lease_ms = heard.lease_ms;
        gateway.clock_ahead_ms = heard.clock_ahead_ms;
        gateway.boot = heard.boot;
        gateway.certificate = heard.certificate;
        gateway.heard_at = now;
        if is_news {
            gateway.acknowledged_at = now;
            self.is_proven = false;
        }
        self.reported = Some((Instant::now(), heard.lease_ms));
        self.remember();
        self.heard = Instant::now();
        self.count = self.count.saturating_add(1);
        self.count
    }

    fn remember(&mut self) {
        let Some(revision) = self.gateway.revision else { return };
        if self.acknowledged.back().is_some_and(|(last, _)| *last >= revision) {
            return;
        }
        self.acknowledged.push_back((revision, self.gateway.acknowledged_at));
        if self.acknowledged.len() > ACKNOWLEDGEMENTS {
            self.acknowledged.pop_front();
        }
    }

    /// May an answer go out without writing first?
    pub fn is_written(&self) -> bool {
        let lease = self.gateway.lease_ms;
        let is_known = self.stored.as_ref().is_some_and(|stored| stored.lease_ms == lease);
        is_known && self.durable.is_some_and(|at| at.elapsed() < GATEWAY_WRITTEN)
    }

    /// Is this much of what was heard written down?
    pub fn has_written(&self, count: u64) -> bool {
        self.written >= count
    }

    /// Does it enforce something else than the store says?
    pub fn has_news(&self) -> bool {
        self.stored.as_ref().is_none_or(|stored| !is_same_point(stored, &self.gateway))
    }

    /// What is not written down yet: the gateway, and how much of what was heard that is.
    pub fn unwritten(&self) -> Option<(Gateway, u64)> {
        (self.count > self.written).then(|| (self.gateway.clone(), self.count))
    }

    /// This much was written down, from `begun` on.
    pub fn wrote(&mut self, gateway: &Gateway, count: u64, begun: Instant) {
        self.written = self.written.max(count);
        self.durable = Some(begun);
        self.stored = Some(gateway.clone());
        self.speaker.wrote();
    }

    /// The store has it like this. If somebody wrote since, it was heard of, here or elsewhere.
    pub fn merge(&mut self, stored: Gateway) {
        if stored.beat == self.gateway.beat {
            return;
        }
        self.speaker.merge(&self.gateway, self.heard, &stored);
        self.heard = Instant::now();
        if self.has_news() {
            self.gateway.beat = stored.beat;
            return;
        }
        self.stored = Some(stored.clone());
        if stored.epoch != self.gateway.epoch || stored.revision < self.gateway.revision {
            self.acknowledged.clear();
        }
        self.is_proven &= is_same_point(&stored, &self.gateway);
        // A longer lease that was reported here may still run, whatever was written elsewhere meanwhile.
        let lease_ms = stored.lease_ms.max(self.running_lease_ms());
        self.gateway = Gateway { lease_ms, ..stored };
        self.remember();
    }

    /// The lease that was reported here last, unless it is over.
    fn running_lease_ms(&self) -> u64 {
        let running =
            |(at, ms): &(Instant, u64)| at.elapsed() < longest(Duration::from_millis(*ms));
        self.reported.filter(running).map_or(0, |(_, ms)| ms)
    }

    /// What it acknowledged, if that is not known to be part of the store's history.
    pub fn unproven(&self) -> Option<Point> {
        self.point().filter(|_| !self.is_proven)
    }

    /// The store's history has this point.
    pub fn prove(&mut self, point: &Point) {
        if self.point().as_ref() == Some(point) {
            self.is_proven = true;
        }
    }

    /// The store's history is another one: nothing it acknowledged counts, and whatever was written down of
    /// it may be lost.
    pub fn start_over(&mut self) {
        self.is_proven = false;
        self.acknowledged.clear();
        (self.stored, self.durable) = (None, None);
        self.written = 0;
        self.count = self.count.saturating_add(1);
    }

    fn point(&self) -> Option<Point> {
        let Gateway { epoch, revision, stamp, .. } = &self.gateway;
        Some(Point { epoch: epoch.clone(), revision: (*revision)?, stamp: stamp.clone() })
    }

    /// How long nothing has been heard of it, at least.
    pub fn silent(&self) -> Duration {
        self.heard.elapsed()
    }

    /// What the rule looks at.
    pub fn known(&self) -> Known {
        Known {
            revision: self.gateway.revision.filter(|_| self.is_proven),
            lease: self.lease(),
            silent: self.silent(),
        }
    }

    /// How long it decides on after it asked.
    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.gateway.lease_ms)
    }

    /// From when on it has enforced this revision, at the latest.
    fn since(&self, revision: Revision) -> Timestamp {
        let first = self.acknowledged.iter().find(|(told, _)| *told >= revision);
        first.map_or(self.gateway.acknowledged_at, |(_, at)| *at)
    }

    /// How it looks at `now`, as to what is needed.
    pub fn shown(&self, needed: Revision, now: Timestamp) -> GatewayShown {
        let known = self.known();
        let ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let earlier = self.speaker.earlier();
        let verdict = match judge(&known, needed) {
            verdict if earlier.is_zero() => verdict,
            Verdict::Awaited(left) => Verdict::Awaited(left.max(earlier)),
            Verdict::Enforces | Verdict::Lapsed => Verdict::Awaited(earlier),
        };
        let state = match verdict {
            Verdict::Enforces => GatewayState::Enforces { since: self.since(needed) },
            Verdict::Awaited(left) => GatewayState::Awaited { until: now.plus_ms(ms(left)) },
            Verdict::Lapsed => {
                let over = self.gateway.heard_at.plus_ms(ms(longest(known.lease)));
                GatewayState::Lapsed { since: over.min(now) }
            }
        };
        let left = longest(known.lease).saturating_sub(known.silent).max(earlier);
        let ends_at = now.plus_ms(ms(left));
        let is_lapsed = is_lapsed(&known) && earlier.is_zero();
        GatewayShown { gateway: self.gateway.clone(), state, is_lapsed, ends_at }
    }
}

fn is_same_point(one: &Gateway, other: &Gateway) -> bool {
    (&one.epoch, one.revision, &one.stamp) == (&other.epoch, other.revision, &other.stamp)
}
