//! What would be the same next time is dead after one request, with all that a person needs to see why.

use std::collections::BTreeMap;

use tests::harness::{Context as _, Result, Span};
use tests::simulator::{Endpoint, FaultKind, FaultRule};

use super::{Flow, Letter, Setup, body, day, status};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-03";

#[tokio::test]
async fn a04_refusals_and_redirects_are_dead_after_one_request_with_their_evidence() -> Result<()> {
    let refusal = |code, text: &str| FaultKind::Status {
        code,
        headers: BTreeMap::new(),
        body: Some(text.to_owned()),
        retry_after: None,
    };
    let faults = [
        ("badrequest", refusal(400, r#"{"error":{"code":400,"message":"startDate is wrong"}}"#), 400),
        ("gone", refusal(410, "not here any more"), 410),
        ("unprocessable", refusal(422, r#"{"error":{"code":422,"message":"no"}}"#), 422),
        ("conflict", refusal(409, "conflict"), 409),
        ("redirect", FaultKind::Redirect { location: None }, 302),
        ("moved", FaultKind::Redirect { location: Some("http://127.0.0.1:1/elsewhere".to_owned()) }, 302),
    ];
    let malls = faults.each_ref().map(|(mall, ..)| *mall);
    let flow = Flow::start(Setup::new(&malls)).await?;
    let letters = broken(&flow, "products", faults.clone().map(|(mall, fault, _)| (mall, fault))).await?;
    for (mall, _, code) in faults {
        let letter = &letters[mall];
        assert_eq!((letter.class.as_str(), letter.attempts), ("invalid_request", 1), "{mall}");
        assert_eq!(letter.evidence["status"], code, "{mall}");
    }
    assert_eq!(letters["gone"].evidence["body_head"], "not here any more");
    assert_eq!(flow.world.sim.report().unknown_mall, 0);
    Ok(())
}

#[tokio::test]
async fn a04_an_answer_that_breaks_the_contract_is_dead_after_one_request_and_writes_nothing() -> Result<()> {
    let field = |name: &str| name.to_owned();
    let faults = [
        ("nowrapper", FaultKind::MissingWrapper, "data"),
        ("errorkey", FaultKind::ErrorKey, "error"),
        ("wrongtype", FaultKind::WrongType { field: field("orderCount") }, "orderCount"),
        ("wrongdate", FaultKind::WrongType { field: field("date") }, "date"),
        ("nofield", FaultKind::MissingField { field: field("salesAmount") }, "salesAmount"),
        ("noid", FaultKind::MissingField { field: field("productNo") }, "productNo"),
        ("outside", FaultKind::RowOutside, "2025-03-04"),
        ("different", FaultKind::DuplicateDifferent, "data"),
        ("emptyobject", body("{}".to_owned()), "data"),
        ("nullrows", body(r#"{"data":null}"#.to_owned()), "data"),
        ("number", body("42".to_owned()), "object"),
        ("created", status(201), "201"),
    ];
    let malls = faults.each_ref().map(|(mall, ..)| *mall);
    let flow = Flow::start(Setup::new(&malls)).await?;
    let letters = broken(&flow, "products", faults.clone().map(|(mall, fault, _)| (mall, fault))).await?;
    for (mall, _, named) in faults {
        let letter = &letters[mall];
        assert_eq!((letter.class.as_str(), letter.attempts), ("contract_violation", 1), "{mall}");
        assert!(letter.reason.contains(named), "{mall}: {}", letter.reason);
    }
    Ok(())
}

#[tokio::test]
async fn d04_every_required_field_of_every_endpoint_is_missed_and_none_is_taken_for_zero() -> Result<()> {
    let fields = [
        ("visits", "visitors", "visitCount"),
        ("visitdays", "visitors", "date"),
        ("pages", "pageviews", "pageviewCount"),
        ("orders", "products", "orderCount"),
        ("amounts", "products", "salesAmount"),
        ("domains", "domains", "domain"),
        ("domainvisits", "domains", "visitCount"),
    ];
    let malls = fields.map(|(mall, ..)| mall);
    let flow = Flow::start(Setup::new(&malls)).await?;
    for (mall, endpoint, field) in fields {
        flow.order(mall, None, FaultKind::MissingField { field: field.to_owned() })?;
        flow.wish(mall, endpoint, FROM, TO, &[]).await?;
    }
    flow.settled().await?;
    let letters = flow.archived(fields.len()).await?;
    for (mall, _, field) in fields {
        let letter =
            letters.iter().find(|letter| letter.mall.as_deref() == Some(mall)).context("no letter")?;
        assert_eq!(letter.class, "contract_violation", "{mall}: {}", letter.reason);
        assert!(letter.reason.contains(&format!("].{field}: is missing")), "{mall}: {}", letter.reason);
        assert_eq!(flow.requests(mall)?, 1, "{mall}");
    }
    assert_eq!(flow.world.db.number("SELECT count(*) FROM slices").await?, 0);
    Ok(())
}

#[tokio::test]
async fn d04_equal_duplicates_are_one_row_and_new_fields_and_packing_change_nothing() -> Result<()> {
    let malls = ["twice", "more", "packed", "padded"];
    let flow = Flow::start(Setup::new(&malls)).await?;
    flow.order("twice", None, FaultKind::DuplicateEqual)?;
    flow.order("more", None, FaultKind::ExtraField)?;
    flow.order("packed", None, FaultKind::Gzip)?;
    flow.order("padded", None, FaultKind::HugeBody { bytes: 1 << 20 })?;
    flow.enqueue(&["--all", "--from", FROM, "--to", TO]).await?;
    flow.settled().await?;
    flow.world.exact(&malls.map(|mall| Span::days(mall, day(FROM), day(TO)))).await?;
    assert!(flow.jobs().await?.iter().all(|job| job.state == "done" && job.attempts == 0));
    Ok(())
}

#[tokio::test]
async fn a04_one_broken_endpoint_costs_the_others_nothing() -> Result<()> {
    let malls = ["one", "two"];
    let flow = Flow::start(Setup::new(&malls)).await?;
    let fault = FaultKind::WrongType { field: "visitCount".to_owned() };
    let rule = FaultRule { endpoint: Some(Endpoint::VisitorsView.into()), ..FaultRule::always(fault) };
    flow.world.sim.order(rule).context("order")?;
    flow.enqueue(&["--all", "--from", FROM, "--to", TO, "--chunk-days", "1"]).await?;
    flow.settled().await?;
    assert_eq!(flow.archived(6).await?.len(), 6);
    let endpoints = vec![Endpoint::VisitorsPageview, Endpoint::ProductsSales, Endpoint::VisitpathsDomains];
    let span = |mall| Span { endpoints: endpoints.clone(), ..Span::days(mall, day(FROM), day(TO)) };
    flow.world.exact(&malls.map(span)).await?;
    assert_eq!(flow.world.sim.report().total.requests, 24);
    Ok(())
}

/// Fetches good figures, breaks each mall in its way, fetches again, and returns the letter of each mall, after having
/// looked that there is exactly one, after one request, without a token, and that the figures of before still stand.
async fn broken<const N: usize>(
    flow: &Flow,
    endpoint: &str,
    faults: [(&str, FaultKind); N],
) -> Result<BTreeMap<String, Letter>> {
    let wish = ["--all", "--endpoint", endpoint, "--from", FROM, "--to", TO];
    flow.enqueue(&wish).await?;
    flow.settled().await?;
    let malls = faults.each_ref().map(|(mall, _)| (*mall).to_owned());
    for (mall, fault) in faults {
        flow.order(mall, None, fault)?;
        flow.restate(mall, Endpoint::ProductsSales, FROM, TO)?;
    }
    let rows_before = flow.rows_of("SELECT m::text || xmin::text FROM metrics_daily m ORDER BY 1").await?;
    let slices_before = flow.rows_of("SELECT s::text FROM slices s ORDER BY 1").await?;
    flow.world.sim.reset_report();
    flow.enqueue(&[&wish[..], &["--force"]].concat()).await?;
    flow.settled().await?;
    let letters = flow.archived(N).await?;
    assert_eq!(letters.len(), N);
    for mall in &malls {
        assert_eq!(flow.requests(mall)?, 1, "{mall}");
    }
    assert_eq!(
        flow.rows_of("SELECT m::text || xmin::text FROM metrics_daily m ORDER BY 1").await?,
        rows_before
    );
    assert_eq!(flow.rows_of("SELECT s::text FROM slices s ORDER BY 1").await?, slices_before);
    for letter in &letters {
        let request = letter.evidence["request"].as_str().unwrap_or_default();
        assert!(request.contains("products/sales") && request.contains(FROM), "{letter:?}");
        assert!(letter.evidence["body_head"].is_string(), "{letter:?}");
        assert!(String::from_utf8_lossy(&letter.body).contains(&letter.id), "{letter:?}");
    }
    no_token_anywhere(flow, &malls).await?;
    Ok(letters.into_iter().filter_map(|letter| Some((letter.mall.clone()?, letter))).collect())
}

/// No token of any mall is in the archive, in the ledger, or in what the programs say.
async fn no_token_anywhere(flow: &Flow, malls: &[String]) -> Result<()> {
    let mut said = flow.rows_of("SELECT d::text FROM dead_letters d").await?;
    said.extend(flow.rows_of("SELECT j::text FROM jobs j").await?);
    said.extend(flow.workers.iter().chain(&flow.daemon).map(tests::harness::Program::log));
    let list = flow.cli(&["dead", "list"]).await?;
    said.extend([list.stdout, list.stderr]);
    for mall in malls {
        let pair = flow.world.sim.current_tokens(mall).context("tokens")?;
        for token in [&pair.access_token, &pair.refresh_token] {
            assert!(said.iter().all(|text| !text.contains(token.as_str())), "a token of {mall} shows");
        }
    }
    Ok(())
}

/// A token that a server repeats in its refusal is not kept either.
#[tokio::test]
async fn x05_a_token_in_an_answer_is_struck_out_of_the_evidence() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let token = flow.world.sim.current_tokens("hanbit").context("tokens")?.access_token;
    let text = format!(r#"{{"error":{{"message":"bad request with Bearer {token}"}}}}"#);
    let fault =
        FaultKind::Status { code: 400, headers: BTreeMap::new(), body: Some(text), retry_after: None };
    flow.order("hanbit", Some(1), fault)?;
    flow.fetch("hanbit", "products", FROM, TO, &[]).await?;
    let letter = flow.archived(1).await?.remove(0);
    let head = letter.evidence["body_head"].as_str().unwrap_or_default();
    assert!(head.starts_with(r#"{"error":{"message":"bad request with Bearer "#), "{head}");
    no_token_anywhere(&flow, &["hanbit".to_owned()]).await
}
