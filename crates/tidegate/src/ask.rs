//! A question before something that cannot be undone.

use std::io::{BufRead, IsTerminal, stdin};

use anyhow::bail;

use crate::exit::misused;
use crate::out::ask;

/// The longest answer that is read, in bytes.
const ANSWER_BYTES: u64 = 64;

/// Asks, and fails unless the answer is yes. Where nobody can answer, nothing is done.
pub fn confirmed(question: &str) -> anyhow::Result<()> {
    if !stdin().is_terminal() {
        misused!("{question} Nobody is there to ask; give --yes to do it");
    }
    ask(&format!("{question} [y/N]"));
    let mut answer = String::new();
    std::io::Read::take(stdin().lock(), ANSWER_BYTES).read_line(&mut answer)?;
    if is_yes(&answer) { Ok(()) } else { bail!("nothing was done") }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_yes_is_yes() {
        for (answer, yes) in
            [("y\n", true), ("YES", true), ("", false), ("n", false), ("yep", false)]
        {
            assert_eq!(is_yes(answer), yes, "{answer}");
        }
    }
}
