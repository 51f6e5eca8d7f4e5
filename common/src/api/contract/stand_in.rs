//! Answers that can be kept: the structure of a real one, and not one of its values.
//!
//! A value becomes another of the same kind and form: a number of that form, a day of that form, a text that says what it
//! stands for. What was the same text before is the same text after, within one recording, so that rows of one product
//! stay rows of one product. Constants of the table (what stands for "no referring domain") are the contract's and stay.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use serde_json::{Map, Number, Value, json};

use super::{Kind, key_name};
use crate::domain::calendar::{DayRange, parse_row_day};
use crate::domain::endpoint::Wire;

/// Rows that are kept of an answer: how many products a shop sells is a figure, too.
const ROWS_MAX: usize = 20;
/// The day that the first day asked for becomes.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 2, 1).expect("a day");

/// Stand-ins given so far.
#[derive(Debug, Default)]
pub struct StandIns {
    texts: BTreeMap<String, usize>,
    numbers: u32,
}

impl StandIns {
    /// What the days asked for become.
    pub fn days(chunk: DayRange) -> DayRange {
        let days = u64::try_from(chunk.days() - 1).unwrap_or(0);
        // In order, as they were.
        DayRange::new(FIRST_DAY, FIRST_DAY + Days::new(days)).unwrap_or(chunk)
    }

    /// `body` of an answer for `chunk` with every value replaced, as far as it is JSON.
    pub fn body(&mut self, body: &[u8], wire: &Wire, chunk: DayRange) -> Option<Value> {
        let mut body: Value = serde_json::from_slice(body).ok()?;
        if let Some(rows) = body.get_mut(wire.wrapper).and_then(Value::as_array_mut) {
            keep_one_of_each(rows);
        }
        let mut body = self.value(&body, "", wire, chunk);
        for row in body.get_mut(wire.wrapper).and_then(Value::as_array_mut).into_iter().flatten() {
            make_sum(row, wire);
        }
        Some(body)
    }

    fn value(&mut self, value: &Value, key: &str, wire: &Wire, chunk: DayRange) -> Value {
        match value {
            Value::Null => Value::Null,
            Value::Bool(_) => Value::Bool(true),
            Value::Number(_) if wire.entity_field == Some(key) => json!(self.text(&value.to_string())),
            Value::Number(number) if number.is_f64() => Number::from_f64(self.next_f64()).into(),
            Value::Number(_) => json!(self.next()),
            Value::String(text) => Value::String(self.string(text, key, wire, chunk)),
            Value::Array(items) => items.iter().map(|item| self.value(item, key, wire, chunk)).collect(),
            Value::Object(fields) => {
                let mut kept = Map::new();
                for (place, (name, value)) in fields.iter().enumerate() {
                    let shown = key_name(name);
                    let shown = if shown == *name { shown } else { format!("key-{place}") };
                    kept.insert(shown, self.value(value, name, wire, chunk));
                }
                Value::Object(kept)
            }
        }
    }

    fn string(&mut self, text: &str, key: &str, wire: &Wire, chunk: DayRange) -> String {
        if wire.aliases.iter().any(|(alias, _)| *alias == text) {
            return text.to_owned();
        }
        match Kind::of(&Value::String(text.to_owned())) {
            Kind::NumberText if wire.entity_field == Some(key) => self.text(text).to_string(),
            Kind::NumberText => match text.split_once('.') {
                Some((_, decimals)) => format!("{}.{}", self.next(), "5".repeat(decimals.len())),
                None => self.next().to_string(),
            },
            Kind::Day | Kind::DayTime => moved(text, chunk),
            _ if text.is_empty() => String::new(),
            _ if looks_like_domain(text) => format!("site-{}.example", self.text(text)),
            _ => format!("text-{}", self.text(text)),
        }
    }

    /// A small number that was not given yet.
    fn next(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    fn next_f64(&mut self) -> f64 {
        f64::from(self.next()) + 0.5
    }

    /// The number of a text, the same for the same text.
    fn text(&mut self, text: &str) -> usize {
        let next = self.texts.len() + 1;
        *self.texts.entry(text.to_owned()).or_insert(next)
    }
}

/// One row of each shape first, then others up to the most.
fn keep_one_of_each(rows: &mut Vec<Value>) {
    let mut shapes = BTreeSet::new();
    let mut first: Vec<bool> = rows.iter().map(|row| shapes.insert(signature(row))).collect();
    let mut room = ROWS_MAX.saturating_sub(first.iter().filter(|first| **first).count());
    for keep in first.iter_mut().filter(|keep| !**keep) {
        *keep = room > 0;
        room = room.saturating_sub(1);
    }
    let mut keep = first.into_iter();
    rows.retain(|_| keep.next().unwrap_or(false));
}

fn signature(row: &Value) -> Vec<(&str, Kind)> {
    row.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), Kind::of(value))).collect()
}

/// A day in the form that it had. One within the range keeps its place there; one outside is outside after, too.
fn moved(text: &str, chunk: DayRange) -> String {
    let by = parse_row_day(text).map_or(0, |day| (day - chunk.start()).num_days());
    let day = match u64::try_from(by) {
        Ok(later) => FIRST_DAY.checked_add_days(Days::new(later)),
        Err(_) => FIRST_DAY.checked_sub_days(Days::new(by.unsigned_abs())),
    };
    // A time of day is no figure, but it need not be kept either: only its form is.
    let form: String = text.chars().skip(10).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let zone = if form.ends_with("+00:00") {
        form.replacen("+00:00", "+09:00", 1)
    } else {
        form.replace('Z', "+09:00")
    };
    format!("{}{zone}", day.unwrap_or(FIRST_DAY))
}

fn looks_like_domain(text: &str) -> bool {
    let mut labels = text.split('.');
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.contains('.') && labels.all(label)
}

/// Where the table says that fields make a sum, they do.
fn make_sum(row: &mut Value, wire: &Wire) {
    let Some(sum) = &wire.sum else { return };
    let parts =
        sum.parts.iter().map(|part| row.get(*part).and_then(Value::as_u64)).collect::<Option<Vec<_>>>();
    if let (Some(parts), Some(whole)) = (parts, row.get_mut(sum.whole))
        && whole.is_u64()
    {
        *whole = json!(parts.iter().sum::<u64>());
    }
}
