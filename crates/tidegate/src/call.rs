//! `tidegate call`: signs a call as an app and sends it to the gateway.

use anyhow::Context;
use clap::Args;
use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use tidegate_sign::Secret;

use crate::client::{Answer, Client, Outgoing, Signer};
use crate::control::{Control, encoded};
use crate::exit::{SaidNo, misused};
use crate::login::{Login, Who, local_gateway};
use crate::out::{cell, is, raw, records, say};

/// What to call, and as whom.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate call --app wallboard /weather/lisbon
  tidegate call --key KEY --secret SECRET https://gateway.example.com/orders/7
  tidegate call --app billing -X POST -d '{\"amount\": 3}' -H 'Content-Type: application/json' /bills

Prints the status, what the gateway says in headers, and the body. Ends with 0 when the call was let
in and answered well, with 1 when it was denied or failed.

X-Tidegate-Reason tells why a call was denied; X-Tidegate-Grant-End tells when a grant ends, and
X-Tidegate-Cancelled-At when it is cancelled before that.")]
pub struct Call {
    /// An address, or a path at the gateway of the data folder's server.
    #[arg(value_name = "URL-OR-PATH")]
    target: String,

    /// Sign as this app, by name or id; whoever owns it among the users of a development server is
    /// asked for its key and secret.
    #[arg(long, value_name = "APP", conflicts_with_all = ["key", "secret"])]
    app: Option<String>,

    /// The app's key.
    #[arg(long, env = "TIDEGATE_APP_KEY", value_name = "KEY")]
    key: Option<String>,

    /// The app's secret; better given in the environment than here.
    #[arg(long, env = "TIDEGATE_APP_SECRET", hide_env_values = true, value_name = "SECRET")]
    secret: Option<String>,

    /// The method; POST when there is a body, else GET.
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    method: Option<Method>,

    /// The body.
    #[arg(short, long, value_name = "BODY")]
    data: Option<String>,

    /// A header, such as 'Content-Type: application/json'.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,

    /// The gateway's address, for a path.
    #[arg(long, env = "TIDEGATE_GATEWAY", value_name = "URL")]
    gateway: Option<String>,

    #[command(flatten)]
    who: Who,
}

/// An app's key and secret.
struct Proof {
    key: String,
    secret: Secret,
}

impl Call {
    /// Signs, sends, prints.
    pub async fn run(self) -> anyhow::Result<()> {
        if self.key.is_some() != self.secret.is_some() {
            misused!("a key and a secret go together");
        }
        let address = self.address()?;
        let proof = match (&self.app, &self.key, &self.secret) {
            (Some(app), ..) => Some(self.proof_of(app).await?),
            (None, Some(key), Some(secret)) => {
                Some(Proof { key: key.clone(), secret: Secret::new(secret.as_str()) })
            }
            (None, ..) => None,
        };
        let usual = if self.data.is_some() { Method::POST } else { Method::GET };
        let mut request = Outgoing::new(self.method.unwrap_or(usual), address.clone());
        request.headers.extend(self.headers);
        request.body = self.data.unwrap_or_default().into();
        if let Some(Proof { key, secret }) = &proof {
            request = request.signed(&Signer { key, secret, as_app: true })?;
        }
        let answer = Client::for_endpoint(&address)?.send(request).await?;
        if answer.header(REASON) == Some(NO_SUCH_CALL) {
            misused!(
                "what answers there is a control side, and not a gateway: give the gateway's address"
            );
        }
        show(&answer);
        if answer.status.is_success() { Ok(()) } else { Err(SaidNo(why(&answer)).into()) }
    }

    fn address(&self) -> anyhow::Result<String> {
        if !self.target.starts_with('/') {
            return Ok(self.target.clone());
        }
        let gateway = match &self.gateway {
            Some(gateway) => gateway.clone(),
            None => local_gateway(&self.who.data_dir)?,
        };
        Ok(format!("{}{}", gateway.trim_end_matches('/'), self.target))
    }

