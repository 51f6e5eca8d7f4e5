//! The contract of an answer, and how one differs from it: names and types, never a value.
//!
//! - [`Shape`]: which keys an answer has, and of which kinds their values are
//! - [`differences`]: what of it the endpoint table says otherwise, each in words
//! - [`grain`]: whether rows are by day, or one total for the whole range
//! - [`StandIns`]: the same answer with every value replaced by another of its kind, to be kept

mod differences;

mod grain;

mod shape;

mod stand_in;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub use self::differences::{Difference, differences};
pub use self::grain::{Found, grain};
pub use self::shape::{Amount, Field, Kind, Shape, key_name};
pub use self::stand_in::StandIns;
pub use super::look::rows_of;

/// The rows of an answer, if they stand where they should.
fn rows<'a>(body: &'a Value, wrapper: &str) -> Option<&'a Vec<Value>> {
    body.get(wrapper)?.as_array()
}
