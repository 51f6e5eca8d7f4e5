//! What a wish selects.

use chrono::NaiveDate;
use common::domain::calendar::{DayRange, Granularity};
use common::domain::chunk::chunks;
use common::domain::endpoint::{Dialect, Endpoint};
use common::domain::job::Lane;
use common::store::{Connector, EndpointPause, PlannedChunk, Wish};

/// What is wished for.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The malls, by id.
    pub malls: Vec<Connector>,
    /// Which figures, in the order of the table; `None`: of each mall those that it is synchronised with.
    pub endpoints: Option<Vec<Endpoint>>,
    /// What one row covers.
    pub granularity: Granularity,
    /// Which KST days.
    pub range: DayRange,
    /// Longest chunk that the operator wants.
    pub chunk_days: Option<u32>,
    /// How urgently.
    pub lane: Lane,
    /// Whether complete slices are asked for again.
    pub wish: Wish,
    /// The first KST day whose figures are not final when it is wished.
    pub open_from: NaiveDate,
}

/// Malls for which the same is planned.
struct Alike<'a> {
    dialect: Dialect,
    endpoints: Vec<Endpoint>,
    malls: Vec<&'a Connector>,
}

impl Selection {
    /// Longest range of one request to `endpoint`, if the dialect has it.
    pub fn longest_chunk(&self, endpoint: Endpoint, dialect: Dialect) -> Option<u32> {
        let limit = endpoint.max_days(dialect)?;
        Some(self.chunk_days.map_or(limit, |days| days.min(limit)))
    }

    /// What is wished for of `mall`, whether its dialect has it or not.
    pub(super) fn wished_of<'a>(&'a self, mall: &'a Connector) -> &'a [Endpoint] {
        self.endpoints.as_deref().unwrap_or(&mall.endpoints)
    }

    /// What can be asked of `mall`.
    pub fn endpoints_of(&self, mall: &Connector) -> Vec<Endpoint> {
        let wished = self.wished_of(mall);
        Endpoint::all()
            .filter(|endpoint| wished.contains(endpoint) && endpoint.supports(mall.dialect, self.granularity))
            .collect()
    }

    /// What is asked of any mall, in the order of the table.
    pub fn endpoints_asked(&self) -> Vec<Endpoint> {
        let of_malls: Vec<_> = self.malls.iter().map(|mall| self.endpoints_of(mall)).collect();
        Endpoint::all().filter(|endpoint| of_malls.iter().any(|of| of.contains(endpoint))).collect()
    }

    /// Whether a paused endpoint is among what is wished for.
    pub fn is_hit_by(&self, pause: &EndpointPause) -> bool {
        self.malls.iter().any(|mall| {
            self.endpoints_of(mall).contains(&pause.endpoint)
                && pause.mall_id.as_ref().is_none_or(|paused| *paused == mall.mall_id)
                && pause.dialect.as_deref().is_none_or(|dialect| dialect == mall.dialect.as_str())
        })
    }

    fn chunks(&self, dialect: Dialect, endpoints: &[Endpoint]) -> Vec<PlannedChunk> {
        endpoints
            .iter()
            .filter_map(|endpoint| Some((*endpoint, self.longest_chunk(*endpoint, dialect)?)))
            .flat_map(|(endpoint, max_days)| {
                chunks(self.range, self.granularity, max_days, self.open_from)
                    .into_iter()
                    .map(move |range| PlannedChunk { endpoint, granularity: self.granularity, range })
            })
            .collect()
    }

    /// More jobs than this cannot come of it: every chunk of every shop.
    pub fn most_jobs(&self) -> usize {
        self.alike()
            .into_iter()
            .map(|Alike { dialect, endpoints, malls }| {
                let shops: usize = malls.iter().map(|mall| mall.shops.len()).sum();
                shops * self.chunks(dialect, &endpoints).len()
            })
            .sum()
    }

    /// The malls of each dialect and set of endpoints.
    fn alike(&self) -> Vec<Alike<'_>> {
        let mut alike: Vec<Alike<'_>> = Vec::new();
        for mall in &self.malls {
            let (dialect, endpoints) = (mall.dialect, self.endpoints_of(mall));
            match alike.iter_mut().find(|known| known.dialect == dialect && known.endpoints == endpoints) {
                Some(known) => known.malls.push(mall),
                None => alike.push(Alike { dialect, endpoints, malls: vec![mall] }),
            }
        }
        alike
    }

    /// The malls that can be asked something, by what is planned for them.
    pub(super) fn alike_with_chunks(&self) -> Vec<(Vec<PlannedChunk>, Vec<&Connector>)> {
        self.alike()
            .into_iter()
            .map(|Alike { dialect, endpoints, malls }| (self.chunks(dialect, &endpoints), malls))
            .filter(|(chunks, _)| !chunks.is_empty())
            .collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::DateTime;
    use common::domain::ids::{LimiterKey, ShopNo};
    use common::store::{ConnectorState, Mode};

    use super::*;

    pub(crate) fn mall(name: &str, mode: &str) -> Connector {
        let mall_id = name.parse().expect("valid");
        Connector {
            wanted_from: None,
            limiter_key: LimiterKey::from(&mall_id),
            mall_id,
            agency_id: "default".to_owned(),
            dialect: Dialect::Seed,
            shops: vec![ShopNo::FIRST],
            endpoints: Endpoint::core().collect(),
            mode: Mode::from(mode.to_owned()),
            state: ConnectorState::Active,
            state_reason: None,
            state_since: DateTime::UNIX_EPOCH,
            app_id: None,
            has_tokens: true,
            tokens: None,
        }
    }

    pub(crate) fn selection(malls: Vec<Connector>) -> Selection {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        Selection {
            malls,
            endpoints: None,
            granularity: Granularity::Day,
            range: DayRange::new(day("2025-12-18"), day("2026-02-15")).expect("in order"),
            chunk_days: None,
            lane: Lane::Backfill,
            wish: Wish::Missing,
            open_from: day("2026-02-16"),
        }
    }

    #[test]
    fn sixty_days_of_a_seed_mall_are_two_requests_an_endpoint() {
        let mut selection = selection(vec![mall("a", "api"), mall("b", "api")]);
        assert_eq!(selection.most_jobs(), 16);
        selection.chunk_days = Some(1);
        assert_eq!(selection.most_jobs(), 480);
        selection.chunk_days = Some(366);
        assert_eq!(selection.most_jobs(), 16);
    }
}
