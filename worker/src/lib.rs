//! What is done: from a delivery to its acknowledged commit. No planning here.
//!
//! The sentence is the folder: *delivery → claim → runner → token → page → rows → batch → commit → ack*.
//! [`supervise`] starts the parts and stops them in order; `flow` has one file for each word; `runner` decides which
//! job of a limiter key goes next.

mod flow;
pub mod supervise;

mod changes;
mod health;
mod heartbeat;
mod room;
mod runner;
mod shared;
