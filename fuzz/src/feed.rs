//! What the gate follows. The bytes choose changes of a small world, and where the batches begin and end;
//! the bytes of the feed between machines are those of `answer`.

use std::sync::LazyLock;

use tidegate_gateway::{Applied, Batch, Index};

use crate::Turn;
use crate::material::Material;
use crate::world::{CALLS, Change, empty, nothing};

/// Changes of an input, at most.
const CHANGES: usize = 10;
/// Batches of an input, at most.
const BATCHES: usize = 6;

/// What there was when the gate began to follow: nothing, or much, so that few changes meet it. And the
/// index after that, which is cheaper to share than to make.
static BEGINNINGS: LazyLock<[(Log, Index); 2]> = LazyLock::new(|| {
    let much = [
        Change::App(0, 2),
        Change::App(1, 3),
        Change::Api(0, 0),
        Change::Api(1, 1),
        Change::Publication(0, 0, 0),
        Change::Publication(1, 1, 4),
        Change::Token(1, 8),
        // Packed, and as they are.
        Change::Standing(0, 0, 0, 5),
        Change::Standing(0, 0, 1, 6),
        Change::Standing(1, 1, 0, 224),
    ];
    [&[][..], &much].map(|changes| {
        let mut log = Log::default();
        changes.iter().for_each(|change| log.tell(*change));
        let index = log.followed(empty(), 0, log.head());
        (log, index)
    })
});

/// Many small batches and one full one lead to the same index, a batch applied twice changes nothing,
/// and batches of any content and order neither break the index nor lead it back.
pub fn run(data: &[u8], turn: Turn) {
    let mut material = Material(data);
    let how = material.byte();
    let beginning = &BEGINNINGS[usize::from(how / 2) % BEGINNINGS.len()];
    if how.is_multiple_of(2) {
        follows(beginning, &mut material, turn)
    } else {
        survives(&beginning.1, &mut material, turn)
    }
}

/// What a store was told.
#[derive(Clone, Default)]
struct Log {
    changes: Vec<Change>,
    /// Is it there? None of what never was.
    apps: [Option<bool>; 3],
    apis: [Option<bool>; 3],
}

impl Log {
    /// Tells it a change that goes: ids never come back, and nothing is told of what has never been there.
    fn tell(&mut self, change: Change) {
        let Self { changes, apps, apis } = self;
        let is = |known: &[Option<bool>; 3], n: u8| known[usize::from(n)];
        let goes = match change {
            Change::App(n, _) => is(apps, n) != Some(false),
            Change::AppGone(n) => is(apps, n) == Some(true),
            Change::Api(n, _) => is(apis, n) != Some(false),
            Change::ApiGone(n) => is(apis, n) == Some(true),
            Change::Publication(n, ..) => is(apis, n).is_some(),
            Change::Standing(n, _, of, _) => is(apis, n).is_some() && is(apps, of).is_some(),
            Change::Token(..) | Change::Hosts(..) => true,
        };
        if !goes {
            return;
        }
        match change {
            Change::App(n, _) => apps[usize::from(n)] = Some(true),
            Change::AppGone(n) => apps[usize::from(n)] = Some(false),
            Change::Api(n, _) => apis[usize::from(n)] = Some(true),
            Change::ApiGone(n) => apis[usize::from(n)] = Some(false),
            Change::Publication(..)
            | Change::Standing(..)
            | Change::Token(..)
            | Change::Hosts(..) => {}
        }
        changes.push(change);
    }

    fn head(&self) -> usize {
        self.changes.len()
    }

    /// What a store would answer: the latest state of what changed, and from 0 no removals.
    fn batch(&self, since: usize, head: usize) -> Batch {
        let changes = &self.changes[since..head];
        let mut batch = Batch { epoch: "e".to_owned(), head: head as u64, ..nothing() };
        for (n, change) in changes.iter().enumerate() {
            let is_latest = changes.iter().skip(n + 1).all(|later| later.about() != change.about());
            let is_told = since > 0 || !matches!(change, Change::AppGone(_) | Change::ApiGone(_));
            if is_latest && is_told {
                change.write(&mut batch);
            }
        }
        batch
    }

