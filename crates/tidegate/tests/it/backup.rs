//! Backups: made while the server runs, restored elsewhere, refused when they are not whole, and killed
//! in the midst of it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::postgres::{decide, is_known};
use crate::support::{
    ANYWHERE, Dice, Folder, Http, Ran, Server, WORLD, done, keys, run, spawn, tidegate,
};

const PHRASE: &str = "correct horse battery";

/// How often it is killed while it makes a backup, and while it restores one.
const KILLS: usize = 25;

/// A folder with a file that holds a pass phrase, and one that holds a key.
struct Safe {
    folder: Folder,
    phrase: String,
    key: String,
}

impl Safe {
    fn new() -> Self {
        let folder = Folder::new();
        let phrase = folder.file("pass-phrase", &format!("{PHRASE}\nnot this line\n"));
        let key = folder.file("backup.key", &"5a".repeat(32));
        Self { folder, phrase, key }
    }

    fn path(&self, name: &str) -> String {
        self.folder.data().with_file_name(name).to_str().unwrap().to_owned()
    }
}

/// What a backup says of itself.
fn shown(file: &str, with: &[&str]) -> Value {
    serde_json::from_str(&done(&[&["backup", "show", file, "--output", "json"], with].concat()))
        .unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_backup_of_a_running_server_becomes_a_new_machine() {
    let (old, new, safe, http) = (Folder::new(), Folder::new(), Safe::new(), Http::new());
    let world = old.file("world.yaml", WORLD);
    old.done(&["apply", "-f", &world]);
    let server = Server::serve(&old);
    let decided = decide(&server, &http);
    let file = safe.path("monday");
    let phrase = ["--pass-phrase-file", safe.phrase.as_str()];
    let made = old.done(&[&["backup", &file], &phrase[..]].concat());
    assert!(made.contains("m001") && made.contains("vault.key, 65 bytes"), "{made}");
    is_known(&server, &http, &decided);
    let again = old.run(&[&["backup", &file], &phrase[..]].concat());
    assert!(again.code == Some(2) && again.err.contains("is there already"), "{again:?}");

    let before = shown(&file, &phrase);
    let restored = new.done(&[&["restore", &file], &phrase[..]].concat());
    assert!(restored.contains("under the new epoch"), "{restored}");
    let kept = ["folder.kind", "operator.token", "tidegate.db", "tidegate.lock", "vault.key"];
    assert_eq!(names(&new.data()), kept);
    let second = safe.path("of-the-new-one");
    new.done(&["backup", &second, "--key-file", &safe.key]);
    let after = shown(&second, &["--key-file", &safe.key]);
    for same in ["schema", "revision", "decided_at", "rows", "digest"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_ne!(before["epoch"], after["epoch"], "a new history");

    assert!(server.stop().success());
    let server = Server::serve(&new);
    is_known(&server, &http, &decided);
    assert!(server.stop().success());

    let bytes = std::fs::read(&file).unwrap();
    let read = |name: &str| std::fs::read_to_string(old.data().join(name)).unwrap();
    for secret in [read("vault.key"), read("operator.token"), "orders".into(), "SQLite".into()] {
        let secret = secret.trim().as_bytes();
        assert!(!bytes.windows(secret.len()).any(|w| w == secret), "it is sealed");
        let secret = String::from_utf8_lossy(secret).into_owned();
        assert!(!(made.clone() + &restored).contains(&secret), "it is not shown");
    }
    #[cfg(unix)]
    assert_eq!(crate::support::mode(Path::new(&file)), 0o600);
}

#[test]
fn what_is_no_whole_backup_is_refused_by_name_and_changes_nothing() {
    let (old, safe) = (Folder::new(), Safe::new());
    let world = old.file("world.yaml", WORLD);
    old.done(&["apply", "-f", &world]);
    let file = safe.path("good");
    old.done(&["backup", &file, "--pass-phrase-file", &safe.phrase]);
    let good = std::fs::read(&file).unwrap();
    let bent = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cut = |length: usize| good[..length].to_vec();
    let wrong = "the pass phrase or key is wrong, or its head is damaged";
    let damaged = "it is damaged or cut short";
    let foreign = "it is no backup of Tidegate";
    let end = good.len();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "another file",
            b"SQLite format 3\0 and so on, for a while longer than a head".to_vec(),
            foreign,
        ),
        ("nothing", Vec::new(), foreign),
        ("a bent beginning", bent(0), foreign),
        ("a later version", bent(16), "it has another version's form"),
        ("another kind", bent(20), "it was sealed with a key file"),
        ("a bent cost", bent(25), wrong),
        ("a costly head", bent(24), "it asks for too much work"),
        ("a bent salt", bent(40), wrong),
        ("a bent inner head", bent(70), wrong),
        ("a bent part", bent(end / 2), damaged),
        ("a bent end", bent(end - 1), damaged),
        ("half of it", cut(end / 2), damaged),
        ("all but the last byte", cut(end - 1), damaged),
        ("a head alone", cut(60), damaged),
        ("something behind it", [&good[..], b"x"].concat(), damaged),
    ];
    let kept = names(&old.data());
    let key = std::fs::read(old.data().join("vault.key")).unwrap();
    let path = safe.path("bad");
    for (what, bytes, says) in cases {
        std::fs::write(&path, bytes).unwrap();
        let with = ["--pass-phrase-file", safe.phrase.as_str()];
        let show = run(&[&["backup", "show", &path], &with[..]].concat());
        let over = old.run(&[&["restore", &path, "--force"], &with[..]].concat());
        for ran in [show, over] {
            // What was given is wrong, or what it holds is damaged.
            let is_given = says == wrong || says == foreign || says.contains("with a key file");
            let code = if is_given { 2 } else { 3 };
            assert_eq!(ran.code, Some(code), "{what}: {ran:?}");
            assert!(ran.err.contains(says) && ran.out.is_empty(), "{what}: {ran:?}");
            assert!(!ran.err.contains(PHRASE), "{what}: {ran:?}");
        }
        assert_eq!(names(&old.data()), kept, "{what}");
        assert_eq!(std::fs::read(old.data().join("vault.key")).unwrap(), key, "{what}");
    }
    let other = safe.folder.file("other", "another pass phrase");
    let short = safe.folder.file("short", "short");
    for (words, says) in [
        (vec!["backup", "show", &file, "--pass-phrase-file", &other], wrong),
        (
            vec!["backup", "show", &file, "--key-file", &safe.key],
            "with a pass phrase, not with a key",
        ),
        (vec!["backup", "show", &file, "--key-file", &safe.phrase], "with a pass phrase"),
        (vec!["backup", "show", &file], "a pass phrase is needed"),
        (vec!["backup", "show", "/nowhere"], "/nowhere cannot be read: there is no such file"),
        (vec!["restore", "/nowhere"], "there is no backup /nowhere"),
    ] {
        let ran = run(&words);
        assert!(ran.code == Some(2) && ran.err.contains(says), "{words:?}: {ran:?}");
    }
    let weak = old.run(&["backup", &safe.path("weak"), "--pass-phrase-file", &short]);
    assert!(weak.code == Some(2) && weak.err.contains("needs 12 characters"), "{weak:?}");
    let no_key = old.run(&["backup", &safe.path("weak"), "--key-file", &safe.phrase]);
    assert!(no_key.code == Some(2) && no_key.err.contains("holds no key: 64 hex"), "{no_key:?}");
    assert!(!Path::new(&safe.path("weak")).exists());
}

