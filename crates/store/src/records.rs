//! What the store keeps beside the domain's own types, and what it is asked with.

use std::fmt;

use tidegate_domain::api::Method;
use tidegate_domain::{
    Api, ApiId, App, AppId, AppKind, ApplicationKind, AuthType, DomainId, Instance, InstanceId,
    Key, ProjectId, Publication, Role, Standing, Throttle, ThrottleName, Timestamp, UserId,
    WorkspaceId,
};

/// A position in the one commit-ordered log of changes; 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a store stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Names this history of the store: 32 hex digits drawn when it was made. A store that was
    /// restored from a backup gets another.
    pub epoch: String,
    /// The last committed revision; within a transaction, the one before it.
    pub revision: Revision,
    /// What its commit drew: 32 hex digits that no other revision has, of this history or of another.
    pub stamp: String,
    /// The time of the last decision; later ones are never earlier.
    pub decided_at: Timestamp,
    /// By which clock that decision was made.
    pub clock: ClockMark,
}

/// What is kept of the clock by which the last decision was made, so that the next one can be held against it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClockMark {
    /// Nothing.
    #[default]
    Unknown,
    /// An operator has said that the clock is right, however far the next decision is from the last one.
    Trusted,
    /// The decision was made at this moment of a machine's boot-time clock.
    At(BootTime),
}

/// A moment by the clock of a machine that nobody sets, and that goes on while it sleeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootTime {
    /// Names the start of the machine since which is counted: no blank in it.
    pub boot: String,
    /// Milliseconds since then.
    pub ms: u64,
}

impl Head {
    /// The point of the history where the store stands.
    pub fn point(&self) -> Point {
        Point { epoch: self.epoch.clone(), revision: self.revision, stamp: self.stamp.clone() }
    }
}

/// A point of a history. Two histories have none in common after they have parted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Point {
    /// The name of the history.
    pub epoch: String,
    /// The revision.
    pub revision: Revision,
    /// Its stamp; empty if whoever knows the revision knows none.
    pub stamp: String,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, revision, stamp } = self;
        let short = |text: &str| text.chars().take(8).collect::<String>();
        write!(f, "{revision} ({}/{})", short(epoch), short(stamp))
    }
}

/// Somebody knew a point of a history which the store does not have: the store went back to an earlier
/// state, or another one took its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setback {
    /// What was known.
    pub known: Point,
    /// Who knew it: `this node`, or a gateway.
    pub known_by: String,
    /// Where the store stood when it was found; set by the store.
    pub head: Revision,
    /// When the last decision was made that it had then; set by the store.
    pub decided_at: Timestamp,
}

/// What a gateway told of itself when it last asked for changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Its id, of its own making, kept over its restarts.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Its version of the program.
    pub version: String,
    /// The history its revision belongs to.
    pub epoch: String,
    /// The revision it enforces; none before it knows anything.
    pub revision: Option<Revision>,
    /// The stamp of that revision; empty if it knows none.
    pub stamp: String,
    /// When it was first heard of at this revision.
    pub acknowledged_at: Timestamp,
    /// When it was first heard of.
    pub registered_at: Timestamp,
    /// When it was last heard of.
    pub heard_at: Timestamp,
    /// How long it decides on after it asked, in milliseconds.
    pub lease_ms: u64,
    /// How far its clock is ahead of the control side's, in milliseconds.
    pub clock_ahead_ms: i64,
    /// The process that speaks for it, drawn anew at each of its starts; empty if it was never said.
    pub boot: String,
    /// The name in the certificate its id is bound to; empty if it shows none.
    pub certificate: String,
    /// How often this was kept. That it moves tells that the gateway was heard of, without a clock.
    pub beat: u64,
}

/// A secret, sealed: version, nonce and ciphertext. Means nothing without the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// A project, with its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its name: the region an SDK asks for.
    pub name: String,
    /// Its account.
    pub domain: DomainId,
    /// The account's name.
    pub domain_name: String,
}

/// A user of the control side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// His id.
    pub id: UserId,
    /// His project.
    pub project: ProjectId,
    /// His name, unique in the project.
    pub name: String,
    /// The argon2 hash of his password, as a PHC string; empty when he has none.
    pub password_hash: String,
    /// His access key, unique; empty when he has none.
    pub access_key: String,
    /// His secret key.
    pub secret_key: Sealed,
    /// Nobody proves to be them: their password, keys and tokens are good for nothing.
    pub disabled: bool,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its project.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
}

