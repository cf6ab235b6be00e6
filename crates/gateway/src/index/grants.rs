//! The table of grants, immutable and shared: a change copies a few hundred grants and the pointers
//! on the way to them, and whoever reads an older table goes on reading it.
//!
//! ```text
//! root (256 nodes) -> node -> shard (some 200 slots, sorted by their key)
//! ```
//!
//! A grant's place and app, permuted ([`Mix`]), say where it is: the first bits the node, the next
//! the shard, and the rest how far into the shard, for the permuted values are spread evenly. So a
//! look-up guesses the slot and steps to it from there, mostly within one or two cache lines, and
//! the slots need no gaps. What does not fit a slot is in the shard's list of odd ones, as it is.

use std::cmp::Ordering;
use std::io::Read;
use std::sync::Arc;

use tidegate_domain::admission::Held;

use super::code::{Broken, Code, code, put_len};
use super::mix::{self, Mix, Pair, low};
use super::slot::{self, KEY_BITS, Slot};

/// The nodes of the root.
const NODES: usize = 1 << (mix::BITS - KEY_BITS);

/// A node gets more shards when they have more slots than this on average.
const MOST_PER_SHARD: usize = 256;

/// And fewer when they have fewer than this; it lies far below, so that no shard is cut and joined
/// in turns.
const FEWEST_PER_SHARD: usize = 32;

/// The table.
#[derive(Clone)]
pub(super) struct Grants {
    mix: Mix,
    nodes: Arc<Vec<Arc<Node>>>,
}

#[derive(Clone, Default)]
struct Node {
    /// How many bits of the key choose the shard.
    bits: u32,
    len: usize,
    shards: Vec<Shard>,
}

#[derive(Clone, Default)]
struct Shard {
    slots: Arc<[Slot]>,
    odd: Option<Arc<Vec<Odd>>>,
}

/// What does not fit a slot.
#[derive(Clone)]
struct Odd {
    pair: Pair,
    held: Held,
}

code!(Odd { pair, held });

/// What is told of one standing: the `n`th of a list that the caller has.
pub(super) struct Change {
    mixed: u64,
    pair: Pair,
    pub(super) n: usize,
}

impl Grants {
    /// The empty table.
    pub(super) fn new() -> Self {
        let node = Arc::new(Node { bits: 0, len: 0, shards: vec![Shard::default()] });
        Self { mix: Mix::draw(), nodes: Arc::new(vec![node; NODES]) }
    }

    /// How many standings it holds.
    pub(super) fn len(&self) -> usize {
        self.nodes.iter().map(|node| node.len).sum()
    }

