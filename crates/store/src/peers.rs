//! What the nodes on one store need of each other, where a store lets several processes in.

use async_trait::async_trait;
use tidegate_domain::Timestamp;

use crate::error::Result;
use crate::records::Revision;

/// The means of the nodes on one store. None of them takes a revision.
#[async_trait]
pub trait Peers: Send + Sync {
    /// Can [`Peers::ring`] be heard here? Where it cannot, nodes look by a timer alone.
    fn hear(&self) -> bool;

    /// Tells the other nodes that this revision is committed. Nothing is lost if it is.
    async fn ring(&self, revision: Revision) -> Result<()>;

    /// Begins to listen to the others.
    async fn listen(&self) -> Result<Box<dyn Ears>>;

    /// Writes that `node` lives, as durably as a decision, and tells the store's own time. Only a
    /// store that still takes commits answers.
    async fn beat(&self, node: &str) -> Result<Timestamp>;

    /// Takes or keeps the duty for so many milliseconds of the store's own time; none while it is
    /// another's.
    async fn take_duty(&self, task: DutyTask, node: &str, for_ms: i64) -> Result<Option<Duty>>;

    /// Gives the duty back, if it is still this one.
    async fn leave_duty(&self, duty: &Duty) -> Result<()>;
}

/// Listens to the other nodes.
#[async_trait]
pub trait Ears: Send {
    /// The next revision another node rings. After an error, or none, something may have been missed:
    /// listen anew, and look.
    async fn hear(&mut self) -> Result<Option<Revision>>;
}

/// What is done by one node at a time. Each task has a duty of its own, for not every node can do both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DutyTask {
    /// Recording what time has brought about.
    Schedule,
    /// Delivering messages.
    Deliver,
}

/// The duty: the right to do once what must not be done by every node. Whoever takes it over raises
/// its number, so that what its holder of before still tries comes to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// What it is for.
    pub task: DutyTask,
    /// Whose it is.
    pub node: String,
    /// How often it has changed hands.
    pub number: i64,
}
