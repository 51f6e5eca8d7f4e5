//! Which calls a probe makes.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use common::domain::calendar::DayRange;
use common::domain::endpoint::{Dialect, Endpoint, Grain};
use common::limiter::Gauge;

/// Rows asked for below the documented least.
pub(crate) const FEW: usize = 10;

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// One finished day.
    Day,
    /// A day before it, for the grain.
    Earlier,
    /// The three days at once, for the grain.
    Range,
    /// A page of few rows.
    Limit,
    /// By hour.
    Hour,
    /// With another language.
    Locale,
    /// At a path that is not there.
    Nowhere,
}

impl Call {
    /// The name in answers and file names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Earlier => "earlier",
            Self::Range => "range",
            Self::Limit => "limit",
            Self::Hour => "hour",
            Self::Locale => "locale",
            Self::Nowhere => "nowhere",
        }
    }
}

/// A call and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) call: Call,
    pub(crate) endpoint: Endpoint,
    pub(crate) chunk: DayRange,
}

/// The calls for these endpoints, whose figures for `day` are final.
pub(crate) fn steps(dialect: Dialect, endpoints: &[Endpoint], day: NaiveDate) -> Vec<Step> {
    let known: Vec<_> = endpoints.iter().copied().filter(|one| one.wire(dialect).is_some()).collect();
    let back = |days| day - Days::new(days);
    let step = |call, endpoint, from, to| {
        // Always in order.
        Some(Step { call, endpoint, chunk: DayRange::new(from, to).ok()? })
    };
    let mut steps: Vec<Option<Step>> = known.iter().map(|one| step(Call::Day, *one, day, day)).collect();
    for endpoint in of_each_grain(dialect, &known) {
        steps.extend([2, 1].map(|days| step(Call::Earlier, endpoint, back(days), back(days))));
        steps.push(step(Call::Range, endpoint, back(2), day));
    }
    let named = |wanted: &str| known.iter().copied().find(|one| one.as_str() == wanted);
    if dialect.grammar().paging.is_some() {
        let longest = named("products").or_else(|| named("domains")).or_else(|| known.last().copied());
        steps.extend(longest.map(|one| step(Call::Limit, one, day, day)));
        steps.extend(named("visitors").map(|one| step(Call::Hour, one, day, day)));
        steps.extend(named("domains").map(|one| step(Call::Locale, one, day, day)));
    }
    steps.extend(known.first().map(|one| step(Call::Nowhere, *one, day, day)));
    steps.into_iter().flatten().collect()
}

/// The first endpoint with rows by day whose entities do not make them many, and the first with one total for the range;
/// where there is no total, the first with entities.
pub(crate) fn of_each_grain(dialect: Dialect, known: &[Endpoint]) -> Vec<Endpoint> {
    let wire = |one: &Endpoint| one.wire(dialect);
    let plain = known.iter().find(|one| wire(one).is_some_and(|wire| wire.entity_field.is_none()));
    let total = known.iter().find(|one| wire(one).is_some_and(|wire| wire.grain == Grain::RangeAggregate));
    let entities = known.iter().find(|one| wire(one).is_some_and(|wire| wire.entity_field.is_some()));
    plain.into_iter().chain(total.or(entities)).copied().collect()
}

/// How long so many calls take from a full bucket that nobody else uses.
pub(crate) fn takes(calls: usize, bucket: &Gauge) -> Duration {
    let beyond = i64::try_from(calls).unwrap_or(i64::MAX).saturating_sub(bucket.capacity);
    let beyond = f64::from(u32::try_from(beyond).unwrap_or(0));
    // A call answers within a second or so.
    Duration::from_secs_f64(beyond / bucket.per_second) + Duration::from_secs(calls as u64 / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dialect: Dialect, endpoints: &[&str]) -> Vec<String> {
        let endpoints: Vec<_> = endpoints.iter().map(|one| one.parse().expect("known")).collect();
        let day = "2026-02-14".parse().expect("a day");
        let steps = steps(dialect, &endpoints, day);
        let name = |step: &Step| {
            let (from, days) = (step.chunk.start(), step.chunk.days());
            format!("{} {} {from} {days}", step.endpoint, step.call.name())
        };
        steps.iter().map(name).collect()
    }

    #[test]
    fn a_probe_of_the_core_endpoints_is_about_a_dozen_calls() {
        let core: Vec<_> = Endpoint::core().map(Endpoint::as_str).collect();
        assert_eq!(names(Dialect::Seed, &core).len(), 11);
        assert_eq!(names(Dialect::Live, &core).len(), 14);
    }

    #[test]
    fn the_grain_takes_three_days_alone_and_at_once() {
        let calls = [
            "products day 2026-02-14 1",
            "products earlier 2026-02-12 1",
            "products earlier 2026-02-13 1",
            "products range 2026-02-12 3",
            "products nowhere 2026-02-14 1",
        ];
        assert_eq!(names(Dialect::Seed, &["products", "keywords"]), calls);
    }
}
