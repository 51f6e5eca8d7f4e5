//! What the system gives to a process: few files, a full disk for its log, nobody who reads what it says.

use std::time::Duration;

use tests::harness::{Context as _, Program, Programs, Result, wait_until};

use super::stage::{SOON, Size, Stage, is_true, say};

/// Time over which an idle process is looked at, and the share of it that it may compute.
const IDLE: Duration = Duration::from_secs(5);
const IDLE_SHARE: f64 = 0.05;

/// An idle process does not run in circles.
async fn rests(program: &Program) -> Result<()> {
    let before = program.usage()?.cpu;
    tokio::time::sleep(IDLE).await;
    let share = program.usage()?.cpu.saturating_sub(before).as_secs_f64() / IDLE.as_secs_f64();
    say(&format!("m02 {}: share of a core while idle", program.name()), share);
    is_true(share <= IDLE_SHARE, || format!("{} used {share} of a core while idle", program.name()))
}

#[tokio::test]
async fn m02_with_64_files_the_worker_says_so_works_with_fewer_slots_and_loses_no_job() -> Result<()> {
    let size = Size { malls: 8, days: 7, capacity: 40, latency: 400, ..Size::default() };
    let stage = Stage::start(size).await?;
    let few = stage.world.programs.clone().in_shell("ulimit -n 64; exec \"$@\"");
    let feeder = stage.feeder_of(&few).await?;
    let worker = few.worker_with(&["--slots", "64"])?;
    for (program, settled) in [(&feeder, None), (&worker, Some(16))] {
        let told = program.event("files.few", SOON).await?;
        is_true(told["limit"] == 64, || told.to_string())?;
        is_true(settled.is_none_or(|slots| told["slots"] == slots), || told.to_string())?;
    }
    let jobs = stage.enqueue().await?;
    stage.verify_once(jobs).await?;
    is_true(stage.number("SELECT max(attempts)::bigint FROM jobs").await? == 0, || "an attempt".to_owned())?;
    rests(&worker).await?;
    rests(&feeder).await
}

#[tokio::test]
async fn m02_a_fetch_that_meets_no_file_is_put_off_and_is_no_attempt() -> Result<()> {
    let size = Size { malls: 8, days: 7, capacity: 40, latency: 400, ..Size::default() };
    let stage = Stage::start(size).await?;
    let rest = ("CAFE24_SYNC__RETRY__INFRASTRUCTURE_REST", "1s");
    let programs = stage.world.programs.clone().set(rest.0, rest.1);
    let (_feeder, worker) = (stage.feeder().await?, programs.worker_with(&["--slots", "64"])?);
    worker.event("conn.restored", SOON).await?;
    // Room for a few sockets more than an idle worker has: some for Postgres, some for fetches, far from enough for all.
    worker.limit_files(24)?;
    let jobs = stage.enqueue().await?;
    let met = || async { Ok(worker.log().contains("no file descriptor is left")) };
    wait_until("a fetch without a file", SOON, met).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    worker.limit_files(1_024)?;
    stage.verify_once(jobs).await?;
    is_true(stage.number("SELECT max(attempts)::bigint FROM jobs").await? == 0, || "an attempt".to_owned())
}

/// Runs a whole wish with programs whose output goes elsewhere, and looks at them afterwards.
async fn without_logs(line: &str, format: &str) -> Result<()> {
    let stage = Stage::start(Size { malls: 2, days: 7, ..Size::default() }).await?;
    let mute = |programs: &Programs| {
        programs.clone().in_shell(line).set("CAFE24_SYNC__LOG__FORMAT", format).set("RUST_LOG", "debug")
    };
    let programs = mute(&stage.world.programs);
    let (feeder, worker) = (programs.serve()?, programs.worker()?);
    let jobs = stage.enqueue().await?;
    stage.verify_once(jobs).await.with_context(|| format!("{line}, {format}"))?;
    for program in [&feeder, &worker] {
        is_true(program.is_running(), || format!("{} ended: {line}, {format}", program.name()))?;
        is_true(program.log().is_empty(), || format!("{} could write after all: {line}", program.name()))?;
        rests(program).await?;
    }
    // They end in order, and the last lines they cannot write change nothing about it.
    let status = worker.stop(SOON).await?;
    is_true(status.code() == Some(0), || format!("the worker ended with {status}: {line}, {format}"))?;
    let status = feeder.stop(SOON).await?;
    is_true(status.code() == Some(0), || format!("the daemon ended with {status}: {line}, {format}"))
}

#[tokio::test]
async fn m02_a_full_disk_for_the_log_changes_nothing_but_the_log() -> Result<()> {
    for format in ["json", "text"] {
        without_logs("exec \"$@\" >/dev/full 2>/dev/full", format).await?;
    }
    Ok(())
}

#[tokio::test]
async fn m02_closed_outputs_and_a_reader_that_went_away_change_nothing_but_the_log() -> Result<()> {
    without_logs("exec \"$@\" >&- 2>&-", "text").await?;
    // The reader of the pipe ends at once.
    without_logs("mkfifo p$$; true <p$$ & exec \"$@\" >p$$ 2>&1", "text").await
}

#[tokio::test]
async fn m02_a_command_whose_reader_went_away_or_whose_disk_is_full_ends_and_says_so() -> Result<()> {
    let stage = Stage::start(Size { malls: 3, ..Size::default() }).await?;
    stage.enqueue().await?;
    let run = async |line: &str, arguments: &[&str]| {
        stage.world.programs.clone().in_shell(line).cli(arguments, SOON).await
    };
    let commands: [&[&str]; 5] = [
        &["status"],
        &["malls", "list", "--plain"],
        &["coverage", "--json"],
        &["config", "show"],
        &["--help"],
    ];
    for command in commands {
        // The pipe's end is the command's own: what it ends with is kept beside it.
        let piped = run("{ \"$@\"; echo $? >&2; } | head -n 1 | cut -c 1-200", command).await?;
        let last = piped.stderr.lines().last().map(str::to_owned).unwrap_or_default();
        is_true(last == "0", || format!("{command:?} | head -1: {}", piped.stderr))?;
        is_true(!piped.stderr.contains("panic"), || format!("{command:?} | head -1: {}", piped.stderr))?;
        is_true(piped.stdout.lines().count() == 1, || format!("{command:?} | head -1: {}", piped.stdout))?;
        let gone = run("sleep 0.2 >&-; \"$@\" | true; exit 0", command).await?;
        is_true(gone.stderr.is_empty(), || format!("{command:?} | true: {}", gone.stderr))?;
        let full = run("exec \"$@\" >/dev/full", command).await?;
        is_true(full.code.is_some_and(|code| code != 0 && code < 100), || format!("{command:?}: {full:?}"))?;
        is_true(full.stderr.contains("No space left on device"), || format!("{command:?}: {}", full.stderr))?;
    }
    Ok(())
}
