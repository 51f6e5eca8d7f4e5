//! Thousands of malls that come at once (`docs/reliability.md`, M1). Run by `./dev bench crowd [MALLS [DAYS]]`; by default
//! 3,000 malls and 365 days, 4.4 million slices and 2.2 million jobs, which takes some ten minutes.
//!
//! The real daemon plans the histories of all of them, two workers fetch at the specified rate of each mall. Meanwhile an
//! operator asks for the running day of one mall after the other. Told are: how long planning took and what it held, how
//! much the broker held at the most, how long the days asked for took, and how fast the reports answer with all jobs there.

use std::io::Write as _;
use std::time::{Duration, Instant};

use tests::harness::{Broker, Context as _, Program, Result, World, WorldConfig, wait_until};
use tests::simulator::{MallSpec, SimConfig, Size};

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_mins(40);

const LEFT: &str =
    "SELECT count(*) FROM schedule_ticks WHERE schedule = 'onboarding' AND next_at IS NOT NULL AND NOT over";

fn say(text: &str) -> Result<()> {
    writeln!(anstream::stdout(), "{text}").context("stdout")
}

fn argument(place: usize, default: usize) -> usize {
    // Cargo adds `--bench`.
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    numbers.get(place).copied().unwrap_or(default)
}

#[tokio::main]
async fn main() -> Result<()> {
    let (malls, days) = (argument(0, 3_000), argument(1, 365));
    let specs = (0..malls)
        .map(|n| MallSpec {
            size: Size::Small,
            dialect: tests::simulator::Dialect::Live,
            ..MallSpec::new(&format!("mall{n:05}"))
        })
        .collect();
    let sim = SimConfig { malls: 0, extra_malls: specs, ..SimConfig::default() };
    let env = [("ENABLED", "true"), ("TODAY_EVERY", "off"), ("ONBOARDING", &format!("{days}d"))]
        .map(|(name, value)| (format!("CAFE24_SYNC__SCHEDULE__{name}"), value.to_owned()));
    let config = WorldConfig { sim, env: env.into(), no_import: true, ..WorldConfig::default() };
    let world = World::start_with(config).await?;
    let broker = Broker::connect(&world.servers.amqp).await?;
    let serve = world.programs.serve()?.quiet();
    let workers = [world.programs.worker()?.quiet(), world.programs.worker()?.quiet()];
    serve.listen(Duration::from_secs(30)).await?;
    let before = serve.usage()?.peak_kib;
    let began = Instant::now();
    world.import().await?;
    say(&format!("{malls} malls imported in {:.1} s", began.elapsed().as_secs_f64()))?;

    let began = Instant::now();
    let (planned, asked) = tokio::join!(watch(&world, &broker, &serve, began), ask(&world, malls));
    let most = planned?;
    let mut asked = asked?;
    asked.sort_unstable();
    let usage = serve.usage()?;
    say(&format!(
        "serve                 {} MiB before, {} MiB at the most, {:.0} s of CPU",
        before / 1024,
        usage.peak_kib / 1024,
        usage.cpu.as_secs_f64()
    ))?;
    say(&format!("messages              {most} at the most"))?;
    let middle = asked.get(asked.len() / 2).copied().unwrap_or_default();
    say(&format!(
        "a mall's today        {} asked, median {:.1} s, slowest {:.1} s",
        asked.len(),
        middle.as_secs_f64(),
        asked.last().copied().unwrap_or_default().as_secs_f64()
    ))?;
    drop(workers);
    reports(&world).await
}

/// Follows the planning to its end; the most messages that the broker held.
async fn watch(world: &World, broker: &Broker, serve: &Program, began: Instant) -> Result<u32> {
    let mut most = 0;
    let mut told = 0_u64;
    loop {
        let mut depth = 0;
        for lane in ["fresh", "backfill"] {
            depth += broker.depth(&world.prefix.queue(lane)).await?.map_or(0, |(ready, _)| ready);
        }
        let out = world.jobs_in(&["queued", "running"]).await?;
        most = most.max(depth).max(u32::try_from(out).unwrap_or(u32::MAX));
        let seconds = began.elapsed().as_secs();
        let left = world.db.number(LEFT).await?;
        if seconds >= told + 15 || left == 0 {
            told = seconds;
            let jobs = world.db.number("SELECT count(*) FROM jobs").await?;
            let done = world.jobs_in(&["done"]).await?;
            say(&format!(
                "{seconds:5} s   {jobs} jobs, {done} done, {left} malls left, {out} out, {depth} ready, serve {} MiB",
                serve.usage()?.peak_kib / 1024
            ))?;
        }
        if left == 0 {
            return Ok(most);
        }
        if began.elapsed() > LIMIT {
            say("not planned in time")?;
            return Ok(most);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Asks for the running day of one mall after the other until all is planned; how long each took.
async fn ask(world: &World, malls: usize) -> Result<Vec<Duration>> {
    let mut took = Vec::new();
    let today = common::domain::calendar::kst_day(common::clock::now()).to_string();
    let begun = "SELECT count(*) FROM jobs WHERE lane = 'backfill'";
    wait_until("the histories", LIMIT, || async { Ok(world.db.number(begun).await? > 0) }).await?;
    while world.db.number(LEFT).await? > 0 && took.len() < malls {
        let mall = format!("mall{:05}", (took.len() * 7_919) % malls);
        let asked = Instant::now();
        world.enqueue(&["--mall", &mall, "--from", &today, "--to", &today, "--lane", "fresh"]).await?;
        let planned = asked.elapsed();
        let there = format!("SELECT count(*) FROM slices WHERE mall_id = '{mall}' AND date = '{today}'");
        wait_until("today", LIMIT, || async { Ok(world.db.number(&there).await? == 4) }).await?;
        took.push(asked.elapsed());
        say(&format!(
            "          today of {mall}: planned after {:.1} s, there after {:.1} s",
            planned.as_secs_f64(),
            asked.elapsed().as_secs_f64()
        ))?;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    Ok(took)
}

/// How fast the reports answer.
async fn reports(world: &World) -> Result<()> {
    let waiting = world.jobs_in(&["planned"]).await?;
    say(&format!("reports with {waiting} waiting jobs"))?;
    for command in [
        "status",
        "status --json",
        "queue list",
        "backfill list",
        "schedule list",
        "limits show",
        "malls list",
        "queue reconcile",
        "serve --once feeder",
        "serve --once alerts",
        "doctor",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        let began = Instant::now();
        let output = world.programs.cli(&words, LIMIT).await?;
        say(&format!("  {command:22} {:6.2} s   exit {:?}", began.elapsed().as_secs_f64(), output.code))?;
    }
    Ok(())
}
