//! The digest of all the index holds, whatever order it was learnt in: the sum of the SHA-256 of
//! every record's encoding. What comes is added and what goes is taken away, so a change costs what
//! it is itself.
//!
//! Tokens are not in it: they leave by their own end, at the gate and at the store each in its time.

use std::collections::{HashMap, HashSet};
use std::fmt;

use tidegate_domain::admission::Held;
use tidegate_domain::publication::Status;
use tidegate_domain::{ApiId, AppId, Grant, InstanceId, ProjectId};
use tidegate_sign::sha256;
use zeroize::Zeroizing;

use super::code::{Code, code};
use super::serves::Serves;
use crate::feed::{
    Batch, FeedApi, FeedApp, FeedInstance, FeedPublication, FeedStanding, FeedToken,
};

/// A sum of hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest([u64; 4]);

code!(Digest(0));

/// One thing the index holds.
pub(super) enum Record<'a> {
    App(&'a FeedApp),
    Api(&'a FeedApi),
    Publication(&'a FeedPublication),
    /// One that names hosts.
    Instance(&'a FeedInstance),
    DefaultProject(&'a ProjectId),
    Standing(&'a ApiId, &'a InstanceId, &'a AppId, &'a Held),
    Token(&'a FeedToken),
}

/// What is to be told of a publication: of one that was never published, nothing.
pub(super) fn publication_record(publication: &FeedPublication) -> Option<Record<'_>> {
    (publication.status != Status::Created).then_some(Record::Publication(publication))
}

/// What a standing says, if it says anything. Who gave a grant is no concern of a gateway.
pub(super) fn held(standing: &FeedStanding) -> Option<Held> {
    let FeedStanding { key: _, grant, paused_from, applied_until, shutdown_at } = standing;
    let says_something = grant.is_some() || applied_until.is_some();
    says_something.then(|| Held {
        grant: grant.as_ref().map(Grant::term),
        paused_from: *paused_from,
        applied_until: *applied_until,
        shutdown_at: *shutdown_at,
    })
}

impl Digest {
    /// The digest of a batch that tells all there is, for a gate that serves these instances: what an
    /// index that holds all of it must come to.
    pub fn of(batch: &Batch, serves: &Serves) -> Self {
        let apps: HashMap<_, _> = batch.apps.iter().map(|app| (&app.id, app)).collect();
        let apis: HashMap<_, _> = batch.apis.iter().map(|api| (&api.id, api)).collect();
        let apps_gone: HashSet<_> = batch.apps_deleted.iter().collect();
        let apis_gone: HashSet<_> = batch.apis_deleted.iter().collect();
        let has_app = |id: &AppId| apps.contains_key(id) && !apps_gone.contains(id);
        let has_place = |api: &ApiId, instance: &InstanceId| {
            apis.contains_key(api) && !apis_gone.contains(api) && serves.contains(instance)
        };
        let publications = batch.publications.iter().map(|p| ((&p.api, &p.instance), p));
        let publications: HashMap<_, _> =
            publications.filter(|((api, instance), _)| has_place(api, instance)).collect();
        let instances = batch.instances.iter().map(|i| ((&i.project, &i.id), i));
        let instances: HashMap<_, _> = instances.collect();
        let standings = batch.standings.iter().map(|standing| (&standing.key, held(standing)));
        let standings: HashMap<_, _> = standings
            .filter(|(key, _)| has_place(&key.api, &key.instance) && has_app(&key.app))
            .collect();

        let mut digest = Self::default();
        for app in apps.values().filter(|app| has_app(&app.id)) {
            digest.add(&Record::App(app));
        }
        for api in apis.values().filter(|api| !apis_gone.contains(&api.id)) {
            digest.add(&Record::Api(api));
        }
        for record in
            publications.values().filter_map(|publication| publication_record(publication))
        {
            digest.add(&record);
        }
        for instance in instances.values().filter(|instance| !instance.hosts.is_empty()) {
            digest.add(&Record::Instance(instance));
        }
        if let Some(project) = &batch.default_project {
            digest.add(&Record::DefaultProject(project));
        }
        for (key, held) in standings {
            if let Some(held) = &held {
                digest.add(&Record::Standing(&key.api, &key.instance, &key.app, held));
            }
        }
        digest
    }

    pub(super) fn add(&mut self, record: &Record<'_>) {
        for (sum, word) in self.0.iter_mut().zip(record.hash()) {
            *sum = sum.wrapping_add(word);
        }
    }

    pub(super) fn take(&mut self, record: &Record<'_>) {
        for (sum, word) in self.0.iter_mut().zip(record.hash()) {
            *sum = sum.wrapping_sub(word);
        }
    }

    /// Its first bits, as a number that a metric can carry exactly.
    pub(crate) fn short(self) -> i64 {
        let [first, ..] = self.0;
        (first >> 12).cast_signed()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|word| write!(f, "{word:016x}"))
    }
}

impl Record<'_> {
    fn hash(&self) -> [u64; 4] {
        // An app's record holds its secret.
        let mut bytes = Zeroizing::new(Vec::with_capacity(1_024));
        let out = &mut *bytes;
        match self {
            Self::App(app) => {
                out.push(0);
                app.put(out);
            }
            Self::Api(api) => {
                out.push(1);
                api.put(out);
            }
            Self::Publication(publication) => {
                out.push(2);
                publication.put(out);
            }
            Self::Instance(instance) => {
                out.push(5);
                instance.put(out);
            }
            Self::DefaultProject(project) => {
                out.push(6);
                project.put(out);
            }
            Self::Standing(api, instance, app, held) => {
                out.push(3);
                api.put(out);
                instance.put(out);
                app.put(out);
                held.put(out);
            }
            Self::Token(token) => {
                out.push(4);
                token.put(out);
            }
        }
        let hash = sha256(&bytes);
        let (words, _) = hash.as_chunks::<8>();
        std::array::from_fn(|n| words.get(n).copied().map_or(0, u64::from_le_bytes))
    }
}
