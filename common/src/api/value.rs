//! The values of a row, each taken as the text that stands there.

use chrono::NaiveDate;
use serde::de::Error;

use super::decoder::Decoder;
use super::number::{NumberFault, parse_count, parse_decimal};
use super::strike::strike_named;
use super::text;
use super::violation::shortened;
use crate::domain::calendar::parse_row_day;
use crate::domain::extra::{Extra, Extras, json};

/// Characters of a label that are kept.
const LABEL_MAX: usize = 1_000;
/// Bytes of an entity id; ids are never cut, so a longer one is a violation.
const ID_MAX: usize = 512;

/// A value as it stands in the answer.
#[derive(Clone, Copy)]
pub(super) enum Scalar<'a> {
    Number(&'a str),
    /// With its quotes.
    Text(&'a str),
    Null,
    /// True, false, a list or an object.
    Other(&'a str),
}

impl<'a> Scalar<'a> {
    pub(super) fn of(raw: &'a str) -> Self {
        match raw.as_bytes().first() {
            Some(b'"') => Self::Text(raw),
            Some(b'-' | b'0'..=b'9') => Self::Number(raw),
            _ if raw == "null" => Self::Null,
            _ => Self::Other(raw),
        }
    }
}

impl Decoder<'_> {
    fn text<E: Error>(&mut self, raw: &str) -> Result<String, E> {
        let (text, replaced) = text::decode(raw).ok_or_else(|| self.fail("is no valid text"))?;
        self.replaced += replaced;
        Ok(text)
    }

    pub(super) fn day<E: Error>(&mut self, scalar: Scalar<'_>) -> Result<NaiveDate, E> {
        let Scalar::Text(raw) = scalar else { return Err(self.fail("is no date")) };
        let text = self.text(raw)?;
        let Some(day) = parse_row_day(&text) else {
            return Err(self.fail(format!("{:?} is no date", shortened(&text))));
        };
        let (chunk, granularity) = (self.expected.chunk, self.expected.granularity);
        if !chunk.contains(day) {
            return Err(self.fail(format!("{day} lies outside the chunk {chunk}")));
        }
        if granularity.period_start(day) != day {
            return Err(self.fail(format!("{day} is not the first day of a {granularity}")));
        }
        Ok(day)
    }

    /// A text, or a whole number as text.
    pub(super) fn entity_id<E: Error>(&mut self, scalar: Scalar<'_>) -> Result<String, E> {
        let id = match scalar {
            Scalar::Text(raw) => self.text(raw)?,
            Scalar::Number(raw) => match parse_count(raw) {
                Ok(number) => number.to_string(),
                Err(fault) => return Err(self.fail(format!("{} {fault}", shortened(raw)))),
            },
            Scalar::Null | Scalar::Other(_) => return Err(self.fail("is neither text nor number")),
        };
        if id.is_empty() {
            return Err(self.fail("is empty"));
        }
        if id.len() > ID_MAX {
            return Err(self.fail(format!("is longer than {ID_MAX} bytes (id limit)")));
        }
        Ok(id)
    }

    /// A text, or a number as it stands; null and empty are no label.
    pub(super) fn label<E: Error>(&mut self, scalar: Scalar<'_>) -> Result<Option<String>, E> {
        let label = match scalar {
            Scalar::Text(raw) => self.text(raw)?,
            Scalar::Number(raw) => raw.to_owned(),
            Scalar::Null => return Ok(None),
            Scalar::Other(_) => return Err(self.fail("is no text")),
        };
        Ok(Some(text::cut(label, LABEL_MAX)).filter(|label| !label.is_empty()))
    }

    /// A number, or a text that holds one. Null and empty are no zero.
    pub(super) fn number<T, E: Error>(
        &mut self,
        scalar: Scalar<'_>,
        parse: fn(&str) -> Result<T, NumberFault>,
    ) -> Result<T, E> {
        let held;
        let number = match scalar {
            Scalar::Number(raw) => raw,
            Scalar::Text(raw) => {
                held = self.text(raw)?;
                held.as_str()
            }
            Scalar::Null => return Err(self.fail("is null")),
            Scalar::Other(raw) => return Err(self.fail(format!("{} is no number", shortened(raw)))),
        };
        parse(number).map_err(|fault| self.fail(format!("{:?} {fault}", shortened(number))))
    }

    /// A field that nobody knows: kept if it is a scalar that holds no secret. Null says nothing.
    pub(super) fn unknown(&mut self, extras: &mut Extras, name: Option<String>, scalar: Scalar<'_>) {
        let value = match scalar {
            Scalar::Null => return,
            Scalar::Number(raw) => {
                let size = raw.strip_prefix('-').unwrap_or(raw);
                parse_decimal(size).is_ok().then(|| raw.to_owned())
            }
            // Cut before it is decoded: no long text is kept anyway.
            Scalar::Text(raw) if raw.len() > 6 * Extra::VALUE => None,
            Scalar::Text(raw) => match text::decode(raw) {
                Some((text, replaced)) => {
                    self.replaced += replaced;
                    (!self.is_secret(&text)).then(|| json(&text))
                }
                None => None,
            },
            Scalar::Other(raw) => matches!(raw, "true" | "false").then(|| raw.to_owned()),
        };
        match name.zip(value) {
            Some((name, value)) => extras.keep_unknown(name, value),
            None => extras.leave_out(),
        }
    }

    /// Whether a text holds our own token, or what reads like somebody's.
    fn is_secret(&self, text: &str) -> bool {
        let token = &self.expected.token;
        (!token.is_empty() && text.contains(token.expose())) || strike_named(text) != text
    }
}
