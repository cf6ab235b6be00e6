//! A server that is cut off at any message, falls silent, is killed within a commit, or has no room.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tidegate_store::Store;
use tidegate_store::sql::{PostgresUrl, SqlStore};
use tidegate_testkit::postgres::{Server, database};

use crate::ledger::{Change, Ledger};
use crate::relay::{Break, Plan, Relay};
use crate::trials;

/// A store behind a way that breaks, and another one that goes straight to the server.
struct Trial {
    relay: Relay,
    store: SqlStore,
    straight: SqlStore,
    ledger: Ledger,
}

async fn open(url: &str) -> SqlStore {
    SqlStore::open_postgres(&PostgresUrl::parse(url).unwrap()).await.unwrap()
}

/// The folder of the socket in a URL, and the database.
fn parts(url: &str) -> (PathBuf, &str) {
    let (server, folder) = url.split_once("?host=").unwrap();
    (folder.into(), server.rsplit_once('/').unwrap().1)
}

impl Trial {
    async fn new(url: &str) -> Self {
        let (folder, name) = parts(url);
        let relay = Relay::new(folder);
        let (straight, store) = (open(url).await, open(&relay.url(name)).await);
        let mut trial = Self { relay, store, straight, ledger: Ledger::default() };
        trial.works("at first").await;
        trial
    }

    async fn works(&mut self, when: &str) {
        assert!(self.ledger.change(&self.store, Change::App).await, "the next change, {when}");
        self.store.prove_writes(Duration::ZERO).await.unwrap();
    }

    /// Makes a change while the way breaks; whether it did.
    async fn run(&mut self, change: Change, plan: Plan) -> bool {
        let when = format!("{change:?} under {plan:?}");
        self.relay.arm(plan);
        self.ledger.change(&self.store, change).await;
        // What gateways tell has a connection of its own: changes go on beside it.
        if plan.stays && change != Change::Gateway && self.relay.is_broken() {
            assert!(self.store.prove_writes(Duration::ZERO).await.is_err(), "{when}: ready");
            assert!(!self.ledger.change(&self.store, Change::App).await, "{when}: acknowledged");
        }
        let broken = self.relay.disarm();
        self.ledger.check(&self.straight, &when).await;
        self.works(&when).await;
        let there = self.ledger.check(&self.straight, &when).await;
        self.ledger.settle(there);
        broken
    }
}

/// Every n-th message of a change, in either direction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_at_any_message_loses_nothing() {
    let wanted = trials(60);
    let step = if wanted < 100 { 9 } else { 1 };
    let mut trial = Trial::new(&database()).await;
    let mut made = 0;
    for round in 0.. {
        for change in [Change::App, Change::Gateway] {
            for (how, stays) in
                [Break::Before, Break::After].map(|how| [(how, false), (how, true)]).concat()
            {
                for at in (1 + round % step..).step_by(usize::try_from(step).unwrap()) {
                    if !trial.run(change, Plan { at, holding: None, how, stays }).await {
                        break;
                    }
                    made += 1;
                }
            }
        }
        if made >= wanted {
            break;
        }
    }
    println!("PostgreSQL: {made} cuts, 0 lost; answers: {:?}", trial.ledger.answers);
}

/// Connections that fall silent cost their limits, and nothing after that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_falls_silent_is_replaced() {
    let mut trial = Trial::new(&database()).await;
    let many = trials(0) > 0;
    let messages: Vec<(u64, Option<&str>)> =
        if many { (1..40).step_by(3).map(|at| (at, None)).collect() } else { Vec::new() };
    for (at, holding) in messages.into_iter().chain([(1, Some("COMMIT"))]) {
        let plan = Plan { at, holding, how: Break::Silence, stays: false };
        let begun = Instant::now();
        trial.run(Change::App, plan).await;
        // A sign of life, a statement or a commit that is awaited, and what follows.
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(20), "{plan:?}: {took:?}");
    }
    println!("PostgreSQL: silence, 0 lost; answers: {:?}", trial.ledger.answers);
}

/// A server that is killed while it commits has committed, or has not: the answer says so, or that it
/// is not known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_within_a_commit_loses_nothing() {
    let server = Server::start();
    let mut trial = Trial::new(&server.url()).await;
    let kills = if trials(0) > 0 { 20 } else { 2 };
    for kill in 0..kills {
        let how = if kill % 2 == 0 { Break::Before } else { Break::After };
        let plan = Plan { at: 1, holding: Some("COMMIT"), how, stays: true };
        trial.relay.arm(plan);
        let (_, ()) = tokio::join!(trial.ledger.change(&trial.store, Change::App), async {
            trial.relay.broken().await;
            server.kill();
        });
        server.resume();
        trial.relay.disarm();
        let when = format!("killed, {plan:?}");
        trial.straight = open(&server.url()).await;
        trial.ledger.check(&trial.straight, &when).await;
        trial.works(&when).await;
        let there = trial.ledger.check(&trial.straight, &when).await;
        trial.ledger.settle(there);
    }
    println!("PostgreSQL: {kills} kills, 0 lost; answers: {:?}", trial.ledger.answers);
}

/// A disk that fills and empties again. The server refuses what does not fit, or ends for want of room and is started
/// anew; the node is never.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_disk_is_full_loses_nothing() {
    let Some(server) = Server::on_a_small_disk(96) else {
        println!("PostgreSQL: left out, for a small disk needs root");
        return;
    };
    let mut trial = Trial::new(&server.url()).await;
    let times = if trials(0) > 0 { 50 } else { 3 };
    for turn in 0..times {
        let room = [0, 16, 64, 512, 2_048][turn % 5];
        let when = format!("{room} KiB left, turn {turn}");
        server.fill(room);
        let mut changes = Change::ALL.into_iter().cycle().take(1_000);
        for change in changes.by_ref() {
            if !trial.ledger.change(&trial.store, change).await {
                break;
            }
        }
        assert!(changes.next().is_some(), "{when}: there was room for all");
        for change in changes.take(20) {
            trial.ledger.change(&trial.store, change).await;
        }
        server.make_room();
        trial.straight = open(&server.url()).await;
        trial.ledger.check(&trial.straight, &when).await;
        trial.works(&when).await;
        let there = trial.ledger.check(&trial.straight, &when).await;
        trial.ledger.settle(there);
    }
    println!("PostgreSQL: {times} full disks, 0 lost; answers: {:?}", trial.ledger.answers);
}
