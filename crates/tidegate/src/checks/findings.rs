//! What was found.

use std::collections::BTreeSet;

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

/// One of them.
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found. Holds no secret.
    pub found: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// Why nothing is begun with it, if it is a fault of that kind.
    pub stops: Option<Stop>,
}

/// Why a server does not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// What was configured cannot work.
    Settings,
    /// What is there does not fit together: the data folder, the store, a port.
    State,
}

impl Finding {
    /// What was found and what to do, in a line.
    pub fn line(&self) -> String {
        match &self.advice {
            Some(advice) => format!("{}: {advice}", self.found),
            None => self.found.clone(),
        }
    }
}

/// All findings, in the order they were made.
#[derive(Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// This is as it should be.
    pub fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.add(check, Level::Ok, found.into(), None);
    }

    /// This works, but.
    pub fn warning(&mut self, check: &'static str, found: impl Into<String>, advice: &str) {
        self.add(check, Level::Warning, found.into(), Some(advice));
    }

    /// This does not work as it should, or is not safe. A server starts nevertheless.
    pub fn fault(&mut self, check: &'static str, found: impl Into<String>, advice: &str) {
        self.add(check, Level::Fault, found.into(), Some(advice));
    }

    /// What was configured does not work, and nothing begins with it.
    pub fn wrong(&mut self, check: &'static str, found: impl Into<String>, advice: &str) {
        self.stop(Stop::Settings, check, found, advice);
    }

    /// What is there does not fit together, and nothing begins with it.
    pub fn unfit(&mut self, check: &'static str, found: impl Into<String>, advice: &str) {
        self.stop(Stop::State, check, found, advice);
    }

    /// Nothing begins with this.
    pub fn stop(
        &mut self,
        stop: Stop,
        check: &'static str,
        found: impl Into<String>,
        advice: &str,
    ) {
        self.fault(check, found, advice);
        if let Some(last) = self.0.last_mut() {
            last.stops = Some(stop);
        }
    }

    fn add(&mut self, check: &'static str, level: Level, found: String, advice: Option<&str>) {
        let advice = advice.map(str::to_owned);
        self.0.push(Finding { check, level, found, advice, stops: None });
    }

    /// The worst of them.
    pub fn worst(&self) -> Level {
        self.0.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    /// The worst of one check.
    pub fn worst_of(&self, check: &str) -> Level {
        let of = self.0.iter().filter(|finding| finding.check == check);
        of.map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    /// Says nothing twice that two questions came upon.
    pub fn once(&mut self) {
        let mut seen = BTreeSet::new();
        self.0.retain(|it| it.level == Level::Ok || seen.insert(it.found.clone()));
    }

    /// Takes over what others found.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
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
