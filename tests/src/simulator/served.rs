//! Which serial of each period was handed out, and when.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::endpoint::{Endpoint, Granularity};

/// Answers remembered for each period.
const ANSWERS_MAX: usize = 32;
/// Periods remembered for each mall; the oldest days go first.
const PERIODS_MAX: usize = 20_000;

/// One whole answer for one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The serial its figures carry.
    pub serial: u64,
    /// When the answer left, by the simulated clock.
    pub at: DateTime<Utc>,
}

pub(crate) type PeriodKey = (NaiveDate, u32, Endpoint, Granularity);

#[derive(Debug, Default)]
pub(crate) struct ServedLog {
    periods: BTreeMap<PeriodKey, VecDeque<Served>>,
}

impl ServedLog {
    pub(crate) fn note(&mut self, key: PeriodKey, serial: u64, at: DateTime<Utc>) {
        let answers = self.periods.entry(key).or_default();
        if answers.len() >= ANSWERS_MAX {
            answers.pop_front();
        }
        answers.push_back(Served { serial, at });
        if self.periods.len() > PERIODS_MAX {
            self.periods.pop_first();
        }
    }

    pub(crate) fn of(&self, key: &PeriodKey) -> Vec<Served> {
        self.periods.get(key).map(|answers| answers.iter().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn clear(&mut self) {
        self.periods.clear();
    }
}
