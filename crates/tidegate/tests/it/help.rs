//! Help that teaches, and shell completion.

use crate::support::{done, run};

#[test]
fn every_command_has_help_with_examples() {
    let top = done(&["--help"]);
    assert!(top.contains("Start here:"));
    for command in [
        "dev",
        "serve",
        "apply",
        "call",
        "grants",
        "applications",
        "notices",
        "apps",
        "apis",
        "throttles",
        "clock",
        "completion",
    ] {
        assert!(top.contains(command), "{command}");
        let help = done(&[command, "--help"]);
        assert!(help.contains("Examples:"), "{command} has no examples:\n{help}");
    }
    assert_eq!(run(&["nonsense"]).code, Some(2));
    assert!(done(&["--version"]).starts_with("tidegate "));
}

#[test]
fn secrets_in_the_environment_are_not_shown_by_help() {
    let mut command = crate::support::tidegate(&["call", "--help"]);
    command.env("TIDEGATE_APP_SECRET", "hush-hush").env("TIDEGATE_SECRET_KEY", "hush-hush");
    let help: crate::support::Ran = command.output().unwrap().into();
    assert!(!help.out.contains("hush-hush"), "{help:?}");
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
