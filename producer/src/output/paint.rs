//! The few styles there are. Colour never carries a meaning alone: a mark or a word stands beside it.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};

/// Something with a style around it; padding counts the content only if it is applied before.
#[derive(Debug)]
pub struct Painted<T>(Style, T);

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.0.render(), self.1, self.0.render_reset())
    }
}

/// Headings.
pub fn bold<T>(content: T) -> Painted<T> {
    Painted(Style::new().bold(), content)
}

/// Labels, and what one need not read.
pub fn dim<T>(content: T) -> Painted<T> {
    Painted(Style::new().dimmed(), content)
}

/// Done.
pub fn good<T>(content: T) -> Painted<T> {
    Painted(AnsiColor::Green.on_default(), content)
}

/// Wants attention.
pub fn warn<T>(content: T) -> Painted<T> {
    Painted(AnsiColor::Yellow.on_default(), content)
}

/// Failed.
pub fn bad<T>(content: T) -> Painted<T> {
    Painted(AnsiColor::Red.on_default().bold(), content)
}

/// A command to type. On a screen that is too narrow it is broken as a shell allows it (see [`super::wrap`]).
pub fn command<T>(content: T) -> Painted<T> {
    Painted(COMMAND, content)
}

/// `why → what to do`, with what to do as a command if it is one and no sentence.
pub fn remedy(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    match text.rsplit_once("→ ") {
        Some((why, action)) if action.starts_with("cafe24-sync ") => format!("{why}→ {}", command(action)),
        _ => text.to_owned(),
    }
}

const COMMAND: Style = AnsiColor::Cyan.on_default();
/// What ends every style.
pub(super) const RESET: &str = "\u{1b}[0m";

/// What begins a command.
pub(super) fn command_style() -> String {
    COMMAND.render().to_string()
}

/// The text without styles, as a stream that is no terminal shows it.
#[cfg(test)]
pub(crate) fn bare(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
