use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tidegate_domain::Timestamp;
use tidegate_domain::standing::Term;

/// 2026-01-02T03:00:00Z.
const NOON: i64 = 1_767_322_800_000;

fn held(variant: u8) -> Held {
    let since = Timestamp::from_ms(NOON + i64::from(variant));
    let hour = i64::from(variant / 4) * 3_600_000;
    let until = Timestamp::from_ms(NOON + hour + i64::from(variant % 4 == 1));
    let waits = variant % 4 == 2;
    Held {
        grant: Some(Term { since, until, cut: None }),
        paused_from: None,
        applied_until: waits.then_some(until),
        shutdown_at: None,
    }
}

/// Numbers that meet, and some beyond what fits a slot.
fn pair() -> impl Strategy<Value = Pair> {
    let number = prop_oneof![4 => 0..12_u64, 1 => Just(1 << 32), 1 => Just(u64::MAX)];
    (number.clone(), number).prop_map(|(place, app)| Pair { place, app })
}

fn all(grants: &Grants) -> BTreeMap<Pair, Held> {
    let mut all = BTreeMap::new();
    grants.each(|pair, held| assert!(all.insert(pair, held).is_none(), "{pair:?} twice"));
    all
}

fn change(grants: &mut Grants, told: &[(Pair, Option<Held>)]) -> Vec<(usize, Option<Held>)> {
    let changes = told.iter().enumerate().map(|(n, (pair, _))| grants.change_of(*pair, n));
    let mut before = Vec::new();
    grants.change(changes.collect(), |n| told[n].1, |n, was| before.push((n, was)));
    before
}

fn written(grants: &Grants) -> Vec<u8> {
    let mut bytes = Vec::new();
    let write = |part: &[u8]| -> Result<(), ()> {
        bytes.extend_from_slice(part);
        Ok(())
    };
    grants.put(write).unwrap();
    bytes
}

proptest! {
    #[test]
    fn it_holds_what_a_plain_map_holds(
        batches in prop::collection::vec(
            prop::collection::vec((pair(), prop::option::weighted(0.7, any::<u8>())), 0..40), 1..8),
    ) {
        let mut grants = Grants::default();
        let mut map: BTreeMap<Pair, Held> = BTreeMap::new();
        for batch in batches {
            let batch: Vec<_> = batch.into_iter().map(|(p, v)| (p, v.map(held))).collect();
            let (older, old) = (grants.clone(), map.clone());
            for (n, was) in change(&mut grants, &batch) {
                prop_assert_eq!(was, old.get(&batch[n].0).copied());
            }
            for (pair, held) in &batch {
                match held {
                    Some(held) => map.insert(*pair, *held),
                    None => map.remove(pair),
                };
            }
            prop_assert_eq!(&all(&grants), &map);
            prop_assert_eq!(&all(&older), &old, "an older table stays as it was");
            prop_assert_eq!(grants.count(), map.len());
            for (pair, _) in &batch {
                prop_assert_eq!(grants.get(*pair), map.get(pair).copied());
            }
            let bytes = written(&grants);
            let read = Grants::get_all(&mut bytes.as_slice(), |_| true).unwrap();
            prop_assert_eq!(all(&read), all(&grants));
            prop_assert_eq!(written(&read), bytes);
        }
        let gone = |pair: Pair| pair.app.is_multiple_of(2);
        let mut told = Vec::new();
        grants.remove(gone, |pair, held| told.push((pair, held)));
        told.sort_unstable_by_key(|(pair, _)| *pair);
        let (away, stays): (BTreeMap<_, _>, _) = map.into_iter().partition(|(p, _)| gone(*p));
        prop_assert_eq!(told, away.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(all(&grants), stays);
    }
}

/// Enough for shards to be cut, and joined when most is gone.
#[test]
fn it_grows_and_shrinks_and_finds_everything() {
    const MANY: u64 = 300_000;
    let of = |n: u64| Pair { place: n % 1_000, app: n / 1_000 };
    let mut grants = Grants::default();
    let told: Vec<_> = (0..MANY).map(|n| (of(n), Some(held(n as u8 / 4 * 4)))).collect();
    change(&mut grants, &told);
    assert_eq!(grants.count(), told.len());
    assert!(grants.nodes.iter().all(|node| node.shards.len() > 2));
    assert!(told.iter().all(|(pair, held)| grants.get(*pair) == *held));
    assert_eq!(grants.get(of(MANY)), None);
    let per_grant = grants.bytes() as f64 / MANY as f64;
    assert!(per_grant < 15.0, "{per_grant}");

    grants.remove(|pair| pair.app > 0, |_, _| {});
    assert_eq!(grants.count(), 1_000);
    assert!(grants.nodes.iter().all(|node| node.shards.len() == 1));
    assert!(
        told.iter().all(|(pair, held)| { grants.get(*pair) == held.filter(|_| pair.app == 0) })
    );
}

#[test]
fn a_change_copies_one_node() {
    let mut grants = Grants::default();
    change(&mut grants, &[(Pair { place: 1, app: 1 }, Some(held(0)))]);
    let before = grants.clone();
    change(&mut grants, &[(Pair { place: 2, app: 1 }, Some(held(0)))]);
    assert!(grants.shares_all_but_one_node_with(&before));
}

#[test]
fn bytes_that_no_table_writes_are_refused() {
    let mut grants = Grants::default();
    let told = |app, variant| (Pair { place: 1, app }, Some(held(variant)));
    change(&mut grants, &[told(1, 0), told(2, 0), told(3, 1), told(u64::MAX, 0)]);
    let bytes = written(&grants);
    let read = |bytes: &[u8]| Grants::get_all(&mut &*bytes, |pair| pair.place == 1);
    assert!(read(&bytes).is_ok());
    assert!(Grants::get_all(&mut bytes.as_slice(), |pair| pair.app < 3).is_err(), "of nobody");
    for cut in 0..bytes.len() {
        assert!(read(&bytes[..cut]).is_err());
    }
    // A promise of four billion slots takes no memory.
    let mut promise = bytes;
    promise[32..36].fill(0xff);
    assert!(read(&promise).is_err());
}
