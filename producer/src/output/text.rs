//! Numbers, times and foreign text as people read them.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use common::domain::calendar::kst;
use common::domain::text::is_hostile;

/// Text from outside without control characters and without characters that turn the direction of writing, so that it
/// can neither move the cursor nor lie about what a line says (`docs/reliability.md` X2).
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_hostile) {
        Cow::Owned(text.chars().filter(|c| !is_hostile(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A whole answer of several lines: line ends, tabs and our own styles stay, nothing else that a terminal obeys does. A
/// foreign text that somebody forgot to [`clean`] can at worst add lines and colours.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let kept = |c: char| !is_hostile(c) || matches!(c, '\n' | '\t');
    if text.chars().all(kept) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let style = style_at(rest);
        if let Some(length) = style {
            out.push_str(&rest[..length]);
        } else if kept(first) {
            out.push(first);
        }
        rest = &rest[style.unwrap_or(first.len_utf8())..];
    }
    Cow::Owned(out)
}

/// The length of a style (`ESC [ numbers m`) at the beginning.
pub(super) fn style_at(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\u{1b}[")?;
    let length = numbers.bytes().take_while(|b| b.is_ascii_digit() || *b == b';').count();
    numbers[length..].starts_with('m').then_some(2 + length + 1)
}

/// `text` cleaned and cut to `width` characters, with `…` for the rest.
pub fn short(text: &str, width: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= width {
        return text.into_owned();
    }
    let mut head: String = text.chars().take(width.saturating_sub(1)).collect();
    head.push('…');
    head
}

/// `1204` as `1,204`.
pub fn number(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::from(if value < 0 { "−" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 job`, `2 jobs`, `1,204 jobs`.
pub fn counted(value: i64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// Whole seconds as `41 s`, `2 m 41 s`, `1 h 06 m`, `3 d 04 h`.
pub fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} m {:02} s", seconds % 60),
        3_600..86_400 => format!("{hours} h {:02} m", minutes % 60),
        _ => format!("{days} d {:02} h", hours % 24),
    }
}

/// `Mon 2026-02-16 10:42 KST`.
pub fn headline_time(now: DateTime<Utc>) -> String {
    now.with_timezone(&kst()).format("%a %Y-%m-%d %H:%M KST").to_string()
}

/// `02-15 09:10`, in KST.
pub fn short_time(time: DateTime<Utc>) -> String {
    time.with_timezone(&kst()).format("%m-%d %H:%M").to_string()
}

/// RFC 3339 with +09:00, whole seconds: every time in JSON.
pub fn json_time(time: DateTime<Utc>) -> String {
    time.with_timezone(&kst()).to_rfc3339_opts(chrono::SecondsFormat::Secs, false)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0")]
    #[case(999, "999")]
    #[case(1_204, "1,204")]
    #[case(14_400_000, "14,400,000")]
    #[case(-40, "−40")]
    fn numbers_are_grouped(#[case] value: i64, #[case] text: &str) {
        assert_eq!(number(value), text);
    }

    #[rstest]
    #[case(0, "0 s")]
    #[case(41, "41 s")]
    #[case(161, "2 m 41 s")]
    #[case(3_980, "1 h 06 m")]
    #[case(273_600, "3 d 04 h")]
    fn durations_have_two_parts(#[case] seconds: u64, #[case] text: &str) {
        assert_eq!(duration(seconds), text);
    }

    #[test]
    fn x02_an_answer_keeps_its_lines_and_styles_and_nothing_else_that_a_terminal_obeys() {
        let answer = "\u{1b}[1;31ma\u{1b}[0m\tb\n\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}c\r\0d";
        assert_eq!(harmless(answer), "\u{1b}[1;31ma\u{1b}[0m\tb\n[2J]0;title31mcd");
        assert!(matches!(harmless("plain\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn x02_foreign_text_cannot_move_the_cursor_or_turn_the_line() {
        assert_eq!(clean("a\u{1b}[2Jb\r\n\u{202e}c\u{9b}d"), "a[2Jbcd");
        assert_eq!(clean("한빛 <script>"), "한빛 <script>");
        assert_eq!(short("한빛가게의 긴 이름", 6), "한빛가게의…");
    }
}
