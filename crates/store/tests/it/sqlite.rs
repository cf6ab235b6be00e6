//! What is special to a file.

use std::fs;
use std::path::Path;
use std::time::Duration;

use sea_orm::{ConnectionTrait, Database};
use tidegate_domain::publication::Status;
use tidegate_domain::{Api, ApplicationKind, Rules};
use tidegate_store::battery::samples::{
    api, api_id, app, app_id, application, application_id, at, granted, instance_id, publication,
};
use tidegate_store::sql::{SqlStore, sqlite_fault};
use tidegate_store::{Damaged, Revision, Store, StoreError, UnreadableApi};

async fn open(path: &Path) -> SqlStore {
    SqlStore::open_sqlite(path).await.unwrap()
}

/// A hand at the command line, which keeps no lock.
async fn by_hand(path: &Path, sql: &str) -> Result<(), sea_orm::DbErr> {
    let url = format!("sqlite://{}?mode=rw", path.display());
    let hand = Database::connect(url).await?;
    hand.execute_unprepared(sql).await?;
    hand.close().await
}

async fn fill(store: &SqlStore) {
    let mut tx = store.begin().await.unwrap();
    tx.set_decided_at(at(77), &tidegate_store::ClockMark::Trusted).await.unwrap();
    tx.put_app(&app("a1", "one", 1)).await.unwrap();
    tx.put_api(&api("x1", "one", 1)).await.unwrap();
    tx.put_publication(&publication("x1", "i1", Status::Published)).await.unwrap();
    tx.put_application(&application("q1", ApplicationKind::Apply, "x1", 2)).await.unwrap();
    tx.put_standing(&granted("x1", "i1", "a1", 9_000)).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate.db");
    let store = open(&path).await;
    fill(&store).await;
    let mut lost = store.begin().await.unwrap();
    lost.put_app(&app("a2", "lost", 1)).await.unwrap();
    let head = store.view().await.unwrap().head().await.unwrap();
    drop((lost, store));

    let again = open(&path).await;
    let mut view = again.view().await.unwrap();
    assert_eq!(view.head().await.unwrap(), head);
    assert_eq!((head.revision, head.decided_at), (Revision(1), at(77)));
    assert_eq!(view.app(&app_id("a1")).await.unwrap(), Some(app("a1", "one", 1)));
    assert!(view.app(&app_id("a2")).await.unwrap().is_none());
    assert_eq!(again.begin().await.unwrap().commit().await.unwrap(), Revision(2));
}

#[tokio::test]
async fn a_file_of_the_first_version_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate.db");
    let store = open(&path).await;
    fill(&store).await;
    drop(store);
    let mut back =
        "DROP INDEX apis_throttle; DROP TABLE throttles; DROP TABLE gateways; DROP TABLE nodes; DROP TABLE duty; DROP TABLE probes; DROP TABLE delivery;
        DROP TABLE reminders; DROP INDEX outbox_put_off; DROP INDEX standings_until;
        DROP INDEX notices_unanswered; ALTER TABLE outbox DROP COLUMN tries;
        ALTER TABLE outbox DROP COLUMN next_try_at; DROP TABLE default_project;
        ALTER TABLE instances DROP COLUMN hosts;
        DROP INDEX tokens_user; DROP INDEX applications_waiting;
        ALTER TABLE users DROP COLUMN disabled; ALTER TABLE tokens DROP COLUMN parent;
        ALTER TABLE tokens DROP COLUMN revoked;
        ALTER TABLE outbox DROP COLUMN name;
        ALTER TABLE head DROP COLUMN stamp; ALTER TABLE head DROP COLUMN parent; ALTER TABLE head DROP COLUMN clock;
        DROP INDEX apps_named; DROP INDEX apis_named;
        ALTER TABLE apps DROP COLUMN named_in; ALTER TABLE apis DROP COLUMN named_in;
        DROP TABLE history; DROP TABLE former_epochs; DROP TABLE setbacks; DROP TABLE vault_check; DROP TABLE feed_check;"
            .to_owned();
    for column in [
        "throttle",
        "nonce",
        "odd_paths",
        "upgrade",
        "retries",
        "http2",
        "connect_timeout_ms",
        "read_timeout_ms",
        "total_timeout_ms",
        "more_backends",
        "require_signed_host",
        "forward_credentials",
    ] {
        back += &format!("ALTER TABLE apis DROP COLUMN {column};");
    }
    back += "DELETE FROM migrations WHERE name <> 'm0001_initial'";
    by_hand(&path, &back).await.unwrap();
    let store = open(&path).await;
    let api = store.view().await.unwrap().api(&api_id("x1")).await.unwrap();
    let plain = Api { rules: Rules::default(), ..self::api("x1", "one", 1) };
    assert_eq!(api, Some(plain), "what was there has the plainest rules");
}

