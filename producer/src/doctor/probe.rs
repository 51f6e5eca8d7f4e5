//! One request to the API, as a worker sends it: with a token of the mall's bucket, or not at all.
//!
//! Nothing is stored and nothing renewed: an access token that has ended is left to the workers, who know how to renew it
//! only once.

use std::time::Duration;

use chrono::{Days, TimeDelta, Utc};
use common::api::{ApiClient, ApiConfig, FetchError, Fetched, Request};
use common::clock::now;
use common::domain::calendar::{DayRange, Granularity, kst_day};
use common::domain::endpoint::Endpoint;
use common::domain::failure::FailureClass;
use common::domain::ids::ShopNo;
use common::domain::job::Wanted;
use common::limiter::{Grant, Limiter, Observation, RedisLimiter};
use common::oauth::{Place, Sealed, Sealer, TokenPair};
use common::store::Connector;

use super::finding::Finding;
use super::{Doctor, clock, without_postgres};
use crate::fault::in_one_line;
use crate::output::text::{clean, counted};
use crate::probe::paced::{self, NoLeave};
use crate::probe::refused::remedy;

pub(super) const NAME: &str = "probe";
/// How long a busy bucket is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// `Date` has whole seconds.
const NOTICEABLE: TimeDelta = TimeDelta::seconds(3);
/// The answer's limits: a check has ten seconds.
const TOTAL: Duration = Duration::from_secs(5);

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    if doctor.offline {
        return vec![Finding::note(NAME, "not sent: --offline")];
    }
    match asked(doctor).await {
        Ok(findings) => findings,
        Err(finding) => vec![finding],
    }
}

/// Sends the request; the error is why none was sent.
async fn asked(doctor: &Doctor) -> Result<Vec<Finding>, Finding> {
    let (connector, pair) = chosen(doctor).await?;
    let mall = &connector.mall_id;
    let settings = ApiConfig {
        first_byte_timeout: TOTAL,
        total_timeout: TOTAL,
        ..ApiConfig::new(&doctor.config.cafe24, &doctor.config.worker)
    };
    let api = ApiClient::new(settings).map_err(|error| {
        Finding::problem(NAME, in_one_line(&error), "install the package ca-certificates")
    })?;
    let yesterday = kst_day(now()) - Days::new(1);
    let wanted = Wanted {
        mall_id: mall,
        shop_no: connector.shops.first().copied().unwrap_or(ShopNo::FIRST),
        endpoint: Endpoint::core()
            .find(|endpoint| endpoint.supports(connector.dialect, Granularity::Day))
            .ok_or_else(|| Finding::note(NAME, "not sent: the dialect has no endpoint by day"))?,
        granularity: Granularity::Day,
        chunk: DayRange::new(yesterday, yesterday)
            .map_err(|error| Finding::note(NAME, format!("not sent: {error}")))?,
    };
    let request = Request::new(wanted, connector.dialect)
        .map_err(|error| Finding::note(NAME, format!("not sent: {error}")))?;
    let limiter = super::redis::limiter(&doctor.config)
        .map_err(|_| Finding::note(NAME, "not sent: the bucket cannot be asked"))?;
    if super::redis::is_foreign(&limiter, doctor).await.unwrap_or(true) {
        return Err(Finding::note(NAME, "not sent: the bucket is not ours, or cannot be asked"));
    }
    let grant = granted(&limiter, &connector).await?;
    let began = now();
    let answer = api.fetch(&request, &pair.access).await;
    tell(&limiter, &connector, &grant, &answer).await;
    Ok(judge(&connector, &answer, began))
}

