//! The table of grants, immutable and shared: a change copies a few hundred grants and the pointers
//! on the way to them, and whoever reads an older table goes on reading it.
//!
//! ```text
//! root (256 nodes) -> node -> shard (some 270 slots, sorted by their keys)
//! ```
//!
//! A grant's place and app, permuted ([`Mix`]), say where it is: the first bits the node, the rest
//! the shard and how far into it, for the permuted values are spread evenly. So slots need no gaps.
//! A shard begins with where each 128th of it starts; from there four slots are compared at once,
//! without a branch that depends on them, so that the memory of several look-ups is waited for at
//! once. What does not fit a slot is in the shard's list of odd ones, as it is.

use std::io::Read;
use std::sync::Arc;

use tidegate_domain::admission::Held;

use super::code::{Broken, Code, code, put_len};
use super::mix::{self, Mix, Pair, low};
use super::slot::{self, BYTES, KEY_BITS, Slot};

/// The nodes of the root.
const NODES: usize = 1 << (mix::BITS - KEY_BITS);

/// A node gets more shards when they have more slots than this on average. With what belongs to
/// them, most then fit 4 KiB.
const MOST_PER_SHARD: usize = 276;

/// As many as they have on average after that.
const NEW_PER_SHARD: usize = 256;

/// A node gets fewer shards when they have fewer slots than this on average.
const FEWEST_PER_SHARD: usize = 128;

/// The parts of a shard whose beginnings are known.
const PARTS: usize = 1 << PART_BITS;

const PART_BITS: u32 = 7;

/// The head of a shard: a byte for each part, by how many slots it begins later than it would if all
/// slots were spread perfectly.
const HEAD: usize = PARTS;

/// The byte of a part that begins too far off for a byte.
const FAR: i8 = i8::MIN;

/// The slots that are compared at once.
const WINDOW: usize = 4;

/// The table.
#[derive(Clone)]
pub struct Grants {
    mix: Mix,
    nodes: Arc<Vec<Arc<Node>>>,
}

#[derive(Clone, Default)]
struct Node {
    len: usize,
    shards: Vec<Shard>,
}

#[derive(Clone, Default)]
struct Shard {
    /// Nothing, or the head and the slots.
    packed: Arc<[u8]>,
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
pub struct Change {
    mixed: u64,
    pair: Pair,
    pub(super) n: usize,
}

impl Default for Grants {
    /// The empty table, with an order of its own.
    fn default() -> Self {
        Self::in_order_of(Mix::draw())
    }
}

impl Grants {
    /// The empty table in this order.
    pub(super) fn in_order_of(mix: Mix) -> Self {
        let node = Arc::new(Node { len: 0, shards: vec![Shard::default()] });
        Self { mix, nodes: Arc::new(vec![node; NODES]) }
    }

    /// How many standings it holds.
    pub fn count(&self) -> usize {
        self.nodes.iter().map(|node| node.len).sum()
    }

    /// The memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        size_of::<Arc<Node>>() * NODES + self.nodes.iter().map(|node| node.bytes()).sum::<usize>()
    }

    /// What the app holds at the place.
    pub fn get(&self, pair: Pair) -> Option<Held> {
        let mixed = self.mix.of(pair);
        let node = self.nodes.get(node_of(mixed))?;
        let spot = Spot::of(mixed, node.shards.len());
        let shard = node.shards.get(spot.shard)?;
        if pair.fits()
            && let Some(slot) = shard.find(&spot)
        {
            return Some(slot::held(slot));
        }
        let odd = shard.odd.as_ref()?;
        let at = odd.binary_search_by(|odd| odd.pair.cmp(&pair)).ok()?;
        odd.get(at).map(|odd| odd.held)
    }

    /// A change, for [`Grants::change`].
    pub fn change_of(&self, pair: Pair, n: usize) -> Change {
        Change { mixed: self.mix.of(pair), pair, n }
    }