    /// The memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Arc<Node>>() * NODES + self.nodes.iter().map(|node| node.bytes()).sum::<usize>()
    }

    /// What the app holds at the place.
    pub(super) fn get(&self, pair: Pair) -> Option<Held> {
        let mixed = self.mix.of(pair);
        let node = self.nodes.get(node_of(mixed))?;
        let shard = node.shards.get(node.shard_of(mixed))?;
        if pair.fits() {
            let key = mixed & low(KEY_BITS);
            if let Some(slot) = find(&shard.slots, key, KEY_BITS - node.bits) {
                return Some(slot.held());
            }
        }
        let odd = shard.odd.as_ref()?;
        let at = odd.binary_search_by(|odd| odd.pair.cmp(&pair)).ok()?;
        odd.get(at).map(|odd| odd.held)
    }

    /// A change, for [`Grants::change`].
    pub(super) fn change_of(&self, pair: Pair, n: usize) -> Change {
        Change { mixed: self.mix.of(pair), pair, n }
    }

    /// Makes changes: `held` is what the `n`th standing holds from now on, and `tell` hears what it
    /// held before. The last of several changes of one standing counts.
    pub(super) fn change(
        &mut self,
        mut changes: Vec<Change>,
        held: impl Fn(usize) -> Option<Held>,
        mut tell: impl FnMut(usize, Option<Held>),
    ) {
        changes.sort_by_key(|change| (change.mixed, change.pair));
        changes.reverse();
        changes.dedup_by_key(|change| change.pair);
        changes.reverse();
        let nodes = Arc::make_mut(&mut self.nodes);
        for group in changes.chunk_by(|a, b| node_of(a.mixed) == node_of(b.mixed)) {
            let Some(node) = group.first().and_then(|c| nodes.get_mut(node_of(c.mixed))) else {
                continue;
            };
            *node = Arc::new(node.with(&self.mix, group, &held, &mut tell));
        }
    }

    /// Removes what is gone; `tell` hears what was held.
    pub(super) fn remove(
        &mut self,
        is_gone: impl Fn(Pair) -> bool,
        mut tell: impl FnMut(Pair, Held),
    ) {
        let mut changes = Vec::new();
        self.each(|pair, held| {
            if is_gone(pair) {
                changes.push(self.change_of(pair, changes.len()));
                tell(pair, held);
            }
        });
        self.change(changes, |_| None, |_, _| {});
    }

    /// Shows all it holds, in no order.
    pub(super) fn each(&self, mut show: impl FnMut(Pair, Held)) {
        for (node, n) in self.nodes.iter().zip(0_u64..) {
            let first = n << KEY_BITS;
            for shard in &node.shards {
                for slot in shard.slots.iter() {
                    show(self.mix.undo(first | slot.key()), slot.held());
                }
                for odd in shard.odd.iter().flat_map(|odd| odd.iter()) {
                    show(odd.pair, odd.held);
                }
            }
        }
    }

    /// Writes it down, a node at a time.
    pub(super) fn put<E>(&self, mut write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut out = Vec::new();
        self.mix.put(&mut out);
        for node in self.nodes.iter() {
            put_len(node.shards.iter().map(|shard| shard.slots.len()).sum(), &mut out);
            for shard in &node.shards {
                slot::bytes_of(&shard.slots).for_each(|bytes| out.extend_from_slice(bytes));
            }
            let mut odd: Vec<&Odd> =
                node.shards.iter().flat_map(|shard| &shard.odd).flat_map(|o| o.iter()).collect();
            odd.sort_unstable_by_key(|odd| odd.pair);
            put_len(odd.len(), &mut out);
            odd.into_iter().for_each(|odd| odd.put(&mut out));
            write(&out)?;
            out.clear();
        }
        Ok(())
    }

    /// Reads it back. All of it must be about places and apps that are `known`.
    pub(super) fn get_all(
        from: &mut impl Read,
        known: impl Fn(Pair) -> bool,
    ) -> Result<Self, Broken> {
        let mix = Mix::get(from)?;
        let mut nodes = Vec::with_capacity(NODES);
        for n in 0..NODES {
            let first = (n as u64) << KEY_BITS;
            let slots = get_slots(from)?;
            let ascending = slots.is_sorted_by(|a, b| a.key() < b.key());
            if !ascending || !slots.iter().all(|slot| known(mix.undo(first | slot.key()))) {
                return Err(Broken::Malformed("a grant of nobody, or one out of order"));
            }
            let odd: Vec<Odd> = Code::get(from)?;
            let ascending = odd.is_sorted_by(|a, b| a.pair < b.pair);
            let is_odd = |odd: &Odd| {
                let mixed = mix.of(odd.pair);
                let key = mixed & low(KEY_BITS);
                let packs = odd.pair.fits() && Slot::pack(key, &odd.held).is_some();
                node_of(mixed) == n && !packs && known(odd.pair)
            };
            if !ascending || !odd.iter().all(is_odd) {
                return Err(Broken::Malformed("an odd grant of nobody, or one out of order"));
            }
            let bits = bits_for(slots.len() + odd.len(), MOST_PER_SHARD);
            nodes.push(Arc::new(Node::of(&mix, bits, &slots, odd)));
        }
        Ok(Self { mix, nodes: Arc::new(nodes) })
    }

    #[cfg(test)]
    pub(super) fn shares_all_but_one_node_with(&self, other: &Self) -> bool {
        let pairs = self.nodes.iter().zip(other.nodes.iter());
        pairs.filter(|(a, b)| !Arc::ptr_eq(a, b)).count() == 1
    }
}

/// Slots, as many as are announced. Takes memory as they come.
fn get_slots(from: &mut impl Read) -> Result<Vec<Slot>, Broken> {
    let mut left = u32::get(from)? as usize;
    let mut slots = Vec::new();
    let mut piece = vec![[0; slot::BYTES]; left.min(4_096)];
    while left > 0 {
        piece.truncate(left);
        from.read_exact(piece.as_flattened_mut())?;
        slots.extend(piece.iter().copied().map(slot::from_bytes));
        left -= piece.len();
    }
    Ok(slots)
}

fn node_of(mixed: u64) -> usize {
    (mixed >> KEY_BITS) as usize
}

fn shard_at(bits: u32, mixed: u64) -> usize {
    ((mixed & low(KEY_BITS)) >> (KEY_BITS - bits)) as usize
}

/// The bits that shards of at most `most` slots on average are chosen by.
fn bits_for(len: usize, most: usize) -> u32 {
    len.div_ceil(most).next_power_of_two().trailing_zeros()
}

impl Node {
    /// A node with `1 << bits` shards, of slots and odd ones in their order.
    fn of(mix: &Mix, bits: u32, slots: &[Slot], odd: Vec<Odd>) -> Self {
        let mut node = Self { bits, len: slots.len() + odd.len(), shards: Vec::new() };
        let mut rest = slots;
        for n in 1..=1_u64 << bits {
            let end = n << (KEY_BITS - bits);
            let (slots, after) = rest.split_at(rest.partition_point(|slot| slot.key() < end));
            node.shards.push(Shard { slots: Arc::from(slots), odd: None });
            rest = after;
        }
        for odd in odd {
            let shard = node.shard_of(mix.of(odd.pair));
            if let Some(shard) = node.shards.get_mut(shard) {
                shard.put_odd(odd);
            }
        }
        node
    }

