//! Says in Redis that this worker lives, so that the reconciler leaves its jobs to it.

use std::sync::Arc;
use std::time::Duration;

use common::telemetry::Recorder;
use tokio::time::{MissedTickBehavior, interval};

use crate::runner::Runners;
use crate::shared::Shared;

/// How often.
const BEAT: Duration = Duration::from_secs(5);
/// How long one beat counts; well under the reconciler's shortest deadline for running jobs.
const TTL: Duration = Duration::from_secs(20);

/// Beats until the task is dropped.
pub(crate) async fn beat(shared: Arc<Shared>, runners: Arc<Runners>, recorder: Recorder) {
    let since = common::clock::now();
    let mut tick = interval(BEAT);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        recorder.upkeep();
        let slots = shared.config.worker.slots;
        let free = shared.slots.available_permits();
        common::telemetry::set_slots(slots.saturating_sub(free), free, runners.waiting());
        let state = serde_json::json!({
            "slots": slots, "busy": slots.saturating_sub(free), "waiting": runners.waiting(),
            "draining": shared.stopping.is_cancelled(), "since": since, "at": common::clock::now(),
        });
        if let Err(error) = shared.limiter.heartbeat(&shared.worker_id, &state.to_string(), TTL).await {
            tracing::debug!(
                event = "bucket.unavailable",
                error = &error as &dyn std::error::Error,
                "no heartbeat was stored"
            );
        }
    }
}
