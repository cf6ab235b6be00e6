//! All the store knows at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_domain::{
    Api, ApiId, AppId, Application, ApplicationId, Instance, InstanceId, Key, Notice, NoticeId,
    ProjectId, Publication, Standing, Throttle, ThrottleName, Timestamp, UserId, WorkspaceId,
};

use crate::{
    AppRecord, Changes, ClockMark, Damaged, Head, JournalEntry, Mark, Member, Message, Project,
    Result, Revision, Sealed, StoreError, Token, TokenHash, User, Workspace,
};

/// 32 hex digits that nothing else in this process has, which is all that ever knows of a store in memory.
pub fn draw() -> String {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    format!("{:032x}", DRAWN.fetch_add(1, Ordering::Relaxed).wrapping_add(1))
}

/// A value and the revision it was last put at.
#[derive(Clone)]
pub struct Kept<T> {
    pub revision: Revision,
    pub value: T,
}

/// A value that may have been deleted; what is left of it then is that it was.
pub type Mortal<T> = Kept<Option<T>>;

/// A token that has not been forgotten.
#[derive(Clone)]
pub struct Issued {
    pub token: Token,
    pub revoked: bool,
}

#[derive(Clone)]
pub struct State {
    pub head: Head,
    /// The stamps of the last revisions.
    pub stamps: BTreeMap<Revision, String>,
    /// The names the history had before.
    pub former: BTreeSet<String>,
    pub vault_check: Option<Sealed>,
    /// What the feed's token is recognised by.
    pub feed_check: Option<Vec<u8>>,
    pub projects: BTreeMap<ProjectId, Kept<Project>>,
    pub users: BTreeMap<UserId, User>,
    pub workspaces: BTreeMap<WorkspaceId, Workspace>,
    pub members: BTreeMap<(WorkspaceId, UserId), Member>,
    pub instances: BTreeMap<(ProjectId, InstanceId), Kept<Instance>>,
    pub default_project: Option<Kept<ProjectId>>,
    pub tokens: BTreeMap<TokenHash, Kept<Issued>>,
    pub apps: BTreeMap<AppId, Mortal<AppRecord>>,
    pub apis: BTreeMap<ApiId, Mortal<Api>>,
    pub throttles: BTreeMap<(WorkspaceId, ThrottleName), Throttle>,
    pub publications: BTreeMap<(ApiId, InstanceId), Kept<Publication>>,
    pub standings: BTreeMap<Key, Kept<Standing>>,
    pub applications: BTreeMap<ApplicationId, Application>,
    pub notices: BTreeMap<NoticeId, Notice>,
    pub journal: Vec<JournalEntry>,
    /// Each message with the moment before which it is not tried again.
    pub outbox: Vec<(Message, Timestamp)>,
    pub reminded: BTreeMap<String, Mark>,
}

impl State {
    pub fn new() -> Self {
        let head = Head {
            epoch: draw(),
            revision: Revision(0),
            stamp: draw(),
            decided_at: Timestamp::from_ms(0),
            clock: ClockMark::Unknown,
        };
        Self {
            stamps: BTreeMap::from([(head.revision, head.stamp.clone())]),
            head,
            former: BTreeSet::new(),
            vault_check: None,
            feed_check: None,
            projects: BTreeMap::new(),
            users: BTreeMap::new(),
            workspaces: BTreeMap::new(),
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            default_project: None,
            tokens: BTreeMap::new(),
            apps: BTreeMap::new(),
            apis: BTreeMap::new(),
            throttles: BTreeMap::new(),
            publications: BTreeMap::new(),
            standings: BTreeMap::new(),
            applications: BTreeMap::new(),
            notices: BTreeMap::new(),
            journal: Vec::new(),
            outbox: Vec::new(),
            reminded: BTreeMap::new(),
        }
    }

    pub fn app(&self, id: &AppId) -> Option<&AppRecord> {
        self.apps.get(id)?.value.as_ref()
    }

    pub fn api(&self, id: &ApiId) -> Option<&Api> {
        self.apis.get(id)?.value.as_ref()
    }

    /// Was there such an app, and is it gone?
    pub fn app_is_deleted(&self, id: &AppId) -> bool {
        self.apps.get(id).is_some_and(|kept| kept.value.is_none())
    }

    /// Was there such an API, and is it gone?
    pub fn api_is_deleted(&self, id: &ApiId) -> bool {
        self.apis.get(id).is_some_and(|kept| kept.value.is_none())
    }

    /// Adds the throttling policies that the APIs among the changes are bound to, by workspace and
    /// name; returns the APIs whose policy is missing.
    pub fn throttles_of(&self, changes: &mut Changes) -> Result<Vec<(ApiId, Damaged)>> {
        let (mut found, mut bad) = (BTreeMap::new(), Vec::new());
        for api in &changes.apis {
            let Some((workspace, name)) = api.throttle() else { continue };
            let key = (workspace.clone(), name.clone());
            let id = || api.id.to_string();
            match damaged(part(&self.throttles, &key, ("apis", "throttle"), id))? {
                Ok(throttle) => drop(found.insert(key, throttle)),
                Err(what) => bad.push((api.id.clone(), what)),
            }
        }
        changes.throttles = found.into_values().collect();
        Ok(bad)
    }

    /// A publication with its application as that was last put.
    pub fn publication(&self, kept: &Publication) -> Result<Publication> {
        let mut publication = kept.clone();
        if let Some(application) = &mut publication.application {
            *application = part(
                &self.applications,
                &application.id,
                ("publications", "application_id"),
                || format!("{}/{}", kept.api, kept.instance),
            )?;
        }
        Ok(publication)
    }

    /// A standing with its application and notices as those were last put.
    pub fn standing(&self, kept: &Standing) -> Result<Standing> {
        let mut standing = kept.clone();
        let id = || format!("{}/{}/{}", kept.key.api, kept.key.instance, kept.key.app);
        if let Some(application) = &mut standing.application {
            let column = ("standings", "application_id");
            *application = part(&self.applications, &application.id, column, id)?;
        }
        if let Some(notice) = &mut standing.cancellation {
            let column = ("standings", "cancellation_id");
            *notice = part(&self.notices, &notice.id, column, id)?;
        }
        if let Some(notice) = &mut standing.shutdown {
            let column = ("standings", "shutdown_id");
            *notice = part(&self.notices, &notice.id, column, id)?;
        }
        Ok(standing)
    }
}

/// Separates a record that makes no sense from any other failure.
pub fn damaged<T>(read: Result<T>) -> Result<Result<T, Damaged>> {
    match read {
        Ok(value) => Ok(Ok(value)),
        Err(error) => error.into_damaged().map(Err),
    }
}

/// What another row refers to.
fn part<K: Ord, T: Clone>(
    parts: &BTreeMap<K, T>,
    key: &K,
    (table, column): (&'static str, &'static str),
    id: impl Fn() -> String,
) -> Result<T> {
    parts.get(key).cloned().ok_or_else(|| StoreError::BadRow { table, column, id: id() })
}
