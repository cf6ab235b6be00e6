use super::code::Code;
use super::*;
use crate::feed::{Backend, Rules};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Mutex;
use tidegate_domain::standing::Key;
use tidegate_domain::{AuthType, Grant, HostName, UserId};
use tidegate_sign::Secret;

const PATHS: [&str; 4] = ["/orders/{id}", "/orders/new", "/{a}/{b}", "/orders"];
const CALLS: [&str; 5] = ["/orders/7", "/orders/new", "/x/y", "/orders", "/none/at/all"];

fn app_id(n: u8) -> AppId {
    AppId::parse(&format!("app{n}")).unwrap()
}

fn api_id(n: u8) -> ApiId {
    ApiId::parse(&format!("api{n}")).unwrap()
}

fn instance(n: u8) -> InstanceId {
    InstanceId::parse(&format!("i{n}")).unwrap()
}

fn account(n: u8) -> DomainId {
    DomainId::parse(&format!("d{n}")).unwrap()
}

fn project(n: u8) -> ProjectId {
    ProjectId::parse(&format!("p{n}")).unwrap()
}

/// Hours from 2026-01-02T03:00:00Z on.
fn hour(n: u8) -> Timestamp {
    Timestamp::from_ms(1_767_322_800_000 + i64::from(n) * 3_600_000)
}

fn app(n: u8, variant: u8) -> FeedApp {
    let is_iam = variant.is_multiple_of(3);
    FeedApp {
        id: app_id(n),
        domain: account(variant % 2),
        project: project(0),
        kind: if is_iam { AppKind::Iam } else { AppKind::App },
        key: if is_iam { String::new() } else { format!("key{n}-{variant}") },
        secret: (!is_iam).then(|| Secret::new(format!("secret{n}-{variant}"))),
    }
}

