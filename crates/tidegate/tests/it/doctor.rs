//! The doctor, beside a server and without one.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;
use tidegate_testkit::postgres::{PASSWORD, Server as Postgres, database};

use crate::postgres::decide;
use crate::support::{ANYWHERE, Folder, Http, PATIENCE, Ran, Server, WORLD, pause, tidegate};

fn doctor(folder: &Folder, words: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = tidegate(&[&["doctor"], words].concat());
    command.env("TIDEGATE_DATA_DIR", folder.data()).envs(ANYWHERE).envs(variables.iter().copied());
    command.output().unwrap().into()
}

/// All that is not well, as `level check`.
fn amiss(ran: &Ran) -> Vec<String> {
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let findings = told["findings"].as_array().unwrap().iter();
    let amiss = findings.filter(|finding| finding["level"] != "ok");
    amiss
        .map(|finding| {
            assert!(finding["advice"].is_string(), "{finding}");
            let text = |field: &str| finding[field].as_str().unwrap().to_owned();
            format!("{} {}", text("level"), text("check"))
        })
        .collect()
}

#[cfg(unix)]
fn keep_private(file: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn keep_private(_: &str) {}

fn certificate(days: i64) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let year = |days: i64| {
        let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        let date = now.to_string();
        let part = |from: usize, to: usize| date[from..to].parse::<i32>().unwrap();
        let (month, day) = (u8::try_from(part(5, 7)).unwrap(), u8::try_from(part(8, 10)).unwrap());
        rcgen::date_time_ymd(part(0, 4), month, day)
    };
    params.not_before = year(days - 100);
    params.not_after = year(days);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn a_healthy_server_and_a_new_folder_are_well() {
    let folder = Folder::new();
    let fresh = doctor(&folder, &[], &[]);
    assert_eq!(fresh.code, Some(0), "{fresh:?}");
    assert!(fresh.out.contains("is not there yet; the first start makes it"), "{fresh:?}");
    assert!(!folder.data().exists(), "it changes nothing");

    let world = folder.file("world.yaml", WORLD);
    folder.done(&["apply", "-f", &world]);
    let server = Server::serve(&folder);
    decide(&server, &Http::new());
    let address = |url: &str| url.strip_prefix("http://").unwrap().to_owned();
    let (control, gateway) = (address(&server.control), address(&server.gateway));
    let own =
        [("TIDEGATE_CONTROL_ADDR", control.as_str()), ("TIDEGATE_GATEWAY_ADDR", gateway.as_str())];
    let beside = doctor(&folder, &[], &own);
    assert_eq!(beside.code, Some(0), "{beside:?}");
    for part in [
        "a server works on it",
        "vault.key opens the secrets in the store",
        "nothing is wrong with the structure",
        &format!("{control} is the running server's"),
        &format!("http://{gateway} is ready"),
    ] {
        assert!(beside.out.contains(part), "{part} is missing in {}", beside.out);
    }
    assert!(server.stop().success());
    let after = doctor(&folder, &["--json"], &[]);
    assert_eq!((after.code, amiss(&after)), (Some(0), Vec::new()), "{after:?}");
    assert!(after.out.contains("can be read, at revision"), "{after:?}");
}

#[test]
fn what_is_wrong_is_found_and_named() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    folder.done(&["apply", "-f", &world]);
    let server = Server::serve(&folder);
    decide(&server, &Http::new());
    assert!(server.stop().success());
    let data = |name: &str| folder.data().join(name);
    let found = |variables: &[(&str, &str)]| amiss(&doctor(&folder, &["--json"], variables));

    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let in_use = held.local_addr().unwrap().to_string();
    assert_eq!(found(&[]), Vec::<String>::new());
    assert_eq!(found(&[("TIDEGATE_CONTROL_ADDR", &in_use)]), ["fault control_addr"]);
    assert_eq!(found(&[("TIDEGATE_CHECK_ADDR", "0.0.0.0:0")]), ["warning check_addr"]);
    assert_eq!(found(&[("TIDEGATE_PORT", "tcp://10.0.0.1")]), ["warning configuration"]);
    let both = [("TIDEGATE_LOG_FORMAT", "xml"), ("TIDEGATE_GATEWAY_LEASE_SECONDS", "1")];
    assert_eq!(found(&both), ["fault configuration", "fault configuration"]);

    let pair = |days| {
        let (certificate, key) = certificate(days);
        let files = (
            folder.file(&format!("{days}.pem"), &certificate),
            folder.file(&format!("{days}.key"), &key),
        );
        keep_private(&files.1);
        files
    };
    let (good, soon, over) = (pair(90), pair(5), pair(-5));
    for (certificate, key, expected) in [
        (&good.0, &good.1, vec![]),
        (&good.0, &soon.1, vec!["fault tls"]),
        (&soon.0, &soon.1, vec!["warning tls"]),
        (&over.0, &over.1, vec!["fault tls"]),
    ] {
        let files = [
            ("TIDEGATE_GATEWAY_TLS_CERT", certificate.as_str()),
            ("TIDEGATE_GATEWAY_TLS_KEY", key),
        ];
        assert_eq!(found(&files), expected, "{certificate} {key}");
    }

    std::fs::create_dir(data("restore.tmp")).unwrap();
    assert_eq!(found(&[]), ["fault data folder"]);
    std::fs::remove_dir(data("restore.tmp")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let set = |mode| {
            std::fs::set_permissions(data("vault.key"), std::fs::Permissions::from_mode(mode))
        };
        set(0o644).unwrap();
        assert_eq!(found(&[]), ["fault rights"]);
        set(0o600).unwrap();
    }
    let key = std::fs::read_to_string(data("gate.key")).unwrap();
    std::fs::write(data("gate.key"), "abc").unwrap();
    assert_eq!(found(&[]), ["warning snapshot"]);
    assert_eq!(std::fs::read_to_string(data("gate.key")).unwrap(), "abc", "it changes nothing");
    std::fs::write(data("gate.key"), key).unwrap();

    let key = std::fs::read_to_string(data("vault.key")).unwrap();
    for wrong in ["00".repeat(32), "abc".to_owned()] {
        std::fs::write(data("vault.key"), wrong).unwrap();
        assert_eq!(found(&[]), ["fault vault"]);
    }
    std::fs::remove_file(data("vault.key")).unwrap();
    assert_eq!(found(&[]), ["fault vault"]);
    assert!(!data("vault.key").exists());
    std::fs::write(data("vault.key"), &key).unwrap();
    let mut store = std::fs::read(data("tidegate.db")).unwrap();
    store[100..4_000].fill(0x5a);
    std::fs::write(data("tidegate.db"), store).unwrap();
    let broken = doctor(&folder, &[], &[]);
    assert_eq!(broken.code, Some(2), "{broken:?}");
    assert!(!broken.out.contains(key.trim()) && !broken.out.contains("rita-secret"), "{broken:?}");
}

