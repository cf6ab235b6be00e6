//! The index: all the gate knows, as one immutable snapshot with its revision.
//!
//! A batch makes a new snapshot that shares with the old one whatever the batch does not touch: a
//! change of one grant copies a table of pointers and the grants of one API on one instance. A
//! decision reads one snapshot, so "as of revision N" is exact.
//!
//! The index keeps a normal form: a publication or standing of an unknown API or app, or on an
//! instance that is not served, is not kept, nor is a standing that says nothing. So many small
//! batches and one full one lead to the same index.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tidegate_domain::admission::Held;
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::{ApiId, AppId, AppKind, DomainId, Grant, InstanceId, Timestamp};
use tidegate_sign::Target;
use tokio::sync::Semaphore;

use crate::feed::{Batch, FeedApi, FeedApp, FeedPublication, FeedStanding, FeedToken};
use crate::plan::Plan;
use crate::routes::{Entry, Found, Routes, Shape};

/// The instances a gateway serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Serves {
    /// All there are.
    #[default]
    All,
    /// These.
    These(HashSet<InstanceId>),
}

impl Serves {
    fn contains(&self, instance: &InstanceId) -> bool {
        match self {
            Self::All => true,
            Self::These(instances) => instances.contains(instance),
        }
    }
}

/// An API as the gate uses it.
pub struct Api {
    /// What the feed told.
    pub feed: FeedApi,
    pub(crate) shape: Shape,
    /// How to call the backend, or what is wrong with its definition.
    pub(crate) plan: Result<Plan, String>,
    /// Room for calls of the backend.
    pub(crate) room: Arc<Semaphore>,
}

impl Api {
    fn new(feed: FeedApi, calls: usize) -> Self {
        let shape = Shape::read(&feed.path);
        let names: Vec<&str> = shape.placeholders.iter().map(|(_, name)| name.as_str()).collect();
        let plan = Plan::read(&feed.backend, &names);
        if let Err(fault) = &plan {
            tracing::error!(api = %feed.id, fault, "the definition of a backend cannot work");
        }
        Self { plan, shape, feed, room: Arc::new(Semaphore::new(calls)) }
    }

    /// Is it on the same routes as before?
    fn is_routed_as(&self, before: &Self) -> bool {
        self.feed.method == before.feed.method && self.shape.pattern == before.shape.pattern
    }
}

/// What the gate knows of an app's standing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    grant: Option<Grant>,
    paused_from: Option<Timestamp>,
    applied_until: Option<Timestamp>,
    shutdown_at: Option<Timestamp>,
}

/// An API on an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    api: ApiId,
    instance: InstanceId,
}

/// A table that is shared until it is written to.
type Table<K, V> = Arc<HashMap<K, V>>;

/// What a batch did.
pub enum Applied {
    /// A newer index.
    Newer(Box<Index>),
    /// Nothing has changed.
    Unchanged,
    /// The batch is older than the index: it comes from a source that lags behind.
    Behind,
    /// The batch belongs to another history, or does not begin where the index ends: ask again
    /// from 0.
    StartOver,
}

/// All the gate knows, at one revision.
#[derive(Clone)]
pub struct Index {
    serves: Arc<Serves>,
    calls_per_api: usize,
    epoch: Arc<str>,
    revision: u64,
    apps: Table<AppId, Arc<FeedApp>>,
    keys: Table<String, Arc<FeedApp>>,
    accounts: Table<DomainId, BTreeSet<AppId>>,
    tokens: Table<[u8; 32], FeedToken>,
    apis: Table<ApiId, Arc<Api>>,
    publications: Table<InstanceId, Table<ApiId, Status>>,
    standings: Table<Place, Table<AppId, Kept>>,
    routes: Arc<Routes>,
}

/// What routes have to be made anew after a batch.
#[derive(Default)]
struct Stale {
    known: bool,
    instances: HashSet<InstanceId>,
}

impl Index {
    /// The index that knows nothing.
    pub fn empty(serves: Arc<Serves>, calls_per_api: usize) -> Self {
        Self {
            serves,
            calls_per_api,
            epoch: Arc::from(""),
            revision: 0,
            apps: Arc::default(),
            keys: Arc::default(),
            accounts: Arc::default(),
            tokens: Arc::default(),
            apis: Arc::default(),
            publications: Arc::default(),
            standings: Arc::default(),
            routes: Arc::default(),
        }
    }

    /// The revision it is true at.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The history the revision belongs to.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// How many apps, APIs and tokens it knows.
    pub fn sizes(&self) -> Sizes {
        Sizes { apps: self.apps.len(), apis: self.apis.len(), tokens: self.tokens.len() }
    }

