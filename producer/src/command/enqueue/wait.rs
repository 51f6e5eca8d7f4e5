//! `--wait`: feeds beside whoever feeds, and watches until the run's jobs are over, and those of other runs that bring what it
//! wished for.

use std::fmt::Write;
use std::time::Duration;

use common::store::{Control, DemandOf, RunProgress, StoreError};
use tokio::signal::ctrl_c;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::carriers::Carriers;
use crate::command::context::Context;
use crate::crew::{Absent, Crew};
use crate::dead;
use crate::duty::Leader;
use crate::fault::{Exit, Fault};
use crate::output::paint::{command, good, warn};
use crate::output::progress::Progress;
use crate::output::text::{counted, duration, number};
use crate::plan::eta::eta;
use crate::remedy::WHY_PAUSED;

/// How often the run is looked at.
const LOOK: Duration = Duration::from_millis(300);
/// A look that takes long is followed by a pause so many times as long: of very many jobs, looking is work for Postgres.
const PAUSE: u32 = 9;
/// It is looked at so often at least.
const SELDOM: Duration = Duration::from_secs(10);
/// How often its end is foretold anew.
const FORETELL: Duration = Duration::from_secs(2);
/// After this long without a job that moved, a hint is given, once.
const STUCK: Duration = Duration::from_secs(15);
/// How long the feeder may take to hand over and stop.
const STOP: Duration = Duration::from_secs(5);

/// Why the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Done,
    TimedOut,
    Interrupted,
}

impl End {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::TimedOut => "timed_out",
            Self::Interrupted => "interrupted",
        }
    }
}

/// How the waiting ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) end: End,
    pub(super) progress: RunProgress,
    pub(super) waited: Duration,
}

impl Ended {
    pub(super) fn exit(&self) -> Exit {
        let p = &self.progress;
        match self.end {
            End::TimedOut => Exit::TimedOut,
            End::Interrupted => Exit::Interrupted,
            End::Done if p.failed + p.parked + p.cancelled > 0 => Exit::Partial,
            End::Done => Exit::Done,
        }
    }

    pub(super) fn text(&self) -> String {
        let p = &self.progress;
        let mut parts = vec![format!("{} of {} done", number(p.done), counted(p.jobs, "job", "jobs"))];
        let paused = format!("paused → {WHY_PAUSED}");
        let others = [
            (p.failed, "failed → cafe24-sync dead list"),
            (p.parked, paused.as_str()),
            (p.cancelled, "cancelled"),
            (p.open(), "open"),
        ];
        if p.of_other_runs > 0 {
            parts.push(format!("{} of them of earlier runs", number(p.of_other_runs)));
        }
        parts.extend(others.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", number(*n))));
        parts.push(format!("{} rows", number(p.rows)));
        parts.push(duration(self.waited.as_secs()));
        let text = parts.join(" · ");
        match (self.end, self.exit()) {
            (End::TimedOut, _) => format!("{} {text} · the waiting ran out", warn("!")),
            (End::Interrupted, _) => format!("{} {text} · interrupted", warn("!")),
            (_, Exit::Done) => format!("{} {text}", good("✓")),
            _ => format!("{} {text}", warn("!")),
        }
    }
}

/// Waits until no job of `run` and none of the `carriers` will end by itself any more, for at most `limit`, or until Ctrl-C.
pub(super) async fn until_done(
    context: &Context,
    control: &Control,
    run: Uuid,
    carriers: Carriers,
    limit: Option<Duration>,
) -> Result<Ended, Fault> {
    let stop = CancellationToken::new();
    let mut feeder = JoinSet::new();
    feeder.spawn(Leader::command(context.config.clone(), control.clone()).run(stop.clone()));
    let start = Instant::now();
    let mut watch = Watch {
        context,
        control,
        run,
        carriers,
        progress: RunProgress::default(),
        shown: Progress::new(context.output, "sync"),
        eta: None,
    };
    let never = Duration::from_secs(u64::from(u32::MAX));
    let end = tokio::select! {
        () = watch.until_over() => End::Done,
        () = sleep(limit.unwrap_or(never)) => End::TimedOut,
        pressed = ctrl_c() => { pressed.map_err(Fault::Start)?; End::Interrupted }
    };
    let progress = watch.progress;
    drop(watch);
    stop.cancel();
    // A feeder that does not stop in time is stopped with its task; its lock goes with its session.
    let _ = timeout(STOP, feeder.join_next()).await;
    feeder.shutdown().await;
    if progress.failed > 0
        && let Err(error) = dead::drain_once(&context.config, control).await
    {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "dead letters were not archived yet; the next feeder does it"
        );
    }
    Ok(Ended { end, progress, waited: start.elapsed() })
}

/// What is said once when no job has moved for a while. Who waits here feeds; whether somebody fetches is the question, and
/// nobody is asked to start what runs.
fn stuck(crew: &Crew) -> String {
    let why = match &crew.workers {
        Some(workers) if workers.alive > 0 => {
            format!(", though workers run → {}", command("cafe24-sync status"))
        }
        Some(_) => format!(": {}", Absent::Workers.words()),
        None => ": does a worker run? start one with `cafe24-sync-worker run`".to_owned(),
    };
    format!("no job has moved for a while{why}")
}

