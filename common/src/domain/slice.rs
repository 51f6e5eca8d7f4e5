//! The two facts about a slice: what is there, and what is being done about it. Neither tells the other.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is there of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataState {
    /// It was never fetched.
    Missing,
    /// It was fetched before its figures were final.
    Partial,
    /// It was fetched after.
    Complete,
    /// It is complete, and a later fetch brought other figures than the first.
    Restated,
    /// Its day is not over; something of it is there.
    TodayPartial,
    /// Its day is not over, and it was not fetched.
    NotYet,
}

impl DataState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Missing, Self::Partial, Self::Complete, Self::Restated, Self::TodayPartial, Self::NotYet];

    /// The word used in the database, documents and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Partial => "partial",
            Self::Complete => "complete",
            Self::Restated => "restated",
            Self::TodayPartial => "today_partial",
            Self::NotYet => "not_yet",
        }
    }

    /// Reads the word's first letter, which is its own.
    pub fn from_initial(initial: char) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str().starts_with(initial))
    }

    /// Whether its figures are final.
    pub fn is_complete(self) -> bool {
        match self {
            Self::Missing | Self::Partial | Self::TodayPartial | Self::NotYet => false,
            Self::Complete | Self::Restated => true,
        }
    }

    /// Whether its figures should be final and are not. Of a day that is not over nobody expects them.
    pub fn is_gap(self) -> bool {
        match self {
            Self::Missing | Self::Partial => true,
            Self::Complete | Self::Restated | Self::TodayPartial | Self::NotYet => false,
        }
    }
}

impl fmt::Display for DataState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is being done about a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkState {
    /// Nothing.
    Idle,
    /// A job waits for its turn, or for its next try.
    Queued,
    /// A worker has it.
    Running,
    /// The last fetch failed for good.
    Failed,
    /// It waits for its mall or its endpoint.
    Paused,
}

impl WorkState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Idle, Self::Queued, Self::Running, Self::Failed, Self::Paused];

    /// The word used in the database, documents and screens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Paused => "paused",
        }
    }

    /// Reads the word's first letter, which is its own.
    pub fn from_initial(initial: char) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str().starts_with(initial))
    }

    /// Whether a job is about to bring it.
    pub fn is_under_way(self) -> bool {
        match self {
            Self::Queued | Self::Running => true,
            Self::Idle | Self::Failed | Self::Paused => false,
        }
    }
}

impl fmt::Display for WorkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_known_by_its_first_letter() {
        for state in DataState::ALL {
            assert_eq!(state.as_str().chars().next().and_then(DataState::from_initial), Some(state));
        }
        for state in WorkState::ALL {
            assert_eq!(state.as_str().chars().next().and_then(WorkState::from_initial), Some(state));
        }
        assert_eq!(DataState::from_initial('x'), None);
    }
}
