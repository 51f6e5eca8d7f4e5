//! A new mall: its last week within a minute, its history after it, newest first, once.

use std::time::{Duration, Instant};

use tests::harness::{Context as _, Result, World, WorldConfig, wait_until};
use tests::simulator::{Dialect, MallSpec, SimConfig};

/// From the import to the last complete slice of the week.
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_new_malls_last_week_is_there_within_a_minute_and_its_history_follows_newest_first() -> Result<()> {
    // The bucket of the specification: 40 tokens, two a second.
    let malls =
        vec![MallSpec::new("hanbit"), MallSpec { dialect: Dialect::Live, ..MallSpec::new("moonlit") }];
    let sim = SimConfig { malls: 0, extra_malls: malls, ..SimConfig::default() };
    let env = super::far_from_any_beat();
    let config = WorldConfig { sim, env, no_import: true, ..WorldConfig::default() };
    let world = World::start_with(config.set("SCHEDULE__ONBOARDING", "60d")).await?;
    let daemon = world.programs.serve()?;
    let worker = world.programs.worker()?;
    worker.listen(Duration::from_secs(20)).await?;

    let began = Instant::now();
    world.import().await?;
    // Two malls, four endpoints, seven days.
    let week = "SELECT count(*) FROM slices s, (SELECT max(date) AS day FROM slices) AS last \
                WHERE data_state = 'complete' AND s.date > last.day - 7";
    wait_until("the last week", MINUTE, || async { Ok(world.db.number(week).await? >= 56) }).await?;
    eprint_figure("a new mall's last week", began.elapsed());

    // The live mall's history: a day a request for two endpoints, all planned, newest first.
    let planned = "SELECT count(*) FROM jobs WHERE mall_id = 'moonlit' AND lane = 'backfill'";
    wait_until("the history planned", MINUTE, || async { Ok(world.db.number(planned).await? == 108) })
        .await?;
    let disordered = "SELECT count(*) FROM jobs a JOIN jobs b USING (mall_id, lane) \
                      WHERE a.lane = 'backfill' AND a.turn < b.turn AND a.end_date < b.end_date";
    assert_eq!(world.db.number(disordered).await?, 0);
    wait_until("some history", MINUTE, || async {
        let fetched = "SELECT count(*) FROM jobs WHERE mall_id = 'moonlit' AND lane = 'backfill' AND work_state = 'done'";
        Ok(world.db.number(fetched).await? >= 20)
    })
    .await?;
    let skipped = "SELECT count(*) FROM jobs a JOIN jobs b USING (mall_id, lane) WHERE a.mall_id = 'moonlit' AND a.lane = 'backfill' \
                   AND a.work_state = 'planned' AND b.work_state = 'done' AND a.end_date > b.end_date + 10";
    assert_eq!(world.db.number(skipped).await?, 0, "older days went before newer ones");
    let wanted = "SELECT wanted_from::text FROM connectors WHERE mall_id = 'moonlit'";
    let wanted: String = world.db.client().query_one(wanted, &[]).await.context(wanted)?.get(0);
    let first = common::domain::calendar::kst_day(common::clock::now()) - chrono::Days::new(60);
    assert_eq!(wanted, first.to_string());

    // Known malls are not new again.
    let jobs = world.db.number("SELECT count(*) FROM jobs").await?;
    world.import().await?;
    tokio::time::sleep(super::A_WHILE).await;
    assert_eq!(world.db.number("SELECT count(*) FROM jobs").await?, jobs);
    drop((worker, daemon));
    Ok(())
}

#[tokio::test]
async fn a_mall_without_consent_begins_when_it_has_one() -> Result<()> {
    let sim = SimConfig { malls: 1, ..SimConfig::default() };
    let env = super::far_from_any_beat();
    let config = WorldConfig { sim, env, no_import: true, ..WorldConfig::default() };
    let world = World::start_with(config.set("SCHEDULE__ONBOARDING", "3d")).await?;
    let mall = world.sim.malls()[0].mall_id.clone();
    let file = world.programs.logs().join("bare.csv");
    std::fs::write(&file, format!("mall_id,mode,wanted_from\n{mall},api,2026-01-01\n")).context("a file")?;
    let _daemon = world.programs.serve()?;
    world.cli(&["malls", "import", &file.to_string_lossy()]).await?.success()?;
    tokio::time::sleep(super::A_WHILE).await;
    assert_eq!(world.db.number("SELECT count(*) FROM jobs").await?, 0);
    world.import().await?;
    wait_until("its jobs", MINUTE, || async { Ok(world.db.number("SELECT count(*) FROM jobs").await? > 8) })
        .await?;
    let first = "SELECT (min(start_date) - '2026-01-01')::bigint FROM jobs";
    wait_until("its history", MINUTE, || async { Ok(world.db.number(first).await? == 0) }).await
}

fn eprint_figure(what: &str, took: Duration) {
    #[expect(clippy::print_stderr, reason = "only this macro is captured by the test runner")]
    {
        eprintln!("figure: {what}: {:.1} s", took.as_secs_f64());
    }
}