    /// The index after what was told until `head`.
    fn followed(&self, index: Index, since: usize, head: usize) -> Index {
        match index.apply(since as u64, self.batch(since, head)) {
            Applied::Newer(index) => *index,
            Applied::Unchanged => index,
            Applied::Behind | Applied::StartOver => panic!("the batch continues the index"),
        }
    }
}

/// Follows a source that answers as a store does.
fn follows((before, index): &(Log, Index), material: &mut Material<'_>, turn: Turn) {
    let (mut log, mut index) = (before.clone(), index.clone());
    let mut since = log.head();
    for _ in 0..CHANGES {
        if material.is_empty() {
            break;
        }
        log.tell(Change::read(material));
        if material.below(4) == 0 {
            index = follow_on(index, &log, &mut since, turn);
        }
    }
    index = follow_on(index, &log, &mut since, turn);
    // To be told all anew costs as much as all that went before, but may be all there is to do.
    if turn.is(0, 4) || log.head() == before.head() {
        let full = log.followed(empty(), 0, log.head());
        assert_eq!(index.digest(), full.digest());
        if turn.is(4, 64) {
            assert_eq!(index.facts(&CALLS), full.facts(&CALLS));
        }
    }
    if turn.is(1, 16) {
        assert_eq!(index.counted(), index.digest());
    }
}

/// What was told since.
fn follow_on(index: Index, log: &Log, since: &mut usize, turn: Turn) -> Index {
    if log.head() == *since {
        return index;
    }
    let index = log.followed(index, *since, log.head());
    assert_eq!(index.revision(), log.head() as u64);
    if turn.is(2, 16) {
        let again = log.batch(*since, log.head());
        assert!(matches!(index.apply(*since as u64, again), Applied::Unchanged));
    }
    *since = log.head();
    index
}

/// Is told whatever the bytes say, in whatever order.
fn survives(beginning: &Index, material: &mut Material<'_>, turn: Turn) {
    let mut index = beginning.clone();
    let far = beginning.revision();
    for _ in 0..BATCHES {
        if material.is_empty() {
            break;
        }
        let since = match material.below(6) {
            4 => far,
            5 => index.revision(),
            low => u64::from(low),
        };
        let head = match material.byte() {
            255 => u64::MAX,
            other => [0, far][usize::from(other / 6 % 2)] + u64::from(other % 6),
        };
        let epoch = material.one_of(&["e", "f", ""]).to_owned();
        let mut batch = Batch { epoch, head, ..nothing() };
        for _ in 0..material.below(8) {
            if !material.is_empty() {
                Change::read(material).write(&mut batch);
            }
        }
        index = told(index, since, batch);
    }
    if turn.is(0, 16) {
        drop(index.facts(&CALLS));
    }
    if turn.is(1, 16) {
        assert_eq!(index.counted(), index.digest());
    }
}

/// The index after any batch.
fn told(index: Index, since: u64, batch: Batch) -> Index {
    let (epoch, head) = (batch.epoch.clone(), batch.head);
    let same_history = index.epoch() == epoch;
    match index.apply(since, batch.clone()) {
        Applied::Newer(newer) => {
            assert_eq!((newer.epoch(), newer.revision()), (&*epoch, head));
            assert!(same_history || since == 0, "another history begins at 0");
            let is_fresh = since == 0;
            assert!(
                is_fresh || !same_history || head >= index.revision(),
                "a revision never falls, but where everything is sent"
            );
            assert!(
                !matches!(newer.apply(since, batch), Applied::Behind | Applied::StartOver)
                    || since > head,
                "once more is no fault"
            );
            return *newer;
        }
        Applied::Unchanged => assert!(same_history && head == index.revision()),
        Applied::Behind => assert!(same_history && head < index.revision()),
        Applied::StartOver => assert!(!same_history || since > index.revision()),
    }
    index
}
