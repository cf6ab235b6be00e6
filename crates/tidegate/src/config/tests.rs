use tidegate_gateway::Share;

use super::*;
use std::path::PathBuf;

use crate::database::Database;
use crate::log::LogFormat;

fn load(toml: &str, environment: &[(&str, &str)]) -> Result<Loaded, Faults> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tidegate.toml");
    std::fs::write(&file, toml).unwrap();
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::load(Some(&file), environment.collect::<Vec<_>>())
}

#[test]
fn the_printed_default_is_the_default() {
    let loaded = load(&default_text(), &[]).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.warnings.is_empty());
    assert_eq!(load("", &[]).unwrap().config, Config::default());
    let defaults = tidegate_gateway::Limits::default();
    assert_eq!(Config::default().limits(), defaults, "both tables of defaults agree");
}

#[test]
fn the_environment_goes_over_the_file() {
    let toml = "control_addr = '127.0.0.1:1'\n[gateway]\nlease_seconds = 60\ninstances = ['a']";
    let environment = [
        ("TIDEGATE_GATEWAY_LEASE_SECONDS", "90"),
        ("TIDEGATE_GATEWAY_INSTANCES", "b, c"),
        ("TIDEGATE_ADMIN_IS_REVIEWER", "true"),
        ("TIDEGATE_LOG_FORMAT", "json"),
        ("TIDEGATE_ENDPOINT", "http://elsewhere"),
        ("HOME", "/"),
    ];
    let loaded = load(toml, &environment).unwrap();
    assert!(loaded.warnings.is_empty());
    let config = loaded.config;
    assert_eq!(config.control_addr.port(), 1);
    assert_eq!(config.gateway.lease_seconds, 90);
    assert_eq!(config.gateway.instances.len(), 2);
    assert!(config.admin_is_reviewer);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn all_faults_are_told_together_with_their_place() {
    let toml = "control_add = 'x'\ngateway_addr = '127.0.0.1'\nadmin_is_reviewer = 'yes'\nlog = 1\n\
                [gateway]\nlease_seconds = 0\nleas = 1\ninstances = ['a b']\n[other]\nx = 1";
    let environment = [("TIDEGATE_SECRETS_IN_LISTS", "perhaps"), ("TIDEGATE_LOG_LEVEL", "=,=")];
    let Faults(faults) = load(toml, &environment).err().unwrap();
    let all = faults.join("\n");
    for part in [
        "no key `control_add`",
        "`gateway_addr` is `127.0.0.1`; write an address",
        "`admin_is_reviewer` must be true or false",
        "no key `log`",
        "`gateway.lease_seconds` must be a number from 5",
        "no key `gateway.leas`",
        "`gateway.instances` names `a b`",
        "no key `other`",
        "the environment: `TIDEGATE_SECRETS_IN_LISTS` must be",
        "the environment: `TIDEGATE_LOG_LEVEL` is",
    ] {
        assert!(all.contains(part), "{part} is missing in\n{all}");
    }
    assert_eq!(faults.len(), 10, "{all}");
    assert!(faults[0].contains("tidegate.toml"));
}

#[test]
fn what_only_two_keys_together_get_wrong_is_told() {
    let both = load("control_addr = '127.0.0.1:9'\ngateway_addr = '127.0.0.1:9'", &[]);
    assert!(both.err().unwrap().to_string().contains("are both 127.0.0.1:9"));
    let check =
        load("check_addr = '127.0.0.1:8788'", &[("TIDEGATE_EXT_AUTHZ_ADDR", "127.0.0.1:8787")]);
    let Faults(faults) = check.err().unwrap();
    assert!(faults[0].contains("`control_addr` and `ext_authz_addr` are both"), "{faults:?}");
    assert!(faults[1].contains("`gateway_addr` and `check_addr` are both"), "{faults:?}");
    let half = load("gateway_tls_cert = 'a.pem'", &[]);
    assert!(half.err().unwrap().to_string().contains("go together"));
    let network = load("backend_networks = ['10.0.0.0/40']", &[]).err().unwrap();
    assert!(
        network.to_string().contains("`backend_networks` is wrong: `10.0.0.0/40` is no network")
    );
    let syntax = load("control_addr = ", &[]).err().unwrap();
    assert!(syntax.to_string().contains("is not TOML"));
    let missing = Config::load(Some(Path::new("/nowhere/tidegate.toml")), []).err().unwrap();
    assert!(missing.to_string().contains("/nowhere/tidegate.toml cannot be read"));
}

#[test]
fn the_feed_leaves_this_machine_over_mutual_tls_only() {
    let files = "feed_ca = 'ca.pem'\nfeed_cert = 'c.pem'\nfeed_key = 'c.key'";
    for (toml, why) in [
        ("feed_addr = '0.0.0.0:8792'".to_owned(), Some("the feed tells secrets")),
        ("feed_addr = '127.0.0.1:8792'".to_owned(), None),
        (format!("feed_addr = '0.0.0.0:8792'\n{files}"), None),
        ("feed_ca = 'ca.pem'".to_owned(), Some("go together")),
        ("control_urls = ['https://c.example:1']".to_owned(), Some("which needs `feed_ca`")),
        ("control_urls = ['http://c.example:1']".to_owned(), Some("write https://")),
        ("control_urls = ['http://localhost:1']".to_owned(), None),
        (format!("control_urls = ['https://c.example:1', 'https://d.example:1']\n{files}"), None),
        ("feed_addr = '127.0.0.1:8788'".to_owned(), Some("are both 127.0.0.1:8788")),
        ("[gateway]\nname = 'a b'".to_owned(), Some("`gateway.name` is `a b`")),
    ] {
        let told = load(&toml, &[]).map_err(|faults| faults.to_string());
        match (told, why) {
            (Ok(_), None) => {}
            (Err(told), Some(why)) => assert!(told.contains(why), "{toml}: {told}"),
            (told, why) => panic!("{toml}: {told:?}, {why:?}"),
        }
    }
}

#[test]
fn each_kind_of_process_listens_where_it_must_and_has_what_it_needs() {
    let toml = "feed_addr = '127.0.0.1:1'\nmetrics_addr = '127.0.0.1:2'";
    let config = load(toml, &[]).unwrap().config;
    let gateway = config.addresses(Kind::Gateway);
    assert_eq!((gateway.control, gateway.feed), (None, None));
    assert!(gateway.gateway.is_some() && gateway.metrics.is_some());
    let control = config.addresses(Kind::Control);
    assert_eq!((control.gateway, control.check), (None, None));
    assert!(control.control.is_some() && control.feed.is_some() && control.metrics.is_some());
    assert!(config.suits(Kind::Control).is_ok() && config.suits(Kind::Both).is_ok());
    assert!(config.suits(Kind::Gateway).unwrap_err().to_string().contains("--control URL"));
    let plain = load("", &[("TIDEGATE_CONTROL_URLS", "http://[::1]:1, http://[::1]:2")]).unwrap();
    assert_eq!(plain.config.feed.control.len(), 2);
    assert!(plain.config.suits(Kind::Gateway).is_ok());
    assert!(plain.config.suits(Kind::Control).is_err());
}

#[test]
fn what_is_told_of_calls_is_a_place_and_a_share() {
    let given = load("[access_log]\npath = '-'\nsample = 0.25\n[traces]\nsample = 1", &[]).unwrap();
    let wanted = given.config.wanted;
    assert_eq!((wanted.access_log, wanted.collector), (Some(PathBuf::from("-")), None));
    assert_eq!((Some(wanted.logged), Some(wanted.traced)), (Share::new(0.25), Share::new(1.0)));
    let bad = [("TIDEGATE_TRACES_SAMPLE", "2"), ("TIDEGATE_TRACES_OTLP_ENDPOINT", "host:4318")];
    let Faults(faults) = load("", &bad).err().unwrap();
    assert!(faults[0].contains("must be a number from 0.0 to 1.0"), "{faults:?}");
    assert!(faults[1].contains("write http://host:port"), "{faults:?}");
}

#[test]
fn the_password_of_the_database_is_never_shown() {
    let url = "postgres://tidegate:sEcret@db.example/tidegate";
    let loaded = load("", &[("TIDEGATE_DATABASE", url)]).unwrap();
    assert!(matches!(loaded.config.database, Database::Postgres(_)));
    assert!(!format!("{loaded:?}").contains("sEcret"));
    for (toml, why) in [
        ("database = 'mysql://tidegate:sEcret@db/tidegate'", "`database` is no URL of PostgreSQL"),
        ("database = 'postgres://tidegate:sEcret@db:x/y'", "`database` cannot be understood"),
        ("log = 1\ndatabase = 'postgres://tidegate:sEcret@db/y", "is not TOML: line 2"),
    ] {
        let told = load(toml, &[]).err().unwrap().to_string();
        assert!(told.contains(why) && !told.contains("sEcret"), "{told}");
    }
}

#[test]
fn a_variable_nobody_knows_is_a_warning() {
    let loaded = load("", &[("TIDEGATE_PORT", "tcp://10.0.0.1:80")]).unwrap();
    assert!(loaded.warnings[0].contains("TIDEGATE_PORT"));
}

#[test]
fn a_webhook_needs_one_secret_and_none_is_shown() {
    let url = "[notify]\nwebhook_url = 'https://hooks.example/sEcret'\n";
    for (toml, fault) in [
        (url.to_owned(), "`webhook_url` needs"),
        (format!("{url}webhook_secret = 'a'\nwebhook_secret_file = 'b'"), "has both"),
        ("[notify]\nwebhook_url = 'sEcret'".to_owned(), "`notify.webhook_url` is no address"),
    ] {
        let Faults(faults) = load(&toml, &[]).err().unwrap();
        let all = faults.join("\n");
        assert!(all.contains(fault) && !all.contains("sEcret"), "{all}");
    }
    let secret = [("TIDEGATE_NOTIFY_WEBHOOK_SECRET", "a secret of some length")];
    let config = load(url, &secret).unwrap().config;
    assert!(config.notify.webhook().unwrap().is_some());
    assert!(!format!("{config:?}").contains("sEcret"), "{config:?}");
    assert!(Config::default().notify.webhook().unwrap().is_none());
}
