//! Who is at work: the daemon that plans and hands over, the broker that carries, the workers that fetch. Without them a queue
//! only waits, and nobody knows an end.

use std::time::Duration;

use chrono::{DateTime, Utc};
use common::config::Config;
use common::limiter::LimiterError;
use common::store::{Control, Leader, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::feed::{broker, limiter};
use crate::lock::LOCK;
use crate::output::paint::command;
use crate::output::text::{clean, counted, json_time, number, short_time};

/// What plans and hands over.
pub(crate) const DAEMON: &str = "cafe24-sync serve";
/// What fetches.
pub(crate) const WORKER: &str = "cafe24-sync-worker run";
/// How long RabbitMQ may take to greet before it counts as away. A handshake takes some milliseconds, on a very busy machine a second
/// or two.
const GREET: Duration = Duration::from_secs(4);

/// Who is at work now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crew {
    /// The process that leads; `None`: nobody does.
    pub(crate) daemon: Option<Leader>,
    /// The workers that show that they live; `None`: Redis, where they say so, did not answer.
    pub(crate) workers: Option<Workers>,
}

/// The living workers together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Workers {
    pub(crate) alive: i64,
    /// Fetches that they may have under way.
    pub(crate) slots: i64,
    /// Of these, those that are.
    pub(crate) busy: i64,
    /// When the newest of them began; `None`: they do not say.
    pub(crate) since: Option<DateTime<Utc>>,
}

/// Who is not there, so that what waits goes on waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Nobody carries: RabbitMQ does not answer.
    Broker,
    /// Nobody plans and hands over.
    Daemon,
    /// Nobody fetches.
    Workers,
}

/// Whether RabbitMQ answers, at most [`GREET`] later. Why it does not, `doctor` tells.
pub(crate) async fn broker_absent(config: &Config, control: &Control) -> Option<Absent> {
    let asked = async {
        broker(config, control).map_err(|error| error.to_string())?.ping().await.map_err(|e| e.to_string())
    };
    match tokio::time::timeout(GREET, asked).await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => tracing::debug!(error, "the broker is away"),
        Err(_) => tracing::debug!("the broker does not greet in time"),
    }
    Some(Absent::Broker)
}

/// What a worker says of itself (`worker/src/heartbeat.rs`).
#[derive(Debug, Deserialize)]
struct Beat {
    slots: i64,
    busy: i64,
    since: Option<DateTime<Utc>>,
}

