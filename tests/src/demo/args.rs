//! The command line of the demo.

use clap::{Parser, ValueEnum};

/// Simulated malls through the real programs; every row is compared with the simulator's own books
///
/// Exit code 0 only if every slice is complete and every row equal. Report: target/demo/report.json
#[derive(Debug, Clone, Parser)]
#[command(name = "./dev demo", version, max_term_width = 100)]
pub struct Args {
    /// Stay up after the end, to be played with, until Ctrl-C
    #[arg(long)]
    pub keep: bool,
    /// Malls; two of them (fewer if there are fewer) speak as real ones do, the others as the specification says
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    pub malls: u16,
    /// Finished days to fetch
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=366))]
    pub days: u16,
    /// Worker processes
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub workers: u16,
    /// What breaks in the middle
    #[arg(long, value_enum, default_value_t = Fault::WorkerKill)]
    pub fault: Fault,
}

/// Malls in the dialect of real ones. They come first, and are so small that a day's products are one page.
const LIVE_MALLS: u16 = 2;

impl Args {
    /// How many malls speak as real ones do.
    pub(super) fn live_malls(&self) -> usize {
        usize::from(self.malls.min(LIVE_MALLS))
    }
}

/// What breaks in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Nothing
    None,
    /// A worker is killed (SIGKILL) with jobs in hand; another one starts
    WorkerKill,
    /// Redis is killed, is away for ten seconds, and comes back empty
    RedisDown,
    /// RabbitMQ is killed and comes back
    RabbitRestart,
    /// Postgres is stopped and comes back
    PgRestart,
}
