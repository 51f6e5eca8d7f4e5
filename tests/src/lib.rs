pub mod harness;
pub mod simulator;
