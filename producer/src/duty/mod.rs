//! What has to happen without a person: the duties of the daemon that leads.
//!
//! Each duty is a file here and does its work over and over (`Work`); what the work is stands in its own room (`feed`,
//! `dead`, `tokens`, `alerts`). One process leads (`leader`) and has them all; the others stand by. All duties of a
//! leader live in one task, which looks at the lease first whenever it is woken: a process that was stopped and has lost
//! its lock takes no further step. A duty that fails says so, waits and goes on; no failure of a neighbour ends the daemon.
//!
//! What two leaders would do twice for a moment does no harm, whatever the moment: planning and publishing collapse on
//! the job, archiving on the letter, refreshing on the lease of the mall's tokens, a tick of a schedule is moved with its jobs, pauses are moved by statements that
//! lock what they touch, an alert is taken before it is told, and one folds at a time.
//!
//! A person, or cron, runs any of them once: `serve --once` (`once`).

mod alerts;
mod archiver;
mod board;
mod feeder;
mod leader;
mod once;
mod pauses;
mod reconciler;
mod scheduler;
mod tally;
mod token_keeper;
mod work;

use serde::{Serialize, Serializer};

pub(crate) use self::board::Board;
pub use self::leader::Leader;
pub(crate) use self::once::{Ended, once};
pub(crate) use self::work::{Done, DutyError};
use self::work::{Record, Work};

/// One of the duties, in the order in which they are done once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Duty {
    /// Plan what is due: the last days, today, a month, new malls, gaps
    Scheduler,
    /// Hand planned jobs to the broker, a small window a limiter key
    Feeder,
    /// Plan again what the broker or a worker lost, release what waits for nobody, prune
    Reconciler,
    /// Move the broker's dead letters into the archive
    Archiver,
    /// Renew pairs of tokens that nobody uses, before they end
    TokenKeeper,
    /// End pauses whose time is over; park and release the jobs behind them
    Pauses,
    /// Look for causes that want a person, and tell them
    Alerts,
    /// Keep the state of malls in step with what was fetched, so that asking for it is quick
    Tally,
}

impl Duty {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Scheduler,
        Self::Feeder,
        Self::Reconciler,
        Self::Archiver,
        Self::TokenKeeper,
        Self::Pauses,
        Self::Alerts,
        Self::Tally,
    ];

    /// The name on the command line, in logs and in `/status`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduler => "scheduler",
            Self::Feeder => "feeder",
            Self::Reconciler => "reconciler",
            Self::Archiver => "archiver",
            Self::TokenKeeper => "token-keeper",
            Self::Pauses => "pauses",
            Self::Alerts => "alerts",
            Self::Tally => "tally",
        }
    }

    /// Whether a second process would do harm, or nothing: then the leader alone does it.
    pub(crate) fn is_the_leaders(self) -> bool {
        match self {
            Self::Feeder => true,
            Self::Scheduler
            | Self::Reconciler
            | Self::Archiver
            | Self::TokenKeeper
            | Self::Pauses
            | Self::Alerts
            | Self::Tally => false,
        }
    }

    /// The event of a failed pass.
    fn failed(self) -> &'static str {
        match self {
            Self::Scheduler => "schedule.failed",
            Self::Feeder => "feed.failed",
            Self::Reconciler => "reconcile.failed",
            Self::Archiver => "drain.failed",
            Self::TokenKeeper => "tokens.failed",
            Self::Pauses => "pauses.failed",
            Self::Alerts => "alerts.failed",
            Self::Tally => "tally.failed",
        }
    }
}

impl Serialize for Duty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn a_duty_is_called_the_same_everywhere() {
        assert_eq!(Duty::value_variants(), Duty::ALL);
        for duty in Duty::ALL {
            let typed = duty.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(typed.as_deref(), Some(duty.name()));
        }
    }

    #[test]
    fn every_duty_stands_in_the_handbook_with_its_command() {
        let handbook = include_str!("../../../docs/daemon.md");
        for duty in Duty::ALL {
            let (row, command) =
                (format!("\n| {} |", duty.name()), format!("`serve --once {}`", duty.name()));
            assert!(handbook.contains(&row) && handbook.contains(&command), "{}", duty.name());
        }
    }
}