#[tokio::test]
async fn a_second_process_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate.db");
    let store = open(&path).await;
    let refusal = SqlStore::open_sqlite(&path).await.err().unwrap();
    assert!(refusal.to_string().contains("in use by another process"), "{refusal}");
    drop(store);
    open(&path).await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("tidegate.db")).await;
    fill(&store).await;
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.path());
        files += 1;
    }
    assert!(files >= 3, "the database, its lock and its log");
}

#[tokio::test]
async fn a_damaged_row_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate.db");
    let store = open(&path).await;
    fill(&store).await;
    let damages = [
        ("UPDATE publications SET status = 'shining'", "publications", "status", "x1/i1"),
        ("UPDATE publications SET status = 'stopping'", "publications", "status", "x1/i1"),
        ("UPDATE standings SET until = NULL", "standings", "since", "x1/i1/a1"),
        ("UPDATE standings SET shutdown_id = 'n7'", "standings", "shutdown_id", "x1/i1/a1"),
        ("UPDATE apps SET kind = ''", "apps", "kind", "a1"),
        ("UPDATE apps SET owner = 'a b'", "apps", "owner", "a1"),
        ("UPDATE apis SET retention_hours = -1", "apis", "retention_hours", "x1"),
        (
            "UPDATE applications SET outcome = 'void.x', verdict_at = 1",
            "applications",
            "outcome",
            "q1",
        ),
        ("UPDATE applications SET verdict_at = 1", "applications", "verdict_at", "q1"),
    ];
    for (sql, bad_table, bad_column, bad_id) in damages {
        by_hand(&path, sql).await.unwrap();
        let mut view = store.view().await.unwrap();
        let found = match bad_table {
            "publications" => view.publication(&api_id("x1"), &instance_id("i1")).await.err(),
            "standings" => view.standings_of_app(&app_id("a1")).await.err(),
            "apps" => view.app(&app_id("a1")).await.err(),
            "apis" => view.api(&api_id("x1")).await.err(),
            _ => view.application(&application_id("q1")).await.err(),
        };
        let Some(StoreError::BadRow { table, column, id }) = found else {
            panic!("{sql}: {found:?}");
        };
        assert_eq!((table, column, id.as_str()), (bad_table, bad_column, bad_id), "{sql}");
        drop(view);
        // Puts every row anew, which mends it.
        fill(&store).await;
    }
    let wrong_type = by_hand(&path, "UPDATE standings SET until = 'noon'").await;
    assert!(wrong_type.is_err(), "a strict table takes no text for a number");
}

