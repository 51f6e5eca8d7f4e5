//! The worker: killed at any moment, frozen with an answer in its hands, asked to stop.

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use tests::harness::proxy::Fault;
use tests::harness::{Context as _, Program, Proxy, Result, Servers, Signal, wait_until};
use tests::simulator::{FaultKind, FaultRule};

use super::sampler::Sampler;
use super::stage::{SOON, Size, Stage, is_true, most, repeated, say};

/// One mall, 40 jobs, a bucket that lets two pass each second after the first ten.
fn slow() -> Size {
    Size { malls: 1, days: 10, speed: 1, capacity: 10, ..Size::default() }
}

#[tokio::test]
async fn w01_a_worker_killed_before_the_fetch_loses_nothing() -> Result<()> {
    let stage = Stage::start(slow()).await?;
    let _feeder = stage.feeder().await?;
    let worker = stage.worker().await?;
    stage.enqueue().await?;
    let waiting = "SELECT count(*) FROM jobs WHERE work_state = 'running'";
    stage.until_done(10).await?;
    wait_until("jobs that wait for a token", SOON, || async { Ok(stage.number(waiting).await? > 4) }).await?;
    worker.kill().await?;
    let killed = Instant::now();
    let _next = stage.worker().await?;
    let done = stage.jobs_done().await?;
    stage.until_done(done + 1).await?;
    say("w01 first commit of the next worker after s", killed.elapsed().as_secs_f64());
    let report = stage.verify().await?;
    // At the very most, the two that were just under way.
    is_true(repeated(&report) <= 2, || format!("{} requests twice", repeated(&report)))
}

#[tokio::test]
async fn w01_a_worker_killed_during_the_fetch_loses_nothing() -> Result<()> {
    let stage = Stage::start(Size { malls: 2, days: 7, ..Size::default() }).await?;
    let (_feeder, worker) = (stage.feeder().await?, stage.worker().await?);
    stage.world.sim.order(FaultRule::always(FaultKind::Hold)).context("order")?;
    let jobs = stage.enqueue().await?;
    // Two of each mall: the second when the bucket, which nothing is known of before the first answer, has refilled.
    wait_until("answers held", SOON, || async { Ok(stage.world.sim.held() == 4) }).await?;
    worker.kill().await?;
    stage.world.sim.clear_faults();
    let _next = stage.worker().await?;
    let report = stage.verify().await?;
    is_true(i64::try_from(report.total.requests) == Ok(jobs + 4), || format!("{}", report.total.requests))
}

#[tokio::test]
async fn w01_a_worker_killed_between_answer_and_commit_loses_nothing() -> Result<()> {
    let stage = Stage::start(Size { malls: 2, days: 7, ..Size::default() }).await?;
    let (_feeder, worker) = (stage.feeder().await?, stage.worker().await?);
    let (lock, _connection) = stage.session().await?;
    lock.batch_execute("BEGIN; LOCK TABLE slices IN EXCLUSIVE MODE").await.context("lock")?;
    stage.enqueue().await?;
    let blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'slices'::regclass";
    wait_until("a batch that waits", SOON, || async { Ok(stage.number(blocked).await? > 0) }).await?;
    let answered = stage.requests();
    worker.kill().await?;
    lock.batch_execute("ROLLBACK").await.context("unlock")?;
    is_true(stage.jobs_done().await? == 0, || "something was committed".to_owned())?;
    let _next = stage.worker().await?;
    let report = stage.verify().await?;
    say("w01 answers lost with the worker", answered);
    is_true(most(&report) == 2, || format!("a chunk was fetched {} times", most(&report)))
}

