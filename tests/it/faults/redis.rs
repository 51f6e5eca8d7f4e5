//! Redis: away, frozen, empty, read-only, full. Nothing is sent while it cannot be asked.

use std::time::{Duration, Instant};

use tests::harness::proxy::Fault;
use tests::harness::{Context as _, Kind, OwnServer, Proxy, Result, Servers, wait_until};
use tests::simulator::{FaultKind, FaultRule};

use super::stage::{SOON, Setting, Size, Stage, USE_BY, is_true, say};

/// How long Redis is out of order.
const AWAY: Duration = Duration::from_secs(6);

/// Enough work for the fault to meet a run in full speed.
fn size() -> Size {
    Size { malls: 3, days: 56, ..Size::default() }
}

/// A command to the test's own Redis.
async fn command(own: &OwnServer, words: &[&str]) -> Result<redis::Value> {
    let client = redis::Client::open(own.url()).context("redis")?;
    let mut connection = client.get_multiplexed_async_connection().await.context("redis")?;
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]).query_async(&mut connection).await.with_context(|| words.join(" "))
}

/// Nothing arrived while Redis was away, and all goes on when it is back.
async fn closed_between(stage: &Stage, row: &str, gone: Instant, back: Instant, jobs: i64) -> Result<()> {
    let let_through = stage.arrivals_between(gone + USE_BY, back)?;
    let again = || async { Ok(stage.first_after(back)?.is_some()) };
    wait_until("a request after the return", SOON, again).await?;
    let recovery = stage.first_after(back)?.unwrap_or_default();
    say(&format!("{row} first request after the return, s"), recovery.as_secs_f64());
    let late = stage.arrivals_between(gone, gone + USE_BY)?;
    say(&format!("{row} requests on grants from before"), late);
    is_true(let_through == 0, || format!("{let_through} requests without Redis"))?;
    is_true(recovery <= Duration::from_secs(5), || format!("back only after {recovery:?}"))?;
    stage.verify_once(jobs).await.map(drop)
}

#[tokio::test]
async fn r01_nothing_is_sent_while_redis_is_killed() -> Result<()> {
    let mut own = OwnServer::start(Kind::Redis).await?;
    let stage = Stage::start_with(size(), Setting { own: Some(&own), ..Setting::default() }).await?;
    let (_feeder, _worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 4).await?;
    own.kill().await?;
    let gone = Instant::now();
    tokio::time::sleep(AWAY).await;
    let back = Instant::now();
    own.resume().await?;
    closed_between(&stage, "r01 killed:", gone, back, jobs).await
}

#[tokio::test]
async fn r01_nothing_is_sent_while_redis_is_frozen() -> Result<()> {
    let own = OwnServer::start(Kind::Redis).await?;
    let stage = Stage::start_with(size(), Setting { own: Some(&own), ..Setting::default() }).await?;
    let (_feeder, _worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 4).await?;
    own.freeze()?;
    let gone = Instant::now();
    tokio::time::sleep(AWAY).await;
    let back = Instant::now();
    own.thaw()?;
    closed_between(&stage, "r01 frozen:", gone, back, jobs).await
}

#[tokio::test]
async fn r01_nothing_is_sent_while_redis_is_behind_a_black_hole() -> Result<()> {
    let proxy = Proxy::start(&Servers::address(&Servers::from_env()?.redis)).await?;
    let stage = Stage::start_with(size(), Setting { redis: Some(&proxy), ..Setting::default() }).await?;
    let (_feeder, _worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 4).await?;
    proxy.set(Fault::Blackhole);
    let gone = Instant::now();
    tokio::time::sleep(AWAY).await;
    let back = Instant::now();
    proxy.set(Fault::None);
    closed_between(&stage, "r01 black hole:", gone, back, jobs).await
}

