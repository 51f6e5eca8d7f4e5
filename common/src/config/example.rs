//! The annotated example: every key with its meaning, default and range, as the sections declare them.
//!
//! `#=` shows a default, `#` a key that has none. A test takes both away and loads what is left.

use std::fmt::Write;

use super::declare::{Declaration, Kind, Place};
use super::{Config, ConfigError};

const HEAD: &str = "\
# Settings of cafe24-sync and cafe24-sync-worker. Each also as CAFE24_SYNC__SECTION__KEY in the environment, which goes
# before this file. `#=` shows a default, `#` a key that has none. Secrets stand in files of their own.
# Check: cafe24-sync config check
";

/// Where the notes begin, if the setting is short.
const NOTE_COLUMN: usize = 52;
/// No line is longer.
const LINE_MAX: usize = 120;

impl Config {
    /// The annotated example. The repository's `cafe24-sync.example.toml` is this text.
    ///
    /// # Errors
    /// None in practice: the defaults are a valid configuration, as a test shows.
    pub fn example() -> Result<String, ConfigError> {
        let defaults = Self::from_parts("", std::iter::empty())?;
        let mut out = HEAD.to_owned();
        keys(&mut out, &defaults, "");
        for section in &defaults.sections {
            out.push('\n');
            noted(&mut out, &format!("[{}]", section.name), section.doc);
            keys(&mut out, &defaults, section.name);
        }
        Ok(out)
    }
}

fn keys(out: &mut String, defaults: &Config, section: &str) {
    if section.is_empty() {
        out.push('\n');
    }
    let declared = defaults.keys.iter().map(|info| &info.declaration);
    for declaration in declared.filter(|declaration| declaration.section() == section) {
        noted(out, &setting(declaration), &note(declaration));
    }
}

/// The note stands behind its line, or above it where both together are too long.
fn noted(out: &mut String, line: &str, note: &str) {
    let width = line.chars().count();
    let blank = NOTE_COLUMN.saturating_sub(width).max(1);
    let _ = if width + blank + 2 + note.chars().count() <= LINE_MAX {
        writeln!(out, "{line}{:blank$}# {note}", "")
    } else {
        writeln!(out, "# {note}\n{line}")
    };
}

fn setting(declaration: &Declaration) -> String {
    let leaf = declaration.leaf();
    if declaration.place == Place::FileOnly {
        return format!("# {leaf}_file = \"/run/secrets/{leaf}\"");
    }
    let (mark, value) = match (&declaration.default, &declaration.kind) {
        (Some(default), _) => ("#=", default.as_str()),
        (None, Kind::Text { sample }) => ("#", *sample),
        (None, Kind::Number { min, .. } | Kind::Duration { min, .. } | Kind::Size { min, .. }) => {
            ("#", min.as_str())
        }
        (None, Kind::Choice(words)) => ("#", words.first().copied().unwrap_or_default()),
        (None, Kind::Flag) => ("#", "false"),
        (None, Kind::Secret | Kind::Server) => ("#", "…"),
    };
    let quote = if declaration.kind.quoted() { "\"" } else { "" };
    format!("{mark} {leaf} = {quote}{value}{quote}")
}

fn note(declaration: &Declaration) -> String {
    let mut note = declaration.doc.to_owned();
    if declaration.place == Place::HereOrFile {
        let _ = write!(note, "; or {}_file", declaration.leaf());
    }
    let rule = declaration.kind.rule();
    // A flag's two words are clear from its default.
    if !rule.is_empty() && declaration.kind != Kind::Flag {
        let _ = write!(note, " ({rule})");
    }
    note
}
