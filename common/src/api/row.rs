//! One row of an answer, by the fields that the endpoint table names.

use std::fmt;

use chrono::NaiveDate;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::decode::{Decoder, KeySeed, shortened};
use super::number::{parse_count, parse_decimal};
use super::text;
use crate::domain::calendar::parse_row_day;
use crate::domain::endpoint::{Column, Grain, Wire};
use crate::domain::metric::{MetricRow, Values};

/// Characters of a label that are kept.
const LABEL_MAX: usize = 1_000;
/// Bytes of an entity id; ids are never cut, so a longer one is a violation.
const ID_MAX: usize = 512;

/// Reads a row and adds it to the decoder's.
pub(super) struct RowSeed<'s, 'a>(pub(super) &'s mut Decoder<'a>);

/// A field as the table knows it; the number is its place among the metrics.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Day,
    Entity,
    Label,
    Metric(usize),
}

impl Field {
    /// A bit of its own; a row of the table has at most 29 metrics.
    fn bit(self) -> u32 {
        match self {
            Self::Day => 1,
            Self::Entity => 2,
            Self::Label => 4,
            Self::Metric(place) => 8 << place,
        }
    }
}

fn known(wire: &Wire, key: &[u8]) -> Option<(Field, &'static str)> {
    let named = |name: Option<&'static str>| name.filter(|name| name.as_bytes() == key);
    if let Grain::DayRows { date_field } = wire.grain
        && let Some(name) = named(Some(date_field))
    {
        return Some((Field::Day, name));
    }
    if let Some(name) = named(wire.entity_field) {
        return Some((Field::Entity, name));
    }
    if let Some(name) = named(wire.label_field) {
        return Some((Field::Label, name));
    }
    let place = wire.metrics.iter().position(|metric| metric.name.as_bytes() == key)?;
    Some((Field::Metric(place), wire.metrics[place].name))
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(decoder) = self;
        let wire = decoder.expected.wire;
        let mut seen = 0;
        let (mut day, mut entity_id, mut label) = (None, None, None);
        let mut values = Values::default();
        while let Some(key) = map.next_key_seed(KeySeed(|key: &[u8]| known(wire, key)))? {
            let Some((field, name)) = key else {
                decoder.skip(&mut map)?;
                continue;
            };
            decoder.at.field = Some(name);
            if seen & field.bit() != 0 {
                return Err(decoder.fail("stands twice in the row"));
            }
            seen |= field.bit();
            let scalar = Scalar::of(map.next_value::<&RawValue>()?.get());
            match field {
                Field::Day => day = Some(decoder.day(scalar)?),
                Field::Entity => entity_id = Some(decoder.entity_id(scalar)?),
                Field::Label => label = decoder.label(scalar)?,
                Field::Metric(place) => decoder.metric(scalar, wire.metrics[place].column, &mut values)?,
            }
            decoder.at.field = None;
        }
        let entity_id = match wire.entity_field {
            Some(name) => entity_id.ok_or_else(|| decoder.missing(name))?,
            None => decoder.expected.mall_id.as_str().to_owned(),
        };
        let day = match wire.grain {
            Grain::DayRows { date_field } => day.ok_or_else(|| decoder.missing(date_field))?,
            // One day, since a longer range cannot be asked for.
            Grain::RangeAggregate => decoder.expected.chunk.start(),
        };
        for (place, metric) in wire.metrics.iter().enumerate() {
            if seen & Field::Metric(place).bit() == 0 {
                return Err(decoder.missing(metric.name));
            }
        }
        let index = decoder.rows.len();
        decoder.rows.push((MetricRow { day, entity_id, values, label }, index));
        Ok(())
    }
}

/// A value as it stands in the answer.
#[derive(Clone, Copy)]
enum Scalar<'a> {
    Number(&'a str),
    /// With its quotes.
    Text(&'a str),
    Null,
    /// True, false, a list or an object.
    Other(&'a str),
}

impl<'a> Scalar<'a> {
    fn of(raw: &'a str) -> Self {
        match raw.as_bytes().first() {
            Some(b'"') => Self::Text(raw),
            Some(b'-' | b'0'..=b'9') => Self::Number(raw),
            _ if raw == "null" => Self::Null,
            _ => Self::Other(raw),
        }
    }
}

impl Decoder<'_> {
    fn missing<E: Error>(&mut self, name: &'static str) -> E {
        self.at.field = Some(name);
        self.fail("is missing")
    }

    fn text<E: Error>(&mut self, raw: &str) -> Result<String, E> {
        let (text, replaced) = text::decode(raw).ok_or_else(|| self.fail("is no valid text"))?;
        self.replaced += replaced;
        Ok(text)
    }

    fn day<E: Error>(&mut self, scalar: Scalar<'_>) -> Result<NaiveDate, E> {
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
    fn entity_id<E: Error>(&mut self, scalar: Scalar<'_>) -> Result<String, E> {
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
    fn label<E: Error>(&mut self, scalar: Scalar<'_>) -> Result<Option<String>, E> {
        let label = match scalar {
            Scalar::Text(raw) => self.text(raw)?,
            Scalar::Number(raw) => raw.to_owned(),
            Scalar::Null => return Ok(None),
            Scalar::Other(_) => return Err(self.fail("is no text")),
        };
        Ok(Some(text::cut(label, LABEL_MAX)).filter(|label| !label.is_empty()))
    }

    /// A number, or a text that holds one. Null and empty are no zero.
    fn metric<E: Error>(&mut self, scalar: Scalar<'_>, column: Column, values: &mut Values) -> Result<(), E> {
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
        let set = match column {
            Column::ConversionValue => {
                parse_decimal(number).map(|amount| values.conversion_value = Some(amount))
            }
            Column::Impressions | Column::Clicks | Column::Conversions => {
                parse_count(number).map(|count| values.set_count(column, count))
            }
        };
        set.map_err(|fault| self.fail(format!("{:?} {fault}", shortened(number))))
    }
}
