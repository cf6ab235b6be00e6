//! Mutual TLS: both ends show a certificate of the installation's own authority.

use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tidegate_feed::{PeerFiles, Remote};
use tidegate_gateway::{Limits, Poll, Source, TlsFiles};

use crate::world::{Follower, Log, Node, quick, remote, token, url};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Puts a machine's files into a folder.
    fn give(&self, dir: &Path, name: &str, usage: ExtendedKeyUsagePurpose) -> PeerFiles {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        let file = |ending: &str, text: &str| {
            let path = dir.join(format!("{name}.{ending}"));
            std::fs::write(&path, text).unwrap();
            path
        };
        PeerFiles {
            ca: file("ca", &self.pem),
            own: TlsFiles {
                certificate: file("pem", &certificate),
                key: file("key", &key.serialize_pem()),
            },
        }
    }
}

const SERVER: ExtendedKeyUsagePurpose = ExtendedKeyUsagePurpose::ServerAuth;
const CLIENT: ExtendedKeyUsagePurpose = ExtendedKeyUsagePurpose::ClientAuth;

fn over_tls(node: &Node, files: Option<PeerFiles>) -> Remote {
    Remote {
        nodes: vec![url("https", node.address)],
        files,
        token: None,
        patience: Duration::from_secs(5),
        ..remote(&[])
    }
}

async fn fault(node: &Node, files: Option<PeerFiles>) -> String {
    let gate = Follower::with(over_tls(node, files), quick());
    gate.source.poll(&Poll::default()).await.err().expect("refused").to_string()
}

#[tokio::test]
async fn only_gateways_with_a_certificate_of_the_authority_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new(), Authority::new());
    let control = ours.give(dir.path(), "control", SERVER);
    let log = Log::new("e", &["a"]);
    let node = Node::start_with(&log, Some(control.acceptor(&Limits::default()).unwrap())).await;

    let gateway = ours.give(dir.path(), "gateway", CLIENT);
    let gate = Follower::with(over_tls(&node, Some(gateway.clone())), quick());
    gate.reached(1).await;
    let heard = log.heard.lock().unwrap().clone();
    assert!(heard.iter().all(|heard| heard.certificate == "127.0.0.1"), "{heard:?}");

    assert!(fault(&node, None).await.contains("no certificates"));
    // A stranger who believes our authority, one who does not, and one with a certificate for control.
    let stranger = theirs.give(dir.path(), "stranger", CLIENT);
    let believing = PeerFiles { ca: gateway.ca.clone(), own: stranger.own.clone() };
    let count = log.heard.lock().unwrap().len();
    drop(gate);
    for files in [believing, stranger, control] {
        fault(&node, Some(files)).await;
    }
    // The first gate may have asked once more before it ended.
    assert!(log.heard.lock().unwrap().len() <= count + 1);
    // A gateway's certificate makes nobody a control node.
    let false_node =
        Node::start_with(&log, Some(gateway.acceptor(&Limits::default()).unwrap())).await;
    let told = fault(&false_node, Some(gateway)).await;
    assert!(told.contains("certificate"), "{told}");
}

/// A gateway that has a token wants it of the control side, too.
#[tokio::test]
async fn a_token_counts_beside_certificates_if_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new();
    let control = ours.give(dir.path(), "control", SERVER);
    let gateway = ours.give(dir.path(), "gateway", CLIENT);
    let log = Log::new("e", &["a"]);
    let node = Node::start_with(&log, Some(control.acceptor(&Limits::default()).unwrap())).await;
    let with = |token| Remote { token, ..over_tls(&node, Some(gateway.clone())) };
    Follower::with(with(Some(token("a"))), quick()).reached(1).await;
    let other = Follower::with(with(Some(token("b"))), quick());
    let refused = other.source.poll(&Poll::default()).await.err().expect("refused").to_string();
    assert!(refused.contains("401"), "{refused}");
}

#[tokio::test]
async fn certificates_are_replaced_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let old = Authority::new();
    let control = old.give(dir.path(), "control", SERVER);
    let gateway = old.give(dir.path(), "gateway", CLIENT);
    let acceptor = control.acceptor(&Limits::default()).unwrap();
    let log = Log::new("e", &["a"]);
    let node = Node::start_with(&log, Some(acceptor.clone())).await;
    let gate = Follower::with(over_tls(&node, Some(gateway.clone())), quick());
    gate.reached(1).await;

    let new = Authority::new();
    let kept = dir.path().join("kept");
    std::fs::create_dir(&kept).unwrap();
    let before = old.give(&kept, "gateway", CLIENT);
    new.give(dir.path(), "control", SERVER);
    new.give(dir.path(), "gateway", CLIENT);
    acceptor.reload();
    assert_eq!(acceptor.counters().reloaded, 1);
    let again = Follower::with(over_tls(&node, Some(gateway)), quick());
    again.reached(1).await;
    fault(&node, Some(before)).await;
}
