//! The commands that talk to the control side.

pub mod apis;
pub mod applications;
pub mod apps;
pub mod clock;
pub mod gateways;
pub mod grants;
pub mod notices;
mod register;
mod right;
pub mod rules;
mod subject;
pub mod throttles;
mod words;

use clap::Args;
use tidegate_domain::Timestamp;
use tidegate_domain::limits::NOTICE_MS;

use crate::control::Control;
use crate::login::Who;
use crate::out::Output;
use crate::when;

/// What all these commands take.
#[derive(Debug, Args)]
pub struct Common {
    #[command(flatten)]
    who: Who,

    /// How to print.
    #[arg(long, short, global = true, default_value = "table", value_name = "FORM")]
    output: Output,
}

impl Common {
    /// The control side, as the user that was named, or else as `usual` in dev.
    fn control(&self, usual: &str) -> anyhow::Result<Control> {
        Control::new(self.who.session(usual)?)
    }

    /// The name of who acts, where that is known: of a user of a development server.
    fn actor<'a>(&'a self, usual: &'a str) -> Option<&'a str> {
        self.who.access_key.is_none().then(|| self.who.as_user.as_deref().unwrap_or(usual))
    }
}

/// A moment, given as such or as a span from now.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct End {
    /// A moment, such as 2026-12-01T10:00Z.
    #[arg(long, value_name = "MOMENT", value_parser = when::moment)]
    until: Option<Timestamp>,

    /// A span from now, such as 30d or 49h.
    #[arg(long = "for", value_name = "SPAN", value_parser = when::span)]
    span: Option<i64>,
}

impl End {
    /// The moment; none if none was given.
    async fn moment(&self, control: &Control) -> anyhow::Result<Option<Timestamp>> {
        Ok(match (self.until, self.span) {
            (Some(moment), _) => Some(moment),
            (None, Some(seconds)) => {
                let now = control.now().await?;
                Some(now.plus_ms(seconds.saturating_mul(1_000)))
            }
            (None, None) => None,
        })
    }

    /// The moment of an end that is announced: without one, the earliest, in two days.
    async fn of_notice(&self, control: &Control) -> anyhow::Result<Timestamp> {
        if let Some(moment) = self.moment(control).await? {
            return Ok(moment);
        }
        let now = control.now().await?;
        Ok(now.plus_ms(NOTICE_MS + SLACK_MS))
    }
}

/// The request takes its time to arrive, and two days count from its decision.
const SLACK_MS: i64 = 2_000;
