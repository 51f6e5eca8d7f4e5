//! `/control/*`: ordering faults, reading the books. For this machine only, unless opened.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::MallSpec;
use super::endpoint::{Endpoint, Granularity};
use super::fault::FaultRule;
use super::server::SimError;
use super::socket::Peer;
use super::state::{Shared, When};
use super::truth::Question;
use super::wire;

type Books = State<Arc<Shared>>;
type Answer = Result<Response, SimError>;

pub(crate) fn router(open: bool) -> Router<Arc<Shared>> {
    let here_only = move |ConnectInfo(peer): ConnectInfo<Peer>, request: Request, next: Next| async move {
        if open || peer.address.ip().to_canonical().is_loopback() {
            next.run(request).await
        } else {
            wire::error(StatusCode::FORBIDDEN, "control is open to this machine only (--open-control)")
        }
    };
    Router::new()
        .route("/control/malls", get(malls).post(add_mall))
        .route("/control/malls/{mall}/approval", post(approval))
        .route("/control/import-file", get(import_file))
        .route("/control/tokens/{mall}", get(current_tokens).post(issue_tokens))
        .route("/control/tokens/{mall}/{act}", post(end_tokens))
        .route("/control/faults", get(faults).post(order).delete(clear_faults))
        .route("/control/faults/release", post(release))
        .route("/control/faults/{id}", delete(cancel))
        .route("/control/restate", post(restate))
        .route("/control/drain", post(drain))
        .route("/control/fill", post(fill))
        .route("/control/truth", get(truth))
        .route("/control/served", get(served))
        .route("/control/changes", get(changes))
        .route("/control/report", get(report))
        .route("/control/reset", post(reset))
        .route("/control/clock", get(clock).post(set_clock))
        .layer(middleware::from_fn(here_only))
}

impl IntoResponse for SimError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::UnknownMall(_) => StatusCode::NOT_FOUND,
            Self::MallExists(_) => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        };
        wire::error(status, &self.to_string())
    }
}

async fn malls(State(shared): Books) -> Json<Vec<MallSpec>> {
    Json(shared.malls())
}

