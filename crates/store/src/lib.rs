//! The store: what the control side knows, kept durably and in one order.
//!
//! [`Store`] is the one interface; [`mem`] is its readable specification, [`sql`] keeps the same
//! promises on disk, and one battery of tests runs against both.
//!
//! The promises:
//!
//! - **One turn.** A [`Transaction`] has the store to itself among writers from `begin` to `commit`.
//!   Its revision is the next one, so revisions are gap-free and in the order of commits.
//! - **All or nothing.** What a transaction wrote is there after `commit` returned, whatever happens
//!   to the process or the machine; a transaction that is dropped, or whose commit is refused, leaves
//!   nothing. A commit whose outcome is not known says so.
//! - **Every wait ends.** A database that falls silent costs a caller seconds, and those after it
//!   nothing.
//! - **A view is one moment.** All answers of one [`View`] belong to the same revision.
//! - **A history is known by its stamps.** Every commit draws one that nothing else has. Whoever knows a
//!   revision with its stamp can ask whether this store has it, whatever was restored or promoted since.
//! - **Changes carry state.** [`View::changes`] tells what every resource the gate cares about looks
//!   like now, if it changed after a revision; removals are told, never left out.

#[cfg(feature = "battery")]
pub mod battery;
mod denied;
mod draw;
mod due;
mod error;
pub mod limits;
pub mod mem;
mod peers;
pub mod records;
mod reminders;
pub mod sql;
pub mod taken;

use std::time::Duration;

use async_trait::async_trait;
use tidegate_domain::{
    Api, ApiId, AppId, Application, ApplicationId, Instance, InstanceId, Key, Notice, NoticeId,
    ProjectId, Publication, Standing, Throttle, ThrottleName, Timestamp, UserId, WorkspaceId,
};

pub use due::{publication_due_at, standing_due_at};
pub use error::{Result, StoreError};
pub use mem::MemStore;
pub use peers::{Duty, DutyTask, Ears, Peers};
pub use records::{
    ApiFilter, AppFilter, AppRecord, ApplicationFilter, BootTime, Changes, ClockMark, Damaged, Due,
    Gateway, Head, JournalEntry, ListedBy, Member, Message, MessageId, NoticeFilter, Page, Paging,
    Party, Point, Project, Revision, Sealed, Setback, Token, TokenHash, UnreadableApi,
    UnreadableApp, User, Waiting, Workspace,
};
pub use reminders::{Mark, Moment, Remarkable};
pub use sql::SqlStore;

/// A place that keeps what the control side knows.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Waits for the turn to write. A transaction that is dropped without `commit` leaves nothing.
    async fn begin(&self) -> Result<Box<dyn Transaction>>;

    /// Proves that changes can be kept, by the way they take: that one was kept within this time and
    /// none has failed since, or that one that changes nothing is kept now.
    async fn prove_writes(&self, _since: Duration) -> Result<()> {
        Ok(())
    }

    /// Whether the store's files were others than those that were opened when they were last looked at: then nothing
    /// is read or changed.
    fn is_displaced(&self) -> bool {
        false
    }

    /// Ends its connections, at the end of an orderly life. What is asked of it afterwards is refused.
    async fn close(&self) {}

    /// All that is known at one moment.
    async fn view(&self) -> Result<Box<dyn View>>;

    /// Keeps what these gateways reported. Durable when it returns, but no change of the world: it takes
    /// no revision and, where the engine lets it, no turn, so that no gateway waits for a writer. Each
    /// gateway's `beat` is counted on, whatever is given.
    async fn keep_gateways(&self, gateways: &[Gateway]) -> Result<()>;
    /// The gateways, by id.
    async fn gateways(&self) -> Result<Vec<Gateway>>;
    /// Forgets a gateway, unless it was kept again since this `beat`. Tells whether it did.
    async fn forget_gateway(&self, id: &str, beat: u64) -> Result<bool>;

    /// Keeps that somebody knew a point of a history which this store does not have, for an operator to see.
    /// Looks at it itself, on the connection that writes: none if the store has it after all, or cannot
    /// remember that far back.
    async fn keep_setback(&self, setback: &Setback) -> Result<Option<Setback>>;
    /// What was kept of this since the last new epoch, the latest point first.
    async fn setbacks(&self) -> Result<Vec<Setback>>;

    /// Keeps what the key of the secrets is recognised by, unless something is kept already, and gives
    /// what is. Takes no revision.
    async fn keep_vault_check(&self, check: &Sealed) -> Result<Sealed>;
    /// Keeps what the feed's token is recognised by, unless something is kept already, and gives what is. Takes
    /// no revision.
    async fn keep_feed_check(&self, check: &[u8]) -> Result<Vec<u8>>;

    /// What the nodes on this store need of each other; none when it lets one process in at a time.
    fn peers(&self) -> Option<&dyn Peers> {
        None
    }
}

