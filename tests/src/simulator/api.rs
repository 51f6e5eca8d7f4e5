//! `GET /api/v1/malls/{mall_id}/…`: from the arrival to the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use chrono::NaiveDate;

use super::config::API_VERSION;
use super::data::Source;
use super::endpoint::Endpoint;
use super::fault::{FaultKind, Met, Target};
use super::faulty;
use super::query;
use super::seen::Seen;
use super::socket::Peer;
use super::state::{Inner, Shared};
use super::tokens::Access;
use super::truth::Question;
use super::wire;

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
    periods: Vec<(NaiveDate, u64)>,
    met: Met,
}

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

pub(crate) async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path((mall, path)): Path<(String, String)>,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let (admission, level) = shared.admit(&mall, &path, &pairs, &headers);
    if matches!(admission, Admission::UnknownMall) {
        return wire::error(StatusCode::NOT_FOUND, "mall not found");
    }
    let _in_flight = InFlight { shared: Arc::clone(&shared), mall: mall.clone() };
    shared.latency().await;

    let requested = u8::from(!matches!(admission, Admission::Throttled));
    let mut answer = match admission {
        Admission::UnknownMall | Admission::Throttled => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Admission::Refused(status, message) => wire::error(status, &message),
        Admission::Admitted(work) => return shared.admitted(*work, level, &peer).await,
    };
    shared.limit_headers(&mut answer, level, requested);
    shared.leaves(&mall, &answer, level);
    answer
}

impl Shared {
    /// Everything that happens at one instant, under the lock. The second half is the bucket's level.
    fn admit(
        &self,
        mall_id: &str,
        path: &str,
        pairs: &[(String, String)],
        headers: &HeaderMap,
    ) -> (Admission, f64) {
        let now = Instant::now();
        let mut inner = self.lock();
        let Ok(bucket) = inner.bucket(mall_id, self.config.limiter_scope) else {
            inner.unknown_mall += 1;
            return (Admission::UnknownMall, 0.0);
        };
        let taken = bucket.take(now);
        let Ok(mall) = inner.mall(mall_id) else { return (Admission::UnknownMall, 0.0) };
        mall.seen.arrival(now, self.origin, taken.level, &self.config);
        let versioned = headers.get("x-cafe24-api-version").is_some_and(|value| value == API_VERSION);
        if !versioned {
            mall.seen.without_version += 1;
        }
        if !taken.granted {
            mall.seen.throttled += 1;
            return (Admission::Throttled, taken.level);
        }
        let admission = match self.work(&mut inner, mall_id, path, pairs, headers, versioned) {
            Ok(work) => Admission::Admitted(Box::new(work)),
            Err((status, message)) => Admission::Refused(status, message),
        };
        (admission, taken.level)
    }

    fn work(
        &self,
        inner: &mut Inner,
        mall_id: &str,
        path: &str,
        pairs: &[(String, String)],
        headers: &HeaderMap,
        versioned: bool,
    ) -> Result<Work, (StatusCode, String)> {
        let access = bearer(headers).map(|token| inner.tokens.check(mall_id, token, self.clock.now()));
        let mall = inner.mall(mall_id).map_err(|error| (StatusCode::NOT_FOUND, error.to_string()))?;
        check_access(access, &mut mall.seen)?;
        if !mall.spec.approved {
            return Err((StatusCode::FORBIDDEN, "the application is not approved for this mall".to_owned()));
        }
        if self.config.strict_version && !versioned {
            let message = format!("X-Cafe24-Api-Version must be {API_VERSION}");
            return Err((StatusCode::BAD_REQUEST, message));
        }
        let endpoint = Endpoint::from_path(path)
            .ok_or_else(|| (StatusCode::NOT_FOUND, "no such endpoint".to_owned()))?;
        let asked = query::read(pairs, &self.config, &self.clock)
            .map_err(|message| (StatusCode::BAD_REQUEST, message))?;
        let query::Asked { from, to, granularity, shop } = asked;

        mall.seen.chunk((endpoint, granularity, shop, from, to));
        let serial = |start| (start, mall.serial(endpoint, granularity, start));
        let periods = granularity.periods(from, to).map(serial).collect();
        let source = mall.spec.shops.contains(&shop).then(|| self.source(&mall.spec, shop));
        let question = Question { mall: mall_id.to_owned(), shop, endpoint, granularity, from, to };
        let met = inner.faults.meet(mall_id, Target::Data(endpoint), Some((from, to)));
        Ok(Work { question, source, periods, met })
    }

