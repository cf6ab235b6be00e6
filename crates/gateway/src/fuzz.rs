//! What the fuzz targets in `fuzz/` look at beside the public interface. Only with the feature `fuzz`,
//! which nothing but they turn on.

use std::io::{self, Write};
use std::sync::Arc;

use http::{HeaderMap, request};
use tidegate_sign::Target;

use crate::denial::Denial;
use crate::headers::{self, Trust};
use crate::index::{Broken, Index, Serves};
use crate::snapshot::FORM;
use tidegate_seal::{Opener, Sealer, SealingKey};

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

/// What a snapshot file holds under its seal.
pub fn image(index: &Index) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail.
    drop(index.write(&mut bytes));
    bytes
}

/// Reads what is under the seal, as if it were good.
pub fn read_image(mut image: &[u8], serves: &Arc<Serves>) -> Result<Index, Broken> {
    Index::read(&mut image, serves, 1)
}

/// Does an index show every grant once, and find it as it shows it?
pub fn finds_what_it_shows(index: &Index) -> bool {
    index.finds_what_it_shows()
}

/// A snapshot file that holds these bytes.
pub fn seal(image: &[u8], key: &SealingKey) -> io::Result<Vec<u8>> {
    let mut sealer = Sealer::new(&FORM, key, Vec::new())?;
    sealer.write_all(image)?;
    sealer.finish()
}

/// Reads a snapshot file, as a gate does when it starts.
pub fn open(file: &[u8], key: &SealingKey, serves: &Arc<Serves>) -> Result<Index, Broken> {
    Index::read(&mut Opener::new(&FORM, key, file)?, serves, 1)
}
