//! The configuration, from outside.

use crate::support::{ANYWHERE, Folder, done, run, tidegate};

#[test]
fn the_default_is_printed_and_is_fine() {
    let folder = Folder::new();
    let default = done(&["config", "default"]);
    let file = folder.file("tidegate.toml", &default);
    let mut check = tidegate(&["config", "check", "--config", &file]);
    let check: crate::support::Ran = check.envs(ANYWHERE).output().unwrap().into();
    assert_eq!(check.code, Some(0), "{check:?}");
    assert!(check.out.starts_with("the configuration is fine for `tidegate serve`\n"), "{check:?}");
    assert!(default.contains("[gateway]") && default.contains("\nlease_seconds = 300\n"));
}

#[test]
fn all_faults_are_listed_together_and_nothing_is_started() {
    let folder = Folder::new();
    let file = folder.file(
        "tidegate.toml",
        "control_addr = 'here'\nsurprise = 1\n[gateway]\nlease_seconds = 'long'\n",
    );
    for words in [&["config", "check"][..], &["serve"]] {
        let mut command = tidegate(&[words, &["--config", &file]].concat());
        command.env("TIDEGATE_LOG_FORMAT", "xml").env("TIDEGATE_DATA_DIR", folder.data());
        let ran: crate::support::Ran = command.output().unwrap().into();
        assert_eq!(ran.code, Some(2), "{ran:?}");
        for part in [
            "in 4 places",
            "`control_addr` is `here`",
            "no key `surprise`",
            "`gateway.lease_seconds` must be a number",
            "`TIDEGATE_LOG_FORMAT` is `xml`",
            "tidegate.toml",
        ] {
            assert!(ran.err.contains(part), "{part} is missing in {ran:?}");
        }
        assert!(!folder.data().exists());
    }
    let missing = run(&["serve", "--config", "/nowhere/tidegate.toml"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.contains("/nowhere/tidegate.toml cannot be read"), "{missing:?}");
}

#[test]
fn the_published_schema_is_that_of_the_keys() {
    let schema = done(&["config", "schema"]);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/config.schema.json");
    if std::env::var_os("UPDATE_TABLE").is_some() {
        std::fs::write(file, &schema).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), schema, "UPDATE_TABLE=1 writes it anew");
    assert!(done(&["config", "default"]).starts_with("#:schema ./tidegate.schema.json\n"));
}
