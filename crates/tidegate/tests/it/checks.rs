//! What doctor knows, `config check` and a start ask too, in the same words.

use std::path::Path;

use crate::support::{ANYWHERE, Folder, Ran, Server, done, tidegate};

/// A folder with the certificates of two installations.
struct Certificates(Folder);

impl Certificates {
    fn new() -> Self {
        let folder = Folder::new();
        for of in ["ours", "theirs"] {
            let dir = folder.data().join(of);
            let dir = dir.to_str().unwrap();
            done(&["certs", "--dir", dir, "--control", "127.0.0.1", "--gateway", "gw-1"]);
        }
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.data().join(name).to_str().unwrap().to_owned()
    }

    /// A certificate of ours for a control node, with its key, whose time is over.
    fn ended(&self) -> [String; 2] {
        let read = |name: &str| std::fs::read_to_string(self.file(name)).unwrap();
        let key = rcgen::KeyPair::from_pem(&read("ours/ca.key")).unwrap();
        // Name and key are all that a certificate takes from its authority's.
        let mut authority = rcgen::CertificateParams::default();
        authority.distinguished_name = rcgen::DistinguishedName::new();
        authority.distinguished_name.push(rcgen::DnType::CommonName, "Tidegate");
        let issuer = rcgen::Issuer::new(authority, key);
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let certificate = params.signed_by(&key, &issuer).unwrap().pem();
        [self.0.file("ended.pem", &certificate), self.0.file("ended.key", &key.serialize_pem())]
    }
}

type Variables<'v> = [(&'v str, String)];

fn ran(words: &[&str], data: &Path, variables: &Variables<'_>) -> Ran {
    let mut command = tidegate(words);
    let variables = variables.iter().map(|(name, value)| (*name, value.as_str()));
    command.env("TIDEGATE_DATA_DIR", data).envs(variables).output().unwrap().into()
}

/// `config check`, a start and `doctor` say this, once, and the first two end with 2.
#[track_caller]
fn all_say(role: &str, variables: &Variables<'_>, what: &str) {
    let folder = Folder::new();
    let local = ["CONTROL", "GATEWAY"].map(|side| format!("TIDEGATE_{side}_ADDR"));
    let mut all: Vec<(&str, String)> = variables.to_vec();
    all.extend(local.iter().map(|name| (name.as_str(), "127.0.0.1:0".to_owned())));
    for words in [&["config", "check"][..], &[role]] {
        let ran = ran(words, &folder.data(), &all);
        assert_eq!(ran.code, Some(2), "{words:?}: {ran:?}");
        assert_eq!(ran.err.matches(what).count(), 1, "{words:?}: {what} in {}", ran.err);
        assert!(!ran.err.contains('{') && !ran.err.contains("Error("), "{}", ran.err);
        assert!(!folder.data().exists(), "nothing is begun");
    }
    let doctor = ran(&["doctor"], &folder.data(), &all);
    assert!(doctor.code == Some(2) && doctor.out.contains(what), "{doctor:?}");
}

fn feed(control: bool, ca: &str, certificate: &str, key: &str) -> Vec<(&'static str, String)> {
    let at = if control {
        ("TIDEGATE_FEED_ADDR", "127.0.0.1:0")
    } else {
        ("TIDEGATE_CONTROL_URLS", "https://127.0.0.1:9")
    };
    let files =
        [("TIDEGATE_FEED_CA", ca), ("TIDEGATE_FEED_CERT", certificate), ("TIDEGATE_FEED_KEY", key)];
    files.into_iter().chain([at]).map(|(name, value)| (name, value.to_owned())).collect()
}