/// What a user is in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The user.
    pub user: UserId,
    /// His role.
    pub role: Role,
    /// Is he on the list of reviewers?
    pub is_reviewer: bool,
}

/// The SHA-256 of a token. The token itself is kept nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash(pub [u8; 32]);

/// What a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its hash.
    pub hash: TokenHash,
    /// Who it stands for.
    pub user: UserId,
    /// The project it is good for.
    pub project: ProjectId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The token it was got by, whose end is its own; none when it was got by a password or a key.
    pub parent: Option<TokenHash>,
}

/// An app with its sealed secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRecord {
    /// The app.
    pub app: App,
    /// Its secret; empty for an IAM app.
    pub secret: Sealed,
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// How many to skip.
    pub offset: u64,
    /// How many to give at most.
    pub limit: u64,
}

impl Paging {
    /// The whole list.
    pub const ALL: Self = Self { offset: 0, limit: i64::MAX as u64 };
}

/// A part of a list, and how long the whole list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The length of the whole list.
    pub total: u64,
    /// The part asked for.
    pub items: Vec<T>,
}

/// Which apps to list. Parts of names match anywhere, whatever their case.
#[derive(Debug, Clone, Default)]
pub struct AppFilter {
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Of this workspace; an IAM app belongs to every workspace of its project.
    pub workspace: Option<WorkspaceId>,
    /// Whose name contains this.
    pub name: Option<String>,
    /// Of this kind.
    pub kind: Option<AppKind>,
}

/// Which APIs to list. Parts of texts match anywhere, whatever their case.
#[derive(Debug, Clone, Default)]
pub struct ApiFilter {
    /// Of this project.
    pub project: Option<ProjectId>,
    /// Of this workspace.
    pub workspace: Option<WorkspaceId>,
    /// Whose name contains this.
    pub name: Option<String>,
    /// Whose description contains this.
    pub description: Option<String>,
    /// Whose creator's name contains this.
    pub creator: Option<String>,
    /// Bound to the throttling policy of this name in their workspace.
    pub throttle: Option<ThrottleName>,
    /// With every one of these tags.
    pub tags: Vec<String>,
    /// Made at or after this moment.
    pub created_from: Option<Timestamp>,
    /// Made at or before this moment.
    pub created_to: Option<Timestamp>,
    /// Published (answering calls) on some instance, or on none.
    pub published: Option<bool>,
    /// Published at some time on the instance of the SHARED edition, or else on another one; in either
    /// case with those that never were published anywhere.
    pub shared: Option<bool>,
}

/// Whose standings to list.
#[derive(Debug, Clone)]
pub enum ListedBy {
    /// An API's, on all instances.
    Api(ApiId),
    /// An app's.
    App(AppId),
}

/// Which applications to list.
#[derive(Debug, Clone, Default)]
pub struct ApplicationFilter {
    /// About APIs of this project.
    pub project: Option<ProjectId>,
    /// About APIs of this workspace.
    pub workspace: Option<WorkspaceId>,
    /// Addressed to this reviewer: about an API whose manager he is.
    pub reviewer: Option<UserId>,
    /// Filed by this user.
    pub applicant: Option<UserId>,
    /// Of these kinds; all when empty.
    pub kinds: Vec<ApplicationKind>,
    /// Pending or not.
    pub pending: Option<bool>,
    /// About an API whose name contains this, whatever its case.
    pub api_name: Option<String>,
    /// Withdrawn ones too?
    pub withdrawn: bool,
}

/// Somebody, in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Who.
    pub user: UserId,
}

/// Which notices to list. The three parties are alternatives: a notice passes if any of them holds.
#[derive(Debug, Clone, Default)]
pub struct NoticeFilter {
    /// About apps of this workspace that this user owns,
    pub owner: Option<Party>,
    /// or about any app of this workspace,
    pub app_workspace: Option<WorkspaceId>,
    /// or about APIs of this workspace whose manager is this user. With none of the three, all pass.
    pub reviewer: Option<Party>,
    /// About APIs of this project.
    pub project: Option<ProjectId>,
    /// About an API whose name contains this, whatever its case.
    pub api_name: Option<String>,
    /// Withdrawn ones too?
    pub withdrawn: bool,
    /// Running or not.
    pub running: Option<bool>,
}

