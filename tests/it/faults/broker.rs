//! RabbitMQ: queues that go, confirms and acks that are lost, a message that kills.

use std::time::{Duration, Instant};

use tests::harness::{Broker, Context as _, Kind, OwnServer, Proxy, Result, Servers, wait_until};
use tests::simulator::{Endpoint, FaultKind, FaultRule};

use super::stage::{SOON, Setting, Size, Stage, is_true, repeated, say};

const REDELIVERIES: &str = "cafe24_sync_redeliveries_total";

#[tokio::test]
async fn b01_a_message_without_a_queue_is_not_marked_queued_and_the_queue_comes_back() -> Result<()> {
    let stage = Stage::start(Size { malls: 2, days: 14, ..Size::default() }).await?;
    let queue = stage.world.prefix.queue("backfill");
    let feeder = stage.feeder().await?;
    // The feeder has published before, so its connection is open and it has no reason to declare anything.
    let mall = stage.mall(0);
    let one = ["--mall", &mall, "--from", "2026-02-01", "--to", "2026-02-01", "--lane", "backfill"];
    stage.world.enqueue(&one).await?;
    let queued = "SELECT count(*) FROM jobs WHERE work_state = 'queued'";
    wait_until("the first four are queued", SOON, || async { Ok(stage.number(queued).await? == 4) }).await?;
    let broker = Broker::connect(&stage.world.servers.amqp).await?;
    broker.delete_queue(&queue).await?;

    let deleted = Instant::now();
    let jobs = stage.enqueue().await?;
    let told = feeder.event("feed.failed", SOON).await?;
    is_true(told.to_string().contains("no queue is bound"), || told.to_string())?;
    // All that is marked now is in the new queue, but for the four that were deleted with the old one.
    wait_until("what is marked is in the queue", SOON, || async {
        let depth = i64::from(broker.depth(&queue).await?.map_or(0, |(ready, _)| ready));
        let marked = stage.number(queued).await?;
        Ok(depth > 0 && (marked == depth || marked == depth + 4))
    })
    .await?;
    say("b01 declared again and published after s", deleted.elapsed().as_secs_f64());
    let _worker = stage.worker().await?;
    stage.verify_once(jobs).await.map(drop)
}

#[tokio::test]
async fn b02_a_broker_killed_between_publish_and_mark_costs_no_effect_and_no_request() -> Result<()> {
    let mut own = OwnServer::start(Kind::Rabbit).await?;
    let setting = Setting { own: Some(&own), ..Setting::default() };
    let stage = Stage::start_with(Size { malls: 6, ..Size::default() }, setting).await?;
    let _feeder = stage.feeder().await?;
    let queue = stage.world.prefix.queue("backfill");
    let broker = Broker::connect(&own.url()).await?;
    wait_until("the queue", SOON, || async { Ok(broker.depth(&queue).await?.is_some()) }).await?;
    // A quorum queue younger than that may be lost by the kill itself (`harness::own`).
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    // Without a worker, so that all that is in the queue was put there by the first pass.
    let words = stage.wish();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let enqueue = stage.world.programs.cli_started(&words)?;
    let some = || async { Ok(broker.depth(&queue).await?.is_some_and(|(ready, _)| ready > 0)) };
    wait_until("a message", SOON, some).await?;
    own.kill().await?;
    enqueue.output(SOON).await?.success()?;
    let jobs = stage.number("SELECT count(*) FROM jobs").await?;
    let marked = stage.number("SELECT count(*) FROM jobs WHERE work_state = 'queued'").await?;
    own.resume().await?;
    let back = Instant::now();
    let kept = Broker::connect(&own.url()).await?.depth(&queue).await?;
    say("b02 marked at the kill, in the queue after it", format!("{marked}, {kept:?}"));
    let _worker = stage.worker().await?;
    stage.until_done(1).await?;
    say("b02 first commit after the return, s", back.elapsed().as_secs_f64());
    // Again in the middle of the run.
    stage.until_done(jobs / 2).await?;
    own.kill().await?;
    own.resume().await?;
    let back = Instant::now();
    let before = stage.jobs_done().await?;
    stage.until_done(jobs.min(before + 1)).await?;
    say("b02 first commit after the return, s", back.elapsed().as_secs_f64());
    stage.verify_once(jobs).await.map(drop)
}

