//! The whole lifecycle of a standing: every state x command x actor x time.
//!
//! What happens is checked in as `tests/lifecycle.txt`. What it means for the app's access is
//! checked here, cell by cell, by rules that know nothing of events.

use std::fmt::Write;

use tidegate_domain::Timestamp;
use tidegate_domain::limits::NOTICE_MS;
use tidegate_domain::standing::{Choice, Command, decide, settle};
use tidegate_domain::time::{DAY_MS, HOUR_MS};

use crate::cast::{MINUTE_MS, Who, day};
use crate::golden;
use crate::say;
use crate::standing_states::{State, all};
use crate::world::World;

const ACTORS: [Who; 4] = [Who::Reviewer, Who::Owner, Who::Admin, Who::Stranger];

/// Early is day 3; late is ten days after the end.
fn times(end: Timestamp) -> [Timestamp; 5] {
    let early = day(3).plus_ms(20 * MINUTE_MS);
    let late = end.plus_ms(10 * DAY_MS + 20 * MINUTE_MS);
    [early, end.plus_ms(-1), end, end.plus_ms(1), late]
}

/// What a command may do to the moment access ends.
enum Access {
    /// Nothing.
    Kept,
    /// It may come later, or begin.
    Grows,
    /// It may come sooner, but not within two days.
    EndsWithNotice,
    /// It may change in any way: the app's side asked for it.
    AppChose,
}

struct Row {
    name: String,
    access: Access,
    /// The command, as given at a moment.
    command: Box<dyn Fn(Timestamp) -> Command>,
}

fn row(
    name: impl Into<String>,
    access: Access,
    command: impl Fn(Timestamp) -> Command + 'static,
) -> Row {
    Row { name: name.into(), access, command: Box::new(command) }
}

fn rows(state: &State) -> Vec<Row> {
    let mut world = state.world.clone();
    let mut rows = Vec::new();
    for until in [90, 30, 11] {
        let command = Command::Authorize { until: Some(day(until)) };
        rows.push(row(format!("AUTHORIZE to day {until}"), Access::Grows, move |_| {
            command.clone()
        }));
    }
    let (id, until) = (world.application_id(), Some(day(90)));
    let (apply, renew) =
        (Command::Apply { id: id.clone(), until }, Command::Renew { id: id.clone(), until });
    rows.push(row("APPLY to day 90", Access::Kept, move |_| apply.clone()));
    rows.push(row("RENEW to day 90", Access::Kept, move |_| renew.clone()));
    let until = Some(day(30));
    rows.push(row("RENEW to day 30", Access::Kept, move |_| Command::Renew {
        id: id.clone(),
        until,
    }));
    for (name, ahead) in [("in 2 days", NOTICE_MS), ("in 46 hours", 46 * HOUR_MS)] {
        let id = world.notice_id();
        rows.push(row(format!("CANCEL {name}"), Access::EndsWithNotice, move |now| {
            Command::Cancel { id: id.clone(), at: Some(now.plus_ms(ahead).ceil_hour()) }
        }));
    }
    rows.push(row("GIVE BACK", Access::AppChose, |_| Command::GiveBack));
    rows.push(row("SETTLE", Access::Kept, |_| Command::Settle));
    rows.extend(rows_of_the_application(state));
    rows.extend(rows_of_the_notices(state));
    rows
}

fn rows_of_the_application(state: &State) -> Vec<Row> {
    let Some(application) = state.application() else {
        return Vec::new();
    };
    let decide = |pass| {
        let application = application.clone();
        move |_| Command::Decide { application: application.clone(), pass, comment: None }
    };
    let (approve, reject) = (decide(true), decide(false));
    vec![
        row("APPROVE", Access::Grows, approve),
        row("REJECT", Access::Kept, reject),
        row("WITHDRAW", Access::Kept, move |_| Command::Withdraw {
            application: application.clone(),
        }),
    ]
}

/// An answer, as given at a moment.
type ChoiceAt = fn(Timestamp) -> Choice;

