//! `tidegate apis register`: the definition of an API from a few words, or from a file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use http::Uri;
use serde_json::{Value, json};
use tidegate_gateway::system_words;

use crate::control::Control;
use crate::exit::{Misused, misused};
use crate::out::{cell, say};

/// What to register.
#[derive(Debug, Args)]
pub struct Register {
    /// Its name.
    #[arg(required_unless_present = "file")]
    name: Option<String>,

    /// Where its calls go, such as http://10.0.0.7:8080/v1/orders/{id}. A `{name}` is filled in from the path.
    #[arg(long, value_name = "URL", required_unless_present = "file")]
    backend: Option<String>,

    /// The path it is called at, such as /orders/{id}; without one, that of the backend.
    #[arg(long)]
    path: Option<String>,

    /// The method it is called with, and the backend too.
    #[arg(long, value_enum, default_value_t = Verb::Get)]
    method: Verb,

    /// What its callers prove.
    #[arg(long, value_enum, default_value_t = Proof::App)]
    auth: Proof,

    /// Its reviewer, who grants access to it; without one, who acts in dev.
    #[arg(long, value_name = "USER")]
    reviewer: Option<String>,

    /// What it offers.
    #[arg(long, default_value = "")]
    description: String,

    /// The whole definition in place of all that, as JSON of the protocol's call CreateApi.
    #[arg(
        short,
        long,
        value_name = "FILE",
        conflicts_with_all = ["name", "backend", "path", "method", "auth", "reviewer", "description"]
    )]
    file: Option<PathBuf>,
}

/// A method of an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verb {
    Get,
    Post,
}

/// What callers prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Proof {
    /// A signature with an app's key and secret.
    App,
    /// An IAM token.
    Iam,
    /// Nothing.
    None,
}

impl Register {
    /// Registers it. `actor` is who acts, as far as that is known.
    pub async fn run(&self, control: &Control, actor: Option<&str>) -> anyhow::Result<()> {
        let definition = self.definition(actor)?;
        let answer = control.post("/apis", &definition).await?;
        say(format!("registered {}, id {}", cell(&definition, "name"), cell(&answer, "id")));
        Ok(())
    }

    fn definition(&self, actor: Option<&str>) -> anyhow::Result<Value> {
        if let Some(file) = &self.file {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Misused(format!("{} cannot be read: {}", file.display(), system_words(&error)))
            })?;
            let read = serde_json::from_str(&text);
            return Ok(read
                .map_err(|error| Misused(format!("{} holds no JSON: {error}", file.display())))?);
        }
        let Some(reviewer) = self.reviewer.as_deref().or(actor) else {
            misused!("name the API's reviewer: --reviewer USER");
        };
        let text = self.backend.as_deref().unwrap_or_default();
        let Some((protocol, host, backend_path)) = backend(text) else {
            misused!("--backend {text} is no address such as http://10.0.0.7:8080/v1/orders");
        };
        let path = self.path.as_deref().unwrap_or(backend_path);
        let is_given = |name: &&str| placeholders(path).any(|given| given == *name);
        if let Some(name) = placeholders(backend_path).find(|name| !is_given(name)) {
            misused!("the backend's path has {{{name}}}, which is not in the path {path}");
        }
        let verb = match self.method {
            Verb::Get => "REQUEST_TYPE_GET",
            Verb::Post => "REQUEST_TYPE_POST",
        };
        let auth = match self.auth {
            Proof::App => "APP",
            Proof::Iam => "IAM",
            Proof::None => "NONE",
        };
        let in_path = "REQUEST_PARAMETER_POSITION_PATH";
        let paras = placeholders(path).map(|name| {
            json!({
                "name": name, "position": in_path, "type": "REQUEST_PARAMETER_TYPE_STRING",
                "necessary": true,
            })
        });
        let mapped = placeholders(backend_path)
            .map(|name| json!({ "name": name, "position": in_path, "backend_para_name": name }));
        Ok(json!({
            "name": self.name, "description": self.description, "manager": reviewer,
            "api_type": "API_SPECIFIC_TYPE_REGISTER", "auth_type": auth,
            "protocol": "PROTOCOL_TYPE_HTTP", "request_type": verb, "path": path,
            "request_paras": paras.collect::<Vec<_>>(),
            "backend_config": {
                "type": verb, "protocol": protocol, "host": host, "path": backend_path,
                "timeout": 60_000, "backend_paras": mapped.collect::<Vec<_>>(),
            },
        }))
    }
}

/// The protocol, the host and the path in the address of a backend.
fn backend(text: &str) -> Option<(&'static str, &str, &str)> {
    let (protocol, rest) = match text.split_once("://")? {
        ("http", rest) => ("PROTOCOL_TYPE_HTTP", rest),
        ("https", rest) => ("PROTOCOL_TYPE_HTTPS", rest),
        _ => return None,
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_host = host.parse::<http::uri::Authority>().is_ok() && !host.contains('@');
    // What braces hold is no part of an address.
    let plain = path.replace(['{', '}'], "");
    let is_path = path.is_empty() || plain.parse::<Uri>().is_ok() && !plain.contains(['?', '#']);
    (is_host && is_path).then_some((protocol, host, if path.is_empty() { "/" } else { path }))
}

/// The names in braces in a path.
fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_backend_is_taken_apart() {
        for (text, parts) in [
            ("http://h:8080/a/{id}", Some(("PROTOCOL_TYPE_HTTP", "h:8080", "/a/{id}"))),
            ("https://h", Some(("PROTOCOL_TYPE_HTTPS", "h", "/"))),
            ("http://[::1]:80/", Some(("PROTOCOL_TYPE_HTTP", "[::1]:80", "/"))),
            ("ftp://h/", None),
            ("h:8080/a", None),
            ("http:///a", None),
            ("http://u:p@h/a", None),
            ("http://h/a?b=1", None),
            ("http://h/a b", None),
            ("", None),
        ] {
            assert_eq!(backend(text), parts, "{text}");
        }
        assert_eq!(placeholders("/a/{id}/b{c}/{d}").collect::<Vec<_>>(), ["id", "d"]);
    }
}
