//! Faults of our own servers and processes: what dies, freezes or lies is one of the programs under test or one of
//! the three servers; Cafe24 is well. Each test's name starts with the row that it shows.
//!
//! Every test ends with [`stage::Stage::verify`]: all wanted slices complete, every row equal to the simulator's books,
//! no letter, no 429, no bucket below zero.

mod broker;
mod consumer_timeout;
mod failover;
mod limits;
mod listening;
mod network;
mod postgres;
mod producer;
mod redis;
mod sampler;
mod slow;
mod stage;
mod worker;
