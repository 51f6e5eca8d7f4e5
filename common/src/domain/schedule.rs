//! What is fetched without anybody asking.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// The schedules of a mall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Schedule {
    /// The last finished days, again, each morning: figures are corrected late.
    Window,
    /// The running day, several times a day, as partial.
    Today,
    /// The last month, again, once a month, behind everything else.
    Sweep,
    /// All that is wanted of a new mall, once: its last week first.
    Onboarding,
    /// Whatever is missing for no reason.
    Gaps,
}

/// The text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a schedule: use window, today, sweep, onboarding or gaps")]
pub struct UnknownSchedule(String);

impl Schedule {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Window, Self::Today, Self::Sweep, Self::Onboarding, Self::Gaps];

    /// How long after its beat the last mall of [`Window`](Self::Window) is due: 10,000 malls in half an hour are six a second.
    pub const WINDOW_SPREAD: Duration = Duration::from_mins(30);

    /// The name on the command line, in the database, and the kind of its runs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Today => "today",
            Self::Sweep => "sweep",
            Self::Onboarding => "onboarding",
            Self::Gaps => "gaps",
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Schedule {
    type Err = UnknownSchedule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| UnknownSchedule(text.to_owned()))
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