fn api(n: u8, variant: u8) -> FeedApi {
    FeedApi {
        id: api_id(n),
        project: project(n / 2),
        domain: account(0),
        name: format!("api {n}"),
        auth: [AuthType::App, AuthType::Iam, AuthType::None][usize::from(variant % 3)],
        method: if variant.is_multiple_of(2) { Method::Get } else { Method::Post },
        path: PATHS[usize::from(variant % 4)].to_owned(),
        backend: Backend {
            https: false,
            authority: format!("h{variant}"),
            method: Method::Get,
            path: "/".to_owned(),
            timeout_ms: None,
            moved: Vec::new(),
            constants: Vec::new(),
            numbers: Vec::new(),
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
    ][usize::from(variant % 5)];
    let published_at = (!variant.is_multiple_of(4)).then(|| hour(variant / 5));
    FeedPublication { api: api_id(n), instance: instance(on), status, published_at }
}

/// Two projects have instances of the same ids.
fn hosts(of: u8, on: u8, variant: u8) -> FeedInstance {
    let hosts: &[&str] = match variant % 4 {
        0 => &[],
        1 => &["a.example"],
        2 => &["b.example", "c.example"],
        _ => &["a.example", "c.example"],
    };
    FeedInstance {
        project: project(of),
        id: instance(on),
        hosts: hosts.iter().map(|host| HostName::parse(host).unwrap()).collect(),
    }
}

fn standing(n: u8, on: u8, of: u8, variant: u8) -> FeedStanding {
    let grant = (!variant.is_multiple_of(3)).then(|| Grant {
        since: hour(1).plus_ms(i64::from(variant)),
        // Some end within an hour.
        until: hour(variant).plus_ms(i64::from(variant / 28)),
        by: UserId::parse("r").unwrap(),
        cut: None,
    });
    FeedStanding {
        key: Key { api: api_id(n), instance: instance(on), app: app_id(of) },
        grant,
        paused_from: None,
        applied_until: variant.is_multiple_of(6).then_some(Timestamp::MAX),
        shutdown_at: None,
    }
}

fn token(n: u8, variant: u8) -> FeedToken {
    FeedToken {
        hash: [n; 32],
        user: UserId::parse("u").unwrap(),
        domain: account(n % 2),
        project: project(0),
        expires_at: hour(variant),
    }
}

/// A change to one of few things, so that changes meet.
#[derive(Debug, Clone, Copy)]
enum Change {
    App(u8, u8),
    AppGone(u8),
    Api(u8, u8),
    ApiGone(u8),
    Publication(u8, u8, u8),
    Standing(u8, u8, u8, u8),
    Token(u8, u8),
    Hosts(u8, u8, u8),
    Default(u8),
}

fn change() -> impl Strategy<Value = Change> {
    let (n, v) = (0..4_u8, 0..30_u8);
    prop_oneof![
        3 => (n.clone(), v.clone()).prop_map(|(n, v)| Change::App(n, v)),
        1 => n.clone().prop_map(Change::AppGone),
        3 => (n.clone(), v.clone()).prop_map(|(n, v)| Change::Api(n, v)),
        1 => n.clone().prop_map(Change::ApiGone),
        4 => (n.clone(), 0..3_u8, v.clone()).prop_map(|(n, on, v)| Change::Publication(n, on, v)),
        6 => (n.clone(), 0..3_u8, n.clone(), v.clone())
            .prop_map(|(n, on, of, v)| Change::Standing(n, on, of, v)),
        1 => (n, v.clone()).prop_map(|(n, v)| Change::Token(n, v)),
        2 => (0..2_u8, 0..3_u8, v).prop_map(|(of, on, v)| Change::Hosts(of, on, v)),
        1 => (0..2_u8).prop_map(Change::Default),
    ]
}

/// What a store would answer: the latest state of what changed after a revision.
struct Log(Vec<Change>);

impl Log {
    /// As stores have it: ids never come back, and nothing changes before what it is about exists.
    fn of(changes: &[Change]) -> Self {
        let (mut apps, mut apis) = (BTreeMap::new(), BTreeMap::new());
        let mut kept = Vec::new();
        for change in changes {
            let goes = match change {
                Change::App(n, _) => *apps.entry(*n).or_insert(true),
                Change::AppGone(n) => apps.get(n) == Some(&true),
                Change::Api(n, _) => *apis.entry(*n).or_insert(true),
                Change::ApiGone(n) => apis.get(n) == Some(&true),
                Change::Publication(n, ..) => apis.contains_key(n),
                // A standing may still change after its app or API is gone.
                Change::Standing(n, _, of, _) => apis.contains_key(n) && apps.contains_key(of),
                Change::Token(..) | Change::Hosts(..) | Change::Default(_) => true,
            };
            match change {
                Change::AppGone(n) if goes => drop(apps.insert(*n, false)),
                Change::ApiGone(n) if goes => drop(apis.insert(*n, false)),
                _ => {}
            }
            if goes {
                kept.push(*change);
            }
        }
        Self(kept)
    }

    fn batch(&self, since: usize, head: usize) -> Batch {
        let mut latest = BTreeMap::new();
        for change in &self.0[since..head] {
            let about = match change {
                Change::App(n, _) | Change::AppGone(n) => (0, *n, 0, 0),
                Change::Api(n, _) | Change::ApiGone(n) => (1, *n, 0, 0),
                Change::Publication(n, on, _) => (2, *n, *on, 0),
                Change::Standing(n, on, of, _) => (3, *n, *on, *of),
                Change::Token(n, _) => (4, *n, 0, 0),
                Change::Hosts(of, on, _) => (5, *of, *on, 0),
                Change::Default(_) => (6, 0, 0, 0),
            };
            latest.insert(about, *change);
        }
        let mut batch = Batch { epoch: "e".to_owned(), head: head as u64, ..Batch::default() };
        for change in latest.into_values() {
            match change {
                Change::App(n, v) => batch.apps.push(app(n, v)),
                // From 0 there are no removals: what is gone was never there.
                Change::AppGone(n) if since > 0 => batch.apps_deleted.push(app_id(n)),
                Change::Api(n, v) => batch.apis.push(api(n, v)),
                Change::ApiGone(n) if since > 0 => batch.apis_deleted.push(api_id(n)),
                Change::AppGone(_) | Change::ApiGone(_) => {}
                Change::Publication(n, on, v) => batch.publications.push(publication(n, on, v)),
                Change::Standing(n, on, of, v) => batch.standings.push(standing(n, on, of, v)),
                Change::Token(n, v) => batch.tokens.push(token(n, v)),
                Change::Hosts(of, on, v) => batch.instances.push(hosts(of, on, v)),
                Change::Default(of) => batch.default_project = Some(project(of)),
            }
        }
        batch
    }
}

fn empty() -> Index {
    let serves = Serves::These([instance(0), instance(1)].into());
    Index::empty(Arc::new(serves), 1)
}

fn apply(index: Index, since: usize, batch: Batch) -> Index {
    match index.apply(since as u64, batch) {
        Applied::Newer(index) => *index,
        Applied::Unchanged => index,
        Applied::Behind | Applied::StartOver => panic!("the batch continues the index"),
    }
}

/// Parts in memory.
#[derive(Clone)]
struct Written(Vec<Vec<u8>>);

struct Reading(Mutex<std::vec::IntoIter<Vec<u8>>>, usize);

impl Parts for Reading {
    fn next(&self, before: u64, part: &mut Vec<u8>) -> std::io::Result<Option<u64>> {
        let mut rest = self.0.lock().unwrap();
        let number = (self.1 - rest.len()) as u64;
        if number >= before {
            return Ok(None);
        }
        *part = rest.next().ok_or(std::io::ErrorKind::UnexpectedEof)?;
        Ok(Some(number))
    }

    fn end(&self) -> std::io::Result<()> {
        let rest = self.0.lock().unwrap();
        if rest.len() == 0 { Ok(()) } else { Err(std::io::ErrorKind::InvalidData.into()) }
    }
}

fn written(index: &Index) -> Written {
    let mut parts = Vec::new();
    let put = |part: &mut Vec<u8>| {
        parts.push(std::mem::take(part));
        Ok(())
    };
    index.write(put).unwrap();
    Written(parts)
}

fn read(Written(parts): &Written) -> Result<Index, Broken> {
    let parts = Reading(Mutex::new(parts.clone().into_iter()), parts.len());
    Index::read(&parts, &empty().serves, 1)
}

proptest! {
    #[test]
    fn bytes_that_no_index_writes_are_refused_or_harmless(
        changes in prop::collection::vec(change(), 1..60),
        bent in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let log = Log::of(&changes);
        let head = log.0.len();
        let mut bytes = written(&apply(empty(), 0, log.batch(0, head)));
        let count = bytes.0.len();
        prop_assert!(read(&Written(bytes.0[..cut.index(count)].to_vec())).is_err());
        prop_assert!(read(&Written([&bytes.0[..], &[vec![]]].concat())).is_err());
        let part = cut.index(count);
        for change in [|part: &mut Vec<u8>| part.push(0), |part: &mut Vec<u8>| part.truncate(part.len().saturating_sub(1))] {
            let mut other = bytes.clone();
            change(&mut other.0[part]);
            prop_assert!(read(&other).is_err());
        }
        for (at, byte) in bent {
            // Most parts are nodes, and most of these are empty.
            let part = at.index(if byte % 2 == 0 { 4 } else { count });
            let at = at.index(bytes.0[part].len());
            bytes.0[part][at] = byte;
        }
        if let Ok(index) = read(&bytes) {
            index.facts(&CALLS);
        }
    }

    #[test]
    fn many_small_batches_and_one_full_one_lead_to_the_same_index(
        changes in prop::collection::vec(change(), 1..60),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let log = Log::of(&changes);
        let head = log.0.len();
        let mut stops: Vec<usize> = cuts.iter().map(|cut| cut.index(head + 1)).collect();
        stops.push(head);
        stops.sort_unstable();

        let mut index = empty();
        let mut since = 0;
        for stop in stops {
            index = apply(index, since, log.batch(since, stop));
            // Once more changes nothing.
            index = apply(index, since, log.batch(since, stop));
            since = stop;
            let full = apply(empty(), 0, log.batch(0, stop));
            prop_assert_eq!(index.facts(&CALLS), full.facts(&CALLS));
            let told = Digest::of(&log.batch(0, stop), index.serves());
            prop_assert_eq!((index.digest(), index.counted()), (told, told));
            prop_assert_eq!((full.digest(), full.counted()), (told, told));
            let read = read(&written(&index)).unwrap();
            prop_assert_eq!(read.facts(&CALLS), index.facts(&CALLS));
            prop_assert_eq!((read.digest(), read.counted()), (told, told));
            // It goes on from there.
            index = read;
        }
    }
}

#[test]
fn a_batch_that_does_not_fit_changes_nothing() {
    let log = Log::of(&[Change::App(0, 1), Change::App(1, 1), Change::App(2, 1)]);
    let index = apply(empty(), 0, log.batch(0, 2));
    assert!(matches!(index.apply(1, log.batch(1, 1)), Applied::Behind));
    assert!(
        matches!(index.apply(0, log.batch(0, 1)), Applied::Newer(earlier) if earlier.revision() == 1),
        "all there is takes the place of what was known"
    );
    assert!(matches!(index.apply(2, log.batch(2, 2)), Applied::Unchanged));
    assert!(
        matches!(index.apply(3, log.batch(3, 3)), Applied::StartOver),
        "a gap is not jumped over"
    );
    let other = Batch { epoch: "f".to_owned(), ..log.batch(2, 3) };
    assert!(matches!(index.apply(2, other), Applied::StartOver));
    let after_other = Batch { since_stamp: "s".to_owned(), ..log.batch(2, 3) };
    assert!(matches!(index.apply(2, after_other), Applied::StartOver));
    let at_other = Batch { stamp: "s".to_owned(), ..log.batch(1, 2) };
    assert!(
        matches!(index.apply(1, at_other), Applied::StartOver),
        "the same revision, of another"
    );
}

#[test]
fn another_history_replaces_all_that_was_known() {
    let log = Log::of(&[Change::App(0, 1), Change::Api(0, 0), Change::Publication(0, 0, 0)]);
    let index = apply(empty(), 0, log.batch(0, 3));
    let other = Batch { epoch: "f".to_owned(), head: 1, apps: vec![app(1, 1)], ..Batch::default() };
    let index = apply(index, 0, other);
    assert_eq!((index.epoch(), index.revision()), ("f", 1));
    let by_key = |key| index.app_by_key(key, &account(1)).is_some();
    assert!(!by_key("key0-1") && by_key("key1-1"));
    let target = Target::parse("/orders/7").unwrap();
    assert_eq!(index.found(None, Method::Get, &target), None);
}

#[test]
fn a_change_of_a_grant_shares_all_else() {
    let log = Log::of(&[
        Change::App(0, 1),
        Change::Api(0, 0),
        Change::Publication(0, 0, 0),
        Change::Standing(0, 0, 0, 1),
        Change::Standing(0, 1, 0, 1),
        Change::Standing(0, 0, 0, 2),
    ]);
    let before = apply(empty(), 0, log.batch(0, 5));
    let after = apply(before.clone(), 5, log.batch(5, 6));
    assert!(Arc::ptr_eq(&before.apis, &after.apis));
    assert!(Arc::ptr_eq(&before.keys, &after.keys));
    assert!(Arc::ptr_eq(&before.routes, &after.routes));
    assert!(Arc::ptr_eq(&before.doors, &after.doors));
    assert!(before.grants.shares_all_but_one_node_with(&after.grants));
}

#[test]
fn a_snapshot_of_other_instances_is_refused() {
    let Written(parts) = written(&apply(empty(), 0, Log::of(&[Change::App(0, 1)]).batch(0, 1)));
    let parts = Reading(Mutex::new(parts.clone().into_iter()), parts.len());
    let refused = Index::read(&parts, &Arc::new(Serves::All), 1).err().unwrap();
    assert!(refused.to_string().contains("other instances"), "{refused}");
}

#[test]
fn what_comes_twice_in_a_snapshot_is_refused() {
    let mut file = written(&apply(empty(), 0, Log::of(&[Change::Token(1, 5)]).batch(0, 1)));
    // No doors, and one token.
    let token = file.0[1][8..].to_vec();
    file.0[1][4] = 2;
    file.0[1].extend(token);
    let refused = read(&file).err().unwrap();
    assert!(refused.to_string().contains("a token comes twice"), "{refused}");

    let mut serves = Vec::new();
    Code::put(&Some(vec![instance(1), instance(1)]), &mut serves);
    assert!(<Serves as Code>::get(&mut serves.as_slice()).is_err());
}

#[test]
fn parts_that_are_not_cut_as_they_are_written_are_refused() {
    let two = [Change::App(0, 1), Change::App(1, 1), Change::Api(0, 0), Change::Api(1, 0)];
    let Written(parts) = written(&apply(empty(), 0, Log::of(&two).batch(0, 4)));
    let [head, apps, apis, rest @ ..] = &parts[..] else { panic!("a part of each kind") };
    let with = |apps: &[Vec<u8>], apis: &[Vec<u8>]| {
        // No instance that names hosts follows, and no default project.
        let (mut head, spaces) = {
            let (head, spaces) = head.split_at(head.len() - 5);
            (head[..head.len() - 8].to_vec(), spaces)
        };
        code::put_len(apps.len(), &mut head);
        code::put_len(apis.len(), &mut head);
        head.extend(spaces);
        read(&Written([&[head], apps, apis, rest].concat()))
    };
    // All that is in them is good, and nothing is missing.
    let cuts = |part: &Vec<u8>| {
        let (first, second) = part[4..].split_at((part.len() - 4) / 2);
        let one = |record: &[u8]| [&[1, 0, 0, 0], record].concat();
        let nothing = vec![0; 4];
        let short = vec![one(first), one(second)];
        [short, vec![nothing.clone(), part.clone()], vec![part.clone(), nothing]]
    };
    let whole = |part: &Vec<u8>| vec![part.clone()];
    assert!(with(&whole(apps), &whole(apis)).is_ok());
    let of_apps = cuts(apps).map(|cut| with(&cut, &whole(apis)));
    let of_apis = cuts(apis).map(|cut| with(&whole(apps), &cut));
    for read in of_apps.into_iter().chain(of_apis) {
        let refused = read.err().map(|broken| broken.to_string());
        assert_eq!(
            refused.as_deref(),
            Some("it is malformed: a part holds more or fewer than it should")
        );
    }
}

#[test]
fn old_tokens_are_forgotten_and_the_others_kept() {
    let log = Log::of(&[Change::Token(1, 5), Change::Token(2, 6)]);
    let index = apply(empty(), 0, log.batch(0, 2)).without_old_tokens(hour(5));
    assert!(index.token(&[1; 32]).is_none() && index.token(&[2; 32]).is_some());
}

#[test]
fn a_key_that_went_to_another_app_stays_there() {
    let with_key = |n, key: &str| FeedApp { key: key.to_owned(), ..app(n, 1) };
    let batch = |head, apps, apps_deleted| Batch {
        epoch: "e".to_owned(),
        head,
        apps,
        apps_deleted,
        ..Batch::default()
    };
    let index = apply(empty(), 0, batch(1, vec![with_key(0, "key")], Vec::new()));
    let handed_on = batch(2, vec![with_key(1, "key")], vec![app_id(0)]);
    let index = apply(index, 1, handed_on);
    let by_key = |index: &Index, key| {
        let app = index.app_by_key(key, &account(1));
        app.map(|app| app.feed.id.clone())
    };
    assert_eq!(by_key(&index, "key"), Some(app_id(1)));
    assert!(index.app_by_key("key", &account(0)).is_none(), "another account knows no such key");
    let changed = batch(3, vec![with_key(1, "new")], Vec::new());
    let index = apply(index, 2, changed);
    assert_eq!((by_key(&index, "key"), by_key(&index, "new")), (None, Some(app_id(1))));
}

#[test]
fn what_says_nothing_takes_no_memory() {
    // Neither a grant nor an application.
    let silent = Change::Standing(0, 0, 0, 3);
    let log =
        Log::of(&[Change::App(0, 1), Change::Api(0, 0), Change::Standing(0, 0, 0, 1), silent]);
    let index = apply(empty(), 0, log.batch(0, 3));
    assert_eq!(index.sizes().grants, 1);
    assert_eq!(apply(index, 3, log.batch(3, 4)).sizes().grants, 0);
    assert_eq!(apply(empty(), 0, log.batch(0, 4)).sizes().grants, 0);
}

#[test]
fn of_two_apis_on_one_route_the_first_published_answers_whatever_their_ids() {
    let published = |n: u8, at: u8, status| FeedPublication {
        status,
        published_at: Some(hour(at)),
        ..publication(n, n % 2, 0)
    };
    let batch = |head, first: u8, second: u8, status| Batch {
        epoch: "e".to_owned(),
        head,
        apis: vec![api(0, 0), api(1, 0)],
        publications: vec![published(0, first, status), published(1, second, Status::Published)],
        default_project: Some(project(0)),
        ..Batch::default()
    };
    let target = Target::parse("/orders/7").unwrap();
    let found = |index: &Index| index.found(None, Method::Get, &target).unwrap();
    for (first, second, on, status) in [
        (1, 2, "i0", Status::Published),
        (2, 1, "i1", Status::Published),
        (1, 2, "i0", Status::Stopped),
        (1, 2, "i1", Status::Offline),
    ] {
        let found = found(&apply(empty(), 0, batch(1, first, second, status)));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(on), "{found:?}");
    }
}

