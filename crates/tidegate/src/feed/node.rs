//! This node's control side, as gateways on other machines ask it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_control::Control;
use tidegate_feed::{Heard, Provider, Times};
use tidegate_gateway::{Batch, Source, SourceError};

use super::LocalSource;
use crate::clock::{Clock, wall};

/// The control side and its clock.
pub struct NodeFeed {
    source: LocalSource,
    clock: Arc<Clock>,
}

impl NodeFeed {
    /// The feed of a control side.
    pub fn new(control: Arc<Control>, clock: Arc<Clock>) -> Self {
        Self { source: LocalSource(control), clock }
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

    fn proof_age(&self) -> Option<Duration> {
        self.source.proof_age()
    }
}

#[async_trait]
impl Provider for NodeFeed {
    async fn heard(&self, heard: Heard) -> Result<(), SourceError> {
        let Heard { me, epoch, enforced, clock_ahead_ms } = heard;
        let (id, name, version) = (&me.id, &me.name, &me.version);
        tracing::debug!(id, name, version, epoch, enforced, clock_ahead_ms, "a gateway asks");
        Ok(())
    }

    fn times(&self) -> Times {
        Times { now: self.clock.now(), wall: wall() }
    }
}
