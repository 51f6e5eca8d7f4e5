//! The processes at work, and what they cost.

use std::time::Duration;

use serde_json::Value;

use super::books::Books;
use crate::harness::{Context as _, Program, Programs, Result, Signal, Trouble, Usage};

const START: Duration = Duration::from_secs(20);
const STOP: Duration = Duration::from_secs(15);
const REDELIVERIES: &str = "cafe24_sync_redeliveries_total";

/// The daemon and the workers.
#[derive(Debug)]
pub(super) struct Crew {
    programs: Programs,
    daemon: Program,
    workers: Vec<Program>,
    /// Of workers that are gone.
    past: Cost,
}

/// What workers have used, and what the broker had to give them twice.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) cpu: Duration,
    pub(super) peak_kib: u64,
    pub(super) redelivered: u64,
}

/// What a killed worker held.
#[derive(Debug, Clone)]
pub(super) struct Killed {
    pub(super) name: String,
    pub(super) in_hand: u64,
    pub(super) successor: String,
}

impl Crew {
    pub(super) async fn start(programs: &Programs, workers: u16) -> Result<Self> {
        let daemon = programs.serve()?;
        let workers = (0..workers).map(|_| programs.worker()).collect::<Result<Vec<_>>>()?;
        for worker in &workers {
            worker.listen(START).await?;
        }
        Ok(Self { programs: programs.clone(), daemon, workers, past: Cost::default() })
    }

    /// Trouble if a process has ended by itself.
    pub(super) fn check(&self) -> Result<()> {
        for program in self.workers.iter().chain([&self.daemon]) {
            if let Some(status) = program.exit_status()? {
                let log = program.log_path().display();
                return Err(Trouble::new(format!(
                    "{} ended by itself ({status}); its log: {log}",
                    program.name()
                )));
            }
        }
        Ok(())
    }

    /// SIGKILLs the last worker with whatever it has in hand and starts another.
    pub(super) async fn kill_one(&mut self, books: &mut Books) -> Result<Killed> {
        let victim = self.workers.pop().context("no worker to kill")?;
        let started = victim.event("worker.started", START).await?;
        let id = started.get("worker").and_then(Value::as_str).unwrap_or_default();
        self.past = self.past.with(cost(&victim).await?);
        let in_hand = books.in_hand(id).await?;
        victim.kill().await?;
        let name = victim.name().to_owned();
        let successor = self.programs.worker()?;
        let killed = Killed { name, in_hand, successor: successor.name().to_owned() };
        self.workers.push(successor);
        Ok(killed)
    }

    /// Sum over all workers there were.
    pub(super) async fn cost(&self) -> Result<Cost> {
        let mut sum = self.past;
        for worker in &self.workers {
            sum = sum.with(cost(worker).await?);
        }
        Ok(sum)
    }

    /// SIGTERM to all, and their ends.
    pub(super) async fn stop(self) -> Result<()> {
        let mut all = self.workers;
        all.push(self.daemon);
        for program in &all {
            program.signal(Signal::Term)?;
        }
        for program in all {
            program.wait(STOP).await?;
        }
        Ok(())
    }
}

impl Cost {
    fn with(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            peak_kib: self.peak_kib.max(other.peak_kib),
            redelivered: self.redelivered + other.redelivered,
        }
    }
}

async fn cost(worker: &Program) -> Result<Cost> {
    let Usage { cpu, peak_kib } = worker.usage()?;
    let redelivered = worker.metrics().await?.sum(REDELIVERIES).max(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter that starts at 0")]
    let redelivered = redelivered as u64;
    Ok(Cost { cpu, peak_kib, redelivered })
}