#[test]
fn certificates_of_the_feed_that_nobody_would_believe_are_found_before_anything_starts() {
    let certificates = Certificates::new();
    let file = |name: &str| certificates.file(name);
    let pair =
        |of: &str, name: &str| [".pem", ".key"].map(|end| file(&format!("{of}/{name}{end}")));
    let (control, gateway) = (pair("ours", "127.0.0.1"), pair("ours", "gw-1"));
    let (theirs, ended) = (pair("theirs", "127.0.0.1"), certificates.ended());
    let ca = file("ours/ca.pem");
    for (is_control, [certificate, key], what) in [
        (true, &ended, "ended at 2021-01-01"),
        (true, &theirs, "is not of the authority in"),
        (true, &gateway, "is not good for being called"),
        (false, &control, "is not good for calling"),
        (true, &[control[0].clone(), gateway[1].clone()], "is not the key of the certificate in"),
        (false, &[file("nowhere.pem"), gateway[1].clone()], "nowhere.pem cannot be read"),
        (false, &[ca.clone(), file("ours/ca.pem")], "there is no private key in it"),
    ] {
        let role = if is_control { "control" } else { "gateway" };
        all_say(role, &feed(is_control, &ca, certificate, key), what);
    }
    let folder = Folder::new();
    for (is_control, [certificate, key]) in [(true, &control), (false, &gateway)] {
        let good = feed(is_control, &ca, certificate, key);
        let ran = ran(&["config", "check"], &folder.data(), &good);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
}

#[test]
fn a_certificate_of_the_gateway_that_ended_or_does_not_fit_is_found_before_anything_starts() {
    let certificates = Certificates::new();
    let [certificate, key] = certificates.ended();
    let tls = |certificate: &str, key: &str| {
        let files = [("TIDEGATE_GATEWAY_TLS_CERT", certificate), ("TIDEGATE_GATEWAY_TLS_KEY", key)];
        files.map(|(name, value)| (name, value.to_owned()))
    };
    all_say("serve", &tls(&certificate, &key), "ended at 2021-01-01");
    let other = certificates.file("ours/gw-1.key");
    all_say("serve", &tls(&certificate, &other), "is not the key of the certificate in");
}

#[test]
fn a_level_that_is_none_is_a_fault_and_a_filter_is_not() {
    let folder = Folder::new();
    let check = |level: &str| {
        let level = [("TIDEGATE_LOG_LEVEL", level.to_owned())];
        ran(&["config", "check"], &folder.data(), &level)
    };
    for level in ["verbose", "info,verbose", "infos", ""] {
        let ran = check(level);
        assert!(ran.code == Some(2) && ran.err.contains("LOG_LEVEL"), "{level}: {ran:?}");
    }
    for level in ["info", "WARN", "info,tidegate_gateway=debug", "off", "tidegate=trace"] {
        assert_eq!(check(level).code, Some(0), "{level}");
    }
}

#[test]
fn listeners_that_are_open_to_a_network_are_warned_of_and_logged_as_they_are() {
    let folder = Folder::new();
    let open = [
        ("TIDEGATE_CONTROL_ADDR", "0.0.0.0:0"),
        ("TIDEGATE_CHECK_ADDR", "0.0.0.0:0"),
        ("TIDEGATE_GATEWAY_ADDR", "127.0.0.1:0"),
    ];
    let owned = open.map(|(name, value)| (name, value.to_owned()));
    let check = ran(&["config", "check"], &folder.data(), &owned);
    assert_eq!(check.code, Some(0), "{check:?}");
    let (plain, believes) = ("speaks plain HTTP", "believes its caller");
    assert!(check.err.contains(plain) && check.err.contains(believes), "{check:?}");
    let server = Server::serve_with(&folder, &open);
    let log = server.stopped();
    assert!(log.contains(plain) && log.contains(believes), "{log}");
    assert!(log.contains("control=0.0.0.0:") && log.contains("gateway=127.0.0.1:"), "{log}");
}

#[test]
fn what_is_set_and_could_not_be_used_is_found_before_anything_starts() {
    let folder = Folder::new();
    let file = folder.file("a-file", "");
    let url = ("TIDEGATE_NOTIFY_WEBHOOK_URL", "https://hooks.example/x".to_owned());
    let short = ("TIDEGATE_NOTIFY_WEBHOOK_SECRET", "short".to_owned());
    let missing = ("TIDEGATE_NOTIFY_WEBHOOK_SECRET_FILE", format!("{file}.missing"));
    all_say("serve", &[url.clone(), short], "the webhook cannot be used");
    all_say("serve", &[url, missing], "the webhook cannot be used");
    let log = ("TIDEGATE_ACCESS_LOG_PATH", format!("{file}.d/access.log"));
    all_say("serve", &[log], "access_log.path: the folder of");
}

/// B7: a development server would give everybody the clock and the keys.
#[test]
fn a_development_server_and_a_real_one_refuse_each_others_folder() {
    let folder = Folder::new();
    assert!(Server::serve(&folder).stop().success());
    let dev =
        folder.run(&["dev", "--control-addr", "127.0.0.1:0", "--gateway-addr", "127.0.0.1:0"]);
    assert!(dev.code == Some(2) && dev.err.contains("is not a development server's"), "{dev:?}");
    assert!(!folder.data().join("dev.json").exists() && !folder.data().join("clock.json").exists());

    let folder = Folder::new();
    assert!(Server::dev(&folder, &[]).stop().success());
    let local = ANYWHERE.map(|(name, address)| (name, address.to_owned()));
    let check = ran(&["config", "check"], &folder.data(), &local);
    assert!(check.code == Some(2) && check.err.contains("is a development server's"), "{check:?}");
    for role in [&["serve"][..], &["control"], &["gateway", "--control", "http://127.0.0.1:9"]] {
        let ran = ran(role, &folder.data(), &local);
        assert!(ran.code == Some(2) && ran.err.contains("is a development server's"), "{ran:?}");
    }
}

/// B8: under another key, secrets would be sealed that nobody can open, beside those of before.
#[test]
fn a_start_with_another_key_than_the_stores_is_refused_and_seals_nothing() {
    let (ours, other) = (Folder::new(), Folder::new());
    for folder in [&ours, &other] {
        assert!(Server::serve(folder).stop().success());
    }
    let vault = |folder: &Folder| folder.data().join("vault.key");
    let key = std::fs::read(vault(&ours)).unwrap();
    let rows = |copy: &str| {
        let from = format!("sqlite:{}", ours.data().join("tidegate.db").display());
        let to = format!("sqlite:{}", ours.path().join(copy).display());
        done(&["store", "copy", "--from", &from, "--to", &to])
    };
    let before = rows("before");
    std::fs::copy(vault(&other), vault(&ours)).unwrap();
    let local = ANYWHERE.map(|(name, address)| (name, address.to_owned()));
    for role in [&["serve"][..], &["control"]] {
        let ran = ran(role, &ours.data(), &local);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert_eq!(ran.err.matches("the key does not fit the store").count(), 1, "{ran:?}");
    }
    let doctor = ran(&["doctor"], &ours.data(), &local);
    assert!(doctor.code == Some(2) && doctor.out.contains("fault    vault"), "{doctor:?}");
    assert_eq!(rows("after"), before, "nothing is written");
    std::fs::write(vault(&ours), key).unwrap();
    assert!(Server::serve(&ours).stop().success());
}

/// Runs `config check`, a start and `doctor` on a folder; what each prints, and its code.
fn asked(folder: &Folder, role: &str, variables: &Variables<'_>) -> [(String, Option<i32>); 3] {
    let of_role = ["--role", role];
    [&["config", "check", of_role[0], of_role[1]][..], &[role], &["doctor", of_role[0], of_role[1]]]
        .map(|words| {
            let ran = ran(words, &folder.data(), variables);
            (ran.out + &ran.err, ran.code)
        })
}

#[track_caller]
fn told_alike(told: [(String, Option<i32>); 3], what: &str, code: i32) {
    for ((text, ended), expected) in told.iter().zip([code, code, 2]) {
        assert!(text.contains(what), "{what} is missing in {text}");
        assert_eq!(*ended, Some(expected), "{text}");
    }
}

#[test]
fn a_role_that_could_not_start_does_not_pass_the_check() {
    let folder = Folder::new();
    let local =
        [("TIDEGATE_CONTROL_ADDR", "127.0.0.1:0"), ("TIDEGATE_GATEWAY_ADDR", "127.0.0.1:0")];
    let local = local.map(|(name, value)| (name, value.to_owned())).to_vec();
    let with = |name: &'static str, value: &str| [&local[..], &[(name, value.to_owned())]].concat();
    told_alike(asked(&folder, "control", &local), "a control side alone needs `feed_addr`", 2);
    told_alike(asked(&folder, "gateway", &local), "a gateway alone needs --control URL", 2);
    let check = |words: &[&str], variables: &Variables<'_>| {
        let ran = ran(&[&["config", "check"], words].concat(), &folder.data(), variables);
        (ran.code, ran.out)
    };
    let feed = with("TIDEGATE_FEED_ADDR", "127.0.0.1:0");
    let urls = with("TIDEGATE_CONTROL_URLS", "http://127.0.0.1:9");
    let fine = |role: &str| format!("the configuration is fine for `tidegate {role}`\n");
    assert_eq!(check(&["--role", "control"], &feed), (Some(0), fine("control")));
    assert_eq!(check(&["--role", "serve"], &local), (Some(0), fine("serve")));
    assert_eq!(check(&["--role", "gateway"], &urls), (Some(0), fine("gateway")));
    // Without a role, what it would not do for is said, too.
    let (code, out) = check(&[], &local);
    assert!(code == Some(0) && out.starts_with(&fine("serve")), "{out}");
    assert!(out.contains("not for `tidegate control`: a control side alone needs"), "{out}");
    assert!(out.contains("not for `tidegate gateway`: a gateway alone needs"), "{out}");
    let (_, out) = check(&[], &urls);
    assert!(
        out.starts_with(&fine("gateway")) && !out.contains("not for `tidegate serve`"),
        "{out}"
    );
}

