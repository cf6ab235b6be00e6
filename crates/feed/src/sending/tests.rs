//! Gateways that take an answer slowly, under a clock that only the test moves.

use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;
use tidegate_domain::Timestamp;
use tidegate_gateway::FeedToken;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::*;
use crate::frames::Reader;
use crate::limits::{ANSWER_GRACE, ANSWER_TAKEN, PART_TAKEN, SLOWEST_RATE};

/// So many equal parts of everything, each read so slowly.
struct Plenty {
    parts: usize,
    part: Batch,
    read: Duration,
    /// Gone when nobody holds what an answer reads from.
    _held: Arc<()>,
}

/// About so many bytes, which cannot be packed to less.
fn batch(bytes: usize) -> Batch {
    let mut word = 7_u64;
    let mut hash = [0; 32];
    let mut token = || {
        for byte in &mut hash {
            word = word.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17) ^ 0x2545_F491;
            *byte = word.to_le_bytes()[0];
        }
        FeedToken {
            hash,
            user: tidegate_domain::UserId::parse("u").unwrap(),
            domain: tidegate_domain::DomainId::parse("d").unwrap(),
            project: tidegate_domain::ProjectId::parse("p").unwrap(),
            expires_at: Timestamp::from_ms(0),
        }
    };
    Batch { tokens: (0..bytes / 32).map(|_| token()).collect(), ..Batch::default() }
}

#[async_trait]
impl Everything for Plenty {
    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        let Some(left) = self.parts.checked_sub(1) else { return Ok(None) };
        self.parts = left;
        sleep(self.read).await;
        Ok(Some(self.part.clone()))
    }
}

struct Answer {
    parts: Parts,
    figures: Arc<FeedFigures>,
    held: Weak<()>,
    begun: Instant,
}

/// An answer that tells everything, on its way: so many parts, of about so many bytes each.
fn answer(parts: usize, bytes: usize) -> Answer {
    answer_read(Duration::ZERO, parts, bytes)
}

/// The same from a store that needs so long for a part.
fn answer_read(read: Duration, parts: usize, bytes: usize) -> Answer {
    let held = Arc::new(());
    let weak = Arc::downgrade(&held);
    let places = Arc::new(Semaphore::new(2));
    let permit = || Arc::clone(&places).try_acquire_owned().unwrap();
    let part = batch(bytes);
    let everything = Box::new(Plenty { parts, part: part.clone(), read, _held: held });
    let news = News { since: 0, batch: part, more: Some((everything, permit())) };
    let at = Timestamp::from_ms(0);
    let told = Told {
        format: crate::FORMAT,
        epoch: "e".to_owned(),
        since: 0,
        head: 1,
        stamp: "s".to_owned(),
        since_stamp: String::new(),
        age: Duration::ZERO,
        now: at,
        wall: at,
        held: Duration::ZERO,
    };
    let figures = Arc::<FeedFigures>::default();
    let (gateway, of) = ("g".to_owned(), Arc::clone(&figures));
    let sending = Sending { gateway, number: 1, told, sealer: None, figures: of };
    let parts = sending.begin(news, permit());
    Answer { parts, figures, held: weak, begun: Instant::now() }
}

impl Answer {
    /// How long the answer has held what it reads from, if a part is taken at each `pause`; and how many bytes
    /// were taken.
    async fn taken_each(&mut self, pause: Duration) -> (Duration, usize) {
        let mut bytes = 0;
        loop {
            for _ in 0..pause.as_secs() {
                sleep(Duration::from_secs(1)).await;
                if self.held.upgrade().is_none() {
                    return (self.begun.elapsed(), bytes);
                }
            }
            match self.parts.parts.recv().await {
                Some(part) => bytes += part.len(),
                None => return (self.begun.elapsed(), bytes),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_stops_reading_holds_nothing_for_longer_than_a_part_may_take() {
    let mut answer = answer(100, 10_000);
    let (held, _) = answer.taken_each(Duration::from_secs(3_600)).await;
    assert!(held <= PART_TAKEN + Duration::from_secs(1), "{held:?}");
    assert_eq!(answer.figures.too_slow(), 1);
    // If it comes back in time, it learns why there is no more.
    let mut reader = Reader::new(1);
    let error = loop {
        let part = answer.parts.parts.recv().await.expect("a reason");
        if let Err(error) = reader.push(&part) {
            break error.to_string();
        }
    };
    assert!(error.contains("the control side ended it: it was taken too slowly"), "{error}");
}

/// A part just before its own limit, again and again, was enough to go on for ever.
#[tokio::test(start_paused = true)]
async fn a_gateway_that_trickles_is_ended_after_its_grace() {
    let mut answer = answer(100_000, 1_000);
    let (held, taken) = answer.taken_each(PART_TAKEN - Duration::from_secs(1)).await;
    let earned = Duration::from_secs(taken as u64 / SLOWEST_RATE);
    assert!(held <= ANSWER_GRACE + PART_TAKEN + earned, "{held:?}, {taken} bytes");
    assert_eq!(answer.figures.too_slow(), 1);
}

/// Whoever is to blame: the store is slow here.
#[tokio::test(start_paused = true)]
async fn no_answer_takes_longer_than_any_may() {
    let read = Duration::from_secs(5);
    let mut answer = answer_read(read, 100_000, 1_000);
    let (held, _) = answer.taken_each(Duration::from_secs(1)).await;
    assert!(held <= ANSWER_TAKEN + read + Duration::from_secs(1), "{held:?}, seen each second");
    assert_eq!(answer.figures.too_slow(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_link_that_goes_on_gets_its_answer() {
    let part = usize::try_from(2 * SLOWEST_RATE).unwrap();
    let mut answer = answer(80, part);
    let (held, taken) = answer.taken_each(Duration::from_secs(1)).await;
    assert!(taken > 70 * part && held > 2 * ANSWER_GRACE, "{taken} bytes, {held:?}");
    assert_eq!(answer.figures.too_slow(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_goes_away_is_not_counted_as_slow() {
    let Answer { parts, figures, held, .. } = answer(100, 10_000);
    drop(parts);
    while held.upgrade().is_some() {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(figures.too_slow(), 0);
}
