//! How a fault is told: to people on a terminal, to programs as one document.

use std::fmt::Write;

use serde_json::json;

use super::Fault;
use crate::output::json::SCHEMA_VERSION;
use crate::output::paint::{bad, command, dim};
use crate::output::text::clean;

/// Where the code stands on the first line.
const CODE_COLUMN: usize = 92;

impl Fault {
    /// For people, on a terminal.
    pub fn text(&self) -> String {
        let words = self.words();
        let what = clean(&words.what);
        let pad = CODE_COLUMN.saturating_sub(7 + what.chars().count()).max(2);
        let mut out = format!("{} {what}{:pad$}{}\n", bad("error:"), "", dim(words.code));
        for line in &words.list {
            let _ = writeln!(out, "  {}", clean(line));
        }
        for (label, text) in [("why", &words.why), ("now", &words.now)] {
            if !text.is_empty() {
                let _ = writeln!(out, "  {}  {}", dim(label), clean(text));
            }
        }
        if !words.action.is_empty() {
            let _ = writeln!(out, "  {}   {}", dim("do"), command(clean(&words.action)));
        }
        out
    }

    /// For programs: the same, as one JSON document.
    pub fn json(&self) -> String {
        let words = self.words();
        json!({
            "schema_version": SCHEMA_VERSION,
            "error": {
                "code": words.code, "what": words.what, "list": words.list, "why": words.why, "now": words.now,
                "do": words.action,
            },
            "exit": self.exit().code(),
        })
        .to_string()
    }
}