    async fn admitted(self: &Arc<Self>, work: Work, level: f64, peer: &Peer) -> Response {
        let Work { question, source, periods, met } = work;
        self.pause(&met).await;
        let rows = {
            let (question, periods) = (question.clone(), periods.clone());
            // A month of a large mall is 100,000 rows: other requests must not wait for it.
            tokio::task::spawn_blocking(move || {
                let figures: Vec<_> = source
                    .iter()
                    .flat_map(|source| periods.iter().map(move |(start, serial)| (source, *start, *serial)))
                    .flat_map(|(source, start, serial)| {
                        source.figures(question.endpoint, question.granularity, start, serial)
                    })
                    .collect();
                wire::body(question.endpoint, &figures)
            })
            .await
        };
        let Ok(body) = rows else {
            return wire::error(StatusCode::INTERNAL_SERVER_ERROR, "figures could not be made");
        };
        if met.main.as_ref().is_none_or(FaultKind::keeps_rows) {
            self.note_served(&question, &periods);
        }
        let mut answer = match &met.main {
            Some(kind) => faulty::answer(kind, body, Some(&question), peer),
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

    fn note_served(&self, question: &Question, periods: &[(NaiveDate, u64)]) {
        let at = self.clock.now();
        if let Some(mall) = self.lock().malls.get_mut(&question.mall) {
            for (start, serial) in periods {
                let key = (*start, question.shop, question.endpoint, question.granularity);
                mall.served.note(key, *serial, at);
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

    /// The configured latency of one answer.
    pub(crate) async fn latency(&self) {
        let (least, most) = (*self.config.latency.start(), *self.config.latency.end());
        if most > Duration::ZERO {
            let spread = most.saturating_sub(least);
            tokio::time::sleep(least + spread.mul_f64(rand::random::<f64>())).await;
        }
    }

    /// The pauses ordered for one request.
    pub(crate) async fn pause(self: &Arc<Self>, met: &Met) {
        if met.hold {
            let _held = Held::new(Arc::clone(self));
            let mut releases = self.releases.subscribe();
            let before = *releases.borrow_and_update();
            // The sender lives as long as the simulator: waiting cannot fail before its end.
            let _until_the_end = releases.wait_for(|count| *count > before).await;
        }
        if met.delay > Duration::ZERO {
            tokio::time::sleep(met.delay).await;
        }
    }
}

struct Held(Arc<Shared>);

impl Held {
    fn new(shared: Arc<Shared>) -> Self {
        shared.lock().held += 1;
        Self(shared)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.held = inner.held.saturating_sub(1);
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn check_access(access: Option<Access>, seen: &mut Seen) -> Result<(), (StatusCode, String)> {
    let (status, message) = match access {
        Some(Access::Good) => return Ok(()),
        None => {
            seen.without_token += 1;
            return Err((StatusCode::UNAUTHORIZED, "access token is missing".to_owned()));
        }
        Some(Access::NoScope) => (StatusCode::FORBIDDEN, "INVALID SCOPE"),
        Some(Access::Expired) => {
            seen.tokens.expired_access += 1;
            (StatusCode::UNAUTHORIZED, "access token has expired")
        }
        Some(Access::Rotated) => {
            seen.tokens.access_token_reuse += 1;
            (StatusCode::UNAUTHORIZED, "access token is no longer valid")
        }
        Some(Access::Unknown | Access::OtherMall) => (StatusCode::UNAUTHORIZED, "access token is invalid"),
    };
    seen.refused_token += 1;
    Err((status, message.to_owned()))
}

/// Tokens that can be spent: the floor of the level, a rounding error forgiven.
fn whole(level: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a level lies between 0 and the capacity")]
    let whole = (level + 1e-6).floor() as i64;
    whole
}
