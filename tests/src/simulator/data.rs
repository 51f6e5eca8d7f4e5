//! The figures: a pure function of seed, mall, shop, endpoint, granularity, period and serial.
//!
//! Sizes are skewed as in life: a product's sales fall with its rank, a domain's visits too. A serial above
//! zero changes every figure a little, drops some products and domains and brings in new ones.

use chrono::{Datelike, NaiveDate};

use super::config::Size;
use super::endpoint::{Endpoint, Granularity};
use super::names;

/// One row before it takes its form on the wire or in the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Figure {
    /// First day of the period.
    pub(crate) date: NaiveDate,
    pub(crate) entity: Entity,
    /// Visits, page views or orders.
    pub(crate) count: u64,
    /// KRW; zero where the endpoint has no amount.
    pub(crate) amount: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entity {
    Store,
    Product { number: u64, name: String },
    Domain(String),
}

/// Where one shop's figures come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    key: u64,
    size: Size,
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
}

impl Source {
    pub(crate) fn new(seed: u64, mall_id: &str, shop: u32, size: Size) -> Self {
        // FNV-1a over the mall's id: stable over runs and platforms.
        let mall = mall_id
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x100_0000_01B3));
        Self { key: mix(&[seed, mall, u64::from(shop)]), size }
    }

    /// All rows of one period, in the order the API lists them.
    pub(crate) fn figures(
        &self,
        endpoint: Endpoint,
        granularity: Granularity,
        period: NaiveDate,
        serial: u64,
    ) -> Vec<Figure> {
        let period = Period { granularity, start: period, serial };
        match endpoint {
            Endpoint::VisitorsView | Endpoint::VisitorsPageview => self.store(endpoint, &period),
            Endpoint::ProductsSales => self.products(&period),
            Endpoint::VisitpathsDomains => self.domains(&period),
        }
    }

    fn store(&self, endpoint: Endpoint, period: &Period) -> Vec<Figure> {
        let visits: u64 = period.days().map(|day| self.visits(day)).sum();
        let total = match endpoint {
            Endpoint::VisitorsPageview => {
                visits * (30 + self.draw(Draw::Pages, &[period.number()]) % 30) / 10
            }
            _ => period.unique(visits),
        };
        if total == 0 {
            return Vec::new();
        }
        let count = marked(self.restated(total, period, 0), 97, period.serial);
        vec![Figure { date: period.start, entity: Entity::Store, count, amount: 0 }]
    }

    fn domains(&self, period: &Period) -> Vec<Figure> {
        let visits = period.unique(period.days().map(|day| self.visits(day)).sum());
        if visits == 0 {
            return Vec::new();
        }
        let ranks = match self.size {
            Size::Small => 3 + self.draw(Draw::Catalogue, &[0]) % 6,
            Size::Medium => 12 + self.draw(Draw::Catalogue, &[0]) % 9,
            Size::Large => 25 + self.draw(Draw::Catalogue, &[0]) % 12,
        };
        let mut rows = Vec::new();
        for rank in 0..ranks {
            let Some(domain) = names::domain(usize::try_from(rank).unwrap_or(usize::MAX)) else { break };
            let always = rank < 2;
            let seen = self.draw(Draw::Domain, &[period.number(), rank]) % 10 < 8;
            if always || (seen && !self.churned(period, rank)) {
                rows.push((Entity::Domain(domain.to_owned()), visits / (2 + rank), rank));
            }
        }
        if period.serial > 0 {
            rows.truncate(rows.len().saturating_sub(1).max(1));
            rows.push((Entity::Domain(format!("blog{}.tistory.com", period.serial)), visits / 40, 1000));
        }
        let row = |(entity, share, rank)| {
            let count = marked(self.restated(share, period, rank), 97, period.serial);
            Figure { date: period.start, entity, count, amount: 0 }
        };
        rows.into_iter().map(row).collect()
    }

    fn products(&self, period: &Period) -> Vec<Figure> {
        // Drawn once: the loop below runs up to 6,000 products by 31 days.
        let days: Vec<u64> =
            period.days().filter(|day| !self.closed(*day)).map(|day| number(day) ^ self.key).collect();
        let mut rows = Vec::new();
        for rank in 0..self.catalogue() {
            let orders: u64 = days.iter().map(|day| self.orders(*day, rank)).sum();
            if orders > 0 && !self.churned(period, rank) {
                rows.push(self.product_row(period, 10 + rank, orders));
            }
        }
        if period.serial > 0 {
            if rows.len() > 1 {
                let victim = self.draw(Draw::Churn, &[period.number(), period.serial]) % rows.len() as u64;
                rows.remove(usize::try_from(victim).unwrap_or(0));
            }
            rows.push(self.product_row(period, 900_000 + period.serial, 1));
        }
        rows
    }

    fn product_row(&self, period: &Period, number: u64, orders: u64) -> Figure {
        let price = 4_900 + (self.draw(Draw::Price, &[number]) % 196) * 1_000;
        let orders = match period.serial {
            0 => orders,
            serial => orders + self.draw(Draw::Restated, &[period.number(), serial, number]) % 3,
        };
        let name = names::product(self.draw(Draw::Name, &[number]));
        let amount = orders * price + period.serial % 100;
        Figure { date: period.start, entity: Entity::Product { number, name }, count: orders, amount }
    }

    /// Orders of one product on one day; most of a catalogue sells nothing on most days.
    fn orders(&self, day: u64, rank: u64) -> u64 {
        let hash = mix(&[day, Draw::Sold as u64, rank]);
        let chance = match self.size {
            Size::Small => 150,
            Size::Medium => 220,
            Size::Large => 600,
        };
        if hash % 1000 >= chance {
            return 0;
        }
        1 + mix(&[hash, Draw::Orders as u64]) % (1 + 60 / (1 + rank / 4))
    }

    fn catalogue(&self) -> u64 {
        let draw = self.draw(Draw::Catalogue, &[1]);
        match self.size {
            Size::Small => 20 + draw % 30,
            Size::Medium => 300 + draw % 400,
            Size::Large => 4_000 + draw % 2_000,
        }
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
            Size::Small => 23,
            Size::Medium | Size::Large => 211,
        };
        self.draw(Draw::Closed, &[number(day)]).is_multiple_of(one_in)
    }

    fn churned(&self, period: &Period, item: u64) -> bool {
        period.serial > 0
            && self.draw(Draw::Churn, &[period.number(), period.serial, item]).is_multiple_of(23)
    }

    /// A restated figure lies up to 6 % above the first one.
    fn restated(&self, figure: u64, period: &Period, item: u64) -> u64 {
        match period.serial {
            0 => figure,
            serial => {
                let draw = self.draw(Draw::Restated, &[period.number(), serial, item]);
                figure + figure * (draw % 60) / 1000
            }
        }
    }

    fn draw(&self, what: Draw, parts: &[u64]) -> u64 {
        parts.iter().fold(mix(&[self.key, what as u64]), |hash, part| mix(&[hash, *part]))
    }
}

struct Period {
    granularity: Granularity,
    start: NaiveDate,
    serial: u64,
}

impl Period {
    fn days(&self) -> impl Iterator<Item = NaiveDate> {
        self.granularity.days(self.start)
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

/// The multiple of `base` near `figure`, plus the serial's mark; never below one multiple.
fn marked(figure: u64, base: u64, serial: u64) -> u64 {
    (figure / base).max(1) * base + serial % base
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
