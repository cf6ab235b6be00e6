//! A page of the table: buckets of five slots, each bucket a line of memory.
//!
//! A grant is in the bucket its key says, or, if that was full when it came, in the next one with
//! room; the bucket it should be in says that one stands elsewhere. So nearly every look-up reads
//! one line, and the answer that there is nothing as well.

use std::sync::Arc;

use tidegate_domain::admission::Held;

use super::super::mix::{Mix, Pair, low};
use super::super::slot::{self, EMPTY, MARK};
use super::spot::{BUCKETS, KEY_BITS, Odd, Spot};

/// The slots of a bucket.
const SLOTS: usize = 5;

/// The slots of a page.
#[cfg(test)]
pub(super) const ROOM: usize = SLOTS * BUCKETS;

/// The bytes of a bucket, in memory and in a file.
const LINE: usize = 64;

/// The bytes of a page's buckets.
pub(super) const BYTES: usize = LINE * BUCKETS;

/// Bits of a key in its tag, and bits beside.
const TAG_BITS: u32 = 32;
const REST_BITS: u32 = 6;

/// Some grant that should be in this bucket is not.
const SPILLED: u32 = 1 << 30;

const _: () = assert!(TAG_BITS + REST_BITS + slot::TOP_BITS == KEY_BITS);
const _: () = assert!(REST_BITS * SLOTS as u32 == SPILLED.trailing_zeros());
const _: () = assert!(size_of::<Bucket>() == LINE && size_of::<Page>() == BYTES + LINE);

/// Slots, filled from the first on. The key of each is in three parts: its tag, its bits of `rest`
/// and the top of its word.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Bucket {
    words: [u64; SLOTS],
    tags: [u32; SLOTS],
    rest: u32,
}

/// Buckets, and what does not fit a slot.
#[derive(Clone)]
pub(super) struct Page {
    odd: Option<Arc<Vec<Odd>>>,
    buckets: [Bucket; BUCKETS],
}

/// A bucket and a slot of it.
type Place = (usize, usize);

/// Why there is no slot of a key.
enum Missing {
    /// There is no such grant.
    Nowhere,
    /// There may be one beside the slots, for all are taken.
    NoRoom,
}

impl Bucket {
    #[inline]
    fn key(&self, n: usize) -> u64 {
        let tag = self.tags.get(n).copied().map_or(0, u64::from);
        let rest = u64::from(self.rest) >> (n * REST_BITS as usize) & low(REST_BITS);
        tag | rest << TAG_BITS | slot::top(self.word(n)) << (TAG_BITS + REST_BITS)
    }

    #[inline]
    fn word(&self, n: usize) -> u64 {
        self.words.get(n).copied().unwrap_or(EMPTY)
    }

    fn holds(&self, n: usize, key: u64) -> bool {
        self.word(n) != EMPTY && self.key(n) == key
    }

    /// A bit for each slot with a key's tag. All are compared without a branch: which of them it is,
    /// nobody can foresee, and a processor that guessed wrong does all anew that it did meanwhile.
    #[inline]
    fn alike(&self, key: u64) -> u32 {
        let mut alike = 0;
        for (n, tag) in self.tags.iter().enumerate() {
            alike |= u32::from(*tag == key as u32) << n;
        }
        alike
    }

    /// The word of a key, an empty one if it is not here, and whether that is all there is to know;
    /// also without a branch.
    #[inline]
    fn word_of(&self, key: u64) -> (u64, bool) {
        let alike = self.alike(key);
        let n = (alike.trailing_zeros() as usize).min(SLOTS - 1);
        let word = if self.key(n) == key { self.word(n) } else { EMPTY };
        let is_nowhere = (alike == 0) & (self.rest & SPILLED == 0);
        (word, slot::is_packed(word) | is_nowhere)
    }

    fn find(&self, key: u64) -> Option<usize> {
        let mut alike = self.alike(key);
        while alike != 0 {
            let n = alike.trailing_zeros() as usize;
            if self.holds(n, key) {
                return Some(n);
            }
            alike &= alike - 1;
        }
        None
    }

    fn has_room(&self) -> bool {
        self.word(SLOTS - 1) == EMPTY
    }

