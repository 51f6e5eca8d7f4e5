pub mod demo;
pub mod harness;
pub mod simulator;
