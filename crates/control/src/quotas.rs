//! How much a workspace or a user may have. Without a bound, one of them fills the store of all.

use tidegate_domain::Refusal;
use tidegate_domain::refusal::Counted;

/// The most of each kind, as an operator sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Apps of a workspace.
    pub apps: u32,
    /// APIs of a workspace.
    pub apis: u32,
    /// Throttling policies of a workspace.
    pub throttles: u32,
    /// Applications a user has filed that wait for a verdict.
    pub waiting_applications: u32,
    /// Tokens of a user that have not ended.
    pub tokens: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            apps: 2_000,
            apis: 2_000,
            throttles: 1_000,
            waiting_applications: 200,
            tokens: 1_000,
        }
    }
}

impl Quotas {
    /// How many there may be.
    pub fn of(&self, counted: Counted) -> u32 {
        match counted {
            Counted::Apps => self.apps,
            Counted::Apis => self.apis,
            Counted::WaitingApplications => self.waiting_applications,
            Counted::Tokens => self.tokens,
        }
    }

    /// Refuses one more where `count` are already there.
    pub(crate) fn must_have_room(&self, counted: Counted, count: u64) -> Result<(), Refusal> {
        let max = self.of(counted);
        if count < u64::from(max) { Ok(()) } else { Err(Refusal::QuotaReached { counted, max }) }
    }
}
