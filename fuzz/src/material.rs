//! Bytes as a source of choices. When they run out every choice is the first one.

/// What is left of the bytes.
pub struct Material<'d>(pub &'d [u8]);

impl<'d> Material<'d> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// A number below `count`.
    pub fn below(&mut self, count: u8) -> u8 {
        self.byte() % count
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    /// The next bytes: as many as the first of them says, at most `most`.
    pub fn bytes(&mut self, most: usize) -> &'d [u8] {
        let length = (usize::from(self.byte()) % (most + 1)).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// The next text, of at most `most` bytes; what is no text counts as none.
    pub fn text(&mut self, most: usize) -> &'d str {
        std::str::from_utf8(self.bytes(most)).unwrap_or_default()
    }

    /// Is there nothing left?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
