//! What is said of a fault, field by field: code, what, why, now, do.

/// What is said, field by field. An empty field is left out.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) what: String,
    /// Findings, one a line.
    pub(super) list: Vec<String>,
    pub(super) why: String,
    pub(super) now: String,
    pub(super) action: String,
}

impl Words {
    pub(super) fn new(code: &'static str, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), ..Self::default() }
    }

    pub(super) fn list(self, list: Vec<String>) -> Self {
        Self { list, ..self }
    }

    pub(super) fn why(self, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..self }
    }

    pub(super) fn now(self, now: impl Into<String>) -> Self {
        Self { now: now.into(), ..self }
    }

    pub(super) fn act(self, action: impl Into<String>) -> Self {
        Self { action: action.into(), ..self }
    }
}
