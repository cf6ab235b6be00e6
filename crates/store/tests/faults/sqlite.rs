//! A disk that is full, fails, or lies about it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tidegate_faultfs::{Fault, FaultFs, Plan};
use tidegate_store::Store;
use tidegate_store::sql::SqlStore;

use crate::ledger::{Answers, Change, Ledger};
use crate::trials;

/// One fault, some, or as many as there are calls until it is over.
const SPANS: [u64; 3] = [1, 3, u64::MAX];

/// A store on a file system that can fail.
struct Trial {
    fs: FaultFs,
    folder: TempDir,
    store: SqlStore,
    ledger: Ledger,
}

impl Trial {
    async fn new(fs: FaultFs) -> Self {
        let folder = folder();
        let store = open(folder.path(), fs).await;
        let mut trial = Self { fs, folder, store, ledger: Ledger::default() };
        assert!(trial.ledger.change(&trial.store, Change::App).await, "a store that works");
        trial
    }

    /// Makes a change while calls fail; whether any did.
    async fn run(&mut self, change: Change, plan: Plan) -> bool {
        let when = format!("{change:?} under {plan:?}");
        self.fs.arm(plan);
        self.ledger.change(&self.store, change).await;
        let (calls, _) = self.fs.disarm();
        if calls < plan.from {
            return false;
        }
        if plan.count == u64::MAX {
            self.refuses_all(plan, &when).await;
        }
        self.is_right(&when).await;
        // The fault is over.
        assert!(self.ledger.change(&self.store, change).await, "the next change, after {when}");
        self.store.prove_writes(Duration::ZERO).await.unwrap();
        let there = self.is_right(&format!("later, {when}")).await;
        self.ledger.settle(there);
        true
    }

    /// While no call succeeds, nothing is acknowledged and nothing is ready.
    async fn refuses_all(&mut self, plan: Plan, when: &str) {
        self.fs.arm(Plan { from: 1, ..plan });
        assert!(self.store.prove_writes(Duration::ZERO).await.is_err(), "{when}: ready");
        for _ in 0..3 {
            assert!(!self.ledger.change(&self.store, Change::App).await, "{when}: acknowledged");
        }
        self.fs.disarm();
    }

    /// What is there now, what a kill would leave, and what a loss of power would.
    async fn is_right(&self, when: &str) -> std::collections::BTreeSet<String> {
        let there = self.ledger.check(&self.store, when).await;
        let killed = folder();
        for file in ["tidegate.db", "tidegate.db-wal"] {
            std::fs::copy(self.folder.path().join(file), killed.path().join(file)).unwrap();
        }
        self.reads(&killed, &format!("{when}, killed")).await;
        let dark = folder();
        self.fs.after_power_loss(self.folder.path(), dark.path()).unwrap();
        self.reads(&dark, &format!("{when}, without power")).await;
        there
    }

    async fn reads(&self, folder: &TempDir, when: &str) {
        let store = SqlStore::open_sqlite(&file(folder.path())).await.unwrap();
        self.ledger.check(&store, when).await;
    }
}

/// In memory, where there is such a place: what the machine's own disk does is not tested.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in(place).unwrap()
}

fn file(folder: &Path) -> PathBuf {
    folder.join("tidegate.db")
}

async fn open(folder: &Path, fs: FaultFs) -> SqlStore {
    SqlStore::open_sqlite_through(&file(folder), fs.name()).await.unwrap()
}

/// Every n-th call of every change, in every way, for every span; of all these as many as wanted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_loses_nothing() {
    let wanted = trials(240);
    let fs = FaultFs::register("failing-changes");
    let (mut made, mut answers) = (0, Answers::default());
    for round in 0.. {
        for (change, fault) in Change::ALL.iter().flat_map(|c| Fault::ALL.map(|fault| (*c, fault)))
        {
            for count in SPANS {
                let mut trial = Trial::new(fs).await;
                // The large one has a thousand calls: a few of them at a time, others in each round.
                let step =
                    if change == Change::Large { 37 * stride(wanted) } else { stride(wanted) };
                for from in (1 + round % step..).step_by(usize::try_from(step).unwrap()) {
                    if !trial.run(change, Plan { from, count, fault }).await {
                        break;
                    }
                    made += 1;
                }
                answers.kept += trial.ledger.answers.kept;
                answers.refused += trial.ledger.answers.refused;
                answers.unknown += trial.ledger.answers.unknown;
            }
        }
        if made >= wanted {
            break;
        }
    }
    println!("SQLite: {made} faults, 0 lost; answers: {answers:?}");
}

/// A test run takes every seventh call.
fn stride(wanted: u64) -> u64 {
    if wanted < 1_000 { 7 } else { 1 }
}

/// A start on a disk that fails is refused by name, or works; after it, all is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_on_a_disk_that_fails_loses_nothing() {
    let fs = FaultFs::register("failing-starts");
    let (mut made, mut refused) = (0, 0);
    for (fault, count) in Fault::ALL.iter().flat_map(|fault| SPANS.map(|span| (*fault, span))) {
        let mut trial = Trial::new(fs).await;
        for from in (1..).step_by(usize::try_from(stride(trials(0))).unwrap()) {
            let Trial { store, folder, ledger, .. } = trial;
            // Its last connection checkpoints when it closes, which may fail, too.
            fs.arm(Plan { from, count, fault });
            store.close().await;
            drop(store);
            let again = SqlStore::open_sqlite_through(&file(folder.path()), fs.name()).await;
            let (calls, _) = fs.disarm();
            refused += u64::from(again.is_err());
            drop(again);
            let store = open(folder.path(), fs).await;
            trial = Trial { fs, folder, store, ledger };
            let when = format!("a start under {fault:?} {from} {count}");
            let there = trial.is_right(&when).await;
            trial.ledger.settle(there);
            assert!(trial.ledger.change(&trial.store, Change::App).await, "{when}");
            if calls < from {
                break;
            }
            made += 1;
        }
    }
    println!("SQLite: {made} faults at starts, {refused} of them refused, 0 lost");
}
