//! Every kind of drift is found, in words and in the exit code.

use serde_json::json;
use tests::harness::{Context as _, Result, World};
use tests::simulator::{FaultKind, FaultRule, Target};

use super::{LIVE, SEED, answer, differences, order, probe, world};

/// What `probe` finds at `endpoint` of `mall` while the API does so.
async fn found(
    world: &World,
    mall: &str,
    path: &str,
    endpoint: &str,
    fault: FaultKind,
) -> Result<Vec<String>> {
    world.sim.clear_faults();
    order(world, mall, path, fault)?;
    let (code, document) = probe(world, mall, &["--endpoint", endpoint]).await?;
    let mut codes: Vec<_> = differences(&document).into_iter().map(|(_, code)| code).collect();
    codes.dedup();
    assert_eq!((code, &document["fits"]), (Some(3), &false.into()), "{document:#}");
    Ok(codes)
}

fn field(name: &str, of: fn(String) -> FaultKind) -> FaultKind {
    of(name.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn d02_each_kind_of_drift_is_found_in_both_dialects() -> Result<()> {
    let world = world().await?;
    let missing = |field| FaultKind::MissingField { field };
    let wrong = |field| FaultKind::WrongType { field };
    let cases = [
        ("no_wrapper", FaultKind::MissingWrapper, FaultKind::MissingWrapper),
        ("missing_field", field("orderCount", missing), field("order_count", missing)),
        ("other_type", field("orderCount", wrong), field("order_count", wrong)),
        ("new_field", FaultKind::ExtraField, FaultKind::ExtraField),
        ("error_key", FaultKind::ErrorKey, FaultKind::ErrorKey),
        ("not_json", FaultKind::NotJson, FaultKind::NotJson),
        ("refused", FaultKind::DuplicateDifferent, FaultKind::DuplicateDifferent),
        ("status", answer(404, "{}"), answer(404, "{}")),
    ];
    for (code, seed, live) in cases {
        for (mall, fault) in [(SEED, seed), (LIVE, live)] {
            let codes = found(&world, mall, "products/sales", "products", fault).await?;
            assert!(codes.iter().any(|one| one == code), "{mall}: {code} is not among {codes:?}");
        }
    }
    // A day outside the range is seen by the workers' decoder.
    let outside = found(&world, SEED, "products/sales", "products", FaultKind::RowOutside).await?;
    assert!(outside.iter().any(|one| one == "refused"), "{outside:?}");
    // And a row with a day, where one total for the range was known.
    let dated = json!({ "sales": [
        { "product_no": 1, "product_name": "x", "order_count": 1, "order_amount": "1", "date": "2026-02-15" },
    ] });
    let dated = found(&world, LIVE, "products/sales", "products", answer(200, &dated.to_string())).await?;
    assert!(dated.iter().any(|one| one == "grain"), "{dated:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_is_no_sum_of_its_days_is_found() -> Result<()> {
    let world = world().await?;
    let total =
        json!({ "sales": [{ "product_no": 1, "product_name": "x", "order_count": 1, "order_amount": "1" }] });
    let (sales, code) = ("products/sales".to_owned(), answer(200, &total.to_string()));
    let endpoint = Some(Target::try_from(sales).ok().context("a target")?);
    // The day, the two days before it, and then the three at once.
    let rule = FaultRule {
        mall: Some(LIVE.to_owned()),
        endpoint,
        skip: 3,
        times: Some(1),
        ..FaultRule::always(code)
    };
    world.sim.order(rule).context("order")?;
    let (code, document) = probe(&world, LIVE, &["--endpoint", "products"]).await?;
    assert_eq!((code, differences(&document)), (Some(3), vec![("products".to_owned(), "grain".to_owned())]));
    Ok(())
}
