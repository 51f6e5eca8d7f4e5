//! Jobs that ended well are forgotten after a week; how many they were, and what they brought, is not.

use serde_json::Value;
use tests::harness::{Context as _, Result};
use tests::simulator::FaultRule;

use super::{Flow, Setup, day, status};

const DAYS: [&str; 6] = ["--from", "2025-03-01", "--to", "2025-03-04", "--chunk-days", "1"];

/// Four jobs of an endpoint in the backfill lane; the run.
async fn wish(flow: &Flow, endpoint: &str) -> Result<String> {
    let wish = [&["--mall", "hanbit", "--endpoint", endpoint, "--lane", "backfill"], &DAYS[..]].concat();
    Ok(flow.enqueue(&wish).await?["run_id"].as_str().unwrap_or_default().to_owned())
}

/// What is said of the runs, without the time.
async fn told(flow: &Flow, runs: &[String]) -> Result<Vec<[Value; 5]>> {
    let mut all = Vec::new();
    for run in runs {
        let shown = flow.world.json(&["backfill", "show", run]).await?;
        all.push(["jobs", "done", "failed", "cancelled", "left"].map(|name| shown[name].clone()));
    }
    Ok(all)
}

/// All jobs ended this long ago, and the reconciler has been there.
async fn aged(flow: &Flow, age: &str) -> Result<i64> {
    let then =
        format!("UPDATE jobs SET finished_at = now() - interval '{age}' WHERE finished_at IS NOT NULL");
    flow.run_sql(&then).await?;
    flow.cli(&["queue", "reconcile"]).await?.success()?;
    flow.world.db.number("SELECT count(*) FROM jobs").await
}

#[tokio::test]
async fn what_a_run_came_to_is_known_when_its_jobs_are_forgotten() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    // The last of four fails for good.
    let last = Some(day("2025-03-04"));
    let refused = FaultRule { mall: Some("hanbit".to_owned()), from: last, ..FaultRule::always(status(422)) };
    let rule = flow.world.sim.order(refused).context("order")?;
    let fetched = wish(&flow, "visitors").await?;
    flow.settled().await?;
    flow.archived(1).await?;
    flow.world.sim.cancel_fault(rule);
    // None of these is sent.
    flow.cli(&["malls", "pause", "hanbit"]).await?.success()?;
    let dropped = wish(&flow, "products").await?;
    flow.cli(&["backfill", "cancel", &dropped, "--yes"]).await?.success()?;
    let rows = flow.world.db.number("SELECT sum(rows)::bigint FROM jobs WHERE work_state = 'done'").await?;
    let before = told(&flow, &[fetched.clone(), dropped.clone()]).await?;
    let counts = |done: i64, failed: i64, cancelled: i64| [4, done, failed, cancelled, 0].map(Value::from);
    assert_eq!(before, [counts(3, 1, 0), counts(0, 0, 4)]);

    assert_eq!(aged(&flow, "6 days 23 hours").await?, 8);
    assert_eq!(aged(&flow, "7 days 1 hour").await?, 1, "what failed stays, its letter names it");
    assert_eq!(told(&flow, &[fetched.clone(), dropped]).await?, before);
    let kept = format!("SELECT forgotten_rows FROM runs WHERE run_id = '{fetched}'");
    assert_eq!(flow.world.db.number(&kept).await?, rows);
    assert_eq!(flow.world.db.number("SELECT count(*) FROM slices").await?, 3, "what was fetched stays");
    // Nor when the letter is.
    flow.cli(&["dead", "discard", "--all", "--reason", "test", "--yes"]).await?.success()?;
    flow.run_sql("UPDATE dead_letters SET state_at = now() - interval '400 days'").await?;
    assert_eq!(aged(&flow, "400 days").await?, 0);
    assert_eq!(told(&flow, std::slice::from_ref(&fetched)).await?, before[..1]);
    // The same days may be asked for again: the name of a forgotten job is free.
    flow.cli(&["malls", "resume", "hanbit"]).await?.success()?;
    let again = wish(&flow, "products").await?;
    flow.settled().await?;
    assert_eq!(told(&flow, &[again]).await?, [counts(4, 0, 0)]);
    Ok(())
}

#[tokio::test]
async fn a_schedule_says_what_its_last_run_came_to_when_the_jobs_are_forgotten() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let run = flow.world.json(&["schedule", "run", "window"]).await?;
    let planned = run["jobs"].clone();
    flow.settled().await?;
    // As if its time had come: what is run by hand is no tick.
    let ticked = run["run_id"].as_str().unwrap_or_default();
    let ticked = format!("UPDATE schedule_ticks SET run_id = '{ticked}' WHERE schedule = 'window'");
    flow.run_sql(&ticked).await?;
    let over = async || -> Result<[Value; 2]> {
        let listed = flow.world.json(&["schedule", "list"]).await?;
        let window =
            listed["items"].as_array().into_iter().flatten().find(|item| item["schedule"] == "window");
        let window = window.context("the window")?;
        Ok([window["jobs"].clone(), window["jobs_over"].clone()])
    };
    assert!(planned.as_i64() > Some(0), "{planned}");
    let before = over().await?;
    assert_eq!(before, [planned.clone(), planned]);
    assert_eq!(aged(&flow, "8 days").await?, 0);
    assert_eq!(over().await?, before);
    Ok(())
}

#[tokio::test]
async fn what_is_forgotten_of_a_run_does_not_wait_for_whoever_plans_more_of_it() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(0).without_daemon()).await?;
    let run = wish(&flow, "visitors").await?;
    flow.cli(&["backfill", "cancel", &run, "--yes"]).await?.success()?;
    // As whoever adds a job to the run does until its plan is committed.
    let (planner, _connection) = flow.world.db.connect().await?;
    planner
        .batch_execute(&format!("BEGIN; SELECT FROM runs WHERE run_id = '{run}' FOR KEY SHARE"))
        .await
        .context("hold")?;
    assert_eq!(aged(&flow, "8 days").await?, 0);
    let kept = format!("SELECT forgotten_cancelled FROM runs WHERE run_id = '{run}'");
    assert_eq!(flow.world.db.number(&kept).await?, 4);
    Ok(())
}
