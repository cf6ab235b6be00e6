//! The whole life of a publication: every state x command x actor x apps that count x time. What
//! happens is checked in as `tests/publication.txt`.

use std::fmt::Write;

use tidegate_domain::limits::NOTICE_MS;
use tidegate_domain::publication::{Command, Event, decide, evolve, settle};
use tidegate_domain::time::{DAY_MS, HOUR_MS};
use tidegate_domain::{Application, ApplicationId, Timestamp};

use crate::cast::{MINUTE_MS, Who, day};
use crate::golden;
use crate::say;
use crate::world::World;

const ACTORS: [Who; 3] = [Who::Reviewer, Who::Listed, Who::Stranger];

struct State {
    name: &'static str,
    world: World,
    end: Timestamp,
    application: Option<Application>,
}

fn id() -> ApplicationId {
    ApplicationId::parse("a").unwrap()
}

/// A state, reached by these steps, each on the day after the one before.
fn state(name: &'static str, end: i64, steps: &[(Who, Command)]) -> State {
    let mut world = World::unpublished();
    world.retention_hours = if name.contains("retained") { 480 } else { 0 };
    let mut application = None;
    let mut today = 0;
    for (who, command) in steps {
        let command = match (command, &application) {
            (Command::Decide { pass, .. }, Some(application)) => verdict(application, *pass),
            (command, _) => command.clone(),
        };
        let events = world.publication(*who, &command, day(today)).unwrap();
        application = named(&events).or(application);
        today = 1;
    }
    State { name, world, end: day(end), application }
}

/// The application these events are about, as they leave it.
fn named(events: &[Event]) -> Option<Application> {
    events.iter().find_map(|event| match event {
        Event::Applied(a) | Event::ApplicationClosed(a) => Some(a.clone()),
        _ => None,
    })
}

fn verdict(application: &Application, pass: bool) -> Command {
    Command::Decide { application: application.clone(), pass, comment: None }
}

fn states() -> Vec<State> {
    let publish = || Command::Publish { id: id() };
    let published = || (Who::Reviewer, publish());
    let asked = || (Who::Stranger, publish());
    let until = |n| Some(day(n));
    let stop = |n| (Who::Reviewer, Command::Stop { at: until(n) });
    let unpublish = |n| (Who::Reviewer, Command::Unpublish { at: until(n) });
    let recover = || (Who::Stranger, Command::Recover { id: id() });
    // Filled in with the application that waits.
    let decided = |pass| {
        let application = World::applied(day(1)).last_application();
        (Who::Reviewer, verdict(&application, pass))
    };
    let at_once = |step: (Who, Command), name, rest: &[(Who, Command)]| {
        // With no app counting, the end comes at once.
        let mut state = state(name, 30, &[published()]);
        state.world.others = 0;
        state.world.publication(step.0, &step.1, day(1)).unwrap();
        for (who, command) in rest {
            let events = state.world.publication(*who, command, day(2)).unwrap();
            state.application = named(&events);
        }
        state
    };
    vec![
        state("never published", 30, &[]),
        state("publication waits for review", 30, &[asked()]),
        state("publication refused", 30, &[asked(), decided(false)]),
        state("published", 30, &[published()]),
        state("published after review", 30, &[asked(), decided(true)]),
        state("published, retained until day 20", 18, &[published()]),
        state("stop announced for day 10", 10, &[published(), stop(10)]),
        state("unpublish announced for day 10", 10, &[published(), unpublish(10)]),
        at_once(stop(9), "stopped", &[]),
        at_once(stop(9), "stopped, recovery waits for review", &[recover()]),
        at_once(unpublish(9), "offline", &[]),
        at_once(unpublish(9), "offline, publication waits for review", &[asked()]),
    ]
}

