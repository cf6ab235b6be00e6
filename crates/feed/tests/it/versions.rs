//! Versions that follow each other understand each other, and nothing of an answer is ever passed over.
//!
//! `vectors/format-2.*` were written by the last version that knew format 2 only. They never change.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt;
use tidegate_domain::Timestamp;
use tidegate_feed::{
    Answered, FORMAT, FormatError, Formats, OLDEST_FORMAT, Question, Reader, Told, pack,
};
use tidegate_gateway::{Batch, Poll, Source};

use crate::every_field;
use crate::older::{Older, ask};
use crate::world::{Follower, Log, Node, me, until};

const QUESTION: &str = include_str!("vectors/format-2.question.hex");
const ANSWER: &str = include_str!("vectors/format-2.answer.hex");

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |two: &[char]| u8::from_str_radix(&String::from_iter(two), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn formats(lowest: u32, highest: u32) -> Formats {
    Formats::new(lowest, highest).unwrap()
}

fn question(formats: Formats) -> Question {
    let (me, poll, wall) = (every_field::me(), every_field::poll(), every_field::wall());
    Question { formats, number: 9, poll, me, wall }
}

fn told(format: u32, batch: &Batch) -> Told {
    Told {
        format,
        epoch: batch.epoch.clone(),
        since: 41,
        head: batch.head,
        stamp: batch.stamp.clone(),
        since_stamp: batch.since_stamp.clone(),
        age: Duration::from_millis(12),
        now: Timestamp::from_ms(1_800_000_000_123),
        wall: Timestamp::from_ms(1_800_000_000_000),
        held: Duration::from_millis(3),
    }
}

fn answer(format: u32, batch: Batch) -> Vec<u8> {
    let told = told(format, &batch);
    pack(9, &told, batch).flat_map(|part| part.unwrap().to_vec()).collect()
}

fn read(bytes: &[u8]) -> Result<Answered, FormatError> {
    let mut reader = Reader::new(9);
    reader.push(bytes)?;
    reader.finish()
}

/// The parts of an answer, unpacked: how tightly they are packed is no matter of the format.
fn parts(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let [packed, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (part, rest) = rest.split_at(length);
        let unpacked = match packed {
            0 => part.to_vec(),
            _ => miniz_oxide::inflate::decompress_to_vec(part).unwrap(),
        };
        parts.push(unpacked);
        bytes = rest;
    }
    parts
}

#[test]
fn a_question_of_format_2_is_understood_and_written_as_it_was() {
    let asked = question(formats(2, 2));
    assert_eq!(Question::read(&bytes(QUESTION)), Ok(asked.clone()));
    assert_eq!(asked.answer_format(), 2);
    assert_eq!(asked.write()[..], bytes(QUESTION)[..]);
}

#[test]
fn an_answer_of_format_2_is_understood_and_written_as_it_was() {
    let read = read(&bytes(ANSWER)).unwrap();
    assert_eq!(read.told, told(2, &every_field::batch()));
    let wanted = parts(&bytes(ANSWER));
    assert_eq!(parts(&answer(2, every_field::batch())), wanted);
    assert_eq!(parts(&answer(2, read.batch)), wanted, "and read to its last field");
}

/// Whatever is added belongs to a new format: then this fails, and says so to whoever adds it.
#[test]
fn format_3_says_what_format_2_says_under_its_own_number() {
    let (older, newer) = (parts(&bytes(ANSWER)), parts(&answer(3, every_field::batch())));
    assert_eq!(older[1..], newer[1..]);
    assert_eq!(read(&answer(3, every_field::batch())).unwrap().told.format, 3);
}

#[test]
fn a_question_names_what_the_gateway_reads_and_is_answered_in_the_highest_both_know() {
    let here = question(Formats::HERE);
    assert_eq!(Question::read(&here.write()), Ok(here.clone()));
    assert_eq!((here.formats, here.answer_format()), (formats(OLDEST_FORMAT, FORMAT), FORMAT));
    // Of the next version, with something in it that is not known here: it can do without.
    let next = question(formats(FORMAT, FORMAT + 1));
    let with_more = [&next.write()[..], &[0xf8, 0x07, 5]].concat();
    let read = Question::read(&with_more).unwrap();
    assert_eq!((&read, read.answer_format()), (&next, FORMAT));
    // Of this version nothing is unknown.
    let with_more = [&here.write()[..], &[0xf8, 0x07, 5]].concat();
    assert_eq!(Question::read(&with_more), Err(FormatError::Unknown("a field")));
    for (lowest, highest, first) in [
        (FORMAT + 1, FORMAT + 2, "upgrade the control side first"),
        (OLDEST_FORMAT - 1, OLDEST_FORMAT - 1, "upgrade the gateway first"),
    ] {
        let asked = question(formats(lowest, highest));
        let error = Question::read(&asked.write()).unwrap_err().to_string();
        assert!(error.contains(first) && error.contains("version 0.1.0"), "{error}");
    }
}

/// A rule of an API, say, that could keep somebody out.
#[test]
fn what_an_answer_has_is_known_or_refused_in_every_format() {
    let field = |tag: u8, value: &[u8]| {
        [&[tag << 3 | 2, u8::try_from(value.len()).unwrap()], value].concat()
    };
    let part = |message: &[u8]| {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0], &length[..], message].concat()
    };
    for format in [2, 3] {
        let head = part(&field(1, &[8, format, 16, 9]));
        // Field 15 of the rules of an API.
        let rules = field(9, &[15 << 3, 1]);
        let api = field(2, &field(1, &field(3, &rules)));
        let error = read(&[head, part(&api)].concat()).err();
        assert_eq!(error, Some(FormatError::Unknown("a field")), "format {format}");
    }
    let head = part(&field(1, &[8, 4, 16, 9]));
    assert_eq!(read(&head).err(), Some(FormatError::OtherFormat(4)));
    // Why an answer has no end: in format 3.
    let ended = part(&[&[0x92, 0x03, 5][..], &field(1, b"why")].concat());
    let with = |format| [part(&field(1, &[8, format, 16, 9])), ended.clone()].concat();
    assert_eq!(read(&with(3)).err(), Some(FormatError::Ended("why".to_owned())));
    assert_eq!(read(&with(2)).err(), Some(FormatError::Unknown("a kind of part")));
}

