//! Sealing a stream: AES-256-GCM in parts, so that much of it can be written and read without
//! holding all of it, several parts can be opened at once, and none is believed before its tag is
//! checked.
//!
//! ```text
//! "tidegate-gate\0\0\0", version, salt, check | length, part, tag | ... | length, tag
//! ```
//!
//! Every stream has a key of its own, derived from the sealing key and a random salt, so the numbers
//! of the parts are good nonces. The head, the part's number and whether it is the last one, which is
//! empty, are bound to each part: parts cannot be moved, left out, or taken from another stream.

use std::io::{self, BufRead, Read, Write};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::index::Parts;

const MAGIC: [u8; 16] = *b"tidegate-gate\0\0\0";

/// The form of what is sealed and of how.
const VERSION: [u8; 4] = 2_u32.to_le_bytes();

const SALT: usize = 32;
const CHECK: usize = 16;
const HEAD: usize = MAGIC.len() + VERSION.len() + SALT + CHECK;
/// What is bound to a part: the head, its number, and whether it is the last.
const BOUND: usize = HEAD + 8 + 1;
const KEY: usize = 32;

/// A key that seals what a gate keeps on disk. Has no `Debug`, for it is a secret.
pub struct SealingKey(Zeroizing<[u8; KEY]>);

/// Why a sealed stream is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It does not begin like one.
    #[error("it is no snapshot of a gate")]
    Foreign,
    /// It is of a version that this one does not read.
    #[error("it has another version's form")]
    Version,
    /// It was sealed with another key, or its head is damaged.
    #[error("it was sealed with another key")]
    OtherKey,
    /// It was changed, or is not all there.
    #[error("it is damaged or cut short")]
    Damaged,
    /// A part is longer than its length can tell.
    #[error("a part of it is too long")]
    TooLong,
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    NoRandomness,
}

impl From<SealError> for io::Error {
    fn from(error: SealError) -> Self {
        Self::other(error)
    }
}

impl SealingKey {
    /// A key's length, in bytes.
    pub const LEN: usize = KEY;

    /// A key of these bytes.
    pub fn new(bytes: [u8; KEY]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key of one stream, and what shows that it was derived from the right one.
    fn derive(&self, salt: &[u8]) -> Option<(LessSafeKey, [u8; CHECK])> {
        struct Both;
        impl KeyType for Both {
            fn len(&self) -> usize {
                KEY + CHECK
            }
        }
        let extracted = Salt::new(HKDF_SHA256, salt).extract(&*self.0);
        let mut both = Zeroizing::new([0; KEY + CHECK]);
        let info: [&[u8]; 1] = [b"tidegate gate snapshot"];
        extracted.expand(&info, Both).ok()?.fill(&mut *both).ok()?;
        let (key, check) = both.split_first_chunk::<KEY>()?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
        Some((key, *check.first_chunk()?))
    }
}

/// The key and head of a stream.
struct Stream {
    key: LessSafeKey,
    head: [u8; HEAD],
}

impl Stream {
    fn nonce_and_aad(&self, number: u64, is_last: bool) -> (Nonce, Aad<[u8; BOUND]>) {
        let number = number.to_be_bytes();
        let mut nonce = [0; 12];
        nonce.iter_mut().skip(4).zip(number).for_each(|(to, from)| *to = from);
        let mut bound = [0; BOUND];
        let all = self.head.into_iter().chain(number).chain([u8::from(is_last)]);
        bound.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        (Nonce::assume_unique_for_key(nonce), Aad::from(bound))
    }
}

/// Seals parts. The stream is whole only after [`Sealer::finish`].
pub(crate) struct Sealer<W> {
    to: W,
    stream: Stream,
    next: u64,
}

impl<W: Write> Sealer<W> {
    pub(crate) fn new(key: &SealingKey, mut to: W) -> io::Result<Self> {
        let mut salt = [0; SALT];
        rand::fill(&mut salt).map_err(|_| SealError::NoRandomness)?;
        let (key, check) = key.derive(&salt).ok_or(SealError::OtherKey)?;
        let mut head = [0; HEAD];
        let parts = MAGIC.into_iter().chain(VERSION).chain(salt).chain(check);
        head.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        to.write_all(&head)?;
        Ok(Self { to, stream: Stream { key, head }, next: 0 })
    }

    /// Seals a part, and empties it.
    pub(crate) fn part(&mut self, part: &mut Vec<u8>) -> io::Result<()> {
        self.seal(part, false)
    }

    fn seal(&mut self, part: &mut Vec<u8>, is_last: bool) -> io::Result<()> {
        let (nonce, aad) = self.stream.nonce_and_aad(self.next, is_last);
        self.next += 1;
        let sealed = self.stream.key.seal_in_place_append_tag(nonce, aad, part);
        sealed.map_err(|_| SealError::Damaged)?;
        let len = u32::try_from(part.len()).map_err(|_| SealError::TooLong)?;
        self.to.write_all(&len.to_le_bytes())?;
        self.to.write_all(part)?;
        part.clear();
        Ok(())
    }

    /// Seals the end, and gives back what it was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.seal(&mut Vec::new(), true)?;
        Ok(self.to)
    }
}

/// Opens what was sealed, part by part; several threads may do so at once.
pub(crate) struct Opener<R> {
    stream: Stream,
    from: Mutex<Sealed<R>>,
}

/// What is not yet read, and the number of its first part.
struct Sealed<R> {
    from: R,
    next: u64,
}

