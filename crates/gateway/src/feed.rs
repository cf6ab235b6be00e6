//! What the gate follows: plain values, with no format and no transport.
//!
//! A [`Batch`] tells what everything that changed after a revision looks like at `head`. It carries
//! states, not steps, so a batch may be applied twice, and a missed bell loses nothing. What is gone
//! is told explicitly; what is absent has not changed.

use std::time::Duration;

use async_trait::async_trait;
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::{
    ApiId, AppId, AppKind, AuthType, DomainId, Grant, HostName, InstanceId, Key, ProjectId,
    Timestamp, UserId,
};
use tidegate_sign::Secret;
use tokio::time::sleep;

use crate::moment::Moment;

/// All that changed after a revision, as it is at `head`. Asked from revision 0: all there is.
#[derive(Clone, Default)]
pub struct Batch {
    /// Names the history the revisions belong to. Another epoch makes the gate start over from 0.
    pub epoch: String,
    /// The revision all of this is true at.
    pub head: u64,
    /// The stamp of that revision: nothing else has it, in this history or another.
    pub stamp: String,
    /// The stamp, in this history, of the revision that was asked for; empty if it is not remembered, or
    /// ahead of this history. One that differs from the asker's shows that the asker's history is another one.
    pub since_stamp: String,
    /// Apps.
    pub apps: Vec<FeedApp>,
    /// Apps that are gone. Their ids never come back.
    pub apps_deleted: Vec<AppId>,
    /// APIs.
    pub apis: Vec<FeedApi>,
    /// APIs that are gone. Their ids never come back.
    pub apis_deleted: Vec<ApiId>,
    /// Publications, in whatever state.
    pub publications: Vec<FeedPublication>,
    /// Standings. One without a grant and without a waiting application is the removal of both.
    pub standings: Vec<FeedStanding>,
    /// Tokens. They leave by their own end, if they are not revoked before.
    pub tokens: Vec<FeedToken>,
    /// The hashes of tokens that were revoked before their end.
    pub tokens_revoked: Vec<[u8; 32]>,
    /// Instances, with the hosts they name now.
    pub instances: Vec<FeedInstance>,
    /// The project that serves calls to hosts which no instance names.
    pub default_project: Option<ProjectId>,
}

/// An instance, and the hosts whose calls are its own. Two projects may have instances of the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedInstance {
    /// Its project.
    pub project: ProjectId,
    /// Its id.
    pub id: InstanceId,
    /// The hosts.
    pub hosts: Vec<HostName>,
}

/// An app. Has no `Debug`, for it carries a secret.
#[derive(Clone)]
pub struct FeedApp {
    /// Its id.
    pub id: AppId,
    /// Its account; of an IAM app, the account whose users it stands for.
    pub domain: DomainId,
    /// Its project.
    pub project: ProjectId,
    /// How it proves who it is.
    pub kind: AppKind,
    /// The key that names it in a signature; empty for an IAM app.
    pub key: String,
    /// The secret it signs with; none for an IAM app, and for one whose secret cannot be read.
    pub secret: Option<Secret>,
}

/// An API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedApi {
    /// Its id.
    pub id: ApiId,
    /// Its project.
    pub project: ProjectId,
    /// Its account.
    pub domain: DomainId,
    /// Its name, for the account of calls.
    pub name: String,
    /// What it asks of its callers.
    pub auth: AuthType,
    /// The method it is called with.
    pub method: Method,
    /// The path it is called at, such as `/orders/{id}`.
    pub path: String,
    /// Who answers.
    pub backend: Backend,
    /// How its calls are treated beside that.
    pub rules: Rules,
}

impl FeedApi {
    /// An API whose record cannot be read, but for what its calls are recognised by: they are denied by that name. It
    /// has no backend that could be called, also for a gateway that does not know of this.
    #[must_use]
    pub fn unreadable(
        (id, project, domain): (ApiId, ProjectId, DomainId),
        (auth, method, path): (AuthType, Method, String),
    ) -> Self {
        let backend = Backend {
            https: false,
            authority: String::new(),
            method,
            path: "/".to_owned(),
            timeout_ms: None,
            moved: Vec::new(),
            constants: Vec::new(),
            numbers: Vec::new(),
        };
        let (name, rules) = (String::new(), Rules::default());
        Self { id, project, domain, name, auth, method, path, backend, rules }
    }

