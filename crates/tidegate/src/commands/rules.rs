//! `tidegate apis rules`: how the gateway treats an API's calls.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::control::{Control, encoded};
use crate::out::Output;

/// Which rules to change. What is not named stays as it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidegate apis rules weather                          show them
  tidegate apis rules weather --throttle slow
  tidegate apis rules weather --no-throttle
  tidegate apis rules weather --nonce on               its callers must sign X-Sdk-Nonce, too
  tidegate apis rules weather --total-timeout 5000 --retries 2

While the API is published, only its reviewer changes its backends, its nonce, upgrades, odd paths,
signed hosts and forwarded credentials.")]
pub struct Rules {
    /// The API, by name or id.
    api: String,
    #[command(flatten)]
    throttle: Bind,
    /// Must a signed call carry a nonce of its own?
    #[arg(long)]
    nonce: Option<Switch>,
    /// Are `%2F`, `%5C` and `;` let in within values of the path?
    #[arg(long)]
    odd_paths: Option<Switch>,
    /// May a call become a WebSocket?
    #[arg(long)]
    upgrade: Option<Switch>,
    /// How often a safe call that got no answer is tried again; at most 3.
    #[arg(long, value_name = "TIMES")]
    retries: Option<u8>,
    /// Is the backend spoken to over HTTP/2 without asking it first?
    #[arg(long)]
    http2: Option<Switch>,
    /// How long a connection to the backend may take; 0 for the gateway's own limit.
    #[arg(long, value_name = "MS")]
    connect_timeout: Option<u32>,
    /// How long the backend's answer may stand still; 0 for the gateway's own limit.
    #[arg(long, value_name = "MS")]
    read_timeout: Option<u32>,
    /// How long a whole call may take; 0 for no limit.
    #[arg(long, value_name = "MS")]
    total_timeout: Option<u32>,
    /// Must a signature cover the header `Host`?
    #[arg(long)]
    require_signed_host: Option<Switch>,
    /// Does the backend get the caller's token or signature?
    #[arg(long)]
    forward_credentials: Option<Switch>,
    /// All further backends; may be repeated. An empty one: there are none.
    #[arg(long = "backend", value_name = "HOST:PORT")]
    backends: Vec<String>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Bind {
    /// The throttling policy that limits its calls.
    #[arg(long, value_name = "NAME")]
    throttle: Option<String>,
    /// Nothing limits its calls.
    #[arg(long)]
    no_throttle: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Rules {
    /// Changes what is named, and shows all.
    pub async fn run(&self, control: &Control, output: Output) -> anyhow::Result<()> {
        let path = format!("/apis/{}/rules", encoded(&control.api(&self.api).await?));
        let mut rules = control.get(&path).await?;
        let changes = self.changes();
        if let (Some(rules), false) = (rules.as_object_mut(), changes.is_empty()) {
            rules.extend(changes);
            control.put(&path, &json!(rules)).await?;
        }
        output.print(&rules, table);
        Ok(())
    }

    fn changes(&self) -> Map<String, Value> {
        let mut changes = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                changes.insert(name.to_owned(), value);
            }
        };
        let Bind { throttle, no_throttle } = &self.throttle;
        set("throttle", throttle.as_ref().map(|name| json!(name)));
        set("throttle", no_throttle.then_some(Value::Null));
        for (name, switch) in [
            ("nonce", self.nonce),
            ("odd_paths", self.odd_paths),
            ("upgrade", self.upgrade),
            ("http2", self.http2),
            ("require_signed_host", self.require_signed_host),
            ("forward_credentials", self.forward_credentials),
        ] {
            set(name, switch.map(|switch| json!(switch == Switch::On)));
        }
        set("retries", self.retries.map(|times| json!(times)));
        for (name, ms) in [
            ("connect_timeout_ms", self.connect_timeout),
            ("read_timeout_ms", self.read_timeout),
            ("total_timeout_ms", self.total_timeout),
        ] {
            set(name, ms.map(|ms| if ms == 0 { Value::Null } else { json!(ms) }));
        }
        if !self.backends.is_empty() {
            let named: Vec<_> =
                self.backends.iter().filter(|backend| !backend.is_empty()).collect();
            set("more_backends", Some(json!(named)));
        }
        changes
    }
}

fn table(rules: &Value) -> String {
    let Some(rules) = rules.as_object() else { return String::new() };
    let shown = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => {
            let items = items.iter().filter_map(Value::as_str);
            items.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    let lines = rules.iter().map(|(name, value)| {
        let name = name.replace('_', " ");
        format!("{name:<19} {}", shown(value))
    });
    lines.collect::<Vec<_>>().join("\n")
}
