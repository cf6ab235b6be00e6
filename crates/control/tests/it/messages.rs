//! Messages: reminders that are left once, and the outbox they leave by.

use std::sync::Arc;

use tidegate_control::{Control, GrantAction, Letter, OnDuty, Round, Settings, Tried};
use tidegate_domain::Timestamp;
use tidegate_domain::time::HOUR_MS;
use tidegate_store::{MemStore, Store};
use tidegate_testkit::{World, hour};

const ALONE: OnDuty = OnDuty::ALONE;
const DAY: i64 = 24;

/// A world whose reminding has begun.
async fn world() -> (World, Arc<MemStore>) {
    let store = Arc::new(MemStore::new());
    let world = World::over(store.clone(), Settings::default()).await;
    world.control.remind(&ALONE, world.now()).await.unwrap();
    (world, store)
}

/// The reminders left by `at`, in order, each with whom it is for.
async fn reminders(world: &mut World, store: &MemStore, at: Timestamp) -> Vec<String> {
    world.go_to(at);
    while world.control.remind(&ALONE, at).await.unwrap() {}
    let all = store.view().await.unwrap().outbox(1_000).await.unwrap();
    let names = [("owner", world.user("owner").await), ("reviewer", world.user("reviewer").await)];
    let name = |id| names.iter().find(|(_, user)| user == id).map_or("?", |(name, _)| name);
    let reminders = all.iter().filter_map(|message| {
        Some((message.what.strip_prefix("reminder.")?, name(&message.recipient)))
    });
    reminders.map(|(what, name)| format!("{what} {name}")).collect()
}

#[tokio::test]
async fn an_owner_is_reminded_a_week_and_a_day_before_the_end() {
    let (mut world, store) = world().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(10 * DAY))))).await;
    let mut at = async |moment| reminders(&mut world, &store, moment).await;
    assert_eq!(at(hour(3 * DAY).plus_ms(-1)).await, [""; 0]);
    assert_eq!(at(hour(3 * DAY)).await, ["grant-ends owner"]);
    assert_eq!(at(hour(9 * DAY).plus_ms(-1)).await, ["grant-ends owner"], "once");
    assert_eq!(at(hour(9 * DAY)).await, ["grant-ends owner", "grant-ends owner"]);
    assert_eq!(at(hour(20 * DAY)).await.len(), 2, "and never again");
}

#[tokio::test]
async fn a_grant_that_was_extended_in_time_ends_later_for_the_reminders_too() {
    let (mut world, store) = world().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(10 * DAY))))).await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(30 * DAY))))).await;
    let mut at = async |moment| reminders(&mut world, &store, moment).await;
    assert_eq!(at(hour(11 * DAY)).await, [""; 0]);
    assert_eq!(at(hour(23 * DAY)).await, ["grant-ends owner"]);
}

#[tokio::test]
async fn who_has_not_answered_is_reminded() {
    let (mut world, store) = world().await;
    world.does("owner", world.on_grant(GrantAction::Apply(Some(hour(30 * DAY))))).await;
    assert_eq!(reminders(&mut world, &store, hour(DAY)).await, [""; 0]);
    let waits = ["application-waits reviewer"];
    assert_eq!(reminders(&mut world, &store, hour(DAY + 1)).await, waits);
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(30 * DAY))))).await;
    world.does("reviewer", world.on_grant(GrantAction::Cancel(Some(hour(6 * DAY))))).await;
    assert_eq!(reminders(&mut world, &store, hour(5 * DAY).plus_ms(-1)).await, waits);
    let both = ["application-waits reviewer", "notice-unanswered owner"];
    assert_eq!(reminders(&mut world, &store, hour(5 * DAY)).await, both);
}

/// A scheduler that was away for a while leaves no reminder of what is over.
#[tokio::test]
async fn what_is_over_is_not_reminded_of() {
    let (mut world, store) = world().await;
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(10 * DAY))))).await;
    assert_eq!(reminders(&mut world, &store, hour(11 * DAY)).await, [""; 0]);
}

async fn try_all(control: &Control, now: Timestamp, taken: bool) -> (Vec<Letter>, Round) {
    let letters = control.letters(now).await.unwrap();
    let tried: Vec<_> =
        letters.iter().map(|letter| Tried { id: letter.id.clone(), taken }).collect();
    let round = control.tried(&ALONE, &letters, &tried, now).await.unwrap();
    (letters, round)
}

#[tokio::test]
async fn a_message_is_tried_until_it_is_taken() {
    let (world, _) = world().await;
    let control = &world.control;
    while try_all(control, world.now(), true).await.1.delivered > 0 {}
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(10 * DAY))))).await;
    let now = world.now();
    let (letters, round) = try_all(control, now, false).await;
    assert_eq!((letters.len(), round.failed), (1, 1));
    assert_eq!(
        (letters[0].recipient.as_str(), &*letters[0].message.what),
        ("owner", "grant.granted")
    );
    assert_eq!(control.letters(now.plus_ms(4_999)).await.unwrap(), [], "put off");
    let (again, _) = try_all(control, now.plus_ms(5_000), false).await;
    assert_eq!((&again[0].id, again[0].message.tries), (&letters[0].id, 1), "the same id");
    assert_eq!(control.letters(now.plus_ms(14_999)).await.unwrap(), [], "put off for longer");
    let (_, taken) = try_all(control, now.plus_ms(15_000), true).await;
    assert_eq!(taken, Round { delivered: 1, ..Round::default() });
    assert_eq!(control.waiting().await.unwrap().count, 0);
}

#[tokio::test]
async fn a_message_nobody_takes_is_given_up_and_the_journal_says_so() {
    let (world, store) = world().await;
    let control = &world.control;
    while try_all(control, world.now(), true).await.1.delivered > 0 {}
    world.does("reviewer", world.on_grant(GrantAction::Authorize(Some(hour(10 * DAY))))).await;
    let (mut now, mut tries) = (world.now(), 0);
    let given_up = loop {
        let (letters, round) = try_all(control, now, false).await;
        tries += letters.len();
        if round.given_up > 0 {
            break now;
        }
        now = now.plus_ms(HOUR_MS);
    };
    assert!(given_up >= world.now().plus_ms(72 * HOUR_MS) && tries < 80, "{tries} tries");
    assert_eq!(control.waiting().await.unwrap().count, 0);
    let head = store.view().await.unwrap().head().await.unwrap().revision;
    let last = tidegate_store::Revision(head.0 - 1);
    let journal = store.view().await.unwrap().journal(last, 10).await.unwrap();
    assert_eq!(journal[0].what, "message.given-up");
}

#[tokio::test]
async fn without_a_receiver_old_messages_are_forgotten() {
    let (world, _) = world().await;
    let control = &world.control;
    let before = control.waiting().await.unwrap().count;
    assert!(before > 0);
    let early = control.drop_undeliverable(&ALONE, world.now().plus_ms(71 * HOUR_MS)).await;
    assert_eq!(early.unwrap(), 0);
    let late = control.drop_undeliverable(&ALONE, world.now().plus_ms(72 * HOUR_MS)).await;
    assert_eq!(late.unwrap(), before);
    assert_eq!(control.waiting().await.unwrap().count, 0);
}
