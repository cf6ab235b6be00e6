//! The choices about stopping and publishing, each as a story.

use tidegate_domain::publication::{Command, Event, Status, decide};
use tidegate_domain::standing::{Choice, CutCause};
use tidegate_domain::time::HOUR_MS;
use tidegate_domain::{Denied, Outcome, Refusal, Timestamp, VoidCause};

use crate::cast::{Who, at, day, instance};
use crate::world::World;

fn stop(end: Timestamp) -> Command {
    Command::Stop { at: Some(end) }
}

fn unpublish(end: Timestamp) -> Command {
    Command::Unpublish { at: Some(end) }
}

#[test]
fn a_stop_keeps_the_grants_and_an_unpublish_ends_them() {
    let mut world = World::granted(day(30));
    world.stop(day(3), day(0));
    assert_eq!(world.admit(day(2)).unwrap().end(), day(3));
    assert_eq!(world.admit(day(3)), Err(Denied::Stopped));
    world.recover(day(4));
    assert_eq!(world.admit(day(4)).unwrap().end(), day(30));
    world.unpublish(day(7), day(5));
    assert_eq!(world.admit(day(6)).unwrap().end(), day(7));
    assert_eq!(world.admit(day(7)), Err(Denied::NotPublished));
    world.publish(day(8));
    assert_eq!(world.admit(day(8)), Err(Denied::NoGrant));
    assert_eq!(world.standing.grant.unwrap().cut.unwrap().cause, CutCause::Unpublished);
}

#[test]
fn an_unpublish_voids_what_waits_for_review() {
    let mut world = World::applied(day(30));
    world.others = 0;
    world.unpublish(day(3), day(1));
    let verdict = world.last_application().verdict.unwrap();
    assert_eq!(verdict.outcome, Outcome::Void(VoidCause::Unpublished));
    let late = world.verdict(true, day(2)).unwrap_err();
    assert!(matches!(late, Refusal::AlreadyDecided { .. }), "{late:?}");
}

#[test]
fn the_moment_of_a_stop_is_ceiled_and_leaves_48_hours_and_the_retention_period() {
    let too_short = |earliest| Err(Refusal::NoticeTooShort { earliest });
    let announced = |at| Ok(vec![Event::StopAnnounced { at }]);
    for (now, retention_hours, asked, outcome) in [
        (day(0), 0, day(2), announced(day(2))),
        (day(0), 0, day(2).plus_ms(-1), announced(day(2))),
        (day(0), 0, at(1, 23), too_short(day(2))),
        (day(0).plus_ms(1), 0, day(2), too_short(at(2, 1))),
        (day(0), 72, day(2), too_short(day(3))),
        (day(0), 72, day(3), announced(day(3))),
        (day(2), 72, day(3), too_short(day(4))),
    ] {
        let mut world = World::new();
        world.retention_hours = retention_hours;
        let events = world.publication(Who::Reviewer, &stop(asked), now);
        assert_eq!(events, outcome, "{asked} asked on {now}");
    }
}

#[test]
fn the_retention_period_counts_from_the_last_publication() {
    let mut world = World::new();
    world.retention_hours = 240;
    world.others = 0;
    let gone = Command::Unpublish { at: None };
    world.publication(Who::Reviewer, &gone, day(20)).unwrap();
    world.publish(day(21));
    world.others = 1;
    let refusal = world.publication(Who::Reviewer, &unpublish(day(30)), day(22));
    let earliest = day(31);
    assert_eq!(refusal, Err(Refusal::NoticeTooShort { earliest }));
}

#[test]
fn calling_off_a_stop_closes_all_notices_and_ends_the_pause() {
    let mut world = World::granted(day(30));
    world.stop(day(5), day(0));
    world.confirm(Choice::Now, day(1)).unwrap();
    assert_eq!(world.admit(day(1)), Err(Denied::Stopped));
    let early = world.clone();
    world.publication(Who::Reviewer, &Command::WithdrawShutdown, day(5).plus_ms(-1)).unwrap();
    assert_eq!(world.admit(day(5)).unwrap().end(), day(30));
    let status = Status::Stopped;
    let mut late = early;
    let refusal = late.publication(Who::Reviewer, &Command::WithdrawShutdown, day(5));
    assert_eq!(refusal, Err(Refusal::IllegalAction { status }), "it has happened");
}