struct Watch<'a> {
    context: &'a Context,
    control: &'a Control,
    run: Uuid,
    carriers: Carriers,
    progress: RunProgress,
    shown: Progress,
    /// When it will be over, in words, as of then.
    eta: Option<(String, Instant)>,
}

impl Watch<'_> {
    async fn until_over(&mut self) {
        let mut moved = Instant::now();
        let mut known = false;
        let mut hinted = false;
        loop {
            let began = Instant::now();
            let found = self.look().await;
            let mut took = began.elapsed();
            match found {
                Ok(progress) => {
                    if progress != self.progress {
                        moved = Instant::now();
                    }
                    self.progress = progress;
                    known = true;
                    self.foretell().await;
                    self.show(None);
                    if progress.open() == 0 {
                        return;
                    }
                }
                // Unknown is not zero, and not the end: the run goes on without being seen.
                Err(error) => {
                    self.show(Some(&error.to_string()));
                    took = Duration::ZERO;
                }
            }
            if known && !hinted && moved.elapsed() >= STUCK && self.progress.running == 0 {
                hinted = true;
                let crew = Crew::read(&self.context.config, self.control).await.unwrap_or_default();
                self.shown.note(&stuck(&crew));
            }
            sleep((took * PAUSE).clamp(LOOK, SELDOM)).await;
        }
    }

    async fn look(&mut self) -> Result<RunProgress, StoreError> {
        let own = self.control.run_progress(self.run).await?;
        Ok(own.with(self.carriers.progress(self.control).await?))
    }

    /// Says anew when it will be over, if the last word on that is old.
    async fn foretell(&mut self) {
        if self.progress.of_other_runs > 0 {
            // When those of other runs are over is not asked here; the end of its own would come too early.
            return;
        }
        if self.eta.as_ref().is_some_and(|(_, said)| said.elapsed() < FORETELL) {
            return;
        }
        let Ok(demands) = self.control.demand(DemandOf::Run(self.run)).await else { return };
        let Ok(terms) = self.context.terms(self.control, &demands).await else { return };
        let words = eta(&demands, &terms)
            .map(|eta| eta.words(terms.now, self.context.key_is_mall()))
            .unwrap_or_default();
        self.eta = Some((words, Instant::now()));
    }

    fn show(&mut self, trouble: Option<&str>) {
        let p = &self.progress;
        // What is paused is not over, though nobody waits for it.
        let over = p.jobs - p.open() - p.parked;
        let mut text = format!("{}/{} jobs · {} rows", number(over), number(p.jobs), number(p.rows));
        for (n, word) in [(p.running, "running"), (p.failed, "failed"), (p.parked, "paused")] {
            if n > 0 {
                let _ = write!(text, " · {} {word}", number(n));
            }
        }
        if let Some((words, _)) = self.eta.as_ref().filter(|(words, _)| !words.is_empty()) {
            let _ = write!(text, " · ETA {words}");
        }
        if let Some(trouble) = trouble {
            text = format!("? ({trouble})");
        }
        self.shown.show(over, p.jobs, &text);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::crew::Workers;
    use crate::output::paint::bare;

    #[rstest]
    #[case::nobody_fetches(Some(0), ": no worker runs: nothing is fetched → start cafe24-sync-worker run")]
    #[case::they_run(Some(2), ", though workers run → cafe24-sync status")]
    #[case::unknown(None, ": does a worker run? start one with `cafe24-sync-worker run`")]
    fn nobody_is_asked_to_start_what_runs(#[case] alive: Option<i64>, #[case] hint: &str) {
        let workers = alive.map(|alive| Workers { alive, ..Workers::default() });
        assert_eq!(
            bare(&stuck(&Crew { daemon: None, workers })),
            format!("no job has moved for a while{hint}")
        );
    }

    #[rstest]
    #[case::all_done(End::Done, RunProgress { jobs: 8, done: 8, rows: 1_204, ..Default::default() }, Exit::Done)]
    #[case::failed(End::Done, RunProgress { jobs: 8, done: 7, failed: 1, ..Default::default() }, Exit::Partial)]
    #[case::parked(End::Done, RunProgress { jobs: 8, done: 7, parked: 1, ..Default::default() }, Exit::Partial)]
    #[case::late(End::TimedOut, RunProgress { jobs: 8, queued: 8, ..Default::default() }, Exit::TimedOut)]
    #[case::interrupted(End::Interrupted, RunProgress::default(), Exit::Interrupted)]
    fn the_end_decides_the_exit_code(#[case] end: End, #[case] progress: RunProgress, #[case] exit: Exit) {
        assert_eq!(Ended { end, progress, waited: Duration::ZERO }.exit(), exit);
    }

    #[test]
    fn what_is_left_is_said() {
        let progress =
            RunProgress { jobs: 32, done: 29, failed: 1, parked: 2, rows: 1_204, ..Default::default() };
        let ended = Ended { end: End::Done, progress, waited: Duration::from_secs(12) };
        assert_eq!(
            bare(&ended.text()),
            "! 29 of 32 jobs done · 1 failed → cafe24-sync dead list · 2 paused → cafe24-sync endpoints list, cafe24-sync malls list · 1,204 rows · 12 s"
        );
    }
}
