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
    assert!(dev.code == Some(3) && dev.err.contains("is not a development server's"), "{dev:?}");
    assert!(!folder.data().join("dev.json").exists() && !folder.data().join("clock.json").exists());

    let folder = Folder::new();
    assert!(Server::dev(&folder, &[]).stop().success());
    let local = ANYWHERE.map(|(name, address)| (name, address.to_owned()));
    let check = ran(&["config", "check"], &folder.data(), &local);
    assert!(check.code == Some(2) && check.err.contains("is a development server's"), "{check:?}");
    for role in [&["serve"][..], &["control"], &["gateway", "--control", "http://127.0.0.1:9"]] {
        let ran = ran(role, &folder.data(), &local);
        assert!(ran.code == Some(3) && ran.err.contains("is a development server's"), "{ran:?}");
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
    let before = std::fs::read(ours.data().join("tidegate.db")).unwrap();
    std::fs::copy(vault(&other), vault(&ours)).unwrap();
    let local = ANYWHERE.map(|(name, address)| (name, address.to_owned()));
    for role in [&["serve"][..], &["control"]] {
        let ran = ran(role, &ours.data(), &local);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert_eq!(ran.err.matches("the key does not fit the store").count(), 1, "{ran:?}");
    }
    let doctor = ran(&["doctor"], &ours.data(), &local);
    assert!(doctor.code == Some(2) && doctor.out.contains("fault    vault"), "{doctor:?}");
    assert_eq!(
        std::fs::read(ours.data().join("tidegate.db")).unwrap(),
        before,
        "nothing is written"
    );
    std::fs::write(vault(&ours), key).unwrap();
    assert!(Server::serve(&ours).stop().success());
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
