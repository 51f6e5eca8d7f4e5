//! Clocks: ours against those of Postgres and Redis; the API's stands in the answer to the probe.
//!
//! Nothing of ours orders events by wall clocks. But plans are made by our clock and become due by Postgres', tokens end
//! by ours, and a bucket is measured by Redis' against ours.

use chrono::{DateTime, TimeDelta, Utc};
use common::clock::now;
use common::domain::calendar::kst_day;
use tokio::time::Instant;

use super::finding::{Finding, Level};
use super::{Doctor, without_postgres};

pub(super) const NAME: &str = "clock";
/// From here on it is worth a word.
const NOTICEABLE: TimeDelta = TimeDelta::seconds(2);
/// From here on retries, tokens and the Korean day go wrong.
const WRONG: TimeDelta = TimeDelta::minutes(1);
const REMEDY: &str = "let NTP set the clocks of both machines (timedatectl set-ntp true)";

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let (postgres, redis) = tokio::join!(against_postgres(doctor), against_redis(doctor));
    let mut skews = Vec::new();
    let mut findings = Vec::new();
    match postgres {
        Ok(skew) => skews.push(("Postgres", skew)),
        Err(finding) => findings.push(finding),
    }
    skews.extend(redis.map(|skew| ("Redis", skew)));
    for (whose, skew) in &skews {
        findings.extend(judge(NAME, whose, *skew, NOTICEABLE));
    }
    if findings.is_empty() {
        let said: Vec<_> = skews.iter().map(|(whose, skew)| format!("{} {whose}", shown(*skew))).collect();
        findings.push(Finding::good(NAME, format!("{} against us, KST days agree", said.join(", "))));
    }
    findings
}

/// What a difference means; nothing, if it is small.
pub(super) fn judge(
    check: &'static str,
    whose: &str,
    skew: TimeDelta,
    noticeable: TimeDelta,
) -> Option<Finding> {
    let what = format!("the clock of {whose} is {} against ours", shown(skew));
    let level = match skew.abs() {
        small if small < noticeable => return None,
        some if some < WRONG => Level::Warning,
        _ => Level::Problem,
    };
    Some(Finding { level, ..Finding::warning(check, what, REMEDY) })
}

/// `+12 ms`, `−3.2 s`, `+1 h 00 m`.
pub(super) fn shown(skew: TimeDelta) -> String {
    let sign = if skew < TimeDelta::zero() { '−' } else { '+' };
    let millis = skew.num_milliseconds().unsigned_abs();
    match millis {
        0..1_000 => format!("{sign}{millis} ms"),
        1_000..60_000 => format!("{sign}{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{sign}{}", crate::output::text::duration(millis / 1_000)),
    }
}

async fn against_postgres(doctor: &Doctor) -> Result<TimeDelta, Finding> {
    let refused = |error| without_postgres(NAME, &error);
    // Once before, so that the time it takes to connect is not part of what is measured.
    doctor.control.ping().await.map_err(refused)?;
    let began = now();
    let facts = doctor.control.server_facts().await.map_err(refused)?;
    if facts.kst_day != kst_day(facts.now) {
        let what =
            format!("Postgres takes {} for the day in Korea, we {}", facts.kst_day, kst_day(facts.now));
        return Err(Finding::problem(NAME, what, "update the time zone data of Postgres' machine (tzdata)"));
    }
    Ok(facts.now - middle(began, now()))
}

/// None when Redis cannot be asked, which its own check says.
async fn against_redis(doctor: &Doctor) -> Option<TimeDelta> {
    let facts = super::redis::limiter(&doctor.config).ok()?.inspect().await.ok()?;
    let ours = now() - TimeDelta::from_std(Instant::now().duration_since(facts.asked)).ok()?;
    Some(DateTime::<Utc>::from_timestamp_micros(facts.now_us)? - ours)
}

pub(super) fn middle(began: DateTime<Utc>, ended: DateTime<Utc>) -> DateTime<Utc> {
    began + (ended - began) / 2
}