/// Reading, at one moment. What does not exist is `None`; deleted apps and APIs do not exist, but in
/// [`View::changes`].
#[async_trait]
pub trait View: Send {
    /// Where the store stands.
    async fn head(&mut self) -> Result<Head>;
    /// The stamp of a revision of this history; none if it is ahead of the view, or so long ago that it is
    /// forgotten: the last [`limits::REMEMBERED`] are remembered.
    async fn stamp_of(&mut self, revision: Revision) -> Result<Option<String>>;
    /// Did this history have another name before, which an operator ended?
    async fn is_former_epoch(&mut self, epoch: &str) -> Result<bool>;
    /// What was sealed to recognise the key of the secrets by; none if nothing was yet.
    async fn vault_check(&mut self) -> Result<Option<Sealed>>;
    /// What was kept to recognise the feed's token by; none if nothing was yet.
    async fn feed_check(&mut self) -> Result<Option<Vec<u8>>>;

    /// A project.
    async fn project(&mut self, id: &ProjectId) -> Result<Option<Project>>;
    /// All projects, by id.
    async fn projects(&mut self) -> Result<Vec<Project>>;
    /// A user.
    async fn user(&mut self, id: &UserId) -> Result<Option<User>>;
    /// The user with this access key.
    async fn user_by_access_key(&mut self, access_key: &str) -> Result<Option<User>>;
    /// The users of this name in all projects of the account called `domain`.
    async fn users_by_name(&mut self, domain: &str, name: &str) -> Result<Vec<User>>;
    /// The user of this name in a project.
    async fn user_of_project(&mut self, project: &ProjectId, name: &str) -> Result<Option<User>>;
    /// All users of a project, by id.
    async fn users(&mut self, project: &ProjectId) -> Result<Vec<User>>;
    /// A workspace.
    async fn workspace(&mut self, id: &WorkspaceId) -> Result<Option<Workspace>>;
    /// The workspaces of a project, by id.
    async fn workspaces(&mut self, project: &ProjectId) -> Result<Vec<Workspace>>;
    /// What a user is in a workspace.
    async fn member(&mut self, workspace: &WorkspaceId, user: &UserId) -> Result<Option<Member>>;
    /// The members of a workspace, by user id.
    async fn members(&mut self, workspace: &WorkspaceId) -> Result<Vec<Member>>;
    /// An instance of a project.
    async fn instance(&mut self, project: &ProjectId, id: &InstanceId) -> Result<Option<Instance>>;
    /// The instances of a project, by id.
    async fn instances(&mut self, project: &ProjectId) -> Result<Vec<Instance>>;
    /// The instances of all projects that name hosts, by project and id.
    async fn instances_with_hosts(&mut self) -> Result<Vec<Instance>>;
    /// The project that serves calls to hosts which no instance names; none as long as none has.
    async fn default_project(&mut self) -> Result<Option<ProjectId>>;
    /// The token whose hash this is, unless it was revoked.
    async fn token(&mut self, hash: &TokenHash) -> Result<Option<Token>>;
    /// The tokens of a user that were not revoked, by hash.
    async fn tokens_of(&mut self, user: &UserId) -> Result<Vec<Token>>;
    /// How many tokens a user got that have not ended by `now`, revoked ones included.
    async fn count_tokens(&mut self, user: &UserId, now: Timestamp) -> Result<u64>;

