//! The files of the data folder: whatever is wrong with one, `config check`, a start and `doctor` say the same.

use std::path::Path;

use crate::support::{ANYWHERE, Folder, Ran, Server, tidegate};

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    Missing,
    Empty,
    /// Bytes that are no text.
    NoText,
    /// Its last digit is gone.
    Cut,
    /// A folder in its place.
    Folder,
    /// This user may not read it.
    Closed,
}

use Harm::{Closed, Cut, Empty, Missing, NoText};

const HARMS: [Harm; 6] = [Missing, Empty, NoText, Cut, Harm::Folder, Closed];

/// How a start ends, and what all three say.
#[derive(Debug, Clone, Copy)]
enum Said {
    /// It starts, and nobody says anything of the file.
    Nothing,
    /// It starts, and all say this.
    Warned(&'static str),
    /// Nothing starts, for this.
    Refused(&'static str),
}

use Said::{Nothing, Refused, Warned};

const NO_TEXT: &str = "cannot be read: it is not text in UTF-8";
const FOLDER: &str = "cannot be read: it is a folder";
const CLOSED: &str = "cannot be read: this user may not";
const NO_OTHER: &str = "cannot be replaced: it is a folder";

/// What is said of a file, in the order of [`HARMS`].
const TABLE: [(&str, [Said; 6]); 10] = {
    let key = "holds no key: it has 64 hex digits";
    let id = "holds no id: it has 32 hex digits";
    let feed = "holds no token of a feed: it has 64 hex digits";
    let (damaged, lost) = ("the snapshot file cannot be used", "the snapshot file cannot be used");
    let lock = "cannot be opened: ";
    [
        (
            "vault.key",
            [
                Refused("vault.key is missing, so the secrets in"),
                Refused(key),
                Refused(NO_TEXT),
                Refused(key),
                Refused(FOLDER),
                Refused(CLOSED),
            ],
        ),
        (
            "operator.token",
            [
                Nothing,
                Refused("holds no token: it has 32 characters at least"),
                Refused(NO_TEXT),
                Nothing,
                Refused(FOLDER),
                Refused(CLOSED),
            ],
        ),
        (
            "feed.token",
            [
                Refused("(feed.token) is not here"),
                Refused(feed),
                Refused(NO_TEXT),
                Refused(feed),
                Refused(FOLDER),
                Refused(CLOSED),
            ],
        ),
        (
            "gateway.id",
            [Nothing, Refused(id), Refused(NO_TEXT), Refused(id), Refused(FOLDER), Refused(CLOSED)],
        ),
        (
            "gate.key",
            [Warned(lost), Warned(key), Warned(key), Warned(key), Refused(FOLDER), Refused(CLOSED)],
        ),
        (
            "gate.snapshot",
            [
                Nothing,
                Warned(damaged),
                Warned(damaged),
                Warned(damaged),
                Warned(NO_OTHER),
                Warned(damaged),
            ],
        ),
        (
            "folder.kind",
            [
                Nothing,
                Refused("folder.kind is empty; expected `real`"),
                Refused(NO_TEXT),
                Refused("folder.kind holds `rea`; expected `real`"),
                Refused(FOLDER),
                Refused(CLOSED),
            ],
        ),
        ("tidegate.lock", [Nothing, Nothing, Nothing, Nothing, Refused(lock), Refused(lock)]),
        ("server.json", [Nothing, Nothing, Nothing, Nothing, Refused(NO_OTHER), Nothing]),
        // There only while a restore is not done.
        (
            "restore.tmp",
            [
                Nothing,
                Refused("was interrupted"),
                Refused("was interrupted"),
                Refused("was interrupted"),
                Refused("was interrupted"),
                Refused("was interrupted"),
            ],
        ),
    ]
};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(to, from.metadata().unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// False if it cannot be done here.
fn harm(path: &Path, harm: Harm) -> bool {
    let text = std::fs::read(path).unwrap_or_default();
    let remove = || {
        let _ = std::fs::remove_file(path);
    };
    // Its rights stay as they are.
    match harm {
        Missing => remove(),
        Empty => private(path, b""),
        NoText => private(path, b"\xff\xfe\xff"),
        Cut => {
            let line = text.trim_ascii_end();
            private(path, line.split_last().map_or(&b"x"[..], |(_, rest)| rest));
        }
        Harm::Folder => {
            remove();
            std::fs::create_dir(path).unwrap();
            set_mode(path, 0o700);
        }
        Closed => {
            if is_root() {
                return false;
            }
            private(path, &text);
            set_mode(path, 0o000);
        }
    }
    true
}

fn private(path: &Path, text: &[u8]) {
    std::fs::write(path, text).unwrap();
    set_mode(path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

#[cfg(unix)]
use crate::support::is_root;

#[cfg(not(unix))]
fn is_root() -> bool {
    true
}

fn ran(words: &[&str], data: &Path) -> Ran {
    let mut command = tidegate(words);
    command.env("TIDEGATE_DATA_DIR", data).envs(ANYWHERE).output().unwrap().into()
}

/// What `doctor` finds that is not as it should be.
fn findings(doctor: &Ran) -> Vec<String> {
    let found: serde_json::Value = serde_json::from_str(&doctor.out).unwrap();
    let found = found["findings"].as_array().unwrap().clone().into_iter();
    let bad = found.filter(|it| it["level"] != "ok");
    bad.map(|it| it["found"].as_str().unwrap().to_owned()).collect()
}

/// What is said of the machine the test runs on: how much room there is, how many files it may open.
fn is_of_the_machine(found: &str) -> bool {
    found.contains("MiB are free") || found.contains("a process may open")
}

#[test]
fn whatever_is_wrong_with_a_file_of_the_data_folder_is_told_alike() {
    let made = Folder::new();
    let world = made.file("world.yaml", crate::support::WORLD);
    made.done(&["apply", "-f", &world]);
    // Only what was acknowledged by the control side is kept, so a snapshot is waited for.
    let server = Server::serve_with(&made, &ANYWHERE);
    assert!(server.stop().success());
    assert!(made.data().join("gate.snapshot").exists());
    for (file, said) in TABLE {
        for (how, said) in HARMS.into_iter().zip(said) {
            let folder = Folder::new();
            copy(&made.data(), &folder.data());
            if !harm(&folder.data().join(file), how) {
                continue;
            }
            let check = ran(&["config", "check"], &folder.data());
            let doctor = ran(&["doctor", "--json"], &folder.data());
            let (what, is_refused) = match said {
                Nothing => (None, false),
                Warned(what) => (Some(what), false),
                Refused(what) => (Some(what), true),
            };
            let start = if is_refused {
                let start = ran(&["serve"], &folder.data());
                assert_eq!(start.code, check.code, "{file} {how:?}: {start:?}\n{check:?}");
                assert!(matches!(start.code, Some(2 | 3)), "{file} {how:?}: {start:?}");
                start.err
            } else {
                let server = Server::serve_with(&folder, &ANYWHERE);
                server.stopped()
            };
            let found = findings(&doctor);
            let found = found.iter().filter(|found| !is_of_the_machine(found));
            let found: Vec<_> = found.map(String::as_str).collect();
            assert_eq!(found.len(), usize::from(what.is_some()), "{file} {how:?}: {found:?}");
            for (who, text) in
                [("check", &check.err), ("doctor", &found.join("\n")), ("start", &start)]
            {
                let times = what.map_or(0, |what| text.matches(what).count());
                assert_eq!(
                    times,
                    usize::from(what.is_some()),
                    "{file} {how:?}, {who}: {said:?} {text}"
                );
            }
        }
    }
}

/// Somebody else's file, or one of a later version: what is in it is said, and what would be right.
#[test]
fn an_unknown_kind_of_folder_is_named_with_what_is_expected() {
    let folder = Folder::new();
    assert!(Server::serve(&folder).stop().success());
    let long = "x".repeat(60);
    for (content, said) in [
        ("proxy\n", "folder.kind holds `proxy`; expected `real`, of a server's folder, or `dev`"),
        ("\n", "folder.kind is empty; expected `real`"),
        (long.as_str(), "xxxx…`; expected"),
        ("\u{1b}[2Jreal", "holds `\\u{1b}[2Jreal`; expected"),
    ] {
        std::fs::write(folder.data().join("folder.kind"), content).unwrap();
        for words in [&["config", "check"][..], &["serve"], &["doctor"], &["dev"]] {
            let words = match words {
                ["dev"] => &["dev", "--control-addr", "127.0.0.1:0", "--data-dir", &folder.word()],
                _ => words,
            };
            let ran = ran(words, &folder.data());
            assert!(matches!(ran.code, Some(2 | 3)), "{words:?}: {ran:?}");
            assert!((ran.out + &ran.err).contains(said), "{words:?}: {said}");
        }
    }
}
