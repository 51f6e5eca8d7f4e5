//! Fresh before backfill, also when the backfill's window is full, and where malls share a bucket.

use std::time::Duration;

use tests::harness::{Context as _, Result, World, WorldConfig, wait_until};
use tests::simulator::{LimiterScope, SimConfig};

/// A window of an empty bucket at 2/s and the default horizon of 4 s: 8 jobs; what may go before a fresh one that comes when
/// all of them are out.
const WINDOW: i64 = 8;

/// Requests of the bucket between a fresh wish and its answer, with a backfill whose window is full.
async fn overtaken(sim: SimConfig, env: &[(&str, &str)]) -> Result<i64> {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let sim = SimConfig { large_malls: Some(0), ..sim };
    let world = World::start_with(WorldConfig { sim, env, ..WorldConfig::default() }).await?;
    let malls: Vec<_> = world.sim.malls().into_iter().map(|mall| mall.mall_id).collect();
    let (busy, other) = (malls[0].as_str(), malls[malls.len() - 1].as_str());
    let _programs = (world.programs.serve()?, world.programs.worker()?);
    let wish = [
        "--mall",
        busy,
        "--endpoint",
        "products",
        "--last",
        "90d",
        "--chunk-days",
        "1",
        "--lane",
        "backfill",
    ];
    world.enqueue(&wish).await?;
    wait_until("the burst over and the window full", Duration::from_secs(40), || async {
        let out = world.jobs_in(&["queued", "running"]).await?;
        Ok(world.jobs_in(&["done"]).await? > 40 && (WINDOW - 1..=WINDOW).contains(&out))
    })
    .await?;
    world
        .enqueue(&["--mall", other, "--last", "1d", "--endpoint", "visitors", "--force", "--lane", "fresh"])
        .await?;
    let over = "SELECT count(*) FROM jobs WHERE lane = 'fresh' AND work_state = 'done'";
    wait_until("the fresh day", Duration::from_secs(20), || async { Ok(world.db.number(over).await? == 1) })
        .await?;
    let between = "SELECT count(*) FROM jobs b JOIN jobs f ON f.lane = 'fresh' \
                   WHERE b.lane = 'backfill' AND b.finished_at > f.requested_at AND b.claimed_at < f.finished_at \
                   AND b.finished_at <= f.finished_at";
    let overtaken = world.db.number(between).await?;
    let seconds =
        "SELECT extract(epoch FROM finished_at - requested_at)::float8 FROM jobs WHERE lane = 'fresh'";
    let seconds: f64 = world.db.client().query_one(seconds, &[]).await.context("the fresh job")?.get(0);
    super::eta::say(&format!("a fresh day behind a full window: {overtaken} jobs before it, {seconds:.1} s"));
    assert_eq!(world.sim.report().total.throttled, 0);
    Ok(overtaken)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_day_that_comes_while_the_backfills_window_is_full_waits_for_no_more_than_the_window()
-> Result<()> {
    let alone = SimConfig { malls: 1, ..SimConfig::default() };
    let shared = SimConfig { malls: 3, limiter_scope: LimiterScope::Host, ..SimConfig::default() };
    let (alone, shared) =
        tokio::try_join!(overtaken(alone, &[]), overtaken(shared, &[("CAFE24_SYNC__LIMITS__KEY", "host")]))?;
    assert!(alone <= WINDOW && shared <= WINDOW, "{alone} and {shared} jobs went before it");
    Ok(())
}
