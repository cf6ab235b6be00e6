//! The order of refusals: form, existence, rights, repeat, state, time. Each row breaks several
//! rungs of the ladder at once and is told of the first; mending that one leads to the next.

use tidegate_domain::app::Fit;
use tidegate_domain::standing::{Choice, Command};
use tidegate_domain::{Refusal, Timestamp, publication};

use crate::cast::{Who, day, instance};
use crate::world::World;

/// The refusal's name.
fn name<T>(outcome: Result<T, Refusal>) -> String {
    match outcome {
        Ok(_) => "-".into(),
        Err(refusal) => {
            let debug = format!("{refusal:?}");
            debug.split([' ', '(']).next().unwrap().to_owned()
        }
    }
}

/// What each of these people is told when they try, from the same state.
fn ladder(world: &World, now: Timestamp, rungs: &[(&str, Who, Command)]) {
    for (expected, who, command) in rungs {
        let outcome = world.clone().run(*who, command, now);
        assert_eq!(name(outcome), *expected, "{who:?} {command:?}");
    }
}

fn authorize(until: Option<Timestamp>) -> Command {
    Command::Authorize { until }
}

#[test]
fn authorize_form_rights_repeat_state_time() {
    let past = Some(day(-1));
    let stranger = Who::Stranger;
    let mut world = World::unpublished();
    world.fit = Fit::Mismatch;
    ladder(
        &world,
        day(1),
        &[
            ("FieldMissing", stranger, authorize(None)),
            ("EndTooFar", stranger, authorize(Some(Timestamp::MAX))),
            ("NotReviewer", stranger, authorize(past)),
            ("KindMismatch", Who::Reviewer, authorize(past)),
        ],
    );
    world.fit = Fit::Fits;
    ladder(&world, day(1), &[("NotPublished", Who::Reviewer, authorize(past))]);
    ladder(&World::new(), day(1), &[("EndPassed", Who::Reviewer, authorize(past))]);
    // On a live grant: an equal end is a repeat, whatever else has changed since.
    let mut world = World::granted(day(30));
    world.cancel(day(20), day(0)).unwrap();
    world.unpublish(day(20), day(0));
    world.fit = Fit::Mismatch;
    let (same, sooner) = (authorize(Some(day(30))), authorize(Some(day(5))));
    ladder(
        &world,
        day(1),
        &[("-", Who::Reviewer, same), ("KindMismatch", Who::Reviewer, sooner.clone())],
    );
    world.fit = Fit::Fits;
    ladder(&world, day(1), &[("NoticeRunning", Who::Reviewer, sooner.clone())]);
    let mut world = World::granted(day(30));
    world.cancel(day(20), day(0)).unwrap();
    ladder(&world, day(1), &[("NoticeRunning", Who::Reviewer, sooner.clone())]);
    let world = World::granted(day(30));
    ladder(&world, day(1), &[("EndShrinks", Who::Reviewer, sooner)]);
}

#[test]
fn apply_and_renew_form_rights_state_time() {
    let id = World::new().application_id();
    let apply = |until| Command::Apply { id: id.clone(), until };
    let renew = |until| Command::Renew { id: id.clone(), until };
    let past = Some(day(-1));
    let mut world = World::unpublished();
    world.fit = Fit::Mismatch;
    for who in [Who::Stranger, Who::Reviewer, Who::Admin] {
        ladder(
            &world,
            day(1),
            &[
                ("FieldMissing", who, apply(None)),
                ("FieldMissing", who, renew(None)),
                ("NotAppOwner", who, apply(past)),
                ("NotAppOwner", who, renew(past)),
            ],
        );
    }
    ladder(
        &world,
        day(1),
        &[("KindMismatch", Who::Owner, apply(past)), ("KindMismatch", Who::Owner, renew(past))],
    );
    world.fit = Fit::Fits;
    ladder(
        &world,
        day(1),
        &[("NotPublished", Who::Owner, apply(past)), ("NoGrant", Who::Owner, renew(past))],
    );
    ladder(&World::new(), day(1), &[("EndPassed", Who::Owner, apply(past))]);
    ladder(&World::applied(day(9)), day(1), &[("AlreadyApplied", Who::Owner, apply(past))]);
    let mut world = World::granted(day(30));
    ladder(
        &world,
        day(1),
        &[("AlreadyGranted", Who::Owner, apply(past)), ("EndShrinks", Who::Owner, renew(past))],
    );
    world.renew(day(60), day(0)).unwrap();
    ladder(
        &world,
        day(1),
        &[("AlreadyGranted", Who::Owner, apply(past)), ("AlreadyApplied", Who::Owner, renew(past))],
    );
    world.cancel(day(9), day(0)).unwrap();
    ladder(&world, day(1), &[("NoticeRunning", Who::Owner, renew(past))]);
    world.unpublish(day(9), day(0));
    ladder(&world, day(1), &[("NoticeRunning", Who::Owner, renew(past))]);
}

#[test]
fn cancel_and_give_back_form_rights_state_time() {
    let id = World::new().notice_id();
    let cancel = |at| Command::Cancel { id: id.clone(), at };
    let soon = Some(day(1));
    let mut world = World::new();
    ladder(
        &world,
        day(1),
        &[
            ("FieldMissing", Who::Owner, cancel(None)),
            ("EndTooFar", Who::Owner, cancel(Some(Timestamp::MAX))),
            ("NotReviewer", Who::Owner, cancel(soon)),
            ("NoGrant", Who::Reviewer, cancel(soon)),
            ("NotAppOwner", Who::Reviewer, Command::GiveBack),
            ("NotAppOwner", Who::Admin, Command::GiveBack),
            ("NoGrant", Who::Owner, Command::GiveBack),
        ],
    );
    world.authorize(day(30), day(0)).unwrap();
    ladder(&world, day(1), &[("NoticeTooShort", Who::Reviewer, cancel(soon))]);
    world.cancel(day(20), day(0)).unwrap();
    ladder(&world, day(1), &[("NoticeRunning", Who::Reviewer, cancel(soon))]);
}

