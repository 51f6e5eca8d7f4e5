//! Progress on stderr: a bar where a person looks, a plain line every 5 s where a log is kept.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Output, terminal};

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// How often the bar is drawn at most.
const DRAWS_PER_SECOND: u8 = 10;

/// One task's progress.
#[derive(Debug)]
pub struct Progress {
    output: Output,
    label: &'static str,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    /// Starts to show `label`; nothing with `--quiet`.
    pub fn new(output: Output, label: &'static str) -> Self {
        let dumb = is_log();
        let bar = (std::io::stderr().is_terminal() && !dumb && !output.quiet).then(|| {
            let bar =
                ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
            let chars = if terminal::is_utf8() { "━╸─" } else { "=>-" };
            let style = ProgressStyle::with_template("{prefix:10} {bar:24} {msg}")
                .map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars(chars));
            // The builder's methods draw nothing: the bar appears with the first thing to show.
            bar.with_style(style).with_prefix(label)
        });
        // The first plain line comes after 5 s: short work needs none.
        Self { output, label, bar, last_line: Instant::now() }
    }

    /// Shows that `done` of `total` are done; `details` say more.
    pub fn show(&mut self, done: i64, total: i64, details: &str) {
        if let Some(bar) = &self.bar {
            bar.set_length(u64::try_from(total).unwrap_or(0));
            bar.set_position(u64::try_from(done).unwrap_or(0));
            bar.set_message(details.to_owned());
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            self.output.note(&format!("{} {details}", self.label));
        }
    }

    /// Says something without tearing the bar.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.output.note(text)),
            None => self.output.note(text),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Whether a bar would only leave rubbish: a terminal that cannot move its cursor, or a CI log.
fn is_log() -> bool {
    common::config::env::variables()
        .any(|(name, value)| name == "TERM" && value == "dumb" || name == "CI" && !value.is_empty())
}