    fn set(&mut self, n: usize, key: u64, word: u64) {
        let shift = n * REST_BITS as usize;
        let rest = (key >> TAG_BITS & low(REST_BITS)) as u32;
        self.rest = self.rest & !((low(REST_BITS) as u32) << shift) | rest << shift;
        if let (Some(tag), Some(to)) = (self.tags.get_mut(n), self.words.get_mut(n)) {
            *tag = key as u32;
            *to = slot::with_top(word, key >> (TAG_BITS + REST_BITS));
        }
    }

    fn clear(&mut self, n: usize) {
        self.set(n, 0, EMPTY);
    }

    fn used(&self) -> usize {
        self.words.iter().take_while(|word| **word != EMPTY).count()
    }
}

impl Page {
    /// A page without grants.
    pub(super) const EMPTY: Self = Self {
        odd: None,
        buckets: [Bucket { words: [EMPTY; SLOTS], tags: [0; SLOTS], rest: 0 }; BUCKETS],
    };

    /// What is held. Nearly always the first bucket tells.
    #[inline(always)]
    pub(super) fn get(&self, pair: Pair, spot: &Spot) -> Option<Held> {
        let home = self.buckets.get(spot.home)?;
        let (word, is_all) = home.word_of(spot.key);
        if is_all & pair.fits() { slot::held(word) } else { self.get_anywhere(pair, spot) }
    }

    #[cold]
    fn get_anywhere(&self, pair: Pair, spot: &Spot) -> Option<Held> {
        if pair.fits() {
            match self.place(spot) {
                Ok((bucket, n)) => {
                    if let Some(held) = slot::held(self.buckets.get(bucket)?.word(n)) {
                        return Some(held);
                    }
                }
                Err(Missing::Nowhere) => return None,
                Err(Missing::NoRoom) => {}
            }
        }
        let odd = self.odd.as_ref()?;
        let at = odd.binary_search_by(|odd| odd.pair.cmp(&pair)).ok()?;
        odd.get(at).map(|odd| odd.held)
    }

    #[inline]
    fn place(&self, spot: &Spot) -> Result<Place, Missing> {
        let home = self.buckets.get(spot.home).ok_or(Missing::Nowhere)?;
        if let Some(n) = home.find(spot.key) {
            return Ok((spot.home, n));
        }
        if home.rest & SPILLED == 0 {
            return Err(Missing::Nowhere);
        }
        for (at, bucket) in self.after(spot.home) {
            if let Some(n) = bucket.find(spot.key) {
                return Ok((at, n));
            }
            if bucket.has_room() {
                return Err(Missing::Nowhere);
            }
        }
        Err(Missing::NoRoom)
    }

    /// The buckets after one, all the way round.
    fn after(&self, home: usize) -> impl Iterator<Item = (usize, &Bucket)> {
        let wrapped = |at: usize| if at < BUCKETS { at } else { at - BUCKETS };
        let places = (1..BUCKETS).map(move |step| wrapped(home + step));
        places.filter_map(|at| self.buckets.get(at).map(|bucket| (at, bucket)))
    }

    /// Puts in what is held from now on, and gives what was. The page is one of so many.
    pub(super) fn put(
        &mut self,
        mix: &Mix,
        pages: usize,
        pair: Pair,
        held: Option<Held>,
    ) -> Option<Held> {
        let spot = Spot::of(mix.of(pair), pages);
        let place = if pair.fits() { self.place(&spot).ok() } else { None };
        let word = place.and_then(|(b, n)| self.buckets.get(b).map(|bucket| bucket.word(n)));
        let was = word.and_then(slot::held).or_else(|| self.take_odd(pair));
        match (held, place) {
            (Some(held), Some((b, n))) => {
                let word = slot::pack(&held);
                if let Some(bucket) = self.buckets.get_mut(b) {
                    bucket.set(n, spot.key, word.unwrap_or(MARK));
                }
                if word.is_none() {
                    self.put_odd(Odd { pair, held });
                }
            }
            (Some(held), None) => self.add(&spot, Odd { pair, held }),
            (None, Some(place)) => self.clear(place, mix, pages),
            (None, None) => {}
        }
        was
    }

    /// Adds what is not there.
    pub(super) fn add(&mut self, spot: &Spot, new: Odd) {
        let word = slot::pack(&new.held);
        let is_placed = new.pair.fits() && self.add_word(spot, word.unwrap_or(MARK));
        if word.is_none() || !is_placed {
            self.put_odd(new);
        }
    }

