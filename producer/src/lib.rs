//! What is wanted: the operator's hand (`cafe24-sync`) and the daemon.
//!
//! A command line ([`cli`]) becomes a [`command`], which plans ([`plan`]), feeds ([`feed`]) or reports, and ends in one
//! answer on stdout ([`output`]) or one [`fault::Fault`] on stderr. Nothing here does the work itself: that is the
//! worker's crate.

pub mod cli;

pub mod fault;

pub mod output;

pub mod remedy;

pub mod plan;

pub mod schedule;

pub mod command;

mod lock;

mod crew;

pub mod feed;

pub mod dead;

pub mod alerts;

pub mod doctor;

mod probe;

mod connect;

pub mod tokens;

pub mod duty;

pub mod serve;
