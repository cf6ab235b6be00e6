//! The index: all the gate knows, as one immutable snapshot with its revision.
//!
//! A batch makes a new snapshot that shares with the old one whatever the batch does not touch: a
//! change of one grant copies a few hundred packed ones and some pointers. A decision reads one
//! snapshot, so "as of revision N" is exact.
//!
//! Apps, and APIs on an instance, are known by numbers inside, for grants are kept packed
//! ([`grants`]). Numbers are given in the order of arrival, are never given twice, and mean nothing
//! outside.
//!
//! The index keeps a normal form: a publication or standing of an unknown API or app, or on an
//! instance that is not served, is not kept, nor is a standing that says nothing. So many small
//! batches and one full one lead to the same index.

mod code;
mod digest;
mod grants;
mod image;
mod known;
mod mix;
mod named;
mod serves;
mod slot;

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tidegate_domain::admission::Held;
use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::{ApiId, AppId, AppKind, DomainId, InstanceId, ProjectId, Timestamp};
use tidegate_sign::{Secret, Target};

pub use self::code::Broken;
pub use self::digest::Digest;
use self::digest::{Record, held, publication_record};
pub use self::grants::{Change, Grants};
pub use self::image::Parts;
pub use self::known::Api;
pub(crate) use self::known::{App, Door};
pub use self::mix::Pair;
use self::named::Named;
pub use self::serves::Serves;
use crate::denial::Denial;
use crate::feed::{
    Batch, FeedApi, FeedApp, FeedInstance, FeedPublication, FeedStanding, FeedToken,
};
use crate::routes::{Entry, Found, Routes};
use crate::space::{Space, Spaces};

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
    stamp: Arc<str>,
    apps: Arc<Named>,
    /// The number of the next app.
    next_app: u64,
    keys: Arc<Named>,
    accounts: Table<DomainId, BTreeSet<AppId>>,
    tokens: Table<[u8; 32], FeedToken>,
    apis: Table<ApiId, Arc<Api>>,
    /// The numbers of the doors.
    places: Table<InstanceId, Table<ApiId, u64>>,
    /// By number; what is gone leaves a gap.
    doors: Arc<Vec<Option<Arc<Door>>>>,
    grants: Grants,
    spaces: Arc<Spaces>,
    routes: Arc<Routes>,
    digest: Digest,
    /// Stands in for the secret of a key that nobody has.
    decoy: Arc<Secret>,
}

/// What routes have to be made anew after a batch.
#[derive(Default)]
struct Stale {
    known: HashSet<ProjectId>,
    live: HashSet<Space>,
}

impl Index {
    /// The index that knows nothing.
    pub fn empty(serves: Arc<Serves>, calls_per_api: usize) -> Self {
        Self {
            serves,
            calls_per_api,
            epoch: Arc::from(""),
            revision: 0,
            stamp: Arc::from(""),
            apps: Arc::new(Named::by_id()),
            next_app: 0,
            keys: Arc::new(Named::by_key()),
            accounts: Arc::default(),
            tokens: Arc::default(),
            apis: Arc::default(),
            places: Arc::default(),
            doors: Arc::default(),
            grants: Grants::default(),
            spaces: Arc::default(),
            routes: Arc::default(),
            digest: Digest::default(),
            decoy: Arc::new(Secret::decoy()),
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

    /// The stamp of the revision.
    pub fn stamp(&self) -> &str {
        &self.stamp
    }

    /// How much it knows.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            apps: self.apps.len(),
            apis: self.apis.len(),
            tokens: self.tokens.len(),
            grants: self.grants.count(),
            grants_bytes: self.grants.bytes(),
        }
    }

    /// How many tokens it knows. Costs nothing, where all sizes look through the table of grants.
    pub(crate) fn token_count(&self) -> usize {
        self.tokens.len()
    }