impl<R: BufRead> Opener<R> {
    pub(crate) fn new(key: &SealingKey, mut from: R) -> io::Result<Self> {
        let mut head = [0; HEAD];
        from.read_exact(&mut head).map_err(|_| SealError::Foreign)?;
        let (magic, rest) = head.split_at(MAGIC.len());
        let (version, rest) = rest.split_at(VERSION.len());
        let (salt, check) = rest.split_at(SALT);
        if magic != MAGIC {
            return Err(SealError::Foreign.into());
        }
        if version != VERSION {
            return Err(SealError::Version.into());
        }
        let derived = key.derive(salt).filter(|(_, expected)| check == expected);
        let (key, _) = derived.ok_or(SealError::OtherKey)?;
        Ok(Self { stream: Stream { key, head }, from: Mutex::new(Sealed { from, next: 0 }) })
    }

    fn open(&self, number: u64, part: &mut Vec<u8>, is_last: bool) -> io::Result<()> {
        let (nonce, aad) = self.stream.nonce_and_aad(number, is_last);
        let opened = self.stream.key.open_in_place(nonce, aad, part);
        let len = opened.map_err(|_| SealError::Damaged)?.len();
        part.truncate(len);
        Ok(())
    }
}

impl<R: BufRead> Sealed<R> {
    /// Reads a part as it is. Takes memory as it comes.
    fn read(&mut self, part: &mut Vec<u8>) -> io::Result<u64> {
        let mut len = [0; 4];
        self.from.read_exact(&mut len).map_err(|_| SealError::Damaged)?;
        let len = u32::from_le_bytes(len);
        part.clear();
        let read = self.from.by_ref().take(len.into()).read_to_end(part)?;
        if read < len as usize {
            return Err(SealError::Damaged.into());
        }
        self.next += 1;
        Ok(self.next - 1)
    }
}

impl<R: BufRead + Send> Parts for Opener<R> {
    fn next(&self, before: u64, part: &mut Vec<u8>) -> io::Result<Option<u64>> {
        let number = {
            let mut sealed = self.from.lock().unwrap_or_else(PoisonError::into_inner);
            if sealed.next >= before {
                return Ok(None);
            }
            sealed.read(part)?
        };
        self.open(number, part, false)?;
        Ok(Some(number))
    }

    fn end(&self) -> io::Result<()> {
        let mut sealed = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        let mut part = Vec::new();
        let number = sealed.read(&mut part)?;
        self.open(number, &mut part, true)?;
        let is_end = part.is_empty() && sealed.from.fill_buf()?.is_empty();
        if is_end { Ok(()) } else { Err(SealError::Damaged.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> SealingKey {
        SealingKey::new([n; KEY])
    }

    const TAG: usize = 16;

    fn seal(parts: &[&[u8]]) -> Vec<u8> {
        let mut sealer = Sealer::new(&key(1), Vec::new()).unwrap();
        for part in parts {
            sealer.part(&mut part.to_vec()).unwrap();
        }
        sealer.finish().unwrap()
    }

    fn open(key: &SealingKey, sealed: &[u8], count: u64) -> Result<Vec<Vec<u8>>, String> {
        let all = || {
            let opener = Opener::new(key, sealed)?;
            let (mut all, mut part) = (Vec::new(), Vec::new());
            while opener.next(count, &mut part)?.is_some() {
                all.push(part.clone());
            }
            opener.end()?;
            Ok(all)
        };
        all().map_err(|error: io::Error| error.to_string())
    }

    #[test]
    fn what_was_sealed_is_read_back_whatever_its_length() {
        let long = [3; 300_000].as_slice();
        for parts in [vec![], vec![b"".as_slice()], vec![b"a", b"", long], vec![long, long]] {
            let sealed = seal(&parts);
            assert!(open(&key(1), &sealed, parts.len() as u64).unwrap() == parts);
            assert_ne!(seal(&parts), sealed, "never the same bytes");
        }
    }

    #[test]
    fn what_is_not_as_it_was_is_refused_by_name() {
        let sealed = seal(&[&[7; 1_000], &[8; 100]]);
        let refused = |sealed: &[u8]| open(&key(1), sealed, 2).unwrap_err();
        assert_eq!(open(&key(2), &sealed, 2).unwrap_err(), SealError::OtherKey.to_string());
        let second = HEAD + 4 + 1_000 + TAG;
        let last = second + 4 + 100 + TAG;
        for (at, error) in [
            (0, SealError::Foreign),
            (16, SealError::Version),
            (20, SealError::OtherKey),
            (HEAD - 1, SealError::OtherKey),
            (HEAD, SealError::Damaged),
            (HEAD + 3, SealError::Damaged),
            (HEAD + 4, SealError::Damaged),
            (second + 4, SealError::Damaged),
            (last, SealError::Damaged),
            (sealed.len() - 1, SealError::Damaged),
        ] {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert_eq!(refused(&bent), error.to_string(), "{at}");
        }
        for len in [0, HEAD - 1] {
            assert_eq!(refused(&sealed[..len]), SealError::Foreign.to_string());
        }
        // Also where a part ends.
        for len in [HEAD, HEAD + 4, second, last, sealed.len() - 1] {
            assert_eq!(refused(&sealed[..len]), SealError::Damaged.to_string(), "{len}");
        }
        let first = &sealed[HEAD..second];
        let without = [&sealed[..HEAD], &sealed[second..]].concat();
        let twice = [&sealed[..HEAD], first, &sealed[HEAD..]].concat();
        let longer = [&sealed[..], &[0]].concat();
        for bent in [without, twice, longer] {
            assert_eq!(refused(&bent), SealError::Damaged.to_string());
        }
        // The end is no part, and a part is no end.
        assert_eq!(open(&key(1), &sealed, 3).unwrap_err(), SealError::Damaged.to_string());
        assert_eq!(open(&key(1), &sealed, 1).unwrap_err(), SealError::Damaged.to_string());
    }
}