    /// An app and its sealed secret.
    async fn app(&mut self, id: &AppId) -> Result<Option<AppRecord>>;
    /// Those of these apps that exist, by id.
    async fn apps_among(&mut self, ids: &[AppId]) -> Result<Vec<AppRecord>>;
    /// The app of the kind `app` that has exactly this name in a workspace.
    async fn app_named(&mut self, workspace: &WorkspaceId, name: &str)
    -> Result<Option<AppRecord>>;
    /// The app of the kind `iam` that stands for a project.
    async fn iam_app(&mut self, project: &ProjectId) -> Result<Option<AppRecord>>;
    /// The apps that pass the filter, oldest first.
    async fn apps(&mut self, filter: &AppFilter, paging: Paging) -> Result<Page<AppRecord>>;
    /// An API.
    async fn api(&mut self, id: &ApiId) -> Result<Option<Api>>;
    /// The API that has exactly this name in a workspace.
    async fn api_named(&mut self, workspace: &WorkspaceId, name: &str) -> Result<Option<Api>>;
    /// The APIs that pass the filter, oldest first.
    async fn apis(&mut self, filter: &ApiFilter, paging: Paging) -> Result<Page<Api>>;
    /// A throttling policy of a workspace.
    async fn throttle(
        &mut self,
        workspace: &WorkspaceId,
        name: &ThrottleName,
    ) -> Result<Option<Throttle>>;
    /// The throttling policies of a workspace, by name.
    async fn throttles(&mut self, workspace: &WorkspaceId) -> Result<Vec<Throttle>>;

    /// An API's life on an instance; none when it was never published there or asked to be.
    async fn publication(&mut self, api: &ApiId, on: &InstanceId) -> Result<Option<Publication>>;
    /// An API's life on every instance where it has one, by instance id.
    async fn publications(&mut self, api: &ApiId) -> Result<Vec<Publication>>;
    /// The publications, on any instance, of the APIs of `project` whose method and shape of the path are
    /// these, by API and instance. Deleted APIs are left out.
    async fn publications_on_route(
        &mut self,
        project: &ProjectId,
        method: &str,
        shape: &str,
    ) -> Result<Vec<Publication>>;
    /// One of the publications on an instance of `project` that hold a route at `now`: the first by API.
    async fn publication_holding_route(
        &mut self,
        project: &ProjectId,
        on: &InstanceId,
        now: Timestamp,
    ) -> Result<Option<Publication>>;

    /// A standing.
    async fn standing(&mut self, key: &Key) -> Result<Option<Standing>>;
    /// The last revision that changed what the gate is told of this app's calls of this API: the
    /// standing, the publication, the app or the API; 0 when there is none of them.
    async fn revision_of(&mut self, key: &Key) -> Result<Revision>;
    /// All standings of an API on an instance, by app id.
    async fn standings_on(&mut self, api: &ApiId, on: &InstanceId) -> Result<Vec<Standing>>;
    /// Is there an app that counts on an API on an instance at `now`: one with a live grant that it did not
    /// agree to do without?
    async fn is_counted_on(&mut self, api: &ApiId, on: &InstanceId, now: Timestamp)
    -> Result<bool>;
    /// The standings of these apps with an API on an instance, by app id.
    async fn standings_among(
        &mut self,
        api: &ApiId,
        on: &InstanceId,
        apps: &[AppId],
    ) -> Result<Vec<Standing>>;
    /// All standings of an app, by API and instance.
    async fn standings_of_app(&mut self, app: &AppId) -> Result<Vec<Standing>>;
    /// The standings of an API or an app that are listed at `now`, by (instance, app) or (API,
    /// instance): those with a live grant, or with a pending application for a new one whose end
    /// is still ahead, on an instance where no announced unpublish has come.
    async fn listed(
        &mut self,
        by: &ListedBy,
        now: Timestamp,
        paging: Paging,
    ) -> Result<Page<Standing>>;

