//! The snapshot file: bytes that nobody sealed, sealed ones that were changed, and what a gate would
//! read if the seal were broken. The first byte chooses.

use std::alloc::System;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, LazyLock};

use cap::Cap;
use tidegate_gateway::fuzz::{finds_what_it_shows, image, in_known_order, open, read_image, seal};
use tidegate_gateway::{Applied, Batch, Broken, Index, SealingKey, Serves};

use crate::Turn;
use crate::material::Material;
use crate::world::{CALLS, Change, empty, nothing, serves};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Room that is made before anything is read.
const ROOM: usize = 256 << 10;
/// The memory that a byte may cost beside.
const PER_BYTE: usize = 1 << 10;

/// Edits of an input, at most.
const EDITS: u8 = 4;
/// Places near the beginning, where most of the structure is.
const FRONT: usize = 512;
/// Changes that a history has, at most.
const HISTORY: u8 = 11;

/// Files of one world each, and what is in them. One of a kind at most, so that they are the same bytes in
/// every run.
struct File {
    image: Vec<Vec<u8>>,
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
/// Tells why it was refused.
pub fn outcome(data: &[u8], turn: Turn) -> Option<Broken> {
    // To begin a thread costs more than all else.
    let readers = if turn.is(0, 256) { 2 } else { 1 };
    let gate = &Gate { fixtures: &FIXTURES, readers };
    let mut material = Material(data);
    match material.below(8) {
        0 => forged(gate, &mut material),
        1 => changed_beneath_its_seal(gate, &mut material),
        2 => whole(gate, &mut material, turn),
        4 => replaced(gate, &mut material),
        _ => edited(gate, &mut material),
    }
}

/// The same, as a target.
pub fn run(data: &[u8], turn: Turn) {
    drop(outcome(data, turn));
}

/// A gate that has a key and starts from a file, and the good files it might find.
struct Gate<'f> {
    fixtures: &'f Fixtures,
    readers: usize,
}

impl Gate<'_> {
    /// One of the good files.
    fn file(&self, material: &mut Material<'_>) -> &File {
        &self.fixtures.files[usize::from(material.byte()) % self.fixtures.files.len()]
    }

    fn opens(&self, file: &[u8]) -> Result<Index, Broken> {
        let Fixtures { key, serves, .. } = self.fixtures;
        bounded(file.len(), || open(file, key, serves, self.readers))
    }

    /// Reads any parts as if they had been under a seal.
    fn reads(&self, parts: &[Vec<u8>]) -> Result<Index, Broken> {
        let size = parts.iter().map(Vec::len).sum();
        let index = bounded(size, || read_image(parts, &self.fixtures.serves, self.readers))?;
        let written = image(&index);
        assert_eq!(written.len(), parts.len(), "it is written back in as many parts");
        for (written, part) in written.iter().zip(parts) {
            // Tables have no order, so what is in a part may have changed places.
            let is_same = written == part || tally(written) == tally(part);
            assert!(is_same, "it is written back as it was");
        }
        assert!(finds_what_it_shows(&index), "no grant comes twice");
        Ok(index)
    }
}

/// So much of a good file's beginning as the next byte says, and then the bytes.
fn forged(gate: &Gate<'_>, material: &mut Material<'_>) -> Option<Broken> {
    let sealed = &gate.fixtures.files[0].sealed;
    let begin = usize::from(material.byte()).min(sealed.len() - 1);
    let file = [&sealed[..begin], material.0].concat();
    Some(gate.opens(&file).err().expect("nobody sealed this"))
}

/// A sealed file with a few edits is refused, and without them it is read.
fn changed_beneath_its_seal(gate: &Gate<'_>, material: &mut Material<'_>) -> Option<Broken> {
    let file = gate.file(material);
    let mut bytes = file.sealed.clone();
    for _ in 0..material.below(EDITS + 1) {
        let how = material.byte();
        edit(&mut bytes, how, material);
    }
    let opened = gate.opens(&bytes);
    assert_eq!(opened.is_ok(), bytes == file.sealed, "it is read if it was not changed");
    if let Ok(index) = &opened {
        assert_eq!(index.facts(&CALLS), file.facts);
    }
    opened.err()
}

