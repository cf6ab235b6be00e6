//! What the fuzz targets in `fuzz/` look at beside the public interface. Only with the feature `fuzz`,
//! which nothing but they turn on.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, request};
use tidegate_sign::Target;

use crate::denial::Denial;
use crate::headers::{self, Proof, Trust};
use crate::index::{Broken, Index, Parts, Serves};
use crate::snapshot::FORM;
use tidegate_seal::{PartOpener, PartSealer, SealingKey};

/// The strict reading of a head: its target, and its host if that is in no header.
pub fn strict(parts: &request::Parts) -> Result<(Target, Option<String>), Denial> {
    headers::strict(parts).map(|strict| (strict.target, strict.host))
}

/// The headers that go on of a call that was signed over these names.
pub fn sent_of_signed(headers: &HeaderMap, names: &[&str]) -> HeaderMap {
    headers::towards_backend(headers, Trust::Signed(names), Proof::Kept)
}

/// The headers that go on of a call that was proven by a token.
pub fn sent_of_proven(headers: &HeaderMap) -> HeaderMap {
    headers::towards_backend(headers, Trust::Proven, Proof::Kept)
}

/// The headers that go on of a call of an API that asks nobody.
pub fn sent_of_open(headers: &HeaderMap) -> HeaderMap {
    headers::towards_backend(headers, Trust::Open, Proof::Kept)
}

/// An index without grants, with an order for those to come that is the same in every run: what it writes
/// can be looked at again.
pub fn in_known_order(index: Index) -> Index {
    index.in_known_order()
}

/// What a snapshot file holds under its seal: its parts.
pub fn image(index: &Index) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let put = |part: &mut Vec<u8>| {
        parts.push(part.clone());
        part.clear();
        Ok(())
    };
    // Writing to memory cannot fail.
    drop(index.write(put));
    parts
}

/// Reads what is under the seal, as if it were good, with so many threads.
pub fn read_image(
    image: &[Vec<u8>],
    serves: &Arc<Serves>,
    readers: usize,
) -> Result<Index, Broken> {
    let parts = Unsealed { image, next: Mutex::new(0) };
    Index::read(&By { readers, parts }, serves, 1)
}

/// Does an index show every grant once, and find it as it shows it?
pub fn finds_what_it_shows(index: &Index) -> bool {
    index.finds_what_it_shows()
}

/// A snapshot file that holds these parts.
pub fn seal(image: &[Vec<u8>], key: &SealingKey) -> io::Result<Vec<u8>> {
    let mut sealer = PartSealer::new(&FORM, key, Vec::new())?;
    image.iter().try_for_each(|part| sealer.part(&mut part.clone()))?;
    sealer.finish()
}

/// Reads a snapshot file, as a gate does when it starts, with so many threads.
pub fn open(
    file: &[u8],
    key: &SealingKey,
    serves: &Arc<Serves>,
    readers: usize,
) -> Result<Index, Broken> {
    let parts = PartOpener::new(&FORM, key, file)?;
    Index::read(&By { readers, parts }, serves, 1)
}

/// Parts that so many threads read: to begin one costs more than to read a small index.
struct By<P> {
    readers: usize,
    parts: P,
}

impl<P: Parts> Parts for By<P> {
    fn next(&self, before: u64, part: &mut Vec<u8>) -> io::Result<Option<u64>> {
        self.parts.next(before, part)
    }

    fn end(&self) -> io::Result<()> {
        self.parts.end()
    }

    fn readers(&self) -> usize {
        self.readers
    }
}

/// Parts that nobody sealed, and the number of the next one.
struct Unsealed<'i> {
    image: &'i [Vec<u8>],
    next: Mutex<usize>,
}

impl Parts for Unsealed<'_> {
    fn next(&self, before: u64, part: &mut Vec<u8>) -> io::Result<Option<u64>> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *next as u64;
        if number >= before {
            return Ok(None);
        }
        let of_image = self.image.get(*next).ok_or(io::ErrorKind::UnexpectedEof)?;
        part.clear();
        part.extend_from_slice(of_image);
        *next += 1;
        Ok(Some(number))
    }

    fn end(&self) -> io::Result<()> {
        let next = *self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let is_end = next == self.image.len();
        if is_end { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}