    /// Whether the record could not be read.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.backend.authority.is_empty()
    }
}

/// How the gate treats calls of an API, beside what its definition says. The default is the strictest
/// and plainest treatment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Must a signed call carry a nonce of its own, so that it cannot be sent again?
    pub nonce: bool,
    /// Are paths let in that servers read in different ways: `%2F`, `%5C`, `;` and the like?
    pub odd_paths: bool,
    /// May a call become a WebSocket?
    pub upgrade: bool,
    /// How many calls there may be.
    pub throttle: Option<Throttle>,
    /// How often a safe call that got no answer is tried again.
    pub retries: u8,
    /// Is the backend spoken to over HTTP/2 without asking it first?
    pub http2: bool,
    /// How long a connection to the backend may take; the gate's limit if not said.
    pub connect_timeout_ms: Option<u32>,
    /// How long the backend's answer may stand still; the gate's limit if not said.
    pub read_timeout_ms: Option<u32>,
    /// How long a call may take from its head to the end of the answer; no limit if not said.
    pub total_timeout_ms: Option<u32>,
    /// Further backends with the same service, as `host:port`; calls are spread over all of them.
    pub more_backends: Vec<String>,
    /// Must a signature cover the header `Host`?
    pub require_signed_host: bool,
    /// Does the backend get the proof by which a call was admitted: token or signature?
    pub forward_credentials: bool,
}

/// How many calls there may be within a window. A limit that is not there limits nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    /// Its name.
    pub name: String,
    /// The length of the window.
    pub window_ms: u64,
    /// How many calls of each API bound to it.
    pub per_api: Option<u64>,
    /// How many of them from one user: the account of the app that calls.
    pub per_user: Option<u64>,
    /// How many of them from one app.
    pub per_app: Option<u64>,
}

/// The service behind an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// TLS?
    pub https: bool,
    /// Host and port, as in an address: `10.0.0.7:8080`.
    pub authority: String,
    /// The method it is called with.
    pub method: Method,
    /// Its path. `{x}` is filled with what is moved to path parameter `x`, else with the constant of
    /// this name, else with the API's own placeholder `x`.
    pub path: String,
    /// How long it may take to begin its answer; the gate's limit if not said.
    pub timeout_ms: Option<u32>,
    /// Parameters that go under another name or in another position. All others pass as they are.
    pub moved: Vec<Moved>,
    /// Parameters the API's author sends along.
    pub constants: Vec<Constant>,
    /// Parameters of a call that must be numbers where they are sent.
    pub numbers: Vec<Number>,
}

/// Where a parameter stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Position {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// One parameter of the API, and where the backend wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Its name in the API; a header's name in any case.
    pub name: String,
    /// Where the caller sends it.
    pub position: Position,
    /// Its name at the backend.
    pub backend_name: String,
    /// Where the backend wants it.
    pub backend_position: Position,
    /// Is a call without it (and without a default) refused?
    pub required: bool,
    /// What is sent when the caller sends nothing.
    pub default: Option<String>,
}

/// A parameter of the API that its author has declared a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Its name in the API; a header's name in any case.
    pub name: String,
    /// Where the caller sends it.
    pub position: Position,
    /// Is a value of no characters accepted, too?
    pub may_be_empty: bool,
}

/// A parameter with one value for all callers. It replaces what a caller sends under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    /// Its name at the backend.
    pub name: String,
    /// Where the backend wants it.
    pub position: Position,
    /// Its value.
    pub value: String,
}

/// An API's state on an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPublication {
    /// The API.
    pub api: ApiId,
    /// The instance.
    pub instance: InstanceId,
    /// The state.
    pub status: Status,
    /// When it was last published.
    pub published_at: Option<Timestamp>,
}

