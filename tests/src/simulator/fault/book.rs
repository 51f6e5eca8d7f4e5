//! The orders that stand, and what each request meets of them.

use std::time::Duration;

use chrono::NaiveDate;

use super::super::server::SimError;
use super::{FaultId, FaultKind, FaultRule, FaultState, Target};

/// Rules one simulator holds at most; used-up ones make room.
const RULES_MAX: usize = 1_000;

/// What a data request asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    pub(crate) from: NaiveDate,
    pub(crate) to: NaiveDate,
    pub(crate) offset: u64,
}

/// What one request meets.
#[derive(Debug, Default)]
pub(crate) struct Met {
    pub(crate) delay: Duration,
    pub(crate) hold: bool,
    /// The days asked for are restated once the figures of this answer are settled.
    pub(crate) restate: bool,
    pub(crate) headers: Vec<(String, Option<String>)>,
    pub(crate) main: Option<FaultKind>,
    pub(crate) after_effect: bool,
}

#[derive(Debug, Default)]
pub(crate) struct FaultBook {
    rules: Vec<FaultState>,
    last_id: FaultId,
}

impl FaultBook {
    pub(crate) fn order(&mut self, rule: FaultRule) -> Result<FaultId, SimError> {
        if self.rules.len() >= RULES_MAX {
            self.rules.retain(|state| state.left != Some(0));
        }
        if self.rules.len() >= RULES_MAX {
            return Err(SimError::TooManyFaults);
        }
        self.last_id += 1;
        let left = rule.times;
        self.rules.push(FaultState { id: self.last_id, rule, matched: 0, hits: 0, left });
        Ok(self.last_id)
    }

    /// All pauses, restatements and header changes that match, and the first of the others.
    pub(crate) fn meet(&mut self, mall: &str, target: Target, reach: Option<Reach>) -> Met {
        let mut met = Met::default();
        for state in &mut self.rules {
            if state.left == Some(0) || !state.rule.matches(mall, target, reach) {
                continue;
            }
            if state.rule.skip > 0 {
                state.rule.skip -= 1;
                continue;
            }
            state.matched += 1;
            if state.rule.every.is_some_and(|every| !state.matched.is_multiple_of(u64::from(every.max(1)))) {
                continue;
            }
            match &state.rule.fault {
                FaultKind::Delay { ms } => {
                    met.delay += Duration::from_millis(*ms);
                    met.after_effect |= state.rule.after_effect;
                }
                FaultKind::Hold => {
                    met.hold = true;
                    met.after_effect |= state.rule.after_effect;
                }
                FaultKind::Restate => met.restate = true,
                FaultKind::Headers { set } => met.headers.extend(set.clone()),
                _ if met.main.is_some() => continue,
                kind => {
                    met.main = Some(kind.clone());
                    met.after_effect = state.rule.after_effect;
                }
            }
            state.hits += 1;
            state.left = state.left.map(|left| left - 1);
        }
        met
    }

    pub(crate) fn states(&self) -> Vec<FaultState> {
        self.rules.clone()
    }

    pub(crate) fn state(&self, id: FaultId) -> Option<FaultState> {
        self.rules.iter().find(|state| state.id == id).cloned()
    }

    pub(crate) fn cancel(&mut self, id: FaultId) -> bool {
        let before = self.rules.len();
        self.rules.retain(|state| state.id != id);
        self.rules.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }
}
