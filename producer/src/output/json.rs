//! Documents for programs. A document changes its shape only with its `schema_version`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::text::json_time;
use crate::fault::Fault;

/// Version of every document.
pub const SCHEMA_VERSION: u32 = 1;

/// `value` with its times in Korea's zone, as every document has them.
pub fn with_times(value: &impl Serialize, times: &[(&str, Option<DateTime<Utc>>)]) -> Result<Value, Fault> {
    let mut value = serde_json::to_value(value).map_err(|error| Fault::Output(error.into()))?;
    for (field, time) in times {
        value[*field] = time.map_or(Value::Null, |time| Value::String(json_time(time)));
    }
    Ok(value)
}

/// A list that may go on.
#[derive(Debug, Serialize)]
pub struct List<T> {
    schema_version: u32,
    items: Vec<T>,
    /// Value for `--after`, if there are more.
    next: Option<String>,
    as_of: String,
}

impl<T> List<T> {
    /// `next`: the last item's key if there are more items.
    pub fn new(items: Vec<T>, next: Option<String>, now: DateTime<Utc>) -> Self {
        Self { schema_version: SCHEMA_VERSION, items, next, as_of: json_time(now) }
    }
}

/// A document with one thing in it.
#[derive(Debug, Serialize)]
pub struct Document<T> {
    schema_version: u32,
    #[serde(flatten)]
    content: T,
    as_of: String,
}

impl<T> Document<T> {
    /// Wraps `content`, whose fields stand beside `schema_version`.
    pub fn new(content: T, now: DateTime<Utc>) -> Self {
        Self { schema_version: SCHEMA_VERSION, content, as_of: json_time(now) }
    }
}
