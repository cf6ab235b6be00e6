//! How long the answer to a change waits: until it is durable, or until it is enforced.

use std::time::Duration;

use tidegate_control::{Enforcement, Receipt};
use tidegate_domain::Refusal;

/// Says what to wait for.
pub(crate) const WAIT: &str = "x-tidegate-wait";

/// Says how long at most.
pub(crate) const WAIT_SECONDS: &str = "x-tidegate-wait-seconds";

/// How long it is if that is not said.
const USUAL_SECONDS: u64 = 60;

/// How long it may be: the longest usual lease, and as much again.
pub const LONGEST_SECONDS: u64 = 600;

/// How long an answer waits for the gate of this process at most. The change is durable either way.
pub(crate) const OWN_GATEWAY: Duration = Duration::from_secs(1);

/// What a change waits for before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// That it is kept, and the gate of this process knows it.
    Durable,
    /// That no gateway lets anything in any more that it takes away, or that this time is over.
    Enforced(Duration),
}

impl Wait {
    /// What a call asks for by its headers `WAIT` and `WAIT_SECONDS`.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for any other value.
    pub fn parse(wait: Option<&str>, seconds: Option<&str>) -> Result<Self, Refusal> {
        let malformed = |what: String| Err(Refusal::Malformed { what });
        let seconds = match seconds {
            None => USUAL_SECONDS,
            Some(text) => match text.parse() {
                Ok(seconds @ 1..=LONGEST_SECONDS) => seconds,
                Ok(_) | Err(_) => {
                    return malformed(format!(
                        "the header {WAIT_SECONDS} is a number from 1 to {LONGEST_SECONDS}"
                    ));
                }
            },
        };
        match wait {
            None | Some("durable") => Ok(Self::Durable),
            Some("enforced") => Ok(Self::Enforced(Duration::from_secs(seconds))),
            Some(_) => malformed(format!("the header {WAIT} is `durable` or `enforced`")),
        }
    }
}

/// A change that was made, and who enforces it, if that was waited for.
pub(crate) struct Carried {
    pub receipt: Receipt,
    pub enforced: Option<Waited>,
}

/// What a wait for enforcement found.
pub(crate) struct Waited {
    /// Is it enforced?
    pub is_enforced: bool,
    /// The names of those that are awaited, as far as a header can hold them.
    pub awaited: String,
}

/// The most names in a header.
const NAMES: usize = 20;

impl Waited {
    /// What was found.
    pub fn of(enforcement: &Enforcement) -> Self {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ') { c } else { '_' }
        };
        let name = |name: &str| name.chars().map(plain).collect::<String>();
        let awaited = enforcement.awaited().map(|shown| name(&shown.gateway.name));
        let awaited: Vec<String> = awaited.take(NAMES).collect();
        Self { is_enforced: enforcement.is_enforced(), awaited: awaited.join(", ") }
    }

    /// It is not known: gateways could not be asked after.
    pub fn unknown() -> Self {
        Self { is_enforced: false, awaited: String::new() }
    }
}

impl std::ops::Deref for Carried {
    type Target = Receipt;

    fn deref(&self) -> &Receipt {
        &self.receipt
    }
}
