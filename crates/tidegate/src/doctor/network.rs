//! Is a running server ready?

use std::time::Duration;

use http::Method;
use tokio::time::timeout;

use crate::checks::Findings;
use crate::client::{Client, Outgoing};
use crate::data::DataDir;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the server that works on the folder.
pub async fn look(data: &DataDir, is_held: bool, findings: &mut Findings) {
    // A leftover of a server that was killed tells nothing.
    let server = if is_held { data.server().ok().flatten() } else { None };
    if let Some(server) = server {
        for (which, origin) in [("control", &server.control), ("gateway", &server.gateway)] {
            if let Some(origin) = origin {
                ready(which, origin, findings).await;
            }
        }
    } else if is_held {
        findings.warning(
            "server",
            "a process works on the data folder and tells no address",
            "it is starting, or it is `tidegate apply`; look again",
        );
    }
}

async fn ready(which: &'static str, origin: &str, findings: &mut Findings) {
    if origin.starts_with("https:") {
        findings.ok(which, format!("{origin} uses TLS; its health is not asked for from here"));
        return;
    }
    let asked = async {
        let client = Client::for_endpoint(origin)?;
        client.send(Outgoing::new(Method::GET, format!("{origin}/readyz"))).await
    };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) if answer.status.is_success() => {
            findings.ok(which, format!("{origin} is ready"));
        }
        Ok(Ok(answer)) => findings.fault(
            which,
            format!("{origin} is not ready: it answers {}", answer.status.as_u16()),
            "see its log",
        ),
        Ok(Err(error)) => {
            findings.fault(which, format!("{origin} does not answer: {error:#}"), "see its log");
        }
        Err(_) => findings.fault(which, format!("{origin} does not answer in time"), "see its log"),
    }
}
