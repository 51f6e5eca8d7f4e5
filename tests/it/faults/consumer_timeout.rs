//! RabbitMQ's consumer time-out: whoever holds a delivery for too long loses its channel.

use std::time::{Duration, Instant};

use tests::harness::{Context as _, OwnServer, Program, Result, Signal, wait_until};
use tests::simulator::{FaultKind, FaultRule};

use super::stage::{SOON, Setting, Size, Stage, is_true, say};

/// How often a worker says that it consumes.
fn consumed(worker: &Program) -> usize {
    worker
        .events()
        .iter()
        .filter(|event| event["event"] == "conn.restored" && event["prefetch"].is_u64())
        .count()
}

/// RabbitMQ that looks every second whether a delivery is held for longer than `seconds`.
async fn impatient(seconds: u32) -> Result<OwnServer> {
    let conf = format!("consumer_timeout = {}\n", seconds * 1_000);
    OwnServer::start_rabbit(&conf, Some("[{rabbit, [{channel_tick_interval, 1000}]}].")).await
}

#[tokio::test]
async fn b05_jobs_that_wait_for_a_slow_mall_go_back_before_the_broker_loses_its_patience() -> Result<()> {
    let own = impatient(12).await?;
    // A full bucket, which lets fifteen out at once, and two answers at a time of up to two seconds each.
    let size = Size { malls: 1, days: 10, latency: 2_000, ..Size::default() };
    let env = [("CAFE24_SYNC__RABBITMQ__HOLD", "5s")];
    let stage = Stage::start_with(size, Setting { own: Some(&own), env: &env, ..Setting::default() }).await?;
    let (_feeder, worker) = (stage.feeder().await?, stage.worker().await?);
    let begun = Instant::now();
    let jobs = stage.enqueue().await?;
    stage.verify_once(jobs).await?;
    say("b05 a run of s under a time-out of 12 s", begun.elapsed().as_secs_f64());
    is_true(begun.elapsed() > Duration::from_secs(20), || {
        "the run was too short to show anything".to_owned()
    })?;
    is_true(!worker.log().contains("PRECONDITION_FAILED"), || "a delivery was held for too long".to_owned())?;
    is_true(consumed(&worker) == 1, || "the channel was opened again".to_owned())?;
    is_true(worker.metrics().await?.sum("cafe24_sync_redeliveries_total") == 0.0, || {
        "redelivered".to_owned()
    })?;
    is_true(stage.number("SELECT max(attempts)::bigint FROM jobs").await? == 0, || "an attempt".to_owned())
}

#[tokio::test]
async fn b05_a_channel_that_the_broker_closed_is_opened_again_and_what_was_in_work_is_done_once() -> Result<()>
{
    let own = impatient(4).await?;
    let env =
        [("CAFE24_SYNC__WORKER__FIRST_BYTE_TIMEOUT", "40s"), ("CAFE24_SYNC__WORKER__TOTAL_TIMEOUT", "60s")];
    let size = Size { malls: 2, days: 14, ..Size::default() };
    let stage = Stage::start_with(size, Setting { own: Some(&own), env: &env, ..Setting::default() }).await?;
    let (_feeder, frozen) = (stage.feeder().await?, stage.worker().await?);
    let sim = &stage.world.sim;
    let hold = sim.order(FaultRule::always(FaultKind::Hold)).context("order")?;
    let jobs = stage.enqueue().await?;
    wait_until("four answers held", SOON, || async { Ok(sim.held() == 4) }).await?;
    // For longer than the time-out, and shorter than what the heartbeat allows.
    frozen.signal(Signal::Stop)?;
    tokio::time::sleep(Duration::from_secs(8)).await;
    is_true(sim.cancel_fault(hold), || "no hold".to_owned())?;
    frozen.signal(Signal::Cont)?;
    let woken = Instant::now();
    wait_until("the channel again", SOON, || async { Ok(consumed(&frozen) == 2) }).await?;
    let again = woken.elapsed();
    say("b05 the channel is open again, s after it woke", again.as_secs_f64());
    is_true(again < Duration::from_secs(10), || format!("only after {again:?}"))?;
    // lapin's own line, at the level that tests log at.
    is_true(frozen.log().contains("PRECONDITION_FAILED"), || "the channel was not closed".to_owned())?;
    // What was in work goes on, and is settled with its new delivery.
    sim.release();
    stage.verify().await?;
    let redelivered = frozen.metrics().await?.sum("cafe24_sync_redeliveries_total");
    say("b05 redelivered to it", redelivered);
    is_true(redelivered > 4.0, || format!("{redelivered} were redelivered"))?;
    let requests = sim.report().total.requests;
    is_true(i64::try_from(requests) == Ok(jobs), || format!("{requests} requests for {jobs} jobs"))?;
    is_true(stage.number("SELECT max(attempts)::bigint FROM jobs").await? == 0, || "an attempt".to_owned())
}
