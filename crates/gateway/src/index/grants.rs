//! The table of grants, immutable and shared: a change copies one page and the pointers on the way to
//! it, and whoever reads an older table goes on reading it.
//!
//! ```text
//! root (512 nodes) -> node -> page (62 buckets) -> bucket (5 slots, one line of memory)
//! ```
//!
//! A grant's place and app, permuted ([`Mix`]), say where it is: the first bits the node, the rest
//! the page and the bucket, for the permuted values are spread evenly. The pointers of ten million
//! grants fit the processor's second cache, so a look-up waits for memory once: for its bucket. What
//! does not fit a slot is in the page's list of odd ones, as it is.

mod page;
mod spot;

use std::sync::Arc;

use tidegate_domain::admission::Held;

use self::page::{BYTES, Page};
use self::spot::{KEY_BITS, Odd, Spot};
use super::code::{Broken, Code, put_len};
use super::mix::{self, Mix, Pair, low};

/// The nodes of the root.
pub(super) const NODES: usize = 1 << (mix::BITS - KEY_BITS);

/// A node gets more pages when they hold more than this on average.
const MOST_PER_PAGE: usize = 276;

/// As many as they hold on average after that.
const NEW_PER_PAGE: usize = 266;

/// A node gets fewer pages when they hold fewer than this on average.
const FEWEST_PER_PAGE: usize = 128;

/// The table.
#[derive(Clone)]
pub struct Grants {
    mix: Mix,
    nodes: Arc<[Node; NODES]>,
}

/// Never without a page. The root holds it as it is, so a look-up steps over it.
#[derive(Clone)]
pub(super) struct Node {
    len: usize,
    pages: Arc<[Arc<Page>]>,
}

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
        Self::of(mix, (0..NODES).map(|_| None).collect())
    }

    /// How many standings it holds.
    pub fn count(&self) -> usize {
        self.nodes.iter().map(|node| node.len).sum()
    }

    /// The memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.nodes.iter().map(Node::bytes).sum()
    }

    /// What the app holds at the place.
    #[inline(always)]
    pub fn get(&self, pair: Pair) -> Option<Held> {
        let mixed = self.mix.of(pair);
        let node = self.nodes.get(node_of(mixed))?;
        let spot = Spot::of(mixed, node.pages.len());
        node.pages.get(spot.page)?.get(pair, &spot)
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
            *node = node.with(&self.mix, group, &held, &mut tell);
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
        for (node, n) in self.nodes.iter().zip(0_u64..).filter(|(node, _)| node.len > 0) {
            for page in node.pages.iter() {
                for (key, word) in page.words() {
                    if let Some(held) = super::slot::held(word) {
                        show(self.mix.undo(n << KEY_BITS | key), held);
                    }
                }
                page.odd().iter().for_each(|odd| show(odd.pair, odd.held));
            }
        }
    }

    /// Its order, which all that is written of it depends on.
    pub(super) fn mix(&self) -> &Mix {
        &self.mix
    }

    /// Writes down a node; of one without grants, that it has no pages.
    pub(super) fn put_node(&self, n: usize, out: &mut Vec<u8>) {
        let Some(node) = self.nodes.get(n) else { return };
        if node.len == 0 {
            return put_len(0, out);
        }
        put_len(node.pages.len(), out);
        node.pages.iter().for_each(|page| page.write(out));
        let odd: Vec<&Odd> = node.pages.iter().flat_map(|page| page.odd()).collect();
        put_len(odd.len(), out);
        odd.into_iter().for_each(|odd| odd.put(out));
    }

    /// Reads the `n`th node back; none if it holds nothing. All of it must be about places and apps
    /// that are `known`.
    pub(super) fn get_node(
        mix: &Mix,
        n: usize,
        mut bytes: &[u8],
        known: impl Fn(Pair) -> bool,
    ) -> Result<Option<Node>, Broken> {
        let count = u32::get(&mut bytes)? as usize;
        if count == 0 && bytes.is_empty() {
            return Ok(None);
        }
        let all = count.checked_mul(BYTES).and_then(|all| bytes.split_at_checked(all));
        let (pages, mut rest) = all.ok_or(Broken::Malformed("a node has fewer pages"))?;
        let mut made = Vec::with_capacity(count);
        for (at, page) in pages.as_chunks().0.iter().enumerate() {
            let page = Page::read(page);
            let is_here = |key| {
                known(mix.undo((n as u64) << KEY_BITS | key)) && Spot::of(key, count).page == at
            };
            if !page.is_sound(|key| Spot::of(key, count), is_here) {
                return Err(Broken::Malformed("a grant of nobody, or one out of its place"));
            }
            made.push(page);
        }
        for odd in Vec::<Odd>::get(&mut rest)? {
            let mixed = mix.of(odd.pair);
            let spot = Spot::of(mixed, count);
            let page = made.get_mut(spot.page);
            let page = page.filter(|_| known(odd.pair) && node_of(mixed) == n);
            let page = page.ok_or(Broken::Malformed("an odd grant of nobody"))?;
            let (pair, held) = (odd.pair, odd.held);
            // Whoever took it away would take one of the two.
            if page.get(pair, &spot).is_some() {
                return Err(Broken::Malformed("a grant comes twice"));
            }
            page.put_odd(odd);
            if page.get(pair, &spot) != Some(held) {
                return Err(Broken::Malformed("an odd grant out of its place"));
            }
        }
        let len = made.iter().map(Page::len).sum();
        if !rest.is_empty() || len == 0 {
            return Err(Broken::Malformed("a node that holds nothing, or more than its grants"));
        }
        Ok(Some(Node { len, pages: made.into_iter().map(Arc::new).collect() }))
    }

    /// The table of these nodes, all there are.
    pub(super) fn of(mix: Mix, nodes: Vec<Option<Node>>) -> Self {
        let empty = Node { len: 0, pages: Arc::new([Arc::new(Page::EMPTY)]) };
        let mut nodes = nodes.into_iter();
        let node = |_| nodes.next().flatten().unwrap_or_else(|| empty.clone());
        Self { mix, nodes: Arc::new(std::array::from_fn(node)) }
    }

    #[cfg(test)]
    pub(super) fn shares_all_but_one_node_with(&self, other: &Self) -> bool {
        let pairs = self.nodes.iter().zip(other.nodes.iter());
        pairs.filter(|(a, b)| !Arc::ptr_eq(&a.pages, &b.pages)).count() == 1
    }
}