#[test]
fn a_restore_fills_an_empty_folder_or_keeps_what_was_there() {
    let (old, safe) = (Folder::new(), Safe::new());
    let world = old.file("world.yaml", WORLD);
    old.done(&["apply", "-f", &world]);
    let file = safe.path("good");
    let with = ["--key-file", safe.key.as_str()];
    old.done(&[&["backup", &file], &with[..]].concat());
    let key = std::fs::read(old.data().join("vault.key")).unwrap();
    let restore = [&["restore", &file], &with[..]].concat();
    let refused = old.run(&restore);
    assert!(refused.code == Some(2) && refused.err.contains("is not empty"), "{refused:?}");

    let server = Server::serve(&old);
    let busy = old.run(&[&restore[..], &["--force"]].concat());
    assert!(busy.code == Some(3) && busy.err.contains("another process works"), "{busy:?}");
    assert!(server.stop().success());

    let told = old.done(&[&restore[..], &["--force"]].concat());
    let aside = names(&old.data()).into_iter().find(|name| name.starts_with("before-")).unwrap();
    assert!(told.contains(&aside), "{told}");
    let aside = old.data().join(aside);
    assert!(aside.join("tidegate.db").exists() && aside.join("operator.token").exists());
    assert_eq!(std::fs::read(aside.join("vault.key")).unwrap(), key);
    assert!(Server::serve(&old).stop().success());
}

