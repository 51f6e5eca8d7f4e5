//! What a wish names and nobody can answer: malls whose dialect lacks the endpoint or the period.

use common::domain::calendar::Granularity;
use common::domain::endpoint::{Dialect, Endpoint, Grain, Unaskable};
use common::domain::ids::MallId;

use super::selection::Selection;
use crate::fault::Fault;

/// Malls named before "and N more".
const NAMED: usize = 5;

/// Part of a wish that is left out, and of which malls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Why no request means it.
    pub why: Unaskable,
    /// Of these malls.
    pub malls: Vec<MallId>,
}

impl LeftOut {
    /// In a line.
    pub fn text(&self) -> String {
        let named: Vec<&str> = self.malls.iter().take(NAMED).map(MallId::as_str).collect();
        let more = match self.malls.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}{more}: {}", named.join(", "), self.why)
    }
}

impl Selection {
    /// What of the wish cannot be asked, one entry a reason.
    pub fn left_out(&self) -> Vec<LeftOut> {
        let mut out: Vec<LeftOut> = Vec::new();
        for mall in &self.malls {
            for why in self.unaskable(self.wished_of(mall), mall.dialect) {
                match out.iter_mut().find(|known| known.why == why) {
                    Some(known) => known.malls.push(mall.mall_id.clone()),
                    None => out.push(LeftOut { why, malls: vec![mall.mall_id.clone()] }),
                }
            }
        }
        out
    }

    fn unaskable(&self, endpoints: &[Endpoint], dialect: Dialect) -> Vec<Unaskable> {
        let mut out = Vec::new();
        for endpoint in endpoints {
            // The length of a chunk is ours to choose; whether there is such a request is not.
            match endpoint.asked(dialect, self.granularity, self.range) {
                Err(why @ (Unaskable::Endpoint { .. } | Unaskable::Granularity { .. })) => {
                    if !out.contains(&why) {
                        out.push(why);
                    }
                }
                Err(Unaskable::SeveralDays { .. }) | Ok(_) => {}
            }
        }
        out
    }

    /// Refuses a wish of which nothing can be asked.
    ///
    /// # Errors
    /// [`Fault::Range`] with the first reason.
    pub fn must_be_askable(&self) -> Result<(), Fault> {
        let Some(LeftOut { why, .. }) = self.left_out().into_iter().next() else { return Ok(()) };
        if !self.endpoints_asked().is_empty() {
            return Ok(());
        }
        let (what, action) = match why {
            Unaskable::Endpoint { endpoint, .. } => (
                format!("no mall of this wish has the endpoint {endpoint}"),
                "leave --endpoint out        (of each mall its own endpoints)",
            ),
            Unaskable::Granularity { granularity, .. } => {
                (format!("no mall of this wish can be asked by {granularity}"), "--granularity day")
            }
            Unaskable::SeveralDays { .. } => return Ok(()),
        };
        Err(Fault::Range { what, why: why.to_string(), action: action.to_owned() })
    }

    /// Endpoints that are asked day by day although longer chunks are wished for.
    pub fn day_by_day(&self) -> Vec<Endpoint> {
        if self.granularity != Granularity::Day || self.chunk_days.is_none_or(|days| days < 2) {
            return Vec::new();
        }
        let is_total = |endpoint: Endpoint, dialect| {
            endpoint.wire(dialect).is_some_and(|wire| wire.grain == Grain::RangeAggregate)
        };
        Endpoint::all()
            .filter(|endpoint| {
                self.malls.iter().any(|mall| {
                    is_total(*endpoint, mall.dialect) && self.endpoints_of(mall).contains(endpoint)
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use common::store::Connector;

    use super::super::selection::tests::{mall, selection};
    use super::*;
    use crate::fault::Exit;

    fn live(name: &str) -> Connector {
        Connector { dialect: Dialect::Live, ..mall(name, "api") }
    }

    fn endpoints(names: &[&str]) -> Vec<Endpoint> {
        names.iter().map(|name| name.parse().expect("known")).collect()
    }

    #[test]
    fn of_a_mixed_wish_for_weeks_the_malls_that_have_none_are_named() {
        let mut wish = selection(vec![live("moonlit"), mall("hanbit", "api"), live("starlit")]);
        wish.granularity = Granularity::Week;
        let texts: Vec<_> = wish.left_out().iter().map(LeftOut::text).collect();
        assert_eq!(
            texts,
            [
                "moonlit, starlit: the dialect live cannot answer by week, and a week's figures are not the sum of its days"
            ]
        );
        assert!(wish.must_be_askable().is_ok());
        assert_eq!(wish.most_jobs(), 4 * 2, "eight whole weeks of hanbit, four in a chunk");
        assert!(wish.day_by_day().is_empty());
    }

    #[test]
    fn a_wish_for_what_nobody_has_is_refused_with_what_to_write() {
        let mut weeks = selection(vec![live("moonlit")]);
        weeks.granularity = Granularity::Month;
        let mut keywords = selection(vec![mall("hanbit", "api")]);
        keywords.endpoints = Some(endpoints(&["keywords"]));
        for (wish, instead) in [(weeks, "--granularity day"), (keywords, "leave --endpoint out")] {
            let fault = wish.must_be_askable().expect_err("nobody has it");
            assert_eq!(fault.exit(), Exit::Usage);
            assert!(
                matches!(&fault, Fault::Range { action, .. } if action.starts_with(instead)),
                "{fault:?}"
            );
        }
    }

    #[test]
    fn totals_of_a_range_are_planned_a_day_a_request_whatever_the_chunk() {
        let mut wish = selection(vec![live("moonlit"), mall("hanbit", "api")]);
        wish.chunk_days = Some(7);
        wish.endpoints = Some(endpoints(&["visitors", "products"]));
        let names: Vec<_> = wish.day_by_day().iter().map(|endpoint| endpoint.as_str()).collect();
        assert_eq!(names, ["products"]);
        assert_eq!(
            wish.most_jobs(),
            60 + 9 + 9 + 9,
            "sixty days: a day a request for moonlit's products, else seven"
        );
        wish.chunk_days = None;
        assert_eq!(wish.most_jobs(), 60 + 1 + 2 + 2, "ninety days of visitors are one live request");
    }

    #[test]
    fn each_mall_has_its_own_endpoints_unless_the_wish_names_some() {
        let keywords: Endpoint = "keywords".parse().expect("known");
        let more = Connector { endpoints: vec![keywords], ..live("moonlit") };
        let mut wish = selection(vec![more, mall("hanbit", "api")]);
        let asked: Vec<_> = wish.endpoints_asked().iter().map(|endpoint| endpoint.as_str()).collect();
        assert_eq!(asked, ["visitors", "pageviews", "products", "domains", "keywords"]);
        assert_eq!(wish.most_jobs(), 60 + 4 * 2);
        wish.endpoints = Some(endpoints(&["visitors", "keywords"]));
        assert_eq!(wish.most_jobs(), 60 + 1 + 2, "also those that the mall is not synchronised with");
        assert_eq!(wish.left_out().len(), 1, "hanbit has no keywords");
    }
}
