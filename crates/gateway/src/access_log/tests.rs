use std::io::Write;
use std::sync::{Arc, Mutex, mpsc};

use http::Version;
use tidegate_domain::Timestamp;

use super::*;
use crate::denial::Reason;
use crate::telemetry::{Aborted, Kind, Times};

/// 2026-01-02T03:00:00Z.
const NOON: i64 = 1_767_322_800_000;

fn record(verdict: Result<(), Reason>) -> Record<'static> {
    Record {
        kind: Kind::Call,
        time: Timestamp::from_ms(NOON),
        request_id: "0123456789abcdef8123456789abcdef",
        trace: None,
        method: Some("GET"),
        path: Some("/orders/7"),
        parameters: 2,
        version: Some(Version::HTTP_11),
        peer: Some(([127, 0, 0, 1], 9).into()),
        api: Some("api"),
        api_name: Some("a \"b\" \\ \n\u{1} é"),
        instance: Some("APIG"),
        app: Some("app"),
        claimed_app: None,
        revision: Some(7),
        grant_end: Some(Timestamp::from_ms(NOON)),
        verdict: Some(verdict),
        status: Some(200),
        fault: None,
        aborted: None,
        bytes_in: 1,
        bytes_out: 2,
        times: Times::default(),
    }
}

/// An output that says when it is written to, and waits to be let go on.
struct Slow(mpsc::Sender<()>, mpsc::Receiver<()>, Arc<Mutex<Vec<u8>>>);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(()).map_err(io::Error::other)?;
        self.1.recv().map_err(io::Error::other)?;
        self.2.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An output that takes a few bytes, fails, and is well again.
struct Full(u32, Arc<Mutex<Vec<u8>>>);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += 1;
        match self.0 {
            1 => self.1.lock().unwrap().write(&bytes[..10]),
            2 => Err(io::ErrorKind::StorageFull.into()),
            _ => self.1.lock().unwrap().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn outcome(log: &AccessLog, name: &str) -> u64 {
    log.outcomes().iter().find(|outcome| outcome.outcome == name).unwrap().count
}

#[test]
fn a_line_has_every_field_and_is_json_whatever_it_holds() {
    let line = line::of(&record(Ok(())));
    assert_eq!(
        line,
        "{\"time\":\"2026-01-02T03:00:00.000Z\",\"kind\":\"call\",\
         \"request_id\":\"0123456789abcdef8123456789abcdef\",\"trace_id\":null,\
         \"peer\":\"127.0.0.1:9\",\"protocol\":\"HTTP/1.1\",\"method\":\"GET\",\
         \"path\":\"/orders/7\",\"query_parameters\":2,\"instance\":\"APIG\",\"api\":\"api\",\
         \"api_name\":\"a \\\"b\\\" \\\\ \\u000a\\u0001 é\",\"app\":\"app\",\"claimed_app\":null,\
         \"verdict\":\"admitted\",\"status\":200,\"revision\":7,\
         \"grant_end\":\"2026-01-02T03:00:00.000Z\",\"aborted\":null,\"fault\":null,\
         \"bytes_in\":1,\"bytes_out\":2,\"read_us\":0,\"check_us\":0,\"backend_us\":0,\
         \"transfer_us\":0,\"total_us\":0}\n"
    );
    let long = "é".repeat(2_000);
    let line = line::of(&Record { path: Some(&long), ..record(Err(Reason::NoGrant)) });
    assert!(line.contains(&format!("\"{}…\"", "é".repeat(1_024))));
    assert!(line.contains("\"verdict\":\"no-grant\""));
}

#[test]
fn a_call_never_waits_for_the_disk_and_what_is_dropped_is_counted() {
    let (told, begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let out = Arc::new(Mutex::new(Vec::new()));
    let slow = Slow(told, may_go_on, Arc::clone(&out));
    let bytes = line::of(&record(Ok(()))).len();
    let log = AccessLog::on(Output::Stream(Box::new(slow)), Share::ALL, 3 * bytes).unwrap();
    log.tell(&record(Ok(())));
    begun.recv().unwrap();
    // The disk is stuck with one line; three wait, and the rest is dropped.
    for _ in 0..5 {
        log.tell(&record(Ok(())));
    }
    assert_eq!(outcome(&log, "queue-full"), 2);
    go_on.send(()).unwrap();
    begun.recv().unwrap();
    go_on.send(()).unwrap();
    log.close();
    assert_eq!(outcome(&log, "written"), 4);
    assert_eq!(out.lock().unwrap().len(), 4 * bytes);
    log.tell(&record(Ok(())));
    assert_eq!(outcome(&log, "queue-full"), 3, "closed");
}

#[test]
fn a_full_disk_loses_lines_but_tears_none() {
    let out = Arc::new(Mutex::new(Vec::new()));
    let log = AccessLog::on(
        Output::Stream(Box::new(Full(0, Arc::clone(&out)))),
        Share::ALL,
        LOG_QUEUE_BYTES,
    )
    .unwrap();
    log.tell(&record(Ok(())));
    while outcome(&log, "write-failed") == 0 {
        std::thread::yield_now();
    }
    log.tell(&record(Ok(())));
    log.close();
    assert_eq!((outcome(&log, "written"), outcome(&log, "write-failed")), (1, 1));
    let text = String::from_utf8(out.lock().unwrap().clone()).unwrap();
    assert_eq!(text, format!("{{\"time\":\"2\n{}", line::of(&record(Ok(())))));
}

#[test]
fn admitted_calls_are_sampled_and_all_others_told_up_to_a_rate() {
    let out = Arc::new(Mutex::new(Vec::new()));
    let none = Share::new(0.0).unwrap();
    let log =
        AccessLog::on(Output::Stream(Box::new(Full(2, Arc::clone(&out)))), none, LOG_QUEUE_BYTES)
            .unwrap();
    log.tell(&record(Ok(())));
    let odd = [
        record(Err(Reason::BadSignature)),
        Record { status: Some(302), ..record(Ok(())) },
        Record { status: Some(500), ..record(Ok(())) },
        Record { aborted: Some(Aborted::Caller), ..record(Ok(())) },
    ];
    odd.iter().for_each(|record| log.tell(record));
    for _ in 0..2_000 {
        log.tell(&record(Err(Reason::BadSignature)));
    }
    log.close();
    assert_eq!(outcome(&log, "written"), u64::from(LINES_PER_SECOND));
    assert_eq!(outcome(&log, "over-rate"), 2_004 - u64::from(LINES_PER_SECOND));
    let half = Share::new(0.5).unwrap();
    let log = AccessLog::on(Output::Stream(Box::new(Full(2, out))), half, 1_000_000).unwrap();
    log.tell(&record(Ok(())));
    let other = "0123456789abcdef7123456789abcdef";
    log.tell(&Record { request_id: other, ..record(Ok(())) });
    log.close();
    assert_eq!(outcome(&log, "written"), 1, "by the id, so that it is the same in every log");
}
