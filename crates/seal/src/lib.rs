//! Sealing a stream: AES-256-GCM in chunks, so that much of it can be written and read without
//! holding all of it, and none of it is believed before its tag is checked.
//!
//! ```text
//! magic, version, salt, check | chunk, tag | chunk, tag | ...
//! ```
//!
//! Every stream has a key of its own, derived from the sealing key and a random salt, so the numbers
//! of the chunks are good nonces. The head, the chunk's number and whether it is the last one are
//! bound to each chunk: chunks cannot be moved, left out, or taken from another stream. What kind of
//! stream it is goes into its key, so that one kind is never taken for another.

use std::io::{self, BufRead, Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

const MAGIC: usize = 16;
const VERSION: usize = 4;
const SALT: usize = 32;
const CHECK: usize = 16;
const HEAD: usize = MAGIC + VERSION + SALT + CHECK;
const CHUNK: usize = 1 << 20;
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
    /// It is of a version that this one does not read.
    #[error("it has another version's form")]
    Version,
    /// It was sealed with another key, or its head is damaged.
    #[error("it was sealed with another key")]
    OtherKey,
    /// It was changed, or is not all there.
    #[error("it is damaged or cut short")]
    Damaged,
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

/// The key, head and place of a stream.
struct Stream {
    key: LessSafeKey,
    head: [u8; HEAD],
    next: u64,
}

impl Stream {
    fn nonce_and_aad(&mut self, is_last: bool) -> (Nonce, Aad<Vec<u8>>) {
        let mut nonce = [0; 12];
        let number = self.next.to_be_bytes();
        nonce.iter_mut().skip(4).zip(number).for_each(|(to, from)| *to = from);
        self.next += 1;
        let aad = [&self.head[..], &number, &[u8::from(is_last)]].concat();
        (Nonce::assume_unique_for_key(nonce), Aad::from(aad))
    }
}

/// Seals what is written to it. It is whole only after [`Sealer::finish`].
pub struct Sealer<W> {
    to: W,
    stream: Stream,
    chunk: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealer<W> {
    /// A stream of this form, written to `to`.
    pub fn new(form: &Form, key: &SealingKey, mut to: W) -> io::Result<Self> {
        let mut salt = [0; SALT];
        rand::fill(&mut salt).map_err(|_| SealError::NoRandomness)?;
        let (key, check) = key.derive(form, &salt).ok_or(SealError::OtherKey)?;
        let mut head = [0; HEAD];
        let version = form.version.to_le_bytes();
        let parts = form.magic.into_iter().chain(version).chain(salt).chain(check);
        head.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        to.write_all(&head)?;
        let chunk = Zeroizing::new(Vec::with_capacity(CHUNK + TAG));
        Ok(Self { to, stream: Stream { key, head, next: 0 }, chunk })
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let (nonce, aad) = self.stream.nonce_and_aad(is_last);
        let sealed = self.stream.key.seal_in_place_append_tag(nonce, aad, &mut *self.chunk);
        sealed.map_err(|_| SealError::Damaged)?;
        self.to.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }

    /// Seals the rest, and gives back what it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        Ok(self.to)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK {
            self.seal(false)?;
        }
        let room = CHUNK - self.chunk.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.chunk.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads what was sealed, a chunk at a time, each once its tag is checked.
pub struct Opener<R> {
    from: R,
    stream: Stream,
    chunk: Zeroizing<Vec<u8>>,
    /// How far the chunk is read, and where its text ends.
    read: usize,
    end: usize,
    is_last: bool,
}

impl<R: BufRead> Opener<R> {
    /// Reads the head of a stream that should be of this form.
    pub fn new(form: &Form, key: &SealingKey, mut from: R) -> io::Result<Self> {
        let mut head = [0; HEAD];
        from.read_exact(&mut head).map_err(|_| SealError::Foreign)?;
        let (magic, rest) = head.split_at(MAGIC);
        let (version, rest) = rest.split_at(VERSION);
        let (salt, check) = rest.split_at(SALT);
        if magic != form.magic {
            return Err(SealError::Foreign.into());
        }
        if version != form.version.to_le_bytes() {
            return Err(SealError::Version.into());
        }
        let derived = key.derive(form, salt).filter(|(_, expected)| check == expected);
        let (key, _) = derived.ok_or(SealError::OtherKey)?;
        let chunk = Zeroizing::new(Vec::with_capacity(CHUNK + TAG));
        let stream = Stream { key, head, next: 0 };
        Ok(Self { from, stream, chunk, read: 0, end: 0, is_last: false })
    }

    fn open(&mut self) -> io::Result<()> {
        self.chunk.clear();
        let most = (CHUNK + TAG) as u64;
        self.from.by_ref().take(most).read_to_end(&mut self.chunk)?;
        self.is_last = self.from.fill_buf()?.is_empty();
        let (nonce, aad) = self.stream.nonce_and_aad(self.is_last);
        let opened = self.stream.key.open_in_place(nonce, aad, &mut self.chunk);
        self.end = opened.map_err(|_| SealError::Damaged)?.len();
        self.read = 0;
        Ok(())
    }
}

impl<R: BufRead> Read for Opener<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.read == self.end && !self.is_last {
            self.open()?;
        }
        let mut rest = self.chunk.get(self.read..self.end).unwrap_or_default();
        let n = rest.read(to)?;
        self.read += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form { magic: *b"tidegate-test\0\0\0", version: 1, purpose: "a test" };

    fn key(n: u8) -> SealingKey {
        SealingKey::new([n; KEY])
    }

    fn seal(text: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::new(&FORM, &key(1), Vec::new()).unwrap();
        sealer.write_all(text).unwrap();
        sealer.finish().unwrap()
    }

    fn open(key: &SealingKey, sealed: &[u8]) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        let opened = Opener::new(&FORM, key, sealed).and_then(|mut o| o.read_to_end(&mut text));
        opened.map(|_| text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_was_sealed_is_read_back_whatever_its_length() {
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7] {
            let text: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            let sealed = seal(&text);
            assert!(open(&key(1), &sealed).unwrap() == text, "{len}");
            assert_ne!(seal(&text), sealed, "never the same bytes");
        }
    }

    #[test]
    fn what_is_not_as_it_was_is_refused_by_name() {
        let sealed = seal(&vec![7; CHUNK + 100]);
        let refused = |sealed: &[u8]| open(&key(1), sealed).unwrap_err();
        assert_eq!(open(&key(2), &sealed).unwrap_err(), SealError::OtherKey.to_string());
        for (at, error) in [
            (0, SealError::Foreign),
            (16, SealError::Version),
            (20, SealError::OtherKey),
            (HEAD - 1, SealError::OtherKey),
            (HEAD, SealError::Damaged),
            (HEAD + CHUNK + TAG, SealError::Damaged),
            (sealed.len() - 1, SealError::Damaged),
        ] {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert_eq!(refused(&bent), error.to_string(), "{at}");
        }
        for len in [0, HEAD - 1] {
            assert_eq!(refused(&sealed[..len]), SealError::Foreign.to_string());
        }
        // Also where a chunk ends.
        for len in [HEAD, HEAD + 1, HEAD + CHUNK + TAG, sealed.len() - 1] {
            assert_eq!(refused(&sealed[..len]), SealError::Damaged.to_string(), "{len}");
        }
        let first = &sealed[HEAD..HEAD + CHUNK + TAG];
        let twice = [&sealed[..HEAD], first, &sealed[HEAD..]].concat();
        assert_eq!(refused(&twice), SealError::Damaged.to_string());
        let other = Form { purpose: "another", ..FORM };
        let other = Opener::new(&other, &key(1), &sealed[..]).err().unwrap();
        assert_eq!(other.to_string(), SealError::OtherKey.to_string());
        let longer = [&sealed[..], &[0]].concat();
        assert_eq!(refused(&longer), SealError::Damaged.to_string());
    }
}
