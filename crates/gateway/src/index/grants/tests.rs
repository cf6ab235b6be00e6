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

fn written(grants: &Grants) -> Vec<Vec<u8>> {
    let node = |n| {
        let mut bytes = Vec::new();
        grants.put_node(n, &mut bytes);
        bytes
    };
    (0..NODES).map(node).collect()
}

fn read(
    mix: &Mix,
    nodes: &[Vec<u8>],
    known: impl Fn(Pair) -> bool + Copy,
) -> Result<Grants, Broken> {
    let nodes = nodes.iter().enumerate().map(|(n, node)| Grants::get_node(mix, n, node, known));
    Ok(Grants::of(mix.clone(), nodes.collect::<Result<_, _>>()?))
}

#[test]
fn a_grant_that_is_packed_and_odd_is_refused() {
    let mut grants = Grants::default();
    let pair = Pair { place: 1, app: 1 };
    change(&mut grants, &[(pair, Some(held(0)))]);
    let (mix, mut nodes) = (grants.mix().clone(), written(&grants));
    assert!(read(&mix, &nodes, |_| true).is_ok());
    let node = nodes.iter_mut().find(|node| node.len() > 4).unwrap();
    // In place of the empty list of odd ones.
    node.truncate(node.len() - 4);
    put_len(1, node);
    Odd { pair, held: held(1) }.put(node);
    let refused = read(&mix, &nodes, |_| true).err();
    assert!(matches!(refused, Some(Broken::Malformed("a grant comes twice"))), "{refused:?}");
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
            let read = read(grants.mix(), &bytes, |_| true).unwrap();
            prop_assert_eq!(all(&read), all(&grants));
            prop_assert_eq!((read.count(), written(&read)), (grants.count(), bytes));
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

/// Enough for pages to be cut, and joined when most is gone.
#[test]
fn it_grows_and_shrinks_and_finds_everything() {
    const MANY: u64 = 200_000;
    let of = |n: u64| Pair { place: n % 1_000, app: n / 1_000 };
    let mut grants = Grants::default();
    let told: Vec<_> = (0..MANY).map(|n| (of(n), Some(held(n as u8 / 4 * 4)))).collect();
    for some in told.chunks(100_000) {
        change(&mut grants, some);
    }
    assert_eq!(grants.count(), told.len());
    assert!(grants.nodes.iter().all(|node| node.pages.len() > 1));
    assert!(told.iter().all(|(pair, held)| grants.get(*pair) == *held));
    assert_eq!(grants.get(of(MANY)), None);

    grants.remove(|pair| pair.app > 0, |_, _| {});
    assert_eq!(grants.count(), 1_000);
    assert!(grants.nodes.iter().all(|node| node.pages.len() == 1));
    assert!(
        told.iter().all(|(pair, held)| { grants.get(*pair) == held.filter(|_| pair.app == 0) })
    );
}

/// Keys that all want one bucket of one page, and some that differ only beyond their tags.
#[test]
fn a_crowd_in_one_place_is_found_and_goes_again() {
    let mut grants = Grants::default();
    let crowd: Vec<Pair> =
        (0..240).map(|n| grants.mix().undo(n / 2 * 100 + ((n % 2) << 32))).collect();
    let mut map = BTreeMap::new();
    for (n, pair) in crowd.iter().enumerate() {
        let is = held(n as u8);
        change(&mut grants, &[(*pair, Some(is))]);
        map.insert(*pair, is);
    }
    assert_eq!(all(&grants), map);
    let again = read(grants.mix(), &written(&grants), |_| true).unwrap();
    assert!(crowd.iter().all(|pair| again.get(*pair) == map.get(pair).copied()));
    for (n, pair) in crowd.iter().enumerate() {
        change(&mut grants, &[(*pair, None)]);
        map.remove(pair);
        if n % 20 == 0 {
            assert_eq!(all(&grants), map);
            assert!(crowd.iter().all(|pair| grants.get(*pair) == map.get(pair).copied()));
        }
    }
    assert_eq!(grants.count(), 0);
}

/// More than a page has slots, before any other page is made.
#[test]
fn a_page_that_is_full_forgets_nothing() {
    let mix = Mix::draw();
    let mut page = page::Page::EMPTY;
    let pairs: Vec<Pair> =
        (0..page::ROOM as u64 + 50).map(|n| mix.undo(n * 1_570_000_000)).collect();
    let spot = |pair: Pair| Spot::of(mix.of(pair), 1);
    for pair in &pairs {
        assert_eq!(page.put(&mix, 1, *pair, Some(held(0))), None);
    }
    assert_eq!(page.len(), pairs.len());
    for (n, pair) in pairs.iter().enumerate() {
        assert_eq!(page.get(*pair, &spot(*pair)), Some(held(0)));
        assert_eq!(page.put(&mix, 1, *pair, None), Some(held(0)));
        assert_eq!(page.get(*pair, &spot(*pair)), None);
        let rest = if n % 40 == 0 { &pairs[n + 1..] } else { &[] };
        assert!(rest.iter().all(|pair| page.get(*pair, &spot(*pair)).is_some()));
    }
    assert_eq!(page.len(), 0);
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
    let (mix, nodes) = (grants.mix().clone(), written(&grants));
    let refused = |nodes: &[Vec<u8>]| read(&mix, nodes, |pair| pair.place == 1).is_err();
    assert!(!refused(&nodes));
    assert!(read(&mix, &nodes, |pair| pair.app < 3).is_err(), "of nobody");
    let of = |app| node_of(mix.of(Pair { place: 1, app }));
    for n in [of(1), of(3), of(u64::MAX)] {
        let node = &nodes[n];
        let with = |node: Vec<u8>| {
            let mut nodes = nodes.clone();
            nodes[n] = node;
            nodes
        };
        for cut in [0, 3, 5, node.len() - 1] {
            assert!(refused(&with(node[..cut].to_vec())), "{cut}");
        }
        assert!(refused(&with([&node[..], &[0]].concat())));
        // A promise of four billion pages takes no memory.
        assert!(refused(&with([&[0xff; 4], &node[4..]].concat())));
    }
    // In another node, in another bucket, and twice.
    let mut moved = nodes.clone();
    moved.rotate_right(1);
    assert!(refused(&moved));
    let lines = |node: &[u8]| node[4..4 + page::BYTES].to_vec();
    for shift in [64, 64 * 40] {
        let mut moved = nodes.clone();
        let mut shifted = lines(&moved[of(1)]);
        shifted.rotate_right(shift);
        moved[of(1)][4..4 + page::BYTES].copy_from_slice(&shifted);
        assert!(refused(&moved), "{shift}");
    }
    let mut twice = nodes.clone();
    let mut all = lines(&twice[of(1)]);
    let line = all.chunks_mut(64).find(|line| line.iter().any(|byte| *byte > 0)).unwrap();
    line.copy_within(0..8, 8);
    line.copy_within(40..44, 44);
    let rest = u32::from_le_bytes(line[60..].try_into().unwrap());
    line[60..].copy_from_slice(&(rest | (rest & 63) << 6).to_le_bytes());
    twice[of(1)][4..4 + page::BYTES].copy_from_slice(&all);
    assert!(refused(&twice));
}
