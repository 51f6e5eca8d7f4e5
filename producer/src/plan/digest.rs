//! A plan's id: short, and another one as soon as a job, a letter or a setting changes.

use uuid::Uuid;

/// A running hash of ids in planning order, so that millions of them need no memory.
pub(crate) struct Digest(Uuid);

impl Digest {
    /// Of a plan with these settings, and nothing in it so far.
    pub(crate) fn of(settings: &str) -> Self {
        Self(Uuid::new_v5(&Uuid::nil(), settings.as_bytes()))
    }

    /// Adds ids. How many come at once makes no difference: groups are as large as the database is fast.
    pub(crate) fn add(&mut self, ids: &[Uuid]) {
        for id in ids {
            self.0 = Uuid::new_v5(&self.0, id.as_bytes());
        }
    }

    /// Eight hexadecimal digits: a change goes unnoticed once in four thousand million.
    pub(crate) fn short(&self) -> String {
        self.0.simple().to_string().chars().take(8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_the_same_id_until_a_job_or_its_lane_changes() {
        let id = |settings: &str, ids: &[Uuid]| {
            let mut digest = Digest::of(settings);
            digest.add(ids);
            digest.short()
        };
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(id("fresh", &[a, b]), id("fresh", &[a, b]));
        assert_ne!(id("fresh", &[a, b]), id("fresh", &[b, a]));
        assert_ne!(id("fresh", &[a]), id("backfill", &[a]));
        assert_eq!(id("fresh", &[]).len(), 8);
        let mut in_two = Digest::of("fresh");
        in_two.add(&[a]);
        in_two.add(&[b]);
        assert_eq!(in_two.short(), id("fresh", &[a, b]));
    }
}
