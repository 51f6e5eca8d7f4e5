//! `/healthz`, `/readyz` and `/metrics` on a private port.
//!
//! Healthy: the process runs. Ready: Postgres and the buckets answer, and it is not draining. RabbitMQ is not asked
//! here: a worker without deliveries is as ready as one with.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use common::telemetry::Recorder;
use tokio::net::TcpListener;

use crate::shared::Shared;

#[derive(Clone)]
struct Health {
    shared: Arc<Shared>,
    recorder: Recorder,
}

/// Serves until the task is dropped.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    recorder: Recorder,
    listener: TcpListener,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Health { shared, recorder });
    axum::serve(listener, router).await
}

/// Binds the port; 0 takes a free one. Returns where it listens.
pub(crate) async fn bind(listen: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(listen).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    let shared = &health.shared;
    let mut missing = Vec::new();
    if shared.stopping.is_cancelled() {
        missing.push("draining".to_owned());
    }
    if let Err(error) = shared.ledger.ping().await {
        missing.push(error.to_string());
    }
    if let Err(error) = shared.limiter.ping().await {
        missing.push(error.to_string());
    }
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", missing.join("\n")))
    }
}

async fn metrics(State(health): State<Health>) -> String {
    health.recorder.render()
}
