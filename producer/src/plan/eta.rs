//! When work will be done, from the budget that it has.
//!
//! Malls run side by side, each at the pace of its bucket, so the slowest bucket sets the end. What a bucket has to serve
//! until the last job of a run, a mall or an agency is over comes from the ledger ([`Demand`]): its own requests and those
//! that go before them. What it can serve comes from the bucket itself ([`Gauge`]): the tokens that it has now, and its pace,
//! less what is left to other software. Backfills wait for their hours ([`Hours`]); by their beginning the bucket is full
//! again. A job whose time has not come (a retry, a replay at a rate) is not over before that time.
//!
//! What is asked for later, and a mall that fails, are not foreseen: the figure is what the budget allows.

mod terms;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use common::domain::hours::Hours;
use common::domain::ids::LimiterKey;
use common::domain::job::Lane;
use common::limiter::Gauge;
use common::store::Demand;

use crate::crew::Absent;

pub use self::terms::Terms;
pub use self::words::{clock, rate};

/// Nights that a backfill may take before we say that nobody knows.
const MOST_NIGHTS: u32 = 3_650;

/// When something will be done, and what sets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Eta {
    /// Whole seconds from now, rounded up; 0: the buckets hold enough. `None`: nobody knows, see
    /// [`Bound::Paused`], [`Bound::Held`], [`Bound::Unread`] and [`Bound::Absent`].
    pub seconds: Option<u64>,
    /// The slowest bucket.
    pub key: LimiterKey,
    /// Requests of ours that it has to serve.
    pub requests: i64,
    /// Requests of others that it serves before.
    pub before: i64,
    /// Whole tokens that it has now; `None`: Redis did not say.
    pub tokens: Option<i64>,
    /// Tokens that it gains a second.
    pub per_second: f64,
    /// What sets the end.
    pub bound: Bound,
}

/// What sets the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The bucket's tokens and pace.
    Budget,
    /// Backfills are sent again only from this time on.
    Hours(DateTime<Utc>),
    /// A job must not run before this time.
    Later(DateTime<Utc>),
    /// A lane is paused.
    Paused(Lane),
    /// A lane is paused for the mall, or for one that shares its bucket.
    Held(Lane),
    /// Redis does not answer: nobody knows what the bucket has, and nothing is sent.
    Unread,
    /// No daemon or no worker runs, or the broker is away.
    Absent(Absent),
}

/// The end of what `demands` say, under `terms`. `None`: nothing is to be done.
pub fn eta(demands: &[Demand], terms: &Terms) -> Option<Eta> {
    demands
        .iter()
        .filter(|demand| demand.own > 0.0)
        .map(|demand| of_key(demand, terms))
        // Of equal ones the first by name, so that the same plan always says the same.
        .max_by(|(a, eta_a), (b, eta_b)| a.total_cmp(b).then_with(|| eta_b.key.cmp(&eta_a.key)))
        .map(|(_, eta)| eta)
}

/// What keys have to serve until a plan of `lane` is done that takes `requests` from them and stands behind what is `open`.
pub fn planned(requests: &BTreeMap<LimiterKey, f64>, lane: Lane, open: &[Demand]) -> Vec<Demand> {
    requests
        .iter()
        .map(|(key, own)| {
            let before = open.iter().find(|demand| demand.key == *key);
            let (fresh, backfill, out) =
                before.map_or((0.0, 0.0, 0.0), |open| (open.fresh, open.backfill, open.backfill_out));
            let (fresh, backfill) = match lane {
                Lane::Fresh => (fresh + own, out),
                Lane::Backfill => (fresh, backfill + own),
            };
            Demand {
                key: key.clone(),
                jobs: 0,
                own: *own,
                fresh,
                backfill,
                backfill_out: out,
                later: 0.0,
                first_later: None,
                last_later: None,
            }
        })
        .collect()
}

