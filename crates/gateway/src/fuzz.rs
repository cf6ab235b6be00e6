//! What the fuzz targets in `fuzz/` look at beside the public interface. Only with the feature `fuzz`,
//! which nothing but they turn on.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, request};
use tidegate_sign::Target;

use crate::denial::Denial;
use crate::headers::{self, Trust};
use crate::index::{Broken, Index, Parts, Serves};
use crate::snapshot::FORM;
use tidegate_seal::{PartOpener, PartSealer, SealingKey};

/// The strict reading of a head: its target, and its host if that is in no header.
pub fn strict(parts: &request::Parts) -> Result<(Target, Option<String>), Denial> {
    headers::strict(parts).map(|strict| (strict.target, strict.host))
}

/// The headers that go on of a call that was signed over these names.
pub fn sent_of_signed(headers: &HeaderMap, names: &[&str]) -> HeaderMap {
    headers::towards_backend(headers, Trust::Signed(names))
}

/// The headers that go on of a call that was proven by a token.
pub fn sent_of_proven(headers: &HeaderMap) -> HeaderMap {
    headers::towards_backend(headers, Trust::Proven)
}

/// The headers that go on of a call of an API that asks nobody.
pub fn sent_of_open(headers: &HeaderMap) -> HeaderMap {
    headers::towards_backend(headers, Trust::Open)
}

/// An index without grants, with an order for those to come that is the same in every run: what it writes
/// can be looked at again.
pub fn in_known_order(index: Index) -> Index {
    index.in_known_order()
}

/// What a snapshot file holds under its seal: its parts, each after its length.
pub fn image(index: &Index) -> Vec<u8> {
    let mut bytes = Vec::new();
    let put = |part: &mut Vec<u8>| {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.append(part);
        Ok(())
    };
    // Writing to memory cannot fail.
    drop(index.write(put));
    bytes
}

/// Reads what is under the seal, as if it were good.
pub fn read_image(image: &[u8], serves: &Arc<Serves>) -> Result<Index, Broken> {
    Index::read(&Unsealed(Mutex::new((image, 0))), serves, 1)
}

/// Parts that nobody sealed: the rest of them, and the number of its first.
struct Unsealed<'i>(Mutex<(&'i [u8], u64)>);

/// The next part, and what follows it.
fn part_of(image: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = image.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*len) as usize)
}

impl Parts for Unsealed<'_> {
    fn next(&self, before: u64, part: &mut Vec<u8>) -> io::Result<Option<u64>> {
        let mut at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (image, number) = *at;
        if number >= before {
            return Ok(None);
        }
        let (next, rest) = part_of(image).ok_or(io::ErrorKind::UnexpectedEof)?;
        part.clear();
        part.extend_from_slice(next);
        *at = (rest, number + 1);
        Ok(Some(number))
    }

    fn end(&self) -> io::Result<()> {
        let is_end = self.0.lock().unwrap_or_else(PoisonError::into_inner).0.is_empty();
        if is_end { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

/// Does an index show every grant once, and find it as it shows it?
pub fn finds_what_it_shows(index: &Index) -> bool {
    index.finds_what_it_shows()
}

/// A snapshot file that holds these bytes: what is no part is the last one.
pub fn seal(mut image: &[u8], key: &SealingKey) -> io::Result<Vec<u8>> {
    let mut sealer = PartSealer::new(&FORM, key, Vec::new())?;
    while !image.is_empty() {
        let (part, rest) = part_of(image).unwrap_or((image, &[]));
        sealer.part(&mut part.to_vec())?;
        image = rest;
    }
    sealer.finish()
}

/// Reads a snapshot file, as a gate does when it starts.
pub fn open(file: &[u8], key: &SealingKey, serves: &Arc<Serves>) -> Result<Index, Broken> {
    Index::read(&PartOpener::new(&FORM, key, file)?, serves, 1)
}
