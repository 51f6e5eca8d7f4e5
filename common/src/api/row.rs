//! One row of an answer, by the fields that the endpoint table names.

use std::fmt;

use chrono::NaiveDate;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::decoder::{Decoder, KeySeed};
use super::number::{parse_count, parse_decimal};
use super::sum::Counts;
use super::value::Scalar;
use crate::domain::endpoint::{Column, Grain, Wire};
use crate::domain::extra::Extras;
use crate::domain::metric::{MetricRow, Values};

/// Reads a row and adds it to the decoder's.
pub(super) struct RowSeed<'s, 'a>(pub(super) &'s mut Decoder<'a>);

/// A field as the table knows it; the number is its place among its like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Day,
    Entity,
    Label,
    Metric(usize),
    Extra(usize),
}

impl Field {
    /// A bit of its own; a row of the table has at most 24 fields.
    fn bit(self, wire: &Wire) -> u32 {
        match self {
            Self::Day => 1,
            Self::Entity => 2,
            Self::Label => 4,
            Self::Metric(place) => 8 << place,
            Self::Extra(place) => 8 << (wire.metrics.len() + place),
        }
    }
}

/// What a key of a row is to us.
enum Key {
    Known(Field, &'static str),
    /// The table says that it is not kept.
    LeftOut,
    /// Nobody knows it; its name, if it may be kept.
    Unknown(Option<String>),
}

fn known(wire: &Wire, key: &[u8]) -> Key {
    let is = |name: &&'static str| name.as_bytes() == key;
    let day = match wire.grain {
        Grain::DayRows { date_field } => Some(date_field),
        Grain::RangeAggregate => None,
    };
    if let Some(name) = day.filter(is) {
        return Key::Known(Field::Day, name);
    }
    if let Some(name) = wire.entity_field.filter(is) {
        return Key::Known(Field::Entity, name);
    }
    if let Some(name) = wire.label_field.filter(is) {
        return Key::Known(Field::Label, name);
    }
    if let Some(place) = wire.metrics.iter().position(|metric| is(&metric.name)) {
        return Key::Known(Field::Metric(place), wire.metrics[place].name);
    }
    if let Some(place) = wire.extra.iter().position(|extra| is(&extra.name)) {
        return Key::Known(Field::Extra(place), wire.extra[place].name);
    }
    if wire.left_out.iter().any(is) {
        return Key::LeftOut;
    }
    let name = std::str::from_utf8(key).ok().filter(|name| Extras::allows(name));
    Key::Unknown(name.map(str::to_owned))
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// What was read of a row so far.
#[derive(Default)]
struct Read {
    seen: u32,
    day: Option<NaiveDate>,
    entity_id: Option<String>,
    label: Option<String>,
    values: Values,
    extras: Extras,
    counts: Counts,
}

impl<'de> Visitor<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(decoder) = self;
        let wire = decoder.expected.wire;
        let mut read = Read { counts: Counts::of(wire), ..Read::default() };
        while let Some(key) = map.next_key_seed(KeySeed(|key: &[u8]| known(wire, key)))? {
            match key {
                Key::Known(field, name) => {
                    decoder.at.field = Some(name);
                    let raw = map.next_value::<&RawValue>()?.get();
                    decoder.field(&mut read, field, name, Scalar::of(raw))?;
                    decoder.at.field = None;
                }
                Key::LeftOut => {
                    decoder.skip(&mut map)?;
                }
                Key::Unknown(name) => {
                    let raw = decoder.skip(&mut map)?;
                    decoder.unknown(&mut read.extras, name, Scalar::of(raw));
                }
            }
        }
        decoder.add(read)
    }
}

impl Decoder<'_> {
    fn field<E: Error>(
        &mut self,
        read: &mut Read,
        field: Field,
        name: &'static str,
        scalar: Scalar<'_>,
    ) -> Result<(), E> {
        let wire = self.expected.wire;
        if read.seen & field.bit(wire) != 0 {
            return Err(self.fail("stands twice in the row"));
        }
        read.seen |= field.bit(wire);
        match field {
            Field::Day => read.day = Some(self.day(scalar)?),
            Field::Entity => {
                let id = self.entity_id(scalar)?;
                let alias = wire.aliases.iter().find(|(text, _)| *text == id);
                if alias.is_some() {
                    read.extras.keep_text(name, &id);
                }
                read.entity_id = Some(alias.map_or(id, |(_, instead)| (*instead).to_owned()));
            }
            Field::Label => read.label = self.label(scalar)?,
            Field::Metric(place) => match wire.metrics[place].column {
                Column::ConversionValue => {
                    let amount = self.number(scalar, parse_decimal)?;
                    read.values.conversion_value = Some(amount);
                }
                column @ (Column::Impressions | Column::Clicks | Column::Conversions) => {
                    let count = self.number(scalar, parse_count)?;
                    read.values.set_count(column, count);
                    read.counts.note(name, count);
                }
            },
            Field::Extra(place) => {
                if matches!(scalar, Scalar::Null) && !wire.extra[place].required {
                    return Ok(());
                }
                let count = self.number(scalar, parse_count)?;
                read.extras.keep_count(name, count);
                read.counts.note(name, count);
            }
        }
        Ok(())
    }

    fn missing<E: Error>(&mut self, name: &'static str) -> E {
        self.at.field = Some(name);
        self.fail("is missing")
    }

    /// Adds a row that has all that it must have.
    fn add<E: Error>(&mut self, read: Read) -> Result<(), E> {
        let wire = self.expected.wire;
        let entity_id = match wire.entity_field {
            Some(name) => read.entity_id.ok_or_else(|| self.missing(name))?,
            None => self.expected.mall_id.as_str().to_owned(),
        };
        let day = match wire.grain {
            Grain::DayRows { date_field } => read.day.ok_or_else(|| self.missing(date_field))?,
            // One day, since a longer range cannot be asked for.
            Grain::RangeAggregate => self.expected.chunk.start(),
        };
        let metrics =
            wire.metrics.iter().enumerate().map(|(place, metric)| (Field::Metric(place), metric.name));
        let extra = wire.extra.iter().enumerate().filter(|(_, extra)| extra.required);
        let extra = extra.map(|(place, extra)| (Field::Extra(place), extra.name));
        if let Some((_, name)) = metrics.chain(extra).find(|(field, _)| read.seen & field.bit(wire) == 0) {
            return Err(self.missing(name));
        }
        self.sums_off += u64::from(!read.counts.add_up());
        let (extra, left_out) = read.extras.finish();
        self.extra_left_out += left_out;
        let index = self.rows.len();
        self.rows.push((MetricRow { day, entity_id, values: read.values, label: read.label, extra }, index));
        Ok(())
    }
}
