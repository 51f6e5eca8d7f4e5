//! How a mall connection differs from what it was.

use common::store::Connector;

/// What is otherwise than before: key, before, after.
pub(super) fn differences(before: &Connector, after: &Connector) -> Vec<(&'static str, String, String)> {
    let shops = |mall: &Connector| mall.shops.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let endpoints =
        |mall: &Connector| mall.endpoints.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(",");
    let day = |mall: &Connector| {
        mall.wanted_from.map_or_else(|| "the first fetched".to_owned(), |day| day.to_string())
    };
    let app =
        |mall: &Connector| mall.app_id.as_ref().map_or("the configured".to_owned(), ToString::to_string);
    let of = |key, read: &dyn Fn(&Connector) -> String| (key, read(before), read(after));
    let mut all = vec![
        of("agency", &|mall| mall.agency_id.clone()),
        of("dialect", &|mall| mall.dialect.to_string()),
        of("endpoints", &endpoints),
        of("shops", &shops),
        of("limiter_key", &|mall| mall.limiter_key.to_string()),
        of("wanted_from", &day),
        of("app", &app),
        of("mode", &|mall| String::from(mall.mode.clone())),
    ];
    all.retain(|(_, was, is)| was != is);
    all
}
