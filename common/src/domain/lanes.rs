//! Which lanes are sent now.

use chrono::{DateTime, Utc};

use super::hours::Hours;
use super::job::Lane;

/// The lanes whose jobs are handed to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    fresh: bool,
    backfill: bool,
}

impl Lanes {
    /// Both.
    pub const ALL: Self = Self { fresh: true, backfill: true };

    /// All but the `paused` ones, and no backfill outside its `hours`.
    pub fn at(now: DateTime<Utc>, hours: Option<Hours>, paused: &[Lane]) -> Self {
        Self {
            fresh: !paused.contains(&Lane::Fresh),
            backfill: !paused.contains(&Lane::Backfill) && hours.is_none_or(|hours| hours.contains(now)),
        }
    }

    /// First and last of them in the order of their names, as `feed_next.sql` wants them; `None`: nothing is sent.
    pub fn bounds(self) -> Option<(Lane, Lane)> {
        match (self.backfill, self.fresh) {
            (true, true) => Some((Lane::Backfill, Lane::Fresh)),
            (true, false) => Some((Lane::Backfill, Lane::Backfill)),
            (false, true) => Some((Lane::Fresh, Lane::Fresh)),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::by_night("2026-02-15T17:00:00Z", &[], Some((Lane::Backfill, Lane::Fresh)))]
    #[case::by_day("2026-02-16T03:00:00Z", &[], Some((Lane::Fresh, Lane::Fresh)))]
    #[case::backfill_paused_by_night("2026-02-15T17:00:00Z", &[Lane::Backfill], Some((Lane::Fresh, Lane::Fresh)))]
    #[case::fresh_paused_by_night("2026-02-15T17:00:00Z", &[Lane::Fresh], Some((Lane::Backfill, Lane::Backfill)))]
    #[case::fresh_paused_by_day("2026-02-16T03:00:00Z", &[Lane::Fresh], None)]
    fn a_lane_is_sent_in_its_hours_unless_it_is_paused(
        #[case] now: &str,
        #[case] paused: &[Lane],
        #[case] bounds: Option<(Lane, Lane)>,
    ) {
        let hours = "01:00-06:00".parse().ok();
        assert_eq!(Lanes::at(now.parse().expect("a time"), hours, paused).bounds(), bounds);
    }

    #[test]
    fn the_bounds_stand_in_the_order_of_the_names_in_postgres() {
        let (first, last) = Lanes::ALL.bounds().expect("both");
        assert!(first.as_str() < last.as_str());
        assert_eq!(Lanes::at(DateTime::UNIX_EPOCH, None, &[]), Lanes::ALL);
    }
}
