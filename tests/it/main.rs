//! Integration and end-to-end tests, against real servers and real programs. Run by `./dev test`.
//!
//! Each folder is a part of the system; each test is named after the fact that it shows.

mod analytics;
mod browser;
mod budget;
mod connect;
mod daemon;
mod deployment;
mod doctor;
mod fair;
mod faults;
mod flow;
mod harness;
mod house;
mod journey;
mod month;
mod probe;
mod process;
mod reads;
mod schedule;
mod schema;
mod secrets;
mod supply;
mod tls;
