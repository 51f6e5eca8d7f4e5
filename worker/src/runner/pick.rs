//! Which job of a limiter key goes next: fresh before backfill, and in turn over malls where several share the key.

use std::collections::VecDeque;

use common::domain::ids::MallId;
use common::domain::job::Lane;

/// Where a job stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) lane: Lane,
    pub(super) mall: MallId,
}

/// The waiting jobs of one key.
#[derive(Debug)]
pub(super) struct Queue<T> {
    fresh: Turns<T>,
    backfill: Turns<T>,
}

/// Malls in turn, each with its jobs in order. No mall stands in it without a job.
#[derive(Debug)]
struct Turns<T> {
    malls: VecDeque<(MallId, VecDeque<T>)>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { fresh: Turns { malls: VecDeque::new() }, backfill: Turns { malls: VecDeque::new() } }
    }
}

impl<T> Queue<T> {
    pub(super) fn push(&mut self, place: Place, job: T) {
        self.lane(place.lane).jobs_of(place.mall).push_back(job);
    }

    pub(super) fn push_front(&mut self, place: Place, job: T) {
        self.lane(place.lane).jobs_of(place.mall).push_front(job);
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        self.fresh.pop().or_else(|| self.backfill.pop())
    }

    pub(super) fn peek(&self) -> Option<&T> {
        self.fresh.peek().or_else(|| self.backfill.peek())
    }

    pub(super) fn take_all(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.pop()).collect()
    }

    /// The jobs that are not to wait here any longer; the others keep their places.
    pub(super) fn take_if(&mut self, goes: impl Fn(&T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        for turns in [&mut self.fresh, &mut self.backfill] {
            for (_, jobs) in &mut turns.malls {
                // Looked at in each round and hardly ever true: nothing is moved then.
                if jobs.iter().any(&goes) {
                    let (gone, kept) = std::mem::take(jobs).into_iter().partition(&goes);
                    *jobs = kept;
                    taken.extend::<VecDeque<T>>(gone);
                }
            }
            turns.malls.retain(|(_, jobs)| !jobs.is_empty());
        }
        taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.peek().is_none()
    }

    pub(super) fn len(&self) -> usize {
        [&self.fresh, &self.backfill].iter().flat_map(|turns| &turns.malls).map(|(_, jobs)| jobs.len()).sum()
    }

    fn lane(&mut self, lane: Lane) -> &mut Turns<T> {
        match lane {
            Lane::Fresh => &mut self.fresh,
            Lane::Backfill => &mut self.backfill,
        }
    }
}

impl<T> Turns<T> {
    fn jobs_of(&mut self, mall: MallId) -> &mut VecDeque<T> {
        let index = self.malls.iter().position(|(known, _)| *known == mall).unwrap_or_else(|| {
            self.malls.push_back((mall, VecDeque::new()));
            self.malls.len() - 1
        });
        &mut self.malls[index].1
    }

    fn pop(&mut self) -> Option<T> {
        let (mall, mut jobs) = self.malls.pop_front()?;
        let job = jobs.pop_front();
        if !jobs.is_empty() {
            self.malls.push_back((mall, jobs));
        }
        job
    }

    fn peek(&self) -> Option<&T> {
        self.malls.front().and_then(|(_, jobs)| jobs.front())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(lane: Lane, mall: &str) -> Place {
        Place { lane, mall: mall.parse().expect("valid") }
    }

    fn drain(queue: &mut Queue<&'static str>) -> Vec<&'static str> {
        queue.take_all()
    }

    #[test]
    fn fresh_goes_before_backfill() {
        let mut queue = Queue::default();
        queue.push(place(Lane::Backfill, "a"), "old");
        queue.push(place(Lane::Fresh, "a"), "new");
        assert_eq!(queue.len(), 2);
        assert_eq!(drain(&mut queue), ["new", "old"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn malls_of_one_key_come_in_turn_whatever_they_have() {
        let mut queue = Queue::default();
        for job in ["a1", "a2", "a3", "a4"] {
            queue.push(place(Lane::Backfill, "a"), job);
        }
        queue.push(place(Lane::Backfill, "b"), "b1");
        queue.push(place(Lane::Backfill, "b"), "b2");
        assert_eq!(drain(&mut queue), ["a1", "b1", "a2", "b2", "a3", "a4"]);
    }

    #[test]
    fn b05_jobs_that_waited_too_long_go_and_the_others_keep_their_places() {
        let mut queue = Queue::default();
        for (mall, job) in [("a", "old 1"), ("a", "a1"), ("b", "old 2"), ("a", "a2"), ("c", "c1")] {
            queue.push(place(Lane::Backfill, mall), job);
        }
        queue.push(place(Lane::Fresh, "b"), "old 3");
        assert_eq!(queue.take_if(|job| job.starts_with("old")), ["old 3", "old 1", "old 2"]);
        assert_eq!(drain(&mut queue), ["a1", "c1", "a2"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_job_put_back_is_the_next_of_its_mall() {
        let mut queue = Queue::default();
        queue.push(place(Lane::Fresh, "a"), "a1");
        queue.push(place(Lane::Fresh, "a"), "a2");
        let first = queue.pop().expect("a1");
        queue.push_front(place(Lane::Fresh, "a"), first);
        assert_eq!(drain(&mut queue), ["a1", "a2"]);
    }
}
