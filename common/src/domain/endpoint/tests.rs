mod page;

use std::collections::HashSet;

use super::*;

fn wires() -> impl Iterator<Item = (Endpoint, Dialect, &'static Wire)> {
    Endpoint::all().flat_map(|endpoint| {
        Dialect::ALL.into_iter().filter_map(move |dialect| Some((endpoint, dialect, endpoint.wire(dialect)?)))
    })
}

#[test]
fn every_endpoint_owns_exactly_the_columns_it_maps() {
    for (endpoint, dialect, wire) in wires() {
        let mapped: Vec<_> = wire.metrics.iter().map(|m| m.column).collect();
        assert_eq!(mapped, endpoint.owns(), "{endpoint} {dialect}");
    }
}

#[test]
fn no_two_endpoints_of_one_entity_own_the_same_column() {
    for a in Endpoint::all() {
        for b in Endpoint::all().filter(|b| *b != a && b.entity() == a.entity()) {
            assert!(a.owns().iter().all(|column| !b.owns().contains(column)), "{a} and {b}");
        }
    }
}

#[test]
fn every_endpoint_has_a_name_a_dialect_and_figures() {
    let names: HashSet<_> = Endpoint::all().map(Endpoint::as_str).collect();
    assert_eq!(names.len(), Endpoint::all().len());
    for endpoint in Endpoint::all() {
        assert!(wires().any(|(other, ..)| other == endpoint), "{endpoint} cannot be asked of anybody");
        assert!(!endpoint.about().is_empty() && endpoint.as_str().bytes().all(|b| b.is_ascii_lowercase()));
    }
    for (endpoint, dialect, wire) in wires() {
        let figures = wire.metrics.len() + wire.extra.iter().filter(|field| field.required).count();
        assert!(figures > 0, "{endpoint} {dialect}: an empty row would be one");
        assert!(!wire.path.is_empty() && !wire.wrapper.is_empty(), "{endpoint} {dialect}");
        assert_eq!(
            wire.entity_field.is_none(),
            endpoint.entity() == EntityType::Store,
            "{endpoint} {dialect}"
        );
    }
}

#[test]
fn a_total_of_a_range_is_asked_day_by_day() {
    for (endpoint, dialect, wire) in wires() {
        assert!(wire.max_days >= 1);
        assert_eq!(wire.grain == Grain::RangeAggregate, wire.max_days == 1, "{endpoint} {dialect}");
    }
    let days = |end: &str| {
        DayRange::new("2026-02-14".parse().expect("a day"), end.parse().expect("a day")).expect("in order")
    };
    let products: Endpoint = "products".parse().expect("known");
    let asked = |dialect, end| products.asked(dialect, Granularity::Day, days(end)).err();
    assert_eq!(asked(Dialect::Live, "2026-02-14"), None);
    assert_eq!(asked(Dialect::Seed, "2026-02-15"), None);
    let refused = asked(Dialect::Live, "2026-02-15").expect("two days");
    assert_eq!(
        refused.to_string(),
        "products answers one total for a whole range: 2026-02-14…2026-02-15 must be asked day by day"
    );
}

#[test]
fn pages_are_cut_on_the_key_of_the_rows() {
    for (endpoint, dialect, wire) in wires().filter(|(_, dialect, _)| dialect.grammar().paging.is_some()) {
        let key = match wire.grain {
            Grain::DayRows { date_field } => {
                assert_eq!(wire.entity_field, None, "{endpoint}: a day would be no key");
                date_field
            }
            Grain::RangeAggregate => wire.entity_field.expect("an entity"),
        };
        assert!(wire.params.contains(&("sort", key)), "{endpoint} {dialect}");
        assert!(wire.params.contains(&("order", "asc")), "{endpoint} {dialect}");
    }
}

#[test]
fn each_field_of_a_row_means_one_thing() {
    for (endpoint, dialect, wire) in wires() {
        let date = match wire.grain {
            Grain::DayRows { date_field } => Some(date_field),
            Grain::RangeAggregate => None,
        };
        let names: Vec<_> = date
            .into_iter()
            .chain(wire.entity_field)
            .chain(wire.label_field)
            .chain(wire.metrics.iter().map(|field| field.name))
            .chain(wire.extra.iter().map(|field| field.name))
            .chain(wire.left_out.iter().copied())
            .collect();
        assert_eq!(
            names.iter().collect::<HashSet<_>>().len(),
            names.len(),
            "{endpoint} {dialect}: {names:?}"
        );
        // The decoder has a bit for each.
        assert!(names.len() <= 24, "{endpoint} {dialect}");
        let sum = wire.sum.iter().flat_map(|sum| sum.parts.iter().chain([&sum.whole]));
        for name in sum {
            assert!(names.contains(name), "{endpoint} {dialect}: {name} is no field");
        }
    }
}

#[test]
fn what_stands_in_a_request_needs_no_percent_encoding() {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    for (endpoint, dialect, wire) in wires() {
        let grammar = dialect.grammar();
        for (name, value) in grammar.params.iter().chain(wire.params) {
            assert!(plain(name) && plain(value), "{endpoint} {dialect}: {name}={value}");
        }
        let path = wire.path.replace("{mall_id}", "");
        assert!(path.starts_with('/') && path.split('/').all(plain), "{endpoint} {dialect}: {path}");
        assert_eq!(wire.path.contains("{mall_id}"), grammar.mall_param.is_none(), "{endpoint} {dialect}");
    }
}

#[test]
fn week_and_month_exist_in_the_seed_dialect_only() {
    let supports = |name: &str, dialect, granularity| {
        name.parse::<Endpoint>().expect("known").supports(dialect, granularity)
    };
    assert!(supports("visitors", Dialect::Seed, Granularity::Month));
    assert!(!supports("visitors", Dialect::Live, Granularity::Week));
    assert!(supports("keywords", Dialect::Live, Granularity::Day));
    assert!(!supports("keywords", Dialect::Seed, Granularity::Day));
}

#[test]
fn the_four_endpoints_of_both_dialects_are_what_a_mall_gets() {
    let core: Vec<_> = Endpoint::core().map(Endpoint::as_str).collect();
    assert_eq!(core, ["visitors", "pageviews", "products", "domains"]);
}

#[test]
fn a_wrong_name_is_told_the_right_ones() {
    let error = "sales".parse::<Endpoint>().expect_err("unknown");
    assert!(
        error
            .to_string()
            .ends_with("use one of visitors, pageviews, products, domains, unique, keywords, ads, carts")
    );
}