async fn add_mall(State(shared): Books, Json(spec): Json<MallSpec>) -> Answer {
    shared.add_mall(spec.clone())?;
    Ok((StatusCode::CREATED, Json(spec)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    approved: bool,
}

async fn approval(State(shared): Books, Path(mall): Path<String>, Json(body): Json<Approval>) -> Answer {
    shared.with_mall(&mall, |mall| mall.spec.approved = body.approved)?;
    Ok(done())
}

async fn import_file(State(shared): Books) -> Answer {
    Ok(lines(&shared.import_lines()?))
}

async fn current_tokens(State(shared): Books, Path(mall): Path<String>) -> Answer {
    Ok(Json(shared.current_tokens(&mall)?).into_response())
}

async fn issue_tokens(State(shared): Books, Path(mall): Path<String>) -> Answer {
    Ok(Json(shared.issue_tokens(&mall, None)?).into_response())
}

async fn end_tokens(State(shared): Books, Path((mall, act)): Path<(String, String)>) -> Answer {
    match act.as_str() {
        "expire" => shared.expire_access(&mall)?,
        "revoke" => shared.revoke_tokens(&mall)?,
        _ => return Ok(wire::error(StatusCode::NOT_FOUND, "use expire or revoke")),
    }
    Ok(done())
}

async fn faults(State(shared): Books) -> Response {
    Json(shared.lock().faults.states()).into_response()
}

async fn order(State(shared): Books, Json(rule): Json<FaultRule>) -> Answer {
    let id = shared.lock().faults.order(rule)?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

async fn cancel(State(shared): Books, Path(id): Path<u64>) -> Response {
    if shared.lock().faults.cancel(id) { done() } else { wire::error(StatusCode::NOT_FOUND, "no such fault") }
}

async fn clear_faults(State(shared): Books) -> Response {
    shared.clear_faults();
    done()
}

async fn release(State(shared): Books) -> Response {
    shared.release();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restatement {
    mall: String,
    endpoint: Endpoint,
    day: NaiveDate,
}

async fn restate(State(shared): Books, Json(body): Json<Restatement>) -> Answer {
    let serial = shared.restate(&body.mall, body.endpoint, body.day)?;
    Ok(Json(json!({ "serial": serial })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draining {
    mall: String,
    tokens: u32,
}

async fn drain(State(shared): Books, Json(body): Json<Draining>) -> Answer {
    Ok(Json(json!({ "level": shared.drain(&body.mall, body.tokens)? })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filling {
    mall: String,
}

async fn fill(State(shared): Books, Json(body): Json<Filling>) -> Answer {
    shared.with_bucket(&body.mall, |bucket| bucket.fill(Instant::now()))?;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TruthQuery {
    mall: String,
    endpoint: Endpoint,
    #[serde(default = "first_shop")]
    shop: u32,
    #[serde(default = "daily")]
    granularity: Granularity,
    from: NaiveDate,
    to: Option<NaiveDate>,
    serial: Option<u64>,
    at: Option<DateTime<Utc>>,
}

async fn truth(State(shared): Books, Query(query): Query<TruthQuery>) -> Answer {
    let TruthQuery { mall, endpoint, shop, granularity, from, to, serial, at } = query;
    let to = to.unwrap_or(from);
    if (to - from).num_days() > i64::from(shared.config.max_days_long) {
        return Ok(wire::error(StatusCode::BAD_REQUEST, "the range is too long"));
    }
    let when = match (serial, at) {
        (Some(serial), None) => When::Serial(serial),
        (None, Some(moment)) => When::At(moment),
        (None, None) => When::Now,
        (Some(_), Some(_)) => {
            return Ok(wire::error(StatusCode::BAD_REQUEST, "ask by serial or by moment, not both"));
        }
    };
    let question = Question { mall, shop, endpoint, granularity, from, to };
    let rows = tokio::task::spawn_blocking(move || shared.truth(&question, when)).await;
    match rows {
        Ok(rows) => Ok(lines(&rows?)),
        Err(_) => Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}

async fn served(State(shared): Books, Query(query): Query<TruthQuery>) -> Answer {
    let TruthQuery { mall, endpoint, shop, granularity, from, .. } = query;
    let key = (granularity.start(from), shop, endpoint, granularity);
    Ok(Json(shared.with_mall(&mall, |mall| mall.served.of(&key))?).into_response())
}

async fn changes(State(shared): Books, Query(query): Query<TruthQuery>) -> Answer {
    let TruthQuery { mall, endpoint, shop, granularity, from, .. } = query;
    let period = (endpoint, granularity, granularity.start(from));
    Ok(Json(shared.changes(&mall, shop, period)?).into_response())
}

#[derive(Deserialize)]
struct ReportQuery {
    #[serde(default)]
    chunks: bool,
    mall: Option<String>,
}

async fn report(State(shared): Books, Query(query): Query<ReportQuery>) -> Answer {
    match query.mall {
        None => Ok(Json(shared.report(query.chunks)).into_response()),
        Some(mall) => {
            let report = shared.with_mall(&mall, |mall| shared.mall_report(&mall.seen, query.chunks))?;
            Ok(Json(report).into_response())
        }
    }
}

async fn reset(State(shared): Books) -> Response {
    shared.reset_report();
    done()
}

async fn clock(State(shared): Books) -> Json<Value> {
    Json(json!({ "now": shared.clock.now(), "today": shared.clock.today() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockSetting {
    now: Option<DateTime<Utc>>,
    advance_seconds: Option<i64>,
}

async fn set_clock(State(shared): Books, Json(body): Json<ClockSetting>) -> Json<Value> {
    if let Some(now) = body.now {
        shared.clock.set_now(now);
    }
    if let Some(by) = body.advance_seconds.and_then(TimeDelta::try_seconds) {
        shared.clock.advance(by);
    }
    clock(State(shared)).await
}

fn done() -> Response {
    Json(json!({ "done": true })).into_response()
}

/// One JSON document a line.
fn lines<T: Serialize>(items: &[T]) -> Response {
    let mut text = String::new();
    for line in items.iter().filter_map(|item| serde_json::to_string(item).ok()) {
        // Writing into a String cannot fail.
        let _never = writeln!(text, "{line}");
    }
    ([(CONTENT_TYPE, "application/x-ndjson")], text).into_response()
}

fn first_shop() -> u32 {
    1
}

fn daily() -> Granularity {
    Granularity::Day
}