#[tokio::test]
async fn r03_a_read_only_redis_grants_nothing() -> Result<()> {
    let own = OwnServer::start(Kind::Redis).await?;
    let stage = Stage::start_with(size(), Setting { own: Some(&own), ..Setting::default() }).await?;
    let (_feeder, _worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 4).await?;
    command(&own, &["REPLICAOF", "127.0.0.1", "1"]).await?;
    let gone = Instant::now();
    tokio::time::sleep(AWAY).await;
    let back = Instant::now();
    command(&own, &["REPLICAOF", "NO", "ONE"]).await?;
    closed_between(&stage, "r03 read-only:", gone, back, jobs).await
}

#[tokio::test]
async fn r03_forgotten_scripts_are_loaded_again_unseen() -> Result<()> {
    let own = OwnServer::start(Kind::Redis).await?;
    let stage = Stage::start_with(Size::default(), Setting { own: Some(&own), ..Setting::default() }).await?;
    let (_feeder, _worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    for part in 1..=4 {
        stage.until_done(jobs * part / 6).await?;
        command(&own, &["SCRIPT", "FLUSH"]).await?;
        let flushed = Instant::now();
        wait_until("a request", SOON, || async { Ok(stage.first_after(flushed)?.is_some()) }).await?;
        let pause = stage.first_after(flushed)?.unwrap_or_default();
        is_true(pause < Duration::from_secs(1), || format!("nothing sent for {pause:?}"))?;
    }
    stage.verify_once(jobs).await.map(drop)
}

#[tokio::test]
async fn r04_a_full_redis_grants_nothing() -> Result<()> {
    let own = OwnServer::start(Kind::Redis).await?;
    let stage = Stage::start_with(size(), Setting { own: Some(&own), ..Setting::default() }).await?;
    let (_feeder, _worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 4).await?;
    command(&own, &["CONFIG", "SET", "maxmemory", "1"]).await?;
    let gone = Instant::now();
    tokio::time::sleep(AWAY).await;
    let back = Instant::now();
    command(&own, &["CONFIG", "SET", "maxmemory", "256mb"]).await?;
    closed_between(&stage, "r04 full:", gone, back, jobs).await
}

/// Redis forgets everything when all buckets are about empty. At the real speed and with the default capacity, so
/// that the server's bucket has no slack for a mistake; with slow answers, four workers, and without the headers that
/// tell what is left if `blind`, so that no answer can mend one.
pub(super) async fn forgotten(own: &mut OwnServer, row: &str, restart: bool, blind: bool) -> Result<()> {
    let size = Size { malls: 3, days: 24, speed: 1, capacity: 35, latency: 500, ..Size::default() };
    let stage = Stage::start_with(size, Setting { own: Some(own), ..Setting::default() }).await?;
    let _feeder = stage.feeder().await?;
    let mut workers = Vec::new();
    for _ in 0..4 {
        workers.push(stage.worker().await?);
    }
    let jobs = stage.enqueue().await?;
    // 35 at once, and then as they come.
    stage.until_done(3 * 40).await?;
    let level = stage.world.sim.level(&stage.mall(0)).context("level")?;
    say(&format!("{row} level of the server's bucket at the flush"), level);
    if blind {
        let set = ["remaining", "requested-tokens", "burst-capacity", "replenish-rate"];
        let set = set.map(|header| (format!("x-ratelimit-{header}"), None)).into();
        stage.world.sim.order(FaultRule::always(FaultKind::Headers { set })).context("order")?;
    }
    if restart {
        own.kill().await?;
        own.resume_empty().await?;
    } else {
        command(own, &["FLUSHALL"]).await?;
    }
    let flushed = Instant::now();
    let report = stage.verify_once(jobs).await?;
    // 6 requests a second are full speed; 90 % of it over five seconds.
    let arrivals = stage.arrivals()?;
    let (window, full) = (Duration::from_secs(5), 27);
    let full_at = (0..200).map(|step| Duration::from_millis(100 * step)).find(|after| {
        let from = flushed + *after;
        arrivals.iter().filter(|at| **at >= from && **at < from + window).count() >= full
    });
    say(&format!("{row} full speed after s"), full_at.map_or(f64::NAN, |at| at.as_secs_f64()));
    say(&format!("{row} lowest level"), report.total.min_level.unwrap_or(f64::NAN));
    is_true(full_at.is_some(), || "no full speed within 20 s".to_owned())
}
