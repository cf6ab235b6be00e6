//! G3 and G4: a whole signed decision beside the bare arithmetic of its signature.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderValue};
use tidegate_domain::Timestamp;
use tidegate_gateway::{Index, Question, Reason, check};
use tidegate_sign::{
    Authorization, Payload, Secret, SignedRequest, Target, app_authorization_of, hex, sha256, sign,
};

use crate::measure::{Report, Writer, in_turns, median};
use crate::world::{NOON, Triple, World, app_key, app_secret};

/// Decisions of a block: some ten milliseconds.
const CALLS: usize = 4_096;

/// A request as it is when its head was read.
#[derive(Clone)]
struct Call {
    app: u64,
    target: Target,
    headers: HeaderMap,
}

impl Call {
    /// A call under the `n`th grant: six parameters, six signed headers.
    fn new(n: u64) -> Self {
        let triple = Triple::of(n);
        let target = format!(
            "/v1/service-{}/orders/{n}?customer=c-{n}&from=2026-01-01T00%3A00%3A00Z&limit=100\
             &offset=0&region=cn-north-4&status=open",
            triple.api
        );
        let target = Target::parse(&target).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "gateway.example.com"),
            ("content-type", "application/json"),
            ("x-project-id", "0833a5737480d53b2f250010d01a7b88"),
            ("x-stage", "RELEASE"),
            ("x-trace", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let request =
            SignedRequest { method: "GET", target: &target, headers: &headers, host: None };
        let app = u64::from(triple.app);
        let added =
            sign(&request, Payload::Bytes(b""), &app_key(app), &app_secret(app), NOON / 1000);
        headers.extend(added.unwrap());
        headers.insert("accept", HeaderValue::from_static("*/*"));
        Self { app, target, headers }
    }

    fn question(&self) -> Question<'_> {
        let now = Timestamp::from_ms(NOON);
        Question {
            method: "GET",
            target: &self.target,
            headers: &self.headers,
            host: None,
            payload: Payload::Bytes(b""),
            wall: now,
            now,
        }
    }

    /// The signature by itself, with the app's secret at hand.
    fn is_signed_by(&self, secret: &Secret) -> bool {
        let value = app_authorization_of(&self.headers).unwrap();
        let authorization = Authorization::parse(value).unwrap();
        let request = SignedRequest {
            method: "GET",
            target: &self.target,
            headers: &self.headers,
            host: None,
        };
        let payload = Payload::Bytes(b"");
        tidegate_sign::check(&request, &authorization, payload, secret, NOON / 1000, 900).is_ok()
    }

    fn is_allowed(&self, index: &Index) -> bool {
        check(index, 900, &self.question()).is_ok()
    }
}

/// The arithmetic of one signature: the hash of a canonical request, and the HMAC over it.
fn bare(key: &hmac::Key, request: &[u8; 600]) -> bool {
    let text = format!("SDK-HMAC-SHA256\n20260102T030000Z\n{}", hex(&sha256(request)));
    hmac::verify(key, text.as_bytes(), &[0; 32]).is_ok()
}

pub fn measure(count: u64, world: &Arc<World>, index: &Arc<Index>, report: &mut Report) {
    let index = Arc::new(ArcSwap::new(Arc::clone(index)));
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret(1).expose().as_bytes());
    let request = [b'a'; 600];
    let mut bare = |_| assert!(!black_box(bare(&key, black_box(&request))));
    let mut bare_time = 0.0;
    for variants in [32, 1_024] {
        let calls: Vec<Call> = (0..variants).map(|n| Call::new(n * (count / variants))).collect();
        verify(&index.load(), &calls, count);
        let mut decide = |n: usize| {
            assert!(black_box(&calls[n % calls.len()]).is_allowed(&index.load()));
        };
        let secrets: Vec<Secret> = calls.iter().map(|call| app_secret(call.app)).collect();
        let mut signature = |n: usize| {
            let n = n % calls.len();
            assert!(black_box(&calls[n]).is_signed_by(&secrets[n]));
        };
        let subjects: [&mut dyn FnMut(usize); 3] = [&mut decide, &mut signature, &mut bare];
        let [whole, signature, alone] = in_turns(101, CALLS, subjects);
        let value = format!("{whole:.0} ns / {alone:.0} ns");
        let name = format!("G3 signed decision, {variants} requests");
        report.row(&name, value, Some(whole / alone), "≤ 2");
        let value = format!("{signature:.0} ns / {alone:.0} ns");
        report.row("  of it the signature", value, Some(signature / alone), "");
        let rest = whole - signature;
        let value = format!("{rest:.0} ns / {alone:.0} ns");
        report.row("  of it route, key, grant", value, Some(rest / alone), "");
        bare_time = alone;
    }
    timed_alone(world, &index, count, bare_time, report);
}

/// What is granted is allowed, and nothing else is.
fn verify(index: &Index, calls: &[Call], count: u64) {
    for call in calls {
        let admitted = check(index, 900, &call.question()).expect("granted");
        assert!(admitted.app.is_some() && admitted.cover.is_some());
        let mut forged = call.clone();
        forged.headers.insert("x-stage", HeaderValue::from_static("TEST"));
        let denied = check(index, 900, &forged.question()).err().expect("forged");
        assert_eq!(denied.reason, Reason::BadSignature);
    }
    let denied = check(index, 900, &Call::new(count + 7).question()).err().expect("not granted");
    assert_eq!(denied.reason, Reason::NoGrant);
}

fn timed_alone(
    world: &Arc<World>,
    index: &Arc<ArcSwap<Index>>,
    count: u64,
    bare: f64,
    report: &mut Report,
) {
    const SAMPLES: usize = 1_000_000;
    let calls: Vec<Call> = (0..1_024).map(|n| Call::new(n * (count / 1_024))).collect();
    let writer = {
        let (world, index) = (Arc::clone(world), Arc::clone(index));
        Writer::start(move |n| {
            let standing = world.standing((n as u64).wrapping_mul(7_919) % count);
            let next = world.change(&index.load(), vec![standing]);
            index.store(Arc::new(next));
        })
    };
    let mut times: Vec<f64> = (0..SAMPLES)
        .map(|n| {
            let began = Instant::now();
            assert!(calls[n % calls.len()].is_allowed(&index.load()));
            began.elapsed().as_secs_f64() * 1e9
        })
        .collect();
    let (rate, cost) = writer.stop();
    times.sort_unstable_by(f64::total_cmp);
    let p99 = times[SAMPLES / 100 * 99];
    let name = "G4 decision alone, p99, 1,000 changes/s";
    report.row(name, format!("{p99:.0} ns / {bare:.0} ns"), Some(p99 / bare), "≤ 6");
    let p50 = median(times);
    report.row("  p50", format!("{p50:.0} ns"), Some(p50 / bare), "");
    report.row("  changes a second, time of one", format!("{rate:.0}/s, {cost:.0} µs"), None, "");
}
