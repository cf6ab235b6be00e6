//! What holds after any sequence of commands and any passing of time.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use tidegate_domain::limits::NOTICE_MS;
use tidegate_domain::publication;
use tidegate_domain::standing::{self, Choice, Command, Event, Relationship, Shutdown, settle};
use tidegate_domain::time::HOUR_MS;
use tidegate_domain::{Denied, Permit, Refusal, Standing, Timestamp, admit};

use crate::cast::{Who, day};
use crate::model::Model;
use crate::ops::{Op, Taken, op, take, usual};
use crate::world::World;

fn config(cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(20_260_105),
        failure_persistence: None,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn whatever_happens_the_promises_hold(steps in prop::collection::vec(op(), 1..60)) {
        let (mut world, mut model, mut now) = (World::new(), Model::default(), day(0));
        for (op, stand_in) in steps {
            now = pass_time(&op, &model, now);
            let who = stand_in.unwrap_or(usual(&op));
            let before = world.clone();
            match take(&mut world, &op, who, now) {
                Ok(Taken::Nothing) => {}
                Ok(Taken::Standing(command)) => {
                    decided_applications_stay_decided(&command);
                    model.accepted(&command, now);
                }
                Ok(Taken::Publication(command)) => {
                    model.publication(&command, who, before.others, now);
                }
                Err(_) => prop_assert_eq!(&before.standing, &world.standing),
            }
            notice_is_given(&before, &world, who, now);
            ends_only_grow_and_cuts_only_go_by_withdrawal(&before, &world, &op);
            the_gate_agrees_with_the_model(&world, &model, now);
            tidying_up_changes_nobodys_access(&world, &model, now);
            lists_agree_with_the_gate(&world, now);
        }
        everything_ends_once(&world);
    }

    #[test]
    fn no_moment_however_odd_breaks_anything(
        now in any::<i64>(), asked in any::<i64>(), granted in 1..4_000_i64, step in 0..4_u8,
    ) {
        let mut world = World::granted(day(0).plus_ms(granted * HOUR_MS));
        match step {
            0 => _ = world.cancel(day(3), day(0)),
            1 => world.stop(day(3), day(0)),
            2 => world.unpublish(day(3), day(0)),
            _ => _ = world.renew(day(5_000), day(0)),
        }
        let (now, asked) = (Timestamp::from_ms(now), Timestamp::from_ms(asked));
        let _ = (world.admit(now), world.standing.relationship(now));
        for op in [Op::Authorize(0), Op::Apply(0), Op::Renew(0), Op::Cancel(0), Op::GiveBack] {
            let _ = take(&mut world.clone(), &op, usual(&op), now);
        }
        let _ = world.clone().authorize(asked, now);
        let _ = world.clone().cancel(asked, now);
        if !world.notices.is_empty() {
            let _ = world.clone().confirm(Choice::At(Some(asked)), now);
            let _ = world.clone().confirm(Choice::At(None), now);
        }
        let stop = publication::Command::Stop { at: Some(asked) };
        world.retention_hours = u32::MAX;
        let _ = world.publication(Who::Reviewer, &stop, now);
    }
}

fn pass_time(op: &Op, model: &Model, now: Timestamp) -> Timestamp {
    match op {
        Op::Wait(ms) => now.plus_ms(*ms),
        Op::WaitForIt(offset) => {
            let next = model.moments().filter(|moment| *moment > now).min();
            next.map_or(now, |moment| moment.plus_ms(*offset))
        }
        _ => now,
    }
}

/// S1: the gate lets in exactly whom the model does, now and at every moment to come, and its
/// permits end when the model says.
fn the_gate_agrees_with_the_model(world: &World, model: &Model, now: Timestamp) {
    let around = |t: Timestamp| [t.plus_ms(-1), t, t.plus_ms(1)];
    let probes = model.moments().flat_map(around);
    for t in probes.chain([now, now.plus_ms(HOUR_MS)]).filter(|t| now <= *t) {
        let admitted = world.admit(t);
        assert_eq!(admitted.is_ok(), model.admits(t), "at {t}: {admitted:?} {model:?}");
        if let Ok(permit) = admitted {
            let ends = model.moments().filter(|moment| t < *moment).min();
            assert_eq!(Some(permit.end()), ends, "at {t}");
        }
    }
}

