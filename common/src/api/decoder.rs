//! How far the decoding of an answer has come, and what its seeds have in common.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::page::PlacedRow;
use super::request::Request;
use super::violation::{Place, Violation};
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

/// How far the work has come.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    pub(super) expected: &'a Expected,
    pub(super) rows: Vec<PlacedRow>,
    pub(super) replaced: u64,
    pub(super) sums_off: u64,
    pub(super) extra_left_out: u64,
    pub(super) at: Place,
    pub(super) violation: Option<Violation>,
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
