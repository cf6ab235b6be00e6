//! Tends what is known of the gateways: written down, learnt from other nodes, forgotten in the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Core;
use crate::clock::Clock;

/// How often. What a gateway told is written down within a second of it, at the latest.
const TICK: Duration = Duration::from_millis(500);

/// Runs until it is aborted.
pub async fn tend(core: Core, clock: Arc<Clock>) {
    loop {
        if let Err(error) = core.control.tend_gateways(clock.now()).await {
            tracing::error!(%error, "what gateways acknowledged cannot be kept");
        }
        sleep(TICK).await;
    }
}
