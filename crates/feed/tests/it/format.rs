//! The format: what is written is read again, and nothing else is.

use std::time::Duration;

use proptest::prelude::*;
use tidegate_domain::Timestamp;
use tidegate_feed::{Answered, FORMAT, FormatError, Formats, Me, Question, Reader, Told, pack};
use tidegate_gateway::{Batch, Poll};

use crate::sample::{Shown, batch, standings, told};

/// The format as it is written.
const FORMAT_BYTE: u8 = FORMAT as u8;

fn head(batch: &Batch) -> Told {
    Told {
        format: FORMAT,
        epoch: batch.epoch.clone(),
        since: 7,
        head: batch.head,
        stamp: batch.stamp.clone(),
        since_stamp: batch.since_stamp.clone(),
        age: Duration::from_millis(12),
        now: Timestamp::from_ms(1_800_000_000_123),
        wall: Timestamp::from_ms(1_800_000_000_000),
        held: Duration::from_millis(3),
    }
}

fn parts(batch: Batch) -> Vec<Vec<u8>> {
    let told = head(&batch);
    pack(1, &told, batch).map(|part| part.unwrap().to_vec()).collect()
}

fn read(bytes: &[u8], piece: usize) -> Result<Answered, FormatError> {
    let mut reader = Reader::new(1);
    bytes.chunks(piece).try_for_each(|piece| reader.push(piece))?;
    reader.finish()
}

fn fault(bytes: &[u8]) -> FormatError {
    read(bytes, 4_096).err().expect("refused")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again(Shown(batch) in batch(), piece in 1_usize..200) {
        let (before, head) = (told(&batch), head(&batch));
        let read = read(&parts(batch).concat(), piece).unwrap();
        prop_assert_eq!(told(&read.batch), before);
        prop_assert_eq!(read.told, head);
    }

    #[test]
    fn what_is_cut_off_is_an_error_wherever_it_is_cut(Shown(batch) in batch(), at in any::<prop::sample::Index>()) {
        let bytes = parts(batch).concat();
        prop_assert!(read(&bytes[..at.index(bytes.len())], 512).is_err());
    }

    #[test]
    fn whatever_comes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes, 64).is_err());
        let _ = Question::read(&bytes);
    }

    #[test]
    fn a_changed_bit_never_makes_a_smaller_answer(Shown(batch) in batch(), bit in any::<prop::sample::Index>()) {
        let mut bytes = parts(batch.clone()).concat();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = read(&bytes, 4_096) {
            let count = |b: &Batch| (b.apps.len(), b.apis.len(), b.standings.len(), b.publications.len());
            prop_assert_eq!(count(&read.batch), count(&batch));
        }
    }
}

#[test]
fn a_stream_without_its_end_is_cut_off_and_one_with_less_is_missing_something() {
    let batch = Batch { head: 9, standings: standings(10_000), ..Batch::default() };
    let all = parts(batch);
    assert!(all.len() > 4, "{} parts", all.len());
    assert_eq!(fault(&all[..all.len() - 1].concat()), FormatError::Cut);
    let without = |index: usize| {
        let kept = all.iter().enumerate().filter(|(at, _)| *at != index);
        kept.flat_map(|(_, part)| part.clone()).collect::<Vec<u8>>()
    };
    assert_eq!(fault(&without(2)), FormatError::Missing);
    assert_eq!(fault(&without(0)), FormatError::OutOfOrder);
    let twice = [all[0].clone(), all.concat()].concat();
    assert_eq!(fault(&twice), FormatError::OutOfOrder);
    let again = [all.concat(), all[1].clone()].concat();
    assert_eq!(fault(&again), FormatError::OutOfOrder);
    let more = [all.concat(), vec![0]].concat();
    assert_eq!(fault(&more), FormatError::Cut);
}

