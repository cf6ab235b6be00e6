//! SIGKILL while decisions run: two hundred times, in a process that only decides. No decision that
//! was acknowledged may be lost, nor may one be there in part.
//!
//! The process is this test program again. What it has committed it says on its stdout; the parent
//! remembers, kills it, and holds the next one's store against what it remembers.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_control::{
    ApiDraft, Caller, Command as Order, Control, GrantAction, Outcome, Settings, Vault,
};
use tidegate_domain::api::Method;
use tidegate_domain::time::HOUR_MS;
use tidegate_domain::{
    ApiId, AppId, AppKind, AuthType, InstanceId, Timestamp, Visibility, WorkspaceId,
};
use tidegate_store::sql::SqlStore;
use tidegate_store::{Revision, Store};

use crate::support::{Dice, PATIENCE, WORLD, next, spawn};

/// How often the process is killed.
const KILLS: u32 = 200;

/// How many decide at the same time, each for one app.
const DECIDERS: usize = 4;

/// Tells the process where to work; without it, it has nothing to do.
const FOLDER: &str = "CRASH_FOLDER";

/// The revision from which the process tells the journal.
const AFTER: &str = "CRASH_AFTER";

/// What the parent knows of the store.
#[derive(Default)]
struct Known {
    /// The head that was last verified.
    verified: u64,
    /// What was acknowledged since: the revision, the app and the end.
    acknowledged: Vec<(u64, String, i64)>,
    /// The end each app was last known to have at least.
    ends: BTreeMap<String, i64>,
    /// Everything ever acknowledged.
    total: u64,
}

#[test]
fn two_hundred_kills_lose_no_acknowledged_decision() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(0x7469_6465);
    let mut known = Known::default();
    let began = Instant::now();
    for round in 0..KILLS {
        live_and_die(folder.path(), &mut known, &mut dice, round);
    }
    let decided = known.total;
    assert!(decided > u64::from(KILLS), "only {decided} decisions were acknowledged");
    // One more life, to see what the last death has left.
    live_and_die(folder.path(), &mut known, &mut dice, KILLS);
    eprintln!("{KILLS} kills, {decided} acknowledged decisions, {:?}", began.elapsed());
}

/// Starts the process, verifies what it finds, lets it decide, and kills it at some moment.
fn live_and_die(folder: &Path, known: &mut Known, dice: &mut Dice, round: u32) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["crash::the_process_that_is_killed", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(AFTER, known.verified.to_string())
        .stdin(Stdio::null());
    let mut process = spawn(&mut command);
    let deadline = Instant::now() + PATIENCE;
    let mut found = Found::default();
    while let Some(line) = next(&process.lines, deadline) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["head", revision] => found.head = revision.parse().unwrap(),
            ["journal", revision, subject] => {
                found.journal.push((revision.parse().unwrap(), (*subject).to_owned()));
            }
            ["end", app, end] => {
                found.ends.insert((*app).to_owned(), end.parse().unwrap());
            }
            ["message", revision] => found.messages.push(revision.parse().unwrap()),
            ["go"] => break,
            _ => {}
        }
    }
    found.verify(known, round);

    // Die after some acknowledgements, or after some time in which no line is awaited.
    for _ in 0..dice.below(12) {
        match next(&process.lines, deadline) {
            Some(line) => known.hear(&line),
            None => panic!("round {round}: it ended by itself"),
        }
    }
    let moment = Instant::now() + Duration::from_micros(dice.below(4_000));
    while let Ok(line) =
        process.lines.recv_timeout(moment.saturating_duration_since(Instant::now()))
    {
        known.hear(&line);
    }
    process.kill();
    // What was said before death counts.
    while let Some(line) = next(&process.lines, deadline) {
        known.hear(&line);
    }
}

/// What a process found in the store when it opened it.
#[derive(Default)]
struct Found {
    head: u64,
    journal: Vec<(u64, String)>,
    messages: Vec<u64>,
    ends: BTreeMap<String, i64>,
}

impl Found {
    fn verify(self, known: &mut Known, round: u32) {
        for (revision, app, end) in &known.acknowledged {
            assert!(*revision <= self.head, "round {round}: revision {revision} is gone");
            let line =
                self.journal.iter().find(|(r, subject)| r == revision && subject.ends_with(app));
            assert!(line.is_some(), "round {round}: the journal has lost revision {revision}");
            assert!(self.messages.contains(revision), "round {round}: no message of {revision}");
            let kept = self.ends.get(app).copied().unwrap_or(0);
            assert!(*end <= kept, "round {round}: {app} had {end}, and now {kept}");
        }
        for (app, end) in &known.ends {
            assert!(self.ends.get(app) >= Some(end), "round {round}: {app} lost {end}");
        }
        // No revision without its line, and none twice.
        let mut revisions: Vec<u64> = self.journal.iter().map(|(revision, _)| *revision).collect();
        revisions.dedup();
        let expected: Vec<u64> = (known.verified + 1..=self.head).collect();
        assert_eq!(revisions, expected, "round {round}: revisions have gaps");
        known.verified = self.head;
        known.ends = self.ends;
        known.acknowledged.clear();
    }
}

impl Known {
    fn hear(&mut self, line: &str) {
        if let ["ack", revision, app, end] = line.split(' ').collect::<Vec<_>>().as_slice() {
            let (revision, end) = (revision.parse().unwrap(), end.parse().unwrap());
            self.acknowledged.push((revision, (*app).to_owned(), end));
            self.total += 1;
        }
    }
}

