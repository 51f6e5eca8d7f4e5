//! A leader that dies in the middle of a tick leaves nothing out and nothing twice; ten thousand malls are a small matter.

use std::time::{Duration, Instant};

use tests::harness::{Context as _, Result, Signal, World, WorldConfig, wait_until};
use tests::simulator::SimConfig;

use super::LIMIT;

const SLICES: &str = "SELECT count(*) FROM (SELECT mall_id, endpoint, day FROM jobs, \
    generate_series(start_date::timestamp, end_date::timestamp, interval '1 day') AS day) AS s";

/// Malls that were fetched until yesterday morning, and are all due now.
async fn due_malls(malls: i32) -> Result<World> {
    let sim = SimConfig { malls: 0, ..SimConfig::default() };
    let env = super::far_from_any_beat();
    let world =
        World::start_with(WorldConfig { sim, env, no_import: true, ..WorldConfig::default() }).await?;
    let sql = format!(
        "INSERT INTO agencies VALUES ('acme') ON CONFLICT DO NOTHING;
         INSERT INTO connectors (mall_id, agency_id, dialect, limiter_key, config_json)
         SELECT 'mall' || n, 'acme', 'seed', 'mall' || n, '{{\"mode\": \"api\", \"oauth_tokens\": {{}}}}' FROM generate_series(1, {malls}) AS n;
         UPDATE schedule_ticks SET last_at = now() - interval '2 days' WHERE schedule = 'window'"
    );
    world.db.client().batch_execute(&sql).await.context("malls")?;
    Ok(world)
}

#[tokio::test]
async fn a_tick_is_gone_on_with_by_the_next_leader_and_each_slice_is_planned_once() -> Result<()> {
    let world = due_malls(350).await?;
    // The planner's lock: who holds it lets nobody plan. It is given in the order of asking.
    let lock = "SELECT pg_advisory_lock(hashtext('cafe24-sync'), hashtext('plan'))";
    let unlock = "SELECT pg_advisory_unlock(hashtext('cafe24-sync'), hashtext('plan'))";
    world.db.client().execute(lock, &[]).await.context(lock)?;
    let first = world.programs.serve()?;
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = \
                 (SELECT oid FROM pg_database WHERE datname = current_database())";
    wait_until("the scheduler waits", LIMIT, || async { Ok(world.db.number(waits).await? > 0) }).await?;
    // One group goes through, then it is our turn again.
    world.db.client().execute(unlock, &[]).await.context(unlock)?;
    world.db.client().execute(lock, &[]).await.context(lock)?;
    let planned = world.db.number("SELECT count(*) FROM jobs").await?;
    first.signal(Signal::Kill)?;
    world.db.client().execute(unlock, &[]).await.context(unlock)?;
    drop(first);
    let interrupted = world
        .db
        .number("SELECT count(*) FROM schedule_ticks WHERE schedule = 'window' AND run_id IS NULL")
        .await?;
    assert!((400..1_400).contains(&planned) && interrupted > 0, "{planned} jobs, {interrupted} malls left");

    let _second = world.programs.serve()?;
    wait_until("all malls", LIMIT, || async {
        Ok(world.db.number("SELECT count(DISTINCT mall_id) FROM jobs").await? == 350)
    })
    .await?;
    tokio::time::sleep(super::A_WHILE).await;
    assert_eq!(world.db.number("SELECT count(*) FROM jobs").await?, 1_400);
    let distinct = SLICES.replace("SELECT mall_id", "SELECT DISTINCT mall_id");
    assert_eq!(world.db.number(SLICES).await?, world.db.number(&distinct).await?);
    // One run, whoever planned it.
    assert_eq!(world.db.number("SELECT count(*) FROM runs").await?, 1);
    assert_eq!(world.db.number("SELECT jobs_planned FROM runs").await?, 1_400);
    Ok(())
}

#[tokio::test]
async fn a_morning_of_ten_thousand_malls_is_planned_in_seconds_and_by_day_it_costs_nothing() -> Result<()> {
    let world = due_malls(10_000).await?;
    let began = Instant::now();
    let once =
        world.programs.cli(&["serve", "--once", "scheduler", "--json"], Duration::from_mins(3)).await?;
    let took = began.elapsed();
    let answer = once.json()?;
    assert_eq!(answer["duties"][0]["counts"]["jobs"], 40_000, "{answer}");
    let idle = Instant::now();
    world.cli(&["serve", "--once", "scheduler"]).await?.success()?;
    let idle = idle.elapsed();
    #[expect(clippy::print_stderr, reason = "only this macro is captured by the test runner")]
    {
        eprintln!(
            "figure: a morning of 10,000 malls: 40,000 jobs in {:.1} s; a look at nothing due, with start and end: {:.2} s",
            took.as_secs_f64(),
            idle.as_secs_f64()
        );
    }
    assert!(took < Duration::from_mins(2), "{took:?}");

    // Their next mornings lie within half an hour, not at one second.
    let of_day = "(extract(epoch FROM next_at)::bigint % 86400)";
    let ticks = "FROM schedule_ticks WHERE schedule = 'window'";
    let busiest =
        format!("SELECT max(malls) FROM (SELECT count(*) AS malls {ticks} GROUP BY {of_day}) AS seconds");
    let width = format!("SELECT max({of_day}) - min({of_day}) {ticks}");
    assert!(world.db.number(&busiest).await? < 30);
    assert!((1_700..1_800).contains(&world.db.number(&width).await?));
    Ok(())
}
