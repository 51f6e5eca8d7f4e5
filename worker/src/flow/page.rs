//! One request: access token, grant, page, and what it means for the job.

use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use common::api::{FetchError, Fetched as Answer, Request, Step};
use common::domain::failure::FailureClass;
use common::limiter::{Grant, Limiter, Observation};
use common::oauth::AccessToken;
use common::store::{ClaimedJob, Failure};
use futures::FutureExt;
use tokio::time::Instant;
use tracing::{Instrument, Span, field};

use super::delivery::Work;
use super::finished::Finished;
use super::outcome;
use super::rows;
use crate::shared::Shared;

/// What came of one use of a grant.
pub(crate) enum Fetch {
    /// The whole answer; it needs room among the rows that wait for their commit.
    Rows(Box<(Work, common::store::Fetched)>),
    /// The job has another outcome.
    Finished(Box<Finished>),
    /// The grant could not be used in time, or the access token was renewed: again, with another grant.
    Again(Box<Work>),
    /// A page of several: the next one, with another grant. Its rows need room, too.
    More(Box<Work>),
}

/// Uses `grant` for `work`. A panic while doing so is this job's failure, not the worker's.
pub(crate) async fn fetch(shared: &Shared, mut work: Work, grant: Grant) -> Fetch {
    let claimed = &work.claimed;
    let job = &claimed.job;
    let span = tracing::info_span!("job", job_id = %job.id, mall = %job.mall_id, shop = %job.shop_no,
        endpoint = %job.endpoint, from = %job.chunk.start(), to = %job.chunk.end(), lane = %job.lane,
        attempt = claimed.attempts, offset = work.pages.offset(), status = field::Empty, rows = field::Empty, dur_ms = field::Empty);
    let verdict =
        AssertUnwindSafe(request(shared, &mut work, &grant)).catch_unwind().instrument(span.clone()).await;
    let _entered = span.enter();
    match verdict {
        Ok(Verdict::Again { renewed }) => {
            Fetch::Again(Box::new(Work { renewed: work.renewed || renewed, ..work }))
        }
        // A renewed token was good: should it end before the last page, the next one may be renewed as well.
        Ok(Verdict::More) => Fetch::More(Box::new(Work { renewed: false, ..work })),
        Ok(Verdict::Rows(fetched)) => {
            span.record("rows", fetched.rows.len());
            Fetch::Rows(Box::new((work, fetched)))
        }
        Ok(Verdict::Failed(mut failed)) => {
            let (park, breaks) = (failed.park.take(), failed.breaks);
            let outcome = outcome::of(shared, &work.claimed, failed);
            Fetch::Finished(Box::new(Finished::without_rows(Work { park, breaks, ..work }, outcome)))
        }
        Err(_panic) => {
            let failure = Failure {
                class: FailureClass::Bug,
                text: "the worker panicked while working on this job".to_owned(),
                evidence: None,
            };
            let outcome = outcome::of(
                shared,
                &work.claimed,
                outcome::Failed { failure, retry_after: None, park: None, breaks: None },
            );
            Fetch::Finished(Box::new(Finished::without_rows(work, outcome)))
        }
    }
}

enum Verdict {
    Rows(common::store::Fetched),
    Again { renewed: bool },
    More,
    Failed(outcome::Failed),
}

async fn request(shared: &Shared, work: &mut Work, grant: &Grant) -> Verdict {
    let claimed = &work.claimed;
    let job = &claimed.job;
    let request = match Request::new(job.wanted(), claimed.dialect) {
        Ok(request) => request.after(work.pages.offset()),
        Err(error) => return Verdict::Failed(outcome::Failed::of_unaskable(error)),
    };
    let token = match shared.tokens.token(&job.mall_id, claimed.token_version).await {
        Ok(token) => token,
        Err(error) => return Verdict::Failed(outcome::Failed::of_token(&error, claimed.token_version)),
    };
    if work.delivery.redelivered && shared.ledger.start_suspect(claimed).await.is_err() {
        // Without the mark a job that ends its workers would not be found out; Postgres is away anyway.
        return Verdict::Again { renewed: false };
    }
    if grant.is_stale(Instant::now()) {
        common::telemetry::count_stale_grant();
        return Verdict::Again { renewed: false };
    }
    let sent_at = common::clock::now();
    let answer = ask(shared, claimed, &request, &token.access, grant).await;
    match answer.result {
        Ok(page) => match work.pages.take(page, &request, earlier(sent_at, answer.date)) {
            Ok(Step::Whole(answer)) => {
                Verdict::Rows(rows::fetched(claimed, answer, shared.config.schedule.settle))
            }
            Ok(Step::Next) => Verdict::More,
            Ok(Step::Again) => {
                tracing::info!(
                    event = "job.begun_again",
                    "the rows moved between two pages: all of them again"
                );
                Verdict::More
            }
            Err(error) => Verdict::Failed(outcome::Failed::of_fetch(&error, None, token.version, &request)),
        },
        Err(error) if error.class() == FailureClass::Unauthorized && !work.renewed => {
            match shared.tokens.after_unauthorized(&job.mall_id, token.version).await {
                Ok(_) => Verdict::Again { renewed: true },
                Err(error) => Verdict::Failed(outcome::Failed::of_token(&error, token.version)),
            }
        }
        Err(error) => {
            Verdict::Failed(outcome::Failed::of_fetch(&error, answer.retry_after, token.version, &request))
        }
    }
}

/// When the request was sent, by whichever clock says earlier: ours or the server's. If one of the two is fast, a day that
/// had not settled is still not taken for final; if one is slow, it is fetched again (docs/adr/0015).
fn earlier(sent_at: DateTime<Utc>, server: Option<DateTime<Utc>>) -> DateTime<Utc> {
    server.map_or(sent_at, |server| server.min(sent_at))
}

/// Sends the request and tells the bucket what the answer said.
async fn ask(
    shared: &Shared,
    claimed: &ClaimedJob,
    request: &Request<'_>,
    token: &AccessToken,
    grant: &Grant,
) -> Answer {
    let answer = shared.api.fetch(request, token).await;
    let class = answer.result.as_ref().err().map(FetchError::class);
    common::telemetry::observe_request(request.endpoint().as_str(), class, answer.elapsed, answer.bytes);
    Span::current().record("status", answer.status);
    Span::current().record("dur_ms", u64::try_from(answer.elapsed.as_millis()).unwrap_or(u64::MAX));
    if answer.status.is_some() {
        let seen = Observation {
            remaining: answer.limits.remaining,
            burst_capacity: answer.limits.burst,
            replenish_rate: answer.limits.replenish,
            throttled: class == Some(FailureClass::Throttled),
            retry_after: answer.retry_after,
            elapsed: answer.elapsed,
            in_flight: 1,
        };
        if let Err(error) = shared.limiter.observe(&claimed.limiter_key, grant, seen).await {
            // The next take asks the same Redis, and sends nothing while it does not answer.
            shared.set_pacer(Err(&error));
            tracing::debug!(
                event = "bucket.unavailable",
                error = &error as &dyn std::error::Error,
                "the bucket was not told"
            );
        }
    }
    answer
}
