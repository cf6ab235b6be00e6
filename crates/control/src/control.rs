//! What the use cases work with: the store, the vault, and what this node remembers.

use std::sync::Arc;

use tidegate_store::{Damaged, Store};

use crate::attempts::Attempts;
use crate::bell::Bell;
use crate::clock::ClockGuard;
use crate::error::{Result, VaultError};
use crate::gateways::{Looks, Registry};
use crate::history::History;
use crate::identity::Gatekeeper;
use crate::ids;
use crate::proof::{Clocks, Proof};
use crate::quarantine::Quarantine;
use crate::quotas::Quotas;
use crate::vault::Vault;

/// Choices an installation may make.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Is an admin of a workspace on its list of reviewers without being put there?
    pub admin_is_reviewer: bool,
    /// Are secrets shown in lists of apps, as the vendor does?
    pub secrets_in_lists: bool,
    /// How much a workspace or a user may have.
    pub quotas: Quotas,
}

/// The control side of one installation.
pub struct Control {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Vault,
    pub(crate) settings: Settings,
    pub(crate) bell: Bell,
    pub(crate) gateways: Registry,
    pub(crate) looks: Looks,
    pub(crate) history: History,
    pub(crate) logins: Gatekeeper,
    pub(crate) attempts: Attempts,
    /// The name of this node among those on the store.
    pub(crate) node: String,
    /// What it must prove, if it is not alone.
    pub(crate) proof: Option<Proof>,
    /// What its clock is held against, if it is no clock that may be moved.
    pub(crate) clock: Option<Arc<ClockGuard>>,
    pub(crate) quarantine: Quarantine,
}

impl Control {
    /// The control side over a store, with the vault that can open its secrets.
    pub fn new(store: Arc<dyn Store>, vault: Vault, settings: Settings) -> Self {
        let logins = Gatekeeper::new();
        let (bell, gateways) = (Bell::default(), Registry::new());
        let (node, attempts) = (String::new(), Attempts::default());
        let history = History::default();
        Self {
            store,
            vault,
            settings,
            bell,
            gateways,
            looks: Looks::new(),
            history,
            logins,
            attempts,
            node,
            proof: None,
            clock: None,
            quarantine: Quarantine::default(),
        }
    }

    /// The same, deciding only while its clock is plausible. The store is looked at by [`Control::beat`].
    pub fn guarded_by(mut self, clock: Arc<ClockGuard>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The same as one node of several, if the store lets several in: it then decides only while its
    /// clock agrees with the store's, as [`Control::beat`] finds out.
    pub fn among_peers(mut self, clocks: Clocks) -> Result<Self, VaultError> {
        if self.store.peers().is_some() {
            self.node = ids::hex32()?;
            self.proof = Some(Proof::new(clocks));
        }
        Ok(self)
    }

    /// Is this the only process on the store?
    pub fn is_alone(&self) -> bool {
        self.store.peers().is_none()
    }

    /// Whether the feed's token is the one that the nodes on this store have. The first node to ask leaves what the
    /// token is recognised by from then on.
    pub async fn recognises_feed(&self, check: &[u8]) -> Result<bool> {
        Ok(self.store.keep_feed_check(check).await? == check)
    }

    /// Whether a node has left what the feed's token is recognised by.
    pub async fn knows_feed(&self) -> Result<bool> {
        Ok(self.store.view().await?.feed_check().await?.is_some())
    }

    /// Ends the connections to the store, once nothing is decided any more.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// The bell that rings after every commit.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// The records that are quarantined, as far as this node has read them.
    pub fn quarantined(&self) -> Vec<Damaged> {
        self.quarantine.records()
    }
}
