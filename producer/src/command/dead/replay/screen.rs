//! A replay's plan as it is shown and as programs read it.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};
use common::domain::job::Lane;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::output::paint::{bold, command, dim};
use crate::output::text::{counted, duration, json_time, number};
use crate::plan::eta::Eta;

/// What a replay would do, or did.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) id: String,
    pub(super) letters: i64,
    pub(super) malls: i64,
    /// Messages that are no jobs; they are not among `letters`.
    pub(super) no_jobs: i64,
    /// Of the letters, those that cannot be planned.
    pub(super) left: i64,
    pub(super) wanted: i64,
    pub(super) superseded: i64,
    pub(super) in_work: i64,
    pub(super) jobs: i64,
    /// Of the jobs, those of malls that send nothing now.
    pub(super) waiting: i64,
    pub(super) lane: Lane,
    pub(super) per_second: Option<u32>,
    /// Requests that the jobs will take.
    pub(super) requests: i64,
    pub(super) eta: Option<Eta>,
    /// When this was said.
    pub(super) now: DateTime<Utc>,
    pub(super) key_is_mall: bool,
}

impl Plan {
    /// Seconds until the last request, by the slowest bucket or by the rate that was asked for; `None`: nobody knows.
    fn seconds(&self) -> Option<u64> {
        match &self.eta {
            Some(eta) => eta.seconds.map(|seconds| seconds.max(self.seconds_by_rate())),
            None => Some(self.seconds_by_rate()),
        }
    }

    fn seconds_by_rate(&self) -> u64 {
        self.per_second.map_or(0, |rate| u64::try_from(self.jobs).unwrap_or(0).div_ceil(u64::from(rate)))
    }

    /// The plan in words; `note` stands at the end of the first line.
    pub(super) fn text(&self, note: &str) -> String {
        let head = format!("plan {}", self.id);
        let when = match self.seconds() {
            Some(0) => "at once".to_owned(),
            Some(seconds) => duration(seconds),
            None => "? when".to_owned(),
        };
        let noted = if note.is_empty() { String::new() } else { format!("   {}", dim(note)) };
        let mut out = format!(
            "{}   {} → lane {} · {}, {when} · {} superseded by newer data · {} of a paused mall{}\n",
            bold(head),
            counted(self.jobs, "job", "jobs"),
            self.lane,
            counted(self.requests, "request", "requests"),
            number(self.superseded),
            number(self.waiting),
            noted,
        );
        let mut row = |label: &str, text: String| {
            let _ = writeln!(out, "  {}{text}", dim(format_args!("{label:<10}")));
        };
        row("letters", format!("{} of {}", number(self.letters), counted(self.malls, "mall", "malls")));
        row(
            "slices",
            format!(
                "{} wanted − {} superseded − {} queued already = {}",
                number(self.wanted),
                number(self.superseded),
                number(self.in_work),
                number(self.wanted - self.superseded - self.in_work)
            ),
        );
        if let Some(words) = self.eta_words() {
            row("ETA", words);
        }
        if self.waiting > 0 {
            row(
                "paused",
                format!(
                    "{} until malls send again → {}",
                    counted(self.waiting, "job waits", "jobs wait"),
                    command("cafe24-sync malls list")
                ),
            );
        }
        if self.left > 0 {
            row(
                "left",
                format!(
                    "{} open: the mall was removed, or has no such endpoint any more",
                    counted(self.left, "letter stays", "letters stay")
                ),
            );
        }
        if self.no_jobs > 0 {
            row(
                "no jobs",
                format!(
                    "{} left out → {}",
                    counted(self.no_jobs, "unreadable message is", "unreadable messages are"),
                    command("cafe24-sync dead list --class unreadable")
                ),
            );
        }
        out
    }

    /// Seconds until the last request, if the rate that was asked for sets them, and no bucket.
    fn set_by_rate(&self) -> Option<u64> {
        let by_rate = self.seconds_by_rate();
        let by_bucket = self.eta.as_ref()?.seconds?;
        (by_bucket < by_rate).then_some(by_rate)
    }

