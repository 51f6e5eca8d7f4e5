//! Put aside and taken back: counts before it happens, a yes, a row in the audit log, a way back.

use serde_json::Value;
use tests::harness::{Context as _, Result};

use super::{Flow, Setup};

const STATES: &str = "SELECT state || ' ' || count(*) FROM dead_letters GROUP BY state ORDER BY state";

async fn archive() -> Result<Flow> {
    let flow = Flow::start(Setup::new(&["hanbit", "moonlit"]).workers(0).without_daemon()).await?;
    assert_eq!(flow.bury(&["hanbit", "moonlit"], 10).await?, 80);
    Ok(flow)
}

#[tokio::test]
async fn h03_a_purge_shows_counts_wants_a_yes_and_can_be_taken_back_for_seven_days() -> Result<()> {
    let flow = archive().await?;
    flow.run_sql("UPDATE dead_letters SET died_at = died_at - interval '100 days' WHERE mall_id = 'hanbit'")
        .await?;
    let purge = ["purge", "--older-than", "90d"];
    // Without a terminal: the plan, exit 7, nothing done.
    let unasked = flow.dead(&purge).await?;
    assert_eq!(unasked.code, Some(7), "{unasked:?}");
    assert!(unasked.stdout.contains("purge 40 letters · 4 causes · 1 mall"), "{}", unasked.stdout);
    assert!(unasked.stderr.contains("--plan"), "{}", unasked.stderr);
    let preview = flow.dead_json(&[&purge[..], &["--dry-run"]].concat()).await?;
    assert_eq!((&preview["letters"], &preview["malls"]), (&40.into(), &1.into()), "{preview}");
    assert_eq!(flow.rows_of(STATES).await?, ["open 80"]);
    assert!(flow.audited().await?.is_empty());

    let plan = preview["plan"].as_str().context("a plan")?;
    flow.dead(&[&purge[..], &["--plan", plan, "--yes"]].concat()).await?.success()?;
    assert_eq!(flow.rows_of(STATES).await?, ["open 40", "purged 40"]);
    // Not yet deleted, so the duty of the daemon leaves them, and they come back as they were.
    flow.cli(&["queue", "reconcile"]).await?.success()?;
    flow.dead(&["restore", "--all", "--state", "purged"]).await?.success()?;
    assert_eq!(flow.rows_of(STATES).await?, ["open 80"]);

    flow.dead(&[&purge[..], &["--yes", "--reason", "old"]].concat()).await?.success()?;
    flow.run_sql("UPDATE dead_letters SET state_at = state_at - interval '8 days' WHERE state = 'purged'")
        .await?;
    flow.cli(&["queue", "reconcile"]).await?.success()?;
    assert_eq!(flow.rows_of(STATES).await?, ["open 40"]);
    // Their failed jobs went with them: else the archive would be filled again from the ledger.
    assert_eq!(flow.count("SELECT count(*) FROM jobs").await?, 40);
    flow.cli(&["queue", "reconcile"]).await?.success()?;
    assert_eq!(flow.count("SELECT count(*) FROM dead_letters").await?, 40);
    let log = ["dead.purge", "dead.restore", "dead.purge", "dead.forget"];
    assert_eq!(flow.audited().await?, log);
    Ok(())
}