/// A part that is not packed.
fn part(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// A field whose value is bytes.
fn field(tag: u8, value: &[u8]) -> Vec<u8> {
    [&[tag << 3 | 2, u8::try_from(value.len()).unwrap()], value].concat()
}

#[test]
fn what_is_not_known_here_is_named_and_never_skipped() {
    let unknown = |what| FormatError::Unknown(what);
    // A head of this format, of question 1.
    let head = part(&field(1, &[8, FORMAT_BYTE, 16, 1]));
    let with = |message: &[u8]| fault(&[head.clone(), part(message)].concat());
    let record = |record: &[u8]| with(&field(2, &field(1, record)));
    assert_eq!(with(&field(4, &[])), unknown("a field"), "a kind of part");
    assert_eq!(record(&field(9, b"x")), unknown("a field"), "a kind of record");
    assert_eq!(record(&[]), unknown("a kind of record"));
    // A publication of `a` on `i`, in a state from the future; in one without the end it must have.
    let publication =
        |state: u8| field(5, &[&field(1, b"a"), &field(2, b"i"), &[24, state][..]].concat());
    assert_eq!(record(&publication(10)), unknown("a state of a publication"));
    assert_eq!(record(&publication(5)), FormatError::BadValue("the end of a publication's state"));
    assert_eq!(record(&field(2, b"no id")), FormatError::BadValue("the id of an app"));
    // An app of a kind from the future, and one with a field from there.
    let app = |more: &[u8]| {
        let ids = [field(1, b"a"), field(2, b"d"), field(3, b"p")].concat();
        field(1, &[&ids[..], more].concat())
    };
    assert_eq!(record(&app(&[32, 3])), unknown("a kind of app"));
    assert_eq!(record(&app(&[32, 0])), unknown("a field"), "what has its default is not written");
    assert_eq!(record(&app(&[32, 1, 80, 1])), unknown("a field"));
    assert_eq!(fault(&[2, 0, 0, 0, 0]), unknown("a way to pack a part"));
    assert_eq!(fault(&[1, 0, 0, 0, 1, 7]), FormatError::Damaged);
    assert_eq!(fault(&[0, 0xff, 0, 0, 0]), FormatError::TooLarge);
    assert_eq!(fault(&part(&field(1, &[8, FORMAT_BYTE, 16, 2]))), FormatError::OtherQuestion);
}

#[test]
fn another_format_is_named_whatever_else_it_has() {
    let head = part(&field(1, &[8, FORMAT_BYTE + 1, 16, 1, 120, 5]));
    let other = FORMAT + 1;
    assert_eq!(fault(&head), FormatError::OtherFormat(other));
    assert!(FormatError::OtherFormat(9).to_string().contains("format 9"));
    let refused = Question::read(&[8, 9, 120, 5]).unwrap_err();
    assert!(refused.to_string().contains("reads 9,"), "{refused}");
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let bomb = miniz(&vec![0; 64 * 1024 * 1024]);
    let length = u32::try_from(bomb.len()).unwrap().to_be_bytes();
    assert!(bomb.len() < 1_000_000);
    assert_eq!(fault(&[&[1], &length[..], &bomb].concat()), FormatError::Damaged);
}

fn miniz(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec(bytes, 1)
}

#[test]
fn a_question_is_read_again_and_its_texts_are_bounded() {
    let me = |name: &str| Me {
        id: "0123abcd".to_owned(),
        name: name.to_owned(),
        boot: "b".to_owned(),
        version: "0.1.0".to_owned(),
        lease: Duration::from_secs(300),
    };
    let question = |me: Me| Question {
        formats: Formats::HERE,
        number: 5,
        poll: Poll {
            since: 3,
            stamp: "s3".to_owned(),
            epoch: "e".to_owned(),
            enforced: Some(0),
            enforced_stamp: "s0".to_owned(),
            wait: Duration::from_secs(1),
        },
        me,
        wall: Timestamp::from_ms(1_800_000_003_000),
    };
    let asked = question(me("gate one"));
    let read = Question::read(&asked.write()).unwrap();
    assert_eq!(read, asked);
    let heard = read.heard(Timestamp::from_ms(1_800_000_000_000));
    assert_eq!((heard.clock_ahead_ms, heard.enforced, heard.me), (3_000, Some(0), asked.me));
    for bad in ["a\nb", &"x".repeat(129)] {
        assert!(Question::read(&question(me(bad)).write()).is_err());
    }
    let endless =
        Question { poll: Poll { wait: Duration::MAX, ..Poll::default() }, ..question(me("")) };
    assert_eq!(Question::read(&endless.write()).unwrap().poll.wait, Duration::from_secs(30));
}

#[test]
fn a_snapshot_is_packed_to_half() {
    let batch = Batch { head: 1, standings: standings(20_000), ..Batch::default() };
    let packed = parts(batch.clone()).concat().len();
    let per_grant = packed / 20_000;
    println!("{per_grant} bytes a grant, packed");
    assert!(per_grant < 80, "{per_grant}");
}
