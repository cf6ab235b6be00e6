//! What can be asked of a standing, and what a decision must know.

use crate::app::Fit;
use crate::application::Application;
use crate::id::{ApplicationId, NoticeId, UserId};
use crate::notice::Notice;
use crate::publication::Status;
use crate::time::Timestamp;

/// What a caller wants to happen to a standing. Times are as asked, before rounding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The reviewer grants, or extends a grant.
    Authorize {
        /// The end of validity.
        until: Option<Timestamp>,
    },
    /// The app's owner asks for a grant.
    Apply {
        /// The id the application will have.
        id: ApplicationId,
        /// The end of validity.
        until: Option<Timestamp>,
    },
    /// The app's owner asks for a later end.
    Renew {
        /// The id the application will have.
        id: ApplicationId,
        /// The new end of validity.
        until: Option<Timestamp>,
    },
    /// The reviewer announces the end of the grant.
    Cancel {
        /// The id the notice will have.
        id: NoticeId,
        /// When access ends.
        at: Option<Timestamp>,
    },
    /// The app's owner gives the grant back, at once.
    GiveBack,
    /// The reviewer decides an application.
    Decide {
        /// The application as the caller found it.
        application: Application,
        /// Does he agree?
        pass: bool,
        /// Why, in his words.
        comment: Option<String>,
    },
    /// The applicant takes his application back.
    Withdraw {
        /// The application as the caller found it.
        application: Application,
    },
    /// The app's side answers a notice.
    Confirm {
        /// The notice as the caller found it.
        notice: Notice,
        /// When it shall take effect.
        choice: Choice,
    },
    /// The reviewer takes back the notice of his cancellation.
    WithdrawNotice {
        /// The notice as the caller found it.
        notice: Notice,
    },
    /// Nothing but time passed.
    Settle,
}

/// How the app's side answers a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Let it take effect now.
    Now,
    /// Let it take effect at this moment; without one, in three days, but not after the deadline.
    At(Option<Timestamp>),
}

/// What a decision needs to know beside the standing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Who commands.
    pub actor: UserId,
    /// Is he the API's reviewer?
    pub is_reviewer: bool,
    /// Does he own the app?
    pub is_owner: bool,
    /// May he answer notices for the app: as its owner, or as an admin of its workspace?
    pub answers_for_app: bool,
    /// Do API and app go together?
    pub fit: Fit,
    /// The API's state on the instance, as of now.
    pub status: Status,
}