    /// The digest of all it was told and still holds, but for tokens.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The same, counted anew from what it holds. Takes its time.
    pub fn counted(&self) -> Digest {
        let mut digest = Digest::default();
        self.apps.iter().for_each(|app| digest.add(&Record::App(&app.feed)));
        self.apis.values().for_each(|api| digest.add(&Record::Api(&api.feed)));
        for door in self.doors.iter().flatten() {
            if let Some(record) = publication_record(&door.publication()) {
                digest.add(&record);
            }
        }
        for instance in self.spaces.instances() {
            digest.add(&Record::Instance(&instance));
        }
        if let Some(project) = self.spaces.default_project() {
            digest.add(&Record::DefaultProject(project));
        }
        let apps = self.app_ids();
        self.grants.each(|pair, held| {
            if let (Some(door), Some(app)) = (self.door(pair.place), apps.get(&pair.app)) {
                digest.add(&door.standing(app, &held));
            }
        });
        digest
    }

    /// The digest of the tokens that are good at `now`.
    pub(crate) fn tokens_digest(&self, now: Timestamp) -> Digest {
        let mut digest = Digest::default();
        let good = self.tokens.values().filter(|token| now < token.expires_at);
        good.for_each(|token| digest.add(&Record::Token(token)));
        digest
    }

    /// The instances it is for.
    pub fn serves(&self) -> &Serves {
        &self.serves
    }

