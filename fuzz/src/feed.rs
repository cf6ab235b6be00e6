//! What the gate follows. The bytes choose changes of a small world, and where the batches begin and end;
//! the bytes of the feed between machines are those of `answer`.

use std::collections::BTreeMap;

use tidegate_gateway::{Applied, Batch, Index};

use crate::Turn;
use crate::material::Material;
use crate::world::{CALLS, Change, empty};

const CHANGES: usize = 24;

/// Many small batches and one full one lead to the same index, a batch applied twice changes nothing,
/// and batches of any content and order neither break the index nor lead it back.
pub fn run(data: &[u8], turn: Turn) {
    let mut material = Material(data);
    if material.below(2) == 0 {
        follows(&mut material, turn)
    } else {
        survives(&mut material, turn)
    }
}

/// Follows a source that answers as a store does.
fn follows(material: &mut Material<'_>, turn: Turn) {
    let mut log = Vec::new();
    let mut stops = Vec::new();
    let (mut apps, mut apis) = ([None; 3], [None; 3]);
    while !material.is_empty() && log.len() < CHANGES {
        let change = Change::read(material);
        let is = |known: [Option<bool>; 3], n: u8| known[usize::from(n)];
        // Ids never come back, and nothing is told of what has never been there.
        let goes = match change {
            Change::App(n, _) => is(apps, n) != Some(false),
            Change::AppGone(n) => is(apps, n) == Some(true),
            Change::Api(n, _) => is(apis, n) != Some(false),
            Change::ApiGone(n) => is(apis, n) == Some(true),
            Change::Publication(n, ..) => is(apis, n).is_some(),
            Change::Standing(n, _, of, _) => is(apis, n).is_some() && is(apps, of).is_some(),
            Change::Token(..) => true,
        };
        if !goes {
            continue;
        }
        match change {
            Change::App(n, _) => apps[usize::from(n)] = Some(true),
            Change::AppGone(n) => apps[usize::from(n)] = Some(false),
            Change::Api(n, _) => apis[usize::from(n)] = Some(true),
            Change::ApiGone(n) => apis[usize::from(n)] = Some(false),
            _ => {}
        }
        log.push(change);
        if material.below(4) == 0 {
            stops.push(log.len());
        }
    }
    if log.is_empty() {
        return;
    }
    stops.push(log.len());
    let mut index = empty();
    let mut since = 0;
    for stop in stops {
        index = follow(index, since, batch(&log, since, stop));
        if turn.is(0, 3) {
            let again = batch(&log, since, stop);
            assert!(matches!(index.apply(since as u64, again), Applied::Unchanged));
        }
        assert_eq!(index.revision(), stop as u64);
        since = stop;
    }
    let full = follow(empty(), 0, batch(&log, 0, log.len()));
    assert_eq!(index.digest(), full.digest());
    if turn.is(1, 3) {
        assert_eq!(index.facts(&CALLS), full.facts(&CALLS));
    }
    if turn.is(2, 3) {
        assert_eq!(index.counted(), full.digest());
    }
}

fn follow(index: Index, since: usize, batch: Batch) -> Index {
    match index.apply(since as u64, batch) {
        Applied::Newer(index) => *index,
        Applied::Unchanged => index,
        Applied::Behind | Applied::StartOver => panic!("the batch continues the index"),
    }
}

/// What a store would answer: the latest state of what changed, and from 0 no removals.
fn batch(log: &[Change], since: usize, head: usize) -> Batch {
    let latest: BTreeMap<_, _> =
        log[since..head].iter().map(|change| (change.about(), *change)).collect();
    let mut batch = Batch { epoch: "e".to_owned(), head: head as u64, ..Batch::default() };
    for change in latest.into_values() {
        if since > 0 || !matches!(change, Change::AppGone(_) | Change::ApiGone(_)) {
            change.write(&mut batch);
        }
    }
    batch
}

/// Is told whatever the bytes say, in whatever order.
fn survives(material: &mut Material<'_>, turn: Turn) {
    let mut index = empty();
    for _ in 0..6 {
        let since = u64::from(material.below(4));
        let head = match material.byte() {
            255 => u64::MAX,
            other => u64::from(other % 6),
        };
        let epoch = material.one_of(&["e", "f", ""]).to_owned();
        let mut batch = Batch { epoch, head, ..Batch::default() };
        for _ in 0..material.below(8) {
            Change::read(material).write(&mut batch);
        }
        let same_history = index.epoch() == batch.epoch;
        match index.apply(since, batch.clone()) {
            Applied::Newer(newer) => {
                assert_eq!((newer.epoch(), newer.revision()), (&*batch.epoch, head));
                assert!(same_history || since == 0, "another history begins at 0");
                assert!(!same_history || head >= index.revision(), "a revision never falls");
                index = *newer;
                assert!(
                    !matches!(index.apply(since, batch), Applied::Behind | Applied::StartOver)
                        || since > head,
                    "once more is no fault"
                );
            }
            Applied::Unchanged => assert!(same_history && head == index.revision()),
            Applied::Behind => assert!(same_history && head < index.revision()),
            Applied::StartOver => assert!(!same_history || since > index.revision()),
        }
    }
    if turn.is(1, 3) {
        drop(index.facts(&CALLS));
    }
    if turn.is(2, 3) {
        assert_eq!(index.counted(), index.digest());
    }
}
