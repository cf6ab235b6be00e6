//! What a development server says when it is ready: where it is, and lines to paste.

use std::path::Path;

use super::seed::{API, APP, INSTANCE, REGION};
use crate::data::{DEV_DEFAULT, Server, for_commands};

/// The greeting.
pub fn text(server: &Server, data_dir: &Path) -> String {
    let program = program();
    // A command finds the folder by itself unless another server has left word in its own.
    let folder = match data_dir == Path::new(DEV_DEFAULT) && for_commands() == DEV_DEFAULT {
        true => String::new(),
        false => format!(" --data-dir {}", quoted(&data_dir.to_string_lossy())),
    };
    let run = |words: String| format!("{program} {words}{folder}");
    let grant = format!("--api {API} --app {APP} --instance {INSTANCE}");
    let call = run(format!("call --app {APP} /weather/lisbon"));
    let apply = run(format!("grants apply --as owner {grant} --for 3d"));
    let approve = run("applications approve --as reviewer --all".to_owned());
    let four_days = run("clock advance 4d".to_owned());
    let authorize = run(format!("grants authorize --as reviewer {grant} --for 30d"));
    let cancel = run(format!("grants cancel --as reviewer {grant}"));
    let two_days = run("clock advance 50h".to_owned());
    let shown = |address: &Option<String>| address.clone().unwrap_or_default();
    let (control, gateway) = (shown(&server.control), shown(&server.gateway));
    let kept = data_dir.display();
    let keys = data_dir.join("dev.json");
    let keys = keys.display();
    format!(
        "\
Tidegate runs, with a small world to try it on. Everything is kept in {kept}

  control  {control}   people and their tools; the region is {REGION}
  gateway  {gateway}   the calls of apps
  keys     {keys}   of `reviewer`, `owner` and `admin`, for SDKs and scripts

For trying out only: anybody who reaches it can move its clock.

The reviewer has published the API `{API}`. The owner has the app `{APP}`, which may not call it
yet. Paste these into another terminal, one after the other:

  # 1. A signed call. Denied: no-grant.
  {call}

  # 2. The owner applies for three days, and the reviewer approves.
  {apply}
  {approve}

  # 3. The same call. Let in, with the end of the grant in a header.
  {call}

  # 4. Four days later. Denied: expired.
  {four_days}
  {call}

  # 5. A reviewer who cancels leaves the app two days: the call is let in and told when it ends,
  #    and denied when those days are over.
  {authorize}
  {cancel}
  {call}
  {two_days}
  {call}
"
    )
}

/// How to call this very program from the same folder: what was typed may have been `cargo run`.
fn program() -> String {
    let program = std::env::current_exe().ok();
    let here = std::env::current_dir().ok();
    let program = match (program, here) {
        (Some(program), Some(here)) => {
            program.strip_prefix(&here).map(Path::to_owned).unwrap_or(program)
        }
        (Some(program), None) => program,
        (None, _) => "tidegate".into(),
    };
    quoted(&program.to_string_lossy())
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("/tmp/a-b.c"), "/tmp/a-b.c");
        assert_eq!(quoted("/tmp/a b"), "'/tmp/a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