#[tokio::test]
async fn w01_a_worker_killed_between_commit_and_ack_doubles_nothing() -> Result<()> {
    let proxy = Proxy::start(&Servers::address(&Servers::from_env()?.amqp)).await?;
    let stage = Stage::start(slow()).await?;
    let _feeder = stage.feeder().await?;
    let through = Servers::through(&stage.world.servers.amqp, proxy.port());
    let unlucky = stage.world.programs.clone().set("AMQP_URL", through).worker()?;
    unlucky.event("worker.started", SOON).await?;
    proxy.swallow_next_ack();
    let jobs = stage.enqueue().await?;
    wait_until("an ack swallowed", SOON, || async { Ok(proxy.counts().acks_swallowed == 1) }).await?;
    unlucky.kill().await?;
    let committed = stage.jobs_done().await?;
    is_true(committed > 0, || "nothing was committed before its ack".to_owned())?;
    let _next = stage.worker().await?;
    let report = stage.verify().await?;
    // What was committed is not asked for again; the two under way at the kill may be.
    is_true(repeated(&report) <= 2, || format!("{} requests twice of {jobs} jobs", repeated(&report)))
}

#[tokio::test]
async fn w02_a_frozen_worker_that_wakes_up_overwrites_nothing() -> Result<()> {
    let servers = Servers::from_env()?;
    let database = Proxy::start(&Servers::address(&servers.database)).await?;
    let amqp = Proxy::start(&Servers::address(&servers.amqp)).await?;
    let stage = Stage::start(Size { malls: 1, days: 20, chunk: 20, ..Size::default() }).await?;
    let sampler = Sampler::start(stage.world.db.url());
    let (_feeder, sim, mall) = (stage.feeder().await?, &stage.world.sim, stage.mall(0));
    let zombie = stage
        .world
        .programs
        .clone()
        .set("DATABASE_URL", Servers::through(stage.world.db.url(), database.port()))
        .set("AMQP_URL", Servers::through(&stage.world.servers.amqp, amqp.port()))
        .worker()?;
    zombie.event("worker.started", SOON).await?;
    sim.order(FaultRule::always(FaultKind::Hold)).context("order")?;
    let jobs = stage.enqueue().await?;
    wait_until("two answers held", SOON, || async { Ok(sim.held() == 2) }).await?;
    // Its answers come, its commits do not get through; then it freezes.
    database.set(Fault::Blackhole);
    sim.clear_faults();
    let answered = || async { Ok(sim.report().total.by_status.get(&200).copied().unwrap_or(0) >= 2) };
    wait_until("two answers given", SOON, answered).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    zombie.signal(Signal::Stop)?;
    is_true(stage.jobs_done().await? == 0, || "it has committed".to_owned())?;
    for day in Stage::first_day().iter_days().take(20) {
        for endpoint in tests::simulator::Endpoint::ALL {
            sim.restate(&mall, endpoint, day).context("restate")?;
        }
    }
    // The broker finds its connection gone.
    amqp.set(Fault::Reset);
    let _next = stage.worker().await?;
    stage.verify().await?;
    let samples = sampler.result()?;
    amqp.set(Fault::None);
    database.set(Fault::None);
    zombie.signal(Signal::Cont)?;
    let late = || async { Ok(zombie.metrics().await?.sum("cafe24_sync_slices_superseded_total") >= 20.0) };
    wait_until("the late write to be refused", SOON, late).await?;
    stage.verify().await?;
    say("w02 samples before and after waking", format!("{samples}, {}", sampler.result()?));
    is_true(jobs == 4, || format!("{jobs} jobs"))
}

#[tokio::test]
async fn w04_sigterm_with_an_empty_bucket_gives_back_what_waits() -> Result<()> {
    let stage = Stage::start(slow()).await?;
    let _feeder = stage.feeder().await?;
    let worker = stage.worker().await?;
    let jobs = stage.enqueue().await?;
    stage.until_done(11).await?;
    let asked = Instant::now();
    let status = worker.stop(Duration::from_secs(25)).await?;
    say("w04 stopped after s", asked.elapsed().as_secs_f64());
    is_true(status.code() == Some(0), || format!("ended with {status}"))?;
    let marks = "SELECT count(*) FROM jobs WHERE attempts > 0 OR crashes > 0 OR work_state = 'running'";
    is_true(stage.number(marks).await? == 0, || {
        "an attempt was counted, or a job is still claimed".to_owned()
    })?;
    let answered = stage.requests();
    let done = stage.jobs_done().await?;
    is_true(i64::try_from(answered) == Ok(done), || format!("{answered} answers, {done} jobs done"))?;
    let _next = stage.worker().await?;
    stage.verify_once(jobs).await.map(drop)
}