/// The gateway of the version before, at a control side of this one.
#[tokio::test]
async fn a_gateway_of_format_2_gets_an_answer_of_format_2() {
    let log = Log::new("e", &["a"]);
    let node = Node::open(&log).await;
    let asked = Question { poll: Poll::default(), ..question(formats(2, 2)) };
    let answer = ask(node.address, asked.write()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = read(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!((answer.told.format, answer.batch.apps.len()), (2, 1));
}

/// A gateway of this version, at a control side of the version before.
#[tokio::test]
async fn a_control_side_of_format_2_is_followed() {
    let log = Log::new("e", &["a"]);
    let node = Node::start(&log).await;
    let older = Older::before(node.address).await;
    let gate = Follower::of(&[older.address]);
    gate.reached(1).await;
    log.push("b");
    gate.reached(2).await;
    until(|| log.enforced() == Some(2)).await;
    assert_eq!(gate.gate.counters().polls_failed, 0);
    let asked = older.asked.lock().unwrap().clone();
    assert_eq!(asked[0], FORMAT, "it might have known more");
    assert!(asked[1..].iter().all(|format| *format == 2), "once a connection: {asked:?}");
}

/// Both ends say what is the matter, and which goes first.
#[tokio::test]
async fn no_common_format_is_refused_by_name_and_counted() {
    let log = Log::new("e", &["a"]);
    let node = Node::open(&log).await;
    let asked = question(formats(FORMAT + 1, FORMAT + 2));
    let answer = ask(node.address, asked.write()).await;
    assert_eq!(answer.status(), StatusCode::NOT_ACCEPTABLE);
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(text.contains("upgrade the control side first"), "{text}");
    assert_eq!(node.figures.no_common_format(), 1);
    assert!(log.heard.lock().unwrap().is_empty(), "nobody waits for it");
}

#[tokio::test]
async fn a_gateway_that_is_refused_for_its_formats_says_so() {
    let log = Log::new("e", &["a"]);
    let node = Node::start(&log).await;
    let older = Older::before(node.address).await;
    older.is_far.store(true, Ordering::SeqCst);
    let gate = Follower::of(&[older.address]);
    let error = gate.source.poll(&Poll::default()).await.err().unwrap().to_string();
    assert!(error.contains("refuses this gateway: no common format"), "{error}");
    let metrics = gate.gate.metrics_with(Some(gate.source.collector())).unwrap();
    let line = format!("feed_no_common_format_total{{node=\"http://{}\"}} ", older.address);
    let count = metrics.lines().find_map(|text| text.split_once(&line)?.1.parse::<u64>().ok());
    assert!(count >= Some(1), "{metrics}");
    assert_eq!(gate.gate.revision(), None);
}

/// Who is asked is who the gateway says: the range is no part of it.
#[tokio::test]
async fn a_gateway_of_this_version_is_answered_in_this_versions_format() {
    let log = Log::new("e", &["a"]);
    let node = Node::open(&log).await;
    let asked = Question { poll: Poll::default(), me: me(), ..question(Formats::HERE) };
    let answer = ask(node.address, asked.write()).await;
    let answer = read(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(answer.told.format, FORMAT);
    assert_eq!(log.heard.lock().unwrap()[0].me, me());
}
