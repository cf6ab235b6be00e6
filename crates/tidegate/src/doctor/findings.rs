//! What was found.

use serde_json::{Value, json};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not at all.
    Ok,
    /// It works, but somebody should know.
    Warning,
    /// It does not work, or is not safe.
    Fault,
}

impl Level {
    /// Its name.
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

struct Finding {
    check: &'static str,
    level: Level,
    found: String,
    advice: Option<String>,
}

/// All findings, in the order they were made.
#[derive(Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// This is as it should be.
    pub fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.0.push(Finding { check, level: Level::Ok, found: found.into(), advice: None });
    }

    /// This works, but.
    pub fn warning(&mut self, check: &'static str, found: impl Into<String>, advice: &str) {
        self.add(check, Level::Warning, found.into(), advice);
    }

    /// This does not work, or is not safe.
    pub fn fault(&mut self, check: &'static str, found: impl Into<String>, advice: &str) {
        self.add(check, Level::Fault, found.into(), advice);
    }

    fn add(&mut self, check: &'static str, level: Level, found: String, advice: &str) {
        self.0.push(Finding { check, level, found, advice: Some(advice.to_owned()) });
    }

    /// The worst of them.
    pub fn worst(&self) -> Level {
        self.0.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    /// How many are not as they should be.
    pub fn summary(&self) -> String {
        let count = |level| self.0.iter().filter(|finding| finding.level == level).count();
        format!("faults: {}, warnings: {}", count(Level::Fault), count(Level::Warning))
    }

    /// For people.
    pub fn text(&self) -> String {
        let lines = self.0.iter().map(|finding| {
            let level = finding.level.name();
            let found = finding.found.replace('\n', " ");
            let line = format!("{level:<8} {:<14} {found}", finding.check);
            match &finding.advice {
                Some(advice) => format!("{line}\n{:>24}{advice}", "-> "),
                None => line,
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let findings = self.0.iter().map(|finding| {
            json!({
                "check": finding.check,
                "level": finding.level.name(),
                "found": finding.found,
                "advice": finding.advice,
            })
        });
        json!({ "verdict": self.worst().name(), "findings": findings.collect::<Vec<_>>() })
    }
}