    /// The index after a batch that tells all that changed after `since`.
    pub fn apply(&self, since: u64, batch: Batch) -> Applied {
        let same_history = *self.epoch == *batch.epoch;
        if same_history && batch.head < self.revision {
            return Applied::Behind;
        }
        if since == 0 {
            if same_history && batch.head == self.revision && self.revision > 0 {
                return Applied::Unchanged;
            }
            let empty = Self::empty(Arc::clone(&self.serves), self.calls_per_api);
            return Applied::Newer(Box::new(empty.with(batch)));
        }
        if !same_history || since > self.revision {
            return Applied::StartOver;
        }
        if batch.head == self.revision {
            return Applied::Unchanged;
        }
        Applied::Newer(Box::new(self.clone().with(batch)))
    }

    /// Without the tokens that are over at `now`. Nothing else tells the gate to forget them.
    pub(crate) fn without_old_tokens(mut self, now: Timestamp) -> Self {
        Arc::make_mut(&mut self.tokens).retain(|_, token| now < token.expires_at);
        self
    }

    fn with(mut self, batch: Batch) -> Self {
        self.epoch = Arc::from(batch.epoch);
        self.revision = batch.head;
        let mut stale = Stale::default();
        for app in batch.apps {
            self.put_app(app);
        }
        for api in batch.apis {
            self.put_api(api, &mut stale);
        }
        for publication in batch.publications {
            self.put_publication(publication, &mut stale);
        }
        for standing in batch.standings {
            self.put_standing(standing);
        }
        if !batch.tokens.is_empty() {
            let tokens = batch.tokens.into_iter().map(|token| (token.hash, token));
            Arc::make_mut(&mut self.tokens).extend(tokens);
        }
        // Last, for ids never come back: whatever else the batch says of them, they are gone.
        self.remove_apps(&batch.apps_deleted);
        self.remove_apis(&batch.apis_deleted, &mut stale);
        self.route_anew(stale);
        self
    }

    fn put_app(&mut self, app: FeedApp) {
        let app = Arc::new(app);
        let before = Arc::make_mut(&mut self.apps).insert(app.id.clone(), Arc::clone(&app));
        if let Some(before) = before {
            self.forget_proof(&before);
        }
        match app.kind {
            AppKind::App if !app.key.is_empty() => {
                Arc::make_mut(&mut self.keys).insert(app.key.clone(), app);
            }
            AppKind::App => {}
            AppKind::Iam => {
                Arc::make_mut(&mut self.accounts)
                    .entry(app.domain.clone())
                    .or_default()
                    .insert(app.id.clone());
            }
        }
    }

    /// What an app proved itself by is good for nothing any more.
    fn forget_proof(&mut self, app: &FeedApp) {
        // The key may be another app's by now.
        if self.keys.get(&app.key).is_some_and(|by| by.id == app.id) {
            Arc::make_mut(&mut self.keys).remove(&app.key);
        }
        if app.kind == AppKind::Iam {
            let accounts = Arc::make_mut(&mut self.accounts);
            if let Some(apps) = accounts.get_mut(&app.domain) {
                apps.remove(&app.id);
                if apps.is_empty() {
                    accounts.remove(&app.domain);
                }
            }
        }
    }

    fn remove_apps(&mut self, ids: &[AppId]) {
        let mut gone = false;
        for id in ids {
            if let Some(app) = Arc::make_mut(&mut self.apps).remove(id) {
                self.forget_proof(&app);
                gone = true;
            }
        }
        if !gone {
            return;
        }
        // Rare, so it may look everywhere.
        Arc::make_mut(&mut self.standings).retain(|_, of_place| {
            if ids.iter().any(|id| of_place.contains_key(id)) {
                Arc::make_mut(of_place).retain(|app, _| !ids.contains(app));
            }
            !of_place.is_empty()
        });
    }

    fn put_api(&mut self, feed: FeedApi, stale: &mut Stale) {
        let api = Arc::new(Api::new(feed, self.calls_per_api));
        let apis = Arc::make_mut(&mut self.apis);
        let before = apis.insert(api.feed.id.clone(), Arc::clone(&api));
        if before.is_some_and(|before| api.is_routed_as(&before)) {
            return;
        }
        stale.known = true;
        stale.instances.extend(self.instances_of(&api.feed.id));
    }

    fn instances_of(&self, api: &ApiId) -> impl Iterator<Item = InstanceId> {
        self.publications
            .iter()
            .filter(move |(_, apis)| apis.contains_key(api))
            .map(|(instance, _)| instance.clone())
    }

    fn put_publication(&mut self, publication: FeedPublication, stale: &mut Stale) {
        let FeedPublication { api, instance, status } = publication;
        if !self.serves.contains(&instance) || !self.apis.contains_key(&api) {
            return;
        }
        let on_instance =
            Arc::make_mut(&mut self.publications).entry(instance.clone()).or_default();
        let before = Arc::make_mut(on_instance).insert(api, status);
        if before.is_some_and(Status::holds_route) != status.holds_route() {
            stale.instances.insert(instance);
        }
    }