impl Crew {
    /// Asks Postgres for the leader and Redis for the workers. A Redis that does not answer is no failure.
    pub(crate) async fn read(config: &Config, control: &Control) -> Result<Self, StoreError> {
        let daemon = control.leader(LOCK).await?;
        let beats = match limiter(config, control) {
            Ok(limiter) => limiter.heartbeats().await.map_err(|error: LimiterError| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let workers = match beats {
            Ok(beats) => Some(Workers::of(beats.iter().map(|(_, json)| json.as_str()))),
            Err(error) => {
                tracing::debug!(error, "which workers live is unknown");
                None
            }
        };
        Ok(Self { daemon, workers })
    }

    /// Who is surely not there.
    pub(crate) fn absent(&self) -> Option<Absent> {
        match &self.workers {
            Some(workers) if workers.alive == 0 => Some(Absent::Workers),
            _ if self.daemon.is_none() => Some(Absent::Daemon),
            _ => None,
        }
    }

    /// The daemon in words, and whether that is as it should be.
    pub(crate) fn daemon_words(&self) -> (bool, String) {
        match &self.daemon {
            Some(leader) => {
                let (since, instance) = (short_time(leader.since), clean(&leader.instance));
                (true, format!("leads since {since} ({instance})"))
            }
            None => (false, Absent::Daemon.words()),
        }
    }

    /// The workers in words, and whether that is as it should be.
    pub(crate) fn workers_words(&self) -> (bool, String) {
        match &self.workers {
            None => (false, "? · Redis does not answer: nobody knows which workers live".to_owned()),
            Some(workers) if workers.alive == 0 => (false, Absent::Workers.words()),
            Some(workers) => {
                let since =
                    workers.since.map(|since| format!(" since {}", short_time(since))).unwrap_or_default();
                let slots = counted(workers.slots, "slot", "slots");
                (true, format!("{} at work{since} · {slots}", number(workers.alive)))
            }
        }
    }

    /// The daemon for programs; `null`: none.
    pub(crate) fn daemon_json(&self) -> Value {
        let daemon = self.daemon.as_ref();
        json!(daemon.map(|leader| json!({ "instance": leader.instance, "since": json_time(leader.since) })))
    }

    /// The workers for programs; `null`: unknown.
    pub(crate) fn workers_json(&self) -> Value {
        json!(self.workers.map(|workers| json!({
            "alive": workers.alive, "slots": workers.slots, "busy": workers.busy, "since": workers.since.map(json_time),
        })))
    }
}

impl Workers {
    fn of<'a>(beats: impl Iterator<Item = &'a str>) -> Self {
        beats.fold(Self::default(), |sum, json| {
            // A worker of another version lives, whatever it says.
            let beat: Option<Beat> = serde_json::from_str(json).ok();
            let figure = |of: fn(&Beat) -> i64| beat.as_ref().map_or(0, of);
            Self {
                alive: sum.alive + 1,
                slots: sum.slots + figure(|beat| beat.slots),
                busy: sum.busy + figure(|beat| beat.busy),
                since: sum.since.max(beat.as_ref().and_then(|beat| beat.since)),
            }
        })
    }
}

impl Absent {
    /// What is missing, what that means, and what to do.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Broker => format!("{} → {}", self.what(), command("cafe24-sync doctor")),
            Self::Daemon => format!("{} → start {}", self.what(), command(DAEMON)),
            Self::Workers => format!("{} → start {}", self.what(), command(WORKER)),
        }
    }

    /// What is missing, and what that means.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Broker => "RabbitMQ does not answer: nothing is handed over",
            Self::Daemon => "no daemon runs: nothing is planned or handed over",
            Self::Workers => "no worker runs: nothing is fetched",
        }
    }

    /// For programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Broker => "no_broker",
            Self::Daemon => "no_daemon",
            Self::Workers => "no_worker",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::paint::bare;

    fn at() -> DateTime<Utc> {
        "2026-02-16T10:42:00+09:00".parse().expect("a time")
    }

    fn crew(daemon: bool, workers: Option<&[&str]>) -> Crew {
        let daemon = daemon.then(|| Leader { instance: "sync1:4711".to_owned(), since: at() });
        Crew { daemon, workers: workers.map(|beats| Workers::of(beats.iter().copied())) }
    }

    #[test]
    fn a_worker_of_another_version_counts_as_well() {
        let beats =
            [r#"{"slots":32,"busy":5,"since":"2026-02-16T01:00:00Z"}"#, r#"{"slots":16,"busy":1}"#, "what?"];
        let crew = crew(true, Some(&beats));
        assert_eq!(crew.workers.map(|workers| workers.busy), Some(6));
        assert_eq!(crew.absent(), None);
        let (well, words) = crew.workers_words();
        assert!(well && words.starts_with("3 at work since ") && words.ends_with(" · 48 slots"), "{words}");
    }

    #[test]
    fn who_is_surely_not_there_is_said_with_what_to_start() {
        assert_eq!(crew(true, Some(&[])).absent(), Some(Absent::Workers));
        assert_eq!(crew(false, Some(&["{}"])).absent(), Some(Absent::Daemon));
        // Unknown is not zero.
        assert_eq!(crew(true, None).absent(), None);
        let (well, words) = crew(true, Some(&[])).workers_words();
        assert_eq!(
            (well, bare(&words).as_str()),
            (false, "no worker runs: nothing is fetched → start cafe24-sync-worker run")
        );
    }
}