#[test]
fn verdicts_and_withdrawals_rights_state_time() {
    let decide = |world: &World, pass| Command::Decide {
        application: world.last_application(),
        pass,
        comment: None,
    };
    let withdraw = |world: &World| Command::Withdraw { application: world.last_application() };
    let mut decided = World::applied(day(30));
    decided.verdict(false, day(0)).unwrap();
    // A late approval is told that it came late, not that its time is wrong.
    for (world, now) in [(&decided, day(1)), (&World::applied(day(1)), day(2))] {
        ladder(
            world,
            now,
            &[
                ("NotReviewer", Who::Owner, decide(world, true)),
                ("NotReviewer", Who::Stranger, decide(world, false)),
                ("NotApplicant", Who::Reviewer, withdraw(world)),
                ("AlreadyDecided", Who::Reviewer, decide(world, true)),
                ("AlreadyDecided", Who::Reviewer, decide(world, false)),
                ("AlreadyDecided", Who::Owner, withdraw(world)),
            ],
        );
    }
    // Somebody else's application, passed off as one of this app.
    let other = World::applied(day(30));
    ladder(
        &World::new(),
        day(1),
        &[
            ("NotReviewer", Who::Owner, decide(&other, true)),
            ("ApplicationUnknown", Who::Reviewer, decide(&other, true)),
            ("ApplicationUnknown", Who::Owner, withdraw(&other)),
        ],
    );
    // Approving checks all anew.
    let mut world = World::applied(day(30));
    world.others = 0;
    world.stop(day(3), day(1));
    let approve = decide(&world, true);
    ladder(&world, day(1), &[("NotPublished", Who::Reviewer, approve.clone())]);
    world.fit = Fit::OpenApi;
    ladder(&world, day(1), &[("KindMismatch", Who::Reviewer, approve)]);
    let mut renewed = World::granted(day(30));
    renewed.renew(day(60), day(0)).unwrap();
    renewed.unpublish(day(9), day(0));
    let approve = decide(&renewed, true);
    ladder(&renewed, day(1), &[("NoticeRunning", Who::Reviewer, approve)]);
}

#[test]
fn answers_to_notices_rights_state_time() {
    let confirm = |world: &World, at| Command::Confirm {
        notice: world.last_notice(),
        choice: Choice::At(Some(at)),
    };
    let withdraw = |world: &World| Command::WithdrawNotice { notice: world.last_notice() };
    let mut world = World::granted(day(30));
    world.cancel(day(9), day(0)).unwrap();
    ladder(
        &world,
        day(1),
        &[
            ("NotAddressee", Who::Reviewer, confirm(&world, day(0))),
            ("NotReviewer", Who::Owner, withdraw(&world)),
            ("ConfirmPassed", Who::Owner, confirm(&world, day(1))),
            ("ConfirmPassed", Who::Owner, confirm(&world, day(-9))),
            ("ConfirmPassed", Who::Owner, confirm(&world, Timestamp::from_ms(i64::MIN))),
            ("ConfirmTooLate", Who::Owner, confirm(&world, day(9).plus_ms(1))),
            ("ConfirmTooLate", Who::Owner, confirm(&world, Timestamp::MAX)),
            ("-", Who::Owner, confirm(&world, day(1).plus_ms(1))),
            ("-", Who::Admin, confirm(&world, day(9))),
        ],
    );
    ladder(
        &world,
        day(9),
        &[
            ("NotAddressee", Who::Reviewer, confirm(&world, day(0))),
            ("NoticeEnded", Who::Owner, confirm(&world, day(0))),
            ("NoticeEnded", Who::Reviewer, withdraw(&world)),
        ],
    );
    ladder(
        &World::granted(day(30)),
        day(1),
        &[
            ("NoticeUnknown", Who::Owner, confirm(&world, day(0))),
            ("NoticeUnknown", Who::Reviewer, withdraw(&world)),
        ],
    );
}

#[test]
fn publications_rights_state_form_time() {
    use publication::Command;
    let stop = |at| Command::Stop { at };
    let fails = |world: &World, who, command: &Command| {
        name(world.clone().publication(who, command, day(1)))
    };
    let mut world = World::unpublished();
    let id = world.application_id();
    assert_eq!(fails(&world, Who::Listed, &stop(None)), "NotReviewer");
    assert_eq!(fails(&world, Who::Reviewer, &stop(None)), "IllegalAction");
    // The time is only needed while apps count on the API, so its absence shows after the state.
    world = World::new();
    assert_eq!(fails(&world, Who::Reviewer, &stop(None)), "FieldMissing");
    assert_eq!(fails(&world, Who::Reviewer, &stop(Some(Timestamp::MAX))), "EndTooFar");
    assert_eq!(fails(&world, Who::Reviewer, &stop(Some(day(-1)))), "NoticeTooShort");
    let taken = Refusal::RouteTaken {
        by: "the API orders".to_owned(),
        path: "/orders".to_owned(),
        instance: instance(),
    };
    world.route_refused = Some(taken.clone());
    let publish = Command::Publish { id };
    assert_eq!(fails(&world, Who::Stranger, &publish), "IllegalAction");
    let mut fresh = World::unpublished();
    fresh.route_refused = Some(taken.clone());
    assert_eq!(fails(&fresh, Who::Stranger, &publish), "RouteTaken");
    assert_eq!(fails(&fresh, Who::Stranger, &Command::WithdrawShutdown), "NotReviewer");
}