/// A command, as given at a moment, and its name.
type Row = (&'static str, Box<dyn Fn(Timestamp) -> Command>);

fn row(name: &'static str, command: impl Fn(Timestamp) -> Command + 'static) -> Row {
    (name, Box::new(command))
}

fn rows(state: &State) -> Vec<Row> {
    let ahead = |ms: i64| move |now: Timestamp| Some(now.plus_ms(ms).ceil_hour());
    let (enough, short) = (ahead(NOTICE_MS), ahead(46 * HOUR_MS));
    let mut rows = vec![
        row("PUBLISH", |_| Command::Publish { id: id() }),
        row("STOP in 2 days", move |now| Command::Stop { at: enough(now) }),
        row("STOP in 46 hours", move |now| Command::Stop { at: short(now) }),
        row("STOP without a time", |_| Command::Stop { at: None }),
        row("UNPUBLISH in 2 days", move |now| Command::Unpublish { at: enough(now) }),
        row("UNPUBLISH in 46 hours", move |now| Command::Unpublish { at: short(now) }),
        row("UNPUBLISH without a time", |_| Command::Unpublish { at: None }),
        row("RECOVER", |_| Command::Recover { id: id() }),
        row("CALL OFF", |_| Command::WithdrawShutdown),
        row("AN APP IS RELEASED", |_| Command::AppReleased),
    ];
    if let Some(application) = &state.application {
        let application = application.clone();
        let (approve, reject) = (verdict(&application, true), verdict(&application, false));
        rows.push(row("APPROVE", move |_| approve.clone()));
        rows.push(row("REJECT", move |_| reject.clone()));
        rows.push(row("WITHDRAW", move |_| Command::Withdraw { application: application.clone() }));
    }
    rows
}

fn cell(state: &State, command: &Command, who: Who, apps: usize, now: Timestamp) -> String {
    let world = &state.world;
    let mut facts = world.publication_facts(who, now);
    facts.is_counted_on = apps > 0;
    let before = &world.publication;
    let events = match decide(before, &facts, command, now) {
        Err(refusal) => return say::refusal(&refusal, now),
        Ok(events) => events,
    };
    check_cell(state, &events, apps, now);
    let due = usize::from(settle(before, now).is_some());
    let words = |events: &[_]| {
        let words: Vec<_> = events.iter().map(|e| say::publication_event(e, now)).collect();
        words.join("; ")
    };
    let (first, rest) = events.split_at(due);
    match (first.is_empty(), rest.is_empty()) {
        (true, true) => "nothing".into(),
        (true, false) => words(rest),
        (false, true) => format!("[{}]", words(first)),
        (false, false) => format!("[{}] {}", words(first), words(rest)),
    }
}

/// What must hold in every cell, whatever the table says: an API that answers apps goes on doing so
/// for two days, and for its retention period.
fn check_cell(state: &State, events: &[Event], apps: usize, now: Timestamp) {
    let before = &state.world.publication;
    let after = events.iter().fold(before.clone(), |p, event| evolve(p, event, now));
    let retained = day(0).plus_ms(i64::from(state.world.retention_hours) * HOUR_MS);
    if before.status.as_of(now).answers() && apps > 0 {
        let announced = before.status.as_of(now.plus_ms(NOTICE_MS - 1));
        let still = after.status.as_of(now.plus_ms(NOTICE_MS - 1));
        assert!(still.answers() || announced == still, "{}: {events:?}", state.name);
        assert!(after.status.as_of(retained.plus_ms(-1)).answers() || retained <= now);
    }
    let waits = after.status.words().contains("review");
    assert_eq!(after.application.is_some(), waits, "{}: {events:?}", state.name);
}

#[test]
fn the_life_of_a_publication_reads_as_checked_in() {
    let mut table = String::from(
        "The life of a publication: state | command | actor | when -> outcome.\n\
         E is the moment the state names; early is day 3, late is 10 days after E. \"listed\" is on\n\
         the list of reviewers, but not this API's reviewer. In brackets: what time alone has\n\
         brought about. \"no\" is a refusal.\n",
    );
    let mut cells = 0;
    for state in states() {
        let end = state.end;
        let early = day(3).plus_ms(20 * MINUTE_MS);
        let late = end.plus_ms(10 * DAY_MS + 20 * MINUTE_MS);
        let times = [early, end.plus_ms(-1), end, end.plus_ms(1), late];
        let named = say::moment(end, Timestamp::from_ms(0));
        writeln!(table, "\n== {} (E = {named})", state.name).unwrap();
        for (name, command) in rows(&state) {
            let by_apps = [0, 1].map(|apps| {
                ACTORS.map(|who| {
                    cells += times.len();
                    let outcomes = times.map(|now| cell(&state, &command(now), who, apps, now));
                    let name = if who == Who::Stranger { "other" } else { who.name() };
                    (name, outcomes)
                })
            });
            if by_apps[0] == by_apps[1] {
                table += &golden::lines(name, &by_apps[0]);
            } else {
                table += &golden::lines(&format!("{name}, no app counts"), &by_apps[0]);
                table += &golden::lines(&format!("{name}, an app counts"), &by_apps[1]);
            }
        }
    }
    writeln!(table, "\n{cells} cells").unwrap();
    golden::must_match("publication.txt", &table);
}
