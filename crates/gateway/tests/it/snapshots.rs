//! What a gate keeps across a restart, and how it notices that it does not hold what it should.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate_domain::AuthType;
use tidegate_domain::api::Method;
use tidegate_gateway::feed::{Batch, FeedStanding, Source, SourceError};
use tidegate_gateway::{
    Clock, Gate, GateConfig, Index, Limits, Reason, SealingKey, Serves, SnapshotFile,
};
use tokio::task::JoinHandle;

use crate::world::{HOUR, Log, NOON, World, at, grant, limits, signing_app, standing, until};

fn file(path: &Path, key: u8) -> SnapshotFile {
    SnapshotFile::new(path.to_owned(), SealingKey::new([key; SealingKey::LEN]))
}

fn gate(serves: Serves, limits: Limits) -> Gate {
    let clock = Clock { now: Arc::new(|| at(NOON)), wall: Arc::new(|| at(NOON)) };
    Gate::new(GateConfig { serves, limits, ..GateConfig::default() }, clock).unwrap()
}

/// A gate that begins with a file and follows a source.
fn started(file: SnapshotFile, source: &Arc<Told>, serves: Serves) -> Gate {
    let gate = gate(serves, limits());
    gate.keep_in(file);
    follow(&gate, source);
    gate
}

fn follow(gate: &Gate, source: &Arc<Told>) -> JoinHandle<()> {
    let (gate, source) = (gate.clone(), Arc::clone(source) as Arc<dyn Source>);
    tokio::spawn(async move { gate.follow(source, std::future::pending()).await })
}

/// A source that notes from where it was asked.
#[derive(Default)]
struct Told {
    log: Log,
    asked: Mutex<Vec<u64>>,
    /// Changes of standings are told only to who asks for everything.
    forgets: bool,
}

impl Told {
    /// A history of two apps.
    fn new() -> Arc<Self> {
        let told = Self::default();
        told.log.restore("e", vec![app_step("one"), app_step("two")]);
        Arc::new(told)
    }

    fn first_asked(&self) -> Option<u64> {
        self.asked.lock().unwrap().first().copied()
    }
}

fn app_step(id: &str) -> Batch {
    Batch { apps: vec![signing_app(id, id, "secret")], ..Batch::default() }
}

#[async_trait::async_trait]
impl Source for Told {
    async fn changes(&self, since: u64) -> Result<Batch, SourceError> {
        self.asked.lock().unwrap().push(since);
        let mut batch = self.log.changes(since).await?;
        if self.forgets && since > 0 {
            batch.standings.clear();
        }
        Ok(batch)
    }

    async fn bell(&self, since: u64) {
        self.log.bell(since).await;
    }

    async fn stamp_of(&self, revision: u64) -> Result<String, SourceError> {
        self.log.stamp_of(revision).await
    }
}

/// A folder with the snapshot of a gate that knew `source`.
async fn kept(source: &Arc<Told>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gate.snapshot");
    let gate = gate(Serves::All, limits());
    gate.keep_in(file(&path, 1));
    let following = follow(&gate, source);
    until(|| gate.revision() == Some(2)).await;
    following.abort();
    assert!(following.await.is_err());
    gate.save_snapshot().await;
    source.asked.lock().unwrap().clear();
    dir
}

#[tokio::test]
async fn a_file_spares_the_transfer_but_alone_decides_nothing() {
    let source = Told::new();
    let dir = kept(&source).await;
    let path = dir.path().join("gate.snapshot");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(!std::fs::read(&path).unwrap().windows(6).any(|w| w == b"secret"));

    source.log.is_down.store(true, Ordering::SeqCst);
    let gate = started(file(&path, 1), &source, Serves::All);
    until(|| source.first_asked().is_some()).await;
    assert_eq!(source.first_asked(), Some(2), "only what changed since");
    assert_eq!(gate.status().ready, Err(Reason::NotReady), "no answer yet, so no lease");

    source.log.push(app_step("three"));
    source.log.is_down.store(false, Ordering::SeqCst);
    until(|| gate.revision() == Some(3)).await;
    assert_eq!(gate.status().ready, Ok(()));
    assert_eq!(gate.status().sizes.apps, 3);
    assert!(source.asked.lock().unwrap().iter().all(|since| *since > 0));
}

#[tokio::test]
async fn a_file_with_nothing_new_since_is_as_good() {
    let source = Told::new();
    let dir = kept(&source).await;
    let gate = started(file(&dir.path().join("gate.snapshot"), 1), &source, Serves::All);
    gate.reached(2).await;
    assert_eq!(source.first_asked(), Some(2));
    let status = gate.status();
    assert_eq!((status.ready, status.sizes.apps), (Ok(()), 2));
    assert!(status.snapshot.unwrap().bytes > 0);
}

