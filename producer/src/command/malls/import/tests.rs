use rstest::rstest;

use super::*;
use crate::plan::selection::tests::mall;

fn today() -> NaiveDate {
    "2026-02-16".parse().expect("a day")
}

/// The problems of a file against two known malls: `known` speaks live with keywords and two shops, `plain` seed.
fn problems(text: &str, default: Dialect) -> Vec<String> {
    let live = Connector {
        dialect: Dialect::Live,
        endpoints: vec!["visitors".parse().expect("known"), "keywords".parse().expect("known")],
        ..mall("known", "api")
    };
    let known = [live, mall("plain", "api")].into_iter().map(|mall| (mall.mall_id.clone(), mall)).collect();
    let stored = Stored { known, apps: BTreeSet::new(), dialect: default, today: today() };
    let malls = read(text.as_bytes()).expect("well-formed");
    stored
        .check(&malls)
        .err()
        .map_or(Vec::new(), |bad| bad.lines.into_iter().map(|line| line.problem).collect())
}

#[rstest]
#[case::shops_of_the_seed(
    "mall_id,dialect,shops\na,seed,1;2\n",
    "`shops` must be 1: requests of the dialect seed cannot name a shop"
)]
#[case::shops_of_the_default(
    "mall_id,shops\na,1;2\n",
    "`shops` must be 1: requests of the dialect seed cannot name a shop"
)]
#[case::endpoint_of_the_live_dialect(
    "mall_id,endpoints\na,visitors;keywords;ads\n",
    "the dialect seed has no endpoint keywords, ads: write `endpoints` visitors, or `dialect` live if the mall speaks it"
)]
#[case::only_such("mall_id,endpoints\na,carts\n", "the dialect seed has no endpoint carts")]
#[case::stored_endpoints_and_another_dialect(
    "mall_id,dialect\nknown,seed\n",
    "the dialect seed has no endpoint keywords: write `endpoints` visitors, or `dialect` live if the mall speaks it"
)]
fn a_mall_is_not_wanted_what_its_api_cannot_answer(#[case] text: &str, #[case] problem: &str) {
    assert_eq!(problems(text, Dialect::Seed), [problem]);
}

#[rstest]
#[case::wanted_too_early(
    "mall_id,wanted_from\na,1999-12-31\n",
    "`wanted_from` cannot be that day: 1999-12-31 is before there was anything to fetch: the first day is 2000-01-01"
)]
#[case::wanted_too_late(
    "mall_id,wanted_from\na,2026-02-17\n",
    "`wanted_from` cannot be that day: 2026-02-17 is in the future: today is 2026-02-16 (KST)"
)]
#[case::approved_too_late(
    "mall_id,purposes,approved_on\na,ads,2026-02-17\n",
    "`approved_on` cannot be that day: 2026-02-17 is in the future: today is 2026-02-16 (KST)"
)]
fn a_day_that_cannot_be_meant_is_refused(#[case] text: &str, #[case] problem: &str) {
    assert_eq!(problems(text, Dialect::Seed), [problem]);
}

#[rstest]
#[case::wanted_and_approved_today(
    "mall_id,wanted_from,purposes,approved_on\na,2026-02-16,ads,2026-02-16\n",
    Dialect::Seed
)]
#[case::both_named("mall_id,dialect,shops,endpoints\na,live,1;2,visitors;keywords\n", Dialect::Seed)]
#[case::the_default("mall_id,shops,endpoints\na,1;2,keywords\n", Dialect::Live)]
#[case::what_is_stored("mall_id,shops\nknown,1;2\n", Dialect::Seed)]
#[case::stored_endpoints_given_up("mall_id,dialect,endpoints\nknown,seed,visitors\n", Dialect::Live)]
fn what_the_dialect_can_answer_is_taken(#[case] text: &str, #[case] default: Dialect) {
    assert_eq!(problems(text, default), Vec::<String>::new());
}

#[test]
fn a_known_mall_keeps_its_dialect_and_a_new_one_gets_that_of_the_settings() {
    let known: BTreeMap<_, _> = [Connector { dialect: Dialect::Live, ..mall("known", "api") }]
        .into_iter()
        .map(|mall| (mall.mall_id.clone(), mall))
        .collect();
    let stored = Stored { known, apps: BTreeSet::new(), dialect: Dialect::Seed, today: today() };
    let malls = read(b"mall_id,dialect\nknown,\nnew,\nother,live\n").expect("good");
    let dialects: Vec<_> = malls.iter().map(|mall| stored.dialect_of(mall)).collect();
    assert_eq!(dialects, [Dialect::Live, Dialect::Seed, Dialect::Live]);
}
