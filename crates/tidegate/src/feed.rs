//! What the gate follows, from the control side of the same process: states as the store keeps them,
//! turned into the gate's own values. The gate knows neither the store nor the wire.

mod backend;
mod node;
mod rules;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_control::{Control, GateChanges, GatewayHeard, HearError, Line};
use tidegate_domain::publication::Status;
use tidegate_domain::{AppKind, DomainId, InstanceId, ProjectId, Standing};
use tidegate_feed::Everything;
use tidegate_gateway::{
    Batch, FeedApi, FeedApp, FeedInstance, FeedPublication, FeedStanding, FeedToken, Gate, Poll,
    Source, SourceError,
};
use tidegate_store::{Changes, Revision, TokenHash, UnreadableApi};

pub use self::node::NodeFeed;
use crate::clock::Clock;

/// The control side of this process, for whoever follows it.
pub struct ControlSource(pub Arc<Control>);

#[async_trait]
impl Source for ControlSource {
    async fn changes(&self, since: u64) -> Result<Batch, SourceError> {
        self.batch(Revision(since)).await.map_err(|error| SourceError(error.to_string()))
    }

    async fn bell(&self, since: u64) {
        self.0.bell().heard_after(Revision(since)).await;
    }

    async fn stamp_of(&self, revision: u64) -> Result<String, SourceError> {
        let stamp = self.0.stamp_of(Revision(revision)).await;
        stamp.map_err(|error| SourceError(error.to_string()))
    }

    fn proof_age(&self) -> Option<Duration> {
        self.0.proof_age()
    }
}

/// The same for the gate of this process. Like any gateway, this one is registered before it is answered.
pub struct LocalSource {
    /// The control side.
    pub control: ControlSource,
    /// What names the gate.
    pub id: String,
    /// What names this process.
    pub boot: String,
    /// The gate.
    pub gate: Gate,
    /// The clock.
    pub clock: Arc<Clock>,
    /// Open as long as the gate follows.
    pub line: Arc<()>,
}

#[async_trait]
impl Source for LocalSource {
    async fn changes(&self, since: u64) -> Result<Batch, SourceError> {
        self.control.changes(since).await
    }

    async fn bell(&self, since: u64) {
        // It has just come to this revision. If that cannot be told, the next question tells it.
        if let Err(error) = self.acknowledge().await {
            tracing::warn!(%error, "the gate's acknowledgement is not heard");
        }
        self.control.bell(since).await;
    }

    async fn stamp_of(&self, revision: u64) -> Result<String, SourceError> {
        self.control.stamp_of(revision).await
    }

    fn proof_age(&self) -> Option<Duration> {
        self.control.proof_age()
    }

    async fn hear(&self, poll: &Poll) -> Result<(), SourceError> {
        let registered = self.register(poll, self.lease_ms()).await;
        registered.map_err(|error| SourceError(error.to_string()))
    }
}

impl LocalSource {
    /// Reports what the gateway enforces.
    async fn acknowledge(&self) -> Result<(), HearError> {
        self.register(&self.gate.stands(), self.lease_ms()).await
    }

    fn lease_ms(&self) -> u64 {
        u64::try_from(self.gate.limits().lease.as_millis()).unwrap_or(u64::MAX)
    }

    /// Says that the gate decides nothing from now on, so that nobody awaits the end of its lease.
    pub async fn leave(&self) {
        if let Err(error) = self.register(&self.gate.stands(), 0).await {
            tracing::warn!(%error, "the gate's goodbye is not kept: its lease is awaited");
        }
    }

    async fn register(&self, poll: &Poll, lease_ms: u64) -> Result<(), HearError> {
        let Poll { since, stamp, epoch, enforced, enforced_stamp, .. } = poll.clone();
        let heard = GatewayHeard {
            id: self.id.clone(),
            name: own_name(&self.id),
            epoch,
            revision: enforced,
            stamp: enforced_stamp,
            asks_after: Some((since, stamp)),
            lease_ms,
            clock_ahead_ms: 0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            boot: self.boot.clone(),
            certificate: String::new(),
            line: Line(Arc::downgrade(&self.line)),
            is_alone: self.control.0.is_alone(),
        };
        self.control.0.gateway_heard(heard, self.clock.now()).await
    }
}

impl ControlSource {
    async fn batch(&self, since: Revision) -> tidegate_control::Result<Batch> {
        if since == Revision(0) {
            return self.whole().await;
        }
        let news = self.0.changes(since).await?;
        let accounts = self.accounts_for(&news.changes).await?;
        // A project that moved to another account takes all it has along, so all is told again.
        // The states are newer than `head` then; they will only be told once more.
        if !news.changes.projects.is_empty() {
            let mut batch = self.whole().await?;
            batch.head = news.changes.head.0;
            batch.stamp = news.changes.stamp;
            batch.since_stamp = news.changes.since_stamp;
            batch.apps_deleted = news.changes.apps_deleted;
            batch.apis_deleted = news.changes.apis_deleted;
            batch.tokens_revoked = hashes(news.changes.tokens_revoked);
            return Ok(batch);
        }
        Ok(batch(news, &accounts))
    }

    /// Everything in one batch. Read in parts all the same: no statement of a store takes longer than a part.
    async fn whole(&self) -> tidegate_control::Result<Batch> {
        let mut parts = self.everything();
        let mut whole = parts.part().await?.unwrap_or_default();
        while let Some(part) = parts.part().await? {
            whole.standings.extend(part.standings);
        }
        Ok(whole)
    }

