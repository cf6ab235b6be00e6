//! The choices made where the protocol's documents are silent or disagree, each as a story.

use tidegate_domain::app::Fit;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::{Choice, Command, Event};
use tidegate_domain::time::{DAY_MS, HOUR_MS};
use tidegate_domain::{
    ApplicationKind, Denied, NoticeOutcome, Outcome, Refusal, Timestamp, VoidCause, limits,
};

use crate::cast::{MINUTE_MS, Who, at, day};
use crate::world::World;

fn until(world: &World) -> Timestamp {
    world.standing.grant.as_ref().unwrap().until
}

fn last_verdict(world: &World) -> Outcome {
    world.last_application().verdict.unwrap().outcome
}

fn last_ending(world: &World) -> NoticeOutcome {
    world.last_notice().closed.unwrap().outcome
}

#[test]
fn the_owner_applies_the_reviewer_approves_until_noon_and_at_noon_the_call_is_denied() {
    let mut world = World::new();
    world.apply(at(1, 12), day(0)).unwrap();
    assert_eq!(world.admit(day(0)), Err(Denied::Pending));
    world.verdict(true, at(0, 1)).unwrap();
    assert_eq!(world.admit(day(0)), Err(Denied::NotYet { from: at(0, 1) }));
    assert_eq!(world.admit(at(1, 11)).unwrap().end(), at(1, 12));
    assert!(world.admit(at(1, 12).plus_ms(-1)).is_ok());
    assert_eq!(world.admit(at(1, 12)), Err(Denied::Expired { at: at(1, 12) }));
}

#[test]
fn the_end_of_validity_is_floored_never_more_access_than_asked() {
    for past_the_hour in [0, 1, 30 * MINUTE_MS, HOUR_MS - 1] {
        let asked = at(5, 7).plus_ms(past_the_hour);
        assert_eq!(until(&World::granted(asked)), at(5, 7));
        let filed = World::applied(asked).last_application();
        assert_eq!(filed.until, Some(at(5, 7)));
        let mut world = World::granted(day(1));
        world.renew(asked, day(0)).unwrap();
        world.verdict(true, day(0)).unwrap();
        assert_eq!(until(&world), at(5, 7));
    }
}

#[test]
fn the_moment_of_cancellation_is_ceiled_never_less_notice_than_asked() {
    for past_the_hour in [1, 30 * MINUTE_MS, HOUR_MS] {
        let asked = at(5, 7).plus_ms(past_the_hour);
        let mut world = World::granted(day(30));
        world.cancel(asked, day(0)).unwrap();
        assert_eq!(world.last_notice().deadline, at(5, 8));
        world.confirm(Choice::At(Some(at(2, 7).plus_ms(past_the_hour))), day(0)).unwrap();
        assert_eq!(world.last_notice().scheduled, Some(at(2, 8)));
        assert_eq!(world.admit(day(1)).unwrap().end(), at(2, 8));
    }
}

#[test]
fn two_days_are_48_hours_from_the_decision_checked_after_rounding_and_never_clamped() {
    let too_short = |earliest| Err(Refusal::NoticeTooShort { earliest });
    for (now, asked, outcome) in [
        (day(0), day(2), Ok(day(2))),
        (day(0), day(2).plus_ms(-1), Ok(day(2))), // rounded up, it is enough
        (day(0), day(2).plus_ms(-HOUR_MS), too_short(day(2))),
        (day(0).plus_ms(1), day(2), too_short(at(2, 1))),
        (day(0).plus_ms(1), day(2).plus_ms(1), Ok(at(2, 1))),
        (day(0), day(0), too_short(day(2))),
        (day(1), day(0), too_short(day(3))),
    ] {
        let mut world = World::granted(day(30));
        let cancelled = world.cancel(asked, now);
        assert_eq!(cancelled.map(|_| world.last_notice().deadline), outcome);
    }
}

#[test]
fn a_missing_time_is_refused_except_where_none_is_needed() {
    let missing = || Err(Refusal::FieldMissing { field: "time" });
    let mut world = World::granted(day(30));
    let (id, notice) = (world.application_id(), world.notice_id());
    let renew = Command::Renew { id: id.clone(), until: None };
    for (who, command) in [
        (Who::Reviewer, Command::Authorize { until: None }),
        (Who::Owner, Command::Apply { id, until: None }),
        (Who::Owner, renew),
        (Who::Reviewer, Command::Cancel { id: notice, at: None }),
    ] {
        assert_eq!(world.run(who, &command, day(1)), missing(), "{command:?}");
    }
    assert!(world.give_back(day(1)).is_ok());
}

#[test]
fn a_confirmation_without_a_time_means_three_days_but_not_after_the_deadline() {
    for (deadline, answered, effect) in [
        (day(10), day(1), day(4)),
        (day(10), day(1).plus_ms(1), at(4, 1)),
        (day(4), day(1), day(4)),
        (day(3), day(1), day(3)),
        (day(3), day(3).plus_ms(-1), day(3)),
    ] {
        let mut world = World::granted(day(30));
        world.cancel(deadline, day(0)).unwrap();
        world.confirm(Choice::At(None), answered).unwrap();
        assert_eq!(world.last_notice().takes_effect(), effect);
        assert_eq!(world.admit(answered).unwrap().end(), effect);
    }
}