#[test]
fn a_gateway_forgets_what_was_decided_after_the_backup() {
    let (folder, safe, http) = (Folder::new(), Safe::new(), Http::new());
    let world = folder.file("world.yaml", WORLD);
    folder.done(&["apply", "-f", &world]);
    let server = Server::serve(&folder);
    let decided = decide(&server, &http);
    let file = safe.path("before-the-second-app");
    folder.done(&["backup", &file, "--key-file", &safe.key]);
    // What comes now is not in it: another app, with a grant.
    let base = format!("{}/v1/p1/service", server.control);
    let late = http.send(
        Method::POST,
        &format!("{base}/apps"),
        &[],
        Some(&json!({ "name": "late" })),
        Some(&keys("olaf")),
    );
    let late = late.json();
    let text = |field: &str| late[field].as_str().unwrap().to_owned();
    let grant = json!({
        "api_id": decided.api, "instance_id": "g1", "app_id": text("id"),
        "apply_type": "APPLY_TYPE_AUTHORIZE", "time": "2099-01-01T00:00:00Z",
    });
    let action = format!("{base}/apis/authorize/action");
    assert_eq!(
        http.send(Method::POST, &action, &[], Some(&grant), Some(&keys("rita"))).status,
        204
    );
    let late = crate::support::Keys { access: text("app_key"), secret: text("app_secret") };
    let call = |server: &Server| {
        http.send(Method::GET, &format!("{}/orders", server.gateway), &[], None, Some(&late)).status
    };
    assert_eq!(call(&server), 502, "let in; nobody answers at the backend");
    assert!(server.stop().success());

    folder.done(&["restore", &file, "--key-file", &safe.key, "--force"]);
    let aside = names(&folder.data()).into_iter().find(|name| name.starts_with("before-")).unwrap();
    // A gateway elsewhere would still have this.
    for name in ["gate.snapshot", "gate.key"] {
        std::fs::copy(folder.data().join(&aside).join(name), folder.data().join(name)).unwrap();
    }
    let server = Server::serve(&folder);
    assert_eq!(call(&server), 401, "nobody knows its key any more");
    is_known(&server, &http, &decided);
    assert!(server.stop().success());
}

/// Starts a command and kills it after a while, or when it has ended.
fn killed(words: &[&str], after: Duration) {
    let mut process = spawn(&mut tidegate(words));
    // It prints only when it is done.
    let _ = process.lines.recv_timeout(after);
    process.kill();
}

/// Runs a command that must succeed, and tells moments within a little more time than it took.
fn moments(words: &[&str], dice: &mut Dice) -> Vec<Duration> {
    let began = Instant::now();
    done(words);
    let most = u64::try_from(began.elapsed().as_micros()).unwrap() * 5 / 4;
    (0..KILLS).map(|_| Duration::from_micros(dice.below(most))).collect()
}

#[test]
fn a_backup_that_is_killed_leaves_nothing_half() {
    let (old, safe) = (Folder::new(), Safe::new());
    let world = old.file("world.yaml", WORLD);
    old.done(&["apply", "-f", &world]);
    let (from, with) = (old.word(), ["--key-file", safe.key.as_str()]);
    let first = safe.path("first");
    let first = [&["backup", &first, "--data-dir", &from], &with[..]].concat();
    let mut whole = 0;
    for (n, moment) in moments(&first, &mut Dice(0x6261_636b)).into_iter().enumerate() {
        let file = safe.path(&format!("killed-{n}"));
        let backup = [&["backup", &file, "--data-dir", &from], &with[..]].concat();
        killed(&backup, moment);
        if Path::new(&file).exists() {
            whole += 1;
        } else {
            done(&backup);
        }
        shown(&file, &with);
    }
    assert!(!names(&old.data()).contains(&"backup.tmp".to_owned()), "{:?}", names(&old.data()));
    eprintln!("{KILLS} kills of a backup, {whole} of them after it");
}

