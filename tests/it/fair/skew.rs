//! One mall with fifty times the jobs, and the whole budget for each.

use std::time::Duration;

use tests::harness::{Context as _, Result, World};
use tests::simulator::SimConfig;

const OTHERS: usize = 29;

async fn others_take(big: bool) -> Result<(World, f64)> {
    let world = super::world(SimConfig { malls: 1 + OTHERS, ..SimConfig::default() }, &[]).await?;
    let malls: Vec<_> = world.sim.malls().into_iter().map(|mall| mall.mall_id).collect();
    let _serve = world.programs.serve()?;
    let _workers = [world.programs.worker()?, world.programs.worker()?];
    if big {
        world
            .enqueue(&["--mall", &malls[0], "--last", "125d", "--chunk-days", "1", "--lane", "backfill"])
            .await?;
    }
    let mut wish = vec!["--last", "10d", "--chunk-days", "1", "--endpoint", "visitors", "--lane", "backfill"];
    for mall in &malls[1..] {
        wish.extend(["--mall", mall.as_str()]);
    }
    let asked = world.enqueue(&wish).await?;
    assert_eq!(asked["jobs"], 290, "{asked}");
    world.settled(Duration::from_mins(1)).await?;
    let sql = "SELECT extract(epoch FROM max(finished_at) - min(requested_at))::float8 FROM jobs WHERE mall_id <> $1";
    let seconds =
        world.db.client().query_one(sql, &[&malls[0]]).await.context("the other malls' jobs")?.get(0);
    assert_eq!(world.sim.report().total.throttled, 0);
    Ok((world, seconds))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mall_with_fifty_times_the_jobs_delays_no_other() -> Result<()> {
    let (alone_world, alone) = others_take(false).await?;
    drop(alone_world);
    let (world, beside) = others_take(true).await?;
    let big = world.sim.malls()[0].mall_id.clone();
    let big_seconds = super::seconds_of(&world, &big).await?;
    assert!(beside < alone * 2.0 + 1.0, "{beside} s beside the big mall, {alone} s alone");
    // 500 requests at 20 a second after a burst of 35.
    let least = (500.0 - 35.0) / 20.0;
    assert!(big_seconds < least * 1.15 + 1.0, "{big_seconds} s, at least {least} s");
    Ok(())
}
