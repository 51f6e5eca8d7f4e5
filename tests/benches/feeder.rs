//! How fast the feeder hands on what a commit made room for, and what a job costs. Run by `./dev bench`.
//!
//! Twenty malls at the real rate, two workers: 40 jobs a second. For each job that was claimed while its mall's bucket
//! was the limit: from the start of the transaction that made room to the start of the claim. So the figure holds the
//! commit itself, the NOTIFY, the feeder's queries, the publish, the delivery, and the 3 ms for which a claim gathers.

use std::io::Write as _;
use std::time::Duration;

use tests::harness::{Context as _, Result, World, WorldConfig};
use tests::simulator::SimConfig;

/// How long the measured part lasts.
const MEASURE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<()> {
    let sim = SimConfig { malls: 20, large_malls: Some(1), ..SimConfig::default() };
    let world = World::start_with(WorldConfig { sim, ..WorldConfig::default() }).await?;
    let serve = world.programs.serve()?.quiet();
    let workers = [world.programs.worker()?.quiet(), world.programs.worker()?.quiet()];
    world.enqueue(&["--all", "--last", "60d", "--chunk-days", "1", "--lane", "backfill", "--yes"]).await?;
    // The bursts of the full buckets first; then a second of steady work a token.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let before: f64 = world
        .db
        .client()
        .query_one("SELECT extract(epoch FROM now())::float8", &[])
        .await
        .context("now")?
        .get(0);
    let cpu = cpu_seconds(&serve, &workers)?;
    let requests = world.sim.report().total.requests;
    tokio::time::sleep(MEASURE).await;
    let spent = cpu_seconds(&serve, &workers)?;
    let requests = world.sim.report().total.requests - requests;

    let sql = "WITH ends AS (SELECT DISTINCT mall_id, finished_at FROM jobs WHERE finished_at IS NOT NULL), \
               claims AS (SELECT mall_id, claimed_at FROM jobs WHERE claimed_at > to_timestamp($1)), \
               waits AS (SELECT extract(epoch FROM c.claimed_at - (SELECT max(e.finished_at) FROM ends e \
                   WHERE e.mall_id = c.mall_id AND e.finished_at < c.claimed_at))::float8 * 1000 AS ms FROM claims c) \
               SELECT count(*), percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY ms) FROM waits";
    let row = world.db.client().query_one(sql, &[&before]).await.context("the waits")?;
    let (count, figures): (i64, Vec<f64>) = (row.get(0), row.get(1));
    let seconds = MEASURE.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "some thousand")]
    let (jobs, served) = (count as f64, requests as f64);
    let mut out = anstream::stdout();
    let mut line = |text: String| writeln!(out, "{text}").context("stdout");
    line(format!(
        "commit → next claim   p50 {:.1} ms · p95 {:.1} ms · p99 {:.1} ms   ({count} jobs)",
        figures[0], figures[1], figures[2]
    ))?;
    line(format!(
        "requests              {:.2} a second of {:.0} allowed ({:.1} %)",
        served / seconds,
        40.0,
        served / seconds / 40.0 * 100.0
    ))?;
    line(format!(
        "CPU a job             feeder {:.0} µs · workers {:.0} µs",
        (spent.0 - cpu.0) / jobs * 1e6,
        (spent.1 - cpu.1) / jobs * 1e6
    ))?;
    line(format!("answers of 429        {}", world.sim.report().total.throttled))
}

fn cpu_seconds(serve: &tests::harness::Program, workers: &[tests::harness::Program]) -> Result<(f64, f64)> {
    let mut sum = 0.0;
    for worker in workers {
        sum += worker.usage()?.cpu.as_secs_f64();
    }
    Ok((serve.usage()?.cpu.as_secs_f64(), sum))
}
