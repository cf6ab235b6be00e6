//! Questions that get no answer: why, how often, and what is logged of them.
//!
//! Anybody who reaches the port can ask. So refusals are counted by their reason, and no more than a few a second
//! leave a line in the log.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;
use tidegate_domain::Timestamp;
use tidegate_gateway::{Rate, SourceError};
use tidegate_seal::SealError;

use crate::format::FormatError;
use crate::limits::REFUSAL_LINES;

/// The answer to a gateway that reads no format which is written here.
pub(crate) const NO_COMMON_FORMAT: StatusCode = StatusCode::NOT_ACCEPTABLE;

/// Why a question gets no answer. Its text is for the gateway, and names nothing inside.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the feed is asked by POST at /feed, over HTTP/2")]
    NotFound,
    #[error("this connection is old: make a new one")]
    OldConnection,
    #[error("the question did not arrive whole")]
    Unread,
    #[error("the question is refused: {0}")]
    Format(#[from] FormatError),
    #[error(
        "the question carries no proof of the feed's token: set feed_token_file \
         (TIDEGATE_FEED_TOKEN_FILE) on the gateway to a copy of feed.token, which is in the data folder of \
         the control side"
    )]
    NoProof,
    #[error(
        "the proof of the question does not fit the feed's token: all control nodes and gateways need the \
         same feed.token"
    )]
    OtherToken,
    #[error("the answer cannot be sealed")]
    Unsealed(#[from] SealError),
    #[error("too many gateways ask at a time")]
    Busy,
    #[error("{0}")]
    Impostor(String),
    #[error("this node cannot answer now")]
    Source(#[from] SourceError),
    #[error("this node cannot prove that it is current")]
    Unproven,
}

/// The names of reasons in metrics, in the order of [`Refused::number`].
const REASONS: [&str; 11] = [
    "no-question",
    "old-connection",
    "unread",
    "malformed",
    "no-proof",
    "other-token",
    "busy",
    "impostor",
    "unavailable",
    "unproven",
    "no-common-format",
];

impl Refused {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::OldConnection => StatusCode::MISDIRECTED_REQUEST,
            Self::Format(FormatError::NoCommonFormat(_)) => NO_COMMON_FORMAT,
            Self::Unread | Self::Format(_) => StatusCode::BAD_REQUEST,
            Self::NoProof | Self::OtherToken => StatusCode::UNAUTHORIZED,
            Self::Impostor(_) => StatusCode::CONFLICT,
            Self::Busy | Self::Source(_) | Self::Unproven | Self::Unsealed(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    const fn number(&self) -> usize {
        match self {
            Self::NotFound => 0,
            Self::OldConnection => 1,
            Self::Unread => 2,
            Self::Format(FormatError::NoCommonFormat(_)) => 10,
            Self::Format(_) => 3,
            Self::NoProof => 4,
            Self::OtherToken => 5,
            Self::Busy => 6,
            Self::Impostor(_) => 7,
            Self::Source(_) | Self::Unsealed(_) => 8,
            Self::Unproven => 9,
        }
    }
}

/// The questions that got no answer, counted by reason.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: [AtomicU64; REASONS.len()],
    lines: Rate,
}

impl Refusals {
    /// Each reason by its name, with how many questions were refused for it.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        REASONS.into_iter().zip(counts)
    }

    /// Counts a question that is refused at `now`. Returns whether it leaves a line in the log.
    fn count(&self, refused: &Refused, now: Timestamp) -> bool {
        if let Some(count) = self.counts.get(refused.number()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.lines.has_room(REFUSAL_LINES, now)
    }

    /// Counts a question that is refused at `now`, and logs it if few were in this second.
    pub(crate) fn note(&self, refused: &Refused, now: Timestamp) {
        if !self.count(refused, now) {
            return;
        }
        if let Refused::Source(error) = refused {
            tracing::error!(%error, "a gateway cannot be answered");
        } else {
            tracing::warn!(%refused, "a gateway is not answered");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_and_a_count_of_its_own() {
        let refusals = Refusals::default();
        let all = [
            Refused::NotFound,
            Refused::OldConnection,
            Refused::Unread,
            Refused::Format(FormatError::Damaged),
            Refused::NoProof,
            Refused::OtherToken,
            Refused::Busy,
            Refused::Impostor(String::new()),
            Refused::Source(SourceError(String::new())),
            Refused::Unproven,
        ];
        for (times, refused) in all.iter().enumerate() {
            for _ in 0..times {
                refusals.count(refused, Timestamp::from_ms(0));
            }
        }
        let counts: Vec<u64> = refusals.counts().map(|(_, count)| count).collect();
        assert_eq!(counts, (0..11).map(|n| n % 10).collect::<Vec<u64>>());
    }

    #[test]
    fn a_flood_is_counted_whole_and_leaves_a_few_lines_a_second() {
        let refusals = Refusals::default();
        let lines = |ms| {
            let now = Timestamp::from_ms(ms);
            (0..1_000).filter(|_| refusals.count(&Refused::NoProof, now)).count()
        };
        assert_eq!([lines(0), lines(999), lines(1_000)], [10, 0, 10]);
        assert!(refusals.counts().any(|counted| counted == ("no-proof", 3_000)));
    }
}
