//! Tokens that end: renewed once for all, or the mall waits for a person.

use std::collections::BTreeMap;

use tests::harness::{Context as _, Result, Span};
use tests::simulator::{FaultKind, FaultRule, Target};

use super::closed::parked;
use super::{Flow, Setup, day, status};

const FROM: &str = "2025-03-01";

#[tokio::test]
async fn o01_fifty_jobs_in_five_workers_meet_a_401_and_one_of_them_refreshes() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(5)).await?;
    // The access token ends before its time; nobody but the API knows.
    flow.world.sim.expire_access("hanbit").context("expire")?;
    flow.wish("hanbit", "visitors", FROM, "2025-04-19", &["--chunk-days", "1"]).await?;
    flow.settled().await?;
    let jobs = flow.jobs().await?;
    assert_eq!(jobs.len(), 50);
    assert!(jobs.iter().all(|job| job.state == "done" && job.attempts == 0));
    let report = flow.world.sim.mall_report("hanbit").context("report")?;
    let tokens = &report.tokens;
    assert_eq!(
        (tokens.refreshes, tokens.overlapping_refreshes, tokens.refresh_token_reuse),
        (1, 0, 0),
        "{report:?}"
    );
    assert_eq!(report.by_status.get(&200), Some(&50));
    // Each of five workers had two requests under way at most when the first 401 came.
    assert!(report.refused_token <= 10, "{report:?}");
    let endpoints = vec![tests::simulator::Endpoint::VisitorsView];
    flow.world.exact(&[Span { endpoints, ..Span::days("hanbit", day(FROM), day("2025-04-19")) }]).await?;
    assert_eq!(flow.state_of("hanbit").await?, "active");
    Ok(())
}

#[tokio::test]
async fn o04_a_dead_refresh_token_parks_the_mall_for_a_new_consent() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit", "other"]).workers(2)).await?;
    flow.world.sim.revoke_tokens("hanbit").context("revoke")?;
    flow.enqueue(&["--all", "--from", FROM, "--to", "2025-03-20", "--chunk-days", "1"]).await?;
    flow.settled().await?;
    parked(&flow, "hanbit", "needs_consent").await?;
    flow.world.sim.issue_tokens("hanbit").context("tokens")?;
    flow.world.import().await?;
    flow.settled().await?;
    flow.world.exact(&["hanbit", "other"].map(|mall| Span::days(mall, day(FROM), day("2025-03-20")))).await?;
    assert!(flow.letters().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn o04_a_token_url_that_fails_for_a_while_is_no_reason_for_a_new_consent() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.world.sim.expire_access("hanbit").context("expire")?;
    let rule = FaultRule { endpoint: Some(Target::Token), times: Some(4), ..FaultRule::always(status(503)) };
    flow.world.sim.order(rule).context("order")?;
    flow.wish("hanbit", "visitors", FROM, "2025-03-10", &["--chunk-days", "1"]).await?;
    flow.settled().await?;
    assert_eq!(flow.state_of("hanbit").await?, "active");
    let report = flow.world.sim.mall_report("hanbit").context("report")?;
    assert_eq!(report.by_status.get(&200), Some(&10), "{report:?}");
    assert_eq!(report.tokens.refresh_token_reuse, 0);
    let jobs = flow.jobs().await?;
    // No request was sent, so no attempt was made, however long the token URL fails.
    assert!(jobs.iter().all(|job| job.state == "done" && job.attempts == 0), "{jobs:?}");
    Ok(())
}

#[tokio::test]
async fn a04_an_app_that_is_refused_costs_no_consent_and_once_it_is_mended_the_mall_is_resumed() -> Result<()>
{
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.world.sim.expire_access("hanbit").context("expire")?;
    let refusal = Some(r#"{"error":"invalid_client"}"#.to_owned());
    let refused = FaultKind::Status { code: 401, headers: BTreeMap::new(), body: refusal, retry_after: None };
    let rule = FaultRule { endpoint: Some(Target::Token), ..FaultRule::always(refused) };
    flow.world.sim.order(rule).context("order")?;
    flow.wish("hanbit", "visitors", FROM, "2025-03-10", &["--chunk-days", "1"]).await?;
    flow.settled().await?;
    assert_eq!(
        (flow.state_of("hanbit").await?.as_str(), flow.world.jobs_in(&["parked"]).await?),
        ("forbidden", 10)
    );
    let sql = "SELECT state_reason FROM connectors WHERE mall_id = 'hanbit'";
    let reason: String = flow.world.db.client().query_one(sql, &[]).await.context(sql)?.get(0);
    assert!(reason.contains("check `oauth.client_id` and `oauth.client_secret`"), "{reason}");

    flow.world.sim.clear_faults();
    flow.cli(&["malls", "resume", "hanbit"]).await?.success()?;
    flow.settled().await?;
    assert_eq!(flow.state_of("hanbit").await?, "active");
    let endpoints = vec![tests::simulator::Endpoint::VisitorsView];
    let span = Span { endpoints, ..Span::days("hanbit", day(FROM), day("2025-03-10")) };
    flow.world.exact(&[span]).await.map(drop)
}