    fn everything(&self) -> InParts {
        InParts { parts: self.0.everything(), source: Self(Arc::clone(&self.0)) }
    }

    /// The accounts of the projects that these changes are about; grants are about none.
    async fn accounts_for(&self, changes: &Changes) -> tidegate_control::Result<Accounts> {
        let has_unreadable =
            !changes.apps_unreadable.is_empty() || !changes.apis_unreadable.is_empty();
        let has_none =
            changes.apps.is_empty() && changes.apis.is_empty() && changes.tokens.is_empty();
        if has_none && !has_unreadable {
            return Ok(Accounts::new());
        }
        let projects = self.0.projects().await?;
        Ok(projects.into_iter().map(|project| (project.id, project.domain)).collect())
    }
}

/// Everything, in parts.
pub struct InParts {
    parts: tidegate_control::Everything,
    source: ControlSource,
}

impl InParts {
    async fn part(&mut self) -> tidegate_control::Result<Option<Batch>> {
        let Some(part) = self.parts.next().await? else { return Ok(None) };
        let accounts = self.source.accounts_for(&part.changes).await?;
        Ok(Some(batch(part, &accounts)))
    }
}

#[async_trait]
impl Everything for InParts {
    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        self.part().await.map_err(|error| SourceError(error.to_string()))
    }
}

/// The name of a server's own gateway: several servers may share a store.
fn own_name(id: &str) -> String {
    format!("own-{}", id.get(..6).unwrap_or(id))
}

/// The account of each project.
type Accounts = HashMap<ProjectId, DomainId>;

fn batch(news: GateChanges, accounts: &Accounts) -> Batch {
    let GateChanges { changes, mut secrets } = news;
    let Changes {
        epoch,
        head,
        stamp,
        since_stamp,
        projects: _,
        instances,
        default_project,
        apps,
        apps_deleted,
        apis,
        throttles,
        apis_deleted,
        publications,
        standings,
        tokens,
        tokens_revoked,
        apps_unreadable,
        apis_unreadable,
        damaged: _,
    } = changes;
    // An app without a secret is one that cannot be read.
    let apps_unreadable = apps_unreadable.into_iter().filter_map(|app| {
        Some(FeedApp {
            domain: account(accounts, &app.project)?,
            secret: None,
            id: app.id,
            project: app.project,
            kind: AppKind::App,
            key: app.key,
        })
    });
    let published = |api: &UnreadableApi| {
        let publication = |instance: &InstanceId| FeedPublication {
            api: api.id.clone(),
            instance: instance.clone(),
            status: Status::Published,
            published_at: None,
        };
        api.instances.iter().map(publication).collect::<Vec<_>>()
    };
    let publications_unreadable: Vec<_> = apis_unreadable.iter().flat_map(published).collect();
    let apis_unreadable = apis_unreadable.into_iter().filter_map(|api| {
        let domain = account(accounts, &api.project)?;
        let names = (api.id, api.project, domain);
        Some(FeedApi::unreadable(names, (api.auth, api.method, api.path)))
    });
    let apps = apps.into_iter().filter_map(|record| {
        let app = record.app;
        Some(FeedApp {
            domain: account(accounts, &app.project)?,
            secret: secrets.remove(&app.id),
            id: app.id,
            project: app.project,
            kind: app.kind,
            key: app.app_key,
        })
    });
    let apis = apis.into_iter().filter_map(|api| {
        Some(FeedApi {
            domain: account(accounts, &api.project)?,
            backend: backend::of(&api),
            rules: rules::of(&api, &throttles),
            id: api.id,
            project: api.project,
            name: api.name,
            auth: api.auth,
            method: api.method,
            path: api.path,
        })
    });
    let publications = publications.into_iter().map(|publication| FeedPublication {
        api: publication.api,
        instance: publication.instance,
        status: publication.status,
        published_at: publication.published_at,
    });
    let instances = instances.into_iter().map(|instance| FeedInstance {
        project: instance.project,
        id: instance.id,
        hosts: instance.hosts,
    });
    let tokens = tokens.into_iter().filter_map(|token| {
        Some(FeedToken {
            domain: account(accounts, &token.project)?,
            hash: token.hash.0,
            user: token.user,
            project: token.project,
            expires_at: token.expires_at,
        })
    });
    Batch {
        epoch,
        head: head.0,
        stamp,
        since_stamp,
        apps: apps.chain(apps_unreadable).collect(),
        apps_deleted,
        apis: apis.chain(apis_unreadable).collect(),
        apis_deleted,
        publications: publications.chain(publications_unreadable).collect(),
        standings: standings.iter().map(standing).collect(),
        tokens: tokens.collect(),
        instances: instances.collect(),
        default_project,
        tokens_revoked: hashes(tokens_revoked),
    }
}

fn hashes(tokens: Vec<TokenHash>) -> Vec<[u8; 32]> {
    tokens.into_iter().map(|token| token.0).collect()
}

/// The store keeps no app without its project, so a project that is not there is a fault; what
/// belongs to it is left out, and so denied.
fn account(accounts: &Accounts, project: &ProjectId) -> Option<DomainId> {
    let account = accounts.get(project).cloned();
    if account.is_none() {
        tracing::error!(%project, "something belongs to a project that is not there; it is denied");
    }
    account
}

fn standing(standing: &Standing) -> FeedStanding {
    let held = standing.held();
    FeedStanding {
        key: standing.key.clone(),
        grant: standing.grant.clone(),
        paused_from: held.paused_from,
        applied_until: held.applied_until,
        shutdown_at: held.shutdown_at,
    }
}

#[cfg(test)]
mod tests;
