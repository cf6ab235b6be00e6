//! What can happen to a standing.

use crate::application::Application;
use crate::grant::Cut;
use crate::id::UserId;
use crate::notice::Notice;
use crate::time::Timestamp;

/// What happened to a standing. Applications and notices travel whole, so that a record of them can
/// be kept without looking anything up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A grant began.
    Granted {
        /// Its end.
        until: Timestamp,
        /// The reviewer.
        by: UserId,
    },
    /// The grant's end moved out.
    Extended {
        /// The new end.
        until: Timestamp,
        /// The reviewer.
        by: UserId,
    },
    /// The grant ends early: at once, or at an announced moment.
    Cut(Cut),
    /// The announced end was taken back.
    CutWithdrawn,
    /// An application was filed.
    Applied(Application),
    /// An application got its verdict.
    ApplicationClosed(Application),
    /// A notice was sent.
    NoticeSent(Notice),
    /// The app's side chose when the notice takes effect.
    NoticeScheduled(Notice),
    /// A notice ended.
    NoticeClosed(Notice),
    /// The app's side does without the API from this moment on.
    Paused {
        /// That moment.
        from: Timestamp,
    },
    /// The pause is over: the API stopped for all, answers again, or its stop was called off.
    PauseEnded,
}