#[tokio::test]
async fn b04_a_lost_ack_leads_to_no_second_request() -> Result<()> {
    let proxy = Proxy::start(&Servers::address(&Servers::from_env()?.amqp)).await?;
    let setting = Setting { amqp: Some(&proxy), ..Setting::default() };
    let stage = Stage::start_with(Size::default(), setting).await?;
    let _feeder = stage.feeder().await?;
    let worker = stage.worker().await?;
    let jobs = stage.enqueue().await?;
    for lost in 1..=3 {
        proxy.swallow_next_ack();
        let swallowed = || async { Ok(proxy.counts().acks_swallowed == lost) };
        wait_until("an ack swallowed", SOON, swallowed).await?;
        let at = Instant::now();
        let redelivered = || async { Ok(worker.metrics().await?.sum(REDELIVERIES) >= 1.0) };
        wait_until("a redelivery", SOON, redelivered).await?;
        say("b04 redelivered after s", at.elapsed().as_secs_f64());
        stage.until_done(jobs * i64::try_from(lost).unwrap_or(0) / 4).await?;
    }
    stage.verify_once(jobs).await.map(drop)
}

#[tokio::test]
async fn b07_a_queue_purged_and_deleted_under_load_is_healed() -> Result<()> {
    // With so few in hand, messages wait in the queue.
    let env = [("CAFE24_SYNC__RABBITMQ__PREFETCH", "6")];
    let setting = Setting { env: &env, ..Setting::default() };
    let stage = Stage::start_with(Size { malls: 4, ..Size::default() }, setting).await?;
    let (_feeder, _worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    let queue = stage.world.prefix.queue("backfill");
    let broker = Broker::connect(&stage.world.servers.amqp).await?;
    let many = || async { Ok(broker.depth(&queue).await?.is_some_and(|(ready, _)| ready > 20)) };
    wait_until("a full queue", SOON, many).await?;
    let purged = broker.purge(&queue).await?;
    is_true(purged > 0, || "nothing to purge".to_owned())?;
    let lost = Instant::now();
    wait_until("a full queue again", SOON, many).await?;
    say("b07 purged messages", purged);
    say("b07 queue filled again after s", lost.elapsed().as_secs_f64());
    broker.delete_queue(&queue).await?;
    let lost = Instant::now();
    wait_until("the queue and its consumer again", SOON, || async {
        Ok(broker.depth(&queue).await?.is_some_and(|(_, consumers)| consumers == 1))
    })
    .await?;
    say("b07 deleted queue consumed again after s", lost.elapsed().as_secs_f64());
    stage.verify_once(jobs).await.map(drop)
}

#[tokio::test]
async fn b09_a_job_that_ends_its_worker_three_times_is_archived_and_its_neighbours_are_done() -> Result<()> {
    let stage = Stage::start(Size { malls: 2, days: 7, ..Size::default() }).await?;
    let day = Stage::first_day();
    let rule = FaultRule {
        mall: Some(stage.mall(0)),
        endpoint: Some(Endpoint::ProductsSales.into()),
        from: Some(day),
        to: Some(day),
        ..FaultRule::always(FaultKind::Hold)
    };
    let poison = stage.world.sim.order(rule).context("order")?;
    let _feeder = stage.feeder().await?;
    let jobs = stage.enqueue().await?;
    for kill in 1..=3 {
        let worker = stage.worker().await?;
        let hits = || async { Ok(stage.world.sim.fault(poison).is_some_and(|state| state.hits == kill)) };
        wait_until("the fetch that kills", SOON, hits).await?;
        worker.kill().await?;
    }
    let _worker = stage.worker().await?;
    stage.settled().await?;
    let hits = stage.world.sim.fault(poison).map_or(0, |state| state.hits);
    is_true(hits == 3, || format!("the poison was fetched {hits} times"))?;
    is_true(stage.jobs_done().await? == jobs - 1, || "a neighbour is not done".to_owned())?;
    // Cured and planned again, it brings what was missing.
    stage.world.sim.clear_faults();
    is_true(stage.replay_poison().await? == 1, || "not one letter".to_owned())?;
    let report = stage.verify_replayed(1).await?;
    say("b09 requests of neighbours beyond one a job", repeated(&report) - 3);
    Ok(())
}
