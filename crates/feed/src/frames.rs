//! An answer as a stream of parts: a head, records in bounded parts, and an end that counts them, so that
//! a stream that breaks off is an error and never looks like less.
//!
//! A part is a byte that tells whether it is packed, its length in four, and the part.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use prost::Message;
use tidegate_domain::Timestamp;
use tidegate_gateway::Batch;

use crate::format::{self, FormatError, Formats};
use crate::limits::{MOST_PART_BYTES, MOST_RECORDS, PART_BYTES, SAID_BYTES, SAYS_WHY};
use crate::messages::{End, Ended, Head, Part, PartKind, Record, Records};

const PLAIN: u8 = 0;
const PACKED: u8 = 1;

/// The bytes before a part.
const PREFIX: usize = 5;

/// Less is not worth packing.
const WORTH_PACKING: usize = 512;

/// The quickest level: most of what is saved is how ids are written.
const LEVEL: u8 = 1;

/// What the head of an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The format the answer is written in.
    pub format: u32,
    /// The history.
    pub epoch: String,
    /// After which revision the answer begins; 0 when it tells everything.
    pub since: u64,
    /// The revision all of it is true at.
    pub head: u64,
    /// The stamp of that revision.
    pub stamp: String,
    /// The stamp, in that history, of the revision it begins after.
    pub since_stamp: String,
    /// How old the proof was that this node may speak.
    pub age: Duration,
    /// The decision time.
    pub now: Timestamp,
    /// The wall clock.
    pub wall: Timestamp,
    /// How long after the question came these times were read.
    pub held: Duration,
}

/// An answer that came whole.
pub struct Answered {
    /// What its head says.
    pub told: Told,
    /// What has changed.
    pub batch: Batch,
}

/// The answer to question `number`, part by part, made as it is asked for.
pub fn pack(
    number: u64,
    told: &Told,
    batch: Batch,
) -> impl Iterator<Item = Result<Bytes, FormatError>> + Send + use<> {
    let mut packer = Packer::new(told.format);
    let head = packer.head(number, told);
    let records = packer.records(batch);
    std::iter::once(head).chain(records).chain([packer.end()])
}

/// Makes the parts of one answer: a head, all its records, an end.
pub(crate) struct Packer {
    format: u32,
    records: u64,
}

impl Packer {
    /// An answer in this format.
    pub fn new(format: u32) -> Self {
        Self { format, records: 0 }
    }

    /// The head of the answer to question `number`.
    pub fn head(&self, number: u64, told: &Told) -> Result<Bytes, FormatError> {
        part(PartKind::Head(Head {
            format: self.format,
            number,
            epoch: told.epoch.clone(),
            since: told.since,
            head: told.head,
            age_ms: whole_ms(told.age),
            now_ms: told.now.as_ms(),
            wall_ms: told.wall.as_ms(),
            held_ms: told.held.as_millis().try_into().unwrap_or(u64::MAX),
            stamp: told.stamp.clone(),
            since_stamp: told.since_stamp.clone(),
        }))
    }

    /// More of its records, in parts that are made as they are asked for.
    pub fn records(
        &mut self,
        batch: Batch,
    ) -> impl Iterator<Item = Result<Bytes, FormatError>> + Send + use<> {
        self.records += format::count(&batch);
        Parts(format::records(batch)).map(|records| part(PartKind::Records(records)))
    }

    /// Its end, which counts them.
    pub fn end(self) -> Result<Bytes, FormatError> {
        part(PartKind::End(End { records: self.records }))
    }
}

/// What stands in the place of the rest of an answer that is not sent to its end; none in a format that cannot say
/// why.
pub(crate) fn ended(format: u32, why: &str) -> Option<Bytes> {
    let end = why.floor_char_boundary(SAID_BYTES);
    let why = why.get(..end)?.to_owned();
    if format < SAYS_WHY { None } else { part(PartKind::Ended(Ended { why })).ok() }
}

fn is_read_here(format: u32) -> Result<(), FormatError> {
    Formats::HERE.contains(format).then_some(()).ok_or(FormatError::OtherFormat(format))
}

/// No younger than it is.
fn whole_ms(age: Duration) -> u64 {
    let ms = age.as_nanos().div_ceil(1_000_000);
    u64::try_from(ms).unwrap_or(u64::MAX)
}

/// Records, in parts that are full.
struct Parts<I>(I);

impl<I: Iterator<Item = Record>> Iterator for Parts<I> {
    type Item = Records;

    fn next(&mut self) -> Option<Records> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        while bytes < PART_BYTES {
            let Some(record) = self.0.next() else { break };
            bytes += record.encoded_len();
            records.push(record);
        }
        (!records.is_empty()).then_some(Records { records })
    }
}