/// What any history leads to is written and read back, and follows on as before.
fn whole(gate: &Gate<'_>, material: &mut Material<'_>, turn: Turn) -> Option<Broken> {
    let mut changes = Vec::new();
    for _ in 0..material.below(HISTORY + 1) {
        changes.push(Change::read(material));
    }
    let index = told(&changes);
    let again = gate.reads(&image(&index)).expect("what is written is read");
    assert_eq!(again.digest(), index.digest());
    if turn.is(0, 16) {
        assert_eq!(again.facts(&CALLS), index.facts(&CALLS));
    }
    if turn.is(1, 16) {
        assert_eq!(again.counted(), index.digest());
    }
    if turn.is(2, 16) {
        let change = Change::read(material);
        assert_eq!(followed(again, change).facts(&CALLS), followed(index, change).facts(&CALLS));
    }
    None
}

/// The parts that were under a seal, with a few edits.
fn edited(gate: &Gate<'_>, material: &mut Material<'_>) -> Option<Broken> {
    let mut parts = gate.file(material).image.clone();
    for _ in 0..material.below(EDITS + 1) {
        let how = material.byte();
        let n = part(&parts, material);
        if how % 8 == 7 {
            let to = part(&parts, material);
            rearrange(&mut parts, how / 8, n, to);
        } else {
            edit(&mut parts[n], how, material);
        }
    }
    match gate.reads(&parts) {
        Ok(index) => {
            drop(followed(index, Change::read(material)));
            None
        }
        Err(broken) => Some(broken),
    }
}

/// Any bytes in place of a part.
fn replaced(gate: &Gate<'_>, material: &mut Material<'_>) -> Option<Broken> {
    let mut parts = gate.file(material).image.clone();
    let n = part(&parts, material);
    parts[n] = material.0.to_vec();
    gate.reads(&parts).err()
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
    let begun = Batch { epoch: "e".to_owned(), head: 1, ..nothing() };
    let mut batch = Batch { epoch: "e".to_owned(), head: 2, ..nothing() };
    changes.iter().for_each(|change| change.write(&mut batch));
    apply(in_known_order(apply(empty(), 0, begun)), 1, batch)
}

fn followed(index: Index, change: Change) -> Index {
    let since = index.revision();
    let Some(head) = since.checked_add(1).filter(|_| since > 0) else { return index };
    let mut batch = Batch { epoch: index.epoch().to_owned(), head, ..nothing() };
    change.write(&mut batch);
    apply(index, since, batch)
}

fn apply(index: Index, since: u64, batch: Batch) -> Index {
    match index.apply(since, batch) {
        Applied::Newer(index) => *index,
        Applied::Unchanged | Applied::Behind | Applied::StartOver => panic!("it is newer"),
    }
}

/// Changes a place: a byte, a number, and what is there and how often.
fn edit(bytes: &mut Vec<u8>, how: u8, material: &mut Material<'_>) {
    let at = place(bytes, material);
    let rest = bytes.len() - at;
    match how % 7 {
        0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = material.byte()),
        1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (how >> 5)),
        2 => {
            let number = [0, 1, 2, u32::MAX, 1 << 18, 4_096][usize::from(material.below(6))];
            bytes.iter_mut().skip(at).zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
        }
        3 => drop(bytes.splice(at..at, material.bytes(64).iter().copied())),
        4 => drop(bytes.drain(at..at + usize::from(material.byte()).min(rest))),
        5 => {
            let some = bytes[at..at + usize::from(material.byte()).min(rest)].to_vec();
            let to = place(bytes, material);
            drop(bytes.splice(to..to, some));
        }
        _ => bytes.truncate(at),
    }
}

/// A place in it, its end included; more often one near its beginning.
fn place(bytes: &[u8], material: &mut Material<'_>) -> usize {
    let (near, low) = (material.byte(), material.byte());
    let at = usize::from(u16::from_le_bytes([low, near]) & 0x7fff);
    at % (if near > 127 { bytes.len() } else { bytes.len().min(FRONT) } + 1)
}

/// A part: most often one that holds more than the word that it holds nothing.
fn part(parts: &[Vec<u8>], material: &mut Material<'_>) -> usize {
    let n = usize::from(material.byte());
    let full: Vec<usize> = (0..parts.len()).filter(|n| parts[*n].len() > 4).collect();
    if n < 240 && !full.is_empty() { full[n % full.len()] } else { n % parts.len() }
}

/// Takes a part away, puts it where another is as well, or lets both change places.
fn rearrange(parts: &mut Vec<Vec<u8>>, how: u8, n: usize, to: usize) {
    match how % 3 {
        0 => drop(parts.remove(n)),
        1 => parts.insert(to, parts[n].clone()),
        _ => parts.swap(n, to),
    }
}
