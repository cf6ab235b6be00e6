//! The steps from an empty database to today's tables.
//!
//! A step that was released is never changed: it is plain SQL, not derived from the tables as they
//! are now. Only what engines spell differently is filled in.

mod m0001_initial;
mod m0002_rules;
mod m0003_gateways;
mod m0004_nodes;
mod m0005_hosts;
mod m0006_history;
mod m0007_people;
mod m0008_probes;
mod m0009_gateway_boots;
mod m0010_clock;
mod m0012_names;
mod m0013_feed_check;
mod step;

use sea_orm::{ConnectionTrait, DatabaseBackend, EntityTrait, QueryOrder, Statement};

pub use self::step::Dialect;
use self::step::Migration;
use super::access::put;
use super::history;
use super::pool::SqlTransaction;
use super::tables::migrations;
use crate::{Result, StoreError, draw};

const ALL: [Migration; 12] = [
    m0001_initial::MIGRATION,
    m0002_rules::MIGRATION,
    m0003_gateways::MIGRATION,
    m0004_nodes::MIGRATION,
    m0005_hosts::MIGRATION,
    m0006_history::MIGRATION,
    m0007_people::MIGRATION,
    m0008_probes::MIGRATION,
    m0009_gateway_boots::MIGRATION,
    m0010_clock::MIGRATION,
    m0012_names::MIGRATION,
    m0013_feed_check::MIGRATION,
];

/// Who has written this row has the steps to himself: the others wait for his commit, and then find
/// the steps taken.
const MIGRATING: &str = "CREATE TABLE IF NOT EXISTS migrating
    (one {int} NOT NULL PRIMARY KEY) {options};
    INSERT INTO migrating VALUES (1) ON CONFLICT (one) DO UPDATE SET one = 1";

const APPLIED: &str = "CREATE TABLE IF NOT EXISTS migrations
    (name {text} NOT NULL PRIMARY KEY, ordinal {int} NOT NULL) {options}";

/// Which steps a database has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The last step; none in a database without tables.
    pub step: Option<String>,
    /// How many more this program would take.
    pub missing: usize,
}

impl Schema {
    /// The step that this program's tables are made by.
    pub fn newest() -> &'static str {
        ALL.last().map_or("", |step| step.name)
    }

    /// Reads it; an error when the database was made by another version.
    pub async fn read(tx: &SqlTransaction) -> Result<Self> {
        let asked = match tx.get_database_backend() {
            DatabaseBackend::Postgres => "SELECT to_regclass('migrations') IS NOT NULL",
            _ => "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'migrations')",
        };
        let asked = Statement::from_string(tx.get_database_backend(), asked);
        let row = tx.query_one_raw(asked).await?;
        let is_there = row.is_some_and(|row| row.try_get_by_index::<bool>(0) == Ok(true));
        if !is_there {
            return Ok(Self { step: None, missing: ALL.len() });
        }
        let applied = applied(tx, &ALL).await?;
        let missing = ALL.len().saturating_sub(applied.len());
        Ok(Self { step: applied.into_iter().next_back().map(|row| row.name), missing })
    }
}

/// Takes the steps that are missing, or finds them taken by another process at the same time.
pub async fn run(tx: &SqlTransaction, dialect: &Dialect) -> Result<()> {
    take(tx, dialect, &ALL).await
}

async fn take(tx: &SqlTransaction, dialect: &Dialect, all: &[Migration]) -> Result<()> {
    tx.execute_unprepared(&dialect.spell(MIGRATING)).await?;
    tx.execute_unprepared(&dialect.spell(APPLIED)).await?;
    let applied = applied(tx, all).await?;
    for (ordinal, step) in (0_i64..).zip(all).skip(applied.len()) {
        tx.execute_unprepared(&dialect.spell(step.sql)).await?;
        let name = step.name.to_owned();
        put::<migrations::Entity>(tx, migrations::Model { name, ordinal }).await?;
    }
    begin_history(tx).await?;
    if all.iter().any(|step| step.name == m0006_history::MIGRATION.name) {
        history::begin(tx).await?;
    }
    Ok(())
}

/// The steps that were taken, all of which must be known.
async fn applied(tx: &SqlTransaction, all: &[Migration]) -> Result<Vec<migrations::Model>> {
    let applied =
        migrations::Entity::find().order_by_asc(migrations::Column::Ordinal).all(tx).await?;
    let known = all.iter().map(|step| Some(step.name)).chain(std::iter::repeat(None));
    if let Some((row, _)) = applied.iter().zip(known).find(|(row, name)| Some(&*row.name) != *name)
    {
        return Err(StoreError::Engine(format!(
            "the database was made by another version of this program, or a later one: it has taken \
             the step {}, which this one does not know there",
            row.name
        )));
    }
    Ok(applied)
}