#[test]
fn instances_of_one_id_in_two_projects_are_apart() {
    let mut batch = Batch {
        epoch: "e".to_owned(),
        head: 1,
        // Of two projects, on one path.
        apis: vec![api(0, 0), api(2, 0)],
        publications: vec![publication(0, 0, 0), publication(2, 0, 0)],
        default_project: Some(project(0)),
        ..Batch::default()
    };
    let target = Target::parse("/orders/7").unwrap();
    let found = |index: &Index, host| {
        let found = index.found(host, Method::Get, &target).unwrap_or_default();
        let id = |door: &String| Some(door.split("api").nth(1)?[..1].to_owned());
        found.iter().filter_map(id).collect::<Vec<String>>()
    };
    let index = apply(empty(), 0, batch.clone());
    assert_eq!(found(&index, None), ["0"]);
    batch = Batch {
        epoch: "e".to_owned(),
        head: 2,
        instances: vec![hosts(1, 0, 1)],
        ..Batch::default()
    };
    let index = apply(index, 1, batch);
    assert_eq!(found(&index, Some("a.example")), ["2"]);
    assert_eq!(found(&index, Some("b.example")), ["0"]);
    let read = read(&written(&index)).unwrap();
    assert_eq!(read.facts(&CALLS), index.facts(&CALLS));
}
