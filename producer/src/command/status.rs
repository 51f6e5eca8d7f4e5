//! `status`: what is fresh, what waits, what needs a person.

mod nameless;

mod screen;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use common::clock::now;
use common::domain::ids::LimiterKey;
use common::domain::job::Lane;
use common::store::{Alert, Backlog, Control, EndpointPause, MallReport, StoreError};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::json;

pub(super) use self::nameless::without_names;
use self::screen::text;
use super::alerts::item as alert_item;
use super::context::Context;
use super::health::{Status, health};
use super::lanes::pauses as paused_alone;
use crate::crew::Crew;
use crate::fault::{Exit, Fault};
use crate::output::json::{Document, with_times};
use crate::output::text::json_time;
use crate::plan::eta::{Eta, Terms, eta};
use crate::remedy::Remedy;

/// Malls read at once: planning the statement takes as long as reading a hundred of them.
const PAGE: i64 = 2_000;
/// Problems kept for showing; the others are counted.
const PROBLEMS: usize = 20;

pub(super) async fn run(context: &Context, check: bool) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let found = collect(context, &control).await.map_err(|error| context.store(error))?;
    let now = now();
    let output = context.output;
    let attention = found.malls.late + found.malls.needs_you > 0 || !found.alerts.is_empty();
    if output.is_for_programs() {
        output.document(&Document::new(&found, now))?;
    } else {
        output.answer(&text(&found, now))?;
    }
    Ok(if check && attention { Exit::Attention } else { Exit::Done })
}

/// Everything that the status says.
#[derive(Debug, Serialize)]
struct Found {
    profile: String,
    malls: Malls,
    #[serde(serialize_with = "backlog")]
    backlog: Vec<Backlog>,
    /// Who leads, and who fetches.
    #[serde(flatten, serialize_with = "at_work")]
    crew: Crew,
    /// Dead letters that nobody replayed, all time.
    dead: i64,
    /// `null`: nothing is open.
    eta_s: Option<u64>,
    eta_set_by: Option<String>,
    /// The ETA with what it comes from.
    #[serde(rename = "eta")]
    eta_json: Option<serde_json::Value>,
    /// Lanes that are not sent until somebody resumes them.
    lanes_paused: Vec<Lane>,
    /// Those that are not sent for an agency or a mall alone.
    lanes_paused_for: Vec<serde_json::Value>,
    /// Endpoints that are not called, for all malls or for one.
    #[serde(serialize_with = "pauses")]
    endpoints_paused: Vec<EndpointPause>,
    /// When backfills are sent again, if they wait for their hours.
    #[serde(serialize_with = "time")]
    backfill_waits_until: Option<DateTime<Utc>>,
    /// Requests a second that the limits allow now.
    allowed_per_second: f64,
    /// What the daemon holds to want a person, one a cause.
    #[serde(serialize_with = "alerts")]
    alerts: Vec<Alert>,
    problems: Vec<Problem>,
    /// Of all problems, those not in `problems`.
    problems_more: i64,
    #[serde(skip)]
    eta: Option<Eta>,
    /// Of the keys that send, those with a bucket as configured each gain so much a second.
    #[serde(skip)]
    per_second: f64,
    #[serde(skip)]
    keys: i64,
    #[serde(skip)]
    key_is_mall: bool,
}

/// Malls by status.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Malls {
    fresh: i64,
    catching_up: i64,
    late: i64,
    needs_you: i64,
    paused: i64,
}

impl Malls {
    fn count(&mut self, status: Status) {
        match status {
            Status::Fresh => self.fresh += 1,
            Status::CatchingUp => self.catching_up += 1,
            Status::Late => self.late += 1,
            Status::NeedsYou => self.needs_you += 1,
            Status::Paused => self.paused += 1,
        }
    }

    fn active(self) -> i64 {
        self.fresh + self.catching_up + self.late + self.needs_you
    }
}

/// A mall that wants attention.
#[derive(Debug, Clone, Serialize)]
struct Problem {
    mall_id: String,
    status: Status,
    why: String,
    #[serde(rename = "do")]
    action: String,
}