/// What gateways receive goes on: what the damaged row is about is denied by name, as gone if not even its name can
/// be read; a grant is none.
#[tokio::test]
async fn a_damaged_row_stops_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate.db");
    let store = open(&path).await;
    fill(&store).await;
    let mut tx = store.begin().await.unwrap();
    tx.put_app(&app("a2", "two", 1)).await.unwrap();
    tx.put_api(&api("x2", "two", 1)).await.unwrap();
    tx.put_standing(&granted("x2", "i1", "a2", 9_000)).await.unwrap();
    tx.commit().await.unwrap();
    fill(&store).await;
    // The last says whether what names it can be read.
    for (sql, table, column, id, is_known) in [
        ("UPDATE apps SET kind = '' WHERE id = 'a1'", "apps", "kind", "a1", true),
        ("UPDATE apps SET kind = '', app_key = NULL WHERE id = 'a1'", "apps", "kind", "a1", false),
        (
            "UPDATE apis SET retention_hours = -1 WHERE id = 'x1'",
            "apis",
            "retention_hours",
            "x1",
            true,
        ),
        ("UPDATE apis SET method = '' WHERE id = 'x1'", "apis", "method", "x1", false),
        ("UPDATE apis SET throttle = 'none' WHERE id = 'x1'", "apis", "throttle", "x1", true),
        ("UPDATE publications SET status = 'shining'", "publications", "status", "x1/i1", true),
        (
            "UPDATE standings SET until = NULL WHERE app = 'a1'",
            "standings",
            "since",
            "x1/i1/a1",
            true,
        ),
    ] {
        by_hand(&path, sql).await.unwrap();
        let mut view = store.view().await.unwrap();
        let whole = view.everything(None, 100).await.unwrap();
        let news = view.changes(Revision(1)).await.unwrap();
        for changes in [&whole, &news] {
            let what = Damaged { table, column, id: id.to_owned() };
            assert_eq!(changes.damaged, [what], "{sql}");
            assert!(changes.apps.iter().any(|it| it.app.id == app_id("a2")), "{sql}");
            assert!(changes.apis.iter().any(|it| it.id == api_id("x2")), "{sql}");
            let is_app = changes.apps.iter().any(|it| it.app.id == app_id("a1"));
            let is_api = changes.apis.iter().any(|it| it.id == api_id("x1"));
            let is_api_sound = matches!(table, "apps" | "standings");
            assert_eq!((is_app, is_api), (table != "apps", is_api_sound), "{sql}");
            let of_a1 = changes.standings.iter().find(|it| it.key.app == app_id("a1")).unwrap();
            assert_eq!(of_a1.grant.is_none(), table == "standings", "{sql}");
            let apps: Vec<_> = changes.apps_unreadable.iter().map(|it| it.key.as_str()).collect();
            let key = app("a1", "one", 1).app.app_key;
            let is_app = is_known && table == "apps";
            assert_eq!(
                apps,
                is_app.then_some(key.as_str()).into_iter().collect::<Vec<_>>(),
                "{sql}"
            );
            let sound = api("x1", "one", 1);
            let instances = if table == "publications" { vec![instance_id("i1")] } else { vec![] };
            let api = UnreadableApi { instances, ..UnreadableApi::from(&sound) };
            let expected = (is_known && !is_api_sound).then_some(api);
            assert_eq!(changes.apis_unreadable, Vec::from_iter(expected), "{sql}");
        }
        let gone = (news.apps_deleted.len(), news.apis_deleted.len());
        let expected = match table {
            _ if is_known => (0, 0),
            "apps" => (1, 0),
            _ => (0, 1),
        };
        assert_eq!(gone, expected, "{sql}: who knew it is told that it is gone");
        drop(view);
        // Puts every row anew, which mends it.
        fill(&store).await;
    }
}

#[tokio::test]
async fn a_database_of_another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate.db");
    drop(open(&path).await);
    by_hand(&path, "INSERT INTO migrations VALUES ('m9999_later', 1)").await.unwrap();
    let refusal = SqlStore::open_sqlite(&path).await.err().unwrap();
    assert!(refusal.to_string().contains("another version"), "{refusal}");
}

