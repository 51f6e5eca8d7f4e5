//! What the terminal can show: how wide it is, and whether it knows more than ASCII.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::os::fd::AsFd;

/// Where nothing says how wide the reader's screen is, and the least that is made use of.
pub const WIDTH: usize = 80;
/// Wider lines are no easier to read.
const WIDEST: usize = 200;

/// Columns of the screen that `stream` goes to, [`WIDTH`] at least; `None`: it goes to none.
pub fn width_of(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    let columns = || {
        let told = terminal_size::terminal_size_of(stream).map(|(columns, _)| usize::from(columns.0));
        // A terminal that cannot say (a serial line) may have been told by its user.
        told.filter(|columns| *columns > 0).or_else(|| variable("COLUMNS")?.parse().ok()).unwrap_or(WIDTH)
    };
    stream.is_terminal().then(|| columns().clamp(WIDTH, WIDEST))
}

/// `text` with the marks that the reader's screen can show.
pub fn shown(text: &str) -> Cow<'_, str> {
    if is_utf8() { Cow::Borrowed(text) } else { ascii(text) }
}

fn variable(wanted: &str) -> Option<String> {
    common::config::env::variables()
        .find(|(name, value)| name == wanted && !value.is_empty())
        .map(|found| found.1)
}

/// Whether the reader's locale is one of UTF-8; where none is set, it is taken for one.
pub fn is_utf8() -> bool {
    // POSIX: the first that is set decides.
    let locale = variable("LC_ALL").or_else(|| variable("LC_CTYPE")).or_else(|| variable("LANG"));
    locale.is_none_or(|locale| says_utf8(&locale))
}

fn says_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// `text` as a terminal without UTF-8 can show it: every mark of ours has a sign of its own there, of the same width.
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => out.push(c),
            '✓' => out.push('+'),
            '↻' => out.push('r'),
            '◐' => out.push('~'),
            '◔' => out.push('t'),
            '◌' => out.push('_'),
            '·' => out.push('.'),
            '○' => out.push('q'),
            '▸' => out.push('>'),
            '✗' | '×' => out.push('x'),
            '⏸' => out.push('='),
            '–' | '−' => out.push('-'),
            '≠' => out.push_str("!="),
            '→' => out.push_str("->"),
            '…' => out.push_str(".."),
            _ => out.push('?'),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_stays_apart_without_utf_8() {
        let marks = "✓↻◐·◔◌○▸✗⏸";
        let plain = ascii(marks);
        let mut seen: Vec<char> = plain.chars().collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!((plain.is_ascii(), seen.len()), (true, marks.chars().count()), "{plain}");
        assert_eq!(ascii("한빛 2026-02-12…2026-02-15 → x"), "?? 2026-02-12..2026-02-15 -> x");
    }

    #[test]
    fn a_locale_says_whether_it_is_utf_8() {
        assert!(says_utf8("ko_KR.UTF-8") && says_utf8("C.utf8"));
        assert!(!says_utf8("C") && !says_utf8("ko_KR.EUC-KR"));
    }
}
