//! Each duty by hand: `serve --once`.

use serde_json::{Value, json};
use tests::harness::{Broker, Context as _, Result, Webhook, World, wait_until};
use tests::simulator::{FaultKind, FaultRule};

use super::{SOON, world};

const WISH: [&str; 7] = ["enqueue", "--mall", "hanbit", "--from", "2025-03-01", "--to", "2025-03-02"];

/// The counts of one duty, done once without a daemon.
async fn once(world: &World, duty: &str) -> Result<Value> {
    let answer = world.json(&["serve", "--once", duty]).await?;
    assert_eq!((&answer["duties"][0]["duty"], &answer["duties"][0]["end"]), (&json!(duty), &json!("done")));
    Ok(answer["duties"][0]["counts"].clone())
}

async fn run_sql(world: &World, sql: &str) -> Result<()> {
    world.db.client().batch_execute(sql).await.with_context(|| sql.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feeder_publishes_what_is_planned() -> Result<()> {
    let world = world(&["hanbit"], &[]).await?;
    world.cli(&WISH).await?.success()?;
    run_sql(&world, "UPDATE jobs SET work_state = 'planned', queued_at = NULL").await?;
    let counts = once(&world, "feeder").await?;
    assert_eq!(counts, json!({ "published": 4, "keys": 1 }));
    assert_eq!(world.jobs_in(&["queued"]).await?, 4);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reconciler_plans_again_what_the_broker_lost() -> Result<()> {
    let world = world(&["hanbit"], &[("RECONCILE__QUEUED_DEADLINE", "1s")]).await?;
    world.cli(&WISH).await?.success()?;
    let broker = Broker::connect(&world.servers.amqp).await?;
    for lane in ["fresh", "backfill"] {
        broker.purge(&world.prefix.queue(lane)).await?;
    }
    run_sql(&world, "UPDATE jobs SET queued_at = now() - interval '1 minute'").await?;
    assert_eq!(once(&world, "reconciler").await?["planned_again"], 4);
    assert_eq!(world.jobs_in(&["planned"]).await?, 4);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archiver_keeps_the_brokers_dead_letters() -> Result<()> {
    let world = world(&["hanbit"], &[]).await?;
    world
        .sim
        .order(FaultRule::always(FaultKind::Status {
            code: 422,
            headers: std::collections::BTreeMap::new(),
            body: None,
            retry_after: None,
        }))
        .context("order")?;
    world.cli(&WISH).await?.success()?;
    let worker = world.programs.worker()?;
    wait_until("all failed", SOON, || async { Ok(world.jobs_in(&["failed"]).await? == 4) }).await?;
    worker.stop(SOON).await?;
    assert_eq!(once(&world, "archiver").await?["letters_archived"], 4);
    assert_eq!(world.db.number("SELECT count(*) FROM dead_letters").await?, 4);
    assert_eq!(once(&world, "archiver").await?["letters_archived"], 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_keeper_renews_what_is_due() -> Result<()> {
    let world = world(&["hanbit", "other"], &[]).await?;
    let old = "UPDATE connectors SET token_issued_at = now() - interval '9 days' WHERE mall_id = 'hanbit'";
    run_sql(&world, old).await?;
    let counts = once(&world, "token-keeper").await?;
    assert_eq!(counts, json!({ "renewed": 1, "to_be_connected_again": 0, "failed": 0 }));
    assert_eq!(world.sim.mall_report("hanbit").context("report")?.tokens.refreshes, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_end_and_the_jobs_behind_them_are_released() -> Result<()> {
    let world = world(&["hanbit"], &[]).await?;
    world.cli(&["endpoints", "pause", "domains", "--until", "1h", "--yes"]).await?.success()?;
    world.cli(&WISH).await?.success()?;
    assert_eq!(world.jobs_in(&["parked"]).await?, 1);
    run_sql(&world, "UPDATE endpoint_pauses SET until = now()").await?;
    let counts = once(&world, "pauses").await?;
    assert_eq!(counts["pauses_ended"], 1, "{counts}");
    assert_eq!(world.jobs_in(&["parked"]).await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_looked_for_and_told() -> Result<()> {
    let webhook = Webhook::start().await?;
    let world =
        world(&["hanbit"], &[("ALERTS__WEBHOOK_URL", webhook.url()), ("ALERTS__KIND", "json")]).await?;
    run_sql(&world, "UPDATE connectors SET state = 'needs_consent', state_reason = 'a test'").await?;
    assert_eq!(once(&world, "alerts").await?, json!({ "opened": 1, "closed": 0, "told": 1 }));
    assert_eq!(webhook.messages().len(), 1);
    assert_eq!(once(&world, "alerts").await?, json!({ "opened": 0, "closed": 0, "told": 0 }));
    // However often one is looked at, the next one has the next number.
    run_sql(&world, "UPDATE connectors SET state = 'active'").await?;
    assert_eq!(once(&world, "alerts").await?, json!({ "opened": 0, "closed": 1, "told": 1 }));
    run_sql(&world, "UPDATE connectors SET state = 'needs_consent', state_reason = 'a test'").await?;
    assert_eq!(once(&world, "alerts").await?, json!({ "opened": 1, "closed": 0, "told": 1 }));
    assert_eq!(world.db.number("SELECT max(alert_id) FROM alerts").await?, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tally_takes_every_mark_away() -> Result<()> {
    let world = world(&["hanbit"], &[]).await?;
    let worker = world.programs.worker()?;
    world.cli(&[&WISH[..], &["--wait=50s"]].concat()).await?.success()?;
    worker.stop(SOON).await?;
    let marks = "SELECT count(DISTINCT endpoint) FROM series_changed";
    assert_eq!(world.db.number(marks).await?, 4, "one series each, and nobody has folded them");
    assert_eq!(once(&world, "tally").await?, json!({ "series_read_anew": 4 }));
    assert_eq!(world.db.number(marks).await?, 0);
    assert_eq!(world.db.number("SELECT count(*) FROM series_days WHERE days = 'cc'").await?, 4);
    assert_eq!(once(&world, "tally").await?, json!({ "series_read_anew": 0 }));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_duties_once_are_what_cron_needs_and_a_daemon_is_not_disturbed() -> Result<()> {
    let world = world(&["hanbit"], &[]).await?;
    let alone = world.json(&["serve", "--once"]).await?;
    let ends = |answer: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let duties = answer["duties"].as_array().into_iter().flatten();
        duties.map(|one| (text(&one["duty"]), text(&one["end"]))).collect()
    };
    assert!(ends(&alone).iter().all(|(_, end)| end == "done"), "{alone}");
    let help = world.cli(&["serve", "--help"]).await?.stdout;
    for (duty, _) in ends(&alone) {
        assert!(help.contains(&format!("- {duty}:")), "{duty} is not in:\n{help}");
    }

    let daemon = world.programs.serve()?;
    daemon.event("leader.acquired", SOON).await?;
    let beside = world.json(&["serve", "--once"]).await?;
    let elsewhere: Vec<_> = ends(&beside).into_iter().filter(|(_, end)| end == "elsewhere").collect();
    assert!(elsewhere.iter().any(|(duty, _)| duty == "feeder"), "{beside}");
    assert_eq!(super::led(&daemon), 1, "the daemon leads on");
    Ok(())
}