#[test]
fn an_address_that_cannot_be_had_is_found_by_all() {
    let folder = Folder::new();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let in_use = held.local_addr().unwrap().to_string();
    for (at, what, code) in [
        (in_use.as_str(), "another program listens there", 3),
        // Of a network for documentation: no machine has it.
        ("192.0.2.1:8788", "this machine does not have the address", 2),
    ] {
        let variables = [("TIDEGATE_CONTROL_ADDR", "127.0.0.1:0"), ("TIDEGATE_GATEWAY_ADDR", at)];
        let variables = variables.map(|(name, value)| (name, value.to_owned()));
        let what = format!("cannot listen on {at}: {what}");
        told_alike(asked(&folder, "serve", &variables), &what, code);
    }
}

#[cfg(unix)]
#[test]
fn what_others_may_read_is_told_alike_and_a_start_goes_on() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    assert!(Server::serve(&folder).stop().success());
    let local = ANYWHERE.map(|(name, address)| (name, address.to_owned()));
    let key = folder.file("gateway.key", "no key");
    for (name, mode, level) in [
        ("vault.key", 0o644, "fault"),
        ("operator.token", 0o604, "fault"),
        ("tidegate.db", 0o640, "warning"),
        ("", 0o755, "warning"),
        ("", 0o777, "fault"),
    ] {
        let path = if name.is_empty() { folder.data() } else { folder.data().join(name) };
        let set =
            |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let before = crate::support::mode(&path);
        set(mode);
        let found = format!("{} is open to ", path.display());
        let check = ran(&["config", "check"], &folder.data(), &local);
        assert!(check.err.contains(&found), "{name}: {check:?}");
        assert_eq!(check.code, Some(if level == "fault" { 3 } else { 0 }), "{name}: {check:?}");
        let doctor = ran(&["doctor"], &folder.data(), &local);
        let line = format!("{level:<8} rights");
        assert!(
            doctor.out.lines().any(|it| it.starts_with(&line) && it.contains(&found)),
            "{doctor:?}"
        );
        let log = Server::serve(&folder).stopped();
        let logged = if level == "fault" { "ERROR" } else { "WARN" };
        assert!(log.lines().any(|it| it.contains(logged) && it.contains(&found)), "{log}");
        set(before);
    }
    let with_key = [&local[..], &[("TIDEGATE_FEED_TOKEN_FILE", key.clone())]].concat();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o604)).unwrap();
    let doctor = ran(&["doctor"], &folder.data(), &with_key);
    assert!(
        doctor.out.contains(&format!("feed_token_file: {key} is open to everybody")),
        "{doctor:?}"
    );
}

