//! Hears of malls and endpoints that were paused, released or removed, and recalls their waiting jobs.

use std::sync::Arc;
use std::time::Duration;

use common::store::{Channel, Control, Listener, StoreError};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::shared::{Recalled, Shared};

/// Between two tries to listen.
const REST: Duration = Duration::from_secs(1);

/// Recalls what is told of, and everything whenever something may have been told that nobody heard. `listening` is told once
/// the first session stands: what is claimed from then on is recalled.
pub(crate) async fn watch(control: Control, shared: Arc<Shared>, listening: oneshot::Sender<()>) {
    let mut told = first(&control).await;
    // Whoever waited for it may be stopping.
    let _ = listening.send(());
    loop {
        match told.next().await {
            Ok(Some(changed)) => {
                if let Some(recalled) = Recalled::read(&changed) {
                    shared.recall(recalled);
                    tracing::info!(
                        event = "mall.changed",
                        changed,
                        "a mall or an endpoint was paused or resumed: its waiting jobs go back"
                    );
                }
            }
            Ok(None) => {
                tracing::info!(
                    event = "mall.changed",
                    "Postgres was not heard for a moment, and a pause may have been missed: all waiting jobs go back"
                );
                shared.recall(Recalled::EVERYTHING);
            }
            Err(error) => rest(&error).await,
        }
    }
}

async fn first(control: &Control) -> Listener {
    loop {
        match control.listen(&[Channel::Connectors]).await {
            Ok(listener) => return listener,
            Err(error) => rest(&error).await,
        }
    }
}

async fn rest(error: &StoreError) {
    tracing::debug!(error = error as &dyn std::error::Error, "listening to Postgres failed");
    sleep(REST).await;
}
