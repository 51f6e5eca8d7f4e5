//! Postgres: sessions that end, commits without an answer, overlapping writes, a full disk.

use std::time::{Duration, Instant};

use tests::harness::{Context as _, Kind, OwnServer, Proxy, Result, Servers, wait_until};
use tests::simulator::Endpoint;

use super::sampler::Sampler;
use super::stage::{SOON, Setting, Size, Stage, is_true, say};

const TERMINATE: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                         WHERE datname = current_database() AND application_name = 'cafe24-sync-worker'";

#[tokio::test]
async fn p01_sessions_ended_in_the_middle_of_writes_leave_no_half_slice() -> Result<()> {
    let stage = Stage::start(Size { malls: 3, large: 1, days: 28, ..Size::default() }).await?;
    let sampler = Sampler::start(stage.world.db.url());
    let (_feeder, _worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    for part in 1..=10 {
        stage.until_done(jobs * part / 12).await?;
        stage.number(TERMINATE).await?;
        let ended = Instant::now();
        let done = stage.jobs_done().await?;
        stage.until_done(done + 1).await?;
        if part == 5 {
            say("p01 first commit after the end of all sessions, s", ended.elapsed().as_secs_f64());
        }
    }
    stage.verify_once(jobs).await?;
    say("p01 samples", sampler.result()?);
    Ok(())
}

#[tokio::test]
async fn p01_postgres_killed_in_the_middle_of_writes_leaves_no_half_slice() -> Result<()> {
    let mut own = OwnServer::start(Kind::Postgres).await?;
    let setting = Setting { own: Some(&own), ..Setting::default() };
    let stage = Stage::start_with(Size { malls: 3, large: 1, days: 28, ..Size::default() }, setting).await?;
    let sampler = Sampler::start(stage.world.db.url());
    let (_feeder, _worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    for part in 1..=3 {
        stage.until_done(jobs * part / 5).await?;
        own.kill().await?;
        own.resume().await?;
        let back = Instant::now();
        let done = stage.jobs_done().await?;
        stage.until_done(done + 1).await?;
        say("p01 first commit after the return, s", back.elapsed().as_secs_f64());
    }
    stage.verify_once(jobs).await?;
    say("p01 samples", sampler.result()?);
    Ok(())
}

#[tokio::test]
async fn p02_a_commit_without_an_answer_is_neither_doubled_nor_fetched_again() -> Result<()> {
    let proxy = Proxy::start(&Servers::address(&Servers::from_env()?.database)).await?;
    let setting = Setting { database: Some(&proxy), ..Setting::default() };
    let stage = Stage::start_with(Size::default(), setting).await?;
    // The daemon commits, too, and is beside the proxy: each answer that is lost here is a batch's.
    let _feeder =
        stage.feeder_of(&stage.world.programs.clone().set("DATABASE_URL", stage.world.db.url())).await?;
    let worker = stage.worker().await?;
    let jobs = stage.enqueue().await?;
    for lost in 1..=5 {
        stage.until_done(jobs * lost / 8).await?;
        proxy.swallow_next_commit();
        let swallowed = || async { Ok(i64::try_from(proxy.counts().commits_swallowed) == Ok(lost)) };
        wait_until("a COMMIT swallowed", SOON, swallowed).await?;
    }
    stage.verify_once(jobs).await?;
    let asked = worker.log().matches("commit.unknown").count();
    is_true(asked >= 5, || format!("the ledger was asked {asked} times for 5 lost answers"))
}

#[tokio::test]
async fn p03_batches_that_write_the_same_rows_for_different_endpoints_meet_no_deadlock() -> Result<()> {
    let env = [("CAFE24_SYNC__WORKER__BATCH_WAIT", "100ms")];
    let size = Size { malls: 6, days: 20, chunk: 1, speed: 100, capacity: 40, ..Size::default() };
    let stage = Stage::start_with(size, Setting { env: &env, ..Setting::default() }).await?;
    let _programs = (stage.feeder().await?, stage.worker().await?, stage.worker().await?);
    let wish = ["--all", "--from", "2026-02-01", "--to", "2026-02-20", "--chunk-days", "1", "--force"];
    let store = ["--endpoint", "visitors", "--endpoint", "pageviews"];
    for _ in 0..4 {
        stage.world.enqueue(&[&wish[..], &store].concat()).await?;
        stage.settled().await?;
        for mall in stage.world.sim.malls() {
            for day in Stage::first_day().iter_days().take(20) {
                for endpoint in [Endpoint::VisitorsView, Endpoint::VisitorsPageview] {
                    stage.world.sim.restate(&mall.mall_id, endpoint, day).context("restate")?;
                }
            }
        }
    }
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    is_true(stage.number(deadlocks).await? == 0, || "deadlocks".to_owned())
}

#[tokio::test]
async fn p03_overlapping_chunks_in_two_workers_meet_no_deadlock() -> Result<()> {
    let env = [("CAFE24_SYNC__WORKER__BATCH_WAIT", "1ms"), ("CAFE24_SYNC__WORKER__BATCH_ROWS", "1")];
    let size = Size { malls: 2, days: 28, chunk: 28, speed: 20, capacity: 10, ..Size::default() };
    let stage = Stage::start_with(size, Setting { env: &env, ..Setting::default() }).await?;
    let sampler = Sampler::start(stage.world.db.url());
    let _programs = (stage.feeder().await?, stage.worker().await?, stage.worker().await?);
    for round in 0..8 {
        // Days in the middle first; the long chunks then reach over the jobs that still live.
        let (from, to) = (format!("2026-02-{:02}", 8 + round), format!("2026-02-{:02}", 18 + round));
        let days = ["enqueue", "--all", "--from", &from, "--to", &to, "--chunk-days", "2", "--force"];
        stage.world.json(&days).await?;
        for chunk in ["28", "9", "5"] {
            let all =
                ["enqueue", "--all", "--from", "2026-02-01", "--to", "2026-02-28", "--chunk-days", chunk];
            stage.world.json(&[&all[..], &["--force"]].concat()).await?;
        }
        for mall in stage.world.sim.malls() {
            for day in (Stage::first_day().iter_days()).take(28) {
                for endpoint in Endpoint::ALL {
                    let restated = stage.world.sim.restate(&mall.mall_id, endpoint, day);
                    restated.map_err(|error| tests::harness::Trouble::new(error.to_string()))?;
                }
            }
        }
    }
    stage.settled().await?;
    // What was fetched before its last restatement is fetched again, so that the books and the tables must agree.
    let last = ["enqueue", "--all", "--from", "2026-02-01", "--to", "2026-02-28", "--force"];
    stage.world.enqueue(&last[1..]).await?;
    stage.verify().await?;
    let overlaps = "SELECT count(*) FROM jobs a JOIN jobs b USING (mall_id, endpoint) WHERE a.job_id < b.job_id \
        AND (a.start_date, a.end_date + 1) OVERLAPS (b.start_date, b.end_date + 1) \
        AND (a.claimed_at, a.finished_at) OVERLAPS (b.claimed_at, b.finished_at) AND a.worker <> b.worker";
    let overlapping = stage.number(overlaps).await?;
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    say("p03 pairs of overlapping jobs at the same time in two workers", overlapping);
    is_true(overlapping > 0, || "no two overlapping jobs ran at the same time".to_owned())?;
    is_true(stage.number(deadlocks).await? == 0, || "deadlocks".to_owned())?;
    sampler.result().map(drop)
}

/// A full disk, as far as writing metrics is concerned, while `condition` holds.
fn full_disk(condition: &str) -> String {
    format!(
        "CREATE SEQUENCE faults_met; GRANT ALL ON faults_met TO PUBLIC;
         CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF {condition} THEN
                 RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
             END IF;
             RETURN NULL;
         END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON metrics_daily EXECUTE FUNCTION full_disk();"
    )
}

#[tokio::test]
async fn p04_a_disk_full_for_a_few_writes_is_waited_out() -> Result<()> {
    // A job a batch, so that none can be split until it fits.
    let env = [("CAFE24_SYNC__WORKER__BATCH_ROWS", "1")];
    let setting = Setting { env: &env, ..Setting::default() };
    let stage = Stage::start_with(Size { malls: 2, days: 14, ..Size::default() }, setting).await?;
    let (_feeder, _worker) = (stage.feeder().await?, stage.worker().await?);
    // A sequence is not rolled back.
    stage.sql(&full_disk("nextval('faults_met') BETWEEN 3 AND 6")).await?;
    let jobs = stage.enqueue().await?;
    stage.verify_once(jobs).await?;
    is_true(stage.number("SELECT last_value FROM faults_met").await? > 6, || "no fault was met".to_owned())?;
    is_true(stage.number("SELECT max(attempts)::bigint FROM jobs").await? == 0, || "an attempt".to_owned())
}

#[tokio::test]
async fn p04_a_disk_full_for_seconds_is_waited_out_and_nothing_dies() -> Result<()> {
    let stage = Stage::start(Size::default()).await?;
    let (_feeder, worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 4).await?;
    stage.sql(&full_disk("nextval('faults_met') > 0")).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let met = stage.number("SELECT last_value FROM faults_met").await?;
    is_true(met > 0, || "no fault was met".to_owned())?;
    let (before, dead) = (stage.jobs_done().await?, "SELECT count(*) FROM jobs WHERE work_state = 'failed'");
    is_true(stage.number(dead).await? == 0, || "a job died of a full disk".to_owned())?;
    stage.sql("DROP TRIGGER full_disk ON metrics_daily").await?;
    let freed = Instant::now();
    stage.until_done(before + 1).await?;
    say("p04 first commit after space was freed, s", freed.elapsed().as_secs_f64());
    stage.verify_once(jobs).await?;
    is_true(worker.log().contains("disk is full"), || "the operator was not told".to_owned())?;
    is_true(stage.number("SELECT max(attempts)::bigint FROM jobs").await? == 0, || "an attempt".to_owned())
}

#[tokio::test]
async fn p07_a_table_locked_by_somebody_else_is_waited_for_and_whoever_holds_it_is_named() -> Result<()> {
    let stage = Stage::start(Size { malls: 2, days: 10, ..Size::default() }).await?;
    let (_feeder, worker) = (stage.feeder().await?, stage.worker().await?);
    let (mut analyst, _connection) = stage.session().await?;
    let pid: i32 = analyst
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .and_then(|row| row.try_get(0))
        .context("pid")?;
    let lock = analyst.transaction().await.context("BEGIN")?;
    lock.batch_execute("LOCK TABLE metrics_daily IN ACCESS EXCLUSIVE MODE").await.context("LOCK")?;
    let jobs = stage.enqueue().await?;
    // The worker gives up its first try after `lock_timeout`, 5 s.
    let named = worker.event("postgres.locked", SOON).await?;
    is_true(named["pid"] == pid && named["tables"] == "metrics_daily", || named.to_string())?;
    // Since when is for roles that may see other roles' sessions; the worker's may not (docs/adr/0018).
    is_true(stage.jobs_done().await? == 0, || "written into a locked table".to_owned())?;
    lock.rollback().await.context("ROLLBACK")?;
    let released = Instant::now();
    stage.until_done(1).await?;
    say("p07 first commit after the release, s", released.elapsed().as_secs_f64());
    is_true(released.elapsed() < Duration::from_secs(10), || format!("{:?}", released.elapsed()))?;
    stage.verify_once(jobs).await?;
    let attempts = stage.number("SELECT coalesce(max(attempts), 0)::bigint FROM jobs").await?;
    is_true(attempts == 0, || format!("{attempts} attempts"))
}