#[tokio::test]
async fn w04_a_second_sigterm_ends_at_once() -> Result<()> {
    let stage = Stage::start(Size { malls: 1, days: 7, ..Size::default() }).await?;
    let (_feeder, worker) = (stage.feeder().await?, stage.worker().await?);
    stage.world.sim.order(FaultRule::always(FaultKind::Hold)).context("order")?;
    stage.enqueue().await?;
    wait_until("answers held", SOON, || async { Ok(stage.world.sim.held() == 2) }).await?;
    worker.signal(Signal::Term)?;
    worker.event("worker.draining", SOON).await?;
    worker.signal(Signal::Term)?;
    let asked = Instant::now();
    let status = worker.wait(SOON).await?;
    say("w04 ended by a second signal after s", asked.elapsed().as_secs_f64());
    is_true(status.code() == Some(130), || format!("ended with {status}"))?;
    is_true(asked.elapsed() < Duration::from_secs(2), || format!("only after {:?}", asked.elapsed()))?;
    stage.world.sim.clear_faults();
    let _next = stage.worker().await?;
    stage.verify().await.map(drop)
}

#[tokio::test]
async fn w03_a_worker_without_memory_ends_and_another_one_does_its_work() -> Result<()> {
    let stage = Stage::start(Size { malls: 1, large: 1, days: 28, chunk: 28, ..Size::default() }).await?;
    let (_feeder, worker) = (stage.feeder().await?, stage.worker().await?);
    let hold = stage.world.sim.order(FaultRule::always(FaultKind::Hold)).context("hold")?;
    stage.enqueue().await?;
    wait_until("answers held", SOON, || async { Ok(stage.world.sim.held() >= 2) }).await?;
    let tokens = stage.world.sim.handed_out();
    worker.limit_memory(1 << 20)?;
    is_true(stage.world.sim.cancel_fault(hold), || "no hold".to_owned())?;
    stage.world.sim.release();
    let ended = worker.wait(SOON).await?;
    // Rust ends a program that asks in vain for memory.
    is_true(ended.signal() == Some(6), || format!("{ended}"))?;
    let died = Instant::now();
    is_true(tokens.iter().all(|(_, token)| !worker.log().contains(token)), || "a token".to_owned())?;
    let _next = stage.worker().await?;
    stage.until_done(1).await?;
    say("w03 first commit of the next worker after s", died.elapsed().as_secs_f64());
    stage.verify().await.map(drop)
}

pub(super) async fn twenty_workers_killed() -> Result<()> {
    let stage = Stage::start(Size { malls: 3, days: 112, ..Size::default() }).await?;
    let sampler = Sampler::start(stage.world.db.url());
    let _feeder = stage.feeder().await?;
    let mut workers: Vec<Program> = vec![stage.worker().await?, stage.worker().await?];
    let jobs = stage.enqueue().await?;
    let kills = 24;
    for kill in 0..kills {
        tokio::time::sleep(Duration::from_millis(rand::random_range(50..700))).await;
        workers[kill % 2].kill().await?;
        workers[kill % 2] = stage.worker().await?;
    }
    let done = stage.jobs_done().await?;
    is_true(done < jobs, || "the run was over before the last kill".to_owned())?;
    say("w01 jobs done during the kills", format!("{done} of {jobs}"));
    stage.settled().await?;
    // A job that was under way at three kills is archived (B9); planned again, it brings what was missing.
    let poison = stage.replay_poison().await?;
    let report = stage.verify_replayed(poison).await?;
    let requests = report.total.requests;
    say("w01 kills, requests, jobs, letters replayed", format!("{kills}, {requests}, {jobs}, {poison}"));
    say("w01 samples", sampler.result()?);
    // Not more than what a worker can have under way at each kill, and what is answered and waits for its commit.
    is_true(repeated(&report) <= 24 * 9, || format!("{} requests twice", repeated(&report)))
}
