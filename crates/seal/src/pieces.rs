//! Parts that arrive in pieces of any length, such as over a network. No part is empty: that is the end.

use std::io;

use zeroize::Zeroizing;

use crate::{Form, HEAD, SealError, SealingKey, Stream, TAG};

/// The bytes before a part, which are its length.
const LENGTH: usize = 4;

/// Opens what a [`PartSealer`](crate::PartSealer) sealed, as it arrives.
pub struct PieceOpener {
    form: Form,
    key: SealingKey,
    /// The longest part there may be.
    most: usize,
    stream: Option<Stream>,
    pieces: Vec<u8>,
    next: u64,
    is_over: bool,
}

impl PieceOpener {
    /// Waits for a stream of this form, of parts of at most `most` bytes.
    #[must_use]
    pub fn new(form: Form, key: SealingKey, most: usize) -> Self {
        Self { form, key, most, stream: None, pieces: Vec::new(), next: 0, is_over: false }
    }

    /// Takes a piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.pieces.extend_from_slice(piece);
    }

    /// The next part, if all of it has come.
    pub fn part(&mut self) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(stream) = &self.stream else {
            if self.pieces.len() < HEAD {
                return Ok(None);
            }
            let head: Vec<u8> = self.pieces.drain(..HEAD).collect();
            self.stream = Some(Stream::read(&self.form, &self.key, &mut head.as_slice())?);
            return self.part();
        };
        if self.is_over {
            return if self.pieces.is_empty() { Ok(None) } else { Err(SealError::Damaged.into()) };
        }
        let Some((length, rest)) = self.pieces.split_first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        if length > self.most.saturating_add(TAG) {
            return Err(SealError::TooLong.into());
        }
        if rest.len() < length {
            return Ok(None);
        }
        let mut part = Zeroizing::new(rest.iter().take(length).copied().collect::<Vec<u8>>());
        self.pieces.drain(..LENGTH + length);
        self.is_over = length == TAG;
        let length = stream.open(self.next, self.is_over, &mut part)?;
        self.next += 1;
        part.truncate(length);
        if self.is_over { self.part() } else { Ok(Some(part)) }
    }

    /// All of it must have come.
    pub fn finish(&self) -> io::Result<()> {
        let is_whole = self.is_over && self.pieces.is_empty();
        if is_whole { Ok(()) } else { Err(SealError::Damaged.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KEY, PartSealer};

    const FORM: Form = Form { magic: *b"tidegate-test\0\0\0", version: 1, purpose: "a test" };

    fn seal(parts: &[&[u8]]) -> Vec<u8> {
        let key = SealingKey::new([1; KEY]);
        let mut sealer = PartSealer::new(&FORM, &key, Vec::new()).unwrap();
        parts.iter().for_each(|part| sealer.part(&mut part.to_vec()).unwrap());
        sealer.finish().unwrap()
    }

    fn open(key: u8, sealed: &[u8], step: usize) -> io::Result<Vec<Vec<u8>>> {
        let mut opener = PieceOpener::new(FORM, SealingKey::new([key; KEY]), 1_000);
        let mut parts = Vec::new();
        for piece in sealed.chunks(step) {
            opener.push(piece);
            while let Some(part) = opener.part()? {
                parts.push(part.to_vec());
            }
        }
        opener.finish()?;
        Ok(parts)
    }

    #[test]
    fn parts_are_opened_whatever_the_pieces_are() {
        let parts = [b"a".as_slice(), &[7; 1_000], b"ccc"];
        let sealed = seal(&parts);
        for step in [1, 3, HEAD, 100, sealed.len()] {
            assert_eq!(open(1, &sealed, step).unwrap(), parts, "{step}");
        }
        assert!(open(1, &seal(&[]), 1).unwrap().is_empty());
    }

    #[test]
    fn what_is_not_as_it_was_is_refused() {
        let sealed = seal(&[b"first", b"other"]);
        assert!(open(2, &sealed, 7).is_err(), "another key");
        for length in 0..sealed.len() {
            assert!(open(1, &sealed[..length], 7).is_err(), "cut at {length}");
        }
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert!(open(1, &bent, 7).is_err(), "bent at {at}");
        }
        assert!(open(1, &[&sealed[..], &[0]].concat(), 7).is_err(), "more");
        let (one, two) = (seal(&[b"first"]), seal(&[b"other"]));
        assert!(open(1, &[&one[..HEAD], &two[HEAD..]].concat(), 7).is_err(), "another stream's");
        assert!(open(1, &seal(&[&[0; 1_001]]), 7).is_err(), "too long");
    }
}
