//! How much of a key's budget its retries may take.
//!
//! A mall whose every other request fails would spend half of its budget on asking again, and its first tries would
//! wait. So retries are held to a share of what is published, for as long as first tries wait; with none of those,
//! retries take all there is. What is published is what is sent, whichever worker gets it and whatever lane it is in, so
//! the share holds for the requests as well, within a window.

use std::collections::HashMap;

use common::domain::ids::LimiterKey;
use common::store::{FeedJob, KeyJobs};

/// Saved by first tries that were not followed by a retry: more would let a burst of retries through.
const MOST_SAVED: f64 = 2.0;

/// The share, and what each key has saved of it. A key without retries needs no memory.
#[derive(Debug)]
pub(super) struct Budget {
    share: f64,
    saved: HashMap<LimiterKey, f64>,
}

impl Budget {
    /// `share` is of 1.
    pub(super) fn new(share: f64) -> Self {
        Self { share, saved: HashMap::new() }
    }

    /// Which of a key's next jobs go, in their order: as many as there is room for.
    pub(super) fn choose(&mut self, next: KeyJobs) -> Vec<FeedJob> {
        let KeyJobs { key, room, jobs } = next;
        if !jobs.iter().any(|job| job.retry) {
            self.saved.remove(&key);
            return jobs;
        }
        let mut first_left = jobs.iter().filter(|job| !job.retry).count();
        let mut saved = self.saved.get(&key).copied().unwrap_or_default();
        let mut chosen = Vec::with_capacity(room);
        // Retries that the share has no room for, in their order.
        let mut waiting = std::collections::VecDeque::new();
        for job in jobs {
            if chosen.len() == room {
                break;
            }
            if job.retry {
                waiting.push_back(job);
                if saved + self.share >= 1.0
                    && let Some(retry) = waiting.pop_front()
                {
                    saved += self.share - 1.0;
                    chosen.push(retry);
                }
                continue;
            }
            first_left -= 1;
            saved = (saved + self.share).min(MOST_SAVED);
            chosen.push(job);
            // What was saved by then is for the retry that is first in line.
            if chosen.len() < room
                && saved + self.share >= 1.0
                && let Some(retry) = waiting.pop_front()
            {
                saved += self.share - 1.0;
                chosen.push(retry);
            }
        }
        if first_left == 0 {
            // Nobody waits but retries: they take what is left, and owe nothing for it.
            let left = room - chosen.len().min(room);
            chosen.extend(waiting.into_iter().take(left));
        }
        self.saved.insert(key, saved);
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use common::domain::calendar::{DayRange, Granularity};
    use common::domain::job::{Job, Lane};

    fn job(retry: bool) -> FeedJob {
        let day = "2026-02-01".parse().expect("a day");
        let job = Job {
            id: uuid::Uuid::new_v4(),
            mall_id: "hanbit".parse().expect("valid"),
            shop_no: common::domain::ids::ShopNo::FIRST,
            endpoint: "visitors".parse().expect("valid"),
            granularity: Granularity::Day,
            chunk: DayRange::new(day, day).expect("a range"),
            lane: Lane::Fresh,
            requested_at: chrono::DateTime::UNIX_EPOCH,
        };
        FeedJob { job, fence: None, retry }
    }

    /// `retries` stand first in line, since their turn was earlier.
    fn next(room: usize, retries: usize, first: usize) -> KeyJobs {
        let jobs =
            std::iter::repeat_n(true, retries.min(room)).chain(std::iter::repeat_n(false, first.min(room)));
        KeyJobs {
            key: LimiterKey::try_from("hanbit".to_owned()).expect("valid"),
            room,
            jobs: jobs.map(job).collect(),
        }
    }

    fn retries(chosen: &[FeedJob]) -> usize {
        chosen.iter().filter(|job| job.retry).count()
    }

    #[test]
    fn retries_take_their_share_and_no_more_while_first_tries_wait_however_small_the_passes_are() {
        for share in [0.1, 0.25, 0.5] {
            for room in [1, 2, 3, 8, 43] {
                let mut budget = Budget::new(share);
                let (mut all, mut again) = (0.0, 0.0);
                for _ in 0..1_000 {
                    let chosen = budget.choose(next(room, 1_000, 1_000));
                    assert_eq!(chosen.len(), room, "budget was left unused");
                    all += f64::from(u32::try_from(chosen.len()).expect("few"));
                    again += f64::from(u32::try_from(retries(&chosen)).expect("few"));
                    assert!(
                        again <= share * all + 1.0,
                        "{again} of {all} at a share of {share}, {room} a pass"
                    );
                }
                assert!(
                    again >= share * all * 0.95 - 1.0,
                    "{again} of {all}: less than the share of {share}"
                );
            }
        }
    }

    #[test]
    fn retries_take_everything_when_no_first_try_waits() {
        let mut budget = Budget::new(0.25);
        for _ in 0..10 {
            assert_eq!(retries(&budget.choose(next(8, 100, 0))), 8);
        }
        // Two first tries do not fill the window: the rest is for the retries.
        let chosen = budget.choose(next(8, 100, 2));
        assert_eq!((chosen.len(), retries(&chosen)), (8, 6));
    }

    #[test]
    fn a_key_without_retries_keeps_its_order_and_needs_no_memory() {
        let mut budget = Budget::new(0.25);
        let asked = next(8, 0, 100);
        let ids: Vec<_> = asked.jobs.iter().map(|job| job.job.id).collect();
        assert_eq!(budget.choose(asked).iter().map(|job| job.job.id).collect::<Vec<_>>(), ids);
        assert!(budget.saved.is_empty());
    }

    #[test]
    fn a_share_of_everything_changes_no_order() {
        let mut budget = Budget::new(1.0);
        assert_eq!(retries(&budget.choose(next(8, 100, 100))), 8);
    }
}
