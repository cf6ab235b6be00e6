//! Sealing a stream with AES-256-GCM, so that much of it can be written and read without holding all of it,
//! and none of it is believed before its tag is checked.
//!
//! ```text
//! chunks   magic, version, salt, check | chunk, tag | chunk, tag | ...             one text, read in its order
//! parts    magic, version, salt, check | length, part, tag | ... | length, tag     several threads may read,
//!                                                                                  or pieces as they arrive
//! ```
//!
//! Every stream has a key of its own, derived from the sealing key and a random salt, so the numbers of the
//! chunks or parts are good nonces. The head, the number and whether it is the last one are bound to each:
//! they cannot be moved, left out, or taken from another stream. What kind of stream it is goes into its
//! key, so that one kind is never taken for another.

mod chunks;
mod parts;
mod pieces;

use std::io::{self, Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

pub use chunks::{Opener, Sealer};
pub use parts::{PartOpener, PartSealer};
pub use pieces::PieceOpener;

const MAGIC: usize = 16;
const VERSION: usize = 4;
const SALT: usize = 32;
const CHECK: usize = 16;
const HEAD: usize = MAGIC + VERSION + SALT + CHECK;
/// What is bound to a chunk or part: the head, its number, and whether it is the last.
const BOUND: usize = HEAD + 8 + 1;
const TAG: usize = 16;
const KEY: usize = 32;

/// A kind of stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// What it begins with.
    pub magic: [u8; MAGIC],
    /// The form of what is sealed and of how.
    pub version: u32,
    /// What its key is derived for.
    pub purpose: &'static str,
}

/// A key that seals. Has no `Debug`, for it is a secret.
pub struct SealingKey(Zeroizing<[u8; KEY]>);

/// Why a sealed stream is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It does not begin like one.
    #[error("it does not begin like one")]
    Foreign,
    /// It is of a form that this version does not read.
    #[error("it has form {found}, and this version reads form {read}")]
    OtherForm {
        /// The form it has.
        found: u32,
        /// The one that is read here.
        read: u32,
    },
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
    fn derive(&self, form: &Form, salt: &[u8]) -> Option<(LessSafeKey, [u8; CHECK])> {
        struct Both;
        impl KeyType for Both {
            fn len(&self) -> usize {
                KEY + CHECK
            }
        }
        let extracted = Salt::new(HKDF_SHA256, salt).extract(&*self.0);
        let mut both = Zeroizing::new([0; KEY + CHECK]);
        let info = [form.purpose.as_bytes()];
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
    /// Begins a stream of this form, and writes its head.
    fn begin(form: &Form, key: &SealingKey, to: &mut impl Write) -> io::Result<Self> {
        let mut salt = [0; SALT];
        rand::fill(&mut salt).map_err(|_| SealError::NoRandomness)?;
        let (key, check) = key.derive(form, &salt).ok_or(SealError::OtherKey)?;
        let mut head = [0; HEAD];
        let version = form.version.to_le_bytes();
        let pieces = form.magic.into_iter().chain(version).chain(salt).chain(check);
        head.iter_mut().zip(pieces).for_each(|(to, from)| *to = from);
        to.write_all(&head)?;
        Ok(Self { key, head })
    }

    /// Reads the head of a stream that should be of this form.
    fn read(form: &Form, key: &SealingKey, from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; HEAD];
        from.read_exact(&mut head).map_err(|_| SealError::Foreign)?;
        let (magic, rest) = head.split_at(MAGIC);
        let (version, rest) = rest.split_at(VERSION);
        let (salt, check) = rest.split_at(SALT);
        if magic != form.magic {
            return Err(SealError::Foreign.into());
        }
        let found = u32::from_le_bytes(*version.first_chunk().ok_or(SealError::Foreign)?);
        if found != form.version {
            return Err(SealError::OtherForm { found, read: form.version }.into());
        }
        let derived = key.derive(form, salt).filter(|(_, expected)| check == expected);
        let (key, _) = derived.ok_or(SealError::OtherKey)?;
        Ok(Self { key, head })
    }

    /// Seals what has this number, in its place.
    fn seal(&self, number: u64, is_last: bool, text: &mut Vec<u8>) -> io::Result<()> {
        let (nonce, aad) = self.nonce_and_aad(number, is_last);
        let sealed = self.key.seal_in_place_append_tag(nonce, aad, text);
        Ok(sealed.map_err(|_| SealError::Damaged)?)
    }

    /// Opens what has this number, in its place, and tells how long its text is.
    fn open(&self, number: u64, is_last: bool, sealed: &mut [u8]) -> io::Result<usize> {
        let (nonce, aad) = self.nonce_and_aad(number, is_last);
        let opened = self.key.open_in_place(nonce, aad, sealed);
        Ok(opened.map_err(|_| SealError::Damaged)?.len())
    }

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
