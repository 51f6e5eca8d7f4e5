//! The network to RabbitMQ: connections that are reset again and again, and a host that vanishes without a word.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tests::harness::proxy::Fault;
use tests::harness::{Context as _, Program, Proxy, Result, Servers, wait_until};
use tests::simulator::{FaultKind, FaultRule};

use super::stage::{SOON, Size, Stage, is_true, say};

/// What RabbitMQ and we may take to find a silent connection dead (`docs/reliability.md` B8, W1).
const FOUND: Duration = Duration::from_secs(45);

/// When a line was written.
fn at(event: &Value) -> Option<DateTime<Utc>> {
    event["ts"].as_str()?.parse().ok()
}

/// The most lines above `info` in any ten seconds.
fn most_in_ten_seconds(program: &Program) -> usize {
    let worth = |event: &Value| event["level"] == "warn" || event["level"] == "error";
    let lines: Vec<_> = program.events().iter().filter(|event| worth(event)).filter_map(at).collect();
    let within = |from: &DateTime<Utc>| {
        lines.iter().filter(|at| (**at - *from).num_milliseconds() < 10_000 && **at >= *from).count()
    };
    lines.iter().map(within).max().unwrap_or(0)
}

#[tokio::test]
async fn b08_connections_that_are_reset_every_two_seconds_cost_redeliveries_and_nothing_else() -> Result<()> {
    let address = Servers::address(&Servers::from_env()?.amqp);
    let (to_feeder, to_worker) = (Proxy::start(&address).await?, Proxy::start(&address).await?);
    let stage = Stage::start(Size { malls: 2, days: 28, speed: 3, ..Size::default() }).await?;
    let through = |proxy: &Proxy| {
        let url = Servers::through(&stage.world.servers.amqp, proxy.port());
        // The logs as an operator has them: the driver's own lines are left out.
        stage.world.programs.clone().set("AMQP_URL", url).unset("RUST_LOG")
    };
    let feeder = stage.feeder_of(&through(&to_feeder)).await?;
    let worker = through(&to_worker).worker()?;
    worker.event("worker.started", SOON).await?;
    let jobs = stage.enqueue().await?;
    stage.until_done(1).await?;
    let mut flaps = 0;
    while stage.jobs_done().await? < jobs && flaps < 12 {
        for proxy in [&to_feeder, &to_worker] {
            proxy.set(Fault::Reset);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        for proxy in [&to_feeder, &to_worker] {
            proxy.set(Fault::None);
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        flaps += 1;
    }
    let done = stage.jobs_done().await?;
    say("b08 flaps, jobs done meanwhile, jobs", format!("{flaps}, {done}, {jobs}"));
    is_true(flaps >= 8, || format!("the run was over after {flaps} flaps"))?;
    stage.verify_once(jobs).await?;
    for (proxy, program) in [(&to_feeder, &feeder), (&to_worker, &worker)] {
        let (counts, lines) = (proxy.counts(), most_in_ten_seconds(program));
        let name = program.name();
        say(&format!("b08 {name}: resets, most open, warnings in 10 s"), format!("{counts:?}, {lines}"));
        is_true(counts.resets >= flaps, || format!("{name} was cut off {} times", counts.resets))?;
        is_true(counts.most_open <= 2, || format!("{name} had {} connections at once", counts.most_open))?;
        is_true(lines <= 10, || format!("{name} wrote {lines} warnings in ten seconds"))?;
    }
    Ok(())
}

#[tokio::test]
async fn b08_a_black_hole_is_found_by_the_heartbeat_and_work_goes_on_once_it_is_gone() -> Result<()> {
    let proxy = Proxy::start(&Servers::address(&Servers::from_env()?.amqp)).await?;
    let stage = Stage::start(Size { malls: 2, days: 14, ..Size::default() }).await?;
    let _feeder = stage.feeder().await?;
    let url = Servers::through(&stage.world.servers.amqp, proxy.port());
    let worker = stage.world.programs.clone().set("AMQP_URL", url).worker()?;
    worker.event("worker.started", SOON).await?;
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 4).await?;
    proxy.set(Fault::Blackhole);
    let silent = Instant::now();
    worker.event("conn.lost", FOUND).await?;
    say("b08 a silent connection was found dead after s", silent.elapsed().as_secs_f64());
    proxy.set(Fault::None);
    let healed = Instant::now();
    let done = stage.jobs_done().await?;
    stage.until_done(jobs.min(done + 1)).await?;
    say("b08 first commit after the network came back, s", healed.elapsed().as_secs_f64());
    stage.verify_once(jobs).await?;
    // Acks that lay in the network may still arrive: then nothing comes again, and else all of it, without a request.
    say("b08 redelivered after the silence", worker.metrics().await?.sum("cafe24_sync_redeliveries_total"));
    Ok(())
}

#[tokio::test]
async fn w01_when_the_host_of_a_worker_vanishes_another_one_does_its_work_within_45_seconds() -> Result<()> {
    let servers = Servers::from_env()?;
    let mut proxies = Vec::new();
    for server in [&servers.amqp, &servers.redis, &servers.database] {
        proxies.push(Proxy::start(&Servers::address(server)).await?);
    }
    let stage = Stage::start(Size { malls: 2, days: 14, ..Size::default() }).await?;
    let (_feeder, sim) = (stage.feeder().await?, &stage.world.sim);
    let vanishing = stage
        .world
        .programs
        .clone()
        .set("AMQP_URL", Servers::through(&servers.amqp, proxies[0].port()))
        .set("REDIS_URL", Servers::through(&servers.redis, proxies[1].port()))
        .set("DATABASE_URL", Servers::through(stage.world.db.url(), proxies[2].port()))
        .worker()?;
    vanishing.event("worker.started", SOON).await?;
    sim.order(FaultRule::always(FaultKind::Hold)).context("order")?;
    let jobs = stage.enqueue().await?;
    let held =
        || async { Ok(stage.number("SELECT count(*) FROM jobs WHERE work_state = 'running'").await? > 4) };
    wait_until("jobs in its hands", SOON, held).await?;
    wait_until("four answers held", SOON, || async { Ok(sim.held() == 4) }).await?;
    let in_hand = stage.number("SELECT count(*) FROM jobs WHERE work_state = 'running'").await?;
    // From now on nobody hears of it: no byte, no end of a connection.
    for proxy in &proxies {
        proxy.set(Fault::Blackhole);
    }
    let vanished = Instant::now();
    sim.clear_faults();
    let _next = stage.worker().await?;
    stage.until_done(jobs).await?;
    let all = vanished.elapsed();
    say("w01 all work of a vanished worker was done by another one after s", all.as_secs_f64());
    is_true(all < FOUND, || format!("only after {all:?}"))?;
    // It comes back, with four answers from before and jobs that it believes are its own.
    for proxy in &proxies {
        proxy.set(Fault::None);
    }
    let back =
        || async { Ok(vanishing.is_running() && vanishing.log().matches("conn.restored").count() > 1) };
    wait_until("it to consume again", SOON, back).await?;
    let report = stage.verify().await?;
    let twice = i64::try_from(report.total.requests).unwrap_or(i64::MAX) - jobs;
    say("w01 requests twice, of so many in its hands", format!("{twice}, {in_hand}"));
    is_true(twice <= in_hand, || format!("{twice} requests twice"))
}
