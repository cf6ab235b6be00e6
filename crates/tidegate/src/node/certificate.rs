//! Keeps the gateway's certificate as new as its files.

use std::time::Duration;

use anyhow::Context;
use tidegate_gateway::Acceptor;
use tokio::time::sleep;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Looks at the files now and then, and at every SIGHUP, until it is aborted.
#[cfg(unix)]
pub fn watch(acceptor: Acceptor) -> anyhow::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen to SIGHUP")?;
    Ok(async move {
        loop {
            tokio::select! {
                () = sleep(LOOK) => {}
                _ = hangup.recv() => {}
            }
            acceptor.reload();
        }
    })
}

/// Looks at the files now and then, until it is aborted.
#[cfg(not(unix))]
pub fn watch(acceptor: Acceptor) -> anyhow::Result<impl Future<Output = ()> + Send> {
    Ok(async move {
        loop {
            sleep(LOOK).await;
            acceptor.reload();
        }
    })
}
