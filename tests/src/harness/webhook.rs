//! Somebody who is told of alerts: a real HTTP server that keeps what it gets.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::trouble::{Context as _, Result};

#[derive(Debug, Default)]
struct Seen {
    messages: Vec<Value>,
    refuse: Option<u16>,
    refused: usize,
}

/// A receiver; ends with its value.
#[derive(Debug)]
pub struct Webhook {
    url: String,
    seen: Arc<Mutex<Seen>>,
    server: JoinHandle<()>,
}

impl Webhook {
    /// Listens on a port of its own, under a path that only its address knows.
    pub async fn start() -> Result<Self> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for the webhook")?;
        let address = listener.local_addr().context("the webhook's port")?;
        let path = format!("/hook/{:016x}", rand::random::<u64>());
        let app = Router::new().route(&path, post(take)).with_state(Arc::clone(&seen));
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url: format!("http://{address}{path}"), seen, server })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What of it nobody may know.
    pub fn token(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }

    /// What it took, in order.
    pub fn messages(&self) -> Vec<Value> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).messages.clone()
    }

    /// Answers with this status from now on, and takes nothing; `None`: takes everything.
    pub fn refuse(&self, status: Option<u16>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).refuse = status;
    }

    /// How often it refused.
    pub fn refused(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).refused
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(seen): State<Arc<Mutex<Seen>>>, body: String) -> StatusCode {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(status) = seen.refuse {
        seen.refused += 1;
        return StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
    }
    match serde_json::from_str(&body) {
        Ok(message) => {
            seen.messages.push(message);
            StatusCode::OK
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}
