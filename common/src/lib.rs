//! The vocabulary of cafe24-sync and its doors to the outside; knows neither producer nor worker.
//!
//! [`domain`] is pure. Each adapter is one room that alone speaks its driver's language:
//! `broker` (lapin), `limiter` (redis), `store` (sqlx, tokio-postgres), `api`, `oauth` and `notify` (reqwest).
//! The rooms know `domain` and `config`, not each other; they meet in the two programs. Only [`deployment`], which asks
//! whether all servers belong to one installation, knows two of them.
//!
//! Beside the rooms: [`config`] (settings), [`telemetry`] (logs and metrics), [`health`] (the pages for monitors), [`clock`]
//! (the wall clock), [`process`] (what the system may see of us).
//!
//! **What holds everywhere.** Instants are UTC; days are days of Korea ([`domain::calendar`]); a bare number has its unit in
//! its name or beside it. Every error is a type; those that meet a job answer `class()`, and the class alone decides what
//! becomes of the job ([`domain::failure`]).

pub mod domain;

pub mod clock;

pub mod config;

pub mod process;

pub mod telemetry;

pub mod health;

pub mod api;

pub mod oauth;

pub mod notify;

pub mod broker;

pub mod limiter;

pub mod store;

pub mod deployment;