fn part(kind: PartKind) -> Result<Bytes, FormatError> {
    let plain = Part { kind: Some(kind) }.encode_to_vec();
    if plain.len() > MOST_PART_BYTES {
        return Err(FormatError::TooLarge);
    }
    let (how, bytes) = if plain.len() < WORTH_PACKING {
        (PLAIN, plain)
    } else {
        (PACKED, compress_to_vec(&plain, LEVEL))
    };
    let length = u32::try_from(bytes.len()).map_err(|_| FormatError::TooLarge)?;
    let mut out = BytesMut::with_capacity(PREFIX + bytes.len());
    out.put_u8(how);
    out.put_u32(length);
    out.extend_from_slice(&bytes);
    Ok(out.freeze())
}

/// Reads an answer from the pieces it comes in.
pub struct Reader {
    number: u64,
    pieces: BytesMut,
    told: Option<Told>,
    batch: Batch,
    records: u64,
    is_over: bool,
}

impl Reader {
    /// Waits for the answer to question `number`.
    #[must_use]
    pub fn new(number: u64) -> Self {
        let (pieces, batch) = (BytesMut::new(), Batch::default());
        Self { number, pieces, told: None, batch, records: 0, is_over: false }
    }

    /// Takes a piece.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), FormatError> {
        self.pieces.extend_from_slice(piece);
        while let Some((how, bytes)) = self.next_part()? {
            self.take(how, &bytes)?;
        }
        Ok(())
    }

    /// What the head says, once it is there.
    #[must_use]
    pub fn told(&self) -> Option<&Told> {
        self.told.as_ref()
    }

    /// The answer, if all of it has come.
    pub fn finish(self) -> Result<Answered, FormatError> {
        match self.told {
            Some(told) if self.is_over && self.pieces.is_empty() => {
                Ok(Answered { told, batch: self.batch })
            }
            _ => Err(FormatError::Cut),
        }
    }

    fn next_part(&mut self) -> Result<Option<(u8, Bytes)>, FormatError> {
        let Some((mut prefix, rest)) = self.pieces.split_at_checked(PREFIX) else {
            return Ok(None);
        };
        let (how, length) = (prefix.get_u8(), prefix.get_u32() as usize);
        if length > MOST_PART_BYTES {
            return Err(FormatError::TooLarge);
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.pieces.advance(PREFIX);
        Ok(Some((how, self.pieces.split_to(length).freeze())))
    }

    fn take(&mut self, how: u8, bytes: &[u8]) -> Result<(), FormatError> {
        match how {
            PLAIN => self.take_plain(bytes),
            PACKED => {
                let plain = decompress_to_vec_with_limit(bytes, MOST_PART_BYTES);
                self.take_plain(&plain.map_err(|_| FormatError::Damaged)?)
            }
            _ => Err(FormatError::Unknown("a way to pack a part")),
        }
    }

    fn take_plain(&mut self, plain: &[u8]) -> Result<(), FormatError> {
        let part: Part = format::message(plain)?;
        if let Some(PartKind::Head(head)) = &part.kind {
            is_read_here(head.format)?;
        }
        format::whole(&part, plain)?;
        match part.kind.ok_or(FormatError::Unknown("a kind of part"))? {
            PartKind::Head(head) => self.begin(head),
            PartKind::Records(records) => self.records(records),
            PartKind::End(end) => self.end(&end),
            PartKind::Ended(ended) => Err(self.ended(&ended)),
        }
    }

    /// Why it has no end. Nothing that came before it counts.
    fn ended(&self, ended: &Ended) -> FormatError {
        match &self.told {
            Some(told) if told.format >= SAYS_WHY => {
                FormatError::Ended(ended.why.escape_debug().take(2 * SAID_BYTES).collect())
            }
            Some(_) => FormatError::Unknown("a kind of part"),
            None => FormatError::OutOfOrder,
        }
    }

    fn begin(&mut self, head: Head) -> Result<(), FormatError> {
        if self.told.is_some() {
            return Err(FormatError::OutOfOrder);
        }
        if head.number != self.number {
            return Err(FormatError::OtherQuestion);
        }
        self.batch.epoch.clone_from(&head.epoch);
        self.batch.head = head.head;
        self.batch.stamp.clone_from(&head.stamp);
        self.batch.since_stamp.clone_from(&head.since_stamp);
        self.told = Some(Told {
            format: head.format,
            epoch: head.epoch,
            since: head.since,
            head: head.head,
            stamp: head.stamp,
            since_stamp: head.since_stamp,
            age: Duration::from_millis(head.age_ms),
            now: Timestamp::from_ms(head.now_ms),
            wall: Timestamp::from_ms(head.wall_ms),
            held: Duration::from_millis(head.held_ms),
        });
        Ok(())
    }

    fn records(&mut self, records: Records) -> Result<(), FormatError> {
        if self.told.is_none() || self.is_over {
            return Err(FormatError::OutOfOrder);
        }
        self.records += records.records.len() as u64;
        if self.records > MOST_RECORDS {
            return Err(FormatError::TooMany);
        }
        records.records.into_iter().try_for_each(|record| format::put(record, &mut self.batch))
    }

    fn end(&mut self, end: &End) -> Result<(), FormatError> {
        if self.told.is_none() || self.is_over {
            return Err(FormatError::OutOfOrder);
        }
        if self.records != end.records {
            return Err(FormatError::Missing);
        }
        self.is_over = true;
        Ok(())
    }
}