async fn collect(context: &Context, control: &Control) -> Result<Found, StoreError> {
    // Side by side: what waits and what malls are is nearly all that there is to read.
    let ((demands, backlog), seen) = tokio::try_join!(control.open_work(), Seen::read(control))?;
    let keys: Vec<_> = demands.iter().map(|demand| demand.key.clone()).collect();
    let crew = Crew::read(&context.config, control).await?;
    let terms = Terms::read(&context.config, control, &keys).await?.at_work(&crew);
    let reserves = control.reserves().await?;
    let eta = eta(&demands, &terms);
    let allowed_per_second = seen
        .keys
        .iter()
        .map(|key| match LimiterKey::try_from(key.clone()).ok().and_then(|key| reserves.get(&key).copied()) {
            Some(share) => context.config.limits.refill_per_second * share.ours(),
            None => terms.usual.per_second,
        })
        // Not sum(): that begins at −0, which JSON would show.
        .fold(0.0, |sum, one| sum + one);
    Ok(Found {
        profile: context.config.profile.clone(),
        malls: seen.malls,
        backlog,
        crew,
        dead: control.open_letter_count().await?,
        eta_s: eta.as_ref().and_then(|eta| eta.seconds),
        eta_set_by: eta.as_ref().map(|eta| eta.key.to_string()),
        eta_json: eta.as_ref().map(|eta| eta.json(terms.now)),
        eta,
        allowed_per_second,
        alerts: control.alerts(false).await?,
        problems: seen.problems,
        problems_more: seen.problems_more,
        lanes_paused: terms.paused.clone(),
        lanes_paused_for: paused_alone(&control.lane_overrides().await?),
        endpoints_paused: control.endpoint_pauses(None).await?,
        backfill_waits_until: terms.backfill_waits_until(),
        per_second: terms.usual.per_second,
        keys: i64::try_from(seen.keys.len()).unwrap_or(i64::MAX),
        key_is_mall: context.key_is_mall(),
    })
}

/// A paused endpoint for programs, in short: `endpoints list` has the rest.
fn paused_endpoint(pause: &EndpointPause) -> serde_json::Value {
    json!({
        "endpoint": pause.endpoint, "mall_id": pause.mall_id, "cause": pause.cause, "since": json_time(pause.since),
        "parked": pause.parked, "do": Remedy::of_pause(pause).action,
    })
}

/// What all malls come to.
#[derive(Default)]
struct Seen {
    malls: Malls,
    /// Buckets of those that send.
    keys: BTreeSet<String>,
    problems: Vec<Problem>,
    problems_more: i64,
}

impl Seen {
    async fn read(control: &Control) -> Result<Self, StoreError> {
        let mut seen = Self::default();
        let mut after = String::new();
        loop {
            let page = control.mall_report(&after, PAGE).await?;
            for report in &page {
                seen.count(report);
            }
            match page.last() {
                Some(last) => after.clone_from(&last.mall_id),
                None => return Ok(seen),
            }
        }
    }

    fn count(&mut self, report: &MallReport) {
        let health = health(report);
        self.malls.count(health.status);
        if report.state == "active" && report.mode.as_deref() == Some("api") {
            self.keys.insert(report.limiter_key.clone());
        }
        if matches!(health.status, Status::Late | Status::NeedsYou) {
            self.add(Problem {
                mall_id: report.mall_id.clone(),
                status: health.status,
                why: health.reason,
                action: health.action,
            });
        }
    }

    /// Keeps the first ones; who needs a person goes before who is late.
    fn add(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(problem);
            return;
        }
        self.problems_more += 1;
        if problem.status == Status::NeedsYou
            && let Some(late) = self.problems.iter_mut().find(|known| known.status == Status::Late)
        {
            *late = problem;
        }
    }
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn time<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(json_time).serialize(serializer)
}

fn at_work<S: Serializer>(crew: &Crew, serializer: S) -> Result<S::Ok, S::Error> {
    json!({ "daemon": crew.daemon_json(), "workers": crew.workers_json() }).serialize(serializer)
}

fn backlog<S: Serializer>(backlog: &[Backlog], serializer: S) -> Result<S::Ok, S::Error> {
    let times = backlog.iter().map(|jobs| with_times(jobs, &[("oldest", jobs.oldest)]));
    let values: Vec<_> = times.collect::<Result<_, _>>().map_err(|_| S::Error::custom("not JSON"))?;
    values.serialize(serializer)
}

fn pauses<S: Serializer>(pauses: &[EndpointPause], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pauses.iter().map(paused_endpoint))
}

fn alerts<S: Serializer>(alerts: &[Alert], serializer: S) -> Result<S::Ok, S::Error> {
    let values: Vec<_> =
        alerts.iter().map(alert_item).collect::<Result<_, _>>().map_err(|_| S::Error::custom("not JSON"))?;
    values.serialize(serializer)
}
