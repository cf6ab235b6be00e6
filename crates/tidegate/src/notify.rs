//! Where messages go: a webhook, signed by the scheme of Standard Webhooks.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use tidegate_control::Letter;

use crate::client::{Client, Outgoing};
use crate::clock::wall;
use crate::data;

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The shortest secret, in bytes.
const SHORTEST: usize = 16;

/// What a secret begins with that is bytes in base64.
const BASE64: &str = "whsec_";

/// A text that may be, or hold, a secret. It is shown nowhere.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a text.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

/// The configuration of notices to programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notify {
    /// Where messages are sent; nowhere when it is empty.
    pub webhook_url: Hidden,
    /// What they are signed with.
    pub webhook_secret: Hidden,
    /// The file that has it instead.
    pub webhook_secret_file: Option<PathBuf>,
}

impl Notify {
    /// What no key by itself can get wrong.
    pub fn fault(&self) -> Option<&'static str> {
        let (given, in_file) =
            (!self.webhook_secret.is_empty(), self.webhook_secret_file.is_some());
        match (!self.webhook_url.is_empty(), given, in_file) {
            (_, true, true) => Some("has both `webhook_secret` and `webhook_secret_file`"),
            (true, false, false) => {
                Some("`webhook_url` needs `webhook_secret_file`, or `webhook_secret`")
            }
            _ => None,
        }
    }

    /// The webhook, if there is one.
    pub fn webhook(&self) -> anyhow::Result<Option<Webhook>> {
        if self.webhook_url.is_empty() {
            return Ok(None);
        }
        let secret = match &self.webhook_secret_file {
            Some(file) => {
                data::read(file)?.with_context(|| format!("there is no file {}", file.display()))?
            }
            None => self.webhook_secret.0.clone(),
        };
        Webhook::new(&self.webhook_url.0, secret.trim()).map(Some)
    }
}

/// Is this the address of a webhook? What is wrong with it is told without showing it.
pub fn check_url(text: &str) -> Result<(), String> {
    let uri: Option<http::Uri> = text.parse().ok();
    let good = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(|a| !a.host().is_empty() && !a.as_str().contains('@'))
    });
    if good { Ok(()) } else { Err("is no address; write https://host/path".to_owned()) }
}

/// A receiver of messages.
pub struct Webhook {
    address: String,
    key: hmac::Key,
    client: Client,
}

impl Webhook {
    /// The receiver at an address, which can check signatures with the secret.
    pub fn new(address: &str, secret: &str) -> anyhow::Result<Self> {
        let key = match secret.strip_prefix(BASE64) {
            Some(text) => {
                STANDARD.decode(text).ok().context("the secret of the webhook is not base64")?
            }
            None => secret.as_bytes().to_vec(),
        };
        if key.len() < SHORTEST {
            bail!("the secret of the webhook is shorter than {SHORTEST} bytes");
        }
        let uri: http::Uri = address.parse().ok().context("the webhook has no address")?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let near = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if uri.scheme_str() == Some("http") && !near {
            tracing::warn!("messages go to the webhook unencrypted; use https");
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Ok(Self { address: address.to_owned(), key, client: Client::for_endpoint(address)? })
    }

    /// Sends a message; an error unless the receiver says that it has it.
    pub async fn send(&self, letter: &Letter) -> anyhow::Result<()> {
        let body = body(letter);
        let seconds = wall().as_ms().div_euclid(1_000).to_string();
        let signature = signature(&self.key, &letter.id, &seconds, &body.to_string());
        let request = Outgoing::new(Method::POST, self.address.clone())
            .json(&body)
            .header("webhook-id", &letter.id)?
            .header("webhook-timestamp", &seconds)?
            .header("webhook-signature", &signature)?;
        let answer = tokio::time::timeout(TIMEOUT, self.client.send(request));
        let answer = answer.await.context("the receiver did not answer in time")??;
        if !answer.status.is_success() {
            bail!("the receiver answered {}", answer.status);
        }
        Ok(())
    }
}

/// What is sent. It holds ids, names and times, and never a secret.
fn body(letter: &Letter) -> Value {
    let message = &letter.message;
    let details: Value = serde_json::from_str(&message.details).unwrap_or_default();
    json!({
        "id": letter.id,
        "type": message.what,
        "timestamp": message.at.to_string(),
        "recipient": { "id": message.recipient.as_str(), "name": letter.recipient },
        "subject": message.subject,
        "data": details,
    })
}

/// The signature of a message.
fn signature(key: &hmac::Key, id: &str, seconds: &str, body: &str) -> String {
    let tag = hmac::sign(key, format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_scheme() {
        // The vector the scheme's own libraries are tested with.
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let body = r#"{"test": 2432232314}"#;
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = signature(&key, id, "1614265330", body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_long_enough_and_shown_nowhere() {
        assert!(Webhook::new("http://localhost/a", "short").is_err());
        assert!(Webhook::new("http://localhost/a", "whsec_%%").is_err());
        assert!(
            Webhook::new("http://localhost/a", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok()
        );
        assert!(Webhook::new("http://localhost/a", "a long enough secret").is_ok());
        let notify = Notify { webhook_secret: Hidden::new("hush"), ..Notify::default() };
        assert!(!format!("{notify:?}").contains("hush"));
    }

    #[test]
    fn an_address_is_told_from_what_is_none() {
        for (text, good) in [
            ("https://hooks.example/a?b", true),
            ("http://127.0.0.1:9/", true),
            ("hooks.example/a", false),
            ("ftp://hooks.example/", false),
            ("https://u:p@hooks.example/", false),
            ("https://", false),
        ] {
            assert_eq!(check_url(text).is_ok(), good, "{text}");
        }
    }
}