#[test]
fn a_store_on_postgresql_is_looked_at_and_its_password_is_not_shown() {
    let (folder, url) = (Folder::new(), database());
    let on = [("TIDEGATE_DATABASE", url.as_str())];
    let fresh = doctor(&folder, &[], &on);
    assert!(fresh.code == Some(0) && fresh.out.contains("is empty; the first start"), "{fresh:?}");
    let world = folder.file("world.yaml", WORLD);
    let mut apply = tidegate(&["apply", "-f", &world]);
    apply.env("TIDEGATE_DATA_DIR", folder.data()).envs(on);
    assert!(apply.output().unwrap().status.success());
    let well = doctor(&folder, &["--json"], &on);
    assert_eq!((well.code, amiss(&well)), (Some(0), Vec::new()), "{well:?}");
    assert!(well.out.contains("this clock and the database's are"), "{well:?}");
    let away = [("TIDEGATE_DATABASE", "postgres://u:sEcret@localhost/w?host=/nowhere")];
    let away = doctor(&folder, &["--json"], &away);
    assert_eq!((away.code, amiss(&away)), (Some(2), vec!["fault store".to_owned()]), "{away:?}");
    for ran in [fresh, well, away] {
        let all = ran.out + &ran.err;
        assert!(!all.contains(PASSWORD) && !all.contains("sEcret"), "{all}");
    }
}

