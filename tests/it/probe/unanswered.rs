//! An outage or a closed door says nothing of the contract: it is a fault with its class and a way out, never drift.

use serde_json::Value;
use tests::harness::{Context as _, Output, Result};
use tests::simulator::FaultKind;

use super::{LIVE, SEED, answer, differences, order, requests, world, world_with};

/// The error that a command ends with, and nothing else.
fn fault(output: &Output) -> Result<Value> {
    assert!(output.stdout.is_empty(), "{output:?}");
    let last = output.stderr.lines().last().context("an error")?;
    let document: Value = serde_json::from_str(last).with_context(|| format!("{output:?}"))?;
    for field in ["what", "why", "now", "do"] {
        assert_ne!(document["error"][field], "", "{field} of {document:#}");
    }
    Ok(document["error"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_out_of_reach_is_no_drift() -> Result<()> {
    let world = world_with(&[("CAFE24_SYNC__CAFE24__BASE_URL", "http://127.0.0.1:9")]).await?;
    let output = world.cli(&["probe", SEED, "--json"]).await?;
    let error = fault(&output)?;
    assert_eq!((output.code, &error["code"]), (Some(5), &"E-API-01".into()), "{error:#}");
    assert!(error["what"].as_str().is_some_and(|what| what.contains("transient")), "{error:#}");
    assert!(error["why"].as_str().is_some_and(|why| why.contains("Connection refused")), "{error:#}");
    assert!(error["do"].as_str().is_some_and(|action| action.contains("cafe24.base_url")), "{error:#}");
    let people = world.cli(&["probe", SEED]).await?;
    assert!(!people.stderr.contains("endpoint table") && people.stdout.is_empty(), "{people:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_door_ends_the_probe_at_once_with_its_class_and_how_it_is_closed() -> Result<()> {
    let world = world().await?;
    let scope = r#"{"error":{"code":403,"message":"INVALID SCOPE"}}"#;
    let cases = [
        (answer(403, scope), 4, "E-API-02", "forbidden", "cafe24-sync connect moonlit"),
        (answer(429, "{}"), 1, "E-API-03", "throttled", "limits.*"),
        (answer(503, "{}"), 5, "E-API-01", "transient", "cafe24-sync probe moonlit"),
    ];
    for (kind, code, name, class, way_out) in cases {
        world.sim.clear_faults();
        let before = requests(&world, LIVE)?;
        order(&world, LIVE, "visitors/view", kind)?;
        let output = world.cli(&["probe", LIVE, "--endpoint", "visitors", "--json"]).await?;
        let error = fault(&output)?;
        assert_eq!((output.code, error["code"].as_str()), (Some(code), Some(name)), "{error:#}");
        assert!(error["what"].as_str().is_some_and(|what| what.ends_with(class)), "{error:#}");
        assert!(error["do"].as_str().is_some_and(|action| action.contains(way_out)), "{error:#}");
        assert!(!error.to_string().contains("INVALID SCOPE"), "a value");
        if class == "forbidden" {
            let why = error["why"].as_str().unwrap_or_default();
            assert!(why.contains("error.code, error.message"), "{why}");
            assert_eq!(requests(&world, LIVE)?, before + 1, "every further call would be answered alike");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_compared_before_is_told_and_drift_goes_before_an_outage() -> Result<()> {
    let world = world().await?;
    order(&world, LIVE, "products/sales", answer(503, "{}"))?;
    let (code, document) = super::probe(&world, LIVE, &["--endpoint", "visitors", "products"]).await?;
    assert_eq!((code, &document["fits"]), (Some(5), &false.into()), "{document:#}");
    assert_eq!(differences(&document), vec![], "an outage is no difference");
    world.sim.clear_faults();
    order(&world, LIVE, "products/sales", answer(429, r#"{"error":{"code":429,"message":"31415"}}"#))?;
    let (code, document) = super::probe(&world, LIVE, &["--endpoint", "visitors", "products"]).await?;
    let questions = document["questions"].as_array().into_iter().flatten();
    let told = questions.filter_map(|one| one["answer"].as_str()).find(|text| text.contains("429"));
    let told = told.context("how a 429 is made")?;
    assert!(told.ends_with("a 429 came, without retry-after: HTTP 429, error.code, error.message"), "{told}");
    assert_eq!(code, Some(1), "{document:#}");
    world.sim.clear_faults();
    order(&world, LIVE, "products/sales", answer(503, "{}"))?;
    order(&world, LIVE, "visitors/view", FaultKind::ExtraField)?;
    let output = world.cli(&["probe", LIVE, "--endpoint", "visitors", "products"]).await?;
    assert_eq!(output.code, Some(3), "{output:?}");
    assert!(output.stdout.contains("otherwise than the endpoint table"), "{output:?}");
    Ok(())
}
