//! What people see while it runs: bars on a terminal, a line every five seconds elsewhere.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::books::MallProgress;
use super::plan::Plan;
use crate::harness::optional;
use crate::simulator::SimulatorHandle;

const LINE_EVERY: Duration = Duration::from_secs(5);
const DRAWS_PER_SECOND: u8 = 10;
/// Malls with a bar of their own.
const MALL_BARS: usize = 6;
const BUCKET_CELLS: usize = 10;

/// All output of the demo; bars and lines must not tear each other.
#[derive(Debug)]
pub(super) struct Show {
    bars: Option<MultiProgress>,
}

/// The bars of one run.
#[derive(Debug)]
pub(super) struct Following {
    main: Option<ProgressBar>,
    malls: Vec<(String, ProgressBar)>,
    last_line: Instant,
}

/// What there is to show now.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) progress: &'a BTreeMap<String, MallProgress>,
    pub(super) sim: &'a SimulatorHandle,
}

impl Show {
    pub(super) fn new() -> Self {
        let log = optional("CI").is_some() || optional("TERM").is_some_and(|term| term == "dumb");
        let terminal = std::io::stderr().is_terminal() && !log;
        let target = || ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
        Self { bars: terminal.then(|| MultiProgress::with_draw_target(target())) }
    }

    /// ` ✓ migrate    0.2 s`
    pub(super) fn done(&self, what: &str, text: &str) {
        self.line(&format!(" ✓ {what:<10} {text}"));
    }

    /// ` ! worker-2 killed …`
    pub(super) fn note(&self, text: &str) {
        self.line(&format!(" ! {text}"));
    }

    /// ` coverage   …`, `   hanbit …`
    pub(super) fn line(&self, text: &str) {
        // Nobody reads stderr any more: nothing to be done about it.
        let write = || drop(writeln!(anstream::stderr(), "{text}"));
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    pub(super) fn follow(&self, plan: &Plan) -> Following {
        let main = self.bars.as_ref().map(|bars| bar(bars, "sync", plan.jobs()));
        let mall_bar = |mall: String| {
            let bars = self.bars.as_ref()?;
            Some((mall.clone(), bar(bars, &mall, plan.jobs.get(&mall).copied().unwrap_or(0))))
        };
        let malls = plan.slowest(MALL_BARS).into_iter().filter_map(mall_bar).collect();
        Following { main, malls, last_line: Instant::now() }
    }
}

impl Following {
    pub(super) fn show(&mut self, show: &Show, scene: &Scene<'_>) {
        // What is replayed is one job more.
        let total: u64 = scene.progress.values().map(MallProgress::jobs).sum();
        let over: u64 = scene.progress.values().map(|mall| mall.done + mall.failed).sum();
        let rows: u64 = scene.progress.values().map(|mall| mall.rows).sum();
        let throttled = scene.sim.report().total.throttled;
        let text = format!("{over}/{total} jobs · {} rows · {throttled} × 429", thousands(rows));
        if let Some(main) = &self.main {
            main.set_length(total);
            main.set_position(over);
            main.set_message(text);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            show.line(&format!("   sync       {text}"));
        }
        for (mall, bar) in &self.malls {
            let Some(progress) = scene.progress.get(mall) else { continue };
            let (done, jobs) = (progress.done, progress.jobs());
            bar.set_position(done);
            bar.set_message(format!("{done:>4}/{jobs:<4} bucket {}", bucket(scene.sim, mall)));
        }
    }

    pub(super) fn end(self) {
        for bar in self.malls.into_iter().map(|(_, bar)| bar).chain(self.main) {
            bar.finish_and_clear();
        }
    }
}

fn bar(bars: &MultiProgress, name: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("   {prefix:<10} {bar:24} {msg}");
    let style = style.map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("━╸─"));
    bars.add(ProgressBar::new(length).with_prefix(name.to_owned()).with_style(style))
}

/// `████████░░ 33/40`
fn bucket(sim: &SimulatorHandle, mall: &str) -> String {
    let capacity = sim.config().capacity;
    let level = sim.level(mall).unwrap_or(0.0).floor().clamp(0.0, f64::from(capacity));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the capacity")]
    let level = level as u32;
    let full = (level as usize * BUCKET_CELLS).div_ceil(capacity.max(1) as usize);
    format!("{}{} {level:>2}/{capacity}", "█".repeat(full), "░".repeat(BUCKET_CELLS - full))
}

/// `18,240`
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(1_204), "1,204");
        assert_eq!(thousands(1_018_240), "1,018,240");
    }
}
