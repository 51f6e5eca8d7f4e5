//! Malls that share a bucket.

use std::time::Duration;

use tests::harness::{Result, wait_until};
use tests::simulator::{LimiterScope, SimConfig};

#[tokio::test(flavor = "multi_thread")]
async fn malls_that_share_a_limiter_key_get_equal_turns() -> Result<()> {
    let sim = SimConfig { malls: 2, limiter_scope: LimiterScope::Host, ..SimConfig::default() };
    let world = super::world(sim, &[("CAFE24_SYNC__LIMITS__KEY", "host")]).await?;
    let malls: Vec<_> = world.sim.malls().into_iter().map(|mall| mall.mall_id).collect();
    let (busy, small) = (malls[0].as_str(), malls[1].as_str());
    world.enqueue(&["--mall", busy, "--last", "100d", "--chunk-days", "1", "--lane", "backfill"]).await?;
    let _serve = world.programs.serve()?;
    let _worker = world.programs.worker()?;
    wait_until("the busy mall under way", Duration::from_secs(20), || async {
        Ok(world.jobs_in(&["done"]).await? > 60)
    })
    .await?;
    world.enqueue(&["--mall", small, "--last", "15d", "--chunk-days", "1", "--lane", "backfill"]).await?;
    let small_done = format!("SELECT count(*) FROM jobs WHERE mall_id = '{small}' AND work_state = 'done'");
    wait_until("the small mall done", Duration::from_secs(40), || async {
        Ok(world.db.number(&small_done).await? == 60)
    })
    .await?;
    // While the small mall had work, the busy one got one turn for each of its turns; what was already out is extra.
    let sql = format!(
        "SELECT count(*) FROM jobs WHERE mall_id = '{busy}' AND work_state = 'done' \
         AND finished_at > (SELECT min(finished_at) FROM jobs WHERE mall_id = '{small}') \
         AND finished_at < (SELECT max(finished_at) FROM jobs WHERE mall_id = '{small}')"
    );
    let beside = world.db.number(&sql).await?;
    assert!((50..=70).contains(&beside), "{beside} turns of the busy mall beside 60 of the small one");
    assert_eq!(world.sim.report().total.throttled, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mall_that_changes_its_bucket_waits_until_its_own_is_full_again() -> Result<()> {
    let sim = SimConfig { malls: 1, ..SimConfig::default() };
    let world = super::world(sim, &[]).await?;
    let mall = world.sim.malls()[0].mall_id.clone();
    let _serve = world.programs.serve()?;
    let _worker = world.programs.worker()?;
    let done = |least: i64| {
        let world = &world;
        wait_until("jobs done", Duration::from_mins(2), move || async move {
            Ok(world.jobs_in(&["done"]).await? >= least)
        })
    };
    let set = |key: &'static str| {
        let (world, mall) = (&world, mall.clone());
        async move { world.cli(&["malls", "set", &mall, key, "--yes"]).await?.success() }
    };
    // Its own bucket is known, and full again while the mall takes from the other one.
    let last = |days: &'static str| ["--last", days, "--chunk-days", "1", "--lane", "backfill"];
    world.enqueue(&[&["--mall", &mall, "--endpoint", "visitors"][..], &last("3d")].concat()).await?;
    done(3).await?;
    set("limiter_key=shared").await?;
    world.enqueue(&[&["--mall", &mall][..], &last("100d")].concat()).await?;
    done(60).await?;
    // In the middle of it, back to the one that is believed full.
    set("limiter_key=-").await?;
    done(400).await?;
    let seen = world.sim.report().total;
    assert_eq!((seen.throttled, seen.floor_violations), (0, 0), "{seen:?}");
    assert_eq!(world.jobs_in(&["planned", "queued", "running", "parked"]).await?, 0);
    Ok(())
}
