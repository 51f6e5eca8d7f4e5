//! The pure core: values and arithmetic, no I/O, no clock, no environment.
//!
//! Everything here can be tested by properties and is shared by producer, worker and tests.
//! Read in this order: [`ids`] and [`calendar`] (the vocabulary), [`settle`] (when figures are final), [`endpoint`] (what
//! the API offers), [`schedule`] (what is fetched without being asked for), [`chunk`] (how a wish is cut), [`job`] (what travels), [`metric`] and [`extra`] (what is stored),
//! [`slice`](mod@slice) (what is there, and what is being done about it), [`failure`] and [`backoff`] (what happens when
//! it does not work), [`bucket`] (when a request may leave), [`consent`] (when the callback of a consent is believed),
//! [`hours`] and [`lanes`] (when backfills are sent), [`text`] (what of a foreign text may be shown).

pub mod ids;

pub mod calendar;

pub mod settle;

pub mod schedule;

pub mod endpoint;

pub mod chunk;

pub mod job;

pub mod extra;

pub mod metric;

pub mod slice;

pub mod failure;

pub mod backoff;

pub mod bucket;

pub mod hours;

pub mod lanes;

pub mod consent;

pub mod text;

#[cfg(test)]
pub(crate) mod hostile;
