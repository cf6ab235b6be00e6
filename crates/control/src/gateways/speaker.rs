//! Who may speak for a gateway: one process at a time, under the certificate its id is bound to. What a
//! second one acknowledges would be taken for what the first enforces.

use std::time::Duration;

use tidegate_store::Gateway;
use tokio::time::Instant;

use super::heard::{GatewayHeard, Line};
use super::rule::longest;
use crate::limits::GATEWAY_ELSEWHERE;

/// Why a gateway is not heard. Its text is for the gateway and for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Impostor {
    /// Its id is bound to another certificate.
    #[error(
        "this gateway's id belongs to another certificate: give it its own folder, or let the operator \
         forget the id (`tidegate gateways forget`) once its lease is over"
    )]
    OtherCertificate,
    /// Another process asks under its id, here.
    #[error(
        "another gateway is connected under this id: its data folder was copied; give it its own"
    )]
    Connected,
    /// Another process asks under its id at another control node, or has done so just now.
    #[error(
        "another gateway asks under this id at another control node, or did a few seconds ago: if its data \
         folder was copied, give it its own"
    )]
    Elsewhere,
}

/// What is known of the process that speaks for a gateway.
#[derive(Debug, Default)]
pub struct Speaker {
    line: Line,
    /// When another control node last wrote down that it was heard of there.
    elsewhere: Option<Instant>,
    /// How often this node has written it down since the store was looked at.
    own_beats: u64,
    /// Until when an earlier process under this id may go on deciding.
    earlier: Option<Instant>,
}

impl Speaker {
    /// Of a gateway that is known from the store alone: it may be asking elsewhere.
    pub fn stored() -> Self {
        Self { elsewhere: Some(Instant::now()), ..Self::default() }
    }

    /// Whether what was heard may come from the gateway that is `known`.
    pub fn admits(&self, known: &Gateway, heard: &GatewayHeard) -> Result<(), Impostor> {
        if !known.certificate.is_empty() && heard.certificate != known.certificate {
            return Err(Impostor::OtherCertificate);
        }
        if !is_another(known, &heard.boot) || heard.is_alone || known.lease_ms == 0 {
            return Ok(());
        }
        if self.line.is_open() {
            return Err(Impostor::Connected);
        }
        let is_elsewhere = self.elsewhere.is_some_and(|at| at.elapsed() < GATEWAY_ELSEWHERE);
        if is_elsewhere { Err(Impostor::Elsewhere) } else { Ok(()) }
    }

    /// It was heard of here. An earlier process that was last heard of at `last` may go on deciding for its
    /// lease, unless it said that it stops, or this one is alone on the store.
    pub fn hear(&mut self, known: &Gateway, last: Instant, heard: &GatewayHeard) {
        if is_another(known, &heard.boot) && !heard.is_alone {
            self.follow(known, last);
        }
        self.line = heard.line.clone();
        self.elsewhere = None;
    }

    fn follow(&mut self, known: &Gateway, last: Instant) {
        let until = last + longest(Duration::from_millis(known.lease_ms));
        self.earlier = self.earlier.max(Some(until));
    }

    /// This node has written it down.
    pub fn wrote(&mut self) {
        self.own_beats = self.own_beats.saturating_add(1);
    }

    /// The store has it like this, which was `known` and last heard of at `last`.
    pub fn merge(&mut self, known: &Gateway, last: Instant, stored: &Gateway) {
        let beats = stored.beat.saturating_sub(known.beat);
        if beats > self.own_beats {
            self.elsewhere = Some(Instant::now());
        }
        self.own_beats = self.own_beats.saturating_sub(beats);
        if is_another(known, &stored.boot) {
            self.follow(known, last);
            self.line = Line::default();
        }
    }

    /// How long an earlier process may go on deciding, at most.
    pub fn earlier(&self) -> Duration {
        self.earlier.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

/// Is this another process than the one that is known?
fn is_another(known: &Gateway, boot: &str) -> bool {
    !known.boot.is_empty() && known.boot != boot
}