    /// An application.
    async fn application(&mut self, id: &ApplicationId) -> Result<Option<Application>>;
    /// The applications that pass the filter, latest first.
    async fn applications(
        &mut self,
        filter: &ApplicationFilter,
        paging: Paging,
    ) -> Result<Page<Application>>;
    /// A notice.
    async fn notice(&mut self, id: &NoticeId) -> Result<Option<Notice>>;
    /// The notices that pass the filter, latest first.
    async fn notices(&mut self, filter: &NoticeFilter, paging: Paging) -> Result<Page<Notice>>;

    /// What time has brought about by `now` and nobody has recorded: publications whose announced
    /// end has come, then standings with a notice or an application that has; at most `limit` in all.
    async fn due(&mut self, now: Timestamp, limit: u64) -> Result<Vec<Due>>;
    /// All the gate must know that changed after `since`, as of this view's revision. From
    /// revision 0: everything, and no removals.
    async fn changes(&mut self, since: Revision) -> Result<Changes>;
    /// What [`View::changes`] tells from revision 0, part by part, for it may be too much to have at hand.
    /// The first part has all but standings, and each has the next `limit` standings after a key, in
    /// the order of keys. One with fewer is the last.
    async fn everything(&mut self, after: Option<&Key>, limit: u64) -> Result<Changes>;
    /// The journal after a revision, oldest first. Where `limit` would cut a revision in two, the
    /// rest of it is told too, so that who goes on from the last one told misses nothing.
    async fn journal(&mut self, after: Revision, limit: u64) -> Result<Vec<JournalEntry>>;
    /// The messages nobody has delivered yet, oldest first.
    async fn outbox(&mut self, limit: u64) -> Result<Vec<Message>>;
    /// Those of them that may be tried by `now`, oldest first.
    async fn outbox_due(&mut self, now: Timestamp, limit: u64) -> Result<Vec<Message>>;
    /// How many of them there are, and since when the oldest waits.
    async fn outbox_waiting(&mut self) -> Result<Waiting>;

    /// The things with a moment of this kind that are after the mark and at or before `to`, in order.
    /// What belongs to a deleted app or API may be among them.
    async fn remarkable(
        &mut self,
        moment: Moment,
        after: &Mark,
        to: Timestamp,
        limit: u64,
    ) -> Result<Vec<Remarkable>>;
    /// How far the reminding called `name` has got; none when it never began.
    async fn reminded(&mut self, name: &str) -> Result<Option<Mark>>;
}

/// Writing, in one turn. `put_` creates or replaces. After an error other than
/// [`StoreError::Taken`], nothing is left to do but to drop it.
#[async_trait]
pub trait Transaction: View {
    /// The revision this transaction will have.
    fn revision(&self) -> Revision;
    /// The stamp that revision will have.
    fn stamp(&self) -> &str;
    /// Keeps the decision time and what is known of its clock; later transactions find both in their [`Head`].
    async fn set_decided_at(&mut self, at: Timestamp, clock: &ClockMark) -> Result<()>;