/// Who may not look does not know that something is missing.
#[cfg(unix)]
#[test]
fn what_may_not_be_looked_at_is_not_called_missing() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::process::CommandExt;
    let folder = Folder::new();
    assert!(Server::serve(&folder).stop().success());
    let local = ANYWHERE.map(|(name, address)| (name, address.to_owned()));
    let missing = ["is not there", "is none yet", "there is no store", "is missing"];
    // A path that leads in a circle cannot be looked at by anybody, the superuser included.
    let circle = folder.path().join("circle");
    symlink(&circle, &circle).unwrap();
    // What others own, another user may not look at; the superuser becomes one.
    let stranger = |words: &[&str], data: &Path| -> Ran {
        let mut command = tidegate(words);
        command.env("TIDEGATE_DATA_DIR", data).envs(local.iter().map(|(n, v)| (*n, v.as_str())));
        if crate::support::is_root() {
            command.uid(65_534).gid(65_534);
        }
        command.output().unwrap().into()
    };
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    if !crate::support::is_root() {
        std::fs::set_permissions(folder.data(), std::fs::Permissions::from_mode(0o000)).unwrap();
    }
    let file = folder.file("world.yaml", crate::support::WORLD);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    for words in [
        &["doctor"][..],
        &["config", "check"],
        &["serve"],
        &["apply", "-f", &file],
        &["store", "trust-clock"],
        &["backup", "/nowhere/backup"],
    ] {
        for data in [&circle, &folder.data()] {
            let ran = stranger(words, data);
            let said = format!("{}{}", ran.out, ran.err);
            assert_ne!(ran.code, Some(0), "{words:?} {data:?}: {said}");
            let is_named = ["cannot be looked at", "cannot be worked in", "this user may not"];
            assert!(is_named.iter().any(|it| said.contains(it)), "{words:?} {data:?}: {said}");
            for odd in missing {
                let lines = said.lines().filter(|line| line.contains(odd));
                assert_eq!(lines.count(), 0, "{words:?} {data:?}: {odd} in {said}");
            }
        }
    }
    std::fs::set_permissions(folder.data(), std::fs::Permissions::from_mode(0o700)).unwrap();
}