/// Two answers of the gate that mean the same: an application that has become void in the meantime
/// is the only thing that may change the words.
fn same(a: Result<Permit, Denied>, b: Result<Permit, Denied>) -> bool {
    let void = |d| matches!(d, Err(Denied::Pending));
    a == b || (void(a) && b.is_err())
}

/// Settling is done once and for all, and neither it nor the API's end, carried out when it has
/// come, changes what the gate says.
fn tidying_up_changes_nobodys_access(world: &World, model: &Model, now: Timestamp) {
    let times = model.moments().chain([now, now.plus_ms(50 * HOUR_MS)]);
    for t in times.filter(|t| now <= *t) {
        let status = world.publication.status;
        let untouched = world.admit(t);
        let settled = world.standing.as_of(t);
        assert_eq!(settle(&settled, t), [], "at {t}");
        assert_eq!(settled, world.standing.as_of(t).as_of(t));
        let after = admit(status, Some(settled.held()), t);
        assert!(same(untouched, after), "at {t}: {untouched:?} {after:?}");
        let (followed, status) = match publication::settle(&world.publication, t) {
            Some(publication::Event::Stopped) => {
                let stopped = publication::Status::Stopped;
                (follow(&settled, &Shutdown::Stopped, t), stopped)
            }
            Some(publication::Event::Unpublished) => {
                let offline = publication::Status::Offline;
                (follow(&settled, &Shutdown::Unpublished, t), offline)
            }
            _ => continue,
        };
        assert_eq!(followed.shutdown, None);
        assert_eq!(followed.paused_from, None);
        let after = admit(status, Some(followed.held()), t);
        assert!(same(untouched, after), "at {t}: {untouched:?} {after:?}");
    }
}

fn follow(standing: &Standing, change: &Shutdown, now: Timestamp) -> Standing {
    standing::follow(standing, change, now)
        .into_iter()
        .fold(standing.clone(), |s, event| standing::evolve(s, event, now))
}

/// S3: nothing the API's side does ends access within two days.
fn notice_is_given(before: &World, after: &World, who: Who, now: Timestamp) {
    if matches!(who, Who::Owner | Who::Admin) {
        return;
    }
    let Ok(promised) = before.admit(now) else {
        return;
    };
    let soonest = promised.end().min(now.plus_ms(NOTICE_MS));
    let kept = after.admit(now).map(|permit| permit.end());
    assert!(kept.is_ok_and(|end| soonest <= end), "{promised:?} {kept:?}");
}

/// S4 and S9: a renewal only moves the end out; a cut goes only by an explicit withdrawal or with
/// its grant, and comes later only if the app's side says so.
fn ends_only_grow_and_cuts_only_go_by_withdrawal(before: &World, after: &World, op: &Op) {
    let mut standing = before.standing.clone();
    for (at, event) in &after.journal[before.journal.len()..] {
        let next = standing::evolve(standing.clone(), event.clone(), *at);
        if let (Some(old), Some(new)) = (&standing.grant, &next.grant) {
            match event {
                Event::Extended { .. } => {
                    assert!(old.until < new.until);
                    assert!(old.is_live(*at));
                    assert_eq!(old.cut, new.cut);
                }
                Event::Granted { .. } => assert!(!old.is_live(*at)),
                Event::CutWithdrawn => assert!(matches!(op, Op::WithdrawNotice(_))),
                Event::Cut(_) if matches!(op, Op::Confirm(..)) => assert_eq!(old.until, new.until),
                Event::Cut(_) => {
                    assert_eq!(old.until, new.until);
                    assert!(new.end() <= old.end());
                }
                _ => assert_eq!(old, new),
            }
        }
        standing = next;
    }
    assert_eq!(standing, after.standing);
    // An end is announced as long as its notice runs, and no longer.
    if let Some(notice) = &standing.cancellation {
        let cut = standing.grant.unwrap().cut.unwrap();
        assert_eq!(cut.at, notice.takes_effect());
    }
}

