//! The head, the journal and the outbox.

use tidegate_domain::Timestamp;

use super::super::access::Stored;
use super::super::cells::{Cells, id, maybe_id};
use super::super::pool::SqlTransaction;
use super::super::tables::{head, journal, outbox, reminders};
use super::stored_alone;
use crate::{BootTime, ClockMark, Head, JournalEntry, Mark, Message, MessageId, Result, Revision};

stored_alone!(JournalEntry = journal, Message = outbox);

impl Revision {
    /// As a column keeps it. Counting to the end of that column takes longer than the sun lasts.
    pub(in crate::sql) fn column(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

/// What a clock is marked with that an operator trusts.
const TRUSTED: &str = "trusted";

impl ClockMark {
    /// As a column keeps it.
    pub(in crate::sql) fn column(&self) -> String {
        match self {
            Self::Unknown => String::new(),
            Self::Trusted => TRUSTED.to_owned(),
            Self::At(BootTime { boot, ms }) => format!("{boot} {ms}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text {
            "" => Some(Self::Unknown),
            TRUSTED => Some(Self::Trusted),
            at => {
                let (boot, ms) = at.split_once(' ')?;
                Some(Self::At(BootTime { boot: boot.to_owned(), ms: ms.parse().ok()? }))
            }
        }
    }
}

impl head::Model {
    pub fn read(self) -> Result<Head> {
        let cells = Cells::of(head::Entity, &["1"]);
        Ok(Head {
            epoch: self.epoch,
            revision: Revision(cells.number("revision", self.revision)?),
            stamp: self.stamp,
            decided_at: Timestamp::from_ms(self.decided_at),
            clock: ClockMark::read(&self.clock).ok_or_else(|| cells.bad("clock"))?,
        })
    }
}

impl journal::Model {
    pub fn of(entry: &JournalEntry, revision: Revision, ordinal: i64) -> Self {
        Self {
            revision: revision.column(),
            ordinal,
            written_at: entry.at.as_ms(),
            actor: maybe_id(entry.actor.as_ref()),
            what: entry.what.clone(),
            subject: entry.subject.clone(),
            details: entry.details.clone(),
        }
    }

    fn read(self) -> Result<JournalEntry> {
        let key = [self.revision.to_string(), self.ordinal.to_string()];
        let cells = Cells::of(journal::Entity, &[&key[0], &key[1]]);
        Ok(JournalEntry {
            revision: Revision(cells.number("revision", self.revision)?),
            at: Timestamp::from_ms(self.written_at),
            actor: cells.maybe("actor", self.actor.as_deref())?,
            what: self.what,
            subject: self.subject,
            details: self.details,
        })
    }
}

impl outbox::Model {
    pub fn of(message: &Message, revision: Revision, stamp: &str, ordinal: i64) -> Self {
        Self {
            name: format!("{stamp}-{ordinal}"),
            revision: revision.column(),
            ordinal,
            written_at: message.at.as_ms(),
            recipient: id(&message.recipient),
            what: message.what.clone(),
            subject: message.subject.clone(),
            details: message.details.clone(),
            tries: 0,
            next_try_at: 0,
        }
    }

    fn read(self) -> Result<Message> {
        let key = [self.revision.to_string(), self.ordinal.to_string()];
        let cells = Cells::of(outbox::Entity, &[&key[0], &key[1]]);
        Ok(Message {
            id: MessageId {
                revision: Revision(cells.number("revision", self.revision)?),
                ordinal: cells.number("ordinal", self.ordinal)?,
            },
            name: self.name,
            tries: cells.number("tries", self.tries)?,
            at: Timestamp::from_ms(self.written_at),
            recipient: cells.text("recipient", &self.recipient)?,
            what: self.what,
            subject: self.subject,
            details: self.details,
        })
    }
}

impl MessageId {
    /// As the columns keep it.
    pub(in crate::sql) fn columns(self) -> (i64, i64) {
        (self.revision.column(), i64::try_from(self.ordinal).unwrap_or(i64::MAX))
    }
}

impl reminders::Model {
    pub fn of(name: &str, mark: &Mark) -> Self {
        Self { name: name.to_owned(), mark_at: mark.at.as_ms(), mark_key: mark.key.clone() }
    }

    pub fn read(self) -> Mark {
        Mark { at: Timestamp::from_ms(self.mark_at), key: self.mark_key }
    }
}