/// What is done, and how, in this folder.
type Displacing = (&'static str, fn(&Path));

/// What somebody does to the files of a store while a server works on it.
const DISPLACED: [Displacing; 9] = [
    ("a symbolic link to it takes its place", |folder| {
        rename(folder, "tidegate.db", "real.db");
        std::os::unix::fs::symlink("real.db", folder.join("tidegate.db")).unwrap();
    }),
    ("the database is moved away", |folder| rename(folder, "tidegate.db", "x.db")),
    ("the database is removed", |folder| fs::remove_file(folder.join("tidegate.db")).unwrap()),
    ("another database takes its place", |folder| rename(folder, "old.db", "tidegate.db")),
    ("another database is copied into it", |folder| {
        fs::copy(folder.join("old.db"), folder.join("tidegate.db")).unwrap();
    }),
    ("the log is removed", |folder| fs::remove_file(folder.join("tidegate.db-wal")).unwrap()),
    ("the log's index is removed", |folder| {
        fs::remove_file(folder.join("tidegate.db-shm")).unwrap();
    }),
    ("both are removed", |folder| {
        fs::remove_file(folder.join("tidegate.db-wal")).unwrap();
        fs::remove_file(folder.join("tidegate.db-shm")).unwrap();
    }),
    ("the folder is moved, and an old one takes its place", |folder| {
        fs::rename(folder, folder.with_extension("away")).unwrap();
        fs::create_dir(folder).unwrap();
        fs::copy(folder.with_extension("away").join("old.db"), folder.join("tidegate.db")).unwrap();
    }),
];

fn rename(folder: &Path, from: &str, to: &str) {
    fs::rename(folder.join(from), folder.join(to)).unwrap();
}

/// A store in a folder, with an earlier state of it beside, as `old.db`.
async fn with_an_old_one(folder: &Path) -> SqlStore {
    let store = open(&folder.join("tidegate.db")).await;
    store.begin().await.unwrap().commit().await.unwrap();
    store.save_as(&folder.join("old.db")).await.unwrap();
    fill(&store).await;
    store
}

#[tokio::test]
async fn nothing_is_acknowledged_on_files_that_others_took_the_place_of() {
    for (what, displace) in DISPLACED {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        fs::create_dir(&folder).unwrap();
        let store = with_an_old_one(&folder).await;
        // One change is on its way when it happens.
        let mut late = store.begin().await.unwrap();
        late.put_app(&app("a2", "late", 1)).await.unwrap();
        displace(&folder);
        let in_place = what.contains("copied into");
        if !in_place {
            let refused = late.commit().await.unwrap_err();
            assert!(matches!(refused, StoreError::Away(_)), "{what}: {refused:?}");
            let refused = store.view().await.err().unwrap();
            assert!(matches!(refused, StoreError::Away(_)), "{what}: {refused:?}");
            assert!(store.is_displaced(), "{what}");
        } else {
            drop(late);
        }
        let refused = store.begin().await.err().unwrap();
        assert!(matches!(refused, StoreError::Away(_)), "{what}: {refused:?}");
        assert!(refused.to_string().contains("tidegate.db"), "{what}: {refused}");
        let refused = store.prove_writes(Duration::from_secs(60)).await.err().unwrap();
        assert!(matches!(refused, StoreError::Away(_)), "{what}: {refused:?}");
        assert!(store.is_displaced(), "{what}");
        let held = [folder.join("tidegate.db-wal"), folder.join("tidegate.db-shm")];
        let before = held.each_ref().map(|it| it.exists());
        store.close().await;
        assert_eq!(
            held.each_ref().map(|it| it.exists()),
            before,
            "{what}: nothing is removed by name"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_put_back_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = with_an_old_one(folder).await;
    let late = store.begin().await.unwrap();
    rename(folder, "tidegate.db", "x.db");
    late.commit().await.unwrap_err();
    store.view().await.err().unwrap();
    rename(folder, "x.db", "tidegate.db");
    store.prove_writes(Duration::ZERO).await.unwrap();
    assert!(!store.is_displaced());
    assert_eq!(store.begin().await.unwrap().commit().await.unwrap(), Revision(3));
    store.close().await;
    assert!(!folder.join("tidegate.db-wal").exists(), "everything is in the one file");
    drop(store);
    let head = open(&folder.join("tidegate.db")).await.view().await.unwrap().head().await.unwrap();
    assert_eq!(head.revision, Revision(3));
}

#[tokio::test]
async fn a_log_is_not_mixed_with_a_database_that_it_is_not_of() {
    for (what, displace) in DISPLACED.into_iter().filter(|(what, _)| what.starts_with("another")) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let path = folder.join("tidegate.db");
        let store = with_an_old_one(folder).await;
        displace(folder);
        store.begin().await.err().unwrap();
        store.close().await;
        drop(store);
        let refused = SqlStore::open_sqlite(&path).await.err().unwrap().to_string();
        assert!(refused.contains("its log"), "{what}: {refused}");
        assert!(sqlite_fault(&path).is_some(), "{what}");
        // As it says.
        fs::remove_file(folder.join("tidegate.db-wal")).unwrap();
        fs::remove_file(folder.join("tidegate.db-shm")).unwrap();
        assert_eq!(sqlite_fault(&path), None, "{what}");
        // This process still has the file before open, which would be in the way.
        let elsewhere = folder.join("elsewhere.db");
        fs::copy(&path, &elsewhere).unwrap();
        let head = open(&elsewhere).await.view().await.unwrap().head().await.unwrap();
        assert_eq!(head.revision, Revision(1), "{what}: the state that was put there");
    }
}

#[tokio::test]
async fn what_a_log_held_that_was_removed_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate.db");
    let store = with_an_old_one(folder.path()).await;
    fs::remove_file(folder.path().join("tidegate.db-wal")).unwrap();
    store.begin().await.err().unwrap();
    store.close().await;
    drop(store);
    let again = open(&path).await;
    let mut view = again.view().await.unwrap();
    assert_eq!(view.head().await.unwrap().revision, Revision(2));
    assert!(view.app(&app_id("a1")).await.unwrap().is_some());
}

/// A store may be on another disk, by a symbolic link in its folder.
#[tokio::test]
async fn a_store_behind_a_symbolic_link_is_a_store() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (path, real) = (folder.path().join("tidegate.db"), disk.path().join("real.db"));
    std::os::unix::fs::symlink(&real, &path).unwrap();
    let store = open(&path).await;
    fill(&store).await;
    fs::rename(disk.path().join("real.db-wal"), disk.path().join("away")).unwrap();
    store.begin().await.err().unwrap();
    fs::rename(disk.path().join("away"), disk.path().join("real.db-wal")).unwrap();
    assert_eq!(store.begin().await.unwrap().commit().await.unwrap(), Revision(2));
    store.close().await;
    drop(store);
    let store = open(&path).await;
    assert_eq!(store.view().await.unwrap().head().await.unwrap().revision, Revision(2));
}

/// What a node writes beside its changes hides nobody else's writing.
#[tokio::test]
async fn what_another_program_has_written_is_noticed_whoever_writes_next() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_an_old_one(folder.path()).await;
    fs::copy(folder.path().join("old.db"), folder.path().join("tidegate.db")).unwrap();
    let refused = store.keep_gateways(&[]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Away(_)), "{refused:?}");
    store.begin().await.err().unwrap();
    assert!(store.is_displaced());
}

#[tokio::test]
async fn a_copy_of_a_folder_with_its_log_is_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_an_old_one(folder.path()).await;
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let copied = open(&copy.path().join("tidegate.db")).await;
    assert_eq!(copied.view().await.unwrap().head().await.unwrap().revision, Revision(2));
    assert_eq!(store.begin().await.unwrap().commit().await.unwrap(), Revision(3));
}
