//! From the bytes of a complete body to a page, without a tree of values in between.
//!
//! `serde_json` pulls; three seeds follow the shape of an answer: the object, the list under the wrapper, a row.
//! Scalars are taken as the text that stands there ([`RawValue`]), so that no number passes through a float.
//! The first violation ends the work; it is kept beside the parser, since serde's own errors know no JSON path.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::page::{self, Page, PlacedRow, settle};
use super::request::Request;
use super::row::RowSeed;
use super::text;
use crate::config::Secret;
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::endpoint::Wire;
use crate::domain::ids::MallId;

/// Deepest nesting inside a field that we do not know (`docs/reliability.md` D1).
const MAX_DEPTH: usize = 64;

/// What the answer must be.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) mall_id: MallId,
    pub(super) wire: &'static Wire,
    pub(super) granularity: Granularity,
    pub(super) chunk: DayRange,
    /// Rows of one answer at most.
    pub(super) row_max: usize,
    /// What the request carried: an answer that repeats it must not get it stored.
    pub(super) token: Secret,
}

impl Expected {
    pub(super) fn of(request: &Request<'_>, row_max: usize, token: &Secret) -> Self {
        let wanted = request.wanted();
        Self {
            mall_id: wanted.mall_id.clone(),
            wire: request.wire(),
            granularity: wanted.granularity,
            chunk: wanted.chunk,
            row_max,
            token: token.clone(),
        }
    }
}

/// Where an answer breaks the contract, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) path: String,
    pub(super) problem: String,
}

/// Why a complete body is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DecodeError {
    /// Not JSON at all, or JSON that stops in the middle.
    NotJson,
    /// JSON, but not ours.
    Contract(Violation),
}

/// Decodes a complete body.
///
/// A body that begins neither as object nor as list is *not JSON* (a maintenance page); one that begins so and is
/// malformed later breaks the contract, since asking again would bring the same; one that merely stops is *not JSON*.
pub(super) fn decode(body: &[u8], expected: &Expected) -> Result<Page, DecodeError> {
    let (body, replaced) = if let Ok(text) = std::str::from_utf8(body) {
        (Cow::Borrowed(text), 0)
    } else {
        let (text, replaced) = text::repair(body);
        (Cow::Owned(text), replaced)
    };
    let json = body.trim_start_matches('\u{feff}').trim_start_matches([' ', '\t', '\r', '\n']);
    if !json.starts_with(['{', '[']) {
        return Err(match serde_json::from_str::<IgnoredAny>(json) {
            Ok(_) => violation("$", "is no object"),
            Err(_) => DecodeError::NotJson,
        });
    }
    let mut decoder = Decoder {
        expected,
        rows: Vec::new(),
        replaced,
        sums_off: 0,
        extra_left_out: 0,
        at: Place::default(),
        violation: None,
    };
    let mut parser = serde_json::Deserializer::from_str(json);
    let result = BodySeed(&mut decoder).deserialize(&mut parser).and_then(|()| parser.end());
    if let Some(violation) = decoder.violation {
        return Err(DecodeError::Contract(violation));
    }
    if let Err(error) = result {
        return Err(match error.classify() {
            Category::Eof => DecodeError::NotJson,
            Category::Syntax | Category::Data | Category::Io => {
                violation(&decoder.at.path(expected.wire.wrapper), &shortened(&error.to_string()))
            }
        });
    }
    let (count, ends) = (decoder.rows.len(), page::ends(&decoder.rows));
    let rows = settle(decoder.rows, expected.wire.wrapper).map_err(DecodeError::Contract)?;
    Ok(Page {
        rows,
        replaced_nuls: decoder.replaced,
        sums_off: decoder.sums_off,
        extra_left_out: decoder.extra_left_out,
        count,
        ends,
    })
}

fn violation(path: &str, problem: &str) -> DecodeError {
    DecodeError::Contract(Violation { path: path.to_owned(), problem: problem.to_owned() })
}

/// A value of the answer inside an error text.
pub(super) fn shortened(text: &str) -> String {
    text::cut(text.replace(|c: char| c.is_control(), "\u{fffd}"), 120)
}