/// Not a test of its own: what [`two_hundred_kills_lose_no_acknowledged_decision`] starts and kills.
#[test]
fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let after: u64 = std::env::var(AFTER).unwrap().parse().unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(decide_until_killed(Path::new(&folder), Revision(after)));
}

fn tell(line: &str) {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(format!("{line}\n").as_bytes()).unwrap();
    stdout.flush().unwrap();
}

fn now() -> Timestamp {
    Timestamp::from_ms(jiff::Timestamp::now().as_millisecond())
}

async fn decide_until_killed(folder: &Path, after: Revision) {
    // The harness has left its line open.
    tell("");
    let store = SqlStore::open_sqlite(&folder.join("tidegate.db")).await.unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let vault = Vault::new(&[7; Vault::KEY_LEN]).unwrap();
    let control = Arc::new(Control::new(Arc::clone(&store), vault, Settings::default()));
    let (api, apps) = furnish(&control).await;
    let ends = tell_all(&*store, &api, after).await;
    tell("go");
    let reviewer = caller(&control, "RITAKEY").await;
    let mut deciders = tokio::task::JoinSet::new();
    for app in apps {
        let end = ends.get(&app).copied().unwrap_or(now().plus_ms(24 * HOUR_MS).ceil_hour());
        let (control, reviewer, api) = (Arc::clone(&control), reviewer.clone(), api.clone());
        deciders.spawn(decide(control, reviewer, api, app, end));
    }
    deciders.join_all().await;
}

/// Extends one app's grant by an hour, again and again.
async fn decide(
    control: Arc<Control>,
    reviewer: Caller,
    api: ApiId,
    app: AppId,
    mut end: Timestamp,
) {
    let instance = InstanceId::parse("g1").unwrap();
    loop {
        end = end.plus_ms(HOUR_MS);
        let order = Order::Grant {
            api: api.clone(),
            instance: instance.clone(),
            app: app.clone(),
            action: GrantAction::Authorize(Some(end)),
        };
        match control.execute(&reviewer, order, now()).await {
            Ok(receipt) => tell(&format!("ack {} {app} {}", receipt.revision, end.as_ms())),
            Err(error) => panic!("a decision failed: {error}"),
        }
    }
}

async fn tell_all(store: &dyn Store, api: &ApiId, after: Revision) -> BTreeMap<AppId, Timestamp> {
    let mut view = store.view().await.unwrap();
    let mut ends = BTreeMap::new();
    tell(&format!("head {}", view.head().await.unwrap().revision));
    for entry in view.journal(after, u64::MAX >> 1).await.unwrap() {
        tell(&format!("journal {} {}", entry.revision, entry.subject));
    }
    for standing in view.standings_on(api, &InstanceId::parse("g1").unwrap()).await.unwrap() {
        if let Some(grant) = standing.grant {
            tell(&format!("end {} {}", standing.key.app, grant.until.as_ms()));
            ends.insert(standing.key.app, grant.until);
        }
    }
    for message in view.outbox(u64::MAX >> 1).await.unwrap() {
        if message.id.revision > after {
            tell(&format!("message {}", message.id.revision));
        }
    }
    ends
}

async fn caller(control: &Control, key: &str) -> Caller {
    let (identity, _) = control.access_key(key).await.unwrap().unwrap();
    Caller {
        user: identity.user,
        project: identity.project.id,
        workspace: Some(WorkspaceId::parse("w1").unwrap()),
        edition: None,
    }
}

/// Makes what is not there yet: it may be killed here, too.
async fn furnish(control: &Control) -> (ApiId, Vec<AppId>) {
    let file: tidegate_api::world::WorldFile = serde_saphyr::from_str(WORLD).unwrap();
    control.apply(&file.into_world().unwrap(), false, now()).await.unwrap();
    let (reviewer, owner) = (caller(control, "RITAKEY").await, caller(control, "OLAFKEY").await);
    let paging = tidegate_control::Paging::ALL;
    let apis = control.list_apis(&reviewer, Default::default(), paging, now()).await.unwrap();
    let api = match apis.items.into_iter().next() {
        Some(shown) => shown.api.id,
        None => {
            let made = control.execute(&reviewer, Order::CreateApi(draft()), now()).await.unwrap();
            let Outcome::Api(id) = made.outcome else { panic!("no id") };
            id
        }
    };
    let instance = InstanceId::parse("g1").unwrap();
    let publish = Order::Publish { api: api.clone(), instance };
    let _ = control.execute(&reviewer, publish, now()).await;
    let apps = control.list_apps(&owner, None, None, paging).await.unwrap();
    let mut ids: Vec<AppId> = apps.items.into_iter().map(|shown| shown.app.id).collect();
    while ids.len() < DECIDERS {
        let (name, description) = (format!("app-{}", ids.len()), String::new());
        let order = Order::CreateApp { name, description, kind: AppKind::App };
        let made = control.execute(&owner, order, now()).await.unwrap();
        let Outcome::App(made) = made.outcome else { panic!("no app") };
        ids.push(made.app.id);
    }
    (api, ids)
}

fn draft() -> ApiDraft {
    ApiDraft {
        name: "orders".to_owned(),
        description: String::new(),
        auth: AuthType::App,
        method: Method::Get,
        path: "/orders".to_owned(),
        visibility: Visibility::Workspace,
        manager: "rita".to_owned(),
        retention_hours: 0,
        tags: Vec::new(),
        definition: "{}".to_owned(),
    }
}
