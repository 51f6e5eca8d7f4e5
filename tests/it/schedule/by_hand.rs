//! Schedules from the command line: run once, pause, set, and who did it.

use serde_json::json;
use tests::harness::{Context as _, Result};

use super::Stage;

#[tokio::test]
async fn every_schedule_can_be_run_once_by_hand_and_planning_it_twice_plans_nothing_twice() -> Result<()> {
    let mut stage = Stage::at("2026-02-16T10:10:00", "5d", &["hanbit", "moonlit"]).await?;
    stage.done(8).await?;
    stage.stop_daemon().await?;
    // What is planned stays: nothing is sent.
    stage.run_sql("UPDATE connectors SET state = 'paused'").await?;
    for (name, jobs) in [("window", 8), ("today", 8), ("sweep", 0), ("onboarding", 0), ("gaps", 0)] {
        let before = stage.world.db.number("SELECT count(*) FROM jobs").await?;
        let dry = stage.world.json(&["schedule", "run", name, "--dry-run"]).await?;
        assert_eq!((&dry["jobs"], &dry["run_id"]), (&json!(jobs), &json!(null)), "{name}: {dry}");
        let run = stage.world.json(&["schedule", "run", name]).await?;
        assert_eq!(run["jobs"], jobs, "{name}: {run}");
        let again = stage.world.json(&["schedule", "run", name]).await?;
        assert_eq!(again["jobs"], 0, "{name}: {again}");
        assert_eq!(stage.world.db.number("SELECT count(*) FROM jobs").await?, before + jobs);
    }
    let kinds = "SELECT count(DISTINCT kind) FROM runs";
    assert_eq!(stage.world.db.number(kinds).await?, 5);
    Ok(())
}

#[tokio::test]
async fn settings_of_a_mall_go_before_its_agencys_and_those_before_the_configuration() -> Result<()> {
    let mut stage = Stage::at("2026-02-16T10:10:00", "30d", &["hanbit", "moonlit"]).await?;
    stage.done(16).await?;
    let agency = stage.world.sim.malls()[0].agency.clone();
    let cli = async |arguments: &[&str]| stage.world.json(&[&["schedule"], arguments].concat()).await;
    cli(&["pause", "today"]).await?;
    assert_eq!(cli(&["pause", "today"]).await?["changed"], false);
    cli(&["set", "--agency", &agency, "--lookback", "7d"]).await?;
    cli(&["set", "--mall", "moonlit", "--lookback", "2d", "--daily-at", "07:45"]).await?;
    let shown = cli(&["show", "moonlit"]).await?;
    assert_eq!(shown["settings"]["lookback"], json!({ "value": "2d", "from": "moonlit" }));
    assert_eq!(shown["settings"]["sweep"], json!({ "value": "31d", "from": "configuration" }));
    let listed = cli(&["list"]).await?;
    assert_eq!(listed["overrides"].as_array().map(Vec::len), Some(3), "{listed}");

    stage.set("2026-02-17T07:10:00")?;
    stage.done(20).await?;
    stage.set("2026-02-17T08:20:00")?;
    stage.done(24).await?;
    let jobs = stage.jobs().await?;
    let windows: Vec<_> = jobs.iter().filter(|job| job.starts_with("window")).collect();
    assert_eq!(windows, ["window fresh 2026-02-10…2026-02-16 ×4", "window fresh 2026-02-15…2026-02-16 ×4"]);

    let cli = async |arguments: &[&str]| stage.world.json(&[&["schedule"], arguments].concat()).await;
    cli(&["unset", "--mall", "moonlit"]).await?;
    assert_eq!(cli(&["show", "moonlit"]).await?["settings"]["lookback"]["from"], format!("agency {agency}"));
    assert_eq!(stage.world.db.number("SELECT count(*) FROM schedules WHERE mall_id IS NOT NULL").await?, 0);
    // Each change stands in the audit log, and the one that changed nothing does not.
    let audited =
        "SELECT string_agg(action, ' ' ORDER BY entry_id) FROM audit_log WHERE action LIKE 'schedule.%'";
    let audited: String = stage.world.db.client().query_one(audited, &[]).await.context(audited)?.get(0);
    assert_eq!(audited, "schedule.pause schedule.set schedule.set schedule.set");
    let unknown = stage.world.cli(&["schedule", "set", "--agency", "nobody", "--lookback", "7d"]).await?;
    assert!(unknown.success().is_err());
    Ok(())
}
