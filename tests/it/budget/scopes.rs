//! Hours of backfills and paused lanes of one agency, of one mall, and of malls that share a bucket.

use std::time::Duration;

use tests::harness::{Context as _, Result, World, WorldConfig, wait_until};
use tests::simulator::SimConfig;

use super::lanes::hours;

const SOON: Duration = Duration::from_secs(20);
const BACKFILL: [&str; 6] = ["--all", "--last", "20d", "--lane", "backfill", "--yes"];

/// Two malls, each of an agency of its own; backfills are sent in two hours' time.
async fn world() -> Result<(World, [String; 2])> {
    let env = [
        ("CAFE24_SYNC__LIMITS__BACKFILL_HOURS", hours(120, 180)),
        ("CAFE24_SYNC__LIMITS__REFILL_PER_SECOND", "20".to_owned()),
        ("CAFE24_SYNC__FEED__SWEEP", "200ms".to_owned()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let sim = SimConfig {
        malls: 2,
        agencies: 2,
        rate_multiplier: 10.0,
        large_malls: Some(0),
        ..SimConfig::default()
    };
    let world = World::start_with(WorldConfig { sim, env, ..WorldConfig::default() }).await?;
    let malls = world.sim.malls().into_iter().map(|mall| mall.mall_id).collect::<Vec<_>>();
    let malls = malls.try_into().ok().context("two malls")?;
    Ok((world, malls))
}

async fn jobs(world: &World, mall: &str, of: &str) -> Result<i64> {
    world.db.number(&format!("SELECT count(*) FROM jobs WHERE mall_id = '{mall}' AND {of}")).await
}

/// Until nothing of the mall waits.
async fn all_done(world: &World, mall: &str) -> Result<()> {
    wait_until(&format!("all of {mall}"), SOON, || async {
        Ok(jobs(world, mall, "work_state <> 'done'").await? == 0 && jobs(world, mall, "true").await? > 0)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malls_hours_go_before_its_agencys_and_those_before_the_configuration() -> Result<()> {
    let (world, [one, other]) = world().await?;
    let agency = world.sim.malls().into_iter().find(|mall| mall.mall_id == one).context("a mall")?.agency;
    let set =
        async |hours: &str, whose: &[&str]| world.cli(&[&["backfill", "hours", hours], whose].concat()).await;
    set("always", &["--agency", &agency]).await?.success()?;
    let again = set("always", &["--agency", &agency]).await?;
    assert!(again.stdout.contains("as before"), "{}", again.stdout);
    for (wrong, code) in [("6-7", 2), ("01:00-01:00", 2)] {
        assert_eq!(set(wrong, &["--mall", &one]).await?.code, Some(code), "{wrong}");
    }
    assert_eq!(set("always", &[]).await?.code, Some(2), "all malls' hours are the configuration's");
    assert_eq!(set("always", &["--agency", "nobody"]).await?.code, Some(1));

    let bound = async |mall: &str| {
        let wish = ["--mall", mall, "--last", "20d", "--lane", "backfill", "--dry-run"];
        Ok::<_, tests::harness::Trouble>(world.enqueue(&wish).await?["eta"]["bound"].clone())
    };
    assert_eq!((bound(&one).await?, bound(&other).await?), ("budget".into(), "hours".into()));
    // The mall's own go before its agency's.
    set(&hours(120, 180), &["--mall", &one]).await?.success()?;
    assert_eq!(bound(&one).await?, "hours");
    let shown = world.cli(&["limits", &one]).await?;
    assert!(shown.stdout.contains("backfill sent "), "{}", shown.stdout);
    let list = world.json(&["queue", "list"]).await?;
    let own = &list["items"][1]["own"];
    assert_eq!(
        (&own[0]["agency_id"], &own[0]["hours"]),
        (&agency.as_str().into(), &"always".into()),
        "{own}"
    );
    assert_eq!(own[1]["mall_id"], one.as_str(), "{own}");

    let _programs = (world.programs.serve()?, world.programs.worker()?);
    world.enqueue(&BACKFILL).await?;
    // With two sweeps behind it, the feeder would have sent what it sends.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.jobs_in(&["queued", "running", "done"]).await?, 0);
    set("default", &["--mall", &one]).await?.success()?;
    all_done(&world, &one).await?;
    assert_eq!(jobs(&world, &other, "work_state <> 'planned'").await?, 0, "its hours have not begun");
    let audited = "SELECT count(*) FROM audit_log WHERE action = 'backfill.hours'";
    assert_eq!(world.db.number(audited).await?, 3);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_paused_for_one_mall_holds_its_jobs_alone_also_in_a_shared_bucket() -> Result<()> {
    let (world, [one, other]) = world().await?;
    for (shared, fresh) in [(false, "visitors"), (true, "pageviews")] {
        if shared {
            // Without the half minute that a mall waits for another bucket.
            let sql = "UPDATE connectors SET limiter_key = 'shared'; UPDATE connectors SET limiter_key_since = NULL; \
                       UPDATE jobs SET limiter_key = 'shared'";
            world.db.client().batch_execute(sql).await.context(sql)?;
        }
        for mall in [&one, &other] {
            world.cli(&["backfill", "hours", "always", "--mall", mall]).await?.success()?;
        }
        let pause = ["queue", "pause", "backfill", "--mall", &one];
        assert_eq!(world.cli(&pause).await?.code, Some(7), "it asks first");
        world.cli(&[&pause[..], &["--yes", "--reason", "sale day"]].concat()).await?.success()?;
        // Programs hear of it as people do.
        let status = world.json(&["status"]).await?;
        let paused = &status["lanes_paused_for"][0];
        assert_eq!(
            (&paused["lane"], &paused["mall_id"], &paused["paused"]["reason"]),
            (&"backfill".into(), &one.as_str().into(), &"sale day".into()),
            "{status}"
        );
        let plain = world.cli(&["queue", "list", "--plain"]).await?.stdout;
        assert!(
            plain.lines().any(|line| line.starts_with("backfill") && line.contains(&format!("\t{one}\t"))),
            "{plain}"
        );
        let programs = (world.programs.serve()?, world.programs.worker()?);
        world.enqueue(&[&BACKFILL[..], &["--force"]].concat()).await?;
        all_done(&world, &other).await?;
        assert_eq!(
            jobs(&world, &one, "work_state = 'planned' AND lane = 'backfill'").await?,
            4,
            "shared: {shared}"
        );
        // Its fresh days are not held, and an ETA says what holds the rest.
        let wish = ["--mall", &one, "--last", "1d", "--lane", "fresh", "--endpoint", fresh, "--force"];
        world.enqueue(&wish).await?;
        wait_until("the fresh day", SOON, || async {
            Ok(jobs(&world, &one, "lane = 'fresh' AND work_state NOT IN ('done', 'cancelled')").await? == 0)
        })
        .await?;
        let limits = world.json(&["limits", &one]).await?;
        assert_eq!(limits["eta"]["bound"], "paused", "{limits}");
        let lanes = limits["items"][0]["lanes"].as_array().context("lanes")?;
        let paused = lanes.iter().find(|mall| mall["mall_id"] == one.as_str()).context("the mall")?;
        assert_eq!(paused["paused"], serde_json::json!(["backfill"]));
        let list = world.cli(&["queue", "list"]).await?;
        for line in
            [format!("backfill of {one}: paused since"), format!("queue resume backfill --mall {one}")]
        {
            assert!(list.stdout.contains(&line), "{line}\n{}", list.stdout);
        }
        world.cli(&["backfill", "resume", "--mall", &one]).await?.success()?;
        all_done(&world, &one).await?;
        drop(programs);
    }
    Ok(())
}
