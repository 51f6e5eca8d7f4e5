//! The order of events.

use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::args::{Args, Fault};
use super::broken::Broken;
use super::crew::Crew;
use super::plan::Plan;
use super::show::{Scene, Show, thousands};
use super::stage::{Stage, seconds};
use super::{fault, verdict};
use crate::harness::{Context as _, Result, Trouble};

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Share of the jobs done when something breaks: some malls are through, the slow ones are not.
const MIDDLE: (u64, u64) = (3, 5);
/// Beyond the least time, multiplied: the machine may be slow, and a fault takes its time.
const PATIENCE: Duration = Duration::from_mins(2);
/// As after Ctrl-C in a shell.
const INTERRUPTED: u8 = 130;

/// Runs the demo; answers the exit code.
pub async fn run(args: Args) -> u8 {
    let show = Show::new();
    let result = tokio::select! {
        result = act(&args, &show) => result.map(u8::from),
        () = interrupted() => {
            show.note("interrupted: what was fetched is stored, the rest stays planned; everything is stopped");
            Ok(INTERRUPTED)
        }
    };
    result.unwrap_or_else(|trouble| {
        show.line(&format!("error: {trouble:?}\n  logs target/demo/"));
        1
    })
}

/// `true` if something is not right.
async fn act(args: &Args, show: &Show) -> Result<bool> {
    let mut stage = Stage::set(args, show).await?;
    let started = Instant::now();
    let plan = Plan::enqueue(args, &stage.sim, &stage.programs, &mut stage.books).await?;
    show.done(
        "enqueue",
        &format!(
            "{} jobs for {} slices · {} · {}",
            thousands(plan.jobs()),
            thousands(plan.slices),
            if plan.ideal() > 0.0 { format!("at least {:.1} s", plan.ideal()) } else { "at once".to_owned() },
            seconds(started)
        ),
    );
    if let Some(why) = plan.why() {
        show.line(&format!("              {why}"));
    }
    let started = Instant::now();
    let broken = Broken::order(&stage.sim)?;
    let mut crew = Crew::start(&stage.programs, args.workers).await?;
    work(args, &mut stage, &plan, &mut crew, broken, show).await?;
    let makespan = started.elapsed();
    let good = verdict::reach(&mut stage, &plan, crew.cost().await?, makespan, show).await?;
    if args.keep {
        show.line(
            " Look         ./dev psql -c 'select * from analytics.daily_store limit 5'   (in another terminal)",
        );
        show.line(" Stop         Ctrl-C here");
        return std::future::pending().await;
    }
    crew.stop().await?;
    Ok(!good)
}

/// Follows the jobs to the last one, and lets the faults happen on the way.
async fn work(
    args: &Args,
    stage: &mut Stage,
    plan: &Plan,
    crew: &mut Crew,
    mut broken: Broken,
    show: &Show,
) -> Result<()> {
    let mut following = show.follow(plan);
    let deadline = Instant::now() + Duration::from_secs_f64(plan.ideal() * 2.0) + PATIENCE;
    let middle = plan.jobs() * MIDDLE.0 / MIDDLE.1;
    let mut struck = args.fault == Fault::None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        crew.check()?;
        broken.mend(stage, show).await?;
        let progress = stage.books.progress().await?;
        following.show(show, &Scene { progress: &progress, sim: &stage.sim });
        let left: u64 = progress.values().map(|mall| mall.left).sum();
        let over: u64 = progress.values().map(|mall| mall.done + mall.failed).sum();
        if left == 0 && !broken.is_open(&stage.sim) {
            following.end();
            return Ok(());
        }
        if !struck && over >= middle {
            struck = true;
            fault::strike(args.fault, stage, crew, show).await?;
        }
        if Instant::now() > deadline {
            following.end();
            return Err(Trouble::new(format!("{left} jobs are not over; something hangs")))
                .context("gave up");
        }
    }
}

async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
