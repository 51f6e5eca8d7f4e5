//! The vocabulary of cafe24-sync and its doors to the outside; knows neither producer nor worker.
//!
//! [`domain`] is pure. Each adapter is one room that alone speaks its driver's language:
//! `broker` (lapin), `limiter` (redis), `store` (sqlx, tokio-postgres), `api`, `oauth` and `notify` (reqwest).
//! The rooms know `domain` and `config`, not each other; they meet in the two programs.

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