    fn put_standing(&mut self, standing: FeedStanding) {
        let FeedStanding { key, grant, paused_from, applied_until, shutdown_at } = standing;
        let kept = Kept { grant, paused_from, applied_until, shutdown_at };
        let place = Place { api: key.api, instance: key.instance };
        let says_something = kept.grant.is_some() || kept.applied_until.is_some();
        let is_ours = self.serves.contains(&place.instance)
            && self.apis.contains_key(&place.api)
            && self.apps.contains_key(&key.app);
        if says_something && is_ours {
            let of_place = Arc::make_mut(&mut self.standings).entry(place).or_default();
            Arc::make_mut(of_place).insert(key.app, kept);
        } else if self.standings.get(&place).is_some_and(|of| of.contains_key(&key.app)) {
            let standings = Arc::make_mut(&mut self.standings);
            if let Some(of_place) = standings.get_mut(&place) {
                Arc::make_mut(of_place).remove(&key.app);
                if of_place.is_empty() {
                    standings.remove(&place);
                }
            }
        }
    }

    fn remove_apis(&mut self, ids: &[ApiId], stale: &mut Stale) {
        let mut gone = false;
        for id in ids {
            gone |= Arc::make_mut(&mut self.apis).remove(id).is_some();
        }
        if !gone {
            return;
        }
        stale.known = true;
        Arc::make_mut(&mut self.publications).retain(|instance, apis| {
            if ids.iter().any(|id| apis.contains_key(id)) {
                stale.instances.insert(instance.clone());
                Arc::make_mut(apis).retain(|api, _| !ids.contains(api));
            }
            !apis.is_empty()
        });
        Arc::make_mut(&mut self.standings).retain(|place, _| !ids.contains(&place.api));
    }

    fn route_anew(&mut self, stale: Stale) {
        if !stale.known && stale.instances.is_empty() {
            return;
        }
        let mut routes = (*self.routes).clone();
        if stale.known {
            routes.set_known(self.apis.values().map(|api| entry(api)).collect());
        }
        for instance in &stale.instances {
            let on_instance = self.publications.get(instance);
            let mut apis: Vec<&Arc<Api>> = on_instance
                .iter()
                .flat_map(|apis| apis.iter())
                .filter(|(_, status)| status.holds_route())
                .filter_map(|(api, _)| self.apis.get(api))
                .collect();
            apis.sort_unstable_by(|a, b| a.feed.id.cmp(&b.feed.id));
            routes.set_live(instance, apis.into_iter().map(|api| entry(api)).collect());
        }
        self.routes = Arc::new(routes);
    }

    /// What is on the route of a call?
    pub(crate) fn find(&self, method: Method, target: &Target) -> Found<'_> {
        self.routes.find(method, target)
    }

    pub(crate) fn api(&self, id: &ApiId) -> Option<&Arc<Api>> {
        self.apis.get(id)
    }

    /// The app with this key, if it can sign.
    pub(crate) fn app_by_key(&self, key: &str) -> Option<&FeedApp> {
        self.keys.get(key).map(|app| &**app)
    }

    pub(crate) fn token(&self, hash: &[u8; 32]) -> Option<&FeedToken> {
        self.tokens.get(hash)
    }

    /// The IAM apps that stand for the users of an account.
    pub(crate) fn apps_of_account(&self, account: &DomainId) -> impl Iterator<Item = &AppId> {
        self.accounts.get(account).into_iter().flatten()
    }

    /// An API's state on an instance. One that is not known was never published there.
    pub(crate) fn status(&self, api: &ApiId, instance: &InstanceId) -> Status {
        self.publications
            .get(instance)
            .and_then(|apis| apis.get(api))
            .copied()
            .unwrap_or(Status::Created)
    }

    /// What an app holds.
    pub(crate) fn held(&self, api: &ApiId, instance: &InstanceId, app: &AppId) -> Option<Held<'_>> {
        let place = Place { api: api.clone(), instance: instance.clone() };
        self.standings.get(&place).and_then(|of_place| of_place.get(app)).map(|kept| Held {
            grant: kept.grant.as_ref(),
            paused_from: kept.paused_from,
            applied_until: kept.applied_until,
            shutdown_at: kept.shutdown_at,
        })
    }
}

fn entry(api: &Api) -> Entry<'_> {
    Entry { api: &api.feed.id, method: api.feed.method, shape: &api.shape }
}

/// How much an index knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// Apps.
    pub apps: usize,
    /// APIs.
    pub apis: usize,
    /// Tokens.
    pub tokens: usize,
}

#[cfg(any(test, feature = "fuzz"))]
mod facts;
#[cfg(test)]
mod tests;