#[test]
fn a_restore_that_is_killed_leaves_nothing_half() {
    let (old, safe) = (Folder::new(), Safe::new());
    let world = old.file("world.yaml", WORLD);
    old.done(&["apply", "-f", &world]);
    let (file, with) = (safe.path("good"), ["--key-file", safe.key.as_str()]);
    old.done(&[&["backup", &file], &with[..]].concat());
    let expected = shown(&file, &with)["digest"].clone();
    let target = Folder::new();
    let word = target.word();
    let first = [&["restore", &file, "--data-dir", &word], &with[..]].concat();
    let (mut midst, mut after) = (0, 0);
    for (n, moment) in moments(&first, &mut Dice(0x7265_7374)).into_iter().enumerate() {
        // Every other time into a folder that holds another world, which must not be lost.
        let (new, is_full) = (Folder::new(), n % 2 == 1);
        if is_full {
            new.done(&["apply", "-f", &world]);
        }
        let key = std::fs::read(new.data().join("vault.key")).ok();
        let word = new.word();
        let restore = [&["restore", &file, "--data-dir", &word], &with[..]].concat();
        let over = [&restore[..], &["--force"]].concat();
        killed(if is_full { &over } else { &restore }, moment);
        let there = names(&new.data());
        let is_in_midst = there.contains(&"restore.tmp".to_owned());
        if is_in_midst {
            midst += 1;
            let ran = new.run(&["apply", "-f", &world]);
            assert!(ran.err.contains("was interrupted; run it again"), "{n}: {ran:?}");
        }
        let asides = || names(&new.data()).into_iter().filter(|name| name.starts_with("before-"));
        let is_done = !is_in_midst
            && if is_full {
                asides().count() == 1
            } else {
                there.contains(&"vault.key".to_owned())
            };
        after += usize::from(is_done);
        if !is_done {
            let is_empty = !there.contains(&"tidegate.db".to_owned()) && !is_full;
            done(if is_empty { &restore } else { &over });
        }
        let again = safe.path(&format!("again-{n}"));
        new.done(&[&["backup", &again], &with[..]].concat());
        assert_eq!(shown(&again, &with)["digest"], expected, "{n}");
        if let Some(key) = key {
            let kept = asides().map(|name| std::fs::read(new.data().join(name).join("vault.key")));
            assert!(kept.flatten().any(|kept| kept == key), "{n}: the other world is kept");
        }
    }
    eprintln!("{KILLS} kills of a restore, {midst} in its midst, {after} after it");
}

#[test]
fn a_store_on_postgresql_is_left_to_its_tools_and_gets_a_new_epoch() {
    let (folder, safe) = (Folder::new(), Safe::new());
    let url = tidegate_testkit::postgres::database();
    let on = |words: &[&str], url: &str| -> Ran {
        let mut command = tidegate(words);
        command.env("TIDEGATE_DATA_DIR", folder.data()).env("TIDEGATE_DATABASE", url);
        command.output().unwrap().into()
    };
    let world = folder.file("world.yaml", WORLD);
    assert_eq!(on(&["apply", "-f", &world], &url).code, Some(0));
    let file = safe.path("no");
    let refused = on(&["backup", &file, "--key-file", &safe.key], &url);
    assert!(refused.code == Some(2) && refused.err.contains("pg_dump"), "{refused:?}");
    assert!(!refused.err.contains(tidegate_testkit::postgres::PASSWORD));

    let first = on(&["store", "new-epoch"], &url);
    assert!(first.out.starts_with("revision 1, under the new epoch "), "{first:?}");
    let second = on(&["store", "new-epoch"], &url);
    assert_ne!(first.out, second.out);

    let dump: PathBuf = folder.data().join("tidegate.dump");
    let restored = tidegate_testkit::postgres::dumped_and_restored(&url, &dump);
    let http = Http::new();
    let epoch = on(&["store", "new-epoch"], &restored);
    assert!(epoch.out.starts_with("revision 1, under the new epoch "), "{epoch:?}");
    assert_ne!(epoch.out, second.out);
    let server = Server::serve_with(&folder, &[("TIDEGATE_DATABASE", &restored)]);
    let decided = decide(&server, &http);
    is_known(&server, &http, &decided);
    assert!(server.stop().success());
}

/// B7: what moves a store takes along whose it is.
#[test]
fn a_backup_of_a_development_server_becomes_no_real_one() {
    let (dev, new, safe) = (Folder::new(), Folder::new(), Safe::new());
    assert!(Server::dev(&dev, &[]).stop().success());
    let file = safe.path("dev");
    let key = ["--key-file", safe.key.as_str()];
    dev.done(&[&["backup", &file], &key[..]].concat());
    new.done(&[&["restore", &file], &key[..]].concat());
    let mut serve = tidegate(&["serve"]);
    serve.env("TIDEGATE_DATA_DIR", new.data()).envs(ANYWHERE);
    let refused = Ran::from(serve.output().unwrap());
    assert!(refused.err.contains("is a development server's"), "{refused:?}");
}

/// A backup that nobody could open is none.
#[test]
fn nothing_is_saved_under_a_key_that_does_not_fit() {
    let (old, other, safe) = (Folder::new(), Folder::new(), Safe::new());
    for folder in [&old, &other] {
        let world = folder.file("world.yaml", WORLD);
        folder.done(&["apply", "-f", &world]);
    }
    let vault = |folder: &Folder| folder.data().join("vault.key");
    std::fs::copy(vault(&other), vault(&old)).unwrap();
    let file = safe.path("none");
    let refused = old.run(&["backup", &file, "--key-file", &safe.key]);
    assert!(
        refused.code == Some(3) && refused.err.contains("vault.key does not open"),
        "{refused:?}"
    );
    assert!(!std::path::Path::new(&file).exists());
}
