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
mod app_shown;
mod apps;
mod attempts;
mod bell;
mod caller;
mod clock;
mod command;
mod control;
mod default_project;
mod deliver;
mod difference;
mod duty;
mod enforcement;
mod error;
mod execute;
mod feed;
mod gateways;
mod grants;
mod heartbeat;
mod history;
mod hosts;
mod identity;
mod ids;
mod keep;
pub mod limits;
mod login;
mod neighbours;
mod proof;
mod publication_record;
mod publications;
mod quarantine;
mod queries;
mod quotas;
mod recognise;
mod remind;
mod reports;
mod rules;
mod settle;
mod tokens;
mod turn;
mod vault;
mod verdicts;
mod world;

pub use app_shown::AppShown;
pub use attempts::NoToken;
pub use bell::Bell;
pub use caller::{Caller, Edition};
pub use clock::ClockGuard;
pub use command::{ApiAction, ApiDraft, Command, GrantAction, Outcome, Receipt};
pub use control::{Control, Settings};
pub use deliver::{Letter, Round, Tried};
pub use duty::{DUTY_MS, OnDuty};
pub use error::{Error, Result, Unproven, VaultError, WorldError};
pub use feed::{Everything, GateChanges};
pub use gateways::{
    BOUNDS, Enforcement, GatewayFigure, GatewayFigures, GatewayHeard, GatewayShown, GatewayState,
    HearError, Impostor, Line, Waiter,
};
pub use hosts::{Unreached, unreached};
pub use identity::{Identity, Login, LoginError, Scope};
pub use neighbours::Neighbours;
pub use proof::{CLOCK_LIMIT_MS, Clocks};
pub use queries::{
    ApiActionOn, ApiShown, ApplicationShown, Approver, BoundApi, Cause, GrantedApp, Inbox,
    InstanceChoice, InstanceFilter, InstanceShown, NoticeShown, PublicationShown, RightShown,
    ThrottleShown,
};
pub use quotas::Quotas;
pub use reports::ForgetError;
pub use settle::Settled;
pub use tidegate_store::{
    ApiFilter, Damaged, DutyTask, MessageId, Page, Paging, Revision, StoreError, Waiting,
};
pub use tokens::Issued;
pub use vault::Vault;
pub use world::{
    Change, Fate, InstanceSpec, MemberSpec, ProjectSpec, UserSpec, WorkspaceSpec, World,
};
