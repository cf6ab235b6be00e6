//! What a newcomer gets wrong: each mistake is answered with its cause, in words, and with the code of its kind.

use std::process::Stdio;

use crate::support::{ANYWHERE, Folder, Ran, Server, tidegate};

/// A folder with files that are wrong in some way.
fn files() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("a-folder")).unwrap();
    std::fs::write(folder.path().join("binary"), [0xff, 0xfe]).unwrap();
    for (name, text) in [
        ("a-file", "x\n"),
        ("slip.toml", "control_adr = '127.0.0.1:1'\n"),
        ("flat.toml", "log_level = 'info'\n"),
        ("section.toml", "[gatway]\nlease_seconds = 30\n"),
        ("in-section.toml", "[gateway]\nlease_second = 30\n"),
        ("bare.toml", "control_addr = 127.0.0.1:1\n"),
        ("name.toml", "control_addr = 'localhost:8787'\n"),
        ("slip.yaml", "projects:\n  - id: p\n    nmae: r\n"),
        ("one.yaml", "project:\n  - id: p\n"),
        ("no-list.yaml", "projects:\n  id: p\n"),
        ("tab.yaml", "projects:\n  - id: p\n\tname: r\n"),
        ("good.yaml", "projects: []\n"),
        ("token", "wrongwrongwrongwrongwrongwrongwrong\n"),
        ("phrase", "twelve or more\n"),
    ] {
        folder.file(name, text);
    }
    folder
}

#[track_caller]
fn says(ran: &Ran, words: &[&str], code: i32, what: &str) {
    assert_eq!(ran.code, Some(code), "{words:?}: {ran:?}");
    assert!(ran.err.contains(what), "{words:?}: {what} is missing in {}", ran.err);
    for odd in ["os error", "Error(", "InvalidCertificate", "UnknownIssuer", " { "] {
        assert!(!ran.err.contains(odd), "{words:?}: {odd} in {}", ran.err);
    }
}

fn ran(folder: &Folder, words: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = tidegate(words);
    command.current_dir(folder.path()).env("TIDEGATE_DATA_DIR", "data").envs(ANYWHERE);
    command.envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap().into()
}

#[test]
fn mistakes_before_there_is_a_server() {
    let folder = files();
    let check = |file: &'static str| vec!["config", "check", "--config", file];
    let keys = ["--access-key", "a", "--secret-key", "b", "--project", "p"];
    let asked = |endpoint: &'static str| {
        [&["grants", "list", "--api", "x", "--endpoint", endpoint], &keys[..]].concat()
    };
    let named = |more: &[&'static str]| [&["grants", "list", "--api", "x"], more].concat();
    for (words, code, what) in [
        (vec!["serve", "--config", "a-folder"], 2, "a-folder cannot be read: it is a folder"),
        (vec!["serve", "--config", "binary"], 2, "binary cannot be read: it is not text in UTF-8"),
        (vec!["serve", "--config", "nope"], 2, "nope cannot be read: there is no such file"),
        (check("slip.toml"), 2, "no key `control_adr`; did you mean `control_addr`?"),
        (check("flat.toml"), 2, "no key `log_level`; did you mean `log.level`?"),
        (check("section.toml"), 2, "no key `gatway`"),
        (check("in-section.toml"), 2, "did you mean `gateway.lease_seconds`?"),
        (
            check("bare.toml"),
            2,
            "line 1: invalid float, expected nothing; texts and addresses stand in",
        ),
        (check("name.toml"), 2, "write an address and a port, such as 127.0.0.1:8787"),
        (vec!["gateway"], 2, "needs --control URL or `control_urls`"),
        (
            vec!["gateway", "--control", "http://10.0.0.1:1"],
            2,
            "--control is `http://10.0.0.1:1`: http://",
        ),
        (
            vec!["gateway", "--control", "https://10.0.0.1"],
            2,
            "--control is `https://10.0.0.1`: write",
        ),
        (vec!["gateway", "--control", "https://10.0.0.1:1"], 2, "needs `feed_ca`, `feed_cert` and"),
        (vec!["apply", "-f", "nope"], 2, "nope cannot be read: there is no such file"),
        (vec!["apply", "-f", "a-folder"], 2, "a-folder cannot be read: it is a folder"),
        (
            vec!["apply", "-f", "slip.yaml"],
            2,
            "slip.yaml: line 3, column 5: there is no key `nmae`",
        ),
        (
            vec!["apply", "-f", "one.yaml"],
            2,
            "one.yaml: line 1, column 1: there is no key `project`",
        ),
        (vec!["apply", "-f", "no-list.yaml"], 2, "line 2, column 3: expected a list"),
        (
            vec!["apply", "-f", "tab.yaml"],
            2,
            "tab.yaml: line 3: a tab; YAML is indented with blanks",
        ),
        (named(&[]), 2, "nobody to act as: give --access-key and --secret-key"),
        (named(&["--access-key", "a"]), 2, "an access key and a secret key go together"),
        (named(&["--access-key", "a", "--secret-key", "b"]), 2, "name your project's id"),
        (named(&["--as", "rita"]), 2, "nobody to act as"),
        (asked("127.0.0.1:1"), 2, "`127.0.0.1:1` is no address; write http://"),
        (asked("http://127.0.0.1:1"), 3, "cannot reach 127.0.0.1:1: nothing listens there"),
        (vec!["call", "--key", "k", "/x"], 2, "a key and a secret go together"),
        (vec!["call", "--gateway", "http://127.0.0.1:1", "/x"], 3, "nothing listens there"),
        (vec!["store", "trust-clock"], 2, "there is no store data/tidegate.db"),
        (
            vec!["backup", "new", "--pass-phrase-file", "phrase"],
            2,
            "there is no store data/tidegate.db",
        ),
        (vec!["restore", "nope", "--pass-phrase-file", "phrase"], 2, "there is no backup nope"),
        (
            vec!["restore", "a-file", "--pass-phrase-file", "phrase", "--data-dir", "other"],
            2,
            "it is no backup of Tidegate",
        ),
        (vec!["gateways", "list"], 3, "no server works on the data folder data"),
    ] {
        says(&ran(&folder, &words, &[]), &words, code, what);
    }
    for (variable, value, code, what) in [
        ("GATWAY_ADDR", "127.0.0.1:0", 0, "it is ignored; did you mean TIDEGATE_GATEWAY_ADDR?"),
        ("GATEWAY_LEASE_SECOND", "9", 0, "did you mean TIDEGATE_GATEWAY_LEASE_SECONDS?"),
        (
            "PORT",
            "tcp://10.0.0.1:1",
            0,
            "TIDEGATE_PORT is not a key of the configuration; it is ignored\n",
        ),
        ("GATEWAY_LEASE_SECONDS", "long", 2, "`TIDEGATE_GATEWAY_LEASE_SECONDS` must be a number"),
        ("GATEWAY_TLS_CERT", "a-file", 2, "`gateway_tls_cert` and `gateway_tls_key` go together"),
        ("BACKEND_CA", "nope", 2, "nope cannot be read: there is no such file"),
        ("BACKEND_CA", "a-file", 2, "a-file holds no certificate"),
        ("DATA_DIR", "a-file", 2, "a-file is no folder"),
        (
            "DATA_DIR",
            "a-file/data",
            2,
            "a-file/data cannot be looked at: a part of its path is no folder",
        ),
        ("DATABASE", "postgres//x", 2, "`TIDEGATE_DATABASE` is no URL of PostgreSQL"),
        (
            "DATABASE",
            "postgres://u:sEcret@127.0.0.1:1/x",
            3,
            "127.0.0.1:1, database x: nothing listens there",
        ),
    ] {
        let words = ["config", "check"];
        let ran = ran(&folder, &words, &[(&format!("TIDEGATE_{variable}"), value)]);
        says(&ran, &words, code, what);
        assert!(!ran.err.contains("sEcret"), "{ran:?}");
    }
    assert!(!folder.data().exists(), "nothing was made");
}

