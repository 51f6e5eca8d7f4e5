//! Settling deliveries, after their effect is committed.
//!
//! A settlement that does not reach the broker is no harm: the delivery comes again and the ledger says that it is done.

use common::broker::Delivery;

/// The effect is committed, or there is none: the broker may forget it.
pub(crate) async fn ack(delivery: Delivery, why: &'static str) {
    common::telemetry::count_settled("ack", why);
    if let Err(error) = delivery.ack().await {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "an ack was lost; the ledger will recognise the job"
        );
    }
}

/// Failed for good: the broker moves it to the dead-letter queue.
pub(crate) async fn reject(delivery: Delivery, why: &'static str) {
    common::telemetry::count_settled("reject", why);
    if let Err(error) = delivery.reject().await {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "a reject was lost; the ledger will recognise the job"
        );
    }
}
