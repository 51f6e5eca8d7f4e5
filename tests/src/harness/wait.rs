//! Waiting for a state instead of sleeping for a time.

use std::future::Future;
use std::time::{Duration, Instant};

use super::trouble::{Result, Trouble};

const STEP: Duration = Duration::from_millis(20);

/// Asks again and again until the answer is yes; `what` is named if the time runs out.
pub async fn wait_until<F, Fut>(what: &str, limit: Duration, mut ask: F) -> Result<()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<bool>>,
{
    wait_until_some(what, limit, || {
        let answer = ask();
        async { Ok(answer.await?.then_some(())) }
    })
    .await
}

/// As [`wait_until`], and hands out what was waited for.
pub async fn wait_until_some<T, F, Fut>(what: &str, limit: Duration, mut ask: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        if started.elapsed() >= limit {
            return Err(Trouble::new(format!("waited {limit:?} in vain: {what}")));
        }
        tokio::time::sleep(STEP).await;
    }
}
