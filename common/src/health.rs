//! `/healthz`, `/readyz` and `/metrics` of a program, on a port that only the operator's network reaches.
//!
//! Healthy: the process runs. Ready: what it needs answers; the answer names what does not. Neither costs a request of
//! any mall.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use futures::future::BoxFuture;
use tokio::net::TcpListener;

use crate::telemetry::Recorder;

/// Asks what the program needs; answers what is missing, in the operator's words. Empty: ready.
pub type Missing = dyn Fn() -> BoxFuture<'static, Vec<String>> + Send + Sync;

/// The pages, bound to their port.
#[derive(Debug)]
pub struct Pages {
    listener: TcpListener,
    bound: SocketAddr,
    more: Router,
}

/// The port cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {listen}; set `{key}` to a free address")]
pub struct BindError {
    listen: SocketAddr,
    key: &'static str,
    #[source]
    source: std::io::Error,
}

#[derive(Clone)]
struct Answers {
    missing: Arc<Missing>,
    recorder: Recorder,
}

/// Binds `listen` (port 0 takes a free one), which the setting `key` names; says where it is.
///
/// # Errors
/// [`BindError`] when the port is taken, or the address is not this machine's.
pub async fn bind(listen: SocketAddr, key: &'static str) -> Result<(TcpListener, SocketAddr), BindError> {
    let bind = async {
        let listener = TcpListener::bind(listen).await?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bind.await.map_err(|source| BindError { listen, key, source })
}

impl Pages {
    /// Binds `listen` (port 0 takes a free one), which the setting `key` names.
    ///
    /// # Errors
    /// [`BindError`] when the port is taken, or the address is not this machine's.
    pub async fn bind(listen: SocketAddr, key: &'static str) -> Result<Self, BindError> {
        let (listener, bound) = bind(listen, key).await?;
        Ok(Self { listener, bound, more: Router::new() })
    }

    /// Serves the pages of `more`, too.
    #[must_use]
    pub fn with(self, more: Router) -> Self {
        Self { more, ..self }
    }

    /// Where they are.
    pub fn address(&self) -> SocketAddr {
        self.bound
    }

    /// Serves until the task is dropped.
    pub async fn serve(self, recorder: Recorder, missing: Arc<Missing>) {
        let router = Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(Answers { missing, recorder })
            .merge(self.more);
        if let Err(error) = axum::serve(self.listener, router).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the health port failed");
        }
    }
}

async fn ready(State(answers): State<Answers>) -> (StatusCode, String) {
    let missing = (answers.missing)().await;
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", missing.join("\n")))
    }
}

async fn metrics(State(answers): State<Answers>) -> String {
    answers.recorder.render()
}
