//! Answers that come later than they could.

use std::sync::Arc;
use std::time::Duration;

use super::fault::Met;
use super::state::Shared;

impl Shared {
    /// The configured latency of one answer.
    pub(crate) async fn latency(&self) {
        let (least, most) = (*self.config.latency.start(), *self.config.latency.end());
        if most > Duration::ZERO {
            let spread = most.saturating_sub(least);
            tokio::time::sleep(least + spread.mul_f64(rand::random::<f64>())).await;
        }
    }

    /// The pauses ordered for one request.
    pub(crate) async fn pause(self: &Arc<Self>, met: &Met) {
        if met.hold {
            let _held = Held::new(Arc::clone(self));
            let mut releases = self.releases.subscribe();
            let before = *releases.borrow_and_update();
            // The sender lives as long as the simulator: waiting cannot fail before its end.
            let _until_the_end = releases.wait_for(|count| *count > before).await;
        }
        if met.delay > Duration::ZERO {
            tokio::time::sleep(met.delay).await;
        }
    }
}

struct Held(Arc<Shared>);

impl Held {
    fn new(shared: Arc<Shared>) -> Self {
        shared.lock().held += 1;
        Self(shared)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.held = inner.held.saturating_sub(1);
    }
}