#[test]
fn authorize_on_a_live_grant_extends_repeats_or_is_refused() {
    let mut world = World::granted(day(10));
    assert_eq!(world.authorize(day(10), day(1)), Ok(Vec::new()));
    assert_eq!(world.authorize(day(10).plus_ms(1), day(1)), Ok(Vec::new()));
    let refusal = world.authorize(day(9), day(1));
    let app = world.standing.key.app.clone();
    assert_eq!(refusal, Err(Refusal::EndShrinks { app, until: day(10) }));
    world.authorize(day(11), day(1)).unwrap();
    assert_eq!(until(&world), day(11));
    assert_eq!(world.standing.grant.as_ref().unwrap().since, day(0));
}

#[test]
fn authorize_while_an_application_waits_grants_and_passes_it() {
    let mut applied = World::applied(day(10));
    applied.authorize(day(5), day(1)).unwrap();
    let mut renewed = World::granted(day(4));
    renewed.renew(day(10), day(0)).unwrap();
    renewed.authorize(day(5), day(1)).unwrap();
    for world in [applied, renewed] {
        assert_eq!(until(&world), day(5), "what the reviewer said counts");
        let verdict = world.last_application().verdict.unwrap();
        assert_eq!(verdict.outcome, Outcome::Passed);
        assert_eq!((verdict.at, verdict.by), (day(1), Some(Who::Reviewer.id())));
        assert_eq!(world.standing.application, None);
    }
}

#[test]
fn an_extension_while_a_notice_runs_is_refused_by_name_until_it_is_withdrawn() {
    let mut world = World::granted(day(10));
    world.cancel(day(5), day(0)).unwrap();
    let app = world.standing.key.app.clone();
    let running = || {
        let (app, at) = (app.clone(), day(5));
        Err(Refusal::NoticeRunning { app, at })
    };
    assert_eq!(world.authorize(day(20), day(1)), running());
    assert_eq!(world.renew(day(20), day(1)), running());
    assert_eq!(world.cancel(day(8), day(1)), running(), "nor is it postponed");
    world.withdraw_notice(day(2)).unwrap();
    assert_eq!(last_ending(&world), NoticeOutcome::Withdrawn);
    assert_eq!(world.admit(day(5)).unwrap().end(), day(10));
    world.authorize(day(20), day(2)).unwrap();
}

#[test]
fn an_extension_during_an_announced_stop_is_allowed_but_not_during_an_unpublish() {
    let mut world = World::granted(day(10));
    world.stop(day(5), day(0));
    world.renew(day(20), day(1)).unwrap();
    world.verdict(true, day(1)).unwrap();
    world.authorize(day(30), day(6)).unwrap();
    assert_eq!(until(&world), day(30));
    assert_eq!(world.admit(day(6)), Err(Denied::Stopped), "but nothing is served");
    let mut world = World::granted(day(10));
    world.unpublish(day(5), day(0));
    let refused = |told| matches!(told, Err(Refusal::NoticeRunning { at, .. }) if at == day(5));
    assert!(refused(world.authorize(day(20), day(1))));
    assert!(refused(world.renew(day(20), day(1))));
}

#[test]
fn a_renewal_after_the_end_is_refused_and_applying_anew_is_the_way() {
    let mut world = World::granted(day(1));
    assert_eq!(world.renew(day(9), day(1)), Err(Refusal::NoGrant));
    world.apply(day(9), day(1)).unwrap();
    assert_eq!(world.last_application().kind, ApplicationKind::Apply);
}

#[test]
fn a_renewal_not_decided_before_the_end_is_void() {
    let mut world = World::granted(day(1));
    world.renew(day(9), day(0)).unwrap();
    let late = world.clone().verdict(true, day(1)).unwrap_err();
    let Refusal::AlreadyDecided { verdict } = late else { panic!("{late:?}") };
    assert_eq!(verdict.outcome, Outcome::Void(VoidCause::GrantEnded));
    assert_eq!(verdict.at, day(1));
    world.verdict(true, day(1).plus_ms(-1)).unwrap();
    assert!(world.admit(day(1)).is_ok(), "no gap when decided in time");
}

#[test]
fn an_application_of_the_reviewer_himself_waits_like_any_other() {
    let mut world = World::new();
    let (id, asked) = (world.application_id(), Some(day(5)));
    let facts =
        tidegate_domain::standing::Facts { is_owner: true, ..world.facts(Who::Reviewer, day(0)) };
    let command = Command::Apply { id, until: asked };
    let events = tidegate_domain::standing::decide(&world.standing, &facts, &command, day(0));
    assert!(matches!(&events.unwrap()[..], [Event::Applied(_)]));
}

