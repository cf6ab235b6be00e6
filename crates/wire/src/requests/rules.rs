//! An API's rules and throttling policies: documents of our own, which the vendor does not have.
//! What is left out has its plainest value, so a document says all there is.

use serde::{Deserialize, Serialize};
use tidegate_domain::{Quota, Refusal, Rules};

use crate::host;
use crate::ids;
use crate::text::distinct;

/// The body of `PUT /throttles/{throttle}`: what a throttling policy allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThrottleBody {
    /// The length of the window, in seconds.
    pub window_seconds: Option<u32>,
    /// How many calls of each API bound to it.
    pub per_api: Option<u32>,
    /// How many of them from one user.
    pub per_user: Option<u32>,
    /// How many of them from one app.
    pub per_app: Option<u32>,
}

impl ThrottleBody {
    /// A quota as it is shown.
    pub fn of(quota: &Quota) -> Self {
        Self {
            window_seconds: Some(quota.window_seconds),
            per_api: quota.per_api,
            per_user: quota.per_user,
            per_app: quota.per_app,
        }
    }

    /// The plain values.
    pub fn parse(&self) -> Result<Quota, Refusal> {
        let missing = Refusal::FieldMissing { field: "window_seconds" };
        Ok(Quota {
            window_seconds: self.window_seconds.ok_or(missing)?,
            per_api: self.per_api,
            per_user: self.per_user,
            per_app: self.per_app,
        })
    }
}

/// An API's rules, as they are set and shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesBody {
    /// The name of the throttling policy that limits its calls.
    pub throttle: Option<String>,
    /// Must a signed call carry a nonce?
    pub nonce: Option<bool>,
    /// Are values of the path let in that servers read in different ways?
    pub odd_paths: Option<bool>,
    /// May a call become a WebSocket?
    pub upgrade: Option<bool>,
    /// How often a safe call that got no answer is tried again.
    pub retries: Option<u8>,
    /// Is the backend spoken to over HTTP/2 without asking it first?
    pub http2: Option<bool>,
    /// How long a connection to the backend may take.
    pub connect_timeout_ms: Option<u32>,
    /// How long the backend's answer may stand still.
    pub read_timeout_ms: Option<u32>,
    /// How long a call may take from its head to the end of the answer.
    pub total_timeout_ms: Option<u32>,
    /// Further backends, as `host:port`.
    pub more_backends: Option<Vec<String>>,
    /// Must a signature cover the header `Host`?
    pub require_signed_host: Option<bool>,
    /// Does the backend get the proof by which a call was admitted?
    pub forward_credentials: Option<bool>,
}

impl RulesBody {
    /// Rules as they are shown: every field, so that what was shown can be set again.
    pub fn of(rules: &Rules) -> Self {
        Self {
            throttle: rules.throttle.as_ref().map(ToString::to_string),
            nonce: Some(rules.nonce),
            odd_paths: Some(rules.odd_paths),
            upgrade: Some(rules.upgrade),
            retries: Some(rules.retries),
            http2: Some(rules.http2),
            connect_timeout_ms: rules.connect_timeout_ms,
            read_timeout_ms: rules.read_timeout_ms,
            total_timeout_ms: rules.total_timeout_ms,
            more_backends: Some(rules.more_backends.clone()),
            require_signed_host: Some(rules.require_signed_host),
            forward_credentials: Some(rules.forward_credentials),
        }
    }

    /// The plain values.
    pub fn parse(self) -> Result<Rules, Refusal> {
        let more_backends = distinct(self.more_backends.unwrap_or_default());
        for backend in &more_backends {
            host::check("more_backends", backend)?;
        }
        Ok(Rules {
            throttle: self.throttle.map(|name| ids::throttle(&name)).transpose()?,
            nonce: self.nonce.unwrap_or_default(),
            odd_paths: self.odd_paths.unwrap_or_default(),
            upgrade: self.upgrade.unwrap_or_default(),
            retries: self.retries.unwrap_or_default(),
            http2: self.http2.unwrap_or_default(),
            connect_timeout_ms: self.connect_timeout_ms,
            read_timeout_ms: self.read_timeout_ms,
            total_timeout_ms: self.total_timeout_ms,
            more_backends,
            require_signed_host: self.require_signed_host.unwrap_or_default(),
            forward_credentials: self.forward_credentials.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::body;
    use super::*;

    fn rules(json: &str) -> Result<Rules, Refusal> {
        body::<RulesBody>(json.as_bytes())?.parse()
    }

    #[test]
    fn what_is_left_out_is_plain_and_what_is_shown_can_be_set() {
        assert_eq!(rules("{}"), Ok(Rules::default()));
        let all = r#"{"throttle": "slow", "nonce": true, "odd_paths": true, "upgrade": true,
            "retries": 3, "http2": true, "connect_timeout_ms": 1, "read_timeout_ms": 2,
            "total_timeout_ms": 3, "more_backends": ["a:1", "[::1]:2", "a:1"],
            "require_signed_host": true, "forward_credentials": true}"#;
        let read = rules(all).unwrap();
        assert_eq!(read.more_backends, ["a:1", "[::1]:2"]);
        let shown = serde_json::to_string(&RulesBody::of(&read)).unwrap();
        assert_eq!(rules(&shown), Ok(read));
        let shown = serde_json::to_string(&RulesBody::of(&Rules::default())).unwrap();
        assert_eq!(rules(&shown), Ok(Rules::default()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, part) in [
            (r#"{"throtle": "slow"}"#, "throtle"),
            (r#"{"nonce": true, "nonce": true}"#, "duplicate field"),
            (r#"{"retries": -1}"#, "-1"),
            (r#"{"more_backends": ["http://a"]}"#, "`more_backends` is `http://a`"),
            (r#"{"more_backends": ["a b"]}"#, "`more_backends` is `a b`"),
        ] {
            let said = rules(json).unwrap_err().to_string();
            assert!(said.contains(part), "{json}: {said}");
        }
        let unknown = Refusal::ThrottleUnknown { name: "a/b".to_owned() };
        assert_eq!(rules(r#"{"throttle": "a/b"}"#), Err(unknown));
        let no_window = body::<ThrottleBody>(br#"{"per_app": 1}"#).unwrap();
        assert_eq!(no_window.parse(), Err(Refusal::FieldMissing { field: "window_seconds" }));
    }
}
