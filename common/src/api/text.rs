//! Texts from JSON strings, made fit for Postgres.
//!
//! Postgres takes no NUL, and Rust no lone surrogate. Both, and bytes that are no UTF-8, become U+FFFD and are counted:
//! a name that the server cut in the middle of an emoji, or a referrer that somebody forged, must not cost a mall its day.

use serde::Deserializer as _;
use serde::de::{Error, Visitor};

/// Takes the place of what cannot be kept.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// The text of a JSON string (with its quotes), and how many characters were replaced. `None`: no valid string.
pub(super) fn decode(raw: &str) -> Option<(String, u64)> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some((inner.to_owned(), 0));
    }
    let bytes = serde_json::Deserializer::from_str(raw).deserialize_bytes(Bytes).ok()?;
    Some(repair(&bytes))
}

/// Valid text of any bytes, with the number of replaced characters. A surrogate of three bytes counts once.
pub(super) fn repair(bytes: &[u8]) -> (String, u64) {
    let mut text = String::with_capacity(bytes.len());
    let mut replaced = 0;
    let mut after_invalid = false;
    for chunk in bytes.utf8_chunks() {
        after_invalid &= chunk.valid().is_empty();
        for part in chunk.valid().chars() {
            if part == '\0' {
                replaced += 1;
                text.push(REPLACEMENT);
            } else {
                text.push(part);
            }
        }
        let Some(first) = chunk.invalid().first() else { continue };
        let continues = after_invalid && (0x80..0xc0).contains(first);
        if !continues {
            replaced += 1;
            text.push(REPLACEMENT);
        }
        after_invalid = true;
    }
    (text, replaced)
}

/// The first `max` characters.
pub(super) fn cut(mut text: String, max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(max) {
        text.truncate(end);
    }
    text
}

/// The first `max` bytes as text, for people: odd bytes replaced, cut on a boundary.
pub(super) fn head(bytes: &[u8], max: usize) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(max)]);
    text.replace('\0', "\u{fffd}")
}

/// serde_json hands out lone surrogates only to those who ask for bytes, in three bytes each.
struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain(r#""겨울 코트""#, "겨울 코트", 0)]
    #[case::escapes(r#""a\"b\\c\u00e9\n""#, "a\"b\\cé\n", 0)]
    #[case::pair(r#""\ud83d\ude00""#, "😀", 0)]
    #[case::nul(r#""a\u0000b""#, "a\u{fffd}b", 1)]
    #[case::lone_high(r#""a\ud83d""#, "a\u{fffd}", 1)]
    #[case::lone_low(r#""\ude00b""#, "\u{fffd}b", 1)]
    #[case::two_lone(r#""\ud83d\ud83d""#, "\u{fffd}\u{fffd}", 2)]
    fn d03_what_postgres_cannot_keep_is_replaced(
        #[case] raw: &str,
        #[case] text: &str,
        #[case] replaced: u64,
    ) {
        let decoded = decode(raw).expect("a string");
        assert_eq!(decoded.0, text);
        assert_eq!(decoded.1, replaced);
    }

    #[test]
    fn d03_long_names_are_cut_between_characters() {
        assert_eq!(cut("한글😀".repeat(500), 1000).chars().count(), 1000);
        assert_eq!(cut("short".to_owned(), 1000), "short");
    }

    #[test]
    fn d03_the_head_of_a_body_is_text_that_postgres_keeps() {
        assert_eq!(head(b"a\0b\xffc", 4), "a\u{fffd}b\u{fffd}");
    }

    proptest! {
        #[test]
        fn any_text_survives_its_own_json(text in "[^\\x00]{0,40}") {
            let raw = serde_json::to_string(&text).expect("a string is JSON");
            prop_assert_eq!(decode(&raw), Some((text, 0)));
        }

        #[test]
        fn repaired_bytes_are_text_without_nul(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(!repair(&bytes).0.contains('\0'));
        }
    }
}