fn node_of(mixed: u64) -> usize {
    (mixed >> KEY_BITS) as usize
}

impl Node {
    /// The same with as many pages as suit so many grants; `first` is the node's number in its place.
    fn regrouped(&self, mix: &Mix, first: u64, expected: usize) -> Self {
        let count = expected.div_ceil(NEW_PER_PAGE).max(1);
        let mut pages = vec![Page::EMPTY; count];
        for page in self.pages.iter() {
            for (key, word) in page.words() {
                let spot = Spot::of(key, count);
                let Some(to) = pages.get_mut(spot.page) else { continue };
                match super::slot::held(word) {
                    Some(held) if !to.add_word(&spot, word) => {
                        let pair = mix.undo(first | key);
                        to.put_odd(Odd { pair, held });
                    }
                    Some(_) | None => {}
                }
            }
        }
        for odd in self.pages.iter().flat_map(|page| page.odd()) {
            let spot = Spot::of(mix.of(odd.pair), count);
            if let Some(page) = pages.get_mut(spot.page) {
                page.add(&spot, odd.clone());
            }
        }
        Self { len: self.len, pages: pages.into_iter().map(Arc::new).collect() }
    }

    fn with(
        &self,
        mix: &Mix,
        changes: &[Change],
        held: &impl Fn(usize) -> Option<Held>,
        tell: &mut impl FnMut(usize, Option<Held>),
    ) -> Self {
        let first = changes.first().map_or(0, |change| change.mixed & !low(KEY_BITS));
        // As many as there are if none of the changes is of something that is there already.
        let most = self.len + changes.len();
        let mut node = if most > self.pages.len() * MOST_PER_PAGE {
            self.regrouped(mix, first, most)
        } else {
            self.clone()
        };
        let count = node.pages.len();
        let pages = Arc::make_mut(&mut node.pages);
        let page_of = |change: &Change| Spot::of(change.mixed, count).page;
        for group in changes.chunk_by(|a, b| page_of(a) == page_of(b)) {
            let Some(page) = group.first().and_then(|c| pages.get_mut(page_of(c))) else {
                continue;
            };
            let page = Arc::make_mut(page);
            for change in group {
                let is = held(change.n);
                let was = page.put(mix, count, change.pair, is);
                node.len += usize::from(is.is_some());
                node.len = node.len.saturating_sub(was.is_some().into());
                tell(change.n, was);
            }
        }
        if count > 1 && node.len < count * FEWEST_PER_PAGE {
            return node.regrouped(mix, first, node.len);
        }
        node
    }

    fn bytes(&self) -> usize {
        let pointers = self.pages.len() * size_of::<Arc<Page>>();
        size_of::<Self>() + pointers + self.pages.iter().map(|page| page.bytes()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
