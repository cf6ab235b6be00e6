//! Parts of any length, each opened by itself, by several threads at once.

use std::io::{self, BufRead, Read, Write};
use std::sync::{Mutex, PoisonError};

use crate::{Form, SealError, SealingKey, Stream};

/// Seals parts. The stream is whole only after [`PartSealer::finish`].
pub struct PartSealer<W> {
    to: W,
    stream: Stream,
    next: u64,
}

impl<W: Write> PartSealer<W> {
    /// A stream of this form, written to `to`.
    pub fn new(form: &Form, key: &SealingKey, mut to: W) -> io::Result<Self> {
        let stream = Stream::begin(form, key, &mut to)?;
        Ok(Self { to, stream, next: 0 })
    }

    /// What it is written to.
    pub fn written(&mut self) -> &mut W {
        &mut self.to
    }

    /// Seals a part, and empties it.
    pub fn part(&mut self, part: &mut Vec<u8>) -> io::Result<()> {
        self.seal(part, false)
    }

    fn seal(&mut self, part: &mut Vec<u8>, is_last: bool) -> io::Result<()> {
        self.stream.seal(self.next, is_last, part)?;
        self.next += 1;
        let len = u32::try_from(part.len()).map_err(|_| SealError::TooLong)?;
        self.to.write_all(&len.to_le_bytes())?;
        self.to.write_all(part)?;
        part.clear();
        Ok(())
    }

    /// Seals the end, which is an empty part, and gives back what it was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(&mut Vec::new(), true)?;
        Ok(self.to)
    }
}

/// Opens what was sealed, part by part; several threads may do so at once.
pub struct PartOpener<R> {
    stream: Stream,
    from: Mutex<Sealed<R>>,
}

/// What is not yet read, and the number of its first part.
struct Sealed<R> {
    from: R,
    next: u64,
}

impl<R: BufRead> PartOpener<R> {
    /// Reads the head of a stream that should be of this form.
    pub fn new(form: &Form, key: &SealingKey, mut from: R) -> io::Result<Self> {
        let stream = Stream::read(form, key, &mut from)?;
        Ok(Self { stream, from: Mutex::new(Sealed { from, next: 0 }) })
    }

    /// The next part, and its number; none when that would not be before `before`.
    pub fn next(&self, before: u64, part: &mut Vec<u8>) -> io::Result<Option<u64>> {
        let number = {
            let mut sealed = self.from.lock().unwrap_or_else(PoisonError::into_inner);
            if sealed.next >= before {
                return Ok(None);
            }
            sealed.read(part)?
        };
        let len = self.stream.open(number, false, part)?;
        part.truncate(len);
        Ok(Some(number))
    }

    /// There must be nothing more.
    pub fn end(&self) -> io::Result<()> {
        let mut sealed = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        let mut part = Vec::new();
        let number = sealed.read(&mut part)?;
        let len = self.stream.open(number, true, &mut part)?;
        let is_end = len == 0 && sealed.from.fill_buf()?.is_empty();
        if is_end { Ok(()) } else { Err(SealError::Damaged.into()) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HEAD, KEY, TAG};

    const FORM: Form = Form { magic: *b"tidegate-test\0\0\0", version: 1, purpose: "a test" };

    fn key(n: u8) -> SealingKey {
        SealingKey::new([n; KEY])
    }

    fn seal(parts: &[&[u8]]) -> Vec<u8> {
        let mut sealer = PartSealer::new(&FORM, &key(1), Vec::new()).unwrap();
        for part in parts {
            sealer.part(&mut part.to_vec()).unwrap();
        }
        sealer.finish().unwrap()
    }

    fn open(key: &SealingKey, sealed: &[u8], count: u64) -> Result<Vec<Vec<u8>>, String> {
        let all = || {
            let opener = PartOpener::new(&FORM, key, sealed)?;
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
            (16, SealError::OtherForm { found: FORM.version ^ 1, read: FORM.version }),
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
