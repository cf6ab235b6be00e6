//! The snapshot file: bytes that nobody sealed, sealed ones that were changed, and what a gate would
//! read if the seal were broken. The first byte chooses.

use std::alloc::System;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, LazyLock};

use cap::Cap;
use tidegate_gateway::fuzz::{finds_what_it_shows, image, in_known_order, open, read_image, seal};
use tidegate_gateway::{Applied, Batch, Index, SealingKey, Serves};

use crate::Turn;
use crate::material::Material;
use crate::world::{CALLS, Change, empty, serves};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Room that is made before anything is read: for a chunk, and for apps.
const ROOM: usize = 48 << 20;
/// The memory that a byte may cost beside.
const PER_BYTE: usize = 1 << 10;

/// Edits of an input, at most.
const EDITS: u8 = 4;
/// Places near the beginning, where most of the structure is.
const FRONT: usize = 512;

/// Files of one world each, and what is in them. One of a kind at most, so that they are the same bytes in
/// every run.
struct File {
    image: Vec<u8>,
    sealed: Vec<u8>,
    facts: Facts,
}

type Facts = std::collections::BTreeSet<String>;

struct Fixtures {
    key: SealingKey,
    serves: Arc<Serves>,
    files: Vec<File>,
}

static FIXTURES: LazyLock<Fixtures> = LazyLock::new(|| {
    let key = SealingKey::new([7; SealingKey::LEN]);
    let full = [
        Change::App(0, 2),
        Change::Api(0, 0),
        Change::Publication(0, 0, 0),
        Change::Publication(0, 1, 4),
        Change::Token(1, 8),
    ];
    // A grant that is packed, one that waits beside an application, and an application alone.
    let grants = [Change::Standing(0, 0, 0, 5), Change::Standing(0, 1, 0, 224)];
    let odd = [Change::Standing(0, 0, 0, 6), Change::ApiGone(1)];
    let worlds: [Vec<Change>; 5] = [
        Vec::new(),
        vec![Change::App(0, 0), Change::Token(0, 3)],
        full.to_vec(),
        [&full[..], &grants].concat(),
        [&full[..], &odd].concat(),
    ];
    let files = worlds.map(|changes| {
        let index = told(&changes);
        let image = image(&index);
        File {
            sealed: seal(&image, &key).expect("it is sealed"),
            facts: index.facts(&CALLS),
            image,
        }
    });
    Fixtures { key, serves: serves(), files: files.into() }
});

/// Nobody but the key's owner has a file read; whatever is read beneath the seal is refused or written
/// back as it was, with memory in proportion to what there is, and what was accepted can be followed on.
pub fn run(data: &[u8], turn: Turn) {
    let fixtures = &*FIXTURES;
    let mut material = Material(data);
    match material.below(8) {
        0 => forged(fixtures, &mut material),
        // It takes a chunk's memory each time.
        1 if turn.is(0, 8) => changed_beneath_its_seal(fixtures, &mut material),
        2 => whole(fixtures, &mut material, turn),
        4 => drop(hostile(fixtures, material.0)),
        _ => edited(fixtures, &mut material),
    }
}

/// So much of a good file's beginning as the next byte says, and then the bytes.
fn forged(fixtures: &Fixtures, material: &mut Material<'_>) {
    let File { image, sealed, .. } = &fixtures.files[0];
    let begin = usize::from(material.byte()).min(sealed.len() - image.len());
    let file = [&sealed[..begin], material.0].concat();
    assert!(reads(fixtures, &file).is_none(), "nobody sealed this");
}

/// A sealed file with a few edits is refused, and without them it is read.
fn changed_beneath_its_seal(fixtures: &Fixtures, material: &mut Material<'_>) {
    let file = &fixtures.files[usize::from(material.byte()) % fixtures.files.len()];
    let mut bytes = file.sealed.clone();
    edit(&mut bytes, material);
    match reads(fixtures, &bytes) {
        Some(index) => {
            assert!(bytes == file.sealed, "it was changed");
            assert_eq!(index.facts(&CALLS), file.facts);
        }
        None => assert!(bytes != file.sealed, "it was not changed"),
    }
}

fn reads(fixtures: &Fixtures, file: &[u8]) -> Option<Index> {
    bounded(file.len(), || open(file, &fixtures.key, &fixtures.serves).ok())
}

