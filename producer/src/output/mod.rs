//! What people and programs see. The answer goes to stdout, everything else to stderr.
//!
//! Texts are built by pure functions (so that tests compare them as they stand) with styles in them; the streams take
//! the styles out again where no terminal listens. Everything that came from outside passes [`text::clean`].

pub mod text;

pub mod table;

pub mod plain;

pub mod json;

pub mod paint;

pub mod wrap;

pub mod progress;

pub mod terminal;

#[cfg(test)]
pub(crate) mod golden;

use std::io::{self, IsTerminal, Write};

use common::domain::text::printable_json;
use serde::Serialize;

use self::table::Table;
use crate::fault::Fault;

/// How the answer is given, from the global flags.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four flags of the command line")]
pub struct Output {
    /// One JSON document instead of text.
    pub json: bool,
    /// Tab-separated values, nothing cut.
    pub plain: bool,
    /// Only the answer and errors.
    pub quiet: bool,
    /// Never ask.
    pub no_input: bool,
}

impl Output {
    /// Writes the answer for people: no line wider than the screen, and marks that it can show. A reader that went away
    /// (`| head`) is no failure.
    pub fn answer(self, text: &str) -> Result<(), Fault> {
        let text = terminal::shown(text);
        self.raw(&self.width().map_or(text.as_ref().into(), |width| wrap::fit(&text, width)))
    }

    /// Writes the answer as it stands: what has a form of its own.
    pub fn raw(self, text: &str) -> Result<(), Fault> {
        quietly(write_all(&mut anstream::stdout().lock(), text)).map_err(Fault::Output)
    }

    /// Writes a list: tab-separated with `--plain`, else a table as wide as the screen with `below` under it.
    pub fn list(self, table: &Table, below: &str) -> Result<(), Fault> {
        if self.plain {
            return self.raw(&table.plain());
        }
        self.answer(&(table.text(self.width()) + below))
    }

    /// Writes the answer as one JSON document; with `--plain` as a line a fact, under the same names.
    pub fn document(self, value: &impl Serialize) -> Result<(), Fault> {
        let failed = |error: serde_json::Error| Fault::Output(error.into());
        if self.plain {
            return self.raw(&plain::of_document(&serde_json::to_value(value).map_err(failed)?));
        }
        let text = serde_json::to_string(value).map_err(failed)?;
        quietly(writeln!(io::stdout().lock(), "{}", printable_json(&text))).map_err(Fault::Output)
    }

    /// Whether a program reads the answer: then [`Self::document`] has all of it.
    pub fn is_for_programs(self) -> bool {
        self.json || self.plain
    }

    /// Columns of the screen that the answer goes to; `None`: no screen, so nothing is made to fit.
    pub fn width(self) -> Option<usize> {
        terminal::width_of(&io::stdout()).filter(|_| !self.is_for_programs())
    }

    /// Says something beside the answer, on stderr; not with `--quiet`.
    pub fn note(self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Says something on stderr that `--quiet` does not silence.
    pub fn complain(self, text: &str) {
        // Nobody can be told that stderr is gone.
        let text = terminal::shown(text);
        let fitted = terminal::width_of(&io::stderr()).map(|width| wrap::fit(&text, width));
        let _ = write_all(&mut anstream::stderr().lock(), fitted.as_deref().unwrap_or(&text));
    }

    /// Whether a question can be asked.
    pub fn can_ask(self) -> bool {
        !self.no_input && !self.is_for_programs() && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks on stderr; only `y` and `yes` are a yes.
    pub fn confirm(self, question: &str) -> bool {
        ask(&format!("{question} [y/N] ")).is_some_and(|line| is_yes(&line))
    }

    /// Asks for `word` itself, for what cannot be taken back.
    pub fn confirm_by_typing(self, word: &str) -> bool {
        ask(&format!("type {word} to go on: ")).is_some_and(|line| line.trim() == word)
    }
}

/// A line of stdin, after a question on stderr.
pub fn ask(question: &str) -> Option<String> {
    let mut stderr = anstream::stderr().lock();
    write!(stderr, "{question}").and_then(|()| stderr.flush()).ok()?;
    drop(stderr);
    let mut line = String::new();
    io::stdin().read_line(&mut line).ok()?;
    Some(line)
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

fn write_all(stream: &mut impl Write, text: &str) -> io::Result<()> {
    let text = text::harmless(text);
    stream.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        stream.write_all(b"\n")?;
    }
    stream.flush()
}

fn quietly(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        assert!(is_yes("y\n") && is_yes(" YES \n"));
        assert!(!is_yes("\n") && !is_yes("no\n") && !is_yes("yess\n"));
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        assert!(quietly(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(quietly(Err(io::ErrorKind::StorageFull.into())).is_err());
    }
}
