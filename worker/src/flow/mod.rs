//! The way of a job through the worker, one file for each word of the sentence.
//!
//! ```text
//! delivery ─► claim ─► (runner) ─► token ─► page ─► rows ─► batch ─► commit ─► ack
//!                                                    outcome: what a failure does to the job
//!                                                    breaker: and to its endpoint
//! ```
//!
//! **What is held where.** A delivery is held by [`Work`](delivery::Work) until [`ack`] settles it, and settled only
//! after the transaction that holds its effect has committed. Whatever ends the process in between, the broker delivers
//! it again and the ledger knows what was done.
//!
//! **What bounds it.** The broker gives at most `prefetch` unsettled deliveries a lane. Fetches are bounded by the
//! worker's slots, answers by `body_max`, finished jobs by the channel to the batch. If Postgres stands still, that
//! channel fills, fetches wait, nothing is acknowledged, and the backlog stays in the ledger.

pub(crate) mod delivery;

pub(crate) mod claim;

pub(crate) mod token;

pub(crate) mod page;

pub(crate) mod rows;

pub(crate) mod outcome;

pub(crate) mod finished;

pub(crate) mod batch;

pub(crate) mod commit;

mod breaker;

mod away;

pub(crate) mod ack;
