//! A gate follows over sockets: what goes wrong costs time and never a change.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tidegate_feed::{Question, Reader};
use tidegate_gateway::{Limits, Poll, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::{DAWN, Follower, Log, Network, Node, Way, me, quick, remote, until};

#[tokio::test]
async fn a_change_arrives_at_once_and_the_next_question_acknowledges_it() {
    let log = Log::new("e", &["a"]);
    let node = Node::start(&log).await;
    let limits = Limits { poll: Duration::from_secs(30), ..quick() };
    let gate = Follower::with(remote(&[node.address]), limits);
    gate.reached(1).await;
    until(|| log.enforced() == Some(1)).await;
    let head = log.push("b");
    gate.reached(head).await;
    until(|| log.enforced() == Some(2)).await;
    let heard = log.heard.lock().unwrap();
    assert_eq!(heard[0].enforced, None, "it knew nothing when it asked first");
    assert_eq!((&heard[0].me, heard[0].epoch.as_str()), (&me(), ""));
    assert_eq!(heard[1].epoch, "e");
}

#[tokio::test]
async fn a_gateway_that_stops_says_that_it_holds_no_lease() {
    let log = Log::new("e", &["a"]);
    let node = Node::start(&log).await;
    let gate = Follower::of(&[node.address]);
    gate.reached(1).await;
    assert!(log.heard.lock().unwrap().iter().all(|heard| !heard.me.lease.is_zero()));
    gate.source.leave().await;
    let heard = log.heard.lock().unwrap().clone();
    let goodbye = heard.iter().find(|heard| heard.me.lease.is_zero()).expect("it said goodbye");
    assert_eq!((&goodbye.me.id, &goodbye.me.boot), (&me().id, &me().boot));
}

/// Incident 13: a connection that swallows everything, and heals.
#[tokio::test]
async fn a_half_open_connection_loses_no_change() {
    let log = Log::new("e", &["a"]);
    let node = Node::start(&log).await;
    let network = Network::to(node.address).await;
    let gate = Follower::of(&[network.address]);
    gate.reached(1).await;
    network.set(Way::Hole);
    log.push("b");
    let head = log.push("c");
    until(|| gate.gate.counters().polls_failed >= 2).await;
    assert_eq!(gate.gate.revision(), Some(1));
    network.set(Way::Open);
    gate.reached(head).await;
    assert_eq!(gate.gate.status().sizes.apps, 3);
}

#[tokio::test]
async fn an_answer_that_breaks_off_changes_nothing() {
    let log = Log::new("e", &["a"]);
    let node = Node::start(&log).await;
    let network = Network::to(node.address).await;
    let gate = Follower::of(&[network.address]);
    gate.reached(1).await;
    network.set(Way::Cut);
    for n in 0..200 {
        log.push(&format!("app-{n}"));
    }
    until(|| gate.gate.counters().polls_failed >= 2).await;
    assert_eq!(gate.gate.status().sizes.apps, 1);
    network.set(Way::Open);
    gate.reached(201).await;
    assert_eq!(gate.gate.status().sizes.apps, 201);
}

#[tokio::test]
async fn another_node_is_asked_at_once_and_kept() {
    let log = Log::new("e", &["a"]);
    let (one, two) = (Node::start(&log).await, Node::start(&log).await);
    let gate = Follower::of(&[one.address, two.address]);
    gate.reached(1).await;
    drop(one);
    let head = log.push("b");
    gate.reached(head).await;
    until(|| gate.gate.counters().polls_answered >= 4).await;
    assert_eq!(gate.gate.counters().polls_failed, 0, "no poll failed at all");
    let told = gate.gate.metrics_with(Some(gate.source.collector())).unwrap();
    let asked = format!("tidegate_gate_feed_node{{node=\"http://{}\"}} 1", two.address);
    assert!(told.contains(&asked), "{told}");
    assert!(told.contains("tidegate_gate_feed_bytes_total") && told.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_node_that_cannot_prove_itself_renews_no_lease_and_teaches_nothing() {
    let log = Log::new("e", &["a"]);
    let node = Node::start(&log).await;
    let limits = Limits { lease: Duration::from_millis(2_500), ..quick() };
    let gate = Follower::with(remote(&[node.address]), limits);
    gate.reached(1).await;
    log.is_unproven.store(true, Ordering::SeqCst);
    log.push("b");
    until(|| !gate.is_ready()).await;
    assert_eq!(gate.gate.status().ready.unwrap_err().row().name, "lease-lapsed");
    assert_eq!(gate.gate.revision(), Some(1));
    // Another one can.
    log.is_unproven.store(false, Ordering::SeqCst);
    until(|| gate.is_ready()).await;
    assert_eq!(gate.gate.revision(), Some(2));
}

#[tokio::test]
async fn a_node_that_lags_behind_is_left_for_one_that_does_not() {
    let (late, log) = (Log::new("e", &["a"]), Log::new("e", &["a", "b", "c"]));
    let (first, second) = (Node::start(&late).await, Node::start(&log).await);
    let gate = Follower::of(&[second.address, first.address]);
    gate.reached(3).await;
    // It finds out by what the gateway knows.
    late.is_behind.store(true, Ordering::SeqCst);
    // The node that knows goes; the late one must not take anything back.
    drop(second);
    until(|| gate.gate.counters().polls_failed >= 2).await;
    assert_eq!(gate.gate.revision(), Some(3));
    late.is_behind.store(false, Ordering::SeqCst);
    late.push("b");
    late.push("c");
    let head = late.push("d");
    gate.reached(head).await;
}

/// A store that went back, under the name it had: the same revisions are others.
#[tokio::test]
async fn a_store_that_went_back_is_learnt_anew_at_once() {
    let log = Log::new("e", &["a", "b", "c"]);
    let node = Node::start(&log).await;
    let gate = Follower::of(&[node.address]);
    gate.reached(3).await;
    for apps in [["a"].as_slice(), &["b", "x", "y"], &["b", "x", "z", "c", "d"]] {
        let before = gate.gate.counters().histories;
        log.restore("e", apps);
        let head = apps.len() as u64;
        until(|| gate.gate.counters().histories > before && gate.gate.revision() == Some(head))
            .await;
        assert_eq!(gate.gate.status().sizes.apps, apps.len(), "of one history alone");
        until(|| log.enforced() == Some(head)).await;
    }
    assert_eq!(gate.gate.counters().polls_failed, 0);
}

/// Whoever has what is known is followed, whichever node is asked first.
#[tokio::test]
async fn a_node_of_another_history_is_left_for_one_that_has_what_is_known() {
    let (stale, log) = (Log::new("e", &["a", "b", "c"]), Log::new("e", &["a", "b", "c"]));
    let (first, second) = (Node::start(&stale).await, Node::start(&log).await);
    let gate = Follower::of(&[first.address, second.address]);
    gate.reached(3).await;
    stale.restore("e", &["a", "x"]);
    let head = log.push("d");
    gate.reached(head).await;
    assert_eq!(gate.gate.counters().histories, 0, "nothing was learnt anew");
    assert_eq!(gate.gate.status().sizes.apps, 4, "what is known goes on where it is known");
}

/// Incident 15: a restored backup has another epoch.
#[tokio::test]
async fn a_restored_control_side_is_learnt_anew() {
    let log = Log::new("e", &["a", "b", "c"]);
    let node = Node::start(&log).await;
    let gate = Follower::of(&[node.address]);
    gate.reached(3).await;
    log.restore("f", &["x"]);
    until(|| gate.gate.status().epoch.as_deref() == Some("f")).await;
    assert_eq!((gate.gate.revision(), gate.gate.status().sizes.apps), (Some(1), 1));
    assert_eq!(gate.gate.counters().resyncs, 1);
    assert_eq!(gate.gate.counters().polls_failed, 0);
}

#[tokio::test]
async fn a_node_whose_store_is_away_says_no_more_than_that() {
    let log = Log::new("e", &["a"]);
    let node = Node::start(&log).await;
    log.is_down.store(true, Ordering::SeqCst);
    let gate = Follower::of(&[node.address]);
    let error = gate.source.poll(&Poll::default()).await.err().unwrap().to_string();
    assert!(error.contains("503") && error.contains("this node cannot answer now"), "{error}");
    assert!(!error.contains("store"), "{error}");
}

#[tokio::test]
async fn the_time_is_the_control_sides_and_goes_with_it() {
    let log = Log::new("e", &["a"]);
    // The gateway's own clock says dawn.
    log.moved_ms.store(3_600_000, Ordering::SeqCst);
    let node = Node::start(&log).await;
    let gate = Follower::of(&[node.address]);
    gate.reached(1).await;
    let time = gate.source.time();
    until(|| time.own_ahead_ms().is_some()).await;
    let off = time.now().as_ms() - (DAWN + 3_600_000);
    assert!((0..5_000).contains(&off), "{off}");
    assert!(time.own_ahead_ms().unwrap() <= -3_595_000);
    assert!(log.heard.lock().unwrap()[0].clock_ahead_ms <= -3_595_000);
}

/// A peer that gives each question the bytes it is told to, over HTTP/2 as the real one.
#[tokio::test]
async fn an_answer_to_another_question_is_refused() {
    let told = tidegate_feed::Told {
        format: tidegate_feed::FORMAT,
        epoch: "e".to_owned(),
        since: 0,
        head: 1,
        stamp: "s".to_owned(),
        since_stamp: String::new(),
        age: Duration::ZERO,
        now: tidegate_domain::Timestamp::from_ms(DAWN),
        wall: tidegate_domain::Timestamp::from_ms(DAWN),
        held: Duration::ZERO,
    };
    let batch = || tidegate_gateway::Batch {
        epoch: "e".to_owned(),
        head: 1,
        ..tidegate_gateway::Batch::default()
    };
    // Recorded, and told again to the next question.
    let recorded: Vec<u8> =
        tidegate_feed::pack(7, &told, batch()).flat_map(|part| part.unwrap().to_vec()).collect();
    let mut right = Reader::new(7);
    right.push(&recorded).unwrap();
    assert!(right.finish().is_ok());
    assert!(Reader::new(8).push(&recorded).is_err());
}

#[tokio::test]
async fn whoever_does_not_speak_the_feed_gets_nothing() {
    let log = Log::new("e", &["a"]);
    let node = Node::start(&log).await;
    // HTTP/1.1, such as a browser would send.
    let mut stream = tokio::net::TcpStream::connect(node.address).await.unwrap();
    let question = Question {
        formats: tidegate_feed::Formats::HERE,
        number: 1,
        poll: Poll::default(),
        me: me(),
        wall: tidegate_domain::Timestamp::from_ms(DAWN),
    };
    let body = question.write();
    let head = format!("POST /feed HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    let mut answer = vec![0; 1_024];
    let read = stream.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 404"));
    assert!(log.heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_peer_that_accepts_and_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let log = Log::new("e", &["a"]);
    let node = Node::start(&log).await;
    let gate = Follower::of(&[silent.local_addr().unwrap(), node.address]);
    gate.reached(1).await;
    assert!(gate.is_ready());
}
