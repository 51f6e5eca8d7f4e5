//! What one mall's requests looked like from here.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use chrono::NaiveDate;

use super::config::SimConfig;
use super::endpoint::{Endpoint, Granularity};
use super::tokens::TokenReport;

/// The span over which the greatest number of arrivals is kept: an empty bucket is full again after it.
pub(crate) const WINDOW: Duration = Duration::from_secs(20);
/// Different chunks counted for each mall.
const CHUNKS_MAX: usize = 50_000;
/// Low answers remembered; they matter for 2 seconds only.
const LOW_ANSWERS_MAX: usize = 256;

/// (endpoint, granularity, shop, start, end) as asked.
pub(crate) type ChunkKey = (Endpoint, Granularity, u32, NaiveDate, NaiveDate);

#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) requests: u64,
    pub(crate) by_status: BTreeMap<u16, u64>,
    pub(crate) throttled: u64,
    pub(crate) without_token: u64,
    pub(crate) refused_token: u64,
    pub(crate) without_version: u64,
    pub(crate) needless_version: u64,
    pub(crate) without_type: u64,
    pub(crate) min_level: Option<f64>,
    pub(crate) arrivals: VecDeque<Duration>,
    pub(crate) max_in_window: usize,
    pub(crate) max_in_flight: usize,
    pub(crate) floor_violations: u64,
    pub(crate) chunks: BTreeMap<ChunkKey, u64>,
    pub(crate) chunks_not_counted: u64,
    pub(crate) tokens: TokenReport,
    pub(crate) refreshing: usize,
    in_window: VecDeque<Duration>,
    in_flight: usize,
    low_answers: VecDeque<Instant>,
}

impl Seen {
    pub(crate) fn arrival(&mut self, now: Instant, origin: Instant, level: f64, config: &SimConfig) {
        self.requests += 1;
        self.in_flight += 1;
        self.max_in_flight = self.max_in_flight.max(self.in_flight);
        self.note_level(level);

        let at = now.saturating_duration_since(origin);
        keep(&mut self.arrivals, at, config.arrivals_kept);
        while self.in_window.front().is_some_and(|first| *first + WINDOW <= at) {
            self.in_window.pop_front();
        }
        keep(&mut self.in_window, at, config.arrivals_kept);
        self.max_in_window = self.max_in_window.max(self.in_window.len());

        let (grace, pause) = (config.floor_grace, config.floor_pause);
        self.low_answers.retain(|low| now.saturating_duration_since(*low) < pause);
        if self.low_answers.iter().any(|low| now.saturating_duration_since(*low) > grace) {
            self.floor_violations += 1;
        }
    }

    /// An answer leaves, with what it says is left in the bucket.
    pub(crate) fn answered(&mut self, status: u16, remaining: i64, now: Instant, floor: i64) {
        *self.by_status.entry(status).or_insert(0) += 1;
        if remaining < floor {
            keep(&mut self.low_answers, now, LOW_ANSWERS_MAX);
        }
    }

    pub(crate) fn left(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    pub(crate) fn note_level(&mut self, level: f64) {
        self.min_level = Some(self.min_level.map_or(level, |least| least.min(level)));
    }

    pub(crate) fn chunk(&mut self, key: ChunkKey) {
        if self.chunks.len() < CHUNKS_MAX || self.chunks.contains_key(&key) {
            *self.chunks.entry(key).or_insert(0) += 1;
        } else {
            self.chunks_not_counted += 1;
        }
    }

    /// Starts the books anew; what is under way stays under way.
    pub(crate) fn reset(&mut self) {
        *self = Self { in_flight: self.in_flight, refreshing: self.refreshing, ..Self::default() };
    }
}

fn keep<T>(ring: &mut VecDeque<T>, item: T, most: usize) {
    if ring.len() >= most.max(1) {
        ring.pop_front();
    }
    ring.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ms: u64, from: Instant) -> Instant {
        from + Duration::from_millis(ms)
    }

    #[test]
    fn the_window_counts_the_densest_twenty_seconds() {
        let (mut seen, config, start) = (Seen::default(), SimConfig::default(), Instant::now());
        for ms in [0, 100, 200, 20_000, 20_050, 20_150, 20_199, 60_000] {
            seen.arrival(after(ms, start), start, 40.0, &config);
        }
        assert_eq!(seen.max_in_window, 5);
    }

    #[test]
    fn an_arrival_in_the_pause_after_a_low_answer_is_a_violation_but_not_in_its_grace() {
        let (mut seen, config, start) = (Seen::default(), SimConfig::default(), Instant::now());
        seen.answered(200, 4, start, 5);
        for (ms, violations) in [(100, 0), (151, 1), (1_999, 2), (2_000, 2), (5_000, 2)] {
            seen.arrival(after(ms, start), start, 40.0, &config);
            assert_eq!(seen.floor_violations, violations, "{ms} ms");
        }
    }

    #[test]
    fn the_books_stay_bounded() {
        let config = SimConfig { arrivals_kept: 10, ..SimConfig::default() };
        let (mut seen, start) = (Seen::default(), Instant::now());
        (0..1000).for_each(|ms| seen.arrival(after(ms, start), start, 40.0, &config));
        assert_eq!((seen.requests, seen.arrivals.len()), (1000, 10));
    }
}
