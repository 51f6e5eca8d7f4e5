//! What takes more than about twenty seconds: long outages, many kills, much data.

use std::time::{Duration, Instant};

use tests::harness::{Kind, OwnServer, Result};

use super::stage::{Setting, Size, Stage, is_true, say};
use super::{producer, redis, worker};

/// Each server is away for this long.
const AWAY: Duration = Duration::from_secs(20);
/// For a worker (`docs/reliability.md` I8).
const RSS_KIB: u64 = 256 * 1024;

/// Stops a server in the middle of a run, in order, for twenty seconds. It goes on by itself.
async fn stopped(kind: Kind, row: &str) -> Result<()> {
    let mut own = OwnServer::start(kind).await?;
    let stage = Stage::start_with(
        Size { malls: 3, days: 56, ..Size::default() },
        Setting { own: Some(&own), ..Setting::default() },
    )
    .await?;
    let (feeder, worker) = (stage.feeder().await?, stage.worker().await?);
    // See `harness::own`: a young queue does not survive.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 4).await?;
    own.stop().await?;
    tokio::time::sleep(AWAY).await;
    own.resume().await?;
    let back = Instant::now();
    let before = stage.jobs_done().await?;
    stage.until_done((before + 1).min(jobs)).await?;
    say(&format!("{row} first commit after the return, s"), back.elapsed().as_secs_f64());
    stage.verify_once(jobs).await?;
    is_true(feeder.is_running() && worker.is_running(), || "a program has ended".to_owned())
}

#[tokio::test]
async fn b02_rabbitmq_away_for_twenty_seconds() -> Result<()> {
    stopped(Kind::Rabbit, "b02 away:").await
}

#[tokio::test]
async fn r01_redis_away_for_twenty_seconds() -> Result<()> {
    stopped(Kind::Redis, "r01 away:").await
}

#[tokio::test]
async fn r02_a_flushed_redis_causes_no_429_and_full_speed_comes_back() -> Result<()> {
    redis::forgotten(&mut OwnServer::start(Kind::Redis).await?, "r02 flushed:", false, false).await
}

#[tokio::test]
async fn r02_a_redis_restarted_empty_causes_no_429_and_full_speed_comes_back() -> Result<()> {
    redis::forgotten(&mut OwnServer::start(Kind::Redis).await?, "r02 restarted:", true, false).await
}

#[tokio::test]
async fn r02_a_flushed_redis_is_safe_even_if_no_answer_tells_what_is_left() -> Result<()> {
    redis::forgotten(&mut OwnServer::start(Kind::Redis).await?, "r02 flushed, blind:", false, true).await
}

#[tokio::test]
async fn p01_postgres_away_for_twenty_seconds() -> Result<()> {
    stopped(Kind::Postgres, "p01 away:").await
}

#[tokio::test]
async fn w01_workers_killed_at_random_moments_lose_and_double_nothing() -> Result<()> {
    worker::twenty_workers_killed().await
}

#[tokio::test]
async fn s02_feeders_killed_at_random_moments_lose_and_double_nothing() -> Result<()> {
    producer::ten_feeders_killed().await
}

#[tokio::test]
async fn i08_a_worker_stays_small_with_large_malls() -> Result<()> {
    let size = Size { malls: 4, large: 4, days: 28, chunk: 7, ..Size::default() };
    let stage = Stage::start(size).await?;
    let (feeder, worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    stage.verify_once(jobs).await?;
    let (worker, feeder) = (worker.usage()?, feeder.usage()?);
    say("i08 rows", stage.number("SELECT count(*) FROM metrics_daily").await?);
    say("i08 most memory of the worker, MiB", worker.peak_kib / 1024);
    say("i08 most memory of the daemon, MiB", feeder.peak_kib / 1024);
    is_true(worker.peak_kib <= RSS_KIB, || format!("the worker held {} KiB", worker.peak_kib))?;
    is_true(feeder.peak_kib <= RSS_KIB / 2, || format!("the daemon held {} KiB", feeder.peak_kib))
}
