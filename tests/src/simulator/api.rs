//! A request for data, in either dialect: from the arrival to the answer.

mod calls;

use std::sync::Arc;
use std::time::Instant;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use chrono::NaiveDate;

use calls::Call;
pub(crate) use calls::{live, seed};

use super::config::API_VERSION;
use super::data::{Source, State};
use super::dialect::Dialect;
use super::endpoint::Endpoint;
use super::fault::{FaultKind, Met, Reach, Target};
use super::socket::Peer;
use super::state::{Inner, Shared, When};
use super::truth::Question;
use super::wire::Shape;
use super::{access, faulty, live as pages, query, wire};

/// What the moment of arrival decided.
enum Admission {
    UnknownMall,
    Throttled,
    Refused(StatusCode, String),
    Admitted(Box<Work>),
}

/// All that an answer needs, as it was at arrival.
struct Work {
    question: Question,
    source: Option<Source>,
    periods: Vec<(NaiveDate, State)>,
    /// Unset in the seed dialect, which has no pages.
    page: Option<pages::Page>,
    met: Met,
}

type Refusal = (StatusCode, String);

/// Counts a request as under way until dropped, also when the client leaves early.
struct InFlight {
    shared: Arc<Shared>,
    mall: String,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(mall) = self.shared.lock().malls.get_mut(&self.mall) {
            mall.seen.left();
        }
    }
}

async fn answer(shared: &Arc<Shared>, peer: &Peer, call: Call) -> Response {
    let (admission, level) = shared.admit(&call);
    let Call { dialect, mall, .. } = call;
    if matches!(admission, Admission::UnknownMall) {
        return match (dialect, mall.as_str()) {
            (Dialect::Seed, _) => wire::refusal(dialect, StatusCode::NOT_FOUND, "mall not found"),
            (Dialect::Live, "") => {
                wire::refusal(dialect, StatusCode::UNPROCESSABLE_ENTITY, "mall_id is required")
            }
            // No token can be good for it.
            (Dialect::Live, _) => wire::refusal(dialect, StatusCode::UNAUTHORIZED, "Invalid access_token"),
        };
    }
    let _in_flight = InFlight { shared: Arc::clone(shared), mall: mall.clone() };
    shared.latency().await;

    let requested = u8::from(!matches!(admission, Admission::Throttled));
    let mut answer = match admission {
        Admission::UnknownMall | Admission::Throttled => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Admission::Refused(status, message) => wire::refusal(dialect, status, &message),
        Admission::Admitted(work) => return shared.admitted(*work, level, peer).await,
    };
    shared.limit_headers(&mut answer, level, requested);
    shared.leaves(&mall, &answer, level);
    answer
}

impl Shared {
    /// Everything that happens at one instant, under the lock. The second half is the bucket's level.
    fn admit(&self, call: &Call) -> (Admission, f64) {
        let now = Instant::now();
        let mut inner = self.lock();
        let Ok(bucket) = inner.bucket(&call.mall, self.config.limiter_scope) else {
            inner.unknown_mall += 1;
            return (Admission::UnknownMall, 0.0);
        };
        let taken = bucket.take(now);
        let Ok(mall) = inner.mall(&call.mall) else { return (Admission::UnknownMall, 0.0) };
        mall.seen.arrival(now, self.origin, taken.level, &self.config);
        let version = call.headers.get("x-cafe24-api-version");
        match call.dialect {
            Dialect::Seed => {
                mall.seen.without_version += u64::from(version.is_none_or(|v| v != API_VERSION));
            }
            Dialect::Live => {
                let kind = call.headers.get(CONTENT_TYPE);
                mall.seen.needless_version += u64::from(version.is_some());
                mall.seen.without_type += u64::from(kind.is_none_or(|kind| kind != "application/json"));
            }
        }
        if !taken.granted {
            mall.seen.throttled += 1;
            return (Admission::Throttled, taken.level);
        }
        let admission = match self.work(&mut inner, call) {
            Ok(work) => Admission::Admitted(Box::new(work)),
            Err((status, message)) => Admission::Refused(status, message),
        };
        (admission, taken.level)
    }