    fn regrouped(&self, mix: &Mix, bits: u32) -> Self {
        let slots: Vec<Slot> =
            self.shards.iter().flat_map(|shard| shard.slots.iter().copied()).collect();
        let odd = self.shards.iter().filter_map(|shard| shard.odd.as_ref());
        let mut odd: Vec<Odd> = odd.flat_map(|odd| odd.iter().cloned()).collect();
        odd.sort_unstable_by_key(|odd| odd.pair);
        Self::of(mix, bits, &slots, odd)
    }

    fn shard_of(&self, mixed: u64) -> usize {
        shard_at(self.bits, mixed)
    }

    fn with(
        &self,
        mix: &Mix,
        changes: &[Change],
        held: &impl Fn(usize) -> Option<Held>,
        tell: &mut impl FnMut(usize, Option<Held>),
    ) -> Self {
        // As many as there are if none of the changes is of something that is there already.
        let bits = bits_for(self.len + changes.len(), MOST_PER_SHARD);
        let mut node = if bits > self.bits { self.regrouped(mix, bits) } else { self.clone() };
        let bits = node.bits;
        let shard_of = |change: &Change| shard_at(bits, change.mixed);
        for group in changes.chunk_by(|a, b| shard_of(a) == shard_of(b)) {
            if let Some(shard) = group.first().and_then(|c| node.shards.get_mut(shard_of(c))) {
                node.len -= shard.len();
                *shard = shard.with(group, held, tell);
                node.len += shard.len();
            }
        }
        if bits_for(node.len, FEWEST_PER_SHARD) < node.bits {
            let bits = bits_for(node.len, MOST_PER_SHARD);
            return node.regrouped(mix, bits);
        }
        node
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.shards.iter().map(Shard::bytes).sum::<usize>()
    }
}

impl Shard {
    fn len(&self) -> usize {
        self.slots.len() + self.odd.as_ref().map_or(0, |odd| odd.len())
    }

    fn with(
        &self,
        changes: &[Change],
        held: &impl Fn(usize) -> Option<Held>,
        tell: &mut impl FnMut(usize, Option<Held>),
    ) -> Self {
        let mut slots = Vec::with_capacity(self.slots.len() + changes.len());
        let mut shard = Self { slots: Arc::default(), odd: self.odd.clone() };
        let mut rest = &*self.slots;
        for change in changes {
            let key = change.mixed & low(KEY_BITS);
            let (before, after) = rest.split_at(rest.partition_point(|slot| slot.key() < key));
            slots.extend_from_slice(before);
            rest = after;
            let fits = change.pair.fits();
            let was = match rest.split_first() {
                Some((slot, after)) if fits && slot.key() == key => {
                    rest = after;
                    Some(slot.held())
                }
                _ => shard.take_odd(change.pair),
            };
            tell(change.n, was);
            if let Some(held) = held(change.n) {
                match fits.then(|| Slot::pack(key, &held)).flatten() {
                    Some(slot) => slots.push(slot),
                    None => shard.put_odd(Odd { pair: change.pair, held }),
                }
            }
        }
        slots.extend_from_slice(rest);
        shard.slots = Arc::from(slots);
        shard
    }

    /// Puts in one that is not there; in order, that costs nothing but its place.
    fn put_odd(&mut self, odd: Odd) {
        let all = Arc::make_mut(self.odd.get_or_insert_default());
        let at = all.partition_point(|other| other.pair < odd.pair);
        all.insert(at, odd);
    }

    fn take_odd(&mut self, pair: Pair) -> Option<Held> {
        let all = self.odd.as_mut()?;
        let at = all.binary_search_by(|odd| odd.pair.cmp(&pair)).ok()?;
        let odd = Arc::make_mut(all).remove(at);
        if all.is_empty() {
            self.odd = None;
        }
        Some(odd.held)
    }

    fn bytes(&self) -> usize {
        // An `Arc` keeps two counts beside what it holds.
        let counts = 2 * size_of::<usize>();
        let odd = |odd: &Arc<Vec<Odd>>| {
            counts + size_of::<Vec<Odd>>() + odd.capacity() * size_of::<Odd>()
        };
        size_of::<Self>() + counts + size_of_val(&*self.slots) + self.odd.as_ref().map_or(0, odd)
    }
}

/// The slot with this key, among slots whose keys are spread evenly over `bits` bits.
fn find(slots: &[Slot], key: u64, bits: u32) -> Option<&Slot> {
    let guess = (u128::from(key & low(bits)) * slots.len() as u128) >> bits;
    let (before, after) = slots.split_at_checked(guess as usize)?;
    let first = after.first()?;
    match first.key().cmp(&key) {
        Ordering::Equal => Some(first),
        Ordering::Less => {
            after.iter().skip(1).find(|slot| slot.key() >= key).filter(|slot| slot.key() == key)
        }
        Ordering::Greater => {
            before.iter().rev().find(|slot| slot.key() <= key).filter(|slot| slot.key() == key)
        }
    }
}

#[cfg(test)]
mod tests;