/// How far the work has come.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    pub(super) expected: &'a Expected,
    pub(super) rows: Vec<PlacedRow>,
    pub(super) replaced: u64,
    pub(super) sums_off: u64,
    pub(super) extra_left_out: u64,
    pub(super) at: Place,
    violation: Option<Violation>,
}

/// Where in the answer we are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    in_wrapper: bool,
    pub(super) row: Option<usize>,
    pub(super) field: Option<&'static str>,
}

impl Place {
    fn path(self, wrapper: &str) -> String {
        let mut path = "$".to_owned();
        if self.in_wrapper {
            path.push('.');
            path.push_str(wrapper);
        }
        if let Some(row) = self.row {
            path.push('[');
            path.push_str(&row.to_string());
            path.push(']');
        }
        if let Some(field) = self.field {
            path.push('.');
            path.push_str(field);
        }
        path
    }
}

impl Decoder<'_> {
    /// Notes what is wrong at this place, and makes the error that ends the parser's work.
    pub(super) fn fail<E: Error>(&mut self, problem: impl Into<String>) -> E {
        let path = self.at.path(self.expected.wire.wrapper);
        self.violation.get_or_insert(Violation { path, problem: problem.into() });
        E::custom("contract violation")
    }

    /// Passes over a value that we do not know. The parser does not recurse here; the limit is for memory.
    pub(super) fn skip<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<&'de str, A::Error> {
        let raw = map.next_value::<&RawValue>()?.get();
        if depth(raw) > MAX_DEPTH {
            return Err(self.fail(format!("an unknown field is nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(raw)
    }
}

fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Names a key by its bytes: no copy of it is made, and one with a lone surrogate is just another unknown key.
pub(super) struct KeySeed<F>(pub(super) F);

impl<'de, T, F: FnOnce(&[u8]) -> T> DeserializeSeed<'de> for KeySeed<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<T, F: FnOnce(&[u8]) -> T> Visitor<'_> for KeySeed<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E: Error>(self, key: &[u8]) -> Result<T, E> {
        Ok((self.0)(key))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<T, E> {
        self.visit_bytes(key.as_bytes())
    }
}

/// A key of the answer itself.
#[derive(PartialEq, Eq)]
enum TopKey {
    Wrapper,
    Error,
    Other,
}

/// The answer: an object with the wrapper.
struct BodySeed<'s, 'a>(&'s mut Decoder<'a>);

impl<'de> DeserializeSeed<'de> for BodySeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BodySeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}`", self.0.expected.wire.wrapper)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(decoder) = self;
        let wrapper = decoder.expected.wire.wrapper;
        let mut found = false;
        let name = |key: &[u8]| match key {
            b"error" => TopKey::Error,
            _ if key == wrapper.as_bytes() => TopKey::Wrapper,
            _ => TopKey::Other,
        };
        while let Some(key) = map.next_key_seed(KeySeed(name))? {
            if key == TopKey::Wrapper {
                decoder.at.in_wrapper = true;
                if std::mem::replace(&mut found, true) {
                    return Err(decoder.fail("stands twice"));
                }
                map.next_value_seed(RowsSeed(decoder))?;
                decoder.at = Place::default();
            } else if key == TopKey::Error {
                let raw = map.next_value::<&RawValue>()?;
                if raw.get() != "null" {
                    return Err(decoder.fail("carries `error` with HTTP 200"));
                }
            } else {
                decoder.skip(&mut map)?;
            }
        }
        if found { Ok(()) } else { Err(decoder.fail(format!("has no `{wrapper}`"))) }
    }
}

/// The rows.
struct RowsSeed<'s, 'a>(&'s mut Decoder<'a>);

impl<'de> DeserializeSeed<'de> for RowsSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self(decoder) = self;
        loop {
            let index = decoder.rows.len();
            decoder.at.row = Some(index);
            if seq.next_element_seed(RowSeed(decoder))?.is_none() {
                return Ok(());
            }
            if index >= decoder.expected.row_max {
                let max = decoder.expected.row_max;
                decoder.at.row = None;
                return Err(decoder.fail(format!("more than {max} rows (row limit)")));
            }
        }
    }
}