/// What the gate must know of a standing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedStanding {
    /// What it is about.
    pub key: Key,
    /// The live grant, or the last one.
    pub grant: Option<Grant>,
    /// From when on the app's side does without the API.
    pub paused_from: Option<Timestamp>,
    /// While an application for a new grant waits: the end it asks for. From then on it is void.
    pub applied_until: Option<Timestamp>,
    /// When a running notice of a stop or unpublish takes effect.
    pub shutdown_at: Option<Timestamp>,
}

/// A user's token, by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedToken {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Who it stands for.
    pub user: UserId,
    /// His account.
    pub domain: DomainId,
    /// The project it is good for.
    pub project: ProjectId,
    /// When it ends; at this instant it is no good any more.
    pub expires_at: Timestamp,
}

/// Why the source could not answer. Told in logs, never to a caller.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// What a follower asks, and where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Poll {
    /// It wants to know what changed after this revision.
    pub since: u64,
    /// The stamp of that revision; empty if it is 0.
    pub stamp: String,
    /// The history that revision belongs to; empty as long as it knows none.
    pub epoch: String,
    /// The revision it decides at; none when it knows nothing yet.
    pub enforced: Option<u64>,
    /// The stamp of that revision; empty if there is none.
    pub enforced_stamp: String,
    /// How long it waits for something to change.
    pub wait: Duration,
}

impl Poll {
    /// The revision that is decided at, if it is another than is asked from: both must be part of the
    /// history that answers.
    pub fn other(&self) -> Option<u64> {
        self.enforced.filter(|enforced| self.since > 0 && *enforced != self.since)
    }

    /// Does this batch continue what the asker knows? One that tells everything need not.
    pub fn is_continued_by(&self, batch: &Batch) -> bool {
        self.since == 0 || (batch.epoch == self.epoch && batch.since_stamp == self.stamp)
    }
}

impl Batch {
    /// It says where its history stands, and nothing of it: for an asker whose history is another one.
    pub fn of_another_history(self) -> Self {
        let Self { epoch, head, stamp, .. } = self;
        Self { epoch, head, stamp, since_stamp: OTHER.to_owned(), ..Self::default() }
    }
}

/// A stamp that no revision has.
const OTHER: &str = "-";

/// What a poll is answered with.
pub struct Answer {
    /// What has changed.
    pub batch: Batch,
    /// After which revision: the one that was asked for, or 0 when all there is is told.
    pub since: u64,
    /// When it was asked for. Whatever was committed after this moment may be missing.
    pub asked: Moment,
    /// How old, when it was told, the proof was that nobody else could have committed anything.
    pub age: Duration,
}

/// Where the gate learns what is true.
#[async_trait]
pub trait Source: Send + Sync {
    /// All that changed after `since`, up to the head at the moment of answering. From 0:
    /// everything, as if nothing had been there before.
    async fn changes(&self, since: u64) -> Result<Batch, SourceError>;

    /// Returns when something may have changed after `since`. May return early or never: the
    /// follower also looks on a timer.
    async fn bell(&self, since: u64);

    /// The stamp of a revision of this history; empty if it is not remembered, or ahead of this history.
    async fn stamp_of(&self, _revision: u64) -> Result<String, SourceError> {
        Ok(String::new())
    }

    /// Hears what the asker says of itself, before it is answered.
    async fn hear(&self, _poll: &Poll) -> Result<(), SourceError> {
        Ok(())
    }

    /// How long ago it was proven that nobody else can have committed anything. None: it is not, and
    /// nobody may go on deciding on what is told.
    fn proof_age(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    /// Answers a poll: when something changes, or after the wait.
    async fn poll(&self, poll: &Poll) -> Result<Answer, SourceError> {
        if !poll.wait.is_zero() {
            tokio::select! {
                () = self.bell(poll.since) => {}
                () = sleep(poll.wait) => {}
            }
        }
        self.hear(poll).await?;
        let asked = Moment::now();
        let mut batch = self.changes(poll.since).await?;
        if let Some(other) = poll.other()
            && self.stamp_of(other).await? != poll.enforced_stamp
        {
            batch = batch.of_another_history();
        }
        let unproven = || SourceError("it cannot prove that it is current".to_owned());
        let age = self.proof_age().ok_or_else(unproven)?;
        Ok(Answer { batch, since: poll.since, asked, age })
    }
}
