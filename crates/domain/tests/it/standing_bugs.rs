//! Corners in which a bug was found, or looked for.

use tidegate_domain::app::Fit;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Choice, Command, CutCause, Relationship, settle};
use tidegate_domain::{Denied, NoticeOutcome, Outcome, Refusal, VoidCause};

use crate::cast::{Who, day};
use crate::world::World;

#[test]
fn an_unpublish_that_has_come_settles_the_cancellation_and_the_renewal_at_once() {
    let mut world = World::granted(day(30));
    world.cancel(day(14), day(0)).unwrap();
    world.unpublish(day(10), day(0));
    let settled = world.standing.as_of(day(12));
    assert_eq!(settled.cancellation, None);
    assert_eq!(settle(&settled, day(12)), []);
    let mut world = World::granted(day(30));
    world.renew(day(60), day(0)).unwrap();
    world.unpublish(day(10), day(0));
    world.tick(day(12));
    let verdict = world.last_application().verdict.unwrap();
    assert_eq!(verdict.outcome, Outcome::Void(VoidCause::Unpublished));
    assert_eq!(verdict.at, day(10));
}

#[test]
fn an_unpublish_ends_the_grant_at_its_deadline_even_if_nobody_looks_until_the_grants_own_end() {
    let mut world = World::granted(day(20));
    world.unpublish(day(10), day(0));
    for now in [day(10), day(15), day(20), day(25)] {
        let grant = world.standing.as_of(now).grant.unwrap();
        assert_eq!(grant.end(), day(10), "seen on {now}");
        assert_eq!(grant.cut.unwrap().cause, CutCause::Unpublished);
    }
}

#[test]
fn who_agreed_to_an_unpublish_early_has_no_grant_left_after_it() {
    for choice in [Choice::Now, Choice::At(Some(day(5)))] {
        let mut world = World::granted(day(30));
        world.unpublish(day(10), day(0));
        world.confirm(choice, day(1)).unwrap();
        world.tick(day(6));
        assert_eq!(world.apply(day(60), day(10)), Err(Refusal::NotPublished));
        assert_eq!(world.renew(day(60), day(10)), Err(Refusal::NoGrant));
        assert_eq!(world.authorize(day(30), day(10)), Err(Refusal::NotPublished));
        assert_eq!(world.cancel(day(14), day(10)), Err(Refusal::NoGrant));
        world.publish(day(11));
        assert_eq!(world.admit(day(11)), Err(Denied::NoGrant));
    }
}

#[test]
fn one_app_cannot_be_exempted_from_the_end_of_an_api() {
    let mut world = World::granted(day(30));
    world.stop(day(10), day(0));
    let status = Status::Stopping { at: day(10) };
    let refusal = world.withdraw_notice(day(1));
    assert_eq!(refusal, Err(Refusal::IllegalAction { status }));
    assert!(world.standing.shutdown.is_some(), "its notice goes on");
}

#[test]
fn a_verdict_is_about_the_application_that_waits_not_about_what_the_caller_found() {
    let mut world = World::applied(day(5));
    let mut stale = world.last_application();
    world.withdraw(day(0)).unwrap();
    world.apply(day(6), day(0)).unwrap();
    // A copy from before the withdrawal does not look decided.
    let command = |application| Command::Decide { application, pass: true, comment: None };
    let refusal = world.run(Who::Reviewer, &command(stale.clone()), day(1));
    assert_eq!(refusal, Err(Refusal::ApplicationUnknown));
    let withdraw = Command::Withdraw { application: stale.clone() };
    let refusal = world.run(Who::Owner, &withdraw, day(1));
    assert_eq!(refusal, Err(Refusal::ApplicationUnknown));
    // Nor can a copy say what is asked for.
    stale.id = world.last_application().id;
    stale.until = Some(day(999));
    world.run(Who::Reviewer, &command(stale), day(1)).unwrap();
    assert_eq!(world.standing.grant.unwrap().until, day(6));
}

#[test]
fn an_answer_is_about_a_notice_that_runs_not_about_what_the_caller_found() {
    let mut world = World::granted(day(30));
    world.cancel(day(10), day(0)).unwrap();
    let stale = world.last_notice();
    world.withdraw_notice(day(0)).unwrap();
    world.cancel(day(12), day(1)).unwrap();
    let confirm = Command::Confirm { notice: stale.clone(), choice: Choice::Now };
    let withdraw = Command::WithdrawNotice { notice: stale };
    for (who, command) in [(Who::Owner, confirm), (Who::Reviewer, withdraw)] {
        let refusal = world.run(who, &command, day(2));
        assert_eq!(refusal, Err(Refusal::NoticeUnknown));
    }
}

