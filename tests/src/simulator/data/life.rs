//! The life of a day, where days live: it grows from hour to hour, and is corrected after its end.
//!
//! | when | what |
//! |---|---|
//! | each full hour in Korea | the figures up to then are shown, but for the last visits |
//! | 1 to 3 hours after midnight | the last visits, 2 to 6 % of the day |
//! | 1, 2, … 7 days after that, each by chance, early ones more often | a restatement |
//!
//! Each of these is a change, and the serial counts them: 24 at midnight, 25 with the last visits. All times are drawn
//! for each shop, endpoint and day, so that they are known beforehand.

use std::iter;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::{Draw, Endpoint, Granularity, Source, State, WHOLE, number};

/// What of a day is over at each full hour, in thousandths. Nights are quiet, evenings are not.
const HOURS: [u64; 25] = [
    0, 32, 52, 64, 72, 79, 88, 103, 130, 168, 214, 261, 309, 358, 405, 452, 499, 546, 592, 639, 693, 755,
    824, 903, 1000,
];
/// Chances of a restatement so many days after the last visits, in percent.
const RESTATEMENTS: [u64; 7] = [25, 15, 10, 6, 4, 3, 2];
const HOUR_S: u64 = 3600;
const DAY_S: u64 = 24 * HOUR_S;
const KST_EAST: TimeDelta = TimeDelta::hours(9);

impl Source {
    /// The state of a period at a moment, if nobody restates it by hand.
    pub(crate) fn living(
        &self,
        endpoint: Endpoint,
        granularity: Granularity,
        start: NaiveDate,
        at: DateTime<Utc>,
    ) -> State {
        granularity.days(start).fold(State::default(), |mut period, day| {
            let hours = u64::try_from((at - midnight(day)).num_hours()).unwrap_or(0).min(24);
            let passed = self.corrections(endpoint, day).take_while(|moment| *moment <= at).count() as u64;
            let so_far = usize::try_from(hours).ok().and_then(|hours| HOURS.get(hours)).copied().unwrap_or(0);
            let share = if passed > 0 { WHOLE } else { so_far * (WHOLE - self.late(endpoint, day)) / WHOLE };
            period.serial += hours + passed;
            period.revision += passed.saturating_sub(1);
            period.shares.push(share);
            period
        })
    }

    /// The moments at which a period changes by itself, in order.
    pub(crate) fn changes(
        &self,
        endpoint: Endpoint,
        granularity: Granularity,
        start: NaiveDate,
    ) -> Vec<DateTime<Utc>> {
        let hours = |day| (1..=24).map(move |hour| midnight(day) + TimeDelta::hours(hour));
        let of_day = |day| hours(day).chain(self.corrections(endpoint, day));
        let mut changes: Vec<_> = granularity.days(start).flat_map(of_day).collect();
        changes.sort_unstable();
        changes
    }

    /// The last visits, then the restatements.
    fn corrections(&self, endpoint: Endpoint, day: NaiveDate) -> impl Iterator<Item = DateTime<Utc>> {
        let draw = move |what, part| self.draw(what, &[endpoint as u64, number(day), part]);
        let end = midnight(day) + TimeDelta::days(1);
        let after = move |s: u64| end + TimeDelta::seconds(s.try_into().unwrap_or(i64::MAX / 2_000));
        let last_visits = HOUR_S + draw(Draw::LastVisits, 1) % (2 * HOUR_S);
        let restatements = (1_u64..).zip(RESTATEMENTS).filter_map(move |(days, percent)| {
            let happens = draw(Draw::Correction, days) % 100 < percent;
            // At any time of the day in whose middle it is `days` days later: so they stay in order.
            let second = draw(Draw::Correction, 100 + days) % DAY_S;
            happens.then(|| after(days * DAY_S - DAY_S / 2 + second))
        });
        iter::once(after(last_visits)).chain(restatements)
    }

    /// What of a day comes only after its end.
    fn late(&self, endpoint: Endpoint, day: NaiveDate) -> u64 {
        20 + self.draw(Draw::LastVisits, &[endpoint as u64, number(day), 2]) % 41
    }
}

/// The moment at which the day begins in Korea.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() - KST_EAST
}
