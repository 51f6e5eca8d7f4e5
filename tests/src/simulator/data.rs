//! The figures: a pure function of seed, mall, shop, endpoint, granularity, period and [`State`].
//!
//! Sizes are skewed as in life: a product's sales fall with its rank, a domain's visits too. A revision above
//! zero changes every figure a little, drops some products and domains and brings in new ones.

mod life;
mod paths;
mod products;

use chrono::{Datelike, NaiveDate};

use super::config::{MallSpec, Size};
use super::endpoint::{Endpoint, Granularity};
use super::names;

/// One row before it takes its form on the wire or in the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Figure {
    /// First day of the period.
    pub(crate) date: NaiveDate,
    pub(crate) entity: Entity,
    /// Visits, page views, orders or product views.
    pub(crate) count: u64,
    /// KRW; zero where the endpoint has no amount.
    pub(crate) amount: u64,
    /// What only the live dialect tells: first visits, units sold, cart adds.
    pub(crate) detail: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entity {
    Store,
    Product { number: u64, name: String },
    Domain(String),
    Keyword(String),
    Ad(String),
}

/// How far a period's figures had come at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// How often they have changed; every figure bears it.
    pub(crate) serial: u64,
    /// How many of the changes were restatements.
    pub(crate) revision: u64,
    /// What is there of each day of the period, in thousandths; empty: all of it.
    pub(crate) shares: Vec<u64>,
}

/// Where one shop's figures come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    key: u64,
    size: Size,
    products_a_day: Option<u64>,
}

/// What a hash is for; keeps the draws independent of each other.
#[derive(Debug, Clone, Copy)]
enum Draw {
    Visits = 1,
    Pages,
    Closed,
    Catalogue,
    Sold,
    Orders,
    Price,
    Name,
    Domain,
    Churn,
    Restated,
    First,
    Units,
    Unique,
    Carts,
    Keyword,
    Ad,
    LastVisits,
    Correction,
}

/// A share of all.
const WHOLE: u64 = 1000;

impl Source {
    pub(crate) fn new(seed: u64, mall: &MallSpec, shop: u32) -> Self {
        let name = mall.figures_of.as_deref().unwrap_or(&mall.mall_id);
        // FNV-1a over the mall's id: stable over runs and platforms.
        let hash = name
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x100_0000_01B3));
        let key = mix(&[seed, hash, u64::from(shop)]);
        Self { key, size: mall.size, products_a_day: mall.products_a_day }
    }

    /// All rows of one period, in the order the API lists them.
    pub(crate) fn figures(
        &self,
        endpoint: Endpoint,
        granularity: Granularity,
        start: NaiveDate,
        state: &State,
    ) -> Vec<Figure> {
        let period = Period { granularity, start, state };
        match endpoint {
            Endpoint::VisitorsView | Endpoint::VisitorsPageview | Endpoint::VisitorsUnique => {
                self.store(endpoint, &period)
            }
            Endpoint::ProductsSales => self.products(&period),
            Endpoint::CartsAction => self.carts(&period),
            Endpoint::VisitpathsDomains => self.domains(&period),
            Endpoint::VisitpathsKeywords => self.keywords(&period),
            Endpoint::VisitpathsAds => self.ads(&period),
        }
    }

    fn store(&self, endpoint: Endpoint, period: &Period<'_>) -> Vec<Figure> {
        let visits = self.visits_of(period);
        let of_ten = |what: Draw, least: u64, spread: u64| {
            visits * (least + self.draw(what, &[period.number()]) % spread) / 10
        };
        let total = match endpoint {
            Endpoint::VisitorsPageview => of_ten(Draw::Pages, 30, 30),
            Endpoint::VisitorsUnique => period.unique(of_ten(Draw::Unique, 6, 3)),
            _ => period.unique(visits),
        };
        if total == 0 {
            return Vec::new();
        }
        let count = marked(self.restated(total, period, 0), period.state.serial);
        let detail = count * (40 + self.draw(Draw::First, &[period.number()]) % 25) / 100;
        vec![Figure { date: period.start, entity: Entity::Store, count, amount: 0, detail }]
    }

    /// Visits of a period as far as it has come, a person counted each day anew.
    fn visits_of(&self, period: &Period<'_>) -> u64 {
        period.days().map(|(day, share)| self.visits(day) * share / WHOLE).sum()
    }

    fn visits(&self, day: NaiveDate) -> u64 {
        if self.closed(day) {
            return 0;
        }
        let draw = self.draw(Draw::Visits, &[number(day)]);
        let visits = match self.size {
            Size::Small => 2_000 + draw % 7_000,
            Size::Medium => 10_000 + draw % 30_000,
            Size::Large => 60_000 + draw % 200_000,
        };
        let weekend = u64::from(day.weekday().number_from_monday() > 5);
        visits * (10 + 2 * weekend) / 10
    }

    /// Days without a single row.
    fn closed(&self, day: NaiveDate) -> bool {
        let one_in = match self.size {
            _ if self.products_a_day.is_some() => return false,
            Size::Small => 23,
            Size::Medium | Size::Large => 211,
        };
        self.draw(Draw::Closed, &[number(day)]).is_multiple_of(one_in)
    }

    fn churned(&self, period: &Period<'_>, item: u64) -> bool {
        let revision = period.state.revision;
        revision > 0 && self.draw(Draw::Churn, &[period.number(), revision, item]).is_multiple_of(23)
    }

    /// A restated figure lies up to 6 % above the first one.
    fn restated(&self, figure: u64, period: &Period<'_>, item: u64) -> u64 {
        match period.state.revision {
            0 => figure,
            revision => {
                let draw = self.draw(Draw::Restated, &[period.number(), revision, item]);
                figure + figure * (draw % 60) / 1000
            }
        }
    }

    fn draw(&self, what: Draw, parts: &[u64]) -> u64 {
        parts.iter().fold(mix(&[self.key, what as u64]), |hash, part| mix(&[hash, *part]))
    }
}

impl State {
    /// Of a period that is whole at once and changes only when told to.
    pub(crate) fn restated(times: u64) -> Self {
        Self { serial: times, revision: times, shares: Vec::new() }
    }
}

struct Period<'a> {
    granularity: Granularity,
    start: NaiveDate,
    state: &'a State,
}

impl Period<'_> {
    /// Each day, and what is there of it.
    fn days(&self) -> impl Iterator<Item = (NaiveDate, u64)> {
        let share = |at: usize| self.state.shares.get(at).copied().unwrap_or(WHOLE);
        self.granularity.days(self.start).enumerate().map(move |(at, day)| (day, share(at)))
    }

    fn number(&self) -> u64 {
        number(self.start) * 4 + self.granularity as u64
    }

    /// People who come twice in a week count once.
    fn unique(&self, sum_of_days: u64) -> u64 {
        match self.granularity {
            Granularity::Day => sum_of_days,
            Granularity::Week => sum_of_days * 62 / 100,
            Granularity::Month => sum_of_days * 41 / 100,
        }
    }
}

/// The multiple of 97 near `figure`, plus the serial's mark; never below one multiple.
fn marked(figure: u64, serial: u64) -> u64 {
    (figure / 97).max(1) * 97 + serial % 97
}

fn number(day: NaiveDate) -> u64 {
    u64::try_from(day.num_days_from_ce()).unwrap_or(0)
}

/// `SplitMix64` over several words.
fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x2545_F491_4F6C_DD1D, |state, part| {
        let mut z = (state ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

#[cfg(test)]
mod tests;
