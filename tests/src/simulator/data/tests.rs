use std::collections::HashSet;

use super::*;

fn source(size: Size) -> Source {
    Source::new(7, &MallSpec { size, ..MallSpec::new("hanbit") }, 1)
}

/// After so many restatements.
fn rows_of(
    source: &Source,
    endpoint: Endpoint,
    granularity: Granularity,
    start: NaiveDate,
    serial: u64,
) -> Vec<Figure> {
    source.figures(endpoint, granularity, start, &State::restated(serial))
}

fn every() -> impl Iterator<Item = Endpoint> {
    Endpoint::ALL.into_iter().chain(Endpoint::FURTHER)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn entities(rows: &[Figure]) -> HashSet<String> {
    rows.iter().map(|row| format!("{:?}", row.entity)).collect()
}

#[test]
fn the_same_question_has_the_same_answer() {
    for endpoint in every() {
        let ask = || rows_of(&source(Size::Medium), endpoint, Granularity::Day, day("2026-02-15"), 3);
        assert_eq!(ask(), ask());
    }
}

#[test]
fn seed_mall_and_shop_each_change_the_figures() {
    let of =
        |source: Source| rows_of(&source, Endpoint::ProductsSales, Granularity::Day, day("2026-02-15"), 0);
    let first = of(Source::new(7, &MallSpec::new("hanbit"), 1));
    assert_ne!(first, of(Source::new(8, &MallSpec::new("hanbit"), 1)));
    assert_ne!(first, of(Source::new(7, &MallSpec::new("seoul"), 1)));
    assert_ne!(first, of(Source::new(7, &MallSpec::new("hanbit"), 2)));
}

#[test]
fn every_figure_tells_its_serial() {
    for endpoint in every() {
        for granularity in Granularity::ALL {
            for serial in [0, 1, 2, 96] {
                let start = granularity.start(day("2026-02-11"));
                let rows = rows_of(&source(Size::Medium), endpoint, granularity, start, serial);
                assert!(!rows.is_empty());
                for row in rows {
                    let figure = if endpoint == Endpoint::ProductsSales { row.amount } else { row.count };
                    assert_eq!(endpoint.serial_mark(figure), serial, "{endpoint} {row:?}");
                }
            }
        }
    }
}

#[test]
fn a_restatement_drops_some_entities_and_brings_new_ones() {
    for endpoint in [Endpoint::ProductsSales, Endpoint::VisitpathsDomains] {
        let rows =
            |serial| rows_of(&source(Size::Medium), endpoint, Granularity::Day, day("2026-02-11"), serial);
        let (before, after) = (entities(&rows(0)), entities(&rows(1)));
        assert!(before.difference(&after).count() > 0, "{endpoint}");
        assert!(after.difference(&before).count() > 0, "{endpoint}");
    }
}

#[test]
fn unique_visitors_of_a_week_are_fewer_than_the_sum_of_its_days() {
    let monday = day("2026-02-09");
    let source = source(Size::Medium);
    let count = |granularity, start| -> u64 {
        rows_of(&source, Endpoint::VisitorsView, granularity, start, 0).iter().map(|row| row.count).sum()
    };
    let days: u64 = Granularity::Week.days(monday).map(|day| count(Granularity::Day, day)).sum();
    let week = count(Granularity::Week, monday);
    assert!(week > 0 && week < days * 3 / 4, "{week} of {days}");
}

#[test]
fn no_entity_appears_twice_in_a_period() {
    for endpoint in every() {
        for granularity in Granularity::ALL {
            let start = granularity.start(day("2026-02-11"));
            let rows = rows_of(&source(Size::Large), endpoint, granularity, start, 2);
            assert_eq!(entities(&rows).len(), rows.len(), "{endpoint} {granularity:?}");
        }
    }
}

#[test]
fn a_large_mall_sells_thousands_of_products_a_day_and_a_small_one_a_handful() {
    let rows =
        |size| rows_of(&source(size), Endpoint::ProductsSales, Granularity::Day, day("2026-02-11"), 0).len();
    assert!((2_000..5_000).contains(&rows(Size::Large)), "{}", rows(Size::Large));
    assert!((1..20).contains(&rows(Size::Small)), "{}", rows(Size::Small));
}

#[test]
fn a_small_mall_has_days_without_any_row() {
    let empty = day("2026-01-01").iter_days().take(120).filter(|day| {
        rows_of(&source(Size::Small), Endpoint::VisitorsView, Granularity::Day, *day, 0).is_empty()
    });
    assert!((1..20).contains(&empty.count()));
}
