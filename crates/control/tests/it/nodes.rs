//! Two nodes on one PostgreSQL database.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tidegate_control::{
    Clocks, Command, Control, DutyTask, Error, GrantAction, OnDuty, Settings, Unproven, Vault,
};
use tidegate_domain::{AppKind, Timestamp};
use tidegate_store::sql::{PostgresUrl, SqlStore};
use tidegate_store::{Revision, Store};
use tidegate_testkit::{World, hour, postgres};
use tokio::time::timeout;

use crate::faulty::Faulty;

const PATIENCE: Duration = Duration::from_secs(30);

/// A node, and by how many milliseconds its clock is off.
struct Node {
    control: Arc<Control>,
    store: Arc<dyn Store>,
    off_ms: Arc<AtomicI64>,
}

async fn store(url: &str) -> Arc<dyn Store> {
    Arc::new(SqlStore::open_postgres(&PostgresUrl::parse(url).unwrap()).await.unwrap())
}

impl Node {
    async fn on(url: &str) -> Self {
        Self::over(store(url).await).await
    }

    async fn over(store: Arc<dyn Store>) -> Self {
        let base = store.peers().unwrap().beat("whoever asks the time").await.unwrap();
        let (begun, off_ms) = (Instant::now(), Arc::new(AtomicI64::new(0)));
        let off = Arc::clone(&off_ms);
        let passed = move || i64::try_from(begun.elapsed().as_millis()).unwrap();
        let wall = move || base.plus_ms(passed() + off.load(Ordering::SeqCst));
        let clocks = Clocks { wall: Arc::new(wall), boot: Arc::new(move || begun.elapsed()) };
        let vault = Vault::new(&[7; Vault::KEY_LEN]).unwrap();
        let control = Control::new(Arc::clone(&store), vault, Settings::default());
        let control = control.among_peers(clocks).unwrap();
        control.beat().await.unwrap();
        Self { control: Arc::new(control), store, off_ms }
    }

    async fn head(&self) -> tidegate_store::Head {
        self.control.head().await.unwrap()
    }
}

/// A world on a database, and two nodes on it.
async fn world() -> (World, Node, Node) {
    let url = postgres::database();
    let world = World::over(store(&url).await, Settings::default()).await;
    (world, Node::on(&url).await, Node::on(&url).await)
}

fn new_app(name: &str) -> Command {
    Command::CreateApp { name: name.to_owned(), description: String::new(), kind: AppKind::App }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_at_one_node_rings_at_the_other() {
    let (world, one, two) = world().await;
    let owner = world.caller("owner").await;
    let neighbours = two.control.listen().await.unwrap().unwrap();
    let hearing = Arc::clone(&two.control);
    tokio::spawn(async move { hearing.hear(neighbours).await });
    let ringing = Arc::clone(&one.control);
    tokio::spawn(async move { ringing.pass_on(&mut Revision(0)).await });
    for turn in 0..20 {
        let before = two.head().await.revision;
        let made = one.control.execute(&owner, new_app(&format!("app {turn}")), world.now());
        let revision = made.await.unwrap().revision;
        // No timer runs here: only the bell can end this.
        timeout(PATIENCE, two.control.bell().heard_after(before)).await.unwrap();
        assert!(two.head().await.revision >= revision);
    }
}

/// What is waiting to be delivered, each message with its number.
async fn told(node: &Node) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for message in node.store.view().await.unwrap().outbox(10_000).await.unwrap() {
        *told.entry(format!("{} {}", message.what, message.recipient)).or_default() += 1;
    }
    told
}

