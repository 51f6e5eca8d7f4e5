//! A mall's first two days: its history, today as partial, the morning's window, and what settles when.

use tests::harness::{Context as _, Result};

use super::Stage;

#[tokio::test]
async fn a_day_is_fetched_as_partial_while_it_runs_and_once_more_each_morning_when_it_is_final() -> Result<()>
{
    let mut stage = Stage::at("2026-02-16T10:10:00", "3d", &["hanbit"]).await?;
    // Three days are wanted of a new mall: all of them in its first week.
    stage.done(4).await?;
    assert_eq!(stage.jobs().await?, ["onboarding fresh 2026-02-13…2026-02-15 ×4"]);

    // Today at noon; the ticks before it were before the mall.
    stage.set("2026-02-16T12:30:30")?;
    stage.done(8).await?;
    assert_eq!(stage.jobs().await?[1], "today fresh 2026-02-16…2026-02-16 ×4");
    assert_eq!(stage.slices("partial").await?, ["2026-02-16"]);

    // Midnight makes nothing final, and two o'clock is not the morning: nobody asks.
    for moment in ["2026-02-17T00:30:00", "2026-02-17T01:30:00", "2026-02-17T06:29:00"] {
        stage.set(moment)?;
        // Today beats at two, four and six.
        let jobs = if moment < "2026-02-17T02" { 8 } else { 12 };
        stage.done(jobs).await?;
        assert!(!stage.slices("complete").await?.contains(&"2026-02-16".to_owned()), "{moment}");
    }

    stage.set("2026-02-17T07:00:00")?;
    stage.done(16).await?;
    assert_eq!(stage.jobs().await?.last().map(String::as_str), Some("window fresh 2026-02-14…2026-02-16 ×4"));
    let whole = ["2026-02-13", "2026-02-14", "2026-02-15", "2026-02-16"];
    assert_eq!(stage.slices("complete").await?, whole);
    assert_eq!(stage.slices("partial").await?, ["2026-02-17"]);
    // One request a chunk, and no more.
    assert_eq!(stage.world.sim.report().total.requests, 16);
    Ok(())
}

#[tokio::test]
async fn a_month_is_fetched_again_once_a_month_but_for_what_the_morning_has_fetched() -> Result<()> {
    let mut stage = Stage::at("2026-02-28T10:10:00", "40d", &["hanbit"]).await?;
    stage.done(12).await?;
    stage.run_sql("UPDATE schedule_ticks SET next_at = NULL WHERE schedule = 'today'").await?;
    stage.set("2026-03-01T07:00:00")?;
    stage.done(16).await?;
    stage.set("2026-03-01T12:00:00")?;
    stage.done(20).await?;
    let jobs = stage.jobs().await?;
    assert_eq!(
        jobs[jobs.len() - 2..],
        ["window fresh 2026-02-26…2026-02-28 ×4", "sweep backfill 2026-01-29…2026-02-25 ×4"]
    );
    Ok(())
}

#[tokio::test]
async fn a_malls_own_month_is_as_long_as_it_says_and_who_is_left_out_is_not_asked() -> Result<()> {
    let mut stage =
        Stage::at("2026-02-28T10:10:00", "40d", &["hanbit", "moonlit", "narae", "seoulbag"]).await?;
    stage.done(4 * 12).await?;
    let agency = stage.world.sim.malls()[0].agency.clone();
    for change in [
        &["pause", "today"][..],
        &["set", "--mall", "moonlit", "--sweep", "10d"],
        &["set", "--mall", "narae", "--sweep", "off"],
        &["pause", "sweep", "--mall", "seoulbag"],
        &["set", "--agency", &agency, "--sweep", "20d"],
    ] {
        stage.world.cli(&[&["schedule"], change].concat()).await?.success()?;
    }
    stage.set("2026-03-01T07:00:00")?;
    stage.done(4 * 12 + 4 * 4).await?;
    stage.set("2026-03-01T12:00:00")?;
    stage.done(4 * 12 + 4 * 4 + 2 * 4).await?;
    let sweeps = "SELECT mall_id || ' ' || start_date || '…' || end_date FROM jobs JOIN runs USING (run_id) \
                  WHERE kind = 'sweep' GROUP BY mall_id, start_date, end_date HAVING count(*) = 4 ORDER BY 1";
    let rows = stage.world.db.client().query(sweeps, &[]).await.context(sweeps)?;
    let sweeps: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(sweeps, ["hanbit 2026-02-09…2026-02-25", "moonlit 2026-02-19…2026-02-25"]);
    Ok(())
}