    /// The index after a batch that tells all that changed after `since`. Whoever asked has made sure that
    /// what this index knows is part of the batch's history; that it begins and ends there is looked at here.
    pub fn apply(&self, since: u64, batch: Batch) -> Applied {
        let same_epoch = *self.epoch == *batch.epoch;
        if since == 0 {
            // All there is takes the place of whatever was known, also of what is later.
            let is_same = batch.head == self.revision && *self.stamp == *batch.stamp;
            if same_epoch && is_same && self.revision > 0 {
                return Applied::Unchanged;
            }
            let empty = Self::empty(Arc::clone(&self.serves), self.calls_per_api);
            return Applied::Newer(Box::new(empty.with(batch)));
        }
        let is_other =
            |revision: u64, stamp: &str| revision == self.revision && *self.stamp != *stamp;
        let parts = is_other(since, &batch.since_stamp) || is_other(batch.head, &batch.stamp);
        if !same_epoch || since > self.revision || parts {
            return Applied::StartOver;
        }
        match batch.head.cmp(&self.revision) {
            Ordering::Less => return Applied::Behind,
            Ordering::Equal => return Applied::Unchanged,
            Ordering::Greater => {}
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
        self.stamp = Arc::from(batch.stamp);
        let mut stale = Stale::default();
        self.put_instances(batch.instances, &mut stale);
        if let Some(project) = batch.default_project {
            self.put_default_project(project);
        }
        for app in batch.apps {
            self.put_app(app);
        }
        for api in batch.apis {
            self.put_api(api, &mut stale);
        }
        for publication in batch.publications {
            self.put_publication(publication, &mut stale);
        }
        self.put_standings(&batch.standings);
        if !batch.tokens.is_empty() {
            let tokens = batch.tokens.into_iter().map(|token| (token.hash, token));
            Arc::make_mut(&mut self.tokens).extend(tokens);
        }
        if !batch.tokens_revoked.is_empty() {
            let tokens = Arc::make_mut(&mut self.tokens);
            for hash in &batch.tokens_revoked {
                tokens.remove(hash);
            }
        }
        // Last, for ids never come back: whatever else the batch says of them, they are gone.
        self.remove_apps(&batch.apps_deleted);
        self.remove_apis(&batch.apis_deleted, &mut stale);
        self.route_anew(stale);
        self
    }

    fn put_instances(&mut self, instances: Vec<FeedInstance>, stale: &mut Stale) {
        if instances.is_empty() {
            return;
        }
        let spaces = Arc::make_mut(&mut self.spaces);
        for instance in instances {
            let FeedInstance { project, id, .. } = &instance;
            // It moves from one space to the other, if it moves.
            stale.live.insert(Space::Named(project.clone(), id.clone()));
            stale.live.insert(Space::Unnamed(project.clone()));
            if !instance.hosts.is_empty() {
                self.digest.add(&Record::Instance(&instance));
            }
            let hosts = spaces.put(instance.clone());
            if !hosts.is_empty() {
                self.digest.take(&Record::Instance(&FeedInstance { hosts, ..instance }));
            }
        }
        spaces.index();
    }

    fn put_default_project(&mut self, project: ProjectId) {
        if let Some(before) = self.spaces.default_project() {
            self.digest.take(&Record::DefaultProject(before));
        }
        self.digest.add(&Record::DefaultProject(&project));
        Arc::make_mut(&mut self.spaces).set_default(project);
    }

    fn put_app(&mut self, feed: FeedApp) {
        self.digest.add(&Record::App(&feed));
        let before = self.apps.get(feed.id.as_str()).cloned();
        let number = before.as_ref().map_or(self.next_app, |before| before.number);
        match before {
            Some(before) => self.forget_app(&before.feed),
            None => self.next_app += 1,
        }
        self.keep_app(Arc::new(App { feed, number }));
    }

    fn keep_app(&mut self, app: Arc<App>) {
        let feed = &app.feed;
        match feed.kind {
            AppKind::App if !feed.key.is_empty() => {
                Arc::make_mut(&mut self.keys).put(Arc::clone(&app));
            }
            AppKind::App => {}
            AppKind::Iam => {
                Arc::make_mut(&mut self.accounts)
                    .entry(feed.domain.clone())
                    .or_default()
                    .insert(feed.id.clone());
            }
        }
        Arc::make_mut(&mut self.apps).put(app);
    }

    /// What was told of an app counts no more, and what it proved itself by is good for nothing.
    fn forget_app(&mut self, app: &FeedApp) {
        self.digest.take(&Record::App(app));
        // The key may be another app's by now.
        if self.keys.get(&app.key).is_some_and(|by| by.feed.id == app.id) {
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
        let mut gone = HashMap::new();
        for id in ids {
            if let Some(app) = Arc::make_mut(&mut self.apps).remove(id.as_str()) {
                self.forget_app(&app.feed);
                gone.insert(app.number, id);
            }
        }
        if gone.is_empty() {
            return;
        }
        let Self { grants, digest, doors, .. } = self;
        // Rare, so it may look everywhere.
        grants.remove(
            |pair| gone.contains_key(&pair.app),
            |pair, held| {
                if let (Some(door), Some(app)) = (door_in(doors, pair.place), gone.get(&pair.app)) {
                    digest.take(&door.standing(app, &held));
                }
            },
        );
    }

    fn put_api(&mut self, feed: FeedApi, stale: &mut Stale) {
        self.digest.add(&Record::Api(&feed));
        let api = Arc::new(Api::new(feed, self.calls_per_api));
        let id = &api.feed.id;
        let before = Arc::make_mut(&mut self.apis).insert(id.clone(), Arc::clone(&api));
        if let Some(before) = &before {
            self.digest.take(&Record::Api(&before.feed));
        }
        let keeps_routes = before.as_ref().is_some_and(|before| api.is_routed_as(before));
        let projects = before.iter().chain([&api]).map(|api| &api.feed.project);
        let projects: Vec<&ProjectId> = projects.filter(|_| !keeps_routes).collect();
        stale.known.extend(projects.iter().map(|project| (*project).clone()));
        for (instance, number) in self.places_of(id) {
            self.edit_door(number, |door| door.api = Arc::clone(&api));
            let spaces = projects.iter().map(|project| self.spaces.space_of(project, &instance));
            stale.live.extend(spaces);
        }
    }

    /// Where an API has a door, and its number.
    fn places_of(&self, api: &ApiId) -> Vec<(InstanceId, u64)> {
        let of = |(instance, apis): (&InstanceId, &Table<ApiId, u64>)| {
            apis.get(api).map(|number| (instance.clone(), *number))
        };
        self.places.iter().filter_map(of).collect()
    }

    fn edit_door(&mut self, number: u64, edit: impl FnOnce(&mut Door)) {
        let doors = Arc::make_mut(&mut self.doors);
        if let Some(Some(door)) = doors.get_mut(number as usize) {
            edit(Arc::make_mut(door));
        }
    }

    /// The number of an API's door on an instance, if it has one.
    fn place(&self, api: &ApiId, instance: &InstanceId) -> Option<u64> {
        self.places.get(instance)?.get(api).copied()
    }

    /// The same, with a new door if there is none. Only a known API has doors, on instances that are
    /// served.
    fn make_place(&mut self, api: &ApiId, instance: &InstanceId) -> Option<u64> {
        if let Some(number) = self.place(api, instance) {
            return Some(number);
        }
        let api = self.apis.get(api).filter(|_| self.serves.contains(instance)).cloned()?;
        let number = self.doors.len() as u64;
        let (instance, status) = (instance.clone(), Status::Created);
        self.keep_door(Door { api, instance, status, published_at: None, number });
        Some(number)
    }

    fn keep_door(&mut self, door: Door) {
        let of_instance = Arc::make_mut(&mut self.places).entry(door.instance.clone()).or_default();
        Arc::make_mut(of_instance).insert(door.api.feed.id.clone(), door.number);
        Arc::make_mut(&mut self.doors).push(Some(Arc::new(door)));
    }

    fn put_publication(&mut self, publication: FeedPublication, stale: &mut Stale) {
        let Some(number) = self.make_place(&publication.api, &publication.instance) else { return };
        let Some(door) = self.door(number) else { return };
        let before = FeedPublication {
            status: door.status,
            published_at: door.published_at,
            ..publication.clone()
        };
        if before == publication {
            return;
        }
        let space = self.spaces.space_of(&door.api.feed.project, &publication.instance);
        for (publication, is_new) in [(&before, false), (&publication, true)] {
            if let Some(record) = publication_record(publication) {
                if is_new { self.digest.add(&record) } else { self.digest.take(&record) }
            }
        }
        self.edit_door(number, |door| {
            door.status = publication.status;
            door.published_at = publication.published_at;
        });
        if before.status.holds_route() || publication.status.holds_route() {
            stale.live.insert(space);
        }
    }

    fn put_standings(&mut self, standings: &[FeedStanding]) {
        let mut changes = Vec::with_capacity(standings.len());
        for (n, standing) in standings.iter().enumerate() {
            if let Some(pair) = self.pair(standing) {
                changes.push(self.grants.change_of(pair, n));
            }
        }
        let Self { grants, digest, .. } = self;
        let held = |n: usize| standings.get(n).and_then(held);
        grants.change(changes, held, |n, was| {
            let Some(key) = standings.get(n).map(|standing| &standing.key) else { return };
            let record = |held| Record::Standing(&key.api, &key.instance, &key.app, held);
            if let Some(was) = &was {
                digest.take(&record(was));
            }
            if let Some(is) = &held(n) {
                digest.add(&record(is));
            }
        });
    }

    /// The numbers of what a standing is about. A standing that says nothing makes no place.
    fn pair(&mut self, standing: &FeedStanding) -> Option<Pair> {
        let key = &standing.key;
        let app = self.apps.get(key.app.as_str())?.number;
        let place = match held(standing) {
            Some(_) => self.make_place(&key.api, &key.instance),
            None => self.place(&key.api, &key.instance),
        };
        place.map(|place| Pair { place, app })
    }

    fn remove_apis(&mut self, ids: &[ApiId], stale: &mut Stale) {
        let mut gone = HashMap::new();
        for id in ids {
            let Some(api) = Arc::make_mut(&mut self.apis).remove(id) else { continue };
            self.digest.take(&Record::Api(&api.feed));
            stale.known.insert(api.feed.project.clone());
            for (instance, number) in self.places_of(id) {
                let places = Arc::make_mut(&mut self.places);
                if let Some(of_instance) = places.get_mut(&instance) {
                    Arc::make_mut(of_instance).remove(id);
                    if of_instance.is_empty() {
                        places.remove(&instance);
                    }
                }
                let doors = Arc::make_mut(&mut self.doors);
                if let Some(door) = doors.get_mut(number as usize).and_then(Option::take) {
                    if let Some(record) = publication_record(&door.publication()) {
                        self.digest.take(&record);
                    }
                    gone.insert(number, door);
                }
                stale.live.insert(self.spaces.space_of(&api.feed.project, &instance));
            }
        }
        if gone.is_empty() {
            return;
        }
        let apps = self.app_ids();
        let Self { grants, digest, .. } = self;
        grants.remove(
            |pair| gone.contains_key(&pair.place),
            |pair, held| {
                if let (Some(door), Some(app)) = (gone.get(&pair.place), apps.get(&pair.app)) {
                    digest.take(&door.standing(app, &held));
                }
            },
        );
    }

    fn app_ids(&self) -> HashMap<u64, AppId> {
        self.apps.iter().map(|app| (app.number, app.feed.id.clone())).collect()
    }

    fn route_anew(&mut self, stale: Stale) {
        if stale.known.is_empty() && stale.live.is_empty() {
            return;
        }
        let mut routes = (*self.routes).clone();
        for project in &stale.known {
            let apis = self.apis.values().filter(|api| api.feed.project == *project);
            routes.set_known(project, apis.map(|api| entry(0, api)).collect());
        }
        for space in &stale.live {
            let mut doors = self.doors_in(space);
            // Who came first holds a route. No control side lets two APIs publish on one, but some did once.
            doors.sort_unstable_by_key(|door| {
                let first = door.published_at.unwrap_or(Timestamp::MAX);
                (first, &door.api.feed.id, &door.instance)
            });
            let entries = doors.iter().map(|door| entry(door.number, &door.api)).collect();
            let is_beside = |first, other| {
                let api = |number| self.door(number).map(|door| &door.api.feed.id);
                api(first) == api(other)
            };
            routes.set_live(space, entries, is_beside);
        }
        self.routes = Arc::new(routes);
    }

    /// The doors in a host space that hold a route.
    fn doors_in(&self, space: &Space) -> Vec<&Door> {
        let is_inside = |door: &&Door| {
            let project = &door.api.feed.project;
            door.status.holds_route()
                && project == space.project()
                && self.spaces.space_of(project, &door.instance) == *space
        };
        let instances: Vec<_> = match space {
            Space::Named(_, instance) => self.places.get(instance).into_iter().collect(),
            Space::Unnamed(_) => self.places.values().collect(),
        };
        let numbers = instances.into_iter().flat_map(|apis| apis.values());
        numbers.filter_map(|number| self.door(*number)).filter(is_inside).collect()
    }

    /// The host space of calls to a host; none if nobody serves them.
    pub(crate) fn space(&self, host: Option<&str>) -> Result<Option<&Space>, Denial> {
        self.spaces.of(host)
    }

    /// What is on the route of a call to this host space.
    pub(crate) fn find(&self, space: &Space, method: Method, target: &Target) -> Found<'_> {
        self.routes.find(space, method, target)
    }

    /// The API on an instance that has this number.
    pub(crate) fn door(&self, number: u64) -> Option<&Door> {
        door_in(&self.doors, number)
    }

    /// The door of an API on an instance.
    pub(crate) fn door_of(&self, api: &ApiId, instance: &InstanceId) -> Option<&Door> {
        self.door(self.place(api, instance)?)
    }

    pub(crate) fn app(&self, id: &AppId) -> Option<&App> {
        self.apps.get(id.as_str()).map(|app| &**app)
    }

    /// The app of an account with this key, if it can sign.
    pub(crate) fn app_by_key(&self, key: &str, account: &DomainId) -> Option<&App> {
        let app = self.keys.get(key).map(|app| &**app);
        app.filter(|app| app.feed.domain == *account)
    }

    /// What a signature under an unknown key is checked with.
    pub(crate) fn decoy(&self) -> &Secret {
        &self.decoy
    }

    pub(crate) fn token(&self, hash: &[u8; 32]) -> Option<&FeedToken> {
        self.tokens.get(hash)
    }

    /// The IAM apps that stand for the users of an account.
    pub(crate) fn apps_of_account(&self, account: &DomainId) -> impl Iterator<Item = &App> {
        let ids = self.accounts.get(account).into_iter().flatten();
        ids.filter_map(|id| self.apps.get(id.as_str())).map(|app| &**app)
    }

    /// What an app holds.
    pub(crate) fn held(&self, door: &Door, app: &App) -> Option<Held> {
        self.grants.get(Pair { place: door.number, app: app.number })
    }
}

fn door_in(doors: &[Option<Arc<Door>>], number: u64) -> Option<&Door> {
    doors.get(number as usize)?.as_deref()
}

fn entry(place: u64, api: &Api) -> Entry<'_> {
    Entry { place, method: api.feed.method, shape: &api.shape }
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
    /// Standings: grants, and applications that wait.
    pub grants: usize,
    /// The memory of these, in bytes.
    pub grants_bytes: usize,
}

#[cfg(any(test, feature = "fuzz"))]
mod facts;
#[cfg(test)]
mod tests;
