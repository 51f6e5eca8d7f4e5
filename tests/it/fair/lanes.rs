//! Two lanes: what people wait for goes first.

use std::time::{Duration, Instant};

use tests::harness::{Result, wait_until};
use tests::simulator::SimConfig;

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_job_of_a_mall_with_3000_backfill_jobs_is_done_within_seconds() -> Result<()> {
    let world = super::world(SimConfig { malls: 1, ..SimConfig::default() }, &[]).await?;
    let _serve = world.programs.serve()?;
    let _worker = world.programs.worker()?;
    let planned = world
        .enqueue(&["--all", "--last", "750d", "--chunk-days", "1", "--lane", "backfill", "--yes"])
        .await?;
    assert_eq!(planned["jobs"], 3_000, "{planned}");
    wait_until("the backfill under way", Duration::from_secs(20), || async {
        Ok(world.jobs_in(&["done"]).await? > 60)
    })
    .await?;

    let asked = Instant::now();
    let fresh = world
        .enqueue(&["--all", "--last", "2d", "--endpoint", "visitors", "--force", "--lane", "fresh"])
        .await?;
    let run = fresh["run_id"].as_str().unwrap_or_default().to_owned();
    wait_until("the fresh job", Duration::from_secs(10), || async {
        let sql = format!(
            "SELECT count(*) FROM jobs WHERE lane = 'fresh' AND work_state = 'done' AND run_id = '{run}'"
        );
        Ok(world.db.number(&sql).await? >= fresh["jobs"].as_i64().unwrap_or(1))
    })
    .await?;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(world.jobs_in(&["planned"]).await? > 1_000, "the backfill was not over");
    assert_eq!(world.sim.report().total.throttled, 0);
    Ok(())
}
