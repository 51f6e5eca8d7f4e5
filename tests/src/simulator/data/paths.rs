//! Where visits come from: domains, keywords, advertising channels.

use super::{Draw, Entity, Figure, Period, Size, Source, WHOLE, marked, names};

impl Source {
    pub(super) fn domains(&self, period: &Period<'_>) -> Vec<Figure> {
        let visits = period.unique(self.visits_of(period));
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
            if always || (seen && self.arrived(period, rank) && !self.churned(period, rank)) {
                rows.push((domain.to_owned(), visits / (2 + rank), rank));
            }
        }
        let revision = period.state.revision;
        if revision > 0 {
            rows.truncate(rows.len().saturating_sub(1).max(1));
            rows.push((format!("blog{revision}.tistory.com"), visits / 40, 1000));
        }
        let row = |(domain, share, rank)| self.path_row(period, Entity::Domain(domain), share, rank);
        rows.into_iter().map(row).collect()
    }

    pub(super) fn keywords(&self, period: &Period<'_>) -> Vec<Figure> {
        let ranks = match self.size {
            Size::Small => 4 + self.draw(Draw::Catalogue, &[2]) % 6,
            Size::Medium => 30 + self.draw(Draw::Catalogue, &[2]) % 30,
            Size::Large => 150 + self.draw(Draw::Catalogue, &[2]) % 100,
        };
        self.ranked(period, Draw::Keyword, ranks, |rank| Entity::Keyword(names::keyword(rank)))
    }

    pub(super) fn ads(&self, period: &Period<'_>) -> Vec<Figure> {
        self.ranked(period, Draw::Ad, names::AD_CHANNELS, |rank| Entity::Ad(names::ad(rank).to_owned()))
    }

    /// The first rank is always there, of the others four in five, but for those that a restatement drops.
    fn ranked(
        &self,
        period: &Period<'_>,
        what: Draw,
        ranks: u64,
        entity: impl Fn(u64) -> Entity,
    ) -> Vec<Figure> {
        let visits = period.unique(self.visits_of(period));
        if visits == 0 {
            return Vec::new();
        }
        let seen = |rank: &u64| {
            let seen = self.draw(what, &[period.number(), *rank]) % 10 < 8;
            *rank == 0 || (seen && self.arrived(period, *rank) && !self.churned(period, *rank))
        };
        let row = |rank| self.path_row(period, entity(rank), visits / (3 + rank), rank);
        (0..ranks).filter(seen).map(row).collect()
    }

    fn path_row(&self, period: &Period<'_>, entity: Entity, visits: u64, rank: u64) -> Figure {
        let count = marked(self.restated(visits, period, rank), period.state.serial);
        Figure { date: period.start, entity, count, amount: 0, detail: 0 }
    }

    /// Whether the first visit of this way has come yet.
    fn arrived(&self, period: &Period<'_>, rank: u64) -> bool {
        let (days, sum) = period.days().fold((0, 0), |(days, sum), (_, share)| (days + 1, sum + share));
        sum >= days * (self.draw(Draw::Domain, &[period.number(), rank, 1]) % (WHOLE * 7 / 10))
    }
}
