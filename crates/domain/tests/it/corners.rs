//! Pieces that hold by themselves, though the lifecycle as a whole never leans on them.

use tidegate_domain::publication::Command;
use tidegate_domain::standing::{Choice, Event, Shutdown, evolve, follow};
use tidegate_domain::{NoticeOutcome, Refusal};

use crate::cast::{Who, day};
use crate::world::World;

fn paused() -> World {
    let mut world = World::granted(day(30));
    world.stop(day(10), day(0));
    world.confirm(Choice::Now, day(1)).unwrap();
    world
}

#[test]
fn a_grant_begins_without_a_pause_and_without_a_cut() {
    let mut world = paused();
    world.cancel(day(5), day(1)).unwrap();
    let granted = Event::Granted { until: day(40), by: Who::Reviewer.id() };
    let standing = evolve(world.standing, granted, day(6));
    assert_eq!(standing.paused_from, None);
    assert_eq!(standing.grant.unwrap().end(), day(40));
}

#[test]
fn an_extension_leaves_an_announced_end_alone() {
    let mut world = World::granted(day(30));
    world.cancel(day(5), day(1)).unwrap();
    let extended = Event::Extended { until: day(40), by: Who::Reviewer.id() };
    let grant = evolve(world.standing, extended, day(2)).grant.unwrap();
    assert_eq!((grant.until, grant.end()), (day(40), day(5)));
}

#[test]
fn an_extension_or_cut_of_nothing_is_nothing() {
    let nothing = World::new().standing;
    let (until, by) = (day(40), Who::Reviewer.id());
    for event in [Event::Extended { until, by }, Event::CutWithdrawn] {
        assert_eq!(evolve(nothing.clone(), event, day(1)), nothing);
    }
}

#[test]
fn every_way_the_end_of_an_api_is_over_ends_the_pause() {
    let by = Who::Reviewer.id();
    for change in
        [Shutdown::Stopped, Shutdown::Unpublished, Shutdown::Withdrawn { by }, Shutdown::Recovered]
    {
        let events = follow(&paused().standing, &change, day(2));
        assert_eq!(events.last(), Some(&Event::PauseEnded), "{change:?}");
    }
}

#[test]
fn an_announcement_reaches_only_apps_with_a_live_grant() {
    let announced = |kind| Shutdown::Announced {
        id: World::new().notice_id(),
        kind,
        by: Who::Reviewer.id(),
        deadline: day(9),
    };
    for kind in [tidegate_domain::NoticeKind::Stop, tidegate_domain::NoticeKind::Unpublish] {
        for (world, reached) in [
            (World::new(), false),
            (World::applied(day(30)), false),
            (World::granted(day(2)), false),
            (World::granted(day(3)), true),
        ] {
            let events = follow(&world.standing, &announced(kind), day(2));
            assert_eq!(!events.is_empty(), reached);
        }
    }
}

#[test]
fn a_notice_carried_out_at_its_moment_is_forced_and_before_it_executed() {
    let mut world = World::granted(day(30));
    world.cancel(day(5), day(0)).unwrap();
    let outcome = |now| {
        let closed = world.last_notice().carried_out_by(now).closed.unwrap();
        (closed.outcome, closed.at)
    };
    let early = day(5).plus_ms(-1);
    assert_eq!(outcome(early), (NoticeOutcome::Executed, early));
    assert_eq!(outcome(day(5)), (NoticeOutcome::Forced, day(5)));
    assert_eq!(outcome(day(6)), (NoticeOutcome::Forced, day(5)));
}

#[test]
fn a_verdict_on_publishing_is_about_the_request_that_waits() {
    let mut world = World::unpublished();
    let (first, second) = (world.application_id(), world.application_id());
    let publish = |id| Command::Publish { id };
    world.publication(Who::Stranger, &publish(first), day(0)).unwrap();
    let stale = world.publication.application.clone().unwrap();
    let withdraw = Command::Withdraw { application: stale.clone() };
    world.publication(Who::Stranger, &withdraw, day(0)).unwrap();
    world.publication(Who::Stranger, &publish(second), day(1)).unwrap();
    let approve = Command::Decide { application: stale, pass: true, comment: None };
    for (who, command) in [(Who::Reviewer, approve), (Who::Stranger, withdraw)] {
        let refusal = world.publication(who, &command, day(2));
        assert_eq!(refusal, Err(Refusal::ApplicationUnknown));
    }
}