#[tokio::test]
async fn a_file_that_is_not_believed_costs_a_full_transfer_and_no_more() {
    let source = Told::new();
    let dir = kept(&source).await;
    let path = dir.path().join("gate.snapshot");
    let whole = std::fs::read(&path).unwrap();
    let mut bent = whole.clone();
    *bent.last_mut().unwrap() ^= 1;
    let mut older = whole.clone();
    assert_eq!(older[16..20], [3, 0, 0, 0]);
    older[16] = 2;
    let apig = Serves::These([crate::world::apig()].into());
    std::fs::write(&path, &older).unwrap();
    let why = file(&path, 1).load(&Arc::new(Serves::All), 1).err().unwrap().to_string();
    assert!(why.contains("it has form 2, and this version reads form 3"), "{why}");
    for (name, bytes, key, serves) in [
        ("damaged", &bent[..], 1, Serves::All),
        ("cut short", &whole[..whole.len() - 1], 1, Serves::All),
        ("empty", &[], 1, Serves::All),
        ("of an older form", &older, 1, Serves::All),
        ("foreign", b"something else altogether, of some length", 1, Serves::All),
        ("of another key", &whole, 2, Serves::All),
        ("of other instances", &whole, 1, apig),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let source = Told::new();
        let gate = started(file(&path, key), &source, serves.clone());
        until(|| gate.revision() == Some(2)).await;
        assert_eq!(source.first_asked(), Some(0), "{name}");
        assert_eq!(gate.status().sizes.apps, 2, "{name}");
        // And it is replaced by a good one.
        gate.save_snapshot().await;
        let loaded: Result<Option<Index>, _> = file(&path, key).load(&Arc::new(serves), 1);
        assert_eq!(loaded.ok().flatten().map(|index| index.revision()), Some(2), "{name}");
    }
}

#[tokio::test]
async fn a_file_of_another_history_or_from_the_future_is_dropped() {
    for (epoch, apps) in [("f", ["a", "b", "c"].as_slice()), ("e", &["a"])] {
        let source = Told::new();
        let dir = kept(&source).await;
        let steps: Vec<Batch> = apps.iter().map(|id| app_step(id)).collect();
        let head = steps.len();
        source.log.restore(epoch, steps);
        let gate = started(file(&dir.path().join("gate.snapshot"), 1), &source, Serves::All);
        until(|| gate.revision() == Some(head as u64)).await;
        assert_eq!(*source.asked.lock().unwrap(), [2, 0], "{epoch}");
        assert_eq!((gate.status().ready, gate.status().sizes.apps), (Ok(()), head), "{epoch}");
    }
}

#[tokio::test]
async fn a_change_is_kept_without_being_asked() {
    let source = Told::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gate.snapshot");
    let gate = started(file(&path, 1), &source, Serves::All);
    until(|| gate.status().snapshot.is_some()).await;
    let loaded = file(&path, 1).load(&Arc::new(Serves::All), 1).ok().flatten().unwrap();
    assert_eq!((loaded.revision(), loaded.digest()), (2, gate.status().digest.unwrap()));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[tokio::test]
async fn a_change_that_was_never_told_is_found_and_made_good() {
    let source = Arc::new(Told { forgets: true, ..Told::default() });
    source.log.restore("e", vec![app_step("app")]);
    let limits =
        Limits { poll: Duration::from_millis(5), compare: Duration::from_millis(200), ..limits() };
    let world = World::bare(self::limits()).await;
    let gate = gate(Serves::All, limits);
    follow(&gate, &source);
    until(|| gate.revision() == Some(1)).await;
    let api = world.api("get", AuthType::App, Method::Get, "/orders/{id}", "/o");
    source.log.push(Batch { apis: vec![api], ..Batch::default() });
    let granted: FeedStanding = standing("get", "app", Some(grant(NOON, NOON + HOUR, None)));
    source.log.push(Batch { standings: vec![granted], ..Batch::default() });
    until(|| gate.revision() == Some(3)).await;
    until(|| gate.status().sizes.grants == 1).await;
    assert_eq!(gate.counters().digest_mismatches, 1);
    let metrics = gate.metrics().unwrap();
    for line in [
        "tidegate_gate_digest_mismatches_total 1",
        r#"tidegate_gate_known{kind="grant"} 1"#,
        "tidegate_gate_ready 1",
    ] {
        assert!(metrics.lines().any(|l| l == line), "`{line}` is missing in:\n{metrics}");
    }

    // Once it is right it stays right: further comparisons find nothing.
    let asked = source.asked.lock().unwrap().len();
    let everything = || source.asked.lock().unwrap()[asked..].iter().filter(|s| **s == 0).count();
    until(|| everything() >= 2).await;
    assert_eq!(gate.counters().digest_mismatches, 1);
}