#[test]
fn an_app_that_gives_back_the_last_grant_brings_the_unpublish_about() {
    let mut world = World::granted(day(30));
    world.others = 0;
    world.unpublish(day(5), day(0));
    world.give_back(day(1)).unwrap();
    assert_eq!(world.status(day(1)), Status::Offline);
}

#[test]
fn an_end_brought_forward_counts_until_it_has_come() {
    let mut world = World::granted(day(30));
    world.others = 0;
    world.stop(day(5), day(0));
    world.confirm(Choice::At(Some(day(3))), day(1)).unwrap();
    world.tick(day(3).plus_ms(-1));
    assert!(world.admit(day(3).plus_ms(-1)).is_ok());
    world.tick(day(3));
    assert_eq!(world.status(day(3)), Status::Stopped);
}

fn route_taken() -> Refusal {
    let (by, path) = ("the API orders".to_owned(), "/orders".to_owned());
    Refusal::RouteTaken { by, path, instance: instance() }
}

#[test]
fn a_taken_route_is_refused_to_all_on_publishing_and_on_approving() {
    let mut world = World::unpublished();
    let id = world.application_id();
    let publish = Command::Publish { id };
    world.publication(Who::Stranger, &publish, day(0)).unwrap();
    let application = world.publication.application.clone().unwrap();
    let decide = |pass| Command::Decide { application: application.clone(), pass, comment: None };
    let taken = route_taken();
    world.route_refused = Some(taken.clone());
    for who in [Who::Reviewer, Who::Stranger] {
        let mut fresh = World::unpublished();
        fresh.route_refused = Some(taken.clone());
        let refusal = fresh.publication(who, &publish, day(0));
        assert_eq!(refusal, Err(taken.clone()));
    }
    let refusal = world.publication(Who::Reviewer, &decide(true), day(1));
    assert_eq!(refusal, Err(taken.clone()));
    assert!(world.publication(Who::Reviewer, &decide(false), day(1)).is_ok());
}

#[test]
fn a_stopped_api_keeps_its_route_and_recovers_only_where_calls_reach_it() {
    let mut world = World::new();
    world.others = 0;
    world.publication(Who::Reviewer, &Command::Stop { at: None }, day(1)).unwrap();
    let id = world.application_id();
    let recover = Command::Recover { id };
    let mut asked = world.clone();
    asked.publication(Who::Stranger, &recover, day(2)).unwrap();
    let application = asked.publication.application.clone().unwrap();
    let pass = Command::Decide { application, pass: true, comment: None };
    for (refused, expected) in [
        (route_taken(), None),
        (
            Refusal::HostsNeeded { instance: instance() },
            Some(Refusal::HostsNeeded { instance: instance() }),
        ),
    ] {
        for (world, who, command) in [
            (&world, Who::Reviewer, &recover),
            (&world, Who::Stranger, &recover),
            (&asked, Who::Reviewer, &pass),
        ] {
            let mut world = world.clone();
            world.route_refused = Some(refused.clone());
            assert_eq!(world.publication(who, command, day(3)).err(), expected);
        }
    }
}

#[test]
fn an_application_of_an_app_cannot_publish_an_api() {
    let mut world = World::unpublished();
    let application = World::applied(day(5)).last_application();
    let command = Command::Decide { application, pass: true, comment: None };
    let refusal = world.publication(Who::Reviewer, &command, day(1));
    assert_eq!(refusal, Err(Refusal::ApplicationUnknown));
}

#[test]
fn a_late_command_finds_what_time_has_brought_about() {
    // The tidy-up is late; whoever comes first sees the stop that has happened.
    let mut world = World::granted(day(30));
    world.stop(day(5), day(0));
    let facts = world.publication_facts(Who::Reviewer, day(6));
    let id = world.application_id();
    let recover = Command::Recover { id };
    let events = decide(&world.publication, &facts, &recover, day(6));
    assert_eq!(events, Ok(vec![Event::Stopped, Event::Recovered]));
}

#[test]
fn the_end_of_a_stop_lies_within_the_horizon() {
    let horizon = Timestamp::from_ms(tidegate_domain::limits::HORIZON_MS);
    for (end, good) in [
        (horizon, true),
        (horizon.plus_ms(1), false),
        (horizon.plus_ms(HOUR_MS), false),
        (Timestamp::MAX, false),
    ] {
        let mut world = World::new();
        let events = world.publication(Who::Reviewer, &stop(end), day(0));
        assert_eq!(events.is_ok(), good, "{end}");
        assert!(good || events == Err(Refusal::EndTooFar));
    }
}