/// Draws the name of this history, if the database is new. In plain SQL, for the head has more columns after
/// later steps.
async fn begin_history(tx: &SqlTransaction) -> Result<()> {
    // Looked at first: an insert would wait for a writer who holds the row.
    let asked = Statement::from_string(tx.get_database_backend(), "SELECT one FROM head");
    if tx.query_one_raw(asked).await?.is_some() {
        return Ok(());
    }
    let begin = format!(
        "INSERT INTO head (one, epoch, revision, decided_at) VALUES (1, '{}', 0, 0)
         ON CONFLICT (one) DO NOTHING",
        draw::name()?
    );
    tx.execute_unprepared(&begin).await?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that fails panics
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::sql::pool::Use;
    use crate::sql::pool::{Connector, Pool};

    /// The name of the history and where it stands, in the tables of any version.
    async fn stands(tx: &SqlTransaction) -> (String, i64) {
        let asked = "SELECT epoch, revision FROM head";
        let asked = Statement::from_string(tx.get_database_backend(), asked);
        let row = tx.query_one_raw(asked).await.unwrap().unwrap();
        (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())
    }

    async fn to(database: &Pool, dialect: &Dialect, steps: usize) -> Result<()> {
        let tx = SqlTransaction::begin(database, "BEGIN").await.unwrap();
        take(&tx, dialect, ALL.get(..steps).unwrap()).await?;
        tx.commit().await
    }

    /// From the tables of every version to today's, with what is there kept; and back from none.
    async fn every_version_is_brought_up_to_date(dialect: &Dialect, open: &dyn Fn() -> Pool) {
        for version in 1..=ALL.len() {
            let database = open();
            to(&database, dialect, version).await.unwrap();
            let tx = SqlTransaction::begin(&database, "BEGIN").await.unwrap();
            let row = "INSERT INTO outbox (revision, ordinal, written_at, recipient, what, subject, \
                       details) VALUES (1, 0, 5, 'u1', 'a', 'b', '{}')";
            tx.execute_unprepared(row).await.unwrap();
            let before = stands(&tx).await;
            tx.commit().await.unwrap();
            to(&database, dialect, ALL.len()).await.unwrap();
            to(&database, dialect, ALL.len()).await.unwrap();
            let tx = SqlTransaction::begin(&database, "BEGIN").await.unwrap();
            assert_eq!(stands(&tx).await, before, "{version}");
            let head = super::super::tables::head::Entity::find().one(&tx).await;
            let head = head.unwrap().unwrap();
            let row = super::super::tables::history::Entity::find().one(&tx).await;
            assert_eq!((head.stamp.len(), row.unwrap().unwrap().stamp), (32, head.stamp));
            let kept = super::super::tables::outbox::Entity::find().all(&tx).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!((kept.len(), kept[0].tries), (1, 0), "from version {version}");
            let names = m0006_history::MIGRATION.name;
            if ALL.iter().take(version).all(|step| step.name != names) {
                assert_eq!(kept[0].name, format!("{}-1-0", before.0), "its id stays the same");
            }
            if version < ALL.len() {
                let older = to(&database, dialect, version).await.err().unwrap().to_string();
                let step = ALL.get(version).unwrap().name;
                assert!(older.contains(step) && older.contains("a later one"), "{older}");
            }
        }
    }

    /// Of projects that had something published before instances had hosts, the one that was first keeps
    /// the calls to hosts that nobody names.
    async fn the_project_that_was_first_serves_without_hosts(
        dialect: &Dialect,
        open: &dyn Fn() -> Pool,
    ) {
        let api = |id: &str, project: &str, deleted: &str| {
            format!(
                "INSERT INTO apis (id, project, workspace, name, name_lower, description, \
                 description_lower, auth, method, path, shape, visibility, manager, created_by, \
                 created_at, updated_at, retention_hours, definition, deleted, revision) VALUES \
                 ('{id}', '{project}', 'w', '', '', '', '', 'none', 'GET', '/', '', 'project', 'u', 'u', \
                 1, 1, 0, '{{}}', {deleted}, 1)"
            )
        };
        let published = |api: &str, status: &str, at: &str, published: i64| {
            format!(
                "INSERT INTO publications (api, instance, status, status_at, published_at, revision) \
                 VALUES ('{api}', 'APIG', '{status}', {at}, {published}, 1)"
            )
        };
        for (status_of_p1, at, expected) in [
            ("published", "NULL", Some("p1")),
            ("stopped", "NULL", Some("p1")),
            ("unpublishing", "9", Some("p1")),
            ("unpublishing", "5", Some("p2")),
            ("offline", "NULL", Some("p2")),
        ] {
            let database = open();
            let before = ALL.iter().position(|step| step.name == "m0005_hosts").unwrap();
            to(&database, dialect, before).await.unwrap();
            let tx = SqlTransaction::begin(&database, "BEGIN").await.unwrap();
            for statement in [
                "UPDATE head SET decided_at = 7".to_owned(),
                api("x0", "p0", "TRUE"),
                published("x0", "published", "NULL", 1),
                api("x1", "p1", "FALSE"),
                published("x1", status_of_p1, at, 2),
                api("x2", "p2", "FALSE"),
                published("x2", "published", "NULL", 3),
                api("x3", "p3", "FALSE"),
                published("x3", "created", "NULL", 0),
            ] {
                tx.execute_unprepared(&statement).await.unwrap();
            }
            tx.commit().await.unwrap();
            to(&database, dialect, ALL.len()).await.unwrap();
            let tx = SqlTransaction::begin(&database, "BEGIN").await.unwrap();
            let rows =
                super::super::tables::default_project::Entity::find().all(&tx).await.unwrap();
            tx.commit().await.unwrap();
            let projects: Vec<_> = rows.iter().map(|row| row.project.as_str()).collect();
            assert_eq!(projects.first().copied(), expected, "{status_of_p1} {at}");
        }
    }

    /// Two apps and two APIs of one name, which an older database did not rule out by an index: the oldest has the
    /// name, the other stays and can be changed, but nothing new gets its name.
    async fn of_two_of_one_name_the_oldest_has_it(dialect: &Dialect, open: &dyn Fn() -> Pool) {
        let database = open();
        let before = ALL.iter().position(|step| step.name == m0012_names::MIGRATION.name).unwrap();
        to(&database, dialect, before).await.unwrap();
        let tx = SqlTransaction::begin(&database, "BEGIN").await.unwrap();
        let secret = match tx.get_database_backend() {
            DatabaseBackend::Postgres => "''::bytea",
            _ => "x''",
        };
        for (id, kind, created_at, deleted) in [
            ("n1", "app", 1, "TRUE"),
            ("n2", "app", 3, "FALSE"),
            ("n3", "app", 2, "FALSE"),
            ("n4", "iam", 1, "FALSE"),
        ] {
            tx.execute_unprepared(&format!(
                "INSERT INTO apps (id, project, workspace, name, name_lower, description, kind, owner, \
                 created_at, updated_at, updated_by, secret, deleted, revision) VALUES ('{id}', 'p', 'w', 'n', \
                 'n', '', '{kind}', 'u', {created_at}, 1, 'u', {secret}, {deleted}, 1)"
            ))
            .await
            .unwrap();
            tx.execute_unprepared(&format!(
                "INSERT INTO apis (id, project, workspace, name, name_lower, description, \
                 description_lower, auth, method, path, shape, visibility, manager, created_by, \
                 created_at, updated_at, retention_hours, definition, deleted, revision) VALUES \
                 ('{id}', 'p', 'w', 'n', 'n', '', '', 'none', 'GET', '/', '', 'project', 'u', 'u', \
                 {created_at}, 1, 0, '{{}}', {deleted}, 1)"
            ))
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        to(&database, dialect, ALL.len()).await.unwrap();
        let tx = SqlTransaction::begin(&database, "BEGIN").await.unwrap();
        let mut apps = super::super::tables::apps::Entity::find().all(&tx).await.unwrap();
        apps.sort_by(|one, other| one.id.cmp(&other.id));
        let named: Vec<_> = apps.iter().map(|row| row.named_in.as_deref()).collect();
        assert_eq!(named, [None, None, Some("w"), Some("project p")]);
        let mut apis = super::super::tables::apis::Entity::find().all(&tx).await.unwrap();
        apis.sort_by(|one, other| one.id.cmp(&other.id));
        let named: Vec<_> = apis.iter().map(|row| row.named_in.as_deref()).collect();
        assert_eq!(named, [None, None, None, Some("w")]);
        tx.commit().await.unwrap();
    }

    async fn in_files(test: impl AsyncFn(&Dialect, &dyn Fn() -> Pool)) {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let file = tempfile::NamedTempFile::new_in(&folder).unwrap().keep().unwrap().1;
            let options = SqliteConnectOptions::new().filename(file);
            Pool::new(Connector::Sqlite(Box::new(options), None), 1)
        };
        test(&super::super::sqlite::DIALECT, &open).await;
    }

    async fn on_servers(test: impl AsyncFn(&Dialect, &dyn Fn() -> Pool)) {
        let open = || {
            let options = tidegate_testkit::postgres::database().parse().unwrap();
            Pool::new(Connector::Postgres(Box::new(options), Use::Writing), 1)
        };
        test(&super::super::postgres::DIALECT, &open).await;
    }

    #[tokio::test]
    async fn every_version_on_sqlite() {
        in_files(every_version_is_brought_up_to_date).await;
    }

    #[tokio::test]
    async fn every_version_on_postgresql() {
        on_servers(every_version_is_brought_up_to_date).await;
    }

    #[tokio::test]
    async fn who_serves_without_hosts_on_sqlite() {
        in_files(the_project_that_was_first_serves_without_hosts).await;
    }

    #[tokio::test]
    async fn who_serves_without_hosts_on_postgresql() {
        on_servers(the_project_that_was_first_serves_without_hosts).await;
    }

    #[tokio::test]
    async fn names_of_an_older_database_on_sqlite() {
        in_files(of_two_of_one_name_the_oldest_has_it).await;
    }

    #[tokio::test]
    async fn names_of_an_older_database_on_postgresql() {
        on_servers(of_two_of_one_name_the_oldest_has_it).await;
    }
}
