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

/// The commands below one, as its help lists them.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    let name = |line: &str| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned);
    listed.filter_map(name).filter(|name| !name.is_empty() && name != "help").collect()
}

/// Adds a command's help, and that of the commands below it.
fn write_help(page: &mut String, words: &[String]) {
    let all: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
    let help = done(&all);
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let title = format!("tidegate {}", words.join(" "));
    *page +=
        &format!("\n## {}\n\n```text\n{}\n```\n", title.trim_end(), lines.join("\n").trim_end());
    for name in commands(&help) {
        write_help(page, &[words, &[name]].concat());
    }
}

#[test]
fn the_page_of_the_command_line_is_what_the_binary_says() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md");
    let mut page = String::from(
        "# Command line\n\nFor everybody who uses the program: every command with its options, as `--help` prints them.\n",
    );
    write_help(&mut page, &[]);
    if std::env::var_os("UPDATE_TABLE").is_some() {
        std::fs::write(file, &page).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        kept == page,
        "docs/reference/cli.md is another: UPDATE_TABLE=1 cargo test rewrites it"
    );
}
