//! Many malls that come at once: their histories keep nothing waiting that is fresh. The full three thousand malls are
//! measured by `./dev bench crowd`.

use std::time::Duration;

use tests::harness::{Broker, Context as _, Result, World, WorldConfig, wait_until};
use tests::simulator::{Dialect, MallSpec, SimConfig, Size};

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_mins(3);
/// Malls that come at once; a year of each is some 740 jobs.
const MALLS: usize = 60;
/// Messages of a key with the broker at the most: a full bucket's window in each lane.
const WINDOWS: i64 = 2 * 43;
/// What a daemon may hold beyond what it holds when nothing is to be done, in KiB; planning 2.2 million jobs takes 30 MiB.
const MORE: u64 = 100 * 1_024;

/// Malls whose history is not planned to its end.
const LEFT: &str =
    "SELECT count(*) FROM schedule_ticks WHERE schedule = 'onboarding' AND next_at IS NOT NULL AND NOT over";
const SLICES: &str = "SELECT count(*) FROM (SELECT mall_id, endpoint, day FROM jobs, \
    generate_series(start_date::timestamp, end_date::timestamp, interval '1 day') AS day) AS s";

async fn world(malls: usize) -> Result<World> {
    let spec =
        |n| MallSpec { size: Size::Small, dialect: Dialect::Live, ..MallSpec::new(&format!("crowd{n:03}")) };
    let sim = SimConfig { malls: 0, extra_malls: (0..malls).map(spec).collect(), ..SimConfig::default() };
    let env = super::far_from_any_beat();
    let config = WorldConfig { sim, env, no_import: true, ..WorldConfig::default() };
    World::start_with(config.set("SCHEDULE__ONBOARDING", "365d")).await
}

/// All that was wanted is planned, nothing of it twice.
async fn all_is_planned_once(world: &World) -> Result<()> {
    let without = "SELECT count(*) FROM connectors c WHERE NOT EXISTS \
                   (SELECT FROM jobs j WHERE j.mall_id = c.mall_id AND j.start_date = c.wanted_from)";
    assert_eq!(world.db.number(without).await?, 0, "malls without their first day");
    let of_the_past = SLICES.replace("AS day) AS s", "AS day WHERE day < now() - interval '2 days') AS s");
    let distinct = of_the_past.replace("SELECT mall_id", "SELECT DISTINCT mall_id");
    let planned = world.db.number(&distinct).await?;
    assert_eq!(world.db.number(&of_the_past).await?, planned);
    let malls = world.db.number("SELECT count(*) FROM connectors").await?;
    assert!((363 * 4 * malls..=365 * 4 * malls).contains(&planned), "{planned} slices of {malls} malls");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn m01_a_day_that_is_asked_for_while_a_crowds_histories_are_planned_goes_before_them() -> Result<()> {
    let world = world(MALLS).await?;
    let broker = Broker::connect(&world.servers.amqp).await?;
    let serve = world.programs.serve()?;
    let worker = world.programs.worker()?;
    serve.listen(Duration::from_secs(30)).await?;
    let before = serve.usage()?.peak_kib;
    world.import().await?;
    let histories = "SELECT count(*) FROM jobs WHERE lane = 'backfill'";
    wait_until("the histories", LIMIT, || async { Ok(world.db.number(histories).await? > 0) }).await?;

    // A morning and gaps that fall due now: after all histories, by their time.
    let due = "UPDATE schedule_ticks SET next_at = now(), last_at = now() - interval '2 days' \
               WHERE (mall_id, schedule) IN (('crowd007', 'window'), ('crowd008', 'gaps'))";
    world.db.client().execute(due, &[]).await.context(due)?;
    // And a day that somebody asks for.
    let today = common::domain::calendar::kst_day(common::clock::now()).to_string();
    world.enqueue(&["--mall", "crowd009", "--from", &today, "--to", &today, "--lane", "fresh"]).await?;
    let ticked = "SELECT count(*) FROM schedule_ticks WHERE next_at > now() \
                  AND (mall_id, schedule) IN (('crowd007', 'window'), ('crowd008', 'gaps'))";
    let there = format!("SELECT count(*) FROM slices WHERE mall_id = 'crowd009' AND date = '{today}'");
    wait_until("the morning and the day", LIMIT, || async {
        Ok(world.db.number(ticked).await? == 2 && world.db.number(&there).await? == 4)
    })
    .await?;
    let (left, waiting) = (world.db.number(LEFT).await?, world.jobs_in(&["planned"]).await?);
    assert!(left > 0 || waiting > 1_000, "all else was over: {left} malls, {waiting} jobs");
    assert!(world.db.number("SELECT count(*) FROM runs WHERE kind = 'window'").await? > 0);
    // Histories are not taken for gaps.
    let gaps = "SELECT count(*) FROM jobs j JOIN runs r USING (run_id) WHERE r.kind = 'gaps'";
    assert_eq!(world.db.number(gaps).await?, 0);

    let mut most = 0;
    while world.db.number(LEFT).await? > 0 {
        // The newest days of all malls before older ones of any.
        let apart = "SELECT coalesce(max(reached) - min(reached), 0)::bigint FROM schedule_ticks \
                     WHERE schedule = 'onboarding'";
        let apart = world.db.number(apart).await?;
        assert!(apart < 2 * 90, "{apart} days apart");
        for lane in ["fresh", "backfill"] {
            let depth = broker.depth(&world.prefix.queue(lane)).await?.map_or(0, |(ready, _)| ready);
            most = most.max(i64::from(depth));
        }
        most = most.max(world.jobs_in(&["queued", "running"]).await?);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let malls = i64::try_from(MALLS).unwrap_or(i64::MAX);
    assert!(most <= WINDOWS * malls, "{most} messages");
    let more = serve.usage()?.peak_kib - before;
    assert!(more < MORE, "{more} KiB more than before");
    all_is_planned_once(&world).await?;
    drop((worker, serve));
    Ok(())
}

#[tokio::test]
async fn m01_what_the_database_does_not_plan_in_time_is_planned_in_halves() -> Result<()> {
    let world = world(3).await?;
    // A statement timeout that comes with the work, not with the clock. A stretch of one mall alone is 182 jobs.
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                IF (SELECT count(*) FROM made) > 50 THEN RAISE 'too slow' USING ERRCODE = 'query_canceled'; END IF; \
                RETURN NULL; END $$; \
                CREATE TRIGGER slow AFTER INSERT ON jobs REFERENCING NEW TABLE AS made \
                FOR EACH STATEMENT EXECUTE FUNCTION slow()";
    world.db.client().batch_execute(slow).await.context(slow)?;
    world.import().await?;
    let once = world.programs.cli(&["serve", "--once", "scheduler", "--json"], LIMIT).await?;
    assert_eq!(world.db.number(LEFT).await?, 0, "{}", once.stderr);
    once.success()?;
    all_is_planned_once(&world).await?;

    // Planning by hand, too; whole groups of malls and one mall's days.
    let wish = ["--all", "--last", "365d", "--chunk-days", "1", "--force", "--lane", "backfill", "--yes"];
    world.db.client().batch_execute("DELETE FROM jobs").await.context("no jobs")?;
    let planned = world.enqueue(&wish).await?;
    assert_eq!(planned["jobs"], 3 * 4 * 365, "{planned}");
    Ok(())
}
