//! The counts of a row that should make a sum together.

use crate::domain::endpoint::{Sum, Wire};

/// Those that were read so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    sum: Option<&'static Sum>,
    whole: Option<i64>,
    parts: Vec<i64>,
}

impl Counts {
    pub(super) fn of(wire: &'static Wire) -> Self {
        Self { sum: wire.sum.as_ref(), ..Self::default() }
    }

    pub(super) fn note(&mut self, name: &str, count: i64) {
        let Some(sum) = self.sum else { return };
        if name == sum.whole {
            self.whole = Some(count);
        } else if sum.parts.contains(&name) {
            self.parts.push(count);
        }
    }

    /// False only if all of them are there and make another sum.
    pub(super) fn add_up(&self) -> bool {
        let (Some(sum), Some(whole)) = (self.sum, self.whole) else { return true };
        let made = self.parts.iter().try_fold(0_i64, |made, part| made.checked_add(*part));
        self.parts.len() < sum.parts.len() || made == Some(whole)
    }
}