/// One bucket's end: seconds to compare by, and what is told of it.
fn of_key(demand: &Demand, terms: &Terms) -> (f64, Eta) {
    let gauge = terms.gauge(&demand.key);
    let lanes = terms.lanes(&demand.key);
    let stopped = |lane| if terms.paused.contains(&lane) { Bound::Paused(lane) } else { Bound::Held(lane) };
    let mut clock = Clock::start(gauge, terms.now);
    let mut bound = Bound::Budget;
    let waiting = demand.backfill - demand.backfill_out;
    // Fresh jobs overtake the backfill that is with the workers already.
    let is_fresh = waiting <= 0.0 && demand.own <= demand.fresh;
    let out = if is_fresh { 0.0 } else { demand.backfill_out };
    clock.serve(demand.fresh + out);
    if waiting > 0.0 {
        match lanes.hours {
            _ if lanes.paused.contains(&Lane::Backfill) => bound = stopped(Lane::Backfill),
            Some(hours) => {
                if let Some(opens) = clock.serve_within(hours, waiting) {
                    bound = Bound::Hours(opens);
                }
            }
            None => clock.serve(waiting),
        }
    }
    if demand.fresh > 0.0 && lanes.paused.contains(&Lane::Fresh) {
        bound = stopped(Lane::Fresh);
    }
    if let (Some(first), Some(last)) = (demand.first_later, demand.last_later) {
        // By the time of the first the bucket may be full again; from then on they come at its pace.
        #[expect(clippy::cast_precision_loss, reason = "some ten tokens")]
        let piled = (demand.later - gauge.capacity as f64).max(0.0) / gauge.per_second;
        let seconds = (seconds_between(terms.now, first) + piled).max(seconds_between(terms.now, last));
        if seconds > clock.seconds {
            clock.seconds = seconds;
            bound =
                if matches!(bound, Bound::Paused(_) | Bound::Held(_)) { bound } else { Bound::Later(last) };
        }
    }
    if !matches!(bound, Bound::Paused(_) | Bound::Held(_)) {
        if terms.unread {
            bound = Bound::Unread;
        } else if let Some(absent) = terms.absent {
            bound = Bound::Absent(absent);
        }
    }
    let seconds = match bound {
        Bound::Paused(_) | Bound::Held(_) | Bound::Unread | Bound::Absent(_) => f64::INFINITY,
        Bound::Budget | Bound::Hours(_) | Bound::Later(_) => clock.seconds,
    };
    let told = Eta {
        seconds: seconds.is_finite().then(|| whole(seconds)),
        key: demand.key.clone(),
        requests: rounded(demand.own),
        before: rounded(demand.fresh + waiting + out - demand.own).max(0),
        tokens: terms.gauges.get(&demand.key).map(|gauge| rounded(full_if_unknown(gauge).floor())),
        per_second: gauge.per_second,
        bound,
    };
    (seconds, told)
}

/// One bucket while time goes on.
struct Clock {
    now: DateTime<Utc>,
    /// Seconds since `now`.
    seconds: f64,
    tokens: f64,
    capacity: f64,
    per_second: f64,
}

impl Clock {
    fn start(gauge: &Gauge, now: DateTime<Utc>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "some ten tokens")]
        let capacity = gauge.capacity as f64;
        let (tokens, per_second) = (full_if_unknown(gauge), gauge.per_second);
        let mut clock = Self { now, seconds: 0.0, tokens, capacity, per_second };
        clock.rest(gauge.silent.as_secs_f64());
        clock
    }

    /// Time goes by without a request.
    fn rest(&mut self, seconds: f64) {
        self.seconds += seconds;
        self.tokens = (self.tokens + seconds * self.per_second).min(self.capacity);
    }

    /// As many requests as there are, whenever a token is there.
    fn serve(&mut self, requests: f64) {
        self.seconds += (requests - self.tokens.max(0.0)).max(0.0) / self.per_second;
        self.tokens = (self.tokens - requests).max(0.0);
    }

    /// The same within `hours` alone. When they begin, if they had to be waited for.
    fn serve_within(&mut self, hours: Hours, requests: f64) -> Option<DateTime<Utc>> {
        let mut left = requests;
        let mut waited_for = None;
        for _ in 0..MOST_NIGHTS {
            let opens = hours.opens(self.time());
            let wait = seconds_between(self.time(), opens);
            if wait > 0.0 {
                waited_for.get_or_insert(opens);
                self.rest(wait);
            }
            let until = seconds_between(self.now, hours.closes(opens));
            let servable = self.tokens + (until - self.seconds).max(0.0) * self.per_second;
            if left <= servable {
                self.serve(left);
                return waited_for;
            }
            left -= servable;
            (self.tokens, self.seconds) = (0.0, until);
        }
        self.seconds = f64::INFINITY;
        waited_for
    }

    fn time(&self) -> DateTime<Utc> {
        after(self.now, self.seconds)
    }
}

/// Tokens: a bucket that nobody remembers is as full as the server's, which its first answers will tell.
fn full_if_unknown(gauge: &Gauge) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some ten tokens")]
    let full = gauge.capacity as f64;
    if gauge.known { gauge.tokens } else { full }
}

/// The time so many seconds after `now`.
fn after(now: DateTime<Utc>, seconds: f64) -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "bounded: ten years of nights")]
    let micros = TimeDelta::microseconds((seconds * 1e6).round() as i64);
    now.checked_add_signed(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).max(TimeDelta::zero()).as_seconds_f64()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and finite")]
fn whole(seconds: f64) -> u64 {
    // A sum of thirds and halves may miss a whole second by a hair.
    (seconds - 1e-6).max(0.0).ceil() as u64
}

#[expect(clippy::cast_possible_truncation, reason = "requests are far below 2^53")]
fn rounded(requests: f64) -> i64 {
    requests.round() as i64
}
