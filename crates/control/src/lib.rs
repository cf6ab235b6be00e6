//! The use cases of the control side.
//!
//! Every writer goes through [`Control::execute`]: one command, one transaction. It takes the
//! writing turn, stamps the decision time, loads what the command is about, checks the caller's
//! rights, asks the domain, writes state, journal and outbox, commits, and rings the bell for the
//! gates. Every reader goes through a query of [`Control`], scoped by the same caller.
//!
//! The time is an argument: it is read once, at the edge.

mod access;
mod apis;
mod apps;
mod attempts;
mod bell;
mod caller;
mod clock;
mod command;
mod deliver;
mod difference;
mod duty;
mod error;
mod execute;
mod feed;
mod gateways;
mod grants;
mod history;
mod hosts;
mod identity;
mod ids;
mod keep;
pub mod limits;
mod proof;
mod publications;
mod quarantine;
mod queries;
mod quotas;
mod remind;
mod rules;
mod settle;
mod tokens;
mod turn;
mod vault;
mod verdicts;
mod world;

use std::sync::Arc;

use tidegate_domain::Timestamp;
use tidegate_store::Store;

pub use attempts::NoToken;
pub use bell::{Bell, Neighbours};
pub use caller::{Caller, Edition};
pub use clock::ClockGuard;
pub use command::{ApiAction, ApiDraft, Command, GrantAction, Outcome, Receipt};
pub use deliver::{Letter, Round, Tried};
pub use duty::{DUTY_MS, OnDuty};
pub use error::{Error, Result};
pub use feed::{Everything, GateChanges};
pub use gateways::{
    BOUNDS, Enforcement, ForgetError, GatewayFigure, GatewayFigures, GatewayHeard, GatewayShown,
    GatewayState, HearError, Impostor, Line, Waiter,
};
pub use hosts::{Unreached, unreached};
pub use identity::{Identity, Login, LoginError, Scope};
pub use proof::{CLOCK_LIMIT_MS, Clocks, Unproven};
pub use queries::{
    ApiActionOn, ApiShown, AppShown, ApplicationShown, Approver, BoundApi, Cause, GrantedApp,
    Inbox, InstanceChoice, InstanceFilter, InstanceShown, NoticeShown, PublicationShown,
    RightShown, ThrottleShown,
};
pub use quotas::Quotas;
pub use settle::Settled;
pub use tidegate_store::{
    ApiFilter, Damaged, DutyTask, MessageId, Page, Paging, Revision, StoreError, Waiting,
};
pub use tokens::Issued;
pub use vault::{Vault, VaultError};
pub use world::{
    Change, Fate, InstanceSpec, MemberSpec, ProjectSpec, UserSpec, WorkspaceSpec, World, WorldError,
};

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
    store: Arc<dyn Store>,
    vault: Vault,
    settings: Settings,
    bell: Bell,
    gateways: gateways::Registry,
    looks: gateways::Looks,
    history: history::History,
    logins: identity::Gatekeeper,
    attempts: attempts::Attempts,
    /// The name of this node among those on the store.
    node: String,
    /// What it must prove, if it is not alone.
    proof: Option<proof::Proof>,
    /// What its clock is held against, if it is no clock that may be moved.
    clock: Option<Arc<ClockGuard>>,
    quarantine: quarantine::Quarantine,
}

impl Control {
    /// The control side over a store, with the vault that can open its secrets.
    pub fn new(store: Arc<dyn Store>, vault: Vault, settings: Settings) -> Self {
        let logins = identity::Gatekeeper::new();
        let (bell, gateways) = (Bell::default(), gateways::Registry::new());
        let (node, attempts) = (String::new(), attempts::Attempts::default());
        let history = history::History::default();
        Self {
            store,
            vault,
            settings,
            bell,
            gateways,
            looks: gateways::Looks::new(),
            history,
            logins,
            attempts,
            node,
            proof: None,
            clock: None,
            quarantine: quarantine::Quarantine::default(),
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
            self.proof = Some(proof::Proof::new(clocks));
        }
        Ok(self)
    }

    /// Is this the only process on the store?
    pub fn is_alone(&self) -> bool {
        self.store.peers().is_none()
    }

    /// Ends the connections to the store, once nothing is decided any more.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// The bell that rings after every commit.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Carries out a command of a caller at `now`, or refuses it and changes nothing.
    pub async fn execute(
        &self,
        caller: &Caller,
        command: Command,
        now: Timestamp,
    ) -> Result<Receipt> {
        turn::whole(|| self.execute_once(caller, command.clone(), now)).await
    }

    async fn execute_once(
        &self,
        caller: &Caller,
        command: Command,
        now: Timestamp,
    ) -> Result<Receipt> {
        let actor = Some(caller.user.clone());
        let mut turn = turn::Turn::begin(self, actor, now).await?;
        let takes_away = command.takes_away();
        let outcome = execute::dispatch(&mut turn, caller, command).await?;
        let revision = self.commit_as(turn, takes_away).await?;
        Ok(Receipt { revision, outcome })
    }

    pub(crate) async fn commit(&self, turn: turn::Turn<'_>) -> Result<Revision> {
        self.commit_as(turn, false).await
    }

    async fn commit_as(&self, turn: turn::Turn<'_>, takes_away: bool) -> Result<Revision> {
        let (generation, point) = (turn.generation, turn.point());
        let revision = turn.commit().await?;
        self.history.saw(generation, point);
        self.gateways.committed(revision, takes_away);
        self.bell.ring(revision);
        Ok(revision)
    }
}
