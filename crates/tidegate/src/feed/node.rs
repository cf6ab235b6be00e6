//! This node's control side, as gateways on other machines ask it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tidegate_control::{Control, GatewayHeard, HearError, Line};
use tidegate_feed::{Everything, Heard, HeardError, Provider, Times};
use tidegate_gateway::{Batch, Source, SourceError};

use super::ControlSource;
use crate::clock::{Clock, wall};

/// The control side and its clock.
pub struct NodeFeed {
    source: ControlSource,
    clock: Arc<Clock>,
}

impl NodeFeed {
    /// The feed of a control side.
    pub fn new(control: Arc<Control>, clock: Arc<Clock>) -> Self {
        Self { source: ControlSource(control), clock }
    }
}

#[async_trait]
impl Source for NodeFeed {
    async fn changes(&self, since: u64) -> Result<Batch, SourceError> {
        self.source.changes(since).await
    }

    async fn bell(&self, since: u64) {
        self.source.bell(since).await;
    }

    async fn stamp_of(&self, revision: u64) -> Result<String, SourceError> {
        self.source.stamp_of(revision).await
    }

    fn proof_age(&self) -> Option<Duration> {
        self.source.proof_age()
    }
}

#[async_trait]
impl Provider for NodeFeed {
    async fn heard(&self, heard: Heard, line: Weak<()>) -> Result<(), HeardError> {
        let Heard { me, epoch, enforced, enforced_stamp, since, clock_ahead_ms, certificate } =
            heard;
        let heard = GatewayHeard {
            id: me.id,
            name: me.name,
            epoch,
            revision: enforced,
            stamp: enforced_stamp,
            asks_after: Some(since),
            lease_ms: u64::try_from(me.lease.as_millis()).unwrap_or(u64::MAX),
            clock_ahead_ms,
            version: me.version,
            boot: me.boot,
            certificate,
            line: Line(line),
            is_alone: false,
        };
        let known = self.source.0.gateway_heard(heard, self.clock.now()).await;
        known.map_err(|error| match error {
            HearError::Impostor(why) => HeardError::Impostor(why.to_string()),
            HearError::Other(error) => SourceError(error.to_string()).into(),
        })
    }

    async fn everything(&self) -> Result<Box<dyn Everything>, SourceError> {
        Ok(Box::new(self.source.everything()))
    }

    fn times(&self) -> Times {
        Times { now: self.clock.now(), wall: wall() }
    }
}