fn rows_of_the_notices(state: &State) -> Vec<Row> {
    let mut rows = Vec::new();
    for notice in state.notices() {
        let kind = format!("{:?}", notice.kind).to_lowercase();
        let choices: [(&str, ChoiceAt); 4] = [
            ("now", |_| Choice::Now),
            ("in an hour", |now| Choice::At(Some(now.plus_ms(HOUR_MS).ceil_hour()))),
            ("for day 60", |_| Choice::At(Some(day(60)))),
            ("without a time", |_| Choice::At(None)),
        ];
        for (name, choice) in choices {
            let notice = notice.clone();
            rows.push(row(format!("CONFIRM {kind} {name}"), Access::AppChose, move |now| {
                Command::Confirm { notice: notice.clone(), choice: choice(now) }
            }));
        }
        rows.push(row(format!("WITHDRAW NOTICE of {kind}"), Access::Grows, move |_| {
            Command::WithdrawNotice { notice: notice.clone() }
        }));
    }
    rows
}

/// One cell: what happens, in words; what time alone brings about stands in brackets.
fn cell(state: &State, row: &Row, who: Who, now: Timestamp) -> String {
    let world = &state.world;
    let command = (row.command)(now);
    let decided = decide(&world.standing, &world.facts(who, now), &command, now);
    check_access(state, row, who, now);
    let events = match decided {
        Err(refusal) => return say::refusal(&refusal, now),
        Ok(events) => events,
    };
    let facts = world.facts(who, now);
    let settled = decide(&world.standing, &facts, &Command::Settle, now).unwrap();
    assert!(settled.starts_with(&settle(&world.standing, now)));
    let (first, rest) = events.split_at(settled.len());
    assert_eq!(first, settled, "what time brought about comes first");
    let words = |events: &[_]| {
        let words: Vec<_> = events.iter().map(|e| say::event(e, now)).collect();
        words.join("; ")
    };
    match (first.is_empty(), rest.is_empty()) {
        (true, true) => "nothing".into(),
        (true, false) => words(rest),
        (false, true) => format!("[{}]", words(first)),
        (false, false) => format!("[{}] {}", words(first), words(rest)),
    }
}

/// When access ends, seen at `now`; none without access.
fn access(world: &World, now: Timestamp) -> Option<Timestamp> {
    world.admit(now).ok().map(|permit| permit.end())
}

fn check_access(state: &State, row: &Row, who: Who, now: Timestamp) {
    let mut world = state.world.clone();
    let before = access(&world, now);
    let refused = world.run(who, &(row.command)(now), now).is_err();
    let after = access(&world, now);
    let cell = format!("{}: {} by {who:?} at {now}", state.name, row.name);
    let soonest = before.map(|end| end.min(now.plus_ms(NOTICE_MS)));
    match row.access {
        _ if refused => assert_eq!(before, after, "{cell}"),
        Access::Kept => assert_eq!(before, after, "{cell}"),
        Access::Grows => assert!(before <= after, "{cell}"),
        Access::EndsWithNotice => assert!(soonest <= after && after <= before, "{cell}"),
        Access::AppChose => {
            let app = matches!(who, Who::Owner | Who::Admin);
            assert!(app, "{cell}: only the app's side may end access sooner");
        }
    }
}

#[test]
fn the_lifecycle_reads_as_checked_in() {
    let mut table = String::from(
        "The lifecycle of a standing: state | command | actor | when -> outcome.\n\
         E is the moment the state names or its grant's end; early is day 3, late is 10 days after E.\n\
         In brackets: what time alone has brought about. \"no\" is a refusal.\n",
    );
    let mut cells = 0;
    for state in all() {
        let end = say::moment(state.end, Timestamp::from_ms(0));
        writeln!(table, "\n== {} (E = {end})", state.name).unwrap();
        for row in rows(&state) {
            let outcomes = ACTORS.map(|who| {
                let outcomes = times(state.end).map(|now| cell(&state, &row, who, now));
                cells += outcomes.len();
                (who.name(), outcomes)
            });
            table += &golden::lines(&row.name, &outcomes);
        }
    }
    writeln!(table, "\n{cells} cells").unwrap();
    golden::must_match("lifecycle.txt", &table);
}