/// Something time has brought about and nobody has recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Due {
    /// An announced stop or unpublish has come.
    Publication(ApiId, InstanceId),
    /// A notice or an application of a standing has come to its end.
    Standing(Key),
}

/// All the gate must know that changed after a revision. What belongs to a deleted app or API is left
/// out: who hears of the deletion drops it too.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The history this belongs to.
    pub epoch: String,
    /// The revision all of this is true at.
    pub head: Revision,
    /// The stamp of that revision.
    pub stamp: String,
    /// The stamp of the revision they came after; empty if it is not remembered, or ahead of this history.
    pub since_stamp: String,
    /// Projects.
    pub projects: Vec<Project>,
    /// Instances.
    pub instances: Vec<Instance>,
    /// The project that serves calls to hosts which no instance names.
    pub default_project: Option<ProjectId>,
    /// Apps, with their secrets.
    pub apps: Vec<AppRecord>,
    /// Apps that were deleted.
    pub apps_deleted: Vec<AppId>,
    /// APIs.
    pub apis: Vec<Api>,
    /// The throttling policies that `apis` are bound to.
    pub throttles: Vec<Throttle>,
    /// APIs that were deleted.
    pub apis_deleted: Vec<ApiId>,
    /// Publications.
    pub publications: Vec<Publication>,
    /// Standings.
    pub standings: Vec<Standing>,
    /// Tokens.
    pub tokens: Vec<Token>,
    /// Tokens that were revoked before their end.
    pub tokens_revoked: Vec<TokenHash>,
    /// Apps whose record cannot be read, but for what names them.
    pub apps_unreadable: Vec<UnreadableApp>,
    /// APIs whose record, or a record that belongs to them, cannot be read, but for what their calls are recognised by.
    pub apis_unreadable: Vec<UnreadableApi>,
    /// Records that cannot be read. Their apps and APIs are among the unreadable; if not even that can be read, among
    /// the deleted, or left out where nothing is deleted. A grant that cannot be read is reported as none.
    pub damaged: Vec<Damaged>,
}

/// What is known of an app whose record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableApp {
    /// Its id.
    pub id: AppId,
    /// Its project.
    pub project: ProjectId,
    /// The key that names it in a signature.
    pub key: String,
}

/// What is known of an API whose record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableApi {
    /// Its id.
    pub id: ApiId,
    /// Its project.
    pub project: ProjectId,
    /// What it asks of its callers.
    pub auth: AuthType,
    /// The method it is called with.
    pub method: Method,
    /// The path it is called at.
    pub path: String,
    /// The instances where it is taken for published, for their record cannot be read.
    pub instances: Vec<InstanceId>,
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damaged {
    /// The table.
    pub table: &'static str,
    /// The record's id.
    pub id: String,
    /// The column that makes no sense.
    pub column: &'static str,
}

/// One line of the journal: who did what to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// The revision; set by the store when written.
    pub revision: Revision,
    /// The decision time.
    pub at: Timestamp,
    /// Who did it; none when time did.
    pub actor: Option<UserId>,
    /// What was done, as a dotted name: `grant.extended`.
    pub what: String,
    /// What it was done to: ids joined by `/`.
    pub subject: String,
    /// Details, as a JSON object without secrets.
    pub details: String,
}

/// Which message: the revision it was left at, and its place among those of that revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MessageId {
    /// The revision.
    pub revision: Revision,
    /// The place, from 0.
    pub ordinal: u64,
}

/// What waits in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// How many messages.
    pub count: u64,
    /// When the oldest of them was left.
    pub oldest: Option<Timestamp>,
}

/// A message to people or programs, to be delivered after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which one it is; set by the store when written.
    pub id: MessageId,
    /// What its receiver knows it by, the same for ever and of no other message of any history; set by
    /// the store when written.
    pub name: String,
    /// How often it was tried to deliver it, in vain.
    pub tries: u32,
    /// When it was left.
    pub at: Timestamp,
    /// Whom it is for.
    pub recipient: UserId,
    /// What it is about, as a dotted name: `notice.sent`.
    pub what: String,
    /// What it is about: ids joined by `/`.
    pub subject: String,
    /// Details, as a JSON object without secrets.
    pub details: String,
}
