//! An ETA as people and programs read it; always with what sets it.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use common::domain::calendar::{kst, kst_day};
use common::domain::job::Lane;
use serde_json::{Value, json};

use super::{Bound, Eta, after};
use crate::output::paint::command;
use crate::output::table::Cell;
use crate::output::text::{counted, duration, json_time, number};

impl Eta {
    /// How long it takes and what sets it: `2 m 41 s  set by mall greenfarm: 362 requests, 35 tokens left, 2/s`.
    pub fn words(&self, now: DateTime<Utc>, key_is_mall: bool) -> String {
        match (self.seconds, self.bound) {
            (_, Bound::Paused(lane)) => paused(lane),
            (_, Bound::Held(lane)) => self.held(lane, key_is_mall),
            (_, Bound::Unread) => unread(),
            (_, Bound::Absent(absent)) => format!("? · {}", absent.words()),
            (None, _) => format!("in more than ten years, set by {}", self.what(key_is_mall)),
            (Some(0), _) => {
                let whose = if key_is_mall { "each mall's" } else { "the" };
                format!("at once: {whose} bucket holds enough tokens")
            }
            (Some(seconds), _) => {
                format!("{}  set by {}{}", duration(seconds), self.what(key_is_mall), self.waits(now))
            }
        }
    }

    /// When it is done and what sets it: `done 10:51, set by mall moonlit: 1,080 requests, 2 tokens left, 2/s`.
    pub fn end_words(&self, now: DateTime<Utc>, key_is_mall: bool) -> String {
        match (self.done(now), self.bound) {
            (_, Bound::Paused(lane)) => paused(lane),
            (_, Bound::Held(lane)) => self.held(lane, key_is_mall),
            (_, Bound::Unread) => unread(),
            (_, Bound::Absent(absent)) => format!("? · {}", absent.words()),
            (None, _) => format!("in more than ten years, set by {}", self.what(key_is_mall)),
            (Some(done), _) => {
                format!("done {}, set by {}{}", clock(done, now), self.what(key_is_mall), self.waits(now))
            }
        }
    }

    /// When it is done, as a cell of a table.
    pub fn cell(&self, now: DateTime<Utc>) -> Cell {
        self.done(now).map_or_else(Cell::unknown, |done| Cell::new(clock(done, now), json_time(done)))
    }

    /// When it is done; `None`: nobody knows.
    pub fn done(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        #[expect(clippy::cast_precision_loss, reason = "ten years are below 2^53 s")]
        self.seconds.map(|seconds| after(now, seconds as f64))
    }

    /// The same for programs.
    pub fn json(&self, now: DateTime<Utc>) -> Value {
        let (bound, until) = match self.bound {
            Bound::Budget => ("budget", None),
            Bound::Hours(opens) => ("hours", Some(opens)),
            Bound::Later(time) => ("later", Some(time)),
            Bound::Paused(_) | Bound::Held(_) => ("paused", None),
            Bound::Unread => ("unread", None),
            Bound::Absent(absent) => (absent.code(), None),
        };
        json!({
            "seconds": self.seconds, "done_at": self.done(now).map(json_time), "set_by": self.key.as_str(),
            "requests": self.requests, "before": self.before, "tokens_left": self.tokens.map(|tokens| tokens.max(0)),
            "per_second": self.per_second, "bound": bound, "waits_until": until.map(json_time),
        })
    }

    /// The bucket that sets it, with its figures.
    fn what(&self, key_is_mall: bool) -> String {
        let whose = if key_is_mall { "mall" } else { "bucket" };
        let mut text =
            format!("{whose} {}: {}", self.key, counted(self.requests + self.before, "request", "requests"));
        if self.before > 0 {
            let _ = write!(text, " ({} go before)", number(self.before));
        }
        let tokens = self.tokens.map_or_else(
            || "? tokens left".to_owned(),
            |tokens| format!("{} left", counted(tokens.max(0), "token", "tokens")),
        );
        let _ = write!(text, ", {tokens}, {}/s", rate(self.per_second));
        text
    }

    fn held(&self, lane: Lane, key_is_mall: bool) -> String {
        let whose = if key_is_mall { "mall" } else { "a mall of bucket" };
        let list = command("cafe24-sync queue list");
        format!("nobody knows: lane {lane} is paused for {whose} {} → {list}", self.key)
    }

    /// What it waits for beside the budget.
    fn waits(&self, now: DateTime<Utc>) -> String {
        match self.bound {
            Bound::Budget | Bound::Paused(_) | Bound::Held(_) | Bound::Unread | Bound::Absent(_) => {
                String::new()
            }
            Bound::Hours(opens) => format!(" · backfill waits until {} KST", clock(opens, now)),
            Bound::Later(time) => format!(" · a job waits until {} KST", clock(time, now)),
        }
    }
}

fn unread() -> String {
    let doctor = command("cafe24-sync doctor");
    format!("? · Redis does not answer: no bucket's level is known, and nothing is sent → {doctor}")
}

fn paused(lane: Lane) -> String {
    let resume = command(format!("cafe24-sync queue resume {lane}"));
    format!("nobody knows: lane {lane} is paused → {resume}")
}

/// `10:51`, with its day if that is another one than today.
pub fn clock(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let local = time.with_timezone(&kst());
    let form = if kst_day(now) == local.date_naive() { "%H:%M" } else { "%m-%d %H:%M" };
    local.format(form).to_string()
}

/// `2`, `1.5`, `0.67`.
pub fn rate(per_second: f64) -> String {
    let text = format!("{per_second:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
