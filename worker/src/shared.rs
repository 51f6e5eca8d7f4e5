//! What all parts of the worker share: the doors to the outside, and a few counters.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::api::ApiClient;
use common::config::Config;
use common::domain::endpoint::Endpoint;
use common::domain::ids::MallId;
use common::limiter::{LimiterError, RedisLimiter};
use common::oauth::TokenKeeper;
use common::store::{Ledger, SealedTokenStore};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::room::Rooms;

/// Recalls older than this cannot concern a job in hand any more.
const RECALL_KEPT: Duration = Duration::from_mins(15);

/// Decoded rows that wait for their commit or for the rest of their answer at most; about 25 MiB, half of it for each
/// ([`Rooms`]). An answer with more rows than its half goes alone there.
const ROWS_IN_HAND: u32 = 100_000;

/// What changed, as Postgres tells it: `mall`, `mall/endpoint`, or `*/endpoint` for an endpoint of all malls; or
/// [`Self::EVERYTHING`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Recalled {
    mall: Option<MallId>,
    endpoint: Option<Endpoint>,
}

impl Recalled {
    /// Nobody heard what changed: any mall, any endpoint.
    pub(crate) const EVERYTHING: Self = Self { mall: None, endpoint: None };

    /// `None`: a name that this version does not know; the next claims see things as they are.
    pub(crate) fn read(told: &str) -> Option<Self> {
        let (mall, endpoint) = match told.split_once('/') {
            Some((mall, endpoint)) => (mall, Some(endpoint.parse().ok()?)),
            None => (told, None),
        };
        let mall = if mall == "*" { None } else { Some(mall.parse().ok()?) };
        (mall.is_some() || endpoint.is_some()).then_some(Self { mall, endpoint })
    }
}

/// The worker's shared parts; cheap to clone by [`Arc`].
#[derive(Debug)]
pub(crate) struct Shared {
    /// Names this process in the ledger and in Redis; new at each start.
    pub(crate) worker_id: String,
    pub(crate) config: Config,
    pub(crate) ledger: Ledger,
    pub(crate) limiter: RedisLimiter,
    pub(crate) api: ApiClient,
    pub(crate) tokens: TokenKeeper<SealedTokenStore>,
    /// One permit a request under way.
    pub(crate) slots: Arc<Semaphore>,
    /// Room for decoded rows that are not committed yet.
    pub(crate) rows_in_hand: Rooms,
    /// Jobs between the start of their fetch and the batch.
    pub(crate) fetching: AtomicUsize,
    /// Whether the buckets answer. While they do not, no delivery is claimed (`docs/reliability.md` R1).
    pub(crate) pacer: watch::Sender<bool>,
    /// Why they do not, as it was last said.
    pacer_trouble: Mutex<Option<&'static str>>,
    /// Ends intake: nothing new is started, what has a token is finished.
    pub(crate) stopping: CancellationToken,
    recalls: Mutex<HashMap<Recalled, Instant>>,
}

impl Shared {
    pub(crate) fn new(
        config: Config,
        ledger: Ledger,
        limiter: RedisLimiter,
        api: ApiClient,
        tokens: TokenKeeper<SealedTokenStore>,
        stopping: CancellationToken,
    ) -> Self {
        Self {
            worker_id: uuid::Uuid::now_v7().simple().to_string(),
            slots: Arc::new(Semaphore::new(config.worker.slots)),
            rows_in_hand: Rooms::new(ROWS_IN_HAND),
            config,
            ledger,
            limiter,
            api,
            tokens,
            fetching: AtomicUsize::new(0),
            pacer: watch::Sender::new(true),
            pacer_trouble: Mutex::default(),
            stopping,
            recalls: Mutex::default(),
        }
    }

    /// Notes whether the buckets answer; wakes whoever waits for it. A change, or another reason, is said once, not once
    /// a mall.
    pub(crate) fn set_pacer(&self, answer: Result<(), &LimiterError>) {
        let answers = answer.is_ok();
        let changed = self.pacer.send_if_modified(|known| {
            let changed = *known != answers;
            *known = answers;
            changed
        });
        let reason = answer.err().map(LimiterError::kind);
        let another = std::mem::replace(&mut *lock(&self.pacer_trouble), reason) != reason;
        match (changed || another, answer) {
            (true, Err(error)) => tracing::warn!(
                event = "bucket.unavailable",
                error = error as &dyn std::error::Error,
                "the token buckets do not answer: nothing is sent, deliveries wait; look at Redis"
            ),
            (true, Ok(())) => tracing::info!(event = "conn.restored", "the token buckets answer again"),
            (false, _) => {}
        }
    }

    /// A mall or an endpoint changed, or may have: jobs that were claimed before now are handed back instead of started.
    pub(crate) fn recall(&self, changed: Recalled) {
        let now = Instant::now();
        let mut recalls = lock(&self.recalls);
        recalls.retain(|_, at| now.duration_since(*at) < RECALL_KEPT);
        recalls.insert(changed, now);
    }

    /// Whether a job that was claimed at `claimed` must be handed back.
    pub(crate) fn is_recalled(&self, mall: &MallId, endpoint: Endpoint, claimed: Instant) -> bool {
        let recalls = lock(&self.recalls);
        let since = |what: &Recalled| recalls.get(what).is_some_and(|recalled| *recalled >= claimed);
        since(&Recalled { mall: Some(mall.clone()), endpoint: None })
            || since(&Recalled { mall: Some(mall.clone()), endpoint: Some(endpoint) })
            || since(&Recalled { mall: None, endpoint: Some(endpoint) })
            || since(&Recalled::EVERYTHING)
    }

    /// Whether any fetch is under way.
    pub(crate) fn is_fetching(&self) -> bool {
        self.fetching.load(Ordering::Acquire) > 0
    }
}

/// A poisoned lock still holds whole values here: every critical section is a few assignments.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_of_a_mall_of_its_endpoint_or_of_an_endpoint_of_all() {
        let of = |mall: Option<&str>, endpoint: Option<&str>| Recalled {
            mall: mall.map(|mall| mall.parse().expect("valid")),
            endpoint: endpoint.map(|endpoint| endpoint.parse().expect("valid")),
        };
        assert_eq!(Recalled::read("hanbit"), Some(of(Some("hanbit"), None)));
        assert_eq!(Recalled::read("hanbit/products"), Some(of(Some("hanbit"), Some("products"))));
        assert_eq!(Recalled::read("*/products"), Some(of(None, Some("products"))));
        for foreign in ["*", "", "/", "hanbit/", "hanbit/sales", "*/products/x"] {
            assert_eq!(Recalled::read(foreign), None, "{foreign}");
        }
    }
}