/// S10: what was decided, withdrawn or voided is not decided again.
fn decided_applications_stay_decided(accepted: &Command) {
    if let Command::Decide { application, .. } | Command::Withdraw { application } = accepted {
        assert!(application.is_pending());
    }
    if let Command::Confirm { notice, .. } | Command::WithdrawNotice { notice } = accepted {
        assert!(notice.is_running());
    }
}

/// S30: what a list shows as granted is let in unless the API does not answer, or the app does
/// without it; and the reverse.
fn lists_agree_with_the_gate(world: &World, now: Timestamp) {
    let shown = world.standing.relationship(now);
    match (shown, world.admit(now)) {
        (
            Some(Relationship::Linked | Relationship::Ending | Relationship::Renewing),
            Ok(_) | Err(Denied::Stopped | Denied::NotPublished),
        )
        | (
            Some(Relationship::Applied),
            Err(Denied::Pending | Denied::Stopped | Denied::NotPublished),
        )
        | (None, Err(_)) => {}
        (shown, answer) => panic!("shown as {shown:?}, but {answer:?}"),
    }
}

/// S11: each application and each notice ends exactly once, or still waits in the standing.
fn everything_ends_once(world: &World) {
    let mut ended: HashMap<String, usize> = HashMap::new();
    for (_, event) in &world.journal {
        match event {
            Event::ApplicationClosed(a) => {
                assert!(a.verdict.is_some());
                *ended.entry(a.id.to_string()).or_default() += 1;
            }
            Event::NoticeClosed(n) => {
                assert!(n.closed.is_some());
                *ended.entry(n.id.to_string()).or_default() += 1;
            }
            _ => {}
        }
    }
    for a in &world.applications {
        let waits = world.standing.application.as_ref() == Some(a);
        let ends = ended.get(a.id.as_str()).copied().unwrap_or(0);
        assert_eq!(ends + usize::from(waits), 1, "{a:?}");
        let verdict_after = a.verdict.as_ref().is_none_or(|v| v.at >= a.opened_at);
        assert!(verdict_after, "{a:?}");
    }
    for n in &world.notices {
        let slots = [&world.standing.cancellation, &world.standing.shutdown];
        let runs = slots.into_iter().flatten().any(|running| running == n);
        let ends = ended.get(n.id.as_str()).copied().unwrap_or(0);
        assert_eq!(ends + usize::from(runs), 1, "{n:?}");
        let closed_within = |at| n.sent_at <= at && at <= n.deadline;
        assert!(n.closed.as_ref().is_none_or(|c| closed_within(c.at)), "{n:?}");
    }
}

#[test]
fn an_approval_that_lost_the_race_has_no_effect() {
    for step in 0..3 {
        let mut world = World::applied(day(30));
        let application = world.last_application();
        match step {
            0 => _ = world.withdraw(day(1)).unwrap(),
            1 => _ = world.verdict(false, day(1)).unwrap(),
            _ => {
                world.others = 0;
                world.unpublish(day(9), day(1));
                world.publish(day(1));
            }
        }
        let approve = |application| Command::Decide { application, pass: true, comment: None };
        let found = world.last_application();
        let refusal = world.run(Who::Reviewer, &approve(found), day(2)).unwrap_err();
        assert!(matches!(refusal, Refusal::AlreadyDecided { .. }));
        let refusal = world.run(Who::Reviewer, &approve(application), day(2));
        assert_eq!(refusal, Err(Refusal::ApplicationUnknown));
        assert_eq!(world.admit(day(2)), Err(Denied::NoGrant));
    }
}
