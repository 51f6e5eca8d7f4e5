//! What a check found.

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Good,
    /// Not looked at, and why not.
    Note,
    /// Works, and should be mended.
    Warning,
    /// Does not work.
    Problem,
}

/// What `--fix` can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Declare what is missing in RabbitMQ.
    Declare,
    /// Delete this queue and declare it again; the ledger publishes again what was in it.
    Recreate(String),
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found. Never a secret.
    pub what: String,
    /// The command or setting that helps; a warning and a problem have one.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What `--fix` can do about it.
    #[serde(skip)]
    pub repair: Option<Repair>,
}

impl Finding {
    /// As it should be.
    pub fn good(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, level: Level::Good, what: what.into(), action: None, repair: None }
    }

    /// Not looked at.
    pub fn note(check: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Note, ..Self::good(check, what) }
    }

    /// Works, and should be mended.
    pub fn warning(check: &'static str, what: impl Into<String>, action: impl Into<String>) -> Self {
        Self { level: Level::Warning, action: Some(action.into()), ..Self::good(check, what) }
    }

    /// Does not work.
    pub fn problem(check: &'static str, what: impl Into<String>, action: impl Into<String>) -> Self {
        Self { level: Level::Problem, action: Some(action.into()), ..Self::good(check, what) }
    }

    /// And `--fix` can mend it.
    #[must_use]
    pub fn with_repair(self, repair: Repair) -> Self {
        Self { repair: Some(repair), ..self }
    }
}
