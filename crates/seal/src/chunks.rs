//! One text in chunks of the same length, written and read in its order.

use std::io::{self, BufRead, Read, Write};

use zeroize::Zeroizing;

use crate::{Form, SealingKey, Stream, TAG};

const CHUNK: usize = 1 << 20;

/// Seals what is written to it. It is whole only after [`Sealer::finish`].
pub struct Sealer<W> {
    to: W,
    stream: Stream,
    next: u64,
    chunk: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealer<W> {
    /// A stream of this form, written to `to`.
    pub fn new(form: &Form, key: &SealingKey, mut to: W) -> io::Result<Self> {
        let stream = Stream::begin(form, key, &mut to)?;
        let chunk = Zeroizing::new(Vec::with_capacity(CHUNK + TAG));
        Ok(Self { to, stream, next: 0, chunk })
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        self.stream.seal(self.next, is_last, &mut self.chunk)?;
        self.next += 1;
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
    next: u64,
    chunk: Zeroizing<Vec<u8>>,
    /// How far the chunk is read, and where its text ends.
    read: usize,
    end: usize,
    is_last: bool,
}

impl<R: BufRead> Opener<R> {
    /// Reads the head of a stream that should be of this form.
    pub fn new(form: &Form, key: &SealingKey, mut from: R) -> io::Result<Self> {
        let stream = Stream::read(form, key, &mut from)?;
        let chunk = Zeroizing::new(Vec::with_capacity(CHUNK + TAG));
        Ok(Self { from, stream, next: 0, chunk, read: 0, end: 0, is_last: false })
    }

    fn open(&mut self) -> io::Result<()> {
        self.chunk.clear();
        let most = (CHUNK + TAG) as u64;
        self.from.by_ref().take(most).read_to_end(&mut self.chunk)?;
        let is_last = self.from.fill_buf()?.is_empty();
        self.end = self.stream.open(self.next, is_last, &mut self.chunk)?;
        // Only now: who reads on after an error must not find a clean end.
        self.is_last = is_last;
        self.next += 1;
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
    use crate::{HEAD, KEY, SealError};

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
            (16, SealError::OtherForm { found: FORM.version ^ 1, read: FORM.version }),
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
        let mut short = Opener::new(&FORM, &key(1), &sealed[..sealed.len() - 1]).unwrap();
        let mut told = [0; CHUNK];
        while short.read(&mut told).is_ok() {}
        assert!(short.read(&mut told).is_err(), "an error is no end");
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