#[test]
fn a_grant_the_app_cannot_use_any_more_is_not_extended_by_any_way() {
    let mut world = World::granted(day(30));
    world.renew(day(60), day(0)).unwrap();
    world.fit = Fit::Mismatch; // the API was stopped and edited
    assert_eq!(world.authorize(day(60), day(1)), Err(Refusal::KindMismatch));
    assert_eq!(world.renew(day(60), day(1)), Err(Refusal::KindMismatch));
    assert_eq!(world.verdict(true, day(1)), Err(Refusal::KindMismatch));
    assert!(world.verdict(false, day(1)).is_ok());
}

#[test]
fn a_list_is_right_before_anybody_has_tidied_up() {
    let mut world = World::granted(day(5));
    world.renew(day(9), day(0)).unwrap();
    assert_eq!(world.standing.relationship(day(4)), Some(Relationship::Renewing));
    assert_eq!(world.standing.relationship(day(5)), None, "the renewal is void");
    let applied = World::applied(day(5)).standing;
    assert_eq!(applied.relationship(day(4)), Some(Relationship::Applied));
    assert_eq!(applied.relationship(day(5)), None);
    let mut ending = World::granted(day(5));
    ending.unpublish(day(3), day(0));
    assert_eq!(ending.standing.relationship(day(2)), Some(Relationship::Ending));
    assert_eq!(ending.standing.relationship(day(3)), None);
}

#[test]
fn when_the_grant_ends_both_notices_end_each_in_its_way() {
    for (cancel, stop, grant, cancelled, stopped) in [
        (4, 6, 30, NoticeOutcome::Forced, NoticeOutcome::Released),
        (6, 4, 30, NoticeOutcome::Forced, NoticeOutcome::Forced),
        (6, 6, 30, NoticeOutcome::Forced, NoticeOutcome::Forced),
        (8, 9, 5, NoticeOutcome::Released, NoticeOutcome::Released),
        (8, 5, 5, NoticeOutcome::Released, NoticeOutcome::Forced),
    ] {
        let mut world = World::granted(day(grant));
        world.cancel(day(cancel), day(0)).unwrap();
        world.stop(day(stop), day(0));
        world.tick(day(40));
        let ends: Vec<_> = world.notices.iter().map(|n| n.closed.clone().unwrap()).collect();
        assert_eq!(ends[0].outcome, cancelled, "cancel {cancel}, stop {stop}");
        assert_eq!(ends[1].outcome, stopped, "cancel {cancel}, stop {stop}");
        assert_eq!(ends[0].at, day(cancel.min(grant)));
        assert_eq!(ends[1].at, day(stop.min(cancel).min(grant)));
    }
}

#[test]
fn a_new_grant_forgets_a_pause_and_a_cut_of_the_old_one() {
    let mut world = World::granted(day(5));
    world.stop(day(10), day(0));
    world.confirm(Choice::Now, day(1)).unwrap();
    world.tick(day(6));
    let called_off = tidegate_domain::publication::Command::WithdrawShutdown;
    world.publication(Who::Reviewer, &called_off, day(7)).unwrap();
    world.authorize(day(20), day(7)).unwrap();
    assert!(world.admit(day(7)).is_ok());
    world.cancel(day(10), day(8)).unwrap();
    world.authorize(day(20), day(10)).unwrap();
    assert_eq!(world.admit(day(10)).unwrap().end(), day(20));
}

#[test]
fn within_one_millisecond_a_grant_may_be_given_back_and_given_again() {
    let mut world = World::granted(day(5));
    world.give_back(day(0)).unwrap();
    assert!(world.admit(day(0)).is_err());
    world.authorize(day(5), day(0)).unwrap();
    assert!(world.admit(day(0)).is_ok());
}

#[test]
fn a_clock_that_went_back_admits_nobody_and_settles_nothing() {
    let mut world = World::granted(day(5));
    world.renew(day(9), day(0)).unwrap();
    assert_eq!(world.admit(day(-1)), Err(Denied::NotYet { from: day(0) }));
    assert_eq!(settle(&world.standing, day(-1)), []);
    world.tick(day(5));
    assert_eq!(settle(&world.standing, day(1)), [], "what is closed stays closed");
}
