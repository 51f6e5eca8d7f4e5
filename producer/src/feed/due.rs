//! Which keys are looked at next.
//!
//! Of thousands of keys not all are looked at before anybody listens again: a key that is told of meanwhile (a day that
//! somebody waits for, room that a commit has made) waits for the keys told before it and for one portion of a sweep, not
//! for the whole sweep. Keys go in a circle, so that those that are told of again and again keep none waiting.

use std::collections::BTreeSet;
use std::ops::Bound;

use common::domain::ids::LimiterKey;

/// Keys looked at together: bounds a pass's memory to some ten thousand small messages.
pub(crate) const PORTION: usize = 200;

/// Keys to be looked at.
#[derive(Debug, Default)]
pub(crate) struct Due {
    told: Circle,
    swept: Circle,
}

#[derive(Debug, Default)]
struct Circle {
    keys: BTreeSet<LimiterKey>,
    last: Option<LimiterKey>,
}

impl Due {
    /// Somebody told of this key.
    pub(crate) fn told(&mut self, key: LimiterKey) {
        self.told.keys.insert(key);
    }

    /// A sweep has found these keys.
    pub(crate) fn sweep(&mut self, keys: Vec<LimiterKey>) {
        self.swept.keys.extend(keys);
    }

    /// Whether none is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.told.keys.is_empty() && self.swept.keys.is_empty()
    }

    /// Whether keys of a sweep are left.
    pub(crate) fn is_sweeping(&self) -> bool {
        !self.swept.keys.is_empty()
    }

    /// A portion of what was told, and one of a sweep.
    pub(crate) fn next(&mut self) -> Vec<LimiterKey> {
        let mut next = self.told.next();
        next.extend(self.swept.next().into_iter().filter(|key| !self.told.keys.contains(key)));
        next.sort_unstable();
        next.dedup();
        next
    }
}

impl Circle {
    fn next(&mut self) -> Vec<LimiterKey> {
        let after = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.keys.range((after, Bound::Unbounded));
        let some: Vec<_> = later.chain(&self.keys).take(PORTION.min(self.keys.len())).cloned().collect();
        for key in &some {
            self.keys.remove(key);
        }
        self.last = some.last().cloned().or(self.last.take());
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> LimiterKey {
        LimiterKey::try_from(format!("mall{n:05}")).expect("valid")
    }

    #[test]
    fn each_key_is_looked_at_once_a_portion_at_a_time() {
        let mut due = Due::default();
        due.sweep((0..450).map(key).collect());
        let mut seen = Vec::new();
        while due.is_sweeping() {
            let some = due.next();
            assert!(some.len() <= PORTION);
            seen.extend(some);
        }
        assert_eq!(seen, (0..450).map(key).collect::<Vec<_>>());
        assert!(due.is_empty() && due.next().is_empty());
    }

    #[test]
    fn a_key_that_is_told_of_during_a_sweep_is_in_the_next_portion() {
        let mut due = Due::default();
        due.sweep((0..5_000).map(key).collect());
        due.next();
        due.told(key(4_999));
        assert!(due.next().contains(&key(4_999)));
    }

    #[test]
    fn keys_that_are_told_of_again_and_again_keep_none_waiting() {
        let mut due = Due::default();
        (0..1_000).for_each(|n| due.told(key(n)));
        let mut rounds = 0;
        loop {
            let some = due.next();
            rounds += 1;
            if some.contains(&key(999)) {
                break;
            }
            // All that went are told of once more.
            for key in some {
                due.told(key);
            }
        }
        assert_eq!(rounds, 5);
    }
}
