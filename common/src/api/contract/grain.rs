//! Whether rows are by day, or one total for the whole range: three days asked at once beside each of them alone.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;

use super::rows;
use crate::api::number::parse_decimal;
use crate::domain::calendar::parse_row_day;
use crate::domain::endpoint::{Grain, Wire};

/// What a range of several days is beside its days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Rows by day, the same as those of each day alone.
    ByDay,
    /// Rows by day, with other figures than those of each day alone.
    ByDayOtherwise,
    /// One total, the sum of the days.
    Total,
    /// One total, which is not the sum of the days.
    TotalOtherwise,
    /// There was nothing to compare, or it could not be read.
    Undecided,
}

impl Found {
    /// Whether that is what the table says; what could not be decided contradicts nothing.
    pub fn fits(self, grain: Grain) -> bool {
        match grain {
            Grain::DayRows { .. } => matches!(self, Self::ByDay | Self::Undecided),
            Grain::RangeAggregate => matches!(self, Self::Total | Self::Undecided),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByDay => "three days asked at once are the rows of each day",
            Self::ByDayOtherwise => {
                "three days asked at once are rows by day, with other figures than each day alone"
            }
            Self::Total => "three days asked at once are one total, the sum of the days",
            Self::TotalOtherwise => {
                "three days asked at once are one total, which is not the sum of the days"
            }
            Self::Undecided => "nothing to compare: no rows on these days, or none that could be read",
        })
    }
}

/// Figures by day (none: without one) and entity.
type Figures = BTreeMap<(Option<NaiveDate>, String), Vec<Decimal>>;

/// Compares the answer for a range with the answers for each of its days.
pub fn grain(range: &[u8], days: &[&[u8]], wire: &Wire) -> Found {
    let read = |body: &[u8]| figures(body, wire);
    let (Some(whole), Some(days)) =
        (read(range), days.iter().map(|day| read(day)).collect::<Option<Vec<_>>>())
    else {
        return Found::Undecided;
    };
    if whole.is_empty() || days.iter().all(BTreeMap::is_empty) {
        return Found::Undecided;
    }
    if whole.keys().all(|(day, _)| day.is_some()) {
        let mut alone = Figures::new();
        for day in days {
            alone.extend(day);
        }
        return if alone == whole { Found::ByDay } else { Found::ByDayOtherwise };
    }
    let mut sums = BTreeMap::new();
    for ((_, entity), figures) in days.into_iter().flatten() {
        let sum = sums.entry(entity).or_insert_with(|| vec![Decimal::ZERO; figures.len()]);
        sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
    }
    let whole: BTreeMap<_, _> = whole.into_iter().map(|((_, entity), figures)| (entity, figures)).collect();
    if sums == whole { Found::Total } else { Found::TotalOtherwise }
}

/// `None`: a row cannot be read, or stands twice.
fn figures(body: &[u8], wire: &Wire) -> Option<Figures> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let date_field = match wire.grain {
        Grain::DayRows { date_field } => date_field,
        Grain::RangeAggregate => "date",
    };
    let names = wire.metrics.iter().map(|metric| metric.name);
    let names: Vec<_> =
        names.chain(wire.extra.iter().filter(|extra| extra.required).map(|extra| extra.name)).collect();
    let mut read = Figures::new();
    for row in rows(&body, wire.wrapper)? {
        let day = row.get(date_field).and_then(Value::as_str).and_then(parse_row_day);
        let entity = match wire.entity_field {
            Some(field) => row.get(field)?.to_string(),
            None => String::new(),
        };
        let figures = names.iter().map(|name| decimal(row.get(*name)?)).collect::<Option<Vec<_>>>()?;
        if read.insert((day, entity), figures).is_some() {
            return None;
        }
    }
    Some(read)
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => parse_decimal(&number.to_string()).ok(),
        Value::String(text) => parse_decimal(text).ok(),
        _ => None,
    }
}
