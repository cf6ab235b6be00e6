//! Random steps: commands of all kinds by all people, and time that passes.

use proptest::prelude::*;
use tidegate_domain::standing::{Choice, Command};
use tidegate_domain::time::{DAY_MS, HOUR_MS};
use tidegate_domain::{Refusal, Timestamp, publication};

use crate::cast::{MINUTE_MS, Who};
use crate::world::World;

/// A time in a command, so far from now.
pub type Asked = i64;

#[derive(Debug, Clone)]
pub enum Op {
    /// Time passes.
    Wait(i64),
    /// Time passes until just before, at or just after the next moment that matters.
    WaitForIt(i64),
    Authorize(Asked),
    Apply(Asked),
    Renew(Asked),
    Cancel(Asked),
    GiveBack,
    /// About the application filed last, or the one before it, and so on.
    Decide(usize, bool),
    Withdraw(usize),
    /// About the notice sent last, or the one before it, and so on.
    Confirm(usize, Answer),
    WithdrawNotice(usize),
    Stop(Asked),
    Unpublish(Asked),
    Publish,
    Recover,
    CallOff,
    /// The request to publish or recover is decided.
    Review(bool),
    /// The timers' tidy-up.
    Tick,
    /// So many other apps count on the API.
    Others(usize),
}

#[derive(Debug, Clone, Copy)]
pub enum Answer {
    Now,
    Default,
    At(Asked),
}

fn asked() -> impl Strategy<Value = Asked> {
    let minutes = prop_oneof![Just(0), Just(1), Just(-1), Just(30 * MINUTE_MS)];
    prop_oneof![
        8 => (-2..400_i64, minutes.clone()).prop_map(|(h, ms)| h * HOUR_MS + ms),
        4 => (46..52_i64, minutes).prop_map(|(h, ms)| h * HOUR_MS + ms),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(-400 * DAY_MS)],
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        Just(Answer::Now),
        Just(Answer::Default),
        asked().prop_map(Answer::At),
        (1..60_i64).prop_map(|hours| Answer::At(hours * HOUR_MS)),
    ]
}

/// A step, and who takes it if not the one who may.
pub fn op() -> impl Strategy<Value = (Op, Option<Who>)> {
    let op = prop_oneof![
        3 => prop_oneof![Just(0), Just(1), 0..60 * HOUR_MS].prop_map(Op::Wait),
        4 => (-1..=1_i64).prop_map(Op::WaitForIt),
        4 => asked().prop_map(Op::Authorize),
        3 => asked().prop_map(Op::Apply),
        4 => asked().prop_map(Op::Renew),
        4 => asked().prop_map(Op::Cancel),
        1 => Just(Op::GiveBack),
        5 => (0..3_usize, prop::bool::weighted(0.8)).prop_map(|(n, pass)| Op::Decide(n, pass)),
        1 => (0..2_usize).prop_map(Op::Withdraw),
        4 => (0..3_usize, answer()).prop_map(|(n, answer)| Op::Confirm(n, answer)),
        2 => (0..2_usize).prop_map(Op::WithdrawNotice),
        1 => asked().prop_map(Op::Stop),
        1 => asked().prop_map(Op::Unpublish),
        3 => Just(Op::Publish),
        2 => Just(Op::Recover),
        1 => Just(Op::CallOff),
        2 => prop::bool::weighted(0.7).prop_map(Op::Review),
        2 => Just(Op::Tick),
        1 => (0..2_usize).prop_map(Op::Others),
    ];
    let anybody =
        prop_oneof![Just(Who::Reviewer), Just(Who::Owner), Just(Who::Admin), Just(Who::Stranger),];
    (op, prop::option::weighted(0.1, anybody))
}

/// The usual actor of a step.
pub fn usual(op: &Op) -> Who {
    match op {
        Op::Apply(_) | Op::Renew(_) | Op::GiveBack | Op::Withdraw(_) => Who::Owner,
        Op::Confirm(..) => Who::Admin,
        _ => Who::Reviewer,
    }
}

/// The one `back` steps before the last.
fn nth<T: Clone>(records: &[T], back: usize) -> Option<T> {
    records.iter().rev().nth(back).or(records.first()).cloned()
}

/// What a step turned out to be, as far as it was taken.
#[derive(Debug, Clone)]
pub enum Taken {
    Standing(Command),
    Publication(publication::Command),
    Nothing,
}

/// Takes the step. A refusal leaves the world as it was.
pub fn take(world: &mut World, op: &Op, who: Who, now: Timestamp) -> Result<Taken, Refusal> {
    let time = |ms: &i64| Some(now.plus_ms(*ms));
    let command = match op {
        Op::Wait(_) | Op::WaitForIt(_) => return Ok(Taken::Nothing),
        Op::Others(others) => {
            world.others = *others;
            return Ok(Taken::Nothing);
        }
        Op::Tick => {
            world.tick(now);
            return Ok(Taken::Nothing);
        }
        Op::Authorize(ms) => Command::Authorize { until: time(ms) },
        Op::Apply(ms) => Command::Apply { id: world.application_id(), until: time(ms) },
        Op::Renew(ms) => Command::Renew { id: world.application_id(), until: time(ms) },
        Op::Cancel(ms) => Command::Cancel { id: world.notice_id(), at: time(ms) },
        Op::GiveBack => Command::GiveBack,
        Op::Decide(back, pass) => match nth(&world.applications, *back) {
            None => return Ok(Taken::Nothing),
            Some(application) => Command::Decide { application, pass: *pass, comment: None },
        },
        Op::Withdraw(back) => match nth(&world.applications, *back) {
            None => return Ok(Taken::Nothing),
            Some(application) => Command::Withdraw { application },
        },
        Op::Confirm(back, answer) => match nth(&world.notices, *back) {
            None => return Ok(Taken::Nothing),
            Some(notice) => {
                let choice = match answer {
                    Answer::Now => Choice::Now,
                    Answer::Default => Choice::At(None),
                    Answer::At(ms) => Choice::At(time(ms)),
                };
                Command::Confirm { notice, choice }
            }
        },
        Op::WithdrawNotice(back) => match nth(&world.notices, *back) {
            None => return Ok(Taken::Nothing),
            Some(notice) => Command::WithdrawNotice { notice },
        },
        Op::Review(pass) => {
            let Some(application) = world.publication.application.clone() else {
                return Ok(Taken::Nothing);
            };
            let command = publication::Command::Decide { application, pass: *pass, comment: None };
            world.publication(who, &command, now)?;
            return Ok(Taken::Publication(command));
        }
        Op::Stop(_) | Op::Unpublish(_) | Op::Publish | Op::Recover | Op::CallOff => {
            let command = publication_command(world, op, now);
            world.publication(who, &command, now)?;
            return Ok(Taken::Publication(command));
        }
    };
    world.run(who, &command, now)?;
    Ok(Taken::Standing(command))
}

fn publication_command(world: &mut World, op: &Op, now: Timestamp) -> publication::Command {
    let id = world.application_id();
    match op {
        Op::Stop(ms) => publication::Command::Stop { at: Some(now.plus_ms(*ms)) },
        Op::Unpublish(ms) => publication::Command::Unpublish { at: Some(now.plus_ms(*ms)) },
        Op::Publish => publication::Command::Publish { id },
        Op::Recover => publication::Command::Recover { id },
        _ => publication::Command::WithdrawShutdown,
    }
}
