//! Help that teaches, and shell completion.

use crate::support::{done, run};

#[test]
fn every_command_has_help_with_examples() {
    let top = done(&["--help"]);
    assert!(top.contains("Start here:"));
    for command in [
        "dev",
        "serve",
        "control",
        "gateway",
        "certs",
        "apply",
        "store copy",
        "call",
        "grants",
        "applications",
        "notices",
        "apps",
        "apis",
        "throttles",
        "gateways",
        "clock",
        "completion",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        assert!(top.contains(words[0]), "{command}");
        let help = done(&[&words[..], &["--help"]].concat());
        assert!(help.contains("Examples:"), "{command} has no examples:\n{help}");
    }
    assert_eq!(run(&["nonsense"]).code, Some(2));
    assert!(done(&["--version"]).starts_with("tidegate "));
}

#[test]
fn secrets_in_the_environment_are_not_shown_by_help() {
    for words in [&["call", "--help"][..], &["apply", "--help"], &["store", "copy", "--help"]] {
        let mut command = crate::support::tidegate(words);
        for name in ["APP_SECRET", "SECRET_KEY", "DATABASE", "STORE_FROM", "STORE_TO"] {
            command.env(format!("TIDEGATE_{name}"), "hush-hush");
        }
        let help: crate::support::Ran = command.output().unwrap().into();
        assert!(!help.out.contains("hush-hush"), "{help:?}");
    }
}

#[test]
fn shells_get_their_completion() {
    for (shell, words) in
        [("bash", "_tidegate()"), ("zsh", "#compdef tidegate"), ("fish", "tidegate")]
    {
        assert!(done(&["completion", shell]).contains(words), "{shell}");
    }
    assert_eq!(run(&["completion", "cmd"]).code, Some(2));
}