/// A gateway's log says in words whose certificate is not believed, and which files are to blame.
#[test]
fn a_gateway_that_is_not_believed_says_why() {
    let certificates = Certificates::new();
    let file = |name: &str| certificates.file(name);
    let control = Folder::new();
    let (ca, cert, key) =
        (file("ours/ca.pem"), file("ours/127.0.0.1.pem"), file("ours/127.0.0.1.key"));
    let server = Server::start(
        &["control"],
        &control,
        &[
            ("TIDEGATE_FEED_ADDR", "127.0.0.1:0"),
            ("TIDEGATE_FEED_CA", ca.as_str()),
            ("TIDEGATE_FEED_CERT", cert.as_str()),
            ("TIDEGATE_FEED_KEY", key.as_str()),
        ],
    );
    let feed = control.json("server.json")["feed"].as_str().unwrap().to_owned();
    let port = feed.rsplit(':').next().unwrap();
    let log_of = |url: &str, [ca, cert, key]: [&str; 3], what: &str| {
        let folder = Folder::new();
        let gateway = Server::start(
            &["gateway", "--control", url],
            &folder,
            &[("TIDEGATE_FEED_CA", ca), ("TIDEGATE_FEED_CERT", cert), ("TIDEGATE_FEED_KEY", key)],
        );
        let deadline = std::time::Instant::now() + crate::support::PATIENCE;
        while !gateway.log().contains("the control side does not answer") {
            assert!(std::time::Instant::now() < deadline, "it logs nothing");
            gateway.moment();
        }
        let log = gateway.stopped();
        assert!(log.contains(what) && log.contains(cert), "{what} is missing in {log}");
        for odd in [
            "UnknownIssuer",
            "UnknownCA",
            "NotValidForName",
            "DecryptError",
            "os error",
            "fatal alert",
        ] {
            assert!(!log.contains(odd), "{log}");
        }
    };
    let url = format!("https://127.0.0.1:{port}");
    let [theirs_ca, theirs, theirs_key] =
        ["theirs/ca.pem", "theirs/gw-1.pem", "theirs/gw-1.key"].map(file);
    let [ours, ours_key] = ["ours/gw-1.pem", "ours/gw-1.key"].map(file);
    let untrusted = "its certificate is of an authority that is not trusted here";
    log_of(&url, [&theirs_ca, &theirs, &theirs_key], untrusted);
    let named = format!("https://localhost:{port}");
    log_of(&named, [&ca, &ours, &ours_key], "its certificate is for another name than the one in");
    assert!(server.stop().success());
}

