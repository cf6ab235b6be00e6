//! Protocol buffers, read where they lie: the fields of a message, one after the other. What is not
//! well formed is refused, in fields that nobody asks for, too.

use std::str;

/// How deep groups and messages may lie in each other.
const DEPTH: u32 = 100;

// The kinds of values on the wire.
const NUMBER: u8 = 0;
const EIGHT_BYTES: u8 = 1;
const BYTES: u8 = 2;
const GROUP: u8 = 3;
const END_OF_GROUP: u8 = 4;
const FOUR_BYTES: u8 = 5;

/// A message that is not well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A text, bytes, or a message.
    Bytes(&'a [u8]),
    /// A number or a group, of which nothing is needed here.
    Other,
}

/// The fields of a message that are still to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    /// How many levels there may be below.
    depth: u32,
}

impl<'a> Fields<'a> {
    /// Those of a whole message.
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message, depth: DEPTH }
    }

    /// Those of a message in a field of this one.
    pub(super) fn within(&self, value: Value<'a>) -> Result<Self, Malformed> {
        let depth = self.depth.checked_sub(1).ok_or(Malformed)?;
        Ok(Self { rest: value.bytes()?, depth })
    }

    /// The next field, by its number; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, kind) = self.key()?;
        Ok(Some((number, self.value(number, kind, self.depth)?)))
    }

    fn key(&mut self) -> Result<(u32, u8), Malformed> {
        let key = u32::try_from(self.varint()?).map_err(|_| Malformed)?;
        let number = key >> 3;
        if number == 0 { Err(Malformed) } else { Ok((number, (key & 7) as u8)) }
    }

    fn value(&mut self, number: u32, kind: u8, depth: u32) -> Result<Value<'a>, Malformed> {
        let below = depth.checked_sub(1).ok_or(Malformed)?;
        match kind {
            BYTES => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                return self.take(length).map(Value::Bytes);
            }
            NUMBER => self.varint().map(drop)?,
            EIGHT_BYTES => self.take(8).map(drop)?,
            FOUR_BYTES => self.take(4).map(drop)?,
            GROUP => self.group(number, below)?,
            _ => return Err(Malformed),
        }
        Ok(Value::Other)
    }

    /// Goes to the end of a group.
    fn group(&mut self, number: u32, depth: u32) -> Result<(), Malformed> {
        loop {
            let (inner, kind) = self.key()?;
            if (inner, kind) == (number, END_OF_GROUP) {
                return Ok(());
            }
            self.value(inner, kind, depth)?;
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (place, byte) in self.rest.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7F);
            // Of the tenth byte one bit fits.
            if place == 9 && bits > 1 {
                break;
            }
            value |= bits << (7 * place);
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(place + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(Malformed)
    }
}

impl<'a> Value<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Other => Err(Malformed),
        }
    }

    pub(super) fn text(self) -> Result<&'a str, Malformed> {
        str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }
}
