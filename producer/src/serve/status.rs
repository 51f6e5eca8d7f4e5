//! `GET /status`: what `status --json` says without the names of malls and agencies, and how the daemons stand.
//!
//! For monitors and load balancers on the operator's network. Whoever may see names has the command line.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use common::clock::now;
use common::store::{Control, StoreError};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::duty::{Board, Duty};
use crate::lock::{LOCK, instance};
use crate::output::json::Document;
use crate::output::text::json_time;

/// What is said of the whole installation; holds no name of a mall or an agency.
pub(crate) type Summary = dyn Fn() -> BoxFuture<'static, Result<Value, StoreError>> + Send + Sync;

/// A summary is told again for this long: looking at ten thousand malls is not to be had at any rate that a caller likes.
const KEPT: Duration = Duration::from_secs(2);

/// What the page needs.
struct Told {
    control: Control,
    board: Arc<Board>,
    instance: String,
    summary: Arc<Summary>,
    /// The last summary. Who comes while one is made waits for it.
    last: Mutex<Option<(Instant, Value)>>,
}

/// The page.
pub(super) fn router(control: Control, board: Arc<Board>, summary: Arc<Summary>) -> Router {
    let told = Told { control, board, instance: instance(), summary, last: Mutex::new(None) };
    Router::new().route("/status", get(status)).with_state(Arc::new(told))
}

async fn status(State(told): State<Arc<Told>>) -> (StatusCode, Json<Value>) {
    let (code, mut content) = match told.summary().await {
        Ok(summary) => (StatusCode::OK, summary),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "no summary");
            (StatusCode::SERVICE_UNAVAILABLE, json!({ "why": "Postgres does not answer" }))
        }
    };
    content["daemon"] = told.daemon(code == StatusCode::OK).await;
    // Maps and texts always are JSON.
    (code, Json(serde_json::to_value(Document::new(content, now())).unwrap_or_default()))
}

impl Told {
    async fn summary(&self) -> Result<Value, StoreError> {
        let mut last = self.last.lock().await;
        if let Some((made, summary)) = &*last
            && made.elapsed() < KEPT
        {
            return Ok(summary.clone());
        }
        let summary = (self.summary)().await?;
        *last = Some((Instant::now(), summary.clone()));
        Ok(summary)
    }

    /// How this daemon stands, and who leads; `null`: nobody, or that cannot be told.
    async fn daemon(&self, ask: bool) -> Value {
        let leader = if ask { self.control.leader(LOCK).await.ok().flatten() } else { None };
        let seen = self.board.seen();
        let duties: Vec<_> = Duty::ALL
            .iter()
            .map(|duty| {
                let here = seen.get(duty);
                let error = here.and_then(|seen| seen.last_error);
                json!({
                    "duty": duty,
                    "runs_here": here.is_some(),
                    "last_pass": here.and_then(|seen| seen.last_pass).map(json_time),
                    "last_error": error.map(|(at, server)| json!({ "at": json_time(at), "server": server })),
                })
            })
            .collect();
        json!({
            "instance": self.instance,
            "leads": !seen.is_empty(),
            "leader": leader.map(|leader| json!({ "instance": leader.instance, "since": json_time(leader.since) })),
            "duties": duties,
        })
    }
}