    /// Makes changes: `held` is what the `n`th standing holds from now on, and `tell` hears what it
    /// held before. The last of several changes of one standing counts.
    pub fn change(
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
                for slot in shard.slots() {
                    show(self.mix.undo(first | slot::key(slot)), slot::held(slot));
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
            put_len(node.shards.iter().map(|shard| shard.slots().len()).sum(), &mut out);
            for shard in &node.shards {
                out.extend_from_slice(shard.slots().as_flattened());
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
            let ascending = slots.is_sorted_by(|a, b| slot::key(a) < slot::key(b));
            if !ascending || !slots.iter().all(|slot| known(mix.undo(first | slot::key(slot)))) {
                return Err(Broken::Malformed("a grant of nobody, or one out of order"));
            }
            let odd: Vec<Odd> = Code::get(from)?;
            let ascending = odd.is_sorted_by(|a, b| a.pair < b.pair);
            let is_odd = |odd: &Odd| {
                let mixed = mix.of(odd.pair);
                let packed = slots.binary_search_by_key(&(mixed & low(KEY_BITS)), slot::key);
                node_of(mixed) == n && known(odd.pair) && !(odd.pair.fits() && packed.is_ok())
            };
            if !ascending || !odd.iter().all(is_odd) {
                return Err(Broken::Malformed(
                    "an odd grant of nobody, out of order, or packed as well",
                ));
            }
            let len = slots.len() + odd.len();
            nodes.push(Arc::new(Node::of(&mix, len, &slots, odd)));
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
    let mut piece = vec![[0; BYTES]; left.min(4_096)];
    while left > 0 {
        piece.truncate(left);
        from.read_exact(piece.as_flattened_mut())?;
        slots.extend_from_slice(&piece);
        left -= piece.len();
    }
    Ok(slots)
}

fn node_of(mixed: u64) -> usize {
    (mixed >> KEY_BITS) as usize
}

/// Where a grant is within its node.
struct Spot {
    key: u64,
    shard: usize,
    part: usize,
}

impl Spot {
    /// In a node of so many shards.
    fn of(mixed: u64, shards: usize) -> Self {
        let key = mixed & low(KEY_BITS);
        // There are never 2^23 shards in a node, so this is exact.
        let at = key.wrapping_mul(shards as u64);
        let part = (at & low(KEY_BITS)) >> (KEY_BITS - PART_BITS);
        Self { key, shard: (at >> KEY_BITS) as usize, part: part as usize }
    }
}

impl Node {
    /// A node of slots and odd ones, all in their order, with as many shards as suit `expected`.
    fn of(mix: &Mix, expected: usize, slots: &[Slot], odd: Vec<Odd>) -> Self {
        let len = slots.len() + odd.len();
        let shards = expected.div_ceil(NEW_PER_SHARD).max(1);
        let mut node = Self { len, shards: Vec::with_capacity(shards) };
        let mut rest = slots;
        for n in 0..shards {
            let is_within = |slot: &Slot| Spot::of(slot::key(slot), shards).shard <= n;
            let (slots, after) = rest.split_at(rest.partition_point(is_within));
            node.shards.push(Shard { packed: pack(slots, shards), odd: None });
            rest = after;
        }
        for odd in odd {
            let shard = Spot::of(mix.of(odd.pair), shards).shard;
            if let Some(shard) = node.shards.get_mut(shard) {
                shard.put_odd(odd);
            }
        }
        node
    }

    /// The same with as many shards as suit this many.
    fn regrouped(&self, mix: &Mix, expected: usize) -> Self {
        let slots: Vec<Slot> =
            self.shards.iter().flat_map(|shard| shard.slots().iter().copied()).collect();
        let odd = self.shards.iter().filter_map(|shard| shard.odd.as_ref());
        let mut odd: Vec<Odd> = odd.flat_map(|odd| odd.iter().cloned()).collect();
        odd.sort_unstable_by_key(|odd| odd.pair);
        Self::of(mix, expected, &slots, odd)
    }

    fn with(
        &self,
        mix: &Mix,
        changes: &[Change],
        held: &impl Fn(usize) -> Option<Held>,
        tell: &mut impl FnMut(usize, Option<Held>),
    ) -> Self {
        // As many as there are if none of the changes is of something that is there already.
        let most = self.len + changes.len();
        let mut node = if most > self.shards.len() * MOST_PER_SHARD {
            self.regrouped(mix, most)
        } else {
            self.clone()
        };
        let shards = node.shards.len();
        let shard_of = |change: &Change| Spot::of(change.mixed, shards).shard;
        for group in changes.chunk_by(|a, b| shard_of(a) == shard_of(b)) {
            if let Some(shard) = group.first().and_then(|c| node.shards.get_mut(shard_of(c))) {
                node.len -= shard.len();
                *shard = shard.with(shards, group, held, tell);
                node.len += shard.len();
            }
        }
        if shards > 1 && node.len < shards * FEWEST_PER_SHARD {
            return node.regrouped(mix, node.len);
        }
        node
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.shards.iter().map(Shard::bytes).sum::<usize>()
    }
}

impl Shard {
    fn slots(&self) -> &[Slot] {
        self.packed.get(HEAD..).unwrap_or_default().as_chunks().0
    }

    fn len(&self) -> usize {
        self.slots().len() + self.odd.as_ref().map_or(0, |odd| odd.len())
    }

    fn find(&self, spot: &Spot) -> Option<&Slot> {
        let (head, slots) = self.packed.split_at_checked(HEAD)?;
        let slots = slots.as_chunks::<BYTES>().0;
        let start = match head.get(spot.part)?.cast_signed() {
            FAR => 0,
            later => even_start(spot.part, slots.len()).checked_add_signed(later.into())?,
        };
        let from = start.min(slots.len().saturating_sub(WINDOW));
        let (window, rest) = slots.get(from..)?.split_at_checked(WINDOW).unwrap_or((&[], slots));
        let mut found = None;
        for slot in window {
            found = if slot::key(slot) == spot.key { Some(slot) } else { found };
        }
        // Few parts are longer than a window.
        found.or_else(|| {
            let up_to = rest.iter().take_while(|slot| slot::key(slot) <= spot.key);
            up_to.last().filter(|slot| slot::key(slot) == spot.key)
        })
    }

    fn with(
        &self,
        shards: usize,
        changes: &[Change],
        held: &impl Fn(usize) -> Option<Held>,
        tell: &mut impl FnMut(usize, Option<Held>),
    ) -> Self {
        let mut slots = Vec::with_capacity(self.slots().len() + changes.len());
        let mut shard = Self { packed: Arc::default(), odd: self.odd.clone() };
        let mut rest = self.slots();
        for change in changes {
            let key = change.mixed & low(KEY_BITS);
            let (before, after) = rest.split_at(rest.partition_point(|slot| slot::key(slot) < key));
            slots.extend_from_slice(before);
            rest = after;
            let fits = change.pair.fits();
            let was = match rest.split_first() {
                Some((slot, after)) if fits && slot::key(slot) == key => {
                    rest = after;
                    Some(slot::held(slot))
                }
                _ => shard.take_odd(change.pair),
            };
            tell(change.n, was);
            if let Some(held) = held(change.n) {
                let slot = if fits { slot::pack(key, &held) } else { None };
                match slot {
                    Some(slot) => slots.push(slot),
                    None => shard.put_odd(Odd { pair: change.pair, held }),
                }
            }
        }
        slots.extend_from_slice(rest);
        shard.packed = pack(&slots, shards);
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
        size_of::<Self>() + counts + self.packed.len() + self.odd.as_ref().map_or(0, odd)
    }
}

/// Where a part of so many slots begins if they are spread perfectly.
const fn even_start(part: usize, slots: usize) -> usize {
    (part * slots) >> PART_BITS
}

/// A shard's head and slots, in a node of so many shards.
fn pack(slots: &[Slot], shards: usize) -> Arc<[u8]> {
    if slots.is_empty() {
        return Arc::default();
    }
    let mut bytes = Vec::with_capacity(HEAD + size_of_val(slots));
    let mut start = 0;
    for part in 0..PARTS {
        let is_before = |slot: &&Slot| Spot::of(slot::key(slot), shards).part < part;
        start += slots.iter().skip(start).take_while(is_before).count();
        let later = start.cast_signed().wrapping_sub(even_start(part, slots.len()).cast_signed());
        bytes.push(i8::try_from(later).unwrap_or(FAR).cast_unsigned());
    }
    bytes.extend_from_slice(slots.as_flattened());
    Arc::from(bytes)
}

#[cfg(test)]
mod tests;
