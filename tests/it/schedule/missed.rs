//! What is missed is made up once; what went back is not done again; what is missing is filled.

use tests::harness::{Context as _, Result};
use tests::simulator::{FaultKind, FaultRule};

use super::Stage;

/// A mall that has its days through 02-16, and nothing that runs by the hour.
async fn settled_mall() -> Result<Stage> {
    let mut stage = Stage::at("2026-02-16T10:10:00", "5d", &["hanbit"]).await?;
    stage.done(4).await?;
    stage.cli_ok(&["schedule", "pause", "today"]).await?;
    stage.set("2026-02-17T07:00:00")?;
    stage.done(8).await?;
    Ok(stage)
}

impl Stage {
    async fn cli_ok(&self, arguments: &[&str]) -> Result<()> {
        self.world.cli(arguments).await?.success()
    }
}

#[tokio::test]
async fn five_days_without_a_daemon_are_made_up_with_one_tick_that_reaches_as_far_back() -> Result<()> {
    let mut stage = settled_mall().await?;
    stage.stop_daemon().await?;
    stage.set("2026-02-22T11:00:00")?;
    stage.start_daemon()?;
    stage.done(12).await?;
    // Three days of the window, and the four mornings that would have asked for the days before them.
    let jobs = stage.jobs().await?;
    assert_eq!(jobs[2..], ["window fresh 2026-02-15…2026-02-21 ×4"]);
    assert_eq!(stage.slices("complete").await?.len(), 11);
    // And the next morning is one as ever.
    stage.set("2026-02-23T07:00:00")?;
    stage.done(16).await?;
    assert_eq!(stage.jobs().await?[3..], ["window fresh 2026-02-20…2026-02-22 ×4"]);
    Ok(())
}

#[tokio::test]
async fn a_clock_that_jumps_forward_ticks_once_and_back_ticks_nothing_again() -> Result<()> {
    let mut stage = settled_mall().await?;
    stage.set("2026-02-19T07:00:00")?;
    stage.done(12).await?;
    for moment in ["2026-02-19T03:00:00", "2026-02-18T20:00:00", "2026-02-19T06:45:00", "2026-02-19T09:00:00"]
    {
        stage.set(moment)?;
        stage.quiet(12).await?;
    }
    stage.set("2026-02-20T07:00:00")?;
    stage.done(16).await
}

#[tokio::test]
async fn a_mall_that_lost_its_consent_is_left_alone_and_made_up_once_when_it_has_it_again() -> Result<()> {
    let mut stage = settled_mall().await?;
    stage.run_sql("UPDATE connectors SET state = 'needs_consent', state_reason = 'revoked'").await?;
    for moment in ["2026-02-18T07:00:00", "2026-02-19T07:00:00", "2026-02-20T07:00:00"] {
        stage.set(moment)?;
        stage.quiet(8).await?;
    }
    stage.set("2026-02-20T12:00:00")?;
    stage.run_sql("UPDATE connectors SET state = 'active', state_reason = NULL").await?;
    stage.done(12).await?;
    assert_eq!(stage.jobs().await?[2..], ["window fresh 2026-02-15…2026-02-19 ×4"]);
    Ok(())
}

#[tokio::test]
async fn a_gap_is_filled_once_and_what_failed_for_good_waits_for_a_person() -> Result<()> {
    let mut stage = settled_mall().await?;
    // Lost by hand, behind the window's back.
    stage.run_sql("DELETE FROM slices WHERE date = '2026-02-12'").await?;
    let rule = FaultRule {
        endpoint: Some(tests::simulator::Endpoint::ProductsSales.into()),
        ..FaultRule::always(FaultKind::MissingWrapper)
    };
    let fault = stage.world.sim.order(rule).context("a fault")?;
    stage.set("2026-02-17T09:30:00")?;
    let dead = "SELECT count(*) FROM dead_letters";
    tests::harness::wait_until("a dead letter", super::LIMIT, || async {
        Ok(stage.world.db.number(dead).await? == 1)
    })
    .await?;
    stage.quiet(12).await?;
    assert_eq!(stage.jobs().await?[2..], ["gaps fresh 2026-02-12…2026-02-12 ×4"]);
    stage.world.sim.cancel_fault(fault);
    // Hour after hour nobody asks for it again, whatever would come of it now.
    for moment in ["2026-02-17T11:00:00", "2026-02-17T13:00:00", "2026-02-18T01:00:00"] {
        stage.set(moment)?;
        stage.quiet(12).await?;
    }
    let missing = "SELECT count(*) FROM slices WHERE date = '2026-02-12'";
    assert_eq!(stage.world.db.number(missing).await?, 3);
    // A schedule by hand and a wish for gaps leave it to the same person, and count it alike; its neighbours they ask for.
    stage.run_sql("DELETE FROM slices WHERE date IN ('2026-02-11', '2026-02-13')").await?;
    for wish in [["schedule", "run", "gaps"].as_slice(), &["enqueue", "--all", "--missing"]] {
        let plan = stage.world.json(&[wish, &["--dry-run"]].concat()).await?;
        let counts = ["failed", "in_work", "to_fetch"].map(|count| plan["slices"][count].as_i64());
        assert_eq!(counts, [Some(1), Some(0), Some(8)], "{plan}");
    }
    stage.cli_ok(&["dead", "replay", "--all", "--yes"]).await?;
    tests::harness::wait_until("the replay", super::LIMIT, || async {
        Ok(stage.world.db.number(missing).await? == 4)
    })
    .await
}
