//! Logs and metrics: one vocabulary for both programs.
//!
//! A line has `ts`, `level`, `target`, what happened as `event` (a name of [`events`]) and as words in `msg`, then
//! the fields of its spans and its own, named as in [`fields`]. A failure is logged once, where it is handled.
//! Metric names, kinds, buckets and labels stand in one table, [`metrics::ALL`]; what is counted is a
//! function, one a fact. Labels never hold a mall.

pub mod events;

pub mod fields;

pub mod metrics;

mod record;

mod recorder;

mod json;

mod logs;

mod panic;

#[cfg(test)]
mod tests;

pub use logs::init;
pub use panic::install_panic_hook;
pub use record::{
    count_committed, count_confirm, count_cut, count_delivery, count_job, count_moved, count_oddities,
    count_settled, count_stale_grant, count_token_refresh, observe_bucket_wait, observe_commit,
    observe_request, set_alerts, set_slots, set_tokens_expiring,
};
pub use recorder::{Recorder, install_recorder};