    /// Takes a slot for a key that has none, if one is left.
    pub(super) fn add_word(&mut self, spot: &Spot, word: u64) -> bool {
        let Some(home) = self.buckets.get(spot.home) else { return false };
        let with_room = if home.has_room() {
            Some(spot.home)
        } else {
            self.after(spot.home).find(|(_, bucket)| bucket.has_room()).map(|(at, _)| at)
        };
        if with_room != Some(spot.home)
            && let Some(home) = self.buckets.get_mut(spot.home)
        {
            home.rest |= SPILLED;
        }
        let bucket = with_room.and_then(|at| self.buckets.get_mut(at));
        bucket.map(|bucket| bucket.set(bucket.used(), spot.key, word)).is_some()
    }

    fn clear(&mut self, (b, n): Place, mix: &Mix, pages: usize) {
        let Some(bucket) = self.buckets.get_mut(b) else { return };
        // Nothing was sent on beyond a bucket with room.
        let is_simple = bucket.has_room();
        let last = bucket.used().saturating_sub(1);
        let (key, word) = (bucket.key(last), bucket.word(last));
        bucket.set(n, key, word);
        bucket.clear(last);
        if !is_simple {
            *self = self.regrouped(mix, pages);
        }
    }

    /// The same, as if all had come anew.
    fn regrouped(&self, mix: &Mix, pages: usize) -> Self {
        let mut page = Self::EMPTY;
        for (key, word) in self.words().filter(|(_, word)| slot::held(*word).is_some()) {
            page.add_word(&Spot::of(key, pages), word);
        }
        for odd in self.odd() {
            page.add(&Spot::of(mix.of(odd.pair), pages), odd.clone());
        }
        page
    }

    /// The keys and words of all slots that are taken.
    pub(super) fn words(&self) -> impl Iterator<Item = (u64, u64)> {
        let of = |bucket: &Bucket| {
            let bucket = *bucket;
            (0..bucket.used()).map(move |n| (bucket.key(n), bucket.word(n)))
        };
        self.buckets.iter().flat_map(of)
    }

    /// What does not fit a slot.
    pub(super) fn odd(&self) -> &[Odd] {
        self.odd.as_ref().map_or(&[], |odd| odd.as_slice())
    }

    /// Puts in one that is not there; in order, that costs nothing but its place.
    pub(super) fn put_odd(&mut self, odd: Odd) {
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

    /// How many it holds.
    pub(super) fn len(&self) -> usize {
        let packed = self.words().filter(|(_, word)| slot::held(*word).is_some()).count();
        packed + self.odd().len()
    }

    pub(super) fn bytes(&self) -> usize {
        // An `Arc` keeps two counts beside what it holds, in a line of their own.
        let odd = |odd: &Arc<Vec<Odd>>| 64 + odd.capacity() * size_of::<Odd>();
        size_of::<Self>() + LINE + self.odd.as_ref().map_or(0, odd)
    }

    /// Writes down its buckets.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for bucket in &self.buckets {
            bucket.words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
            bucket.tags.iter().for_each(|tag| out.extend_from_slice(&tag.to_le_bytes()));
            out.extend_from_slice(&bucket.rest.to_le_bytes());
        }
    }

    /// Reads its buckets.
    pub(super) fn read(bytes: &[u8; BYTES]) -> Self {
        let mut page = Self::EMPTY;
        let (lines, _) = bytes.as_chunks::<LINE>();
        for (bucket, line) in page.buckets.iter_mut().zip(lines) {
            let (words, rest) = line.split_at(8 * SLOTS);
            for (word, bytes) in bucket.words.iter_mut().zip(words.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
            let (tags, _) = rest.as_chunks();
            for (tag, bytes) in bucket.tags.iter_mut().chain([&mut bucket.rest]).zip(tags) {
                *tag = u32::from_le_bytes(*bytes);
            }
        }
        page
    }

    /// Is every slot that is taken found where it is, by its own key? Tells each key to `look`,
    /// which may object.
    pub(super) fn is_sound(
        &self,
        spot_of: impl Fn(u64) -> Spot,
        look: impl Fn(u64) -> bool,
    ) -> bool {
        self.buckets.iter().enumerate().all(|(at, bucket)| {
            let used = bucket.used();
            bucket.words.iter().skip(used).all(|word| *word == EMPTY)
                && (0..used).all(|n| {
                    let key = bucket.key(n);
                    look(key) && matches!(self.place(&spot_of(key)), Ok(place) if place == (at, n))
                })
        })
    }
}
