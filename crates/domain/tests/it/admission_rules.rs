//! What the gate is told of a standing.

use tidegate_domain::standing::Choice;
use tidegate_domain::{Denied, admit};

use crate::cast::day;
use crate::world::World;

#[test]
fn only_an_application_for_a_new_grant_makes_an_app_wait_at_the_gate() {
    let applied = World::applied(day(9));
    assert!(applied.standing.held().applied_until.is_some());
    assert_eq!(applied.admit(day(1)), Err(Denied::Pending));
    let mut renewed = World::granted(day(5));
    renewed.renew(day(9), day(0)).unwrap();
    assert!(renewed.standing.held().applied_until.is_none());
    assert!(renewed.admit(day(4)).is_ok());
    assert_eq!(renewed.admit(day(5)), Err(Denied::Expired { at: day(5) }));
}

#[test]
fn a_permit_tells_of_every_announced_end() {
    let granted = World::granted(day(30));
    let permit = granted.admit(day(1)).unwrap();
    assert_eq!((permit.end(), permit.cancelled_at()), (day(30), None));
    let mut cancelled = World::granted(day(30));
    cancelled.cancel(day(20), day(0)).unwrap();
    let mut stopping = cancelled.clone();
    stopping.stop(day(10), day(0));
    let mut scheduled = stopping.clone();
    scheduled.confirm(Choice::At(Some(day(4))), day(1)).unwrap();
    for (world, end) in [(cancelled, 20), (stopping, 10), (scheduled, 4)] {
        let permit = world.admit(day(1)).unwrap();
        assert_eq!(permit.end(), day(end));
        assert_eq!(permit.cancelled_at(), Some(day(end)));
    }
}

#[test]
fn the_gate_without_the_publications_news_still_knows_when_a_pause_begins() {
    // The standing's news came first: the pause bites whatever the gate knows of the API.
    let mut world = World::granted(day(30));
    let published = world.publication.status;
    world.stop(day(10), day(0));
    world.confirm(Choice::At(Some(day(4))), day(1)).unwrap();
    let held = world.standing.held();
    assert_eq!(held.shutdown_at, Some(day(4)));
    assert_eq!(admit(published, Some(held), day(4)), Err(Denied::Stopped));
    assert_eq!(admit(published, Some(held), day(3)).unwrap().end(), day(4));
}
