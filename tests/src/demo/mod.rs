//! The proof on one machine: real servers, real programs, a simulated Cafe24, and every row compared at the end.
//!
//! In order: `stage` sets up simulator, database and malls; `plan` enqueues; `crew` runs the daemon and the
//! workers; `show` follows them; `broken` and `fault` break something on the way; `verdict` compares and reports.
//!
//! Two malls speak as real ones do. There, products and domains are asked for day by day, so that the limit of 2 requests
//! a second is seen at work. They set the least time that any program could take: the makespan is shown as a ratio to it.

mod args;
mod books;
mod broken;
mod coverage;
mod crew;
mod fault;
mod plan;
mod report;
mod run;
mod show;
mod stage;
mod verdict;

pub use args::Args;
pub use run::run;
