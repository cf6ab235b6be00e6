//! What the gate follows. The bytes choose changes of a small world, and where the batches begin and end;
//! the bytes of the feed between machines are those of `answer`.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::Key;
use tidegate_domain::{
    ApiId, AppId, AppKind, AuthType, DomainId, Grant, InstanceId, ProjectId, Timestamp, UserId,
};
use tidegate_gateway::{
    Applied, Backend, Batch, FeedApi, FeedApp, FeedPublication, FeedStanding, FeedToken, Index,
    Rules, Serves,
};
use tidegate_sign::Secret;

use crate::material::Material;

const CHANGES: usize = 24;
const PATHS: [&str; 6] = ["/o/{id}", "/o/new", "/{a}/{b}", "/o", "/{", "o//{id}/"];
const CALLS: [&str; 4] = ["/o/7", "/o/new", "/x/y", "/o"];

/// Many small batches and one full one lead to the same index, a batch applied twice changes nothing,
/// and batches of any content and order neither break the index nor lead it back.
pub fn run(data: &[u8]) {
    let mut material = Material(data);
    if material.below(2) == 0 { follows(&mut material) } else { survives(&mut material) }
}

/// A change of one of few things, so that changes meet.
#[derive(Clone, Copy)]
enum Change {
    App(u8, u8),
    AppGone(u8),
    Api(u8, u8),
    ApiGone(u8),
    Publication(u8, u8, u8),
    Standing(u8, u8, u8, u8),
    Token(u8, u8),
}

impl Change {
    fn read(material: &mut Material<'_>) -> Self {
        let (kind, n, variant) = (material.byte(), material.below(3), material.byte());
        let (on, of) = (kind / 64 % 3, kind / 16 % 4 % 3);
        match kind % 16 {
            0..3 => Self::App(n, variant),
            3 => Self::AppGone(n),
            4..7 => Self::Api(n, variant),
            7 => Self::ApiGone(n),
            8..11 => Self::Publication(n, on, variant),
            11..15 => Self::Standing(n, on, of, variant),
            _ => Self::Token(n, variant),
        }
    }

    /// What it is about: a later change of the same replaces it.
    fn about(self) -> (u8, u8, u8, u8) {
        match self {
            Self::App(n, _) | Self::AppGone(n) => (0, n, 0, 0),
            Self::Api(n, _) | Self::ApiGone(n) => (1, n, 0, 0),
            Self::Publication(n, on, _) => (2, n, on, 0),
            Self::Standing(n, on, of, _) => (3, n, on, of),
            Self::Token(n, _) => (4, n, 0, 0),
        }
    }

    fn write(self, batch: &mut Batch) {
        match self {
            Self::App(n, v) => batch.apps.push(app(n, v)),
            Self::AppGone(n) => batch.apps_deleted.push(app_id(n)),
            Self::Api(n, v) => batch.apis.push(api(n, v)),
            Self::ApiGone(n) => batch.apis_deleted.push(api_id(n)),
            Self::Publication(n, on, v) => batch.publications.push(publication(n, on, v)),
            Self::Standing(n, on, of, v) => batch.standings.push(standing(n, on, of, v)),
            Self::Token(n, v) => batch.tokens.push(token(n, v)),
        }
    }
}

/// Follows a source that answers as a store does.
fn follows(material: &mut Material<'_>) {
    let mut log = Vec::new();
    let mut stops = Vec::new();
    let (mut apps, mut apis) = ([None; 3], [None; 3]);
    while !material.is_empty() && log.len() < CHANGES {
        let change = Change::read(material);
        let is = |known: [Option<bool>; 3], n: u8| known[usize::from(n)];
        // Ids never come back, and nothing is told of what has never been there.
        let goes = match change {
            Change::App(n, _) => is(apps, n) != Some(false),
            Change::AppGone(n) => is(apps, n) == Some(true),
            Change::Api(n, _) => is(apis, n) != Some(false),
            Change::ApiGone(n) => is(apis, n) == Some(true),
            Change::Publication(n, ..) => is(apis, n).is_some(),
            Change::Standing(n, _, of, _) => is(apis, n).is_some() && is(apps, of).is_some(),
            Change::Token(..) => true,
        };
        if !goes {
            continue;
        }
        match change {
            Change::App(n, _) => apps[usize::from(n)] = Some(true),
            Change::AppGone(n) => apps[usize::from(n)] = Some(false),
            Change::Api(n, _) => apis[usize::from(n)] = Some(true),
            Change::ApiGone(n) => apis[usize::from(n)] = Some(false),
            _ => {}
        }
        log.push(change);
        if material.below(4) == 0 {
            stops.push(log.len());
        }
    }
    if log.is_empty() {
        return;
    }
    stops.push(log.len());
    let mut index = empty();
    let mut since = 0;
    for stop in stops {
        for _ in 0..2 {
            index = follow(index, since, batch(&log, since, stop));
            assert_eq!(index.revision(), stop as u64);
        }
        since = stop;
    }
    let full = follow(empty(), 0, batch(&log, 0, log.len()));
    assert_eq!(index.facts(&CALLS), full.facts(&CALLS));
}

fn follow(index: Index, since: usize, batch: Batch) -> Index {
    match index.apply(since as u64, batch) {
        Applied::Newer(index) => *index,
        Applied::Unchanged => index,
        Applied::Behind | Applied::StartOver => panic!("the batch continues the index"),
    }
}

