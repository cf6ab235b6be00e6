//! What a node does for the sake of the others on its store: it proves that it may speak, rings for them
//! and hears them ring. On a store it has to itself, nothing.

use std::sync::Arc;
use std::time::Duration;

use tidegate_control::Control;
use tidegate_store::Revision;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How often it proves itself.
const BEAT: Duration = Duration::from_millis(500);

/// How long it waits before it tries again to ring or to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// Proves itself until it is aborted. What goes wrong is logged when it begins, and when it is over.
pub async fn beat(control: Arc<Control>) {
    let mut ticks = interval(BEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut wrong = None;
    loop {
        ticks.tick().await;
        let told = control.beat().await.err().map(|error| error.to_string());
        if told.is_some() != wrong.is_some() {
            match &told {
                Some(error) => tracing::error!(error, "this node has no proof that it may speak"),
                None => tracing::info!("this node may speak again"),
            }
        }
        wrong = told;
    }
}

/// Rings for the others until it is aborted.
pub async fn ring(control: Arc<Control>) {
    let mut passed = Revision(0);
    loop {
        match control.pass_on(&mut passed).await {
            // Nobody can hear it.
            Ok(()) => std::future::pending().await,
            Err(error) => tracing::debug!(%error, "the other nodes were not rung for"),
        }
        sleep(PAUSE).await;
    }
}

/// Hears the others until it is aborted.
pub async fn hear(control: Arc<Control>) {
    loop {
        match control.listen().await {
            Ok(None) => std::future::pending().await,
            Ok(Some(neighbours)) => {
                if let Err(error) = control.hear(neighbours).await {
                    tracing::debug!(%error, "the other nodes are not heard");
                }
            }
            Err(error) => tracing::debug!(%error, "the other nodes cannot be listened to"),
        }
        sleep(PAUSE).await;
    }
}
