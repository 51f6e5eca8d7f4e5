//! What the programs tell about themselves: logs for people and machines, metrics for Prometheus.
//!
//! One vocabulary: the names of metrics stand in [`names`], and nowhere else; what is counted is a function in
//! [`record`]. No metric carries a mall: ten thousand malls would make half a million series (`ux.md` §5).

mod logs;
pub mod names;
mod record;
mod recorder;

pub use logs::init;
pub use record::{
    count_committed, count_confirm, count_delivery, count_job, count_settled, count_stale_grant,
    observe_bucket_wait, observe_commit, observe_request, set_slots,
};
pub use recorder::{Recorder, install_recorder};
