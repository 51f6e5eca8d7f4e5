//! Lanes that are sent only at times: backfills in their hours, and lanes that somebody paused.

use std::time::Duration;

use chrono::TimeDelta;
use common::clock::now;
use tests::harness::{Result, World, WorldConfig, wait_until};
use tests::simulator::SimConfig;

/// Hours from so many minutes to so many minutes after now, in KST.
pub(super) fn hours(from: i64, to: i64) -> String {
    let time = |minutes| {
        let kst = now() + TimeDelta::hours(9) + TimeDelta::minutes(minutes);
        kst.format("%H:%M").to_string()
    };
    format!("{}-{}", time(from), time(to))
}

async fn world(hours: &str) -> Result<World> {
    let env = [
        ("CAFE24_SYNC__LIMITS__BACKFILL_HOURS", hours),
        ("CAFE24_SYNC__LIMITS__REFILL_PER_SECOND", "20"),
        ("CAFE24_SYNC__FEED__SWEEP", "200ms"),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let sim = SimConfig { malls: 2, rate_multiplier: 10.0, large_malls: Some(0), ..SimConfig::default() };
    World::start_with(WorldConfig { sim, env, ..WorldConfig::default() }).await
}

async fn done(world: &World, lane: &str) -> Result<i64> {
    world.db.number(&format!("SELECT count(*) FROM jobs WHERE lane = '{lane}' AND work_state = 'done'")).await
}

const BACKFILL: [&str; 6] = ["--all", "--last", "60d", "--lane", "backfill", "--yes"];

#[tokio::test(flavor = "multi_thread")]
async fn backfills_wait_for_their_hours_and_fresh_days_do_not() -> Result<()> {
    let away = world(&hours(120, 180)).await?;
    let programs = (away.programs.serve()?, away.programs.worker()?);
    let planned = away.enqueue(&BACKFILL).await?;
    assert_eq!(planned["eta"]["bound"], "hours", "{planned}");
    let wait = planned["eta_s"].as_i64().unwrap_or(0);
    assert!((119 * 60..=121 * 60).contains(&wait), "{planned}");
    away.enqueue(&["--all", "--last", "3d", "--lane", "fresh", "--endpoint", "domains", "--force"]).await?;
    wait_until("the fresh days", Duration::from_secs(20), || async { Ok(done(&away, "fresh").await? > 0) })
        .await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(done(&away, "backfill").await?, 0);
    let out = "SELECT count(*) FROM jobs WHERE lane = 'backfill' AND work_state <> 'planned'";
    assert_eq!(away.db.number(out).await?, 0, "not one of them lies in the broker");
    let status = away.json(&["status"]).await?;
    assert!(status["backfill_waits_until"].is_string(), "{status}");
    let listed = away.cli(&["queue", "list"]).await?;
    assert!(listed.stdout.contains("waits until"), "{}", listed.stdout);
    drop(programs);

    let open = world(&hours(-120, 120)).await?;
    let _programs = (open.programs.serve()?, open.programs.worker()?);
    let planned = open.enqueue(&BACKFILL).await?;
    assert_eq!(planned["eta"]["bound"], "budget", "{planned}");
    open.settled(Duration::from_secs(30)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_lane_waits_until_it_is_resumed_and_a_dropped_run_stays_dropped() -> Result<()> {
    let world = world(&hours(-120, 120)).await?;
    let _programs = (world.programs.serve()?, world.programs.worker()?);
    let refused = world.cli(&["backfill", "pause"]).await?;
    assert_eq!(refused.code, Some(7), "{}", refused.stderr);
    world.cli(&["backfill", "pause", "--yes", "--reason", "sale day"]).await?.success()?;
    // The feeder hears of it within a second.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let planned = world.enqueue(&[&BACKFILL[..], &["--chunk-days", "1"]].concat()).await?;
    assert_eq!((&planned["eta"]["bound"], &planned["eta_s"]), (&"paused".into(), &serde_json::Value::Null));
    world.enqueue(&["--all", "--last", "1d", "--lane", "fresh", "--endpoint", "visitors", "--force"]).await?;
    wait_until("the fresh days", Duration::from_secs(20), || async { Ok(done(&world, "fresh").await? > 0) })
        .await?;
    assert_eq!(done(&world, "backfill").await?, 0);

    world.cli(&["queue", "resume", "backfill"]).await?.success()?;
    wait_until("the backfill again", Duration::from_secs(20), || async {
        Ok(done(&world, "backfill").await? > 20)
    })
    .await?;
    let run = planned["run_id"].as_str().unwrap_or_default();
    let before = world.json(&["backfill", "show", run]).await?;
    assert!(before["left"].as_i64() > Some(0) && before["eta"]["seconds"].is_u64(), "{before}");
    // Its first digits name it, if no other run begins so.
    assert_eq!(world.json(&["backfill", "show", &run[..23]]).await?["run_id"], run);
    for (digits, fault) in [(&run[..4], "E-RUN-02"), ("7ecf", "E-RUN-01"), ("hanbit", "E-RUN-01")] {
        let refused = world.cli(&["backfill", "show", digits]).await?;
        assert!(refused.code == Some(1) && refused.stderr.contains(fault), "{digits}: {refused:?}");
    }
    let listed = world.json(&["backfill", "list"]).await?;
    assert_eq!(listed["items"][0]["run_id"], run, "{listed}");
    world.cli(&["backfill", "cancel", run, "--yes"]).await?.success()?;
    world.settled(Duration::from_secs(20)).await?;
    let after = world.json(&["backfill", "show", run]).await?;
    let count = |name: &str| after[name].as_i64().unwrap_or(-1);
    assert!(count("cancelled") > 0 && count("done") >= before["done"].as_i64().unwrap_or(0), "{after}");
    assert_eq!(count("cancelled") + count("done"), count("jobs"), "{after}");
    let stored = world.db.number("SELECT count(*) FROM slices").await?;
    assert!(stored >= count("done"), "what was fetched stays");
    let audited = "SELECT count(DISTINCT action) FROM audit_log WHERE action IN ('queue.pause', 'queue.resume', 'backfill.cancel')";
    assert_eq!(world.db.number(audited).await?, 3);
    Ok(())
}