/// E4: a node that can keep no change does not keep the duty either, though it reaches the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_duty_ends_with_the_ability_to_commit() {
    let url = postgres::database();
    let mute = Arc::new(Faulty::over(store(&url).await));
    let one = Node::over(Arc::clone(&mute) as _).await;
    let two = Node::on(&url).await;
    let take = async |node: &Node| node.control.take_duty(DutyTask::Deliver).await;
    assert!(take(&one).await.unwrap().is_some() && take(&two).await.unwrap().is_none());
    mute.is_mute.store(true, Ordering::SeqCst);
    // It tries all the time, and so does the other one.
    let relieved = async {
        while take(&two).await.unwrap().is_none() {
            take(&one).await.unwrap_err();
        }
    };
    timeout(PATIENCE, relieved).await.expect("the other one takes it over");
    mute.is_mute.store(false, Ordering::SeqCst);
    assert_eq!(take(&one).await.unwrap(), None, "it is the other one's now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_time_brings_is_recorded_and_reminded_of_once_by_two_nodes() {
    let (world, one, two) = world().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(24 * 30))))).await;
    for node in [&one, &two] {
        if let Some(on_duty) = node.control.take_duty(DutyTask::Schedule).await.unwrap() {
            node.control.remind(&on_duty, world.now()).await.unwrap();
        }
    }
    world.does("reviewer", world.on_grant(GrantAction::Cancel(Some(hour(100))))).await;
    let before = told(&one).await;

    // Both believe to be on duty; one is.
    let on_duty = one.control.take_duty(DutyTask::Schedule).await.unwrap().expect("it is free");
    assert_eq!(two.control.take_duty(DutyTask::Schedule).await.unwrap(), None);
    let later = hour(101);
    let both = async |node: &Node, on_duty: &OnDuty, at| {
        let reminded = node.control.remind(on_duty, at).await;
        (node.control.settle(on_duty, at).await, reminded)
    };
    both(&one, &on_duty, hour(77)).await.0.unwrap();
    both(&one, &on_duty, hour(77)).await.0.unwrap();
    both(&one, &on_duty, later).await.0.unwrap();
    one.control.leave_duty(&on_duty).await.unwrap();
    let relief =
        two.control.take_duty(DutyTask::Schedule).await.unwrap().expect("it is free again");
    let late = both(&one, &on_duty, hour(102)).await;
    assert!(late.0.is_err() || late.0.unwrap().count == 0, "nothing is done twice");
    assert_eq!(both(&two, &relief, later).await.0.unwrap().count, 0, "nothing is left");

    let mut new = told(&two).await;
    for (what, count) in before {
        *new.get_mut(&what).unwrap() -= count;
    }
    new.retain(|_, count| *count > 0);
    let (owner, reviewer) = (world.user("owner").await, world.user("reviewer").await);
    let expected = [
        format!("notice.closed {owner}"),
        format!("notice.closed {reviewer}"),
        format!("reminder.notice-unanswered {owner}"),
    ];
    for what in &expected {
        assert_eq!(new.get(what), Some(&1), "{what} once, of {new:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_clock_is_off_decides_nothing_and_recovers() {
    let (world, one, two) = world().await;
    let owner = world.caller("owner").await;
    let before = one.head().await;
    for off_ms in [3_600_000, -3_600_000] {
        one.off_ms.store(off_ms, Ordering::SeqCst);
        let at = world.now().plus_ms(off_ms);
        let jumped = one.control.execute(&owner, new_app("late"), at).await;
        let why = jumped.err().unwrap();
        assert!(matches!(why, Error::Unproven(_)), "{why:?}");
        let beat = one.control.beat().await.err().unwrap();
        assert!(matches!(beat, Error::Unproven(Unproven::ClockOff { .. })), "{beat:?}");
        assert!(one.control.proven().is_err() && two.control.proven().is_ok());
    }
    assert_eq!(one.head().await, before, "no decision, and no decision time");
    let aged = one.control.proof_age().unwrap();
    assert!(aged <= one.control.proof_age().unwrap(), "an old proof only gets older");
    one.off_ms.store(0, Ordering::SeqCst);
    one.control.beat().await.unwrap();
    one.control.execute(&owner, new_app("late"), world.now()).await.unwrap();
    let decided: Timestamp = two.head().await.decided_at;
    assert_eq!(decided, world.now());
}