    /// Keeps a project.
    async fn put_project(&mut self, project: &Project) -> Result<()>;
    /// Keeps a user. His access key must be nobody else's.
    async fn put_user(&mut self, user: &User) -> Result<()>;
    /// Keeps a workspace.
    async fn put_workspace(&mut self, workspace: &Workspace) -> Result<()>;
    /// Keeps what a user is in a workspace.
    async fn put_member(&mut self, member: &Member) -> Result<()>;
    /// Forgets that a user is a member of a workspace.
    async fn delete_member(&mut self, workspace: &WorkspaceId, user: &UserId) -> Result<()>;
    /// Keeps an instance.
    async fn put_instance(&mut self, instance: &Instance) -> Result<()>;
    /// Keeps which project serves calls to hosts that no instance names.
    async fn put_default_project(&mut self, project: &ProjectId) -> Result<()>;
    /// Keeps a token.
    async fn put_token(&mut self, token: &Token) -> Result<()>;
    /// Revokes a token: it is good for nothing from then on, and [`View::changes`] says so until it is
    /// forgotten at its end.
    async fn revoke_token(&mut self, hash: &TokenHash) -> Result<()>;
    /// Forgets the tokens that ended by `now`. The gate compares their ends itself.
    async fn drop_tokens(&mut self, now: Timestamp) -> Result<u64>;

    /// Keeps an app and its sealed secret. Its key must be no other app's, and its name no other's of the
    /// workspace; one of the kind `iam` is alone with its name in the project.
    async fn put_app(&mut self, record: &AppRecord) -> Result<()>;
    /// Deletes an app; its id is never used again.
    async fn delete_app(&mut self, id: &AppId) -> Result<()>;
    /// Keeps an API. Its name must be no other's of the workspace.
    async fn put_api(&mut self, api: &Api) -> Result<()>;
    /// Deletes an API; its id is never used again.
    async fn delete_api(&mut self, id: &ApiId) -> Result<()>;
    /// Keeps a throttling policy. The APIs that are bound to it count as changed.
    async fn put_throttle(&mut self, throttle: &Throttle) -> Result<()>;
    /// Deletes a throttling policy, to which no API may be bound.
    async fn delete_throttle(&mut self, workspace: &WorkspaceId, name: &ThrottleName)
    -> Result<()>;

    /// Keeps a publication, and its pending application's id. The application itself goes through
    /// [`Transaction::put_application`].
    async fn put_publication(&mut self, publication: &Publication) -> Result<()>;
    /// Keeps a standing, and the ids of its pending application and running notices. Those go through
    /// [`Transaction::put_application`] and [`Transaction::put_notice`], before this.
    async fn put_standing(&mut self, standing: &Standing) -> Result<()>;
    /// The same for many, of which no two have the same key.
    async fn put_standings(&mut self, standings: &[Standing]) -> Result<()>;
    /// Keeps an application.
    async fn put_application(&mut self, application: &Application) -> Result<()>;
    /// The same for many, of which no two have the same id.
    async fn put_applications(&mut self, applications: &[Application]) -> Result<()>;
    /// Keeps a notice.
    async fn put_notice(&mut self, notice: &Notice) -> Result<()>;
    /// The same for many, of which no two have the same id.
    async fn put_notices(&mut self, notices: &[Notice]) -> Result<()>;

    /// Writes a line of the journal at this transaction's revision.
    async fn journal_write(&mut self, entry: &JournalEntry) -> Result<()>;
    /// Leaves a message to be delivered after the commit.
    async fn outbox_write(&mut self, message: &Message) -> Result<()>;
    /// Counts a try to deliver a message that failed; it may be tried again from `at` on. Nothing if there is
    /// another one in its place: the store went back meanwhile.
    async fn outbox_put_off(&mut self, message: &Message, at: Timestamp) -> Result<()>;
    /// Forgets a message: it was delivered, or never will be. Another one in its place stays.
    async fn outbox_remove(&mut self, message: &Message) -> Result<()>;

    /// Keeps how far the reminding called `name` has got.
    async fn set_reminded(&mut self, name: &str, mark: &Mark) -> Result<()>;

    /// Lets this transaction commit only under the duty: [`StoreError::DutyLost`] if it is another
    /// node's by now, and until the commit nobody takes it.
    async fn under_duty(&mut self, duty: &Duty) -> Result<()>;

    /// Makes everything durable, all at once, and tells the revision.
    async fn commit(self: Box<Self>) -> Result<Revision>;
}