#[test]
fn mistakes_beside_a_server() {
    let folder = files();
    let server = Server::dev(&folder, &[]);
    let login = folder.json("dev.json")["logins"][0].clone();
    let text = |field: &str| login[field].as_str().unwrap().to_owned();
    let (key, secret, project) = (text("access_key"), text("secret_key"), text("project"));
    let asked =
        |endpoint: &str, access: &str, secret: &str, project: &str, more: &[&str]| -> Vec<String> {
            let keys = ["--access-key", access, "--secret-key", secret, "--project", project];
            let all =
                [&["grants", "list", "--api", "weather", "--endpoint", endpoint], &keys[..], more];
            all.concat().into_iter().map(str::to_owned).collect()
        };
    let (control, gateway) = (server.control.as_str(), server.gateway.as_str());
    let taken = control.strip_prefix("http://").unwrap();
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    for (words, code, what) in [
        (asked(control, "nobody", "b", &project, &[]), 1, "check the key and its secret"),
        (asked(control, &key, "wrong", &project, &[]), 1, "check the key and its secret"),
        (asked(control, &key, &secret, "nope", &[]), 1, "Check the project id"),
        (
            asked(control, &key, &secret, &project, &["--workspace", "nope"]),
            1,
            "Check the header `workspace`",
        ),
        (
            asked(control, "a b", "b", &project, &[]),
            2,
            "the access key must be 1 to 128 visible ASCII",
        ),
        (asked(control, &key, &secret, "p\nq", &[]), 2, "x-project-id cannot be sent"),
        (asked(gateway, &key, &secret, &project, &[]), 2, "what answers there is a gateway"),
        (words("grants list --api nope"), 1, "The API does not exist"),
        (
            words("grants list --api weather --as nobody"),
            2,
            "knows no user `nobody`; name one of reviewer",
        ),
        (
            words(&format!("call --app wallboard {control}/weather/lisbon")),
            2,
            "there is a control side",
        ),
        (words(&format!("call --app nope {gateway}/weather/lisbon")), 2, "owns an app `nope`"),
        (words("call --key k --secret s /weather/lisbon"), 1, "Check the app's key"),
        (
            words(&format!("apply -f good.yaml --endpoint {control} --operator-token-file nope")),
            2,
            "nope cannot be read",
        ),
        (
            words(&format!("apply -f good.yaml --endpoint {control} --operator-token-file token")),
            1,
            "the operator's token",
        ),
        (
            words(&format!("apply -f good.yaml --endpoint {gateway} --operator-token-file token")),
            2,
            "there is a gateway",
        ),
        (
            words(&format!(
                "dev --data-dir other --control-addr {taken} --gateway-addr 127.0.0.1:0"
            )),
            3,
            "another program listens there",
        ),
        (
            words("dev --data-dir data --control-addr 127.0.0.1:0 --gateway-addr 127.0.0.1:0"),
            3,
            "another process works on",
        ),
        (words("serve"), 2, "data is a development server's"),
    ] {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        says(&ran(&folder, &words, &[]), &words, code, what);
    }
}

/// The table of `docs/run/running.md` is that of `--help`, and no other page has another.
#[test]
fn the_codes_are_documented() {
    let page = include_str!("../../../../docs/run/running.md");
    let help = crate::support::done(&["--help"]);
    for code in ["| 0 |", "| 1 |", "| 2 |", "| 3 |"] {
        assert!(page.contains(code), "{code}");
    }
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("1 when the service said no, 2 when what was given is wrong"), "{help}");
}