/// D9: in such a database the first name that is not Latin could not be kept.
#[test]
fn a_database_of_another_encoding_is_refused_and_named() {
    let server = Postgres::start();
    server.sql("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let url = server.url().replace("/world?", "/latin?");
    let folder = Folder::new();
    for words in [&["serve"][..], &["doctor"]] {
        let mut command = tidegate(words);
        command.env("TIDEGATE_DATA_DIR", folder.data()).env("TIDEGATE_DATABASE", &url);
        command.envs(ANYWHERE);
        let ran = Ran::from(command.output().unwrap());
        let said = format!("{}{}", ran.out, ran.err);
        assert_ne!(ran.code, Some(0), "{ran:?}");
        assert!(said.contains("its encoding is LATIN1") && said.contains("UTF8"), "{said}");
    }
}

/// C12: neither an empty store in place of one that is gone, nor one whose pages are damaged, is begun with.
#[test]
fn a_store_that_is_gone_or_damaged_is_not_begun_with() {
    let folder = Folder::new();
    let world = folder.file("world.yaml", WORLD);
    folder.done(&["apply", "-f", &world]);
    assert!(Server::serve(&folder).stop().success());
    let file = folder.data().join("tidegate.db");
    // Whoever closes the store last moves all into the one file, but not while somebody still reads.
    let log = folder.data().join("tidegate.db-wal");
    let deadline = Instant::now() + PATIENCE;
    while log.metadata().is_ok_and(|log| log.len() > 0) {
        assert!(Instant::now() < deadline, "it stays in the log");
        folder.done(&["apply", "-f", &world, "--dry-run"]);
    }
    let good = std::fs::read(&file).unwrap();
    let start = || {
        let mut command = tidegate(&["serve"]);
        command.env("TIDEGATE_DATA_DIR", folder.data()).envs(ANYWHERE);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut server = command.spawn().unwrap();
        // One that is not refused would go on for ever.
        let deadline = Instant::now() + PATIENCE;
        while server.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                server.kill().unwrap();
            }
            pause();
        }
        Ran::from(server.wait_with_output().unwrap())
    };
    std::fs::remove_file(&file).unwrap();
    let gone = start();
    assert!(gone.code == Some(3) && gone.err.contains("is missing, though its key"), "{gone:?}");
    assert!(!file.exists(), "no empty one is made");
    assert_eq!(amiss(&doctor(&folder, &["--json"], &[])), ["fault store"]);

    // The pages of a table's rows: the file opens, and what is read from it may be wrong.
    let mut damaged = good.clone();
    for page in damaged.chunks_mut(4_096).skip(1) {
        if page.windows(7).any(|text| text == b"RITAKEY") {
            page.fill(0x5a);
        }
    }
    assert!(damaged != good);
    std::fs::write(&file, &damaged).unwrap();
    let refused = start();
    // Whether it can be opened at all depends on the page.
    let is_named = ["is damaged", "is malformed"].iter().any(|text| refused.err.contains(text));
    assert!(refused.code == Some(3) && is_named, "{refused:?}");
    let found = amiss(&doctor(&folder, &["--json"], &[]));
    assert!(found.iter().any(|it| it == "fault integrity" || it == "fault store"), "{found:?}");
    std::fs::write(&file, &good).unwrap();
    assert!(Server::serve(&folder).stop().success());
}