/// What a store would answer: the latest state of what changed, and from 0 no removals.
fn batch(log: &[Change], since: usize, head: usize) -> Batch {
    let latest: BTreeMap<_, _> =
        log[since..head].iter().map(|change| (change.about(), *change)).collect();
    let mut batch = Batch { epoch: "e".to_owned(), head: head as u64, ..Batch::default() };
    for change in latest.into_values() {
        if since > 0 || !matches!(change, Change::AppGone(_) | Change::ApiGone(_)) {
            change.write(&mut batch);
        }
    }
    batch
}

/// Is told whatever the bytes say, in whatever order.
fn survives(material: &mut Material<'_>) {
    let mut index = empty();
    for _ in 0..6 {
        let since = u64::from(material.below(4));
        let head = match material.byte() {
            255 => u64::MAX,
            other => u64::from(other % 6),
        };
        let epoch = material.one_of(&["e", "f", ""]).to_owned();
        let mut batch = Batch { epoch, head, ..Batch::default() };
        for _ in 0..material.below(8) {
            Change::read(material).write(&mut batch);
        }
        let same_history = index.epoch() == batch.epoch;
        match index.apply(since, batch.clone()) {
            Applied::Newer(newer) => {
                assert_eq!((newer.epoch(), newer.revision()), (&*batch.epoch, head));
                assert!(same_history || since == 0, "another history begins at 0");
                assert!(!same_history || head >= index.revision(), "a revision never falls");
                index = *newer;
                assert!(
                    !matches!(index.apply(since, batch), Applied::Behind | Applied::StartOver)
                        || since > head,
                    "once more is no fault"
                );
            }
            Applied::Unchanged => assert!(same_history && head == index.revision()),
            Applied::Behind => assert!(same_history && head < index.revision()),
            Applied::StartOver => assert!(!same_history || since > index.revision()),
        }
    }
    drop(index.facts(&CALLS));
}

fn empty() -> Index {
    Index::empty(Arc::new(Serves::These([instance(0), instance(1)].into())), 1)
}

fn id<T>(parse: impl Fn(&str) -> Option<T>, of: &str, n: u8) -> T {
    let mut text = of.to_owned();
    text.push(char::from(b'0' + n));
    parse(&text).expect("an id")
}

fn app_id(n: u8) -> AppId {
    id(|text| AppId::parse(text).ok(), "app", n)
}

fn api_id(n: u8) -> ApiId {
    id(|text| ApiId::parse(text).ok(), "api", n)
}

fn instance(n: u8) -> InstanceId {
    id(|text| InstanceId::parse(text).ok(), "i", n)
}

fn account(n: u8) -> DomainId {
    id(|text| DomainId::parse(text).ok(), "d", n)
}

fn project() -> ProjectId {
    id(|text| ProjectId::parse(text).ok(), "p", 0)
}

fn user() -> UserId {
    id(|text| UserId::parse(text).ok(), "u", 0)
}

fn hour(n: u8) -> Timestamp {
    Timestamp::from_ms(i64::from(n) * 3_600_000)
}

fn app(n: u8, variant: u8) -> FeedApp {
    let is_iam = variant.is_multiple_of(3);
    // Keys move between apps, but no two apps have one key at a time.
    let key = ["k0", "k1", "k2"][usize::from(n)].to_owned();
    FeedApp {
        id: app_id(n),
        domain: account(variant % 2),
        project: project(),
        kind: if is_iam { AppKind::Iam } else { AppKind::App },
        key: if is_iam || variant.is_multiple_of(7) { String::new() } else { key },
        secret: (!is_iam).then(|| Secret::new("s")),
    }
}

fn api(n: u8, variant: u8) -> FeedApi {
    FeedApi {
        id: api_id(n),
        project: project(),
        domain: account(0),
        name: String::new(),
        auth: [AuthType::App, AuthType::Iam, AuthType::None][usize::from(variant % 3)],
        method: if variant.is_multiple_of(2) { Method::Get } else { Method::Post },
        path: PATHS[usize::from(variant) % PATHS.len()].to_owned(),
        backend: Backend {
            https: variant > 127,
            authority: "h".to_owned(),
            method: Method::Get,
            path: PATHS[usize::from(variant / 16) % PATHS.len()].to_owned(),
            timeout_ms: None,
            moved: Vec::new(),
            constants: Vec::new(),
        },
        rules: Rules::default(),
    }
}

fn publication(n: u8, on: u8, variant: u8) -> FeedPublication {
    let status = [
        Status::Published,
        Status::Stopped,
        Status::Offline,
        Status::Created,
        Status::Stopping { at: hour(9) },
        Status::Unpublishing { at: hour(9) },
        Status::RecoverPending,
        Status::PublishPending,
    ][usize::from(variant % 8)];
    FeedPublication { api: api_id(n), instance: instance(on), status }
}

fn standing(n: u8, on: u8, of: u8, variant: u8) -> FeedStanding {
    let grant = (!variant.is_multiple_of(3)).then(|| Grant {
        since: hour(1),
        until: hour(variant),
        by: user(),
        cut: None,
    });
    FeedStanding {
        key: Key { api: api_id(n), instance: instance(on), app: app_id(of) },
        grant,
        paused_from: (variant > 200).then_some(Timestamp::MAX),
        applied_until: variant.is_multiple_of(2).then_some(Timestamp::MAX),
        shutdown_at: None,
    }
}

fn token(n: u8, variant: u8) -> FeedToken {
    FeedToken {
        hash: [n; 32],
        user: user(),
        domain: account(n % 2),
        project: project(),
        expires_at: hour(variant),
    }
}
