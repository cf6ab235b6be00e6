use super::*;

const START: i64 = 1_767_322_800;
const AGE: i64 = 900;
const AHEAD: i64 = NONCE_AHEAD_SECONDS;

fn nonces(most: usize) -> Nonces {
    let limits = Limits { nonces: most, ..Limits::default() };
    Nonces::new(&limits, Timestamp::from_ms(START * 1_000 + 999))
}

/// What a call is told, by seconds after the start: its date, and the wall clock.
fn call(nonces: &Nonces, nonce: &str, date: i64, wall: i64) -> Option<Reason> {
    let pair = nonces.pair(&AppId::parse("app").unwrap(), nonce.as_bytes());
    nonces.remember(pair, START + date, START + wall).err().map(|denial| denial.reason)
}

#[test]
fn a_nonce_is_good_once_for_each_app_whatever_the_date() {
    let nonces = nonces(1_000);
    let other = AppId::parse("other").unwrap();
    assert_eq!(call(&nonces, "n", 100, 100), None);
    assert_eq!(call(&nonces, "n", 100, 101), Some(Reason::Replayed));
    assert_eq!(call(&nonces, "n", 101, 101), Some(Reason::Replayed));
    assert_eq!(call(&nonces, "m", 100, 101), None);
    let pair = nonces.pair(&other, b"n");
    assert!(nonces.remember(pair, START + 100, START + 101).is_ok());
    // Up to the last second in which its signature is good.
    assert_eq!(call(&nonces, "n", 100, 100 + AGE), Some(Reason::Replayed));
    assert_eq!(nonces.len(), 3);
}

#[test]
fn a_gate_that_learns_the_time_late_has_its_fence_there() {
    let (nonces, late) = (nonces(1_000), 3_600);
    nonces.begin(Timestamp::from_ms((START + late) * 1_000));
    assert_eq!(call(&nonces, "n", late + AHEAD, late + AHEAD), Some(Reason::ReplayFence));
    assert_eq!(call(&nonces, "n", late + AHEAD + 1, late + AHEAD + 1), None);
}

#[test]
fn an_app_and_a_nonce_are_not_another_app_and_nonce() {
    let nonces = nonces(1_000);
    let pair = |app: &str, nonce: &str| nonces.pair(&AppId::parse(app).unwrap(), nonce.as_bytes());
    assert_ne!(pair("a", "bc"), pair("ab", "c"));
    assert_ne!(pair("a", "b"), self::nonces(1).pair(&AppId::parse("a").unwrap(), b"b"), "salted");
}

/// The fence, with a clock that is moved to every second that matters: whatever could have been let
/// through before the start is denied after it, and a caller whose clock is right only waits for
/// `AHEAD`.
#[test]
fn nothing_that_was_let_through_before_a_start_is_let_through_after_it() {
    for used_at in [-AGE - AHEAD, -AGE, -AHEAD, -1, 0] {
        for date in (used_at - AGE..=used_at + AHEAD).step_by(10).chain([used_at + AHEAD]) {
            // The process before let it through then, so it is not one of those dated too far ahead.
            let before =
                Nonces::new(&Limits::default(), Timestamp::from_ms((START - 99_999) * 1_000));
            assert_eq!(call(&before, "n", date, used_at), None);
            let after = nonces(1_000);
            for wall in [0, 1, AHEAD - 1, AHEAD, AHEAD + 1, AGE, date + AGE] {
                let is_good = (date - AGE..=date + AGE).contains(&wall) && wall >= 0;
                let told = call(&after, "n", date, wall);
                assert!(!is_good || told.is_some(), "{date} used at {used_at}, again at {wall}");
            }
        }
    }
    let after = nonces(1_000);
    for (date, wall, told) in [
        (0, 0, Some(Reason::ReplayFence)),
        (AHEAD, AHEAD, Some(Reason::ReplayFence)),
        (AHEAD + 1, AHEAD + 1, None),
        // Signed ahead, by the rules: later than anything that was let through before.
        (AHEAD + 1, 1, None),
        (AHEAD + 2, 1, Some(Reason::ClockSkew)),
    ] {
        assert_eq!(call(&after, &format!("{date}-{wall}"), date, wall), told, "{date} at {wall}");
    }
    let denial = fenced(START + AHEAD, START);
    assert_eq!(denial.retry_after(), Some(61));
    assert!(denial.text().contains("2026-01-02T03:01:01Z"), "{}", denial.text());
}

#[test]
fn full_is_full_until_signatures_are_too_old() {
    let nonces = nonces(64);
    let mut taken = Vec::new();
    let mut told = None;
    for n in 0..1_000 {
        told = call(&nonces, &n.to_string(), 100, 100);
        match told {
            None => taken.push(n),
            Some(_) => assert_eq!(told, Some(Reason::NonceStoreFull)),
        }
    }
    assert_eq!((taken.len(), told), (64, Some(Reason::NonceStoreFull)), "one for each shard");
    for n in &taken {
        let again = call(&nonces, &n.to_string(), 100, 100 + AGE);
        assert_eq!(again, Some(Reason::Replayed), "nothing was forgotten");
    }
    assert_eq!(call(&nonces, "late", 100 + AGE, 100 + AGE), Some(Reason::NonceStoreFull));
    assert_eq!(call(&nonces, "late", 101 + AGE, 101 + AGE), None);
}

/// What was forgotten stays denied when the wall clock is set back.
#[test]
fn a_clock_that_is_set_back_brings_nothing_back() {
    let nonces = nonces(64);
    let names: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    for name in &names {
        call(&nonces, name, 100, 100);
    }
    for name in &names {
        call(&nonces, name, 5_000, 5_000);
    }
    for name in &names {
        let told = call(&nonces, name, 100, 110);
        assert!(told.is_some(), "{name} was let through twice");
    }
    // One that is alone in its part of the memory is still there, and denied by its name.
    let fenced = |name: &String| call(&nonces, name, 100, 110) == Some(Reason::ReplayFence);
    assert!(names.iter().any(fenced));
}

#[test]
fn memory_is_given_back_without_being_full() {
    let nonces = nonces(900_000);
    for n in 0..40_000 {
        assert_eq!(call(&nonces, &n.to_string(), 100, 100), None);
    }
    for n in 0..40_000 {
        assert_eq!(call(&nonces, &format!("later {n}"), 5_000, 5_000), None);
    }
    assert!(nonces.len() <= 41_000, "{}", nonces.len());
}

#[test]
fn what_is_given_back_is_good_again() {
    let nonces = nonces(64);
    let pair = nonces.pair(&AppId::parse("app").unwrap(), b"n");
    let spent = nonces.remember(pair, START + 100, START + 100).unwrap();
    nonces.give_back(spent);
    assert_eq!(call(&nonces, "n", 100, 100), None);
}

/// Of many threads with one nonce, one gets through.
#[test]
fn one_of_many_at_once() {
    let nonces = nonces(900_000);
    let taken = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..2_000 {
                    if call(&nonces, &n.to_string(), 100, 100).is_none() {
                        taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(taken.into_inner(), 2_000);
}
