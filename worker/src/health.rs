//! When the worker is ready: Postgres and the buckets answer, and it is not draining.
//!
//! RabbitMQ is not asked: a worker without deliveries is as ready as one with.

use std::sync::Arc;

use common::health::Missing;

use crate::shared::Shared;

/// What this worker misses.
pub(crate) fn missing(shared: Arc<Shared>) -> Arc<Missing> {
    Arc::new(move || {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            let (postgres, redis) = tokio::join!(shared.ledger.ping(), shared.limiter.ping());
            let draining = shared.stopping.is_cancelled().then(|| "draining".to_owned());
            let postgres = postgres.err().map(|error| error.to_string());
            let redis = redis.err().map(|error| error.to_string());
            [draining, postgres, redis].into_iter().flatten().collect()
        })
    })
}
