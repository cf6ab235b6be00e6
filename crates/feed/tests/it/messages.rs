//! The messages in `src/messages/generated.rs` are those of `proto/feed.proto`.

use std::fs;
use std::path::Path;

const GENERATED: &str = "src/messages/generated.rs";

/// Says how, when they are not: `UPDATE_TABLE=1 cargo test -p tidegate-feed messages`.
#[test]
fn the_messages_are_those_of_the_proto_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let proto = root.join("proto");
    let files = protox::compile([proto.join("feed.proto")], [&proto]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    prost_build::Config::new()
        .out_dir(folder.path())
        // An app has a secret.
        .skip_debug(["App"])
        .boxed("Record.kind.api")
        .compile_fds(files)
        .unwrap();
    let text = fs::read_to_string(folder.path().join("tidegate.feed.rs")).unwrap();
    if std::env::var_os("UPDATE_TABLE").is_some() {
        fs::write(root.join(GENERATED), &text).unwrap();
    }
    let known = fs::read_to_string(root.join(GENERATED)).unwrap_or_default();
    assert!(known == text, "{GENERATED} is out of date: UPDATE_TABLE=1 writes it");
}
