//! A mall that only a person can mend waits with its jobs; nothing is dead-lettered a thousand times.

use std::collections::BTreeMap;

use tests::harness::{Context as _, Result, Span, wait_until};
use tests::simulator::FaultKind;

use super::{Flow, LIMIT, Setup, day};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-20";
/// Requests of 80 that may leave until the first refusal is committed: the bucket of [`unhurried`] for a second and a half,
/// so that it does not matter how busy the machine is while a batch of 100 ms is written.
const UNDER_WAY: u64 = 20;

/// A bucket that does not empty itself into a closed door before anybody can know that it is closed.
pub(super) fn unhurried(setup: Setup) -> Setup {
    setup.set("LIMITS__CAPACITY", "5").set("LIMITS__REFILL_PER_SECOND", "10")
}

#[tokio::test]
async fn a04_a_mall_without_approval_is_parked_and_resumes_when_it_has_one() -> Result<()> {
    let flow = Flow::start(unhurried(Setup::new(&["hanbit", "other"]))).await?;
    flow.world.sim.set_approved("hanbit", false).context("approval")?;
    flow.enqueue(&["--all", "--from", FROM, "--to", TO, "--chunk-days", "1"]).await?;
    flow.settled().await?;
    parked(&flow, "hanbit", "forbidden").await?;
    // The other mall never noticed.
    let other = flow.jobs().await?.into_iter().filter(|job| job.mall == "other").collect::<Vec<_>>();
    assert!(other.len() == 80 && other.iter().all(|job| job.state == "done"));

    flow.world.sim.set_approved("hanbit", true).context("approval")?;
    flow.cli(&["malls", "resume", "hanbit"]).await?.success()?;
    flow.settled().await?;
    assert_eq!(flow.state_of("hanbit").await?, "active");
    flow.world.exact(&["hanbit", "other"].map(|mall| Span::days(mall, day(FROM), day(TO)))).await?;
    assert!(flow.letters().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a04_a_consent_without_the_scope_is_told_apart_from_a_missing_approval() -> Result<()> {
    let flow = Flow::start(unhurried(Setup::new(&["hanbit"]))).await?;
    let refusal = r#"{"error":{"code":403,"message":"INVALID SCOPE"}}"#.to_owned();
    let fault =
        FaultKind::Status { code: 403, headers: BTreeMap::new(), body: Some(refusal), retry_after: None };
    flow.order("hanbit", None, fault)?;
    flow.enqueue(&["--all", "--from", FROM, "--to", TO, "--chunk-days", "1"]).await?;
    flow.settled().await?;
    parked(&flow, "hanbit", "needs_scope").await?;

    // A new consent brings new tokens; the import of them sets the jobs free.
    flow.world.sim.clear_faults();
    flow.world.import().await?;
    flow.settled().await?;
    flow.world.exact(&[Span::days("hanbit", day(FROM), day(TO))]).await?;
    assert!(flow.letters().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_mode_other_than_api_sends_nothing_and_the_plan_says_so() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit", "silent"])).await?;
    flow.run_sql(
        "UPDATE connectors SET config_json = jsonb_set(config_json, '{mode}', '\"off\"') WHERE mall_id = 'silent'",
    )
    .await?;
    let wish = ["--all", "--endpoint", "visitors", "--from", FROM, "--to", TO, "--chunk-days", "1"];
    let answer = flow.enqueue(&wish).await?;
    assert_eq!((&answer["jobs"], &answer["parked"]), (&40.into(), &20.into()), "{answer}");
    flow.settled().await?;
    assert_eq!((flow.requests("hanbit")?, flow.requests("silent")?), (20, 0));
    assert_eq!(flow.world.jobs_in(&["parked"]).await?, 20);
    let said = flow.cli(&["enqueue", "--mall", "silent", "--last", "2d", "--dry-run"]).await?;
    said.success()?;
    assert!(said.stdout.contains("silent") && said.stdout.contains("mode is 'off'"), "{}", said.stdout);

    // Turned on, its jobs run by themselves.
    flow.run_sql("UPDATE connectors SET config_json = jsonb_set(config_json, '{mode}', '\"api\"')").await?;
    flow.settled().await?;
    assert_eq!(flow.requests("silent")?, 20);
    Ok(())
}

#[tokio::test]
async fn a_mode_that_changes_while_jobs_are_with_the_broker_parks_them_unsent() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(0)).await?;
    flow.wish("hanbit", "visitors", FROM, TO, &["--chunk-days", "1"]).await?;
    wait_until("the jobs with the broker", LIMIT, || async {
        Ok(flow.world.jobs_in(&["queued"]).await? > 0)
    })
    .await?;
    flow.run_sql("UPDATE connectors SET config_json = jsonb_set(config_json, '{mode}', '\"off\"')").await?;
    let mut flow = flow;
    flow.start_workers(1).await?;
    let queue = flow.world.prefix.queue("backfill");
    let broker = tests::harness::Broker::connect(&flow.world.servers.amqp).await?;
    wait_until("its queue empty", LIMIT, || async { Ok(broker.depth(&queue).await? == Some((0, 1))) })
        .await?;
    wait_until("all parked", LIMIT, || async { Ok(flow.world.jobs_in(&["parked"]).await? == 20) }).await?;
    assert_eq!(flow.requests("hanbit")?, 0);
    Ok(())
}

/// The mall is parked with this state and a reason, its jobs with it, and hardly anything was sent.
pub(super) async fn parked(flow: &Flow, mall: &str, state: &str) -> Result<()> {
    assert_eq!(flow.state_of(mall).await?, state);
    let sql = format!("SELECT state_reason FROM connectors WHERE mall_id = '{mall}' AND state_reason <> ''");
    assert_eq!(flow.rows_of(&sql).await?.len(), 1, "no reason");
    let jobs = flow.jobs().await?.into_iter().filter(|job| job.mall == mall).collect::<Vec<_>>();
    assert!(jobs.iter().all(|job| job.state == "parked" && job.attempts == 0), "{jobs:?}");
    assert!(flow.letters().await?.is_empty());
    let requests = flow.requests(mall)?;
    assert!(requests <= UNDER_WAY, "{requests} requests to a closed door");
    let listed = flow.cli(&["malls", "list"]).await?.stdout;
    assert!(listed.contains(mall), "{listed}");
    Ok(())
}
