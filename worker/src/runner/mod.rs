//! One runner a limiter key, for as long as the key has work.
//!
//! A runner takes a token, sleeps to its slot, and only then picks the job that uses it (so the freshest wish goes
//! first) and takes one of the worker's fetch slots (so a waiting mall never holds one). At most [`IN_FLIGHT`] requests
//! of a key are under way from this worker. A key without work has no runner and costs nothing.

mod hand;
mod pick;
mod run;
mod slot;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::broker::Consumer;
use common::domain::ids::LimiterKey;
use tokio::sync::{Notify, mpsc};
use tokio_util::task::TaskTracker;

use crate::flow::delivery::Work;
use crate::flow::finished::Finished;
use crate::shared::{Shared, lock};

pub(crate) use hand::{Hand, Keeping};
use pick::Queue;

/// Requests of one key that this worker has under way at most; a sick mall cannot take all slots (`docs/reliability.md` A6).
const IN_FLIGHT: usize = 2;

/// How long an answer of which pages are there is held at least; the broker's consumer time-out is 30 minutes.
const HOLD_WITH_PAGES: Duration = Duration::from_mins(20);

/// What waits for one key.
#[derive(Debug, Default)]
struct Waiting {
    queue: Queue<Work>,
    /// Told of each job that comes: a runner whose last request is under way must not wait for its answer first.
    arrived: Arc<Notify>,
}

/// All runners of the worker.
#[derive(Debug)]
pub(crate) struct Runners {
    shared: Arc<Shared>,
    finished: Mutex<Option<mpsc::Sender<Finished>>>,
    tasks: TaskTracker,
    hand: Hand,
    queues: Mutex<HashMap<LimiterKey, Waiting>>,
    consumers: Mutex<Vec<Consumer>>,
}

impl Runners {
    pub(crate) fn new(shared: Arc<Shared>, finished: mpsc::Sender<Finished>, tasks: TaskTracker) -> Self {
        Self {
            shared,
            finished: Mutex::new(Some(finished)),
            tasks,
            hand: Hand::default(),
            queues: Mutex::default(),
            consumers: Mutex::default(),
        }
    }

    /// The jobs in this worker's hands.
    pub(crate) fn hand(&self) -> &Hand {
        &self.hand
    }

    /// Gives a claimed job to its key's runner; starts the runner if there is none.
    pub(crate) fn push(self: &Arc<Self>, work: Work) {
        let key = work.claimed.limiter_key.clone();
        let mut queues = lock(&self.queues);
        let is_new = !queues.contains_key(&key);
        let waiting = queues.entry(key.clone()).or_default();
        waiting.queue.push(place(&work), work);
        let arrived = Arc::clone(&waiting.arrived);
        drop(queues);
        if is_new {
            let runners = Arc::clone(self);
            self.tasks.spawn(async move { run::run(&runners, key, &arrived).await });
        } else {
            arrived.notify_one();
        }
    }

    /// Puts a job back to the head of its queue; its runner is running, since it is the one who says this.
    fn push_front(&self, work: Work) {
        let key = work.claimed.limiter_key.clone();
        let mut queues = lock(&self.queues);
        let waiting = queues.entry(key).or_default();
        waiting.queue.push_front(place(&work), work);
        waiting.arrived.notify_one();
    }

    /// The job of `key` that goes next.
    fn pop(&self, key: &LimiterKey) -> Option<Work> {
        lock(&self.queues).get_mut(key).and_then(|waiting| waiting.queue.pop())
    }

    /// Whether the next job of `key` has to run alone.
    fn next_is_suspect(&self, key: &LimiterKey) -> bool {
        lock(&self.queues).get(key).and_then(|waiting| waiting.queue.peek()).is_some_and(Work::is_suspect)
    }

    /// Everything that waits for `key`.
    fn take_all(&self, key: &LimiterKey) -> Vec<Work> {
        lock(&self.queues).get_mut(key).map(|waiting| waiting.queue.take_all()).unwrap_or_default()
    }

    /// What waits for `key` for longer than a delivery may be held. An answer of which pages are there already is kept for
    /// longer, since it would have to be asked for from its beginning; but not until the broker's patience is over, while
    /// fresh jobs or other malls of the key go before it.
    fn take_held(&self, key: &LimiterKey) -> Vec<Work> {
        let hold = self.shared.config.rabbitmq.hold;
        let most = |work: &Work| if work.room.is_none() { hold } else { hold.max(HOLD_WITH_PAGES) };
        let goes = |work: &Work| work.claimed_at.elapsed() > most(work);
        lock(&self.queues).get_mut(key).map(|waiting| waiting.queue.take_if(goes)).unwrap_or_default()
    }

    /// Whether anything waits for `key`.
    fn has_work(&self, key: &LimiterKey) -> bool {
        lock(&self.queues).get(key).is_some_and(|waiting| !waiting.queue.is_empty())
    }

    /// Ends the runner of `key` unless a job came in the meantime.
    fn retire(&self, key: &LimiterKey) -> bool {
        let mut queues = lock(&self.queues);
        let idle = queues.get(key).is_none_or(|waiting| waiting.queue.is_empty());
        if idle {
            queues.remove(key);
        }
        idle
    }

    /// Gives an outcome to the batch.
    async fn finish(&self, finished: Finished) {
        let sender = lock(&self.finished).clone();
        // Without a batch the worker is ending hard: the delivery comes again elsewhere.
        if let Some(sender) = sender {
            let _ = sender.send(finished).await;
        }
    }

    /// No outcome comes any more: the batch writes what it has and ends.
    pub(crate) fn no_more(&self) {
        lock(&self.finished).take();
    }

    /// Keeps a cancelled consumer's connection open, so that deliveries in hand can be settled over it.
    pub(crate) fn keep_open(&self, consumer: Consumer) {
        lock(&self.consumers).push(consumer);
    }

    /// The consumers to close when everything is settled.
    pub(crate) fn consumers(&self) -> Vec<Consumer> {
        std::mem::take(&mut lock(&self.consumers))
    }

    /// Jobs that wait for a token.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.queues).values().map(|waiting| waiting.queue.len()).sum()
    }
}

fn place(work: &Work) -> pick::Place {
    pick::Place { lane: work.claimed.job.lane, mall: work.claimed.job.mall_id.clone() }
}