#[test]
fn a_confirmation_by_the_apis_side_is_refused() {
    let mut world = World::granted(day(10));
    world.cancel(day(5), day(0)).unwrap();
    for (who, allowed) in [
        (Who::Reviewer, false),
        (Who::Listed, false),
        (Who::Stranger, false),
        (Who::Admin, true),
        (Who::Owner, true),
    ] {
        let notice = world.last_notice();
        let command = Command::Confirm { notice, choice: Choice::Now };
        let answer = world.clone().run(who, &command, day(1));
        let refused = answer == Err(Refusal::NotAddressee);
        assert_eq!(refused, !allowed, "{who:?}");
        assert_eq!(answer.is_ok(), allowed, "{who:?}");
    }
}

#[test]
fn silence_until_the_deadline_ends_access_by_force() {
    let mut world = World::granted(day(10));
    world.cancel(day(5), day(0)).unwrap();
    assert!(world.admit(day(5).plus_ms(-1)).is_ok());
    assert_eq!(world.admit(day(5)), Err(Denied::Cancelled { at: day(5) }));
    world.tick(day(9));
    let closed = world.last_notice().closed.unwrap();
    assert_eq!((closed.outcome, closed.at), (NoticeOutcome::Forced, day(5)));
}

#[test]
fn a_later_end_chosen_on_confirmation_ends_access_then() {
    let mut world = World::granted(day(10));
    world.cancel(day(5), day(0)).unwrap();
    world.confirm(Choice::At(Some(day(3))), day(1)).unwrap();
    assert!(world.admit(day(3).plus_ms(-1)).is_ok());
    assert_eq!(world.admit(day(3)), Err(Denied::Cancelled { at: day(3) }));
    world.tick(day(4));
    assert_eq!(last_ending(&world), NoticeOutcome::Executed);
}

#[test]
fn giving_back_ends_access_at_once_and_settles_all_that_hangs_on_it() {
    let mut world = World::granted(day(10));
    world.stop(day(5), day(0));
    world.renew(day(20), day(1)).unwrap();
    world.give_back(day(2)).unwrap();
    assert_eq!(world.admit(day(2)), Err(Denied::Cancelled { at: day(2) }));
    assert_eq!(last_verdict(&world), Outcome::Void(VoidCause::GivenBack));
    assert_eq!(last_ending(&world), NoticeOutcome::Released);
    let mut world = World::granted(day(10));
    world.cancel(day(5), day(0)).unwrap();
    world.confirm(Choice::At(Some(day(4))), day(1)).unwrap();
    world.give_back(day(2)).unwrap();
    assert_eq!(last_ending(&world), NoticeOutcome::Released);
    assert_eq!(world.admit(day(2)), Err(Denied::Cancelled { at: day(2) }));
}

#[test]
fn who_confirms_a_stop_is_cut_alone_and_served_again_after_it() {
    let mut world = World::granted(day(30));
    world.stop(day(5), day(0));
    world.confirm(Choice::Now, day(1)).unwrap();
    assert_eq!(world.admit(day(1)), Err(Denied::Stopped));
    assert_eq!(world.status(day(1)), Status::Stopping { at: day(5) }, "others still call");
    world.recover(day(6));
    assert!(world.admit(day(6)).is_ok());
}

#[test]
fn the_last_app_to_confirm_brings_the_stop_about() {
    let mut world = World::granted(day(30));
    world.others = 0;
    world.stop(day(5), day(0));
    world.confirm(Choice::Now, day(1)).unwrap();
    assert_eq!(world.status(day(1)), Status::Stopped);
}

#[test]
fn an_api_that_asks_for_nobodys_proof_takes_requests_without_effect() {
    let mut world = World::new();
    world.fit = Fit::OpenApi;
    assert_eq!(world.authorize(day(5), day(0)), Ok(Vec::new()));
    assert_eq!(world.apply(day(5), day(0)), Ok(Vec::new()));
    assert_eq!(world.renew(day(5), day(0)), Ok(Vec::new()));
}

#[test]
fn no_end_lies_beyond_the_horizon() {
    let horizon = Timestamp::from_ms(limits::HORIZON_MS);
    let mut world = World::granted(horizon.plus_ms(HOUR_MS - 1));
    assert_eq!(until(&world), horizon);
    for end in [horizon.plus_ms(HOUR_MS), Timestamp::MAX] {
        assert_eq!(world.authorize(end, day(0)), Err(Refusal::EndTooFar));
        assert_eq!(world.renew(end, day(0)), Err(Refusal::EndTooFar));
        assert_eq!(world.cancel(end, day(0)), Err(Refusal::EndTooFar));
    }
    assert_eq!(world.cancel(horizon.plus_ms(1), day(0)), Err(Refusal::EndTooFar));
    for end in [Timestamp::from_ms(i64::MIN), Timestamp::from_ms(-1), day(-1)] {
        let refusal = World::new().authorize(end, day(0)).unwrap_err();
        assert!(matches!(refusal, Refusal::EndPassed { .. }), "{refusal:?}");
    }
    assert_eq!(DAY_MS * 2, limits::NOTICE_MS);
}
