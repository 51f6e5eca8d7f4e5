//! Every request of both dialects, to the letter.

use std::fmt::Write;

use super::super::*;
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::endpoint::{Dialect, Endpoint, Unaskable};
use crate::domain::ids::{MallId, ShopNo};
use crate::domain::job::Wanted;

fn wanted<'a>(
    mall: &'a MallId,
    endpoint: Endpoint,
    granularity: Granularity,
    days: (&str, &str),
) -> Wanted<'a> {
    Wanted {
        mall_id: mall,
        shop_no: ShopNo::try_from(2).expect("valid"),
        endpoint,
        granularity,
        chunk: DayRange::new(days.0.parse().expect("a day"), days.1.parse().expect("a day"))
            .expect("in order"),
    }
}

#[test]
fn a_day_of_every_endpoint_is_asked_for_like_this() {
    let mall: MallId = "yourmall".parse().expect("valid");
    let mut shown = String::new();
    for dialect in Dialect::ALL {
        for endpoint in Endpoint::all() {
            let day = wanted(&mall, endpoint, Granularity::Day, ("2026-02-15", "2026-02-15"));
            let asked = Request::new(day, dialect).map(|request| request.path_and_query());
            let asked = asked.unwrap_or_else(|error| error.to_string());
            writeln!(shown, "{dialect} {endpoint}\n  {asked}").expect("a String takes it");
        }
    }
    assert_eq!(
        shown,
        include_str!("requests.txt"),
        "if this is meant, this is the new requests.txt:\n{shown}"
    );
}

#[test]
fn a_week_of_the_seed_dialect_and_a_later_page_of_the_live_one() {
    let mall: MallId = "yourmall".parse().expect("valid");
    let visitors: Endpoint = "visitors".parse().expect("known");
    let week = wanted(&mall, visitors, Granularity::Week, ("2026-02-09", "2026-02-15"));
    let seed = Request::new(week, Dialect::Seed).expect("askable");
    let asked = "/api/v1/malls/yourmall/visitors/view?startDate=2026-02-09&endDate=2026-02-15&dateType=week";
    assert_eq!(seed.path_and_query(), asked);
    assert_eq!(seed.after(999).path_and_query(), asked, "its answers come whole");
    assert!(matches!(Request::new(week, Dialect::Live), Err(Unaskable::Granularity { .. })));
    let days = wanted(&mall, visitors, Granularity::Day, ("2026-02-09", "2026-02-15"));
    let live = Request::new(days, Dialect::Live).expect("askable").after(999).path_and_query();
    assert!(live.ends_with("&sort=date&order=asc&limit=1000&offset=999"), "{live}");
}