/// What any history leads to is written and read back, and follows on as before.
fn whole(fixtures: &Fixtures, material: &mut Material<'_>, turn: Turn) {
    let mut changes = Vec::new();
    for _ in 0..material.below(12) {
        changes.push(Change::read(material));
    }
    let index = told(&changes);
    let bytes = image(&index);
    let again = hostile(fixtures, &bytes).expect("what is written is read");
    assert_eq!(again.digest(), index.digest());
    if turn.is(0, 3) {
        assert_eq!(again.facts(&CALLS), index.facts(&CALLS));
    }
    if turn.is(1, 3) {
        assert_eq!(again.counted(), index.digest());
    }
    if turn.is(2, 3) {
        let change = Change::read(material);
        assert_eq!(followed(again, change).facts(&CALLS), followed(index, change).facts(&CALLS));
    }
}

/// The bytes that were under a seal, with a few edits.
fn edited(fixtures: &Fixtures, material: &mut Material<'_>) {
    let file = &fixtures.files[usize::from(material.byte()) % fixtures.files.len()];
    let mut bytes = file.image.clone();
    edit(&mut bytes, material);
    if let Some(index) = hostile(fixtures, &bytes) {
        drop(followed(index, Change::read(material)));
    }
}

/// Any bytes as if they had been under a seal.
fn hostile(fixtures: &Fixtures, bytes: &[u8]) -> Option<Index> {
    let index = bounded(bytes.len(), || read_image(bytes, &fixtures.serves).ok())?;
    let written = image(&index);
    // Tables have no order, so the parts of it may have changed places.
    assert!(tally(&written) == tally(bytes), "it is written back as it was");
    assert!(finds_what_it_shows(&index), "no grant comes twice");
    Some(index)
}

fn tally(bytes: &[u8]) -> [u32; 256] {
    let mut tally = [0; 256];
    bytes.iter().for_each(|byte| tally[usize::from(*byte)] += 1);
    tally
}

/// Does it within the memory that so many bytes may cost.
fn bounded<T>(bytes: usize, read: impl FnOnce() -> T) -> T {
    let most = MEMORY.allocated() + ROOM + bytes * PER_BYTE;
    MEMORY.set_limit(most).expect("it is above what is taken");
    let outcome = catch_unwind(AssertUnwindSafe(read));
    MEMORY.set_limit(usize::MAX).expect("there is none");
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

fn told(changes: &[Change]) -> Index {
    let begun = Batch { epoch: "e".to_owned(), head: 1, ..Batch::default() };
    let mut batch = Batch { epoch: "e".to_owned(), head: 2, ..Batch::default() };
    changes.iter().for_each(|change| change.write(&mut batch));
    apply(in_known_order(apply(empty(), 0, begun)), 1, batch)
}

fn followed(index: Index, change: Change) -> Index {
    let since = index.revision();
    let Some(head) = since.checked_add(1).filter(|_| since > 0) else { return index };
    let mut batch = Batch { epoch: index.epoch().to_owned(), head, ..Batch::default() };
    change.write(&mut batch);
    apply(index, since, batch)
}

fn apply(index: Index, since: u64, batch: Batch) -> Index {
    match index.apply(since, batch) {
        Applied::Newer(index) => *index,
        Applied::Unchanged | Applied::Behind | Applied::StartOver => panic!("it is newer"),
    }
}

/// Changes a few places: bytes, lengths, and which parts are there and how often.
fn edit(bytes: &mut Vec<u8>, material: &mut Material<'_>) {
    for _ in 0..material.below(EDITS + 1) {
        let how = material.byte();
        let at = place(bytes, material);
        let rest = bytes.len() - at;
        match how % 7 {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = material.byte()),
            1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (how >> 5)),
            2 => {
                let number = [0, 1, 2, u32::MAX, 1 << 18, 4_096][usize::from(material.below(6))];
                bytes
                    .iter_mut()
                    .skip(at)
                    .zip(number.to_le_bytes())
                    .for_each(|(to, from)| *to = from);
            }
            3 => drop(bytes.splice(at..at, material.bytes(64).iter().copied())),
            4 => drop(bytes.drain(at..at + usize::from(material.byte()).min(rest))),
            5 => {
                let part = bytes[at..at + usize::from(material.byte()).min(rest)].to_vec();
                let to = place(bytes, material);
                drop(bytes.splice(to..to, part));
            }
            _ => bytes.truncate(at),
        }
    }
}

/// A place in it, its end included; more often one near its beginning.
fn place(bytes: &[u8], material: &mut Material<'_>) -> usize {
    let (near, low) = (material.byte(), material.byte());
    let at = usize::from(u16::from_le_bytes([low, near]) & 0x7fff);
    at % (if near > 127 { bytes.len() } else { bytes.len().min(FRONT) } + 1)
}