    fn work(&self, inner: &mut Inner, call: &Call) -> Result<Work, Refusal> {
        let now = self.clock.now();
        let Inner { malls, tokens, faults, .. } = inner;
        let Some(mall) = malls.get_mut(&call.mall) else {
            return Err((StatusCode::NOT_FOUND, "mall not found".to_owned()));
        };
        let dialect = mall.spec.dialect;
        let token = access::bearer(&call.headers);
        let checked = token.map(|token| tokens.check(&call.mall, token, dialect.scope(), now));
        access::check(checked, dialect, &mut mall.seen)?;
        if !mall.spec.approved {
            return Err((StatusCode::FORBIDDEN, "the application is not approved for this mall".to_owned()));
        }
        let known = Endpoint::from_path(&call.path).filter(|endpoint| endpoint.is_of(dialect));
        let endpoint = known.filter(|_| dialect == call.dialect).ok_or_else(|| call.no_endpoint(dialect))?;
        let (asked, page) = match dialect {
            Dialect::Seed => (
                query::read(&call.pairs, &self.config, &self.clock)
                    .map_err(|message| (StatusCode::BAD_REQUEST, message))?,
                None,
            ),
            Dialect::Live => {
                let (asked, page) = pages::read(endpoint, &call.pairs, &self.config, &self.clock)?;
                (asked, Some(page))
            }
        };
        let query::Asked { from, to, granularity, shop } = asked;

        mall.seen.chunk((endpoint, granularity, shop, from, to));
        let source = self.source(mall, shop);
        let state = |start| {
            let period = (endpoint, granularity, start);
            (start, source.map(|source| self.state(mall, &source, period, When::Now)).unwrap_or_default())
        };
        let periods = granularity.periods(from, to).map(state).collect();
        let question = Question { mall: call.mall.clone(), shop, endpoint, granularity, from, to };
        let reach = Reach { from, to, offset: page.map_or(0, |page| page.offset) };
        let met = faults.meet(&call.mall, Target::Data(endpoint), Some(reach));
        let page = page.map(|page| page.earlier_by(met.main.as_ref().map_or(0, FaultKind::rows_back)));
        if met.restate {
            for day in from.iter_days().take_while(|day| *day <= to) {
                mall.restate(endpoint, day, now)
                    .map_err(|error| (StatusCode::CONFLICT, error.to_string()))?;
            }
        }
        Ok(Work { question, source, periods, page, met })
    }

    async fn admitted(self: &Arc<Self>, work: Work, level: f64, peer: &Peer) -> Response {
        let Work { question, source, periods, page, met } = work;
        self.pause(&met).await;
        let rows = {
            let (question, periods) = (question.clone(), periods.clone());
            // A month of a large mall is 100,000 rows: other requests must not wait for it.
            tokio::task::spawn_blocking(move || {
                let Question { endpoint, granularity, .. } = question;
                let figures: Vec<_> = source
                    .iter()
                    .flat_map(|source| periods.iter().map(move |(start, state)| (source, *start, state)))
                    .flat_map(|(source, start, state)| source.figures(endpoint, granularity, start, state))
                    .collect();
                match page {
                    None => (wire::body(endpoint, &figures), true),
                    Some(page) => pages::body(endpoint, figures, &page),
                }
            })
            .await
        };
        let Ok((body, is_last)) = rows else {
            return wire::error(StatusCode::INTERNAL_SERVER_ERROR, "figures could not be made");
        };
        if is_last && met.main.as_ref().is_none_or(FaultKind::keeps_rows) {
            self.note_served(&question, &periods);
        }
        let dialect = if page.is_some() { Dialect::Live } else { Dialect::Seed };
        let shape = Shape::of(&question, dialect);
        let mut answer = match &met.main {
            Some(kind) => faulty::answer(kind, body, Some(&shape), peer),
            None => faulty::good(body),
        };
        // An ordered status keeps the limit headers that its order names.
        let ordered = answer.headers().clone();
        self.limit_headers(&mut answer, level, 1);
        if matches!(met.main, Some(FaultKind::Status { .. })) {
            answer.headers_mut().extend(ordered);
        }
        for (name, value) in &met.headers {
            faulty::override_header(&mut answer, name, value.as_deref());
        }
        if matches!(met.main, Some(FaultKind::Reset { after_body_bytes: None })) {
            self.leaves_as(&question.mall, 0, level);
        } else {
            self.leaves(&question.mall, &answer, level);
        }
        answer
    }

    fn note_served(&self, question: &Question, periods: &[(NaiveDate, State)]) {
        let at = self.clock.now();
        if let Some(mall) = self.lock().malls.get_mut(&question.mall) {
            for (start, state) in periods {
                let key = (*start, question.shop, question.endpoint, question.granularity);
                mall.served.note(key, state.serial, at);
            }
        }
    }

    fn leaves(&self, mall: &str, answer: &Response, level: f64) {
        self.leaves_as(mall, answer.status().as_u16(), level);
    }

    fn leaves_as(&self, mall: &str, status: u16, level: f64) {
        if let Some(mall) = self.lock().malls.get_mut(mall) {
            mall.seen.answered(status, whole(level), Instant::now(), self.config.floor);
        }
    }

    fn limit_headers(&self, answer: &mut Response, level: f64, requested: u8) {
        let rate = whole(self.config.refill_per_second * self.config.rate_multiplier);
        let headers = answer.headers_mut();
        headers.insert("x-ratelimit-remaining", HeaderValue::from(whole(level)));
        headers.insert("x-ratelimit-requested-tokens", HeaderValue::from(u16::from(requested)));
        headers.insert("x-ratelimit-burst-capacity", HeaderValue::from(self.config.capacity));
        headers.insert("x-ratelimit-replenish-rate", HeaderValue::from(rate));
    }
}

/// Tokens that can be spent: the floor of the level, a rounding error forgiven.
fn whole(level: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a level lies between 0 and the capacity")]
    let whole = (level + 1e-6).floor() as i64;
    whole
}
