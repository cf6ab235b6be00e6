//! One writer's turn: the transaction, the decision time, the journal and the outbox.

use std::fmt::Display;
use std::future::Future;
use std::ops::{Deref, DerefMut};

use serde_json::Value;
use tidegate_domain::{Timestamp, UserId};
use tidegate_store::{
    ClockMark, JournalEntry, Message, MessageId, Point, Revision, StoreError, Transaction, View,
};

use crate::access::{self, Seat};
use crate::caller::Caller;
use crate::clock::ClockGuard;
use crate::control::{Control, Settings};
use crate::duty::OnDuty;
use crate::error::{Error, Result, WorldError};
use crate::vault::Vault;

/// How often a turn is taken in all when the store undoes it in favour of another writer's.
const TRIES: u32 = 8;

/// An error that may say that the store undid the turn.
pub(crate) trait MayBeUndone {
    /// Does it?
    fn is_undone(&self) -> bool;
}

impl MayBeUndone for Error {
    fn is_undone(&self) -> bool {
        matches!(self, Self::Store(StoreError::Conflict))
    }
}

impl MayBeUndone for WorldError {
    fn is_undone(&self) -> bool {
        match self {
            Self::Wrong(_) => false,
            // As the same turn would be: what was compared is compared anew.
            Self::Overtaken => true,
            Self::Broken(error) => error.is_undone(),
        }
    }
}

/// Takes a whole turn, from its beginning to its commit, and again if the store undid it. Nothing of
/// a turn that was undone is left, so the next one decides anew, over what it finds then.
pub(crate) async fn whole<T, E: MayBeUndone, Taken>(turn: impl Fn() -> Taken) -> Result<T, E>
where
    Taken: Future<Output = Result<T, E>>,
{
    let mut tries = 1;
    loop {
        match turn().await {
            Err(error) if error.is_undone() && tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

/// One writer's turn. Dropped without [`Turn::commit`], it leaves nothing.
pub(crate) struct Turn<'a> {
    transaction: Box<dyn Transaction>,
    /// The history it belongs to, by this node's count.
    pub generation: u64,
    epoch: String,
    /// The decision time: never before the last decision's, whatever the clock says.
    pub now: Timestamp,
    /// Who acts; none when time does.
    pub actor: Option<UserId>,
    pub vault: &'a Vault,
    pub settings: Settings,
    clock: Option<&'a ClockGuard>,
}

impl<'a> Turn<'a> {
    pub async fn begin(
        control: &'a Control,
        actor: Option<UserId>,
        now: Timestamp,
    ) -> Result<Turn<'a>> {
        control.proven()?;
        let (mut transaction, generation) = control.transaction().await?;
        let head = transaction.head().await?;
        let mark = match &control.clock {
            Some(clock) => {
                clock.learn(&head);
                clock.check()?;
                clock.mark()
            }
            None => ClockMark::Unknown,
        };
        let (epoch, now) = (head.epoch, now.max(head.decided_at));
        transaction.set_decided_at(now, &mark).await?;
        let (vault, settings, clock) = (&control.vault, control.settings, control.clock.as_deref());
        Ok(Self { transaction, generation, epoch, now, actor, vault, settings, clock })
    }

    /// A turn that only commits while the duty is this node's.
    pub async fn begin_on_duty(
        control: &'a Control,
        on_duty: &OnDuty,
        now: Timestamp,
    ) -> Result<Turn<'a>> {
        let mut turn = Self::begin(control, None, now).await?;
        if let Some(duty) = &on_duty.0 {
            turn.transaction.under_duty(duty).await?;
        }
        Ok(turn)
    }

    /// The point of the history that this turn's commit makes.
    pub fn point(&self) -> Point {
        Point {
            epoch: self.epoch.clone(),
            revision: self.transaction.revision(),
            stamp: self.transaction.stamp().to_owned(),
        }
    }

    pub async fn commit(self) -> Result<Revision> {
        let revision = self.transaction.commit().await?;
        if let Some(clock) = self.clock {
            clock.decided(self.now);
        }
        Ok(revision)
    }

    /// The reading side of the transaction.
    pub fn view(&mut self) -> &mut dyn View {
        &mut *self.transaction
    }

    /// The caller's place in the workspace he names.
    pub async fn seat(&mut self, caller: &Caller) -> Result<Seat> {
        let settings = self.settings;
        access::seat(self.view(), caller, settings).await
    }

    /// Writes a line of the journal.
    pub async fn record(
        &mut self,
        what: &str,
        subject: impl Display + Send,
        details: Value,
    ) -> Result<()> {
        let entry = JournalEntry {
            revision: self.transaction.revision(),
            at: self.now,
            actor: self.actor.clone(),
            what: what.to_owned(),
            subject: subject.to_string(),
            details: details.to_string(),
        };
        Ok(self.transaction.journal_write(&entry).await?)
    }

    /// Leaves a message for somebody, unless it would tell him what he did himself.
    pub async fn tell(
        &mut self,
        recipient: &UserId,
        what: &str,
        subject: impl Display + Send,
        details: Value,
    ) -> Result<()> {
        if self.actor.as_ref() == Some(recipient) {
            return Ok(());
        }
        let message = Message {
            id: MessageId::default(),
            name: String::new(),
            tries: 0,
            at: self.now,
            recipient: recipient.clone(),
            what: what.to_owned(),
            subject: subject.to_string(),
            details: details.to_string(),
        };
        Ok(self.transaction.outbox_write(&message).await?)
    }
}

impl Control {
    pub(crate) async fn commit(&self, turn: Turn<'_>) -> Result<Revision> {
        self.commit_as(turn, false).await
    }

    pub(crate) async fn commit_as(&self, turn: Turn<'_>, takes_away: bool) -> Result<Revision> {
        let (generation, point) = (turn.generation, turn.point());
        let revision = turn.commit().await?;
        self.history.saw(generation, point);
        self.gateways.committed(revision, takes_away);
        self.bell.ring(revision);
        Ok(revision)
    }
}

impl Deref for Turn<'_> {
    type Target = dyn Transaction;

    fn deref(&self) -> &Self::Target {
        &*self.transaction
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut *self.transaction
    }
}
