//! A mall that is paused or removed sends nothing from a second later on.

use std::time::{Duration, Instant};

use tests::harness::{Context as _, Result, Span, Trouble, wait_until};

use super::{Flow, LIMIT, SOON, Setup, day};

const FROM: &str = "2025-01-01";
const TO: &str = "2025-03-31";
/// A mall paused or removed stops within this time.
const STOPS: Duration = Duration::from_secs(1);
/// How long nothing must come after that.
const WATCHED: Duration = Duration::from_millis(1_500);

#[tokio::test]
async fn h02_a_paused_mall_sends_nothing_a_second_later_and_its_jobs_wait() -> Result<()> {
    let flow = at_work().await?;
    let paused = flow.world.sim.origin().elapsed();
    flow.run_sql("UPDATE connectors SET state = 'paused' WHERE mall_id = 'hanbit'").await?;
    quiet_since(&flow, paused).await?;
    let states =
        flow.rows_of("SELECT DISTINCT work_state FROM jobs WHERE mall_id = 'hanbit' ORDER BY 1").await?;
    assert_eq!(states, ["done", "parked"]);
    let parked = flow.world.db.number("SELECT count(*) FROM jobs WHERE work_state = 'parked'").await?;
    let shown = flow.world.json(&["malls", "list"]).await?;
    let counts = ["waiting", "running", "parked"].map(|count| shown["items"][0][count].as_i64());
    assert_eq!(counts, [Some(0), Some(0), Some(parked)], "{shown}");

    flow.cli(&["malls", "resume", "hanbit"]).await?.success()?;
    wait_until("requests again", SOON, || async { Ok(flow.requests("hanbit")? > 60) }).await?;
    // Paused and resumed in one go, again and again: nothing is lost, nothing is sent twice.
    for _ in 0..5 {
        flow.run_sql("UPDATE connectors SET state = 'paused' WHERE mall_id = 'hanbit'").await?;
        flow.run_sql("UPDATE connectors SET state = 'active' WHERE mall_id = 'hanbit'").await?;
    }
    let since = Instant::now();
    // A job parked between the change and the claim is released by the reconciler, once a minute or when asked.
    wait_until("all done", LIMIT, || async {
        flow.cli(&["queue", "reconcile"]).await?.success()?;
        let open =
            "SELECT work_state || ' ' || count(*) FROM jobs WHERE work_state <> 'done' GROUP BY work_state";
        let open = flow.rows_of(open).await?;
        if since.elapsed() > LIMIT / 2 {
            return Err(Trouble::new(format!("still {open:?}")));
        }
        Ok(open.is_empty())
    })
    .await?;
    flow.world
        .exact(&[Span::days("hanbit", day(FROM), day(TO)), Span::days("other", day(FROM), day(TO))])
        .await?;
    let jobs = flow.jobs().await?;
    assert!(jobs.iter().all(|job| job.state == "done" && job.attempts == 0));
    assert_eq!(flow.requests("hanbit")?, jobs.iter().filter(|job| job.mall == "hanbit").count() as u64);
    Ok(())
}

#[tokio::test]
async fn h02_a_removed_mall_sends_nothing_a_second_later_and_its_jobs_are_cancelled() -> Result<()> {
    let flow = at_work().await?;
    let removed = flow.world.sim.origin().elapsed();
    flow.run_sql("DELETE FROM connectors WHERE mall_id = 'hanbit'").await?;
    quiet_since(&flow, removed).await?;
    let live =
        "SELECT count(*) FROM jobs WHERE mall_id = 'hanbit' AND work_state NOT IN ('done', 'cancelled')";
    wait_until("its jobs over", SOON, || async { Ok(flow.world.db.number(live).await? == 0) }).await?;
    let cancelled = "SELECT count(*) FROM jobs WHERE work_state = 'cancelled' AND mall_id = 'hanbit'";
    assert!(flow.world.db.number(cancelled).await? > 100);
    // What was fetched before stays, and is right; the other mall comes to its end.
    flow.settled().await?;
    let other = "SELECT count(*) FROM jobs WHERE mall_id = 'other' AND work_state = 'done'";
    assert_eq!(flow.world.db.number(other).await?, 360);
    let summary =
        flow.world.compare(&["hanbit", "other"].map(|mall| Span::days(mall, day(FROM), day(TO)))).await?;
    assert_eq!(summary.extra, 0, "{summary}");
    flow.run_sql("DELETE FROM metrics_daily WHERE mall_id = 'hanbit'").await?;
    flow.world.exact(&[Span::days("other", day(FROM), day(TO))]).await?;
    Ok(())
}

/// Two malls with 360 jobs each, at 60 requests a second, in the midst of it.
async fn at_work() -> Result<Flow> {
    let mut setup = Setup::new(&["hanbit", "other"]).workers(2).set("LIMITS__CAPACITY", "20");
    setup.sim.rate_multiplier = 30.0;
    let setup = setup.set("LIMITS__REFILL_PER_SECOND", "60");
    let flow = Flow::start(setup).await?;
    flow.enqueue(&["--all", "--from", FROM, "--to", TO, "--chunk-days", "1"]).await?;
    wait_until("the mall at work", LIMIT, || async { Ok(flow.requests("hanbit")? >= 30) }).await?;
    Ok(flow)
}

/// Waits, and looks that the mall's last request came within a second of `since`.
async fn quiet_since(flow: &Flow, since: Duration) -> Result<()> {
    let until = Instant::now() + STOPS + WATCHED;
    wait_until("the watch over", STOPS + WATCHED * 2, || async { Ok(Instant::now() >= until) }).await?;
    let last = flow.world.sim.arrivals("hanbit").context("arrivals")?.pop().context("no request")?;
    let late = last.saturating_sub(since);
    assert!(late <= STOPS, "a request {late:?} after the change");
    assert!(flow.requests("hanbit")? < 360, "nothing was left to stop");
    Ok(())
}
