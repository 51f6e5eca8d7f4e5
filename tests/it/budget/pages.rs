//! Where answers come in pages, a job is as many requests as the newest days had pages.

use tests::harness::{Context as _, Result, World, WorldConfig};
use tests::simulator::SimConfig;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_and_the_bucket_count_the_pages_that_the_newest_days_had() -> Result<()> {
    let sim = SimConfig { malls: 2, large_malls: Some(0), ..SimConfig::default() };
    let world = World::start_with(WorldConfig { sim, ..WorldConfig::default() }).await?;
    let malls: Vec<_> = world.sim.malls().into_iter().map(|mall| mall.mall_id).collect();
    // 2,500 products a day are three pages of a thousand, each but the first with one row of the page before.
    let known = format!(
        "UPDATE connectors SET dialect = 'live'; \
         INSERT INTO slices (mall_id, shop_no, endpoint, granularity, date, data_state, job_id, fence, rows, checksum) \
         SELECT '{}', 1, 'products', 'day', day::date, 'complete', gen_random_uuid(), 1, 2500, 0 \
         FROM generate_series('2025-01-01'::timestamp, '2025-02-15', '1 day') AS day",
        malls[0]
    );
    world.db.client().batch_execute(&known).await.context("days of a live mall")?;
    let wish = ["--from", "2025-03-01", "--to", "2025-03-20", "--endpoint", "products", "--lane", "backfill"];
    for (mall, requests) in [(&malls[0], 60), (&malls[1], 20)] {
        let plan = world.enqueue(&[&wish[..], &["--mall", mall, "--dry-run"]].concat()).await?;
        assert_eq!((&plan["jobs"], &plan["requests"]), (&20.into(), &requests.into()), "{plan}");
        assert_eq!(plan["eta"]["requests"], requests, "{plan}");
    }
    world.enqueue(&[&wish[..], &["--mall", &malls[0]]].concat()).await?;
    let shown = world.json(&["limits", &malls[0]]).await?;
    assert_eq!(shown["items"][0]["waiting"], 60, "{shown}");
    Ok(())
}
