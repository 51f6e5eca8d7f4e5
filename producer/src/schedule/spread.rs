//! Malls do not wake at the same second.

use std::time::Duration;

use chrono::TimeDelta;
use common::domain::ids::MallId;
use common::domain::schedule::Schedule;
use uuid::Uuid;

/// How long after its beat the last mall of a schedule is due.
pub fn spread(schedule: Schedule) -> Duration {
    match schedule {
        Schedule::Window | Schedule::Today => Schedule::WINDOW_SPREAD,
        Schedule::Sweep => Duration::from_hours(4),
        Schedule::Gaps => Duration::from_hours(1),
        Schedule::Onboarding => Duration::ZERO,
    }
}

/// How long after each beat this mall is due: whole seconds, the same for ever, even over the malls.
pub fn offset(schedule: Schedule, mall: &MallId) -> TimeDelta {
    let name = format!("spread/{schedule}/{mall}");
    let (high, _) = Uuid::new_v5(&Uuid::nil(), name.as_bytes()).as_u64_pair();
    let within = spread(schedule).as_secs().max(1);
    TimeDelta::seconds(i64::try_from(high % within).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_malls_are_spread_evenly_and_stay_where_they_are() {
        let malls: Vec<MallId> = (0..10_000).map(|n| format!("mall{n}").parse().expect("valid")).collect();
        for schedule in [Schedule::Window, Schedule::Today, Schedule::Sweep, Schedule::Gaps] {
            let within = spread(schedule);
            let mut tenths = [0_u32; 10];
            for mall in &malls {
                let offset = offset(schedule, mall).to_std().expect("not before the beat");
                assert!(offset < within);
                assert_eq!(offset, super::offset(schedule, mall).to_std().expect("stable"));
                tenths[usize::try_from(offset.as_secs() * 10 / within.as_secs()).expect("small")] += 1;
            }
            assert!(tenths.iter().all(|malls| (900..1_100).contains(malls)), "{schedule}: {tenths:?}");
        }
    }

    #[test]
    fn a_malls_schedules_have_offsets_of_their_own() {
        let mall: MallId = "hanbit".parse().expect("valid");
        assert_ne!(offset(Schedule::Window, &mall), offset(Schedule::Today, &mall));
        assert_eq!(offset(Schedule::Onboarding, &mall), TimeDelta::zero());
    }
}
