//! What an answer says of a row beyond its columns: a small JSON object of scalars, the same text for the same figures.
//!
//! Counts that the endpoint table names, the text that an alias stands for, and fields that nobody knows yet: the API is
//! beta, and what it adds tomorrow is kept from the first day on. An answer is not trusted with our disk or with secrets,
//! so what is unknown is bounded in number and length, and what looks like a secret is left out.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Words in the name of a field that we do not keep, whatever it holds.
const SECRETIVE: [&str; 7] =
    ["token", "secret", "password", "passwd", "authorization", "cookie", "credential"];

/// The extra fields of one row, as the text of a JSON object with sorted names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra(Box<str>);

impl Extra {
    /// Unknown fields of a row that are kept, the first by name.
    pub const FIELDS: usize = 16;
    /// Bytes of an unknown field's name.
    pub const NAME: usize = 64;
    /// Bytes of an unknown field's value, as JSON.
    pub const VALUE: usize = 256;
    /// Bytes of all unknown fields of a row.
    pub const BYTES: usize = 1_024;

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The extra fields of a row in the making.
#[derive(Debug, Default)]
pub struct Extras {
    /// Values as JSON, so that no number passes through a float.
    known: BTreeMap<&'static str, String>,
    unknown: BTreeMap<String, String>,
    left_out: u64,
}

impl Extras {
    /// Keeps a count that the endpoint table names.
    pub fn keep_count(&mut self, name: &'static str, count: i64) {
        self.known.insert(name, count.to_string());
    }

    /// Keeps a text of a field that the endpoint table names.
    pub fn keep_text(&mut self, name: &'static str, text: &str) {
        self.known.insert(name, json(text));
    }

    /// Whether a field that nobody knows may be kept under its name.
    pub fn allows(name: &str) -> bool {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
        let lower = name.to_ascii_lowercase();
        (1..=Extra::NAME).contains(&name.len())
            && name.bytes().all(plain)
            && !SECRETIVE.iter().any(|word| lower.contains(word))
    }

    /// Keeps a field that nobody knows, if it may be and there is room. `value` is the JSON of a scalar.
    pub fn keep_unknown(&mut self, name: String, value: String) {
        if !Self::allows(&name) || self.unknown.contains_key(&name) {
            return self.leave_out();
        }
        self.unknown.insert(name, value);
        if self.unknown.len() > Extra::FIELDS {
            self.unknown.pop_last();
            self.leave_out();
        }
    }

    /// Counts a field that is not kept.
    pub fn leave_out(&mut self) {
        self.left_out += 1;
    }

    /// The object, if it has a field, and how many fields were left out.
    pub fn finish(self) -> (Option<Extra>, u64) {
        let Self { known, unknown, mut left_out } = self;
        let mut fields: BTreeMap<&str, &str> =
            known.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut room = Extra::BYTES;
        for (name, value) in &unknown {
            let size = name.len() + value.len();
            if value.len() <= Extra::VALUE && size <= room && !fields.contains_key(name.as_str()) {
                room -= size;
                fields.insert(name, value);
            } else {
                left_out += 1;
            }
        }
        if fields.is_empty() {
            return (None, left_out);
        }
        let mut text = String::from("{");
        for (name, value) in fields {
            let comma = if text.len() > 1 { "," } else { "" };
            // No name needs to be escaped, and writing to a String cannot fail.
            let _ = write!(text, "{comma}\"{name}\":{value}");
        }
        text.push('}');
        (Some(Extra(text.into())), left_out)
    }
}

/// A text as JSON.
pub fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn made(fill: impl FnOnce(&mut Extras)) -> (String, u64) {
        let mut extras = Extras::default();
        fill(&mut extras);
        let (extra, left_out) = extras.finish();
        (extra.map(|extra| extra.as_str().to_owned()).unwrap_or_default(), left_out)
    }

    #[test]
    fn the_same_fields_are_the_same_text_in_whatever_order_they_came() {
        let one = made(|extras| {
            extras.keep_unknown("b".to_owned(), json("x"));
            extras.keep_count("count", 1);
            extras.keep_unknown("a".to_owned(), "1.10".to_owned());
        });
        let other = made(|extras| {
            extras.keep_unknown("a".to_owned(), "1.10".to_owned());
            extras.keep_count("count", 1);
            extras.keep_unknown("b".to_owned(), json("x"));
        });
        assert_eq!(one, (r#"{"a":1.10,"b":"x","count":1}"#.to_owned(), 0));
        assert_eq!(one, other);
        assert_eq!(made(|_| {}), (String::new(), 0));
    }

    #[test]
    fn x05_what_is_named_like_a_secret_is_not_kept() {
        for name in
            ["access_token", "refreshToken", "client-secret", "Set-Cookie", "userPassword", "", "a b", "이름"]
        {
            assert!(!Extras::allows(name), "{name}");
        }
        assert!(Extras::allows("order_product_count") && Extras::allows("buyers.new-2"));
    }

    #[test]
    fn what_is_unknown_takes_no_room_from_what_is_named() {
        let (text, left_out) = made(|extras| {
            for n in 0..40 {
                extras.keep_unknown(format!("zz{n:02}"), json(&"y".repeat(200)));
            }
            extras.keep_count("re_visit_count", 7);
        });
        assert!(text.starts_with(r#"{"re_visit_count":7,"zz00":"#), "{text}");
        assert!(text.len() < Extra::BYTES + 200);
        assert_eq!(left_out, 40 - 4, "four of 206 bytes fit");
    }

    proptest! {
        #[test]
        fn d01_whatever_comes_stays_small_and_is_an_object(fields in proptest::collection::vec((".{0,80}", ".{0,400}"), 0..60)) {
            let (text, left_out) = made(|extras| {
                for (name, value) in &fields {
                    extras.keep_unknown(name.clone(), json(value));
                }
            });
            prop_assert!(text.len() <= Extra::BYTES + Extra::FIELDS * 6 + 2, "{}", text.len());
            let kept = if text.is_empty() { 0 } else {
                serde_json::from_str::<BTreeMap<String, Value>>(&text).expect("an object").len()
            };
            prop_assert_eq!(kept as u64 + left_out, fields.len() as u64);
        }
    }
}