/// The mall to ask for, and its tokens.
async fn chosen(doctor: &Doctor) -> Result<(Connector, TokenPair), Finding> {
    let note = |why: String| Finding::note(NAME, format!("not sent: {why}"));
    let wanted: Vec<_> = doctor.mall.clone().into_iter().collect();
    let refused = |error| without_postgres(NAME, &error);
    let connectors = doctor.control.connectors(&wanted).await.map_err(refused)?;
    let connector = connectors.into_iter().find(Connector::sends);
    let connector = connector.ok_or_else(|| match &doctor.mall {
        Some(mall) => note(format!("mall {mall} sends no requests now")),
        None => note("no mall sends requests now".to_owned()),
    })?;
    let mall = &connector.mall_id;
    let keys = doctor.config.oauth.master_key.as_ref();
    let sealer = keys.and_then(|keys| Sealer::from_keys(keys).ok());
    let sealer = sealer.ok_or_else(|| note("no master key".to_owned()))?;
    let pairs = doctor.control.sealed_pairs().await.map_err(refused)?;
    let pair = pairs.into_iter().find(|pair| pair.mall_id == *mall);
    let pair = pair.ok_or_else(|| note(format!("mall {mall} has no tokens")))?;
    let place = Place::Tokens { agency: &pair.agency_id, mall };
    let opened = serde_json::from_value::<Sealed>(pair.sealed).ok();
    let opened = opened.and_then(|sealed| sealer.open(&sealed, place).ok());
    let opened = opened.ok_or_else(|| note(format!("the tokens of mall {mall} do not open")))?;
    if opened.access_expires_at <= now() {
        return Err(note(format!("the access token of mall {mall} has ended; the next job renews it")));
    }
    Ok((connector, opened))
}

/// A token of the mall's bucket; without one nothing is sent.
async fn granted(limiter: &RedisLimiter, connector: &Connector) -> Result<Grant, Finding> {
    let mall = &connector.mall_id;
    paced::granted(limiter, &connector.limiter_key, PATIENCE).await.map_err(|none| {
        Finding::note(
            NAME,
            match none {
                NoLeave::Unknown(_) => "not sent: the bucket cannot be asked".to_owned(),
                NoLeave::Busy => format!("not sent: the bucket of mall {mall} is busy"),
                NoLeave::Silent => format!("not sent: mall {mall} is silent"),
            },
        )
    })
}

/// The bucket learns from this answer as from every other.
async fn tell(limiter: &RedisLimiter, connector: &Connector, grant: &Grant, answer: &Fetched) {
    let class = answer.result.as_ref().err().map(FetchError::class);
    let seen = Observation {
        remaining: answer.limits.remaining,
        burst_capacity: answer.limits.burst,
        replenish_rate: answer.limits.replenish,
        throttled: class == Some(FailureClass::Throttled),
        retry_after: answer.retry_after,
        elapsed: answer.elapsed,
        in_flight: 1,
    };
    if answer.status.is_some() {
        // Untold, the bucket knows less; the next answer tells it.
        let _ = limiter.observe(&connector.limiter_key, grant, seen).await;
    }
}

fn judge(connector: &Connector, answer: &Fetched, began: chrono::DateTime<Utc>) -> Vec<Finding> {
    let mall = &connector.mall_id;
    let took = answer.elapsed.as_millis();
    let left = match (answer.limits.remaining, answer.limits.burst) {
        (Some(remaining), Some(burst)) => format!(", {remaining}/{burst} tokens left"),
        _ => ", no rate headers".to_owned(),
    };
    let mut findings = vec![match &answer.result {
        Ok(page) => {
            let rows = counted(i64::try_from(page.rows.len()).unwrap_or(i64::MAX), "row", "rows");
            Finding::good(NAME, format!("mall {mall}: HTTP 200 in {took} ms, {rows}{left}"))
        }
        Err(error) => {
            let what = format!("mall {mall}: {}", clean(&in_one_line(error)));
            Finding::problem(NAME, what, remedy(error, mall, "doctor again"))
        }
    }];
    if let Some(date) = answer.date {
        // The server wrote it while it answered; half a second for the fraction that is cut off.
        let ours = clock::middle(began, began + TimeDelta::from_std(answer.elapsed).unwrap_or_default());
        let skew = date + TimeDelta::milliseconds(500) - ours;
        findings.extend(clock::judge("clock", "the API", skew, NOTICEABLE));
    }
    findings
}