#[tokio::test]
async fn h03_a_changed_selection_is_not_purged_under_the_plan_of_the_old_one() -> Result<()> {
    let flow = archive().await?;
    let discard = ["discard", "--mall", "hanbit", "--reason", "closed"];
    let plan = flow.dead_json(&[&discard[..], &["--dry-run"]].concat()).await?;
    let plan = plan["plan"].as_str().context("a plan")?.to_owned();
    flow.run_sql("UPDATE dead_letters SET mall_id = 'hanbit' WHERE mall_id = 'moonlit' AND endpoint = 'visitors' AND start_date = '2025-01-01'")
        .await?;
    let refused = flow.dead(&[&discard[..], &["--plan", &plan, "--yes"]].concat()).await?;
    assert!(refused.code == Some(7) && refused.stderr.contains("E-PLAN-02"), "{refused:?}");
    assert_eq!(flow.rows_of(STATES).await?, ["open 80"]);
    assert!(flow.audited().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_discarded_letter_leaves_every_count_and_comes_back_with_who_and_why() -> Result<()> {
    let flow = archive().await?;
    let counts = || async {
        let status = flow.world.json(&["status"]).await?;
        let malls = flow.world.json(&["malls", "list"]).await?;
        let of = |mall: &str| {
            let items = malls["items"].as_array();
            items.and_then(|items| items.iter().find(|m| m["mall_id"] == mall)).map(|m| m["dead"].clone())
        };
        Ok::<_, tests::harness::Trouble>((status["dead"].clone(), of("hanbit"), of("moonlit")))
    };
    let some = |n: i64| Some(Value::from(n));
    assert_eq!(counts().await?, (80.into(), some(40), some(40)));
    let done = flow
        .dead_json(&[
            "discard",
            "--mall",
            "hanbit",
            "--endpoint",
            "visitors",
            "--reason",
            "no longer sold",
            "--yes",
        ])
        .await?;
    assert_eq!(done["changed"], 10, "{done}");
    assert_eq!(counts().await?, (70.into(), some(30), some(40)));
    let id = flow.listed(&["--state", "discarded", "--limit", "1"]).await?.remove(0);
    let shown = flow.dead(&["show", &id]).await?;
    assert!(
        shown.stdout.contains("no longer sold") && shown.stdout.contains("dead restore"),
        "{}",
        shown.stdout
    );
    let refused = flow.dead(&["replay", &id, "--yes"]).await?;
    assert!(refused.code == Some(1) && refused.stderr.contains("dead restore"), "{refused:?}");
    // Discarded, then purged: a restore goes one step back, the next one the other.
    flow.run_sql("UPDATE dead_letters SET died_at = died_at - interval '2 days' WHERE state = 'discarded'")
        .await?;
    flow.dead(&["purge", "--older-than", "1d", "--yes"]).await?.success()?;
    assert_eq!(flow.rows_of(STATES).await?, ["open 70", "purged 10"]);
    flow.dead(&["restore", "--all"]).await?.success()?;
    assert_eq!(flow.rows_of(STATES).await?, ["discarded 10", "open 70"]);
    flow.dead(&["restore", "--mall", "hanbit"]).await?.success()?;
    assert_eq!(counts().await?, (80.into(), some(40), some(40)));
    let log = "SELECT actor || '|' || action || '|' || coalesce(details ->> 'reason', '') || '|' || (details ->> 'letters') \
               FROM audit_log WHERE action LIKE 'dead.%' ORDER BY entry_id";
    let log = flow.rows_of(log).await?;
    let (actor, first) = log[0].split_once('|').context("an actor")?;
    assert!(actor.contains('@') && first == "dead.discard|no longer sold|10", "{log:?}");
    assert_eq!(log.len(), 4, "{log:?}");
    Ok(())
}

#[tokio::test]
async fn what_was_replayed_or_discarded_is_forgotten_after_its_time_and_not_before() -> Result<()> {
    let flow =
        Flow::start(Setup::new(&["hanbit", "moonlit"]).workers(0).without_daemon().set("DEAD__KEEP", "5d"))
            .await?;
    flow.bury(&["hanbit", "moonlit"], 10).await?;
    flow.dead(&["replay", "--mall", "moonlit", "--yes"]).await?.success()?;
    flow.dead(&["discard", "--endpoint", "domains", "--reason", "test", "--yes"]).await?.success()?;
    flow.run_sql("UPDATE dead_letters SET state_at = now() - interval '4 days'").await?;
    flow.cli(&["queue", "reconcile"]).await?.success()?;
    assert_eq!(flow.rows_of(STATES).await?, ["discarded 10", "open 30", "replayed 40"]);
    flow.run_sql("UPDATE dead_letters SET state_at = now() - interval '6 days'").await?;
    flow.cli(&["queue", "reconcile"]).await?.success()?;
    assert_eq!(flow.rows_of(STATES).await?, ["open 30"]);
    Ok(())
}

#[tokio::test]
async fn every_destructive_call_is_in_the_audit_log_and_the_log_takes_no_change() -> Result<()> {
    let flow = archive().await?;
    let secret = flow.world.programs.logs().join("app.secret");
    std::fs::write(&secret, "an-apps-secret-of-some-length").context("a secret")?;
    let secret = secret.to_string_lossy().into_owned();
    let calls: [(&str, &[&str]); 12] = [
        ("dead.discard", &["dead", "discard", "--mall", "hanbit", "--reason", "test", "--yes"]),
        ("dead.restore", &["dead", "restore", "--all"]),
        ("dead.replay", &["dead", "replay", "--mall", "hanbit", "--yes"]),
        ("dead.purge", &["dead", "purge", "--older-than", "1d", "--yes"]),
        ("malls.pause", &["malls", "pause", "hanbit"]),
        ("malls.resume", &["malls", "resume", "hanbit"]),
        ("malls.pause", &["malls", "pause", "hanbit", "--endpoint", "visitors"]),
        ("malls.resume", &["malls", "resume", "hanbit", "--endpoint", "visitors"]),
        ("endpoints.pause", &["endpoints", "pause", "domains", "--reason", "test", "--yes"]),
        ("endpoints.resume", &["endpoints", "resume", "domains", "--now"]),
        ("apps.set", &["apps", "set", "brand-b", "--client-id", "abc", "--client-secret-file", &secret]),
        ("apps.remove", &["apps", "remove", "brand-b", "--yes"]),
    ];
    flow.run_sql("UPDATE dead_letters SET died_at = died_at - interval '3 days'").await?;
    // Of a mall that never was there are no letters; of one that is gone there are.
    for call in [&["list"][..], &["replay", "--dry-run"], &["discard", "--reason", "test", "--dry-run"]] {
        let slip = flow.cli(&[&["dead"][..], call, &["--mall", "hanbi"]].concat()).await?;
        assert!(slip.code == Some(1) && slip.stderr.contains("did you mean"), "{call:?}: {slip:?}");
    }
    for (action, call) in calls {
        let before = flow.count("SELECT count(*) FROM audit_log").await?;
        flow.cli(call).await?.success()?;
        let newest = "SELECT action || ' ' || (actor ~ '.+@.+') || ' ' || (target <> '') FROM audit_log ORDER BY entry_id DESC LIMIT 1";
        assert_eq!(flow.rows_of(newest).await?, [format!("{action} true true")], "{call:?}");
        assert_eq!(flow.count("SELECT count(*) FROM audit_log").await?, before + 1, "{call:?}");
    }
    // Not even who may write everything else rewrites history.
    for change in ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log", "TRUNCATE audit_log"] {
        assert!(flow.run_sql(change).await.is_err(), "{change}");
    }
    let secrets = "SELECT count(*) FROM audit_log a WHERE a::text LIKE '%an-apps-secret%'";
    assert_eq!(flow.count(secrets).await?, 0);
    Ok(())
}
