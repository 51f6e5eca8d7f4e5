//! Waiting for a Postgres that cannot write now.

use common::domain::backoff::Backoff;
use common::store::StoreError;
use tokio::time::sleep;

/// Says so, and waits longer each time.
pub(super) async fn wait(error: &StoreError, failures: &mut u32) {
    tracing::warn!(
        event = "conn.lost",
        error = error as &dyn std::error::Error,
        "Postgres cannot write now; the batch waits"
    );
    sleep(Backoff::RECONNECT.random_wait(*failures)).await;
    *failures += 1;
}
