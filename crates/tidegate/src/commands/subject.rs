//! What a command about a grant is about.

use clap::Args;

use crate::exit::misused;

#[derive(Debug, Args)]
pub struct On {
    /// The API, by name or id.
    #[arg(long, value_name = "API")]
    pub api: String,
    /// The app, by name or id; for `authorize` it may be given several times.
    #[arg(long, value_name = "APP", required = true)]
    pub app: Vec<String>,
    /// The instance, by name or id; not needed where there is only one.
    #[arg(long, value_name = "INSTANCE")]
    pub instance: Option<String>,
}

impl On {
    /// The app, where only one can be meant.
    pub fn one_app(&self) -> anyhow::Result<&str> {
        let [app] = self.app.as_slice() else { misused!("name one app") };
        Ok(app)
    }
}

/// A relationship in a word.
pub fn state(relationship: &str) -> &str {
    match relationship {
        "LINK_WAITING_CHECK" => "applied",
        "LINKED" => "granted",
        "OFFLINE_WAITING_CHECK" => "ending",
        "RENEW_WAITING_CHECK" => "renewing",
        "NONE" => "none",
        other => other,
    }
}