    fn eta_words(&self) -> Option<String> {
        let eta = self.eta.as_ref()?;
        Some(match self.set_by_rate() {
            Some(seconds) => {
                format!("{}  set by --rate {}/s", duration(seconds), self.per_second.unwrap_or(0))
            }
            None => eta.words(self.now, self.key_is_mall),
        })
    }

    /// The end for programs; where the rate sets it, no bucket does.
    fn eta_json(&self) -> Option<Value> {
        let mut eta = self.eta.as_ref()?.json(self.now);
        if let Some(seconds) = self.set_by_rate() {
            let done = self.now + Duration::from_secs(seconds);
            eta["seconds"] = json!(seconds);
            eta["done_at"] = json!(json_time(done));
            eta["bound"] = json!("rate");
            eta["set_by"] = Value::Null;
        }
        Some(eta)
    }

    /// For programs; without a run it is a dry run.
    pub(super) fn json(&self, run: Option<Uuid>) -> Value {
        let eta = self.eta_json();
        json!({
            "plan": self.id, "run_id": run, "letters": self.letters, "malls": self.malls,
            "slices": {
                "wanted": self.wanted, "superseded": self.superseded, "in_work": self.in_work,
                "to_fetch": self.wanted - self.superseded - self.in_work,
            },
            "jobs": self.jobs, "requests": self.requests, "superseded": self.superseded, "in_work": self.in_work,
            "parked": self.waiting, "not_replayable": self.left, "unreadable": self.no_jobs, "lane": self.lane,
            "rate_per_second": self.per_second, "eta_s": self.eta.as_ref().and_then(|_| self.seconds()),
            "eta_set_by": eta.as_ref().map(|eta| eta["set_by"].clone()), "eta": eta,
        })
    }
}

#[cfg(test)]
mod tests {
    use common::domain::ids::LimiterKey;

    use super::*;
    use crate::command::health::tests::at;
    use crate::output::golden::golden;
    use crate::plan::eta::Bound;

    fn plan() -> Plan {
        let key = LimiterKey::try_from("ainong".to_owned()).expect("a key");
        Plan {
            id: "b20d77c1".to_owned(),
            letters: 3,
            malls: 1,
            no_jobs: 0,
            left: 0,
            wanted: 3,
            superseded: 0,
            in_work: 0,
            jobs: 3,
            waiting: 0,
            lane: Lane::Fresh,
            per_second: None,
            requests: 3,
            eta: Some(Eta {
                seconds: Some(0),
                key,
                requests: 3,
                before: 0,
                tokens: Some(35),
                per_second: 2.0,
                bound: Bound::Budget,
            }),
            now: at(),
            key_is_mall: true,
        }
    }

    #[test]
    fn a_small_replay_is_shown_with_its_price() {
        golden("dead_replay", |_| plan().text("nothing replayed yet"));
    }

    #[test]
    fn a_large_replay_says_what_sets_its_end_and_what_is_left_out() {
        let mut plan = plan();
        (plan.letters, plan.malls, plan.jobs, plan.wanted) = (1_204, 40, 1_180, 3_300);
        (plan.superseded, plan.in_work, plan.waiting, plan.left, plan.no_jobs) = (120, 12, 30, 4, 1);
        plan.lane = Lane::Backfill;
        plan.requests = 1_180;
        let eta = plan.eta.as_mut().expect("set above");
        (eta.seconds, eta.requests, eta.before) = (Some(164), 300, 62);
        let by_bucket = plan.text("");
        plan.per_second = Some(2);
        // What programs read is what people do.
        let json = plan.json(None);
        let told = [&json["eta_s"], &json["eta"]["seconds"], &json["eta"]["bound"], &json["eta_set_by"]];
        assert_eq!(told, [&json!(590), &json!(590), &json!("rate"), &Value::Null]);
        assert_eq!(json["eta"]["done_at"], "2026-02-16T10:51:50+09:00");
        golden("dead_replay_large", |_| by_bucket.clone() + &plan.text(""));
    }
}
