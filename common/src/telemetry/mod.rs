//! Logs and metrics: one vocabulary for both programs (`ux.md` §5).
//!
//! A line has `ts`, `level`, `target`, what happened as `event` (a name of [`events`]) and as words in `msg`, then
//! the fields of its spans and its own, named as in [`fields`]. A failure is logged once, where it is handled.
//! Metric names, kinds, buckets and labels stand in one table, [`metrics::ALL`]; labels never hold a mall.

pub mod events;

pub mod fields;

pub mod metrics;

mod json;

mod logs;

mod panic;

#[cfg(test)]
mod tests;

pub use logs::{TelemetryError, init};
pub use metrics::{MetricsHandle, install_recorder};
pub use panic::install_panic_hook;
