//! The sample backend: a service that tells the weather and who asks, on a loopback port of its own.
//! It knows nothing of keys and grants; the gate stands in front of it.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::random;

/// Ports no kernel hands out by itself, so that a port once chosen is likely free the next time.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 10_000;

/// How many ports are tried.
const TRIES: usize = 50;

/// The backend's listener: at `port` if it has one, else at one that is free.
pub async fn listen(port: Option<u16>) -> anyhow::Result<TcpListener> {
    if let Some(port) = port {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        return TcpListener::bind(address).await.with_context(|| {
            format!(
                "the sample backend of this data folder lives at {address}, which is taken; end \
                 what listens there, or start with another --data-dir"
            )
        });
    }
    let mut last = None;
    for _ in 0..TRIES {
        let port = FIRST_PORT + u16::from_be_bytes(random::bytes()?) % PORTS;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()))
        .context("no port is free for the sample backend")
}

/// Answers until the process ends.
pub fn serve(listener: TcpListener) {
    let router = Router::new().route("/weather/{city}", get(weather));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the sample backend ended");
        }
    });
}

async fn weather(Path(city): Path<String>, headers: HeaderMap) -> Json<Value> {
    let app = headers.get("x-tidegate-app").and_then(|value| value.to_str().ok());
    let skies = ["sunny", "cloudy", "rainy", "foggy", "windy"];
    let mixed = city.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31) + usize::from(byte));
    Json(json!({
        "city": city,
        "sky": skies[mixed % skies.len()],
        "temperature_c": mixed % 30,
        "asked_by_app": app,
    }))
}
