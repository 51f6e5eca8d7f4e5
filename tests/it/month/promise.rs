//! What the schedules promise, said again and independently: which days are fetched at which moment, and so when a day is
//! fetched for the last time, and how few requests can do it all.
//!
//! Moments are the stops of the test: whatever is due by then is done then.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeDelta, Utc};
use tests::simulator::Endpoint;

use super::cast::{Mall, kst, kst_day};

/// Longest range of a request for day rows, by dialect.
const SEED_DAYS: i64 = 31;
const LIVE_DAYS: i64 = 90;
/// Rows of a page; each page but the first asks for one row of the page before again.
const PAGE: usize = 1_000;

/// On this day of the month, at eight, the last 31 days are fetched again.
pub(super) const SWEEP_DAY: u32 = 17;
const SWEEP_DAYS: u64 = 31;
/// The first part of a new mall's history.
const WEEK: u64 = 7;
/// A day is final so long after its end.
const SETTLE: TimeDelta = TimeDelta::hours(2);

/// Days of all endpoints and shops of one mall, fetched at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fetch {
    /// The first stop at which it may be done.
    pub(super) from_at: DateTime<Utc>,
    /// The stop by which it must be done.
    pub(super) at: DateTime<Utc>,
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
    pub(super) kind: Kind,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The last week of a new mall.
    Week,
    /// What is wanted of it before.
    History,
    /// The finished days that may have been corrected, each morning.
    Window,
    /// The running day.
    Today,
    /// A month, once a month.
    Sweep,
}

impl Kind {
    /// Over how long the malls are spread after its moment.
    pub(super) fn spread(self) -> TimeDelta {
        match self {
            Self::Week | Self::History => TimeDelta::zero(),
            Self::Window | Self::Today => TimeDelta::minutes(30),
            Self::Sweep => TimeDelta::hours(4),
        }
    }
}

/// All fetches of `mall`, in order, from its coming until `end`. `done_at` moves what is due to the moment at which it can
/// be done.
pub(super) fn fetches(
    mall: &Mall,
    end: DateTime<Utc>,
    done_at: impl Fn(DateTime<Utc>) -> DateTime<Utc>,
) -> Vec<Fetch> {
    let came = kst_day(mall.came);
    let fetch = |due, kind: Kind, from: NaiveDate, to: NaiveDate| Fetch {
        from_at: done_at(due),
        at: done_at(due + kind.spread()),
        from,
        to,
        kind,
    };
    // Yesterday is no part of a history that begins before it has settled: the first morning brings it.
    let settled = kst_day(mall.came - SETTLE) - Days::new(1);
    let week = settled - Days::new(WEEK - 1);
    let mut all = vec![
        fetch(mall.came, Kind::Week, week, settled),
        fetch(mall.came, Kind::History, mall.wanted_from(), week - Days::new(1)),
    ];
    for day in came.iter_days().take_while(|day| *day <= kst_day(end)) {
        let (yesterday, window) = (day - Days::new(1), day - Days::new(mall.agency.lookback));
        all.push(fetch(kst(day, 6, 30), Kind::Window, window, yesterday));
        if day.day() == SWEEP_DAY {
            all.push(fetch(kst(day, 8, 0), Kind::Sweep, day, day));
        }
        if let Some(every) = mall.agency.today_every {
            let every = TimeDelta::from_std(every).unwrap_or(TimeDelta::days(1));
            let ticks = std::iter::successors(Some(kst(day, 0, 0) + every), |at| Some(*at + every));
            let ticks = ticks.take_while(|at| kst_day(*at) == day);
            all.extend(ticks.map(|at| fetch(at, Kind::Today, day, day)));
        }
    }
    // What is due before the mall comes is nobody's; a day that is over by the time it can be done is no longer today.
    all.retain(|fetch| fetch.at >= mall.came && fetch.at <= end);
    all.retain(|fetch| fetch.kind != Kind::Today || kst_day(fetch.at) == fetch.from);
    for fetch in &mut all {
        fetch.from = fetch.from.max(mall.wanted_from());
    }
    all.sort_by_key(|fetch| (fetch.at, fetch.kind, fetch.from));
    // What was missed is made up once: mornings that come at the same moment are one.
    all.dedup_by(|later, earlier| {
        let same = (later.at, later.kind) == (earlier.at, earlier.kind);
        if same {
            earlier.to = earlier.to.max(later.to);
        }
        same
    });
    // A sweep is of the month before the moment at which it is done, but for what that morning has fetched already.
    let mornings: Vec<_> = all.iter().filter(|fetch| fetch.kind == Kind::Window).copied().collect();
    for sweep in all.iter_mut().filter(|fetch| fetch.kind == Kind::Sweep) {
        let day = kst_day(sweep.at);
        let morning = mornings.iter().find(|morning| kst_day(morning.at) == day);
        sweep.from = (day - Days::new(SWEEP_DAYS)).max(mall.wanted_from());
        sweep.to = morning.map_or(day, |morning| morning.from) - Days::new(1);
    }
    all
}

/// When each finished day is fetched for the last time: between these two stops.
pub(super) fn last_fetches(fetches: &[Fetch]) -> BTreeMap<NaiveDate, RangeInclusive<DateTime<Utc>>> {
    let days = |fetch: &Fetch| {
        let to = fetch.to;
        fetch.from.iter_days().take_while(move |day| *day <= to)
    };
    fetches
        .iter()
        .filter(|fetch| fetch.kind != Kind::Today)
        .flat_map(|f| days(f).map(|day| (day, f.from_at..=f.at)))
        .collect()
}

/// The fewest requests that bring `fetch` of one shop: chunks, and their pages where `rows` says how many rows a day has.
pub(super) fn requests(mall: &Mall, fetch: &Fetch, rows: impl Fn(Endpoint, NaiveDate) -> usize) -> usize {
    let days = (fetch.to - fetch.from).num_days() + 1;
    Endpoint::ALL
        .into_iter()
        .map(|endpoint| {
            if !mall.is_live() {
                return usize::try_from((days + SEED_DAYS - 1) / SEED_DAYS).unwrap_or(0);
            }
            match endpoint {
                Endpoint::VisitorsView | Endpoint::VisitorsPageview => {
                    usize::try_from((days + LIVE_DAYS - 1) / LIVE_DAYS).unwrap_or(0)
                }
                _ => fetch
                    .from
                    .iter_days()
                    .take_while(|day| *day <= fetch.to)
                    .map(|day| pages(rows(endpoint, day)))
                    .sum(),
            }
        })
        .sum()
}

/// The first page holds a thousand rows, each one after it 999 new ones; a full last page needs one more to be known as such,
/// and so does a single one of as many rows as servers like to cut after.
fn pages(rows: usize) -> usize {
    let may_be_cut = (50..PAGE).contains(&rows) && (rows.is_multiple_of(50) || rows.is_power_of_two());
    usize::from(may_be_cut) + 1 + rows.saturating_sub(1) / (PAGE - 1)
}

#[test]
fn pages_are_counted_with_their_overlap() {
    // 999 rows: one short page. 1,000: full, and a second one with the overlap alone. 1,998: the second is short by one.
    assert_eq!([0, 1, 64, 150, 999, 1_000, 1_200, 1_998, 1_999].map(pages), [1, 1, 2, 2, 1, 2, 2, 2, 3]);
}
