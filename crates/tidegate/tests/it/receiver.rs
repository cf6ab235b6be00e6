//! A receiver of messages, which checks their signatures.

use std::time::Instant;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::recorder::{Recorder, Sent};
use crate::support::{PATIENCE, pause};

/// The secret senders must have.
pub const SECRET: &str = "a secret of some length";

/// A message that came.
#[derive(Debug, Clone)]
pub struct Told {
    pub id: String,
    pub kind: String,
    pub is_signed: bool,
    pub body: Value,
}

/// A receiver on a port of its own, until it is dropped.
pub struct Receiver {
    pub address: String,
    recorder: Recorder,
}

impl Receiver {
    pub fn start() -> Self {
        let recorder = Recorder::start("content-type: text/plain", "");
        Self { address: format!("http://{}/hook", recorder.address), recorder }
    }

    /// All that came so far.
    pub fn told(&self) -> Vec<Told> {
        self.recorder.requests().iter().map(told).collect()
    }

    /// Waits for so many different messages of a kind, and tells all of that kind.
    pub fn wait_for(&self, kind: &str, count: usize) -> Vec<Told> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut told = self.told();
            told.retain(|told| told.kind == kind);
            let mut ids: Vec<_> = told.iter().map(|told| &told.id).collect();
            ids.sort_unstable();
            ids.dedup();
            if ids.len() >= count {
                return told;
            }
            assert!(Instant::now() < deadline, "{count} of {kind} do not come: {told:?}");
            pause();
        }
    }
}

fn told(sent: &Sent) -> Told {
    let header = |name: &str| sent.header(name).unwrap_or_default().to_owned();
    let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
    let text = String::from_utf8(sent.body.clone()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, format!("{id}.{time}.{text}").as_bytes());
    let is_signed = header("webhook-signature") == format!("v1,{}", STANDARD.encode(tag));
    let body: Value = serde_json::from_str(&text).unwrap();
    let kind = body["type"].as_str().unwrap_or_default().to_owned();
    Told { id, kind, is_signed, body }
}
