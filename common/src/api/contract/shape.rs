//! Which keys an answer has, and of which kinds their values are.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::rows;
use crate::api::number::parse_decimal;
use crate::domain::calendar::parse_row_day;

/// Longest name of a key that is told; longer ones, and such as are no plain name, may be values.
const NAME_MAX: usize = 40;

/// What a value is, without what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `null`.
    Null,
    /// True or false.
    Bool,
    /// A number without a fraction.
    Whole,
    /// A number with a fraction or an exponent.
    Fraction,
    /// A number in quotes.
    NumberText,
    /// `2026-02-15`.
    Day,
    /// A day with a time.
    DayTime,
    /// Any other text.
    Text,
    /// A list.
    List,
    /// An object.
    Object,
}

impl Kind {
    /// Of a value.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.is_f64() => Self::Fraction,
            Value::Number(_) => Self::Whole,
            Value::String(text) if parse_decimal(text).is_ok() => Self::NumberText,
            Value::String(text) if parse_row_day(text).is_some() => {
                if text.len() == 10 {
                    Self::Day
                } else {
                    Self::DayTime
                }
            }
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Object,
        }
    }

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Whole => "number",
            Self::Fraction => "number with a fraction",
            Self::NumberText => "number as text",
            Self::Day => "day",
            Self::DayTime => "day with a time",
            Self::Text => "text",
            Self::List => "list",
            Self::Object => "object",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A field of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, if it is a plain one.
    pub name: String,
    /// Of which kinds its values are.
    pub kinds: BTreeSet<Kind>,
    /// Whether every row has it.
    pub in_all: bool,
}

/// How many rows there are, as far as that may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// None.
    None,
    /// Some.
    Some,
}

/// How an answer is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The keys on top, with the kinds of their values; empty if the answer is no object.
    pub top: Vec<(String, Kind)>,
    /// Whether there are rows under the wrapper; none: there is no list.
    pub rows: Option<Amount>,
    /// The fields of the rows, in the order in which they first come.
    pub fields: Vec<Field>,
}

impl Shape {
    /// Of an answer whose rows should stand under `wrapper`.
    pub fn of(body: &Value, wrapper: &str) -> Self {
        let top = body.as_object().into_iter().flatten();
        let top = top.map(|(key, value)| (key_name(key), Kind::of(value))).collect();
        let Some(rows) = rows(body, wrapper) else { return Self { top, rows: None, fields: Vec::new() } };
        let mut fields: Vec<(&str, usize, BTreeSet<Kind>)> = Vec::new();
        for (key, value) in rows.iter().filter_map(Value::as_object).flatten() {
            let kind = Kind::of(value);
            match fields.iter_mut().find(|(name, ..)| name == key) {
                Some((_, count, kinds)) => {
                    *count += 1;
                    kinds.insert(kind);
                }
                None => fields.push((key, 1, BTreeSet::from([kind]))),
            }
        }
        let fields = fields
            .into_iter()
            .map(|(key, count, kinds)| Field { name: key_name(key), kinds, in_all: count == rows.len() })
            .collect();
        Self { top, rows: Some(if rows.is_empty() { Amount::None } else { Amount::Some }), fields }
    }
}

/// A key, if it is a plain name: a server that answers `{"product name": 3}` would have us tell a value.
pub fn key_name(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.len() <= NAME_MAX && key.bytes().all(plain) {
        key.to_owned()
    } else {
        "(no plain name)".to_owned()
    }
}
