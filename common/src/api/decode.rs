//! From the bytes of a complete body to a page, without a tree of values in between.
//!
//! `serde_json` pulls; three seeds follow the shape of an answer: the object, the list under the wrapper, a row.
//! Scalars are taken as the text that stands there ([`RawValue`]), so that no number passes through a float.
//! The first violation ends the work; it is kept beside the parser, since serde's own errors know no JSON path.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::decoder::{Decoder, Expected, KeySeed};
use super::page::{self, Page, settle};
use super::row::RowSeed;
use super::text;
use super::violation::{Place, Violation, shortened};

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
