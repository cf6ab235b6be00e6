//! G11: an index from its snapshot file beside the same grants from SQLite.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, params};
use tidegate_gateway::{Index, SealingKey, Serves, SnapshotFile};

use crate::measure::{Report, median, on_cpus};
use crate::world::World;

const TURNS: usize = 5;

pub fn measure(count: u64, world: &World, index: &Index, report: &mut Report) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = || {
        let key = SealingKey::new([7; SealingKey::LEN]);
        SnapshotFile::new(dir.path().join("gate.snapshot"), key)
    };
    let began = Instant::now();
    let kept = file();
    kept.save(index).unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let mib = kept.status().unwrap().bytes as f64 / f64::from(1 << 20);
    report.row("  snapshot written, synced", format!("{seconds:.2} s, {mib:.0} MiB"), None, "");
    let path = dir.path().join("rows.db");
    fill(&path, world, count);

    let serves = Arc::new(Serves::All);
    let (mut ours, mut theirs) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..TURNS {
        let (times, loaded) = timed(|| file().load(&serves, 1_024).unwrap().unwrap());
        add(&mut ours, times);
        assert_eq!((loaded.sizes().grants as u64, loaded.digest()), (count, index.digest()));
        drop(loaded);
        let (times, found) = timed(|| read(&path));
        add(&mut theirs, times);
        assert_eq!(found, count);
    }
    let (ours, theirs) = (ours.map(median), theirs.map(median));
    let names = ["G11 index ready from its file, by the clock", "  CPU of all its threads"];
    for (n, name) in names.into_iter().enumerate() {
        let value = format!("{:.2} s / {:.2} s", ours[n], theirs[n]);
        report.row(name, value, Some(ours[n] / theirs[n]), ["≤ 0.1", ""][n]);
    }
}

/// What it took by the clock and on all CPUs.
fn timed<T>(work: impl FnOnce() -> T) -> ([f64; 2], T) {
    let (began, cpu) = (Instant::now(), on_cpus());
    let made = work();
    ([began.elapsed().as_secs_f64(), (on_cpus() - cpu) / 1e9], made)
}

fn add(all: &mut [Vec<f64>; 2], times: [f64; 2]) {
    all.iter_mut().zip(times).for_each(|(all, time)| all.push(time));
}

/// The rows of the store's table, in the order of its key: the fastest to be read.
fn fill(path: &Path, world: &World, count: u64) {
    let mut connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;
             CREATE TABLE standings (
                 api TEXT NOT NULL, instance TEXT NOT NULL, app TEXT NOT NULL,
                 since INTEGER, until INTEGER, granted_by TEXT, revision INTEGER NOT NULL,
                 PRIMARY KEY (api, instance, app)
             ) STRICT, WITHOUT ROWID;",
        )
        .unwrap();
    let mut order: Vec<u64> = (0..count).collect();
    order.sort_unstable_by_key(|n| World::order(*n));
    let transaction = connection.transaction().unwrap();
    let mut insert =
        transaction.prepare("INSERT INTO standings VALUES (?, ?, ?, ?, ?, ?, 1)").unwrap();
    for n in order {
        let standing = world.standing(n);
        let (key, grant) = (standing.key, standing.grant.unwrap());
        let (api, instance, app) = (key.api.as_str(), key.instance.as_str(), key.app.as_str());
        let (since, until) = (grant.since.as_ms(), grant.until.as_ms());
        insert.execute(params![api, instance, app, since, until, grant.by.as_str()]).unwrap();
    }
    drop(insert);
    transaction.commit().unwrap();
}

/// Reads all rows and makes nothing of them.
fn read(path: &Path) -> u64 {
    let connection = Connection::open(path).unwrap();
    let mut select = connection
        .prepare("SELECT api, instance, app, since, until, granted_by FROM standings")
        .unwrap();
    let mut rows = select.query([]).unwrap();
    let mut count = 0;
    while let Some(row) = rows.next().unwrap() {
        for text in [0, 1, 2, 5] {
            black_box(row.get_ref(text).unwrap().as_str().unwrap());
        }
        black_box(row.get_ref(3).unwrap().as_i64().unwrap());
        black_box(row.get_ref(4).unwrap().as_i64().unwrap());
        count += 1;
    }
    count
}
