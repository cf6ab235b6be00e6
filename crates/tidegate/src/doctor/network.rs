//! The listeners: free or ours, open to whom, and is a running server ready?

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use http::Method;
use tokio::time::timeout;

use crate::checks::Findings;
use crate::client::{Client, Outgoing};
use crate::config::Config;
use crate::data::{DataDir, Server};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at every address.
pub async fn look(config: &Config, data: &DataDir, is_held: bool, findings: &mut Findings) {
    // A leftover of a server that was killed tells nothing.
    let server = if is_held { data.server().ok().flatten() } else { None };
    for (name, address) in config.addresses(config.kind()).named() {
        if let Some(address) = address {
            listener(name, address, server.as_ref(), findings);
        }
    }
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

fn listener(name: &'static str, at: SocketAddr, server: Option<&Server>, findings: &mut Findings) {
    let ours = server.is_some_and(|server| {
        let told = server.control.iter().chain(&server.gateway);
        let told = told.chain(&server.check).chain(&server.ext_authz).chain(&server.metrics);
        let ports = told.filter_map(|url| url.rsplit(':').next()?.parse::<u16>().ok());
        ports.chain(server.feed.map(|feed| feed.port())).any(|port| at.port() == port)
    });
    if ours {
        findings.ok(name, format!("{at} is the running server's"));
        return;
    }
    match TcpListener::bind(at) {
        Ok(_) => findings.ok(name, format!("{at} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => findings.fault(
            name,
            format!("another program listens on {at}"),
            "end it, or choose another address",
        ),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => findings.fault(
            name,
            format!("this user may not listen on {at}"),
            "choose a port above 1023, or grant CAP_NET_BIND_SERVICE",
        ),
        Err(error) => findings.fault(
            name,
            format!("nobody can listen on {at}: {error}"),
            "choose an address of this machine",
        ),
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
