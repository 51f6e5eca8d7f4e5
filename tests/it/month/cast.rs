//! Who takes part: three agencies with schedules of their own, forty malls of both dialects.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use tests::simulator::{Dialect, MallSpec, Size};

/// The first morning in Korea.
pub(super) const FIRST: &str = "2036-03-03";
/// How many days of Korea pass.
pub(super) const DAYS: u64 = 30;
/// How far back a new mall is wanted.
pub(super) const HISTORY: u64 = 30;

/// An agency and what it wants of its malls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Agency {
    pub(super) name: &'static str,
    /// Finished days that are fetched again each morning.
    pub(super) lookback: u64,
    /// How often today is fetched.
    pub(super) today_every: Option<Duration>,
}

/// The first has the configuration's defaults of this test.
pub(super) const AGENCIES: [Agency; 3] = [
    Agency { name: "north", lookback: 3, today_every: Some(Duration::from_hours(12)) },
    Agency { name: "south", lookback: 7, today_every: None },
    Agency { name: "west", lookback: 1, today_every: Some(Duration::from_hours(6)) },
];

/// A mall and when it came.
#[derive(Debug, Clone)]
pub(super) struct Mall {
    pub(super) spec: MallSpec,
    pub(super) agency: Agency,
    pub(super) came: DateTime<Utc>,
}

impl Mall {
    pub(super) fn name(&self) -> &str {
        &self.spec.mall_id
    }

    pub(super) fn is_live(&self) -> bool {
        self.spec.dialect == Dialect::Live
    }

    /// The first day that is wanted.
    pub(super) fn wanted_from(&self) -> NaiveDate {
        kst_day(self.came) - Days::new(HISTORY)
    }
}

/// The mall that loses its consent.
pub(super) const LOSER: &str = "live-06";
/// The mall that comes on the tenth day.
pub(super) const NEWCOMER: &str = "newcomer";
/// A mall with more products a day than a page has rows.
pub(super) const GIANT: &str = "live-00";
/// A mall with two shops.
pub(super) const TWINS: &str = "live-01";

/// All forty; every other one speaks the live dialect.
pub(super) fn malls(start: DateTime<Utc>) -> Vec<Mall> {
    let old = (0..39).map(|n| {
        let (dialect, kind) = if n % 2 == 0 { (Dialect::Live, "live") } else { (Dialect::Seed, "seed") };
        mall(&format!("{kind}-{:02}", n / 2), dialect, AGENCIES[n % 3], start)
    });
    let newcomer =
        mall(NEWCOMER, Dialect::Live, AGENCIES[0], start + TimeDelta::days(9) + TimeDelta::hours(11));
    old.chain([newcomer]).collect()
}

fn mall(name: &str, dialect: Dialect, agency: Agency, came: DateTime<Utc>) -> Mall {
    let spec = MallSpec {
        agency: agency.name.to_owned(),
        size: Size::Small,
        dialect,
        products_a_day: (name == GIANT).then_some(1_200),
        shops: if name == TWINS { vec![1, 4] } else { vec![1] },
        ..MallSpec::new(name)
    };
    Mall { spec, agency, came }
}

/// A moment of a day in Korea.
pub(super) fn kst(day: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc() - TimeDelta::hours(9);
    midnight + TimeDelta::hours(i64::from(hour)) + TimeDelta::minutes(i64::from(minute))
}

/// The day in Korea.
pub(super) fn kst_day(at: DateTime<Utc>) -> NaiveDate {
    (at + TimeDelta::hours(9)).date_naive()
}
