//! Which characters of foreign texts may not reach a terminal or a log (`docs/reliability.md` X2).

use std::borrow::Cow;
use std::fmt::Write;

/// A character that moves the cursor, ends the line, or turns the direction of writing, so that what is seen is not what is
/// there: controls (C0 and C1, line ends and tabs too), Unicode's own line ends, and the marks of direction.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same JSON with the hostile characters that JSON allows in its strings (all but C0) as `\\uXXXX`.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_hostile) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_hostile(c) {
            // All of them are below U+10000. Writing into a String cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x02_controls_line_ends_and_turns_are_hostile_and_words_are_not() {
        assert!("\n\t\r\0\u{1b}\u{7f}\u{85}\u{9b}\u{202e}\u{2066}\u{2028}\u{61c}".chars().all(is_hostile));
        assert!(!"한빛 Ω <script> =cmd() 😀 \u{200d}".chars().any(is_hostile));
    }
}
