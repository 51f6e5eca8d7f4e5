//! The sentences of faults about dead letters and runs.

use super::Fault;
use super::fields::Words;
use super::words::UNCHANGED;

impl Fault {
    /// Faults of letters and runs, as a command line names them.
    pub(super) fn words_of_letters(&self) -> Words {
        match self {
            Self::UnknownLetter(id) => Words::new("E-DEAD-01", format!("there is no dead letter '{id}'"))
                .act("cafe24-sync dead list"),
            Self::AmbiguousLetter(id) => {
                Words::new("E-DEAD-02", format!("several dead letters or groups begin with '{id}'"))
                    .act("cafe24-sync dead list --plain        (shows whole ids)")
            }
            Self::NotReplayable { letter, why } => {
                Words::new("E-DEAD-03", format!("dead letter {letter} cannot be replayed"))
                    .why(why)
                    .now("it stays in the archive")
            }
            Self::UnknownReplay(run) => {
                Words::new("E-DEAD-04", format!("there is no replay '{run}' to take up"))
                    .now(UNCHANGED)
                    .act("cafe24-sync dead list --state replayed")
            }
            Self::UnknownRun(run) => Words::new("E-RUN-01", format!("there is no run '{run}'"))
                .now(UNCHANGED)
                .act("cafe24-sync backfill list --all"),
            Self::AmbiguousRun(run) => Words::new("E-RUN-02", format!("several runs begin with '{run}'"))
                .now(UNCHANGED)
                .act("cafe24-sync backfill list --all --plain        (shows whole ids)"),
            _ => Words::default(),
        }
    }
}