    /// An app's key and secret, from whoever of the known users owns it.
    async fn proof_of(&self, app: &str) -> anyhow::Result<Proof> {
        if self.who.as_user.is_some() || self.who.access_key.is_some() {
            let control = Control::new(self.who.session("owner")?)?;
            let proof = proof_from(&control, app).await?;
            return proof.with_context(|| {
                format!("this user sees no secret of an app `{app}`; only its owner does")
            });
        }
        let logins: Vec<Login> = self.who.logins()?;
        if logins.is_empty() {
            misused!(
                "give --key and --secret, or the folder of a development server: --data-dir DIR"
            );
        }
        for login in &logins {
            let control = Control::new(self.who.session_of(login)?)?;
            if let Some(proof) = proof_from(&control, app).await? {
                return Ok(proof);
            }
        }
        misused!("no user of the development server owns an app `{app}`")
    }
}

/// An app's key and secret, if this user sees them.
async fn proof_from(control: &Control, app: &str) -> anyhow::Result<Option<Proof>> {
    let found = match control.list(&format!("/apps?name={}", encoded(app)), "apps").await {
        Ok(found) => found,
        // A user without a workspace of his own sees no apps.
        Err(error) if error.is::<SaidNo>() => return Ok(None),
        Err(error) => return Err(error),
    };
    let named = records(&found, "apps").iter().find(|item| is(item, "name", app));
    let id = named.map_or_else(|| app.to_owned(), |item| raw(item, "id").to_owned());
    let shown: Value = match control.get(&format!("/apps/{}", encoded(&id))).await {
        Ok(shown) => shown,
        Err(error) if error.is::<SaidNo>() => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = |field: &str| shown.get(field).and_then(Value::as_str).filter(|t| !t.is_empty());
    let (Some(key), Some(secret)) = (text("app_key"), text("app_secret")) else {
        return Ok(None);
    };
    Ok(Some(Proof { key: key.to_owned(), secret: Secret::new(secret) }))
}

fn show(answer: &Answer) {
    say(format!("HTTP {}", answer.status));
    for (name, value) in &answer.headers {
        if name.as_str().starts_with("x-tidegate-") || name == RETRY_AFTER {
            say(format!(
                "{}: {}",
                titled(name.as_str()),
                String::from_utf8_lossy(value.as_bytes())
            ));
        }
    }
    // Of a denial, the last line says all that is in the body.
    if answer.header(REASON).is_none() || said(answer).is_empty() {
        say("");
        say(String::from_utf8_lossy(&answer.body).trim_end());
    }
}

/// `x-tidegate-reason` as `X-Tidegate-Reason`.
fn titled(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// What a control side says of a path that it does not know: no gateway says it.
const NO_SUCH_CALL: &str = "no-such-call";

/// The header with the stable name of why a call was denied.
const REASON: &str = "x-tidegate-reason";

/// What the gateway says of a denial, in a sentence.
fn said(answer: &Answer) -> String {
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    cell(&told, "error_msg")
}

/// Why it was not answered well, in a line; the reason's name stands among the headers.
fn why(answer: &Answer) -> String {
    match (answer.header(REASON), said(answer)) {
        (Some(_), text) if !text.is_empty() => format!("denied: {text}"),
        (Some(reason), _) => format!("denied: {reason}"),
        (None, _) => format!("the backend answered {}", answer.status),
    }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = || format!("`{text}` is no header; write 'Name: value'");
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name = name.trim().parse().map_err(|_| wrong())?;
    let value = value.trim().parse().map_err(|_| wrong())?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_written() {
        let (name, value) = header("Content-Type: a:b").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("content-type", "a:b"));
        assert!(header("no colon").is_err());
        assert!(header("a b: c").is_err());
        assert_eq!(titled("x-tidegate-grant-end"), "X-Tidegate-Grant-End");
    }
}
