//! A feed without TLS: nobody without the token is answered, and no answer without it counts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tidegate_feed::{Me, Remote};
use tidegate_gateway::{Poll, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{Follower, Log, Node, me, quick, remote, token, until};

async fn fault(remote: Remote) -> String {
    let gate = Follower::with(remote, quick());
    gate.source.poll(&Poll::default()).await.err().expect("refused").to_string()
}

#[tokio::test]
async fn who_has_no_token_or_another_is_refused_by_name_and_not_written_down() {
    let log = Log::new("e", &["a"]);
    let node = Node::start(&log).await;
    let without = fault(Remote { token: None, ..remote(&[node.address]) }).await;
    assert!(without.contains("401") && without.contains("feed_token_file"), "{without}");
    let other = fault(Remote { token: Some(token("b")), ..remote(&[node.address]) }).await;
    assert!(other.contains("401") && other.contains("the same feed.token"), "{other}");
    assert!(log.heard.lock().unwrap().is_empty());
    assert!(node.refused("no-proof") > 0 && node.refused("other-token") > 0);
    Follower::of(&[node.address]).reached(1).await;
}

/// Passes bytes on between gateways and a node, and keeps those of its answers.
async fn tapped(node: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let tap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, kept) = (tap.local_addr().unwrap(), Arc::<Mutex<Vec<u8>>>::default());
    let answers = Arc::clone(&kept);
    tokio::spawn(async move {
        while let Ok((near, _)) = tap.accept().await {
            let far = TcpStream::connect(node).await.unwrap();
            let ((mut a, mut b), (mut c, mut d)) = (near.into_split(), far.into_split());
            let answers = Arc::clone(&answers);
            tokio::spawn(async move { tokio::io::copy(&mut a, &mut d).await });
            tokio::spawn(async move {
                let mut buffer = [0; 4_096];
                while let Ok(read @ 1..) = c.read(&mut buffer).await {
                    answers.lock().unwrap().extend_from_slice(&buffer[..read]);
                    if b.write_all(&buffer[..read]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, kept)
}

/// Answers every connection with what was kept, as soon as anything is asked.
async fn replayed(kept: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let kept = kept.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4_096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(&kept).await;
                while let Ok(1..) = stream.read(&mut buffer).await {}
            });
        }
    });
    address
}

/// E8: an answer of the past makes no gateway ready, and whoever listens in reads nothing of it.
#[tokio::test]
async fn a_captured_answer_is_neither_read_nor_replayed() {
    let log = Log::new("e", &["a-secret-of-an-app"]);
    let node = Node::start(&log).await;
    let (tap, kept) = tapped(node.address).await;
    Follower::of(&[tap]).reached(1).await;
    let kept = kept.lock().unwrap().clone();
    assert!(!kept.windows(11).any(|window| window == b"a-secret-of"));
    // A gateway draws its boot anew whenever it starts, so no two ask the same question.
    let fresh = Me { boot: "b2".to_owned(), ..me() };
    let late = Remote { me: fresh, ..remote(&[replayed(kept).await]) };
    let late = Follower::with(late, quick());
    until(|| late.gate.counters().polls_failed >= 1).await;
    assert_eq!((late.gate.revision(), late.is_ready()), (None, false));
}

/// Whoever took the address of a node that is down teaches a gateway nothing without the token.
#[tokio::test]
async fn a_gateway_without_a_token_believes_no_plain_answer() {
    let log = Log::new("e", &["a"]);
    let node = Node::open(&log).await;
    let told = fault(Remote { token: None, ..remote(&[node.address]) }).await;
    assert!(told.contains("not sealed"), "{told}");
    let told = fault(remote(&[node.address])).await;
    assert!(told.contains("401"), "{told}");
}
