//! Tables that are checked in and read by people.

use std::path::PathBuf;

/// The times a table looks at, about the moment E that matters to the state.
pub const BUCKETS: [&str; 5] = ["early", "E-1ms", "E", "E+1ms", "late"];

/// The runs of equal outcomes over time, each with its name.
pub fn runs(outcomes: &[String; 5]) -> Vec<(String, String)> {
    let mut runs: Vec<(usize, usize, &String)> = Vec::new();
    for (i, outcome) in outcomes.iter().enumerate() {
        match runs.last_mut() {
            Some((_, last, same)) if *same == outcome => *last = i,
            _ => runs.push((i, i, outcome)),
        }
    }
    let name = |first: usize, last: usize| match (first, last) {
        (0, 4) => "always".to_owned(),
        (0, 1) => "before E".to_owned(),
        (2, 4) => "from E on".to_owned(),
        (first, last) if first == last => BUCKETS[first].to_owned(),
        (first, last) => format!("{}..{}", BUCKETS[first], BUCKETS[last]),
    };
    runs.into_iter().map(|(first, last, outcome)| (name(first, last), outcome.clone())).collect()
}

/// The lines of one command: actors with the same outcomes share theirs.
pub fn lines(command: &str, by_actor: &[(&str, [String; 5])]) -> String {
    let mut groups: Vec<(Vec<&str>, &[String; 5])> = Vec::new();
    for (actor, outcomes) in by_actor {
        match groups.iter_mut().find(|(_, same)| *same == outcomes) {
            Some((actors, _)) => actors.push(actor),
            None => groups.push((vec![actor], outcomes)),
        }
    }
    let mut text = String::new();
    for (actors, outcomes) in groups {
        let actors =
            if actors.len() == by_actor.len() { "anybody".to_owned() } else { actors.join(", ") };
        for (when, outcome) in runs(outcomes) {
            text += &format!("{command} | {actors} | {when} -> {outcome}\n");
        }
    }
    text
}

/// The table must read as it is checked in; `UPDATE_TABLE=1` writes it anew, to be reviewed.
pub fn must_match(file: &str, table: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(file);
    if std::env::var_os("UPDATE_TABLE").is_some() {
        std::fs::write(&path, table).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let first = kept
        .lines()
        .zip(table.lines())
        .position(|(kept, new)| kept != new)
        .unwrap_or(kept.lines().count().min(table.lines().count()));
    assert!(
        kept == table,
        "{file} differs from line {} on:\n  kept: {:?}\n  now:  {:?}\nIf the change is meant, run with UPDATE_TABLE=1 and review the difference.",
        first + 1,
        kept.lines().nth(first),
        table.lines().nth(first),
    );
}