/// Nodes with different tokens would refuse each other's gateways, now and then, wherever those ask.
#[test]
fn a_feed_token_that_is_not_the_stores_is_refused_alike() {
    let folder = Folder::new();
    let local = ANYWHERE.map(|(name, address)| (name, address.to_owned()));
    let feed = [("TIDEGATE_FEED_ADDR", "127.0.0.1:0")];
    assert!(Server::serve_with(&folder, &feed).stop().success());
    let file = folder.data().join("feed.token");
    let ours = std::fs::read_to_string(&file).unwrap();
    let (other, missing) =
        ("is not the one that the control nodes on this store have", "is not here, though");
    std::fs::write(&file, "ab".repeat(32)).unwrap();
    told_alike(asked(&folder, "serve", &local), other, 3);
    told_alike(asked(&folder, "control", &local), other, 3);
    std::fs::remove_file(&file).unwrap();
    told_alike(asked(&folder, "serve", &local), missing, 3);
    assert!(!file.exists(), "none is made");
    std::fs::write(&file, &ours).unwrap();
    assert!(Server::serve_with(&folder, &feed).stop().success());
    // A new one is said to be one.
    std::fs::write(&file, "cd".repeat(32)).unwrap();
    folder.done(&["store", "new-feed-token"]);
    assert!(Server::serve_with(&folder, &feed).stop().success());
    std::fs::write(&file, &ours).unwrap();
    told_alike(asked(&folder, "serve", &local), other, 3);
    // Without a feed for gateways elsewhere nobody needs the token.
    assert!(Server::serve(&folder).stop().success());
}

/// The same on a database that several nodes share.
#[test]
fn a_second_node_with_another_feed_token_is_refused() {
    let (one, two, url) = (Folder::new(), Folder::new(), tidegate_testkit::postgres::database());
    let on = [("TIDEGATE_DATABASE", url.as_str()), ("TIDEGATE_FEED_ADDR", "127.0.0.1:0")];
    let first = Server::serve_with(&one, &on);
    std::fs::create_dir_all(two.data()).unwrap();
    std::fs::copy(one.data().join("vault.key"), two.data().join("vault.key")).unwrap();
    let variables: Vec<(&str, String)> =
        ANYWHERE.iter().chain(&on).map(|(name, value)| (*name, (*value).to_owned())).collect();
    let refused = ran(&["control"], &two.data(), &variables);
    assert!(refused.code == Some(3) && refused.err.contains("is not here, though"), "{refused:?}");
    std::fs::copy(one.data().join("feed.token"), two.data().join("feed.token")).unwrap();
    let second = Server::serve_with(&two, &on);
    assert!(first.stop().success() && second.stop().success());
}

#[test]
fn days_left_of_certificates_are_a_metric() {
    let certificates = Certificates::new();
    let file = |name: &str| certificates.file(&format!("ours/{name}"));
    let folder = Folder::new();
    let (ca, cert, key) = (file("ca.pem"), file("127.0.0.1.pem"), file("127.0.0.1.key"));
    let variables = [
        ("TIDEGATE_FEED_ADDR", "127.0.0.1:0"),
        ("TIDEGATE_FEED_CA", ca.as_str()),
        ("TIDEGATE_FEED_CERT", cert.as_str()),
        ("TIDEGATE_FEED_KEY", key.as_str()),
        ("TIDEGATE_GATEWAY_TLS_CERT", cert.as_str()),
        ("TIDEGATE_GATEWAY_TLS_KEY", key.as_str()),
        ("TIDEGATE_METRICS_ADDR", "127.0.0.1:0"),
    ];
    let server = Server::start(&["serve"], &folder, &variables);
    let address = folder.json("server.json")["metrics"].as_str().unwrap().to_owned();
    let told = crate::support::Http::new().get(&format!("{address}/metrics"));
    let text = String::from_utf8(told.body.to_vec()).unwrap();
    for purpose in ["gateway", "feed"] {
        let name = format!("tidegate_certificate_days_left{{use=\"{purpose}\"}} ");
        let days = text.lines().find_map(|line| line.strip_prefix(&name)).unwrap();
        let days: f64 = days.parse().unwrap();
        assert!((820.0..830.0).contains(&days), "{days}");
    }
    assert!(server.stop().success());
}
