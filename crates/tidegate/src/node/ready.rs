//! Is the node ready? Asked from outside, as anybody would.

use std::time::Duration;

use anyhow::Context;
use http::Method;
use tokio::time::{sleep, timeout};

use crate::client::{Client, Outgoing};
use crate::data::Server;

/// How long a node may take to become ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(10);

/// Returns once the control side and the gateway, those there are, say that they are ready.
pub async fn all(server: &Server) -> anyhow::Result<()> {
    let mut endpoints = Vec::new();
    for endpoint in [&server.control, &server.gateway].into_iter().flatten() {
        endpoints.push((Client::for_endpoint(endpoint)?, endpoint));
    }
    let asked = async {
        for (client, endpoint) in &endpoints {
            while !is_ready(client, endpoint).await {
                sleep(PAUSE).await;
            }
        }
    };
    let late = || format!("not ready after {} s; see the log", PATIENCE.as_secs());
    timeout(PATIENCE, asked).await.with_context(late)
}

async fn is_ready(client: &Client, endpoint: &str) -> bool {
    let request = Outgoing::new(Method::GET, format!("{endpoint}/readyz"));
    client.send(request).await.is_ok_and(|answer| answer.status.is_success())
}
