//! What a gateway asks, and says of itself.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use tidegate_domain::Timestamp;
use tidegate_gateway::Poll;

use crate::format::{self, FormatError, Formats, NoCommonFormat};
use crate::limits::{FORMAT, MOST_WAIT, SAID_BYTES};
use crate::messages;

/// A gateway, as it names itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Its id; stays the same as long as its data folder does.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// Drawn anew whenever it starts.
    pub boot: String,
    /// The version of its program.
    pub version: String,
    /// How long it decides on when it hears nothing; 0 when it stops, and decides nothing from now on.
    pub lease: Duration,
}

/// What a gateway said of itself when it asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Who it is.
    pub me: Me,
    /// The history it follows; empty as long as it knows none.
    pub epoch: String,
    /// The revision it decides at; none when it knows nothing yet.
    pub enforced: Option<u64>,
    /// The stamp of that revision; empty if there is none.
    pub enforced_stamp: String,
    /// The revision after which it asks for changes, and its stamp.
    pub since: (u64, String),
    /// How far its own clock is ahead of that of the node that was asked; negative if it is behind.
    pub clock_ahead_ms: i64,
    /// The name in the certificate it showed; empty if it showed none.
    pub certificate: String,
}

/// A question of a gateway's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The formats the gateway reads.
    pub formats: Formats,
    /// Its number, which the answer has too.
    pub number: u64,
    /// What it asks.
    pub poll: Poll,
    /// Who it is.
    pub me: Me,
    /// Its own wall clock.
    pub wall: Timestamp,
}

impl Question {
    /// The question as bytes.
    pub fn write(&self) -> Bytes {
        let Self { formats, number, poll, me, wall } = self;
        let (lowest, highest) = (formats.lowest(), formats.highest());
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let message = messages::Poll {
            format: highest,
            number: *number,
            id: me.id.clone(),
            name: me.name.clone(),
            boot: me.boot.clone(),
            version: me.version.clone(),
            lease_ms: ms(me.lease),
            epoch: poll.epoch.clone(),
            enforced: poll.enforced,
            since: poll.since,
            wait_ms: ms(poll.wait),
            wall_ms: wall.as_ms(),
            stamp: poll.stamp.clone(),
            enforced_stamp: poll.enforced_stamp.clone(),
            lowest: if lowest == highest { 0 } else { lowest },
        };
        message.encode_to_vec().into()
    }

    /// The question in these bytes. Fails if it is not understood, or nothing that is written here would be.
    pub fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        let message: messages::Poll = format::message(bytes)?;
        let formats = formats(&message)?;
        if message.format <= FORMAT {
            format::whole(&message, bytes)?;
        }
        let texts = [
            &message.id,
            &message.name,
            &message.boot,
            &message.version,
            &message.epoch,
            &message.stamp,
            &message.enforced_stamp,
        ];
        if !texts.iter().all(|text| is_sayable(text)) {
            return Err(FormatError::BadValue("a text a gateway says of itself"));
        }
        if message.id.is_empty() || message.boot.is_empty() {
            return Err(FormatError::BadValue("the id of a gateway"));
        }
        let me = Me {
            id: message.id,
            name: message.name,
            boot: message.boot,
            version: message.version,
            lease: Duration::from_millis(message.lease_ms),
        };
        let poll = Poll {
            since: message.since,
            stamp: message.stamp,
            epoch: message.epoch,
            enforced: message.enforced,
            enforced_stamp: message.enforced_stamp,
            wait: Duration::from_millis(message.wait_ms).min(MOST_WAIT),
        };
        let wall = Timestamp::from_ms(message.wall_ms);
        Ok(Self { formats, number: message.number, poll, me, wall })
    }

    /// The format of the answer: the highest one the gateway reads and this version writes.
    #[must_use]
    pub fn answer_format(&self) -> u32 {
        self.formats.highest().min(FORMAT)
    }

    /// What the gateway said of itself, when it is `wall` here.
    #[must_use]
    pub fn heard(&self, wall: Timestamp) -> Heard {
        Heard {
            me: self.me.clone(),
            epoch: self.poll.epoch.clone(),
            enforced: self.poll.enforced,
            enforced_stamp: self.poll.enforced_stamp.clone(),
            since: (self.poll.since, self.poll.stamp.clone()),
            clock_ahead_ms: self.wall.as_ms().saturating_sub(wall.as_ms()),
            certificate: String::new(),
        }
    }
}

fn is_sayable(text: &str) -> bool {
    text.len() <= SAID_BYTES && !text.chars().any(char::is_control)
}

/// The formats that a question names, if one of them is known here.
fn formats(message: &messages::Poll) -> Result<Formats, FormatError> {
    let lowest = if message.lowest == 0 { message.format } else { message.lowest };
    let gateway = Formats::new(lowest, message.format);
    let gateway = gateway.ok_or(FormatError::BadValue("its formats"))?;
    if gateway.common(Formats::HERE).is_none() {
        let version = Some(&message.version).filter(|version| is_sayable(version));
        let version = version.cloned().unwrap_or_default();
        return Err(FormatError::NoCommonFormat(Box::new(NoCommonFormat { gateway, version })));
    }
    Ok(gateway)
}
