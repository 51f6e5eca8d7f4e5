//! What a live mall refuses, and what becomes of it.

use tests::harness::{Context as _, Result, Span};
use tests::simulator::{Endpoint, FaultKind};

use super::super::{Flow, Setup, day};
use super::live;

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-03";

async fn start() -> Result<Flow> {
    let mut setup = Setup::new(&["hanbit"]);
    setup.malls.push(live("moonlit"));
    Flow::start(setup).await
}

#[tokio::test]
async fn o07_a_live_mall_whose_consent_is_for_the_other_dialect_is_parked_with_the_scope_it_needs()
-> Result<()> {
    let flow = start().await?;
    flow.world.sim.issue_tokens_with("moonlit", &["mall.analytics"]).context("tokens")?;
    flow.world.import().await?;
    flow.enqueue(&["--all", "--from", FROM, "--to", TO]).await?;
    flow.settled().await?;
    flow.world.exact(&[Span::days("hanbit", day(FROM), day(TO))]).await?;
    assert_eq!(flow.state_of("moonlit").await?, "needs_scope");
    let reason = flow.rows_of("SELECT state_reason FROM connectors WHERE mall_id = 'moonlit'").await?;
    assert!(reason[0].contains("mall.read_analytics"), "{reason:?}");
    let parked = "SELECT count(*) FROM jobs WHERE mall_id = 'moonlit' AND work_state <> 'parked'";
    assert_eq!(flow.world.db.number(parked).await?, 0);
    assert!(flow.letters().await?.is_empty());
    let shown = flow.cli(&["malls", "show", "moonlit"]).await?.stdout;
    assert!(shown.contains("mall.read_analytics"), "{shown}");

    flow.world.sim.issue_tokens("moonlit").context("tokens")?;
    flow.world.import().await?;
    flow.settled().await?;
    flow.world.exact(&["hanbit", "moonlit"].map(|mall| Span::days(mall, day(FROM), day(TO)))).await.map(drop)
}

#[tokio::test]
async fn a04_a_live_mall_that_answers_invalid_scope_is_parked_with_the_scope_it_needs() -> Result<()> {
    let flow = start().await?;
    let refusal = r#"{"error":{"code":403,"message":"INVALID SCOPE","more_info":{}}}"#.to_owned();
    let fault = FaultKind::Status { code: 403, headers: [].into(), body: Some(refusal), retry_after: None };
    for mall in ["hanbit", "moonlit"] {
        flow.order(mall, None, fault.clone())?;
        flow.fetch(mall, "visitors", FROM, TO, &[]).await?;
    }
    for (mall, scope) in [("hanbit", "mall.analytics"), ("moonlit", "mall.read_analytics")] {
        assert_eq!(flow.state_of(mall).await?, "needs_scope");
        let reason = format!("SELECT state_reason FROM connectors WHERE mall_id = '{mall}'");
        let reason = flow.rows_of(&reason).await?;
        assert!(reason[0].contains(&format!("scope {scope}")), "{reason:?}");
        assert_eq!(flow.requests(mall)?, 1);
    }
    assert!(flow.letters().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a04_a_mall_asked_in_the_wrong_dialect_is_dead_after_one_request_and_right_ones_go_on() -> Result<()>
{
    let mut setup = Setup::new(&[]);
    setup.malls = vec![live("moonlit"), live("greenfarm")];
    let flow = Flow::start(setup).await?;
    flow.run_sql("UPDATE connectors SET dialect = 'seed' WHERE mall_id = 'moonlit'").await?;
    flow.wish("moonlit", "visitors", FROM, TO, &[]).await?;
    let letters = flow.archived(1).await?;
    assert_eq!((letters[0].class.as_str(), letters[0].attempts), ("invalid_request", 1), "{letters:?}");
    assert_eq!(letters[0].evidence["status"], 404);
    let answer = letters[0].evidence["body_head"].as_str().unwrap_or_default();
    assert!(answer.contains("No endpoint GET /api/v1/malls/moonlit/visitors/view."), "{answer}");
    assert_eq!(flow.requests("moonlit")?, 1);
    assert_eq!(flow.state_of("moonlit").await?, "active", "the mall is not to blame");

    // What the host said of one dialect says nothing of the other.
    flow.fetch("greenfarm", "visitors", FROM, TO, &[]).await?;
    flow.run_sql("UPDATE connectors SET dialect = 'live' WHERE mall_id = 'moonlit'").await?;
    flow.cli(&["dead", "replay", "--mall", "moonlit", "--yes"]).await?.success()?;
    flow.settled().await?;
    let span =
        |mall| Span { endpoints: vec![Endpoint::VisitorsView], ..Span::days(mall, day(FROM), day(TO)) };
    flow.world.exact(&["greenfarm", "moonlit"].map(span)).await.map(drop)
}

#[tokio::test]
async fn a04_a_range_that_the_host_refuses_is_dead_after_one_request_and_fetched_in_shorter_ones()
-> Result<()> {
    let mut setup = Setup::new(&[]);
    setup.malls = vec![live("moonlit")];
    setup.sim.max_days_live = 30;
    let flow = Flow::start(setup).await?;
    let (from, to) = ("2025-01-01", "2025-02-28");
    flow.fetch("moonlit", "visitors", from, to, &[]).await?;
    let letters = flow.archived(1).await?;
    assert_eq!((letters[0].class.as_str(), letters[0].attempts), ("invalid_request", 1));
    assert_eq!(letters[0].evidence["status"], 400);
    assert_eq!(flow.requests("moonlit")?, 1);
    assert_eq!(flow.world.db.number("SELECT count(*) FROM slices").await?, 0);

    // As the letter says.
    let shown = flow.cli(&["dead", "show", &letters[0].id]).await?.stdout;
    assert!(shown.contains("--chunk-days 30, then replay"), "{shown}");
    flow.fetch("moonlit", "visitors", from, to, &["--chunk-days", "30"]).await?;
    let span = Span { endpoints: vec![Endpoint::VisitorsView], ..Span::days("moonlit", day(from), day(to)) };
    flow.world.exact(&[span]).await?;
    assert_eq!(flow.requests("moonlit")?, 1 + 2);
    flow.cli(&["dead", "replay", &letters[0].id, "--yes"]).await?.success()?;
    flow.settled().await?;
    assert_eq!(flow.requests("moonlit")?, 1 + 2, "nothing is left to fetch");
    assert!(flow.letters().await?[0].replayed);
    Ok(())
}
