//! Schedules from the command line: run once, pause, set, and who did it.

use serde_json::json;
use tests::harness::{Context as _, Result};

use super::Stage;

#[tokio::test]
async fn every_schedule_can_be_run_once_by_hand_and_planning_it_twice_plans_nothing_twice() -> Result<()> {
    let mut stage = Stage::at("2026-02-16T10:10:00", "5d", &["hanbit", "moonlit"]).await?;
    stage.done(8).await?;
    stage.stop_daemon().await?;
    // After a change nobody knows when anything is due, until a pass has worked it out: it is not due now.
    stage.world.json(&["schedule", "set", "--mall", "moonlit", "--lookback", "4d"]).await?;
    let shown = stage.world.json(&["schedule", "show", "moonlit"]).await?;
    let sum = |of: &str| -> i64 {
        shown["items"].as_array().into_iter().flatten().filter_map(|item| item[of].as_i64()).sum()
    };
    assert!(sum("due") == 0 && sum("anew") > 0, "{shown}");
    stage.world.json(&["schedule", "unset", "--mall", "moonlit"]).await?;
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
    // Of a run that both malls share, a mall is told of its own jobs, and a list of all malls of all.
    let onboarding = |shown: &serde_json::Value| {
        let of =
            shown["items"].as_array().into_iter().flatten().find(|item| item["schedule"] == "onboarding");
        of.map(|item| (item["jobs"].as_i64(), item["jobs_over"].as_i64()))
    };
    let listed = cli(&["list"]).await?;
    assert_eq!(onboarding(&shown), Some((Some(8), Some(8))), "{shown}");
    assert_eq!(onboarding(&listed), Some((Some(16), Some(16))), "{listed}");
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
    // Who asks for what makes malls late every day is told so.
    let late = "! hanbit: yesterday is fetched from 09:30 on (its daily_at), all malls within 30m";
    for (at, told) in [("09:30", true), ("05:00", false)] {
        let set = stage.world.cli(&["schedule", "set", "--mall", "hanbit", "--daily-at", at]).await?;
        set.success()?;
        assert_eq!(set.stderr.contains(late), told, "{at}: {set:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_dropped_history_says_that_it_comes_back_and_the_command_it_names_keeps_it_away() -> Result<()> {
    let mut stage = Stage::at("2026-02-16T10:10:00", "30d", &["hanbit"]).await?;
    stage.done(8).await?;
    stage.stop_daemon().await?;
    // Nothing of the lane is sent: what is planned waits.
    stage.world.cli(&["backfill", "pause", "--yes", "--reason", "a test"]).await?.success()?;
    stage.run_sql("DELETE FROM slices WHERE date < '2026-02-09'").await?;
    let planned = stage.world.enqueue(&["--all", "--missing", "--lane", "backfill", "--yes"]).await?;
    let run = planned["run_id"].as_str().unwrap_or_default();
    let gaps = ["schedule", "run", "gaps", "--dry-run"];
    assert_eq!(stage.world.json(&gaps).await?["jobs"], 0, "all of it waits in the run");

    // Said before anybody agrees to it, and to programs.
    let asked = stage.world.cli(&["backfill", "cancel", run]).await?;
    assert_eq!(asked.code, Some(7), "{}", asked.stderr);
    let end = ["malls", "set", "hanbit", "wanted_from=2026-02-09"];
    let named = format!(
        "hanbit still wants these days: the schedule gaps asks for them again within the hour. \
                         To end that history:\n    cafe24-sync {}\n",
        end.join(" ")
    );
    assert!(asked.stdout.contains(&named), "{}", asked.stdout);
    let comes_back = json!([{ "mall_id": "hanbit", "wanted_from": "2026-02-09" }]);
    let dry = stage.world.json(&["backfill", "cancel", run, "--dry-run"]).await?;
    assert_eq!(dry["comes_back"], comes_back, "{dry}");
    stage.world.cli(&["schedule", "pause", "gaps", "--mall", "hanbit"]).await?.success()?;
    let paused = stage.world.json(&["backfill", "cancel", run, "--dry-run"]).await?;
    assert_eq!(paused["comes_back"], json!([]), "{paused}");
    stage.world.cli(&["schedule", "resume", "gaps", "--mall", "hanbit"]).await?.success()?;
    let done = stage.world.json(&["backfill", "cancel", run, "--yes"]).await?;
    assert_eq!((&done["dropped"], &done["comes_back"]), (&planned["jobs"], &comes_back), "{done}");

    assert_eq!(stage.world.json(&gaps).await?["jobs"], planned["jobs"], "it comes back");
    stage.world.cli(&[&end[..], &["--yes"]].concat()).await?.success()?;
    assert_eq!(stage.world.json(&gaps).await?["jobs"], 0, "and does not any more");
    Ok(())
}
