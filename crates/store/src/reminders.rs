//! What people are reminded of, and how far the reminding has got.
//!
//! Things of one kind are looked at in the order of their moments. A mark says how far: what is at or
//! before it is done. So a reminder is found once, by one look at an index, and nothing is kept per
//! reminder.

use tidegate_domain::{Application, Notice, Standing, Timestamp};

/// What has a moment worth a reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A grant's end.
    GrantEnds,
    /// The deadline of a notice that runs and that nobody has answered.
    NoticeDeadline,
    /// The filing of an application for an app that still waits.
    ApplicationFiled,
}

/// A place among the things of one kind: after the thing `key` at the moment `at`. An empty key is
/// before all that is at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The moment.
    pub at: Timestamp,
    /// The thing: its ids joined by `/`.
    pub key: String,
}

/// Something that has such a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remarkable {
    /// A standing with a grant.
    Standing(Box<Standing>),
    /// A notice.
    Notice(Notice),
    /// An application.
    Application(Application),
}

impl Mark {
    /// Before all that is at this moment.
    pub fn before(at: Timestamp) -> Self {
        Self { at, key: String::new() }
    }
}

impl Remarkable {
    /// The place of a thing, or none if it has no such moment.
    pub fn mark(&self) -> Option<Mark> {
        match self {
            Self::Standing(standing) => {
                let (key, grant) = (&standing.key, standing.grant.as_ref()?);
                let key = format!("{}/{}/{}", key.api, key.instance, key.app);
                Some(Mark { at: grant.until, key })
            }
            Self::Notice(notice) => Some(Mark { at: notice.deadline, key: notice.id.to_string() }),
            Self::Application(asked) => {
                Some(Mark { at: asked.opened_at, key: asked.id.to_string() })
            }
        }
    }
}
