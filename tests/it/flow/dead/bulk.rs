//! Many letters: replayed in pages, interrupted at any moment, taken up, within time and memory.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use serde_json::Value;
use tests::harness::{Context as _, Output, Program, Result, Signal, wait_until};
use tokio::time::sleep;

use super::{Flow, SOON, Setup};

/// How long any of these may take on a busy machine.
const LONG: Duration = Duration::from_mins(3);
/// Bars of the issue for a release build: 30 s and 128 MiB. A debug build on two shared cores gets twice the time.
const GOAL: Duration = Duration::from_mins(1);
const GOAL_KIB: u64 = 128 << 10;

/// Live jobs, and slices that two of them carry.
const TWICE: &str = "SELECT count(*) FROM (SELECT mall_id, endpoint, start_date FROM jobs WHERE work_state = 'planned' \
                     GROUP BY 1, 2, 3 HAVING count(*) > 1) AS twice";
const PLANNED: &str = "SELECT count(*) FROM jobs WHERE work_state = 'planned'";
const OPEN: &str = "SELECT count(*) FROM dead_letters WHERE state = 'open'";

async fn archive(malls: usize, days: i32) -> Result<(Flow, i64)> {
    let names: Vec<String> = (0..malls).map(|n| format!("mall{n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let flow = Flow::start(Setup::specified(&names).workers(0).without_daemon()).await?;
    let letters = flow.bury(&names, days).await?;
    Ok((flow, letters))
}

/// Waits for the end of a started command and hands out the most memory that it was seen with.
async fn watched(program: &Program) -> Result<(Output, u64)> {
    let mut peak_kib = 0;
    while program.exit_status()?.is_none() {
        peak_kib = peak_kib.max(program.usage().map_or(0, |usage| usage.peak_kib));
        sleep(Duration::from_millis(10)).await;
    }
    Ok((program.output(LONG).await?, peak_kib))
}

#[tokio::test]
async fn s04_a_hundred_thousand_letters_are_replayed_within_time_and_memory() -> Result<()> {
    let (flow, letters) = archive(100, 250).await?;
    assert_eq!(letters, 100_000);
    let started = Instant::now();
    let groups = flow.dead_json(&["list", "--group"]).await?;
    let grouped = started.elapsed();
    assert_eq!(groups["items"].as_array().map(Vec::len), Some(4));
    let file = flow.world.programs.logs().join("letters.ndjson");
    let started = Instant::now();
    let program = flow.world.programs.cli_started(&["dead", "export", &file.to_string_lossy()])?;
    let (output, export_kib) = watched(&program).await?;
    output.success()?;
    let exported = started.elapsed();
    let lines = std::fs::read_to_string(&file).context("the export")?.lines().count();
    assert_eq!((i64::try_from(lines), export_kib < GOAL_KIB), (Ok(letters), true), "{export_kib} KiB");
    std::fs::remove_file(&file).context("the export")?;
    let started = Instant::now();
    let program = flow.world.programs.cli_started(&["dead", "replay", "--all", "--yes", "--json"])?;
    let (output, peak_kib) = watched(&program).await?;
    let took = started.elapsed();
    let answer = output.json()?;
    #[expect(clippy::print_stderr, reason = "the figures of docs/reliability.md")]
    {
        eprintln!(
            "100,000 letters: replayed in {took:.1?}, {} MiB at most · exported in {exported:.1?}, {} MiB · grouped in {grouped:.1?}",
            peak_kib >> 10,
            export_kib >> 10
        );
    }
    assert_eq!(
        (&answer["letters"], &answer["jobs"], &answer["lane"]),
        (&letters.into(), &letters.into(), &"backfill".into())
    );
    assert_eq!(
        (flow.count(OPEN).await?, flow.count(TWICE).await?, flow.count(PLANNED).await?),
        (0, 0, letters - published(&flow).await?)
    );
    assert!(took < GOAL && peak_kib < GOAL_KIB, "{took:?}, {peak_kib} KiB");
    // All of them twice is once.
    let again = flow.dead_json(&["replay", "--all", "--yes"]).await?;
    assert_eq!((&again["letters"], &again["run_id"]), (&0.into(), &Value::Null));
    Ok(())
}

/// Jobs that the one pass of feeding at the end handed to the broker.
async fn published(flow: &Flow) -> Result<i64> {
    flow.count("SELECT count(*) FROM jobs WHERE work_state = 'queued'").await
}

#[tokio::test]
async fn s04_a_replay_killed_at_any_moment_is_taken_up_and_each_letter_is_replayed_once() -> Result<()> {
    let (flow, letters) = archive(40, 50).await?;
    let run = killed(&flow).await?;
    // Killed a few times more, wherever it is.
    for _ in 0..3 {
        let program =
            flow.world.programs.clone().quiet().cli_started(&["dead", "replay", "--resume", &run])?;
        let wait = rand::rng().random_range(600..1_500);
        sleep(Duration::from_millis(wait)).await;
        if program.is_running() {
            program.kill().await?;
        }
        consistent(&flow, &run).await?;
    }
    let done = flow.dead_json(&["replay", "--resume", &run]).await?;
    assert_eq!(done["run_id"], run.as_str());
    consistent(&flow, &run).await?;
    assert_eq!(flow.count(OPEN).await?, 0);
    let planned = flow.count(&format!("SELECT jobs_planned FROM runs WHERE run_id = '{run}'")).await?;
    assert_eq!((planned, flow.count(TWICE).await?), (letters, 0));
    assert_eq!(flow.count(PLANNED).await? + published(&flow).await?, letters);
    Ok(())
}

/// Starts a replay and kills it after its first pages.
async fn killed(flow: &Flow) -> Result<String> {
    let program = flow.world.programs.clone().quiet().cli_started(&["dead", "replay", "--all", "--yes"])?;
    wait_until("some pages", SOON, || async {
        Ok(flow.count("SELECT count(*) FROM dead_letters WHERE state = 'replayed'").await? > 0)
    })
    .await?;
    program.kill().await?;
    let run = flow.rows_of("SELECT run_id::text FROM runs WHERE kind = 'replay'").await?;
    assert_eq!(run.len(), 1);
    assert!(flow.count(OPEN).await? > 0, "killed too late to show anything");
    Ok(run[0].clone())
}

/// A letter is replayed exactly if its job is planned.
async fn consistent(flow: &Flow, run: &str) -> Result<()> {
    let odd = format!(
        "SELECT count(*) FROM dead_letters d \
          WHERE (d.replay_run IS NOT DISTINCT FROM '{run}') <> EXISTS (SELECT FROM jobs j WHERE j.run_id = '{run}' \
            AND (j.mall_id, j.endpoint, j.start_date) = (d.mall_id, d.endpoint, d.start_date))"
    );
    assert_eq!(flow.count(&odd).await?, 0);
    let counted = format!(
        "SELECT jobs_planned - (SELECT count(*) FROM jobs WHERE run_id = '{run}') FROM runs WHERE run_id = '{run}'"
    );
    assert_eq!(flow.count(&counted).await?, 0);
    Ok(())
}

#[tokio::test]
async fn ctrl_c_ends_a_replay_in_order_and_says_how_it_goes_on() -> Result<()> {
    let (flow, _) = archive(40, 50).await?;
    let program = flow.world.programs.clone().quiet().cli_started(&["dead", "replay", "--all", "--yes"])?;
    wait_until("some pages", SOON, || async {
        Ok(flow.count("SELECT count(*) FROM dead_letters WHERE state = 'replayed'").await? > 0)
    })
    .await?;
    program.signal(Signal::Int)?;
    let output = program.output(SOON).await?;
    assert_eq!(output.code, Some(130), "{output:?}");
    let command = output.stderr.split("dead replay --resume ").nth(1).context("how it goes on")?;
    let run = command.split_whitespace().next().context("a run")?;
    consistent(&flow, run).await?;
    // The same command again takes up what is open, as a run of its own.
    flow.dead(&["replay", "--all", "--yes"]).await?.success()?;
    assert_eq!((flow.count(OPEN).await?, flow.count(TWICE).await?), (0, 0));
    let unknown = flow.dead(&["replay", "--resume", "00000000-0000-4000-8000-00000000000f"]).await?;
    assert!(unknown.code == Some(1) && unknown.stderr.contains("E-DEAD-04"), "{unknown:?}");
    Ok(())
}

#[tokio::test]
async fn a_rate_spreads_the_jobs_over_time_malls_in_turn() -> Result<()> {
    let (flow, letters) = archive(2, 10).await?;
    let done = flow.dead_json(&["replay", "--all", "--rate", "4/s", "--yes"]).await?;
    assert_eq!((&done["rate_per_second"], &done["eta_s"]), (&4.into(), &20.into()), "{done}");
    let apart = "SELECT round(extract(epoch FROM max(not_before) - min(not_before)) * 100)::bigint FROM jobs WHERE work_state <> 'failed'";
    assert_eq!(flow.count(apart).await?, (letters - 1) * 25);
    let crowded = "SELECT count(*) FROM (SELECT lead(not_before) OVER w - not_before AS gap, lead(mall_id) OVER w = mall_id AS same \
                   FROM jobs WHERE work_state <> 'failed' WINDOW w AS (ORDER BY not_before)) AS pairs \
                   WHERE gap < interval '249 milliseconds' OR same";
    assert_eq!(flow.count(crowded).await?, 0);
    Ok(())
}
