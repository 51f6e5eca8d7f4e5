//! Whether somebody answers where Cafe24 will lead a browser to.

use std::time::Duration;

use reqwest::redirect;

/// For the whole question.
const PATIENCE: Duration = Duration::from_secs(3);
/// What is read of an answer.
const HEAD: usize = 64;

/// Nobody we know answers there.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// No connection, or no answer in time.
    #[error("nothing answers")]
    Silent(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something else does.
    #[error("something else answers (HTTP {0})")]
    Other(u16),
}

/// Asks `url`, and compares what is answered with `expected`.
pub async fn probe(url: &str, expected: &str) -> Result<(), Unanswered> {
    let silent = |error: reqwest::Error| Unanswered::Silent(error.without_url().into());
    // An error says that a TLS provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .user_agent(concat!("cafe24-sync/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(silent)?;
    let mut response = http.get(url).send().await.map_err(silent)?;
    let status = response.status().as_u16();
    let head = response.chunk().await.map_err(silent)?.unwrap_or_default();
    let head = &head[..head.len().min(HEAD)];
    if status == 200 && head == expected.as_bytes() { Ok(()) } else { Err(Unanswered::Other(status)) }
}
