//! What all parts of the worker share: the doors to the outside, and a few counters.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::api::ApiClient;
use common::config::Config;
use common::domain::ids::MallId;
use common::limiter::RedisLimiter;
use common::oauth::TokenKeeper;
use common::store::{Ledger, SealedTokenStore};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Recalls older than this cannot concern a job in hand any more.
const RECALL_KEPT: Duration = Duration::from_mins(15);

/// Decoded rows that wait for their commit at most; about 25 MiB. An answer with more rows goes alone.
pub(crate) const ROWS_IN_HAND: u32 = 100_000;

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
    /// One permit a decoded row that is not committed yet.
    pub(crate) rows_in_hand: Arc<Semaphore>,
    /// Jobs between the start of their fetch and the batch.
    pub(crate) fetching: AtomicUsize,
    /// Whether the buckets answer. While they do not, no delivery is claimed (`faults.md` R1).
    pub(crate) pacer: watch::Sender<bool>,
    /// Ends intake: nothing new is started, what has a token is finished.
    pub(crate) stopping: CancellationToken,
    recalls: Mutex<HashMap<MallId, Instant>>,
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
            rows_in_hand: Arc::new(Semaphore::new(ROWS_IN_HAND as usize)),
            config,
            ledger,
            limiter,
            api,
            tokens,
            fetching: AtomicUsize::new(0),
            pacer: watch::Sender::new(true),
            stopping,
            recalls: Mutex::default(),
        }
    }

    /// Notes whether the buckets answer; wakes whoever waits for it. A change is said once, not once a mall.
    pub(crate) fn set_pacer(&self, answers: bool) {
        let changed = self.pacer.send_if_modified(|known| {
            let changed = *known != answers;
            *known = answers;
            changed
        });
        match (changed, answers) {
            (true, false) => tracing::warn!(
                event = "bucket.unavailable",
                "the token buckets do not answer: nothing is sent, deliveries wait; look at Redis"
            ),
            (true, true) => tracing::info!(event = "conn.restored", "the token buckets answer again"),
            (false, _) => {}
        }
    }

    /// A mall's state changed: its jobs that were claimed before now are handed back instead of started.
    pub(crate) fn recall(&self, mall: MallId) {
        let now = Instant::now();
        let mut recalls = lock(&self.recalls);
        recalls.retain(|_, at| now.duration_since(*at) < RECALL_KEPT);
        recalls.insert(mall, now);
    }

    /// Whether a job of `mall` that was claimed at `claimed` must be handed back.
    pub(crate) fn is_recalled(&self, mall: &MallId, claimed: Instant) -> bool {
        lock(&self.recalls).get(mall).is_some_and(|recalled| *recalled >= claimed)
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
