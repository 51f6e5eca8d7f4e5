//! What a mall sells, and what people look at there.

use super::{Draw, Entity, Figure, Period, Size, Source, WHOLE, marked, mix, names, number};

impl Source {
    pub(super) fn products(&self, period: &Period<'_>) -> Vec<Figure> {
        let revision = period.state.revision;
        let mut rows: Vec<_> = self
            .wanted(period, Draw::Sold)
            .into_iter()
            .map(|(rank, orders)| self.product_row(period, 10 + rank, orders))
            .collect();
        if revision > 0 {
            if rows.len() > 1 {
                let victim = self.draw(Draw::Churn, &[period.number(), revision]) % rows.len() as u64;
                rows.remove(usize::try_from(victim).unwrap_or(0));
            }
            rows.push(self.product_row(period, 900_000 + revision, 1));
        }
        rows
    }

    fn product_row(&self, period: &Period<'_>, number: u64, orders: u64) -> Figure {
        let price = 4_900 + (self.draw(Draw::Price, &[number]) % 196) * 1_000;
        let orders = match period.state.revision {
            0 => orders,
            revision => orders + self.draw(Draw::Restated, &[period.number(), revision, number]) % 3,
        };
        let amount = orders * price + period.state.serial % 100;
        // Some orders are of more than one piece.
        let detail = orders + self.draw(Draw::Units, &[period.number(), number]) % (1 + orders / 2);
        Figure { date: period.start, entity: self.product(number), count: orders, amount, detail }
    }

    /// Views of products and what was put into carts; also of some that did not sell, and not of all that did.
    pub(super) fn carts(&self, period: &Period<'_>) -> Vec<Figure> {
        let row = |(rank, interest): (u64, u64)| {
            let views = self.restated(interest * 140, period, rank);
            let count = marked(views, period.state.serial);
            let detail = count * (2 + self.draw(Draw::Carts, &[period.number(), rank]) % 9) / 100;
            Figure { date: period.start, entity: self.product(10 + rank), count, amount: 0, detail }
        };
        self.wanted(period, Draw::Carts).into_iter().map(row).collect()
    }

    fn product(&self, number: u64) -> Entity {
        Entity::Product { number, name: names::product(self.draw(Draw::Name, &[number])) }
    }

    /// Ranks of the products that somebody wanted in the period, and how often.
    fn wanted(&self, period: &Period<'_>, what: Draw) -> Vec<(u64, u64)> {
        // Drawn once: the loop below runs up to 6,000 products by 31 days.
        let days: Vec<_> = period
            .days()
            .filter(|(day, share)| *share > 0 && !self.closed(*day))
            .map(|(day, share)| (number(day) ^ self.key, share))
            .collect();
        let times = |rank| days.iter().map(|(day, share)| self.orders(*day, *share, rank, what)).sum();
        (0..self.catalogue())
            .map(|rank| (rank, times(rank)))
            .filter(|(rank, times): &(u64, u64)| *times > 0 && !self.churned(period, *rank))
            .collect()
    }

    /// Orders of one product on one day so far; most of a catalogue sells nothing on most days.
    fn orders(&self, day: u64, share: u64, rank: u64, what: Draw) -> u64 {
        let hash = mix(&[day, what as u64, rank]);
        let chance = match self.size {
            _ if self.products_a_day.is_some() => 1000,
            Size::Small => 150,
            Size::Medium => 220,
            Size::Large => 600,
        };
        if hash % 1000 >= chance {
            return 0;
        }
        let orders = 1 + mix(&[hash, Draw::Orders as u64]) % (1 + 60 / (1 + rank / 4));
        // Each product has its own hour for its first order.
        (orders * share + hash % WHOLE) / WHOLE
    }

    fn catalogue(&self) -> u64 {
        let draw = self.draw(Draw::Catalogue, &[1]);
        match (self.products_a_day, self.size) {
            (Some(exactly), _) => exactly,
            (None, Size::Small) => 20 + draw % 30,
            (None, Size::Medium) => 300 + draw % 400,
            (None, Size::Large) => 4_000 + draw % 2_000,
        }
    }
}
