//! A small world: workers, one mall's server bucket, our bucket, and the time it takes to talk to each.
//!
//! Each worker has two tasks that ask for a token, sleep to the slot, send, read the answer, and begin again. All events
//! lie in one heap; one seed gives one history.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::server::{Refill, Server};
use crate::domain::bucket::{Bucket, Decision, Limits, Seen, Slot};

const USE_BY_US: i64 = 1_000_000;
const HORIZON_US: i64 = 1_000_000;
/// Redis' clock when the world begins, far from zero so that it can go back.
const REDIS_BASE_US: i64 = 1 << 50;
/// A publication reaches a worker within this time.
pub(super) const HEARD_US: i64 = 2_000;
/// One way to Redis takes at most this long.
pub(super) const REDIS_LEG_US: i64 = 1_000;
const TASKS: usize = 2;

#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// Redis loses all keys.
    Flush,
    /// Another Redis takes over with the keys of the old one.
    Failover,
    /// Redis' clock jumps by so many µs.
    Clock(i64),
    /// Somebody else takes so many of the mall's tokens.
    Foreign(i64),
    /// The next grants given are never used: their workers die.
    Crash(u32),
}

#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) limits: Limits,
    pub(super) refill: Refill,
    pub(super) workers: usize,
    /// Each leg of a request, and of its answer, takes 0 to this many µs.
    pub(super) jitter_us: i64,
    pub(super) seed: u64,
    /// Requests wanted; the world ends when they are answered, or at `until_us`.
    pub(super) jobs: u64,
    pub(super) until_us: i64,
    pub(super) faults: Vec<(i64, Fault)>,
    /// The bucket is known and full at the start.
    pub(super) warm: bool,
}

#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) sent_us: Vec<(i64, usize)>,
    pub(super) served: u64,
    pub(super) throttled: u64,
    /// Fewest whole tokens that the server had after one of our requests.
    pub(super) lowest: i64,
    /// Tokens that somebody else wanted and did not get.
    pub(super) withheld: i64,
    /// When an answer below the floor reached which worker.
    pub(super) floors: Vec<(i64, usize)>,
    pub(super) done_us: i64,
    pub(super) takes: u64,
    pub(super) told: u64,
    pub(super) dropped: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Fault(usize),
    Ask { task: usize },
    AtRedis { task: usize, asked_us: i64 },
    Wake { task: usize, use_by_us: i64, grant: usize },
    Arrive { task: usize, sent_us: i64, grant: usize },
    Answer { task: usize, sent_us: i64, grant: usize, left: Option<i64> },
    Tell { grant: usize, told: usize },
    Hear { worker: usize, until_us: i64 },
}

pub(super) struct World {
    plan: Plan,
    bucket: Bucket,
    epoch: u64,
    redis_shift_us: i64,
    jumped: bool,
    dying: u32,
    server: Server,
    silent_us: Vec<i64>,
    flying: Vec<u32>,
    grants: Vec<Slot>,
    told: Vec<Seen>,
    events: BinaryHeap<Reverse<(i64, u64, Event)>>,
    number: u64,
    random: u64,
    report: Report,
}

impl World {
    pub(super) fn run(plan: Plan) -> Report {
        let tasks = plan.workers * TASKS;
        let mut world = Self {
            bucket: Bucket::default(),
            epoch: 1,
            redis_shift_us: REDIS_BASE_US,
            jumped: false,
            dying: 0,
            server: Server::full(plan.refill),
            silent_us: vec![0; plan.workers],
            flying: vec![0; plan.workers],
            grants: Vec::new(),
            told: Vec::new(),
            events: BinaryHeap::new(),
            number: 0,
            random: plan.seed,
            report: Report { lowest: i64::MAX, ..Report::default() },
            plan,
        };
        if world.plan.warm {
            world.bucket = Bucket::full(&world.plan.limits, 1, REDIS_BASE_US);
        }
        for (index, (at_us, _)) in world.plan.faults.clone().iter().enumerate() {
            world.at(*at_us, Event::Fault(index));
        }
        for task in 0..tasks {
            let start_us = world.draw(20_000);
            world.at(start_us, Event::Ask { task });
        }
        while let Some(Reverse((now_us, _, event))) = world.events.pop() {
            if now_us > world.plan.until_us || world.report.served >= world.plan.jobs {
                break;
            }
            world.step(now_us, event);
        }
        world.report
    }

    fn step(&mut self, now_us: i64, event: Event) {
        match event {
            Event::Fault(index) => self.fault(now_us, index),
            Event::Ask { task } => {
                let leg_us = self.draw(REDIS_LEG_US);
                self.at(now_us + leg_us, Event::AtRedis { task, asked_us: now_us });
            }
            Event::AtRedis { task, asked_us } => self.at_redis(now_us, task, asked_us),
            Event::Wake { task, use_by_us, grant } => self.wake(now_us, task, use_by_us, grant),
            Event::Arrive { task, sent_us, grant } => {
                let left = self.server.arrive(now_us);
                self.report.lowest = self.report.lowest.min(left.unwrap_or(0));
                let leg_us = 2_000 + self.draw(self.plan.jitter_us);
                self.at(now_us + leg_us, Event::Answer { task, sent_us, grant, left });
            }
            Event::Answer { task, sent_us, grant, left } => self.answer(now_us, task, sent_us, grant, left),
            Event::Tell { grant, told } => self.tell(now_us, grant, told),
            Event::Hear { worker, until_us } => {
                self.silent_us[worker] = self.silent_us[worker].max(until_us);
            }
        }
    }

    fn fault(&mut self, now_us: i64, index: usize) {
        match self.plan.faults[index].1 {
            Fault::Flush => self.bucket.forget(),
            Fault::Failover => self.epoch += 1,
            Fault::Clock(by_us) => {
                self.redis_shift_us += by_us;
                self.jumped = by_us > 0;
            }
            Fault::Foreign(tokens) => self.report.withheld += self.server.take_away(now_us, tokens),
            Fault::Crash(grants) => self.dying = grants,
        }
    }

    fn at_redis(&mut self, now_us: i64, task: usize, asked_us: i64) {
        self.report.takes += 1;
        let reply_us = now_us + self.draw(REDIS_LEG_US);
        let redis_us = now_us + self.redis_shift_us;
        let decision = self.bucket.take(&self.plan.limits, self.epoch, redis_us, HORIZON_US);
        if std::mem::take(&mut self.jumped) {
            // The worker notices that the clocks are out of step.
            self.bucket.empty(&self.plan.limits, self.epoch, redis_us);
            return self.at(reply_us + self.plan.limits.token_us, Event::Ask { task });
        }
        match decision {
            Decision::Refused { ask_us, .. } => self.at(reply_us + ask_us, Event::Ask { task }),
            Decision::Granted(_) if self.dying > 0 => {
                self.dying -= 1;
                self.at(reply_us + 3_000_000, Event::Ask { task });
            }
            Decision::Granted(slot) => {
                self.grants.push(slot);
                let use_by_us = asked_us + slot.wait_us + USE_BY_US;
                let oversleep_us = self.draw(1_500);
                let grant = self.grants.len() - 1;
                self.at(reply_us + slot.wait_us + oversleep_us, Event::Wake { task, use_by_us, grant });
            }
        }
    }

    fn wake(&mut self, now_us: i64, task: usize, use_by_us: i64, grant: usize) {
        let worker = task / TASKS;
        if now_us > use_by_us || self.silent_us[worker] > now_us {
            self.report.dropped += 1;
            return self.at(now_us, Event::Ask { task });
        }
        self.report.sent_us.push((now_us, worker));
        self.flying[worker] += 1;
        let leg_us = 1_000 + self.draw(self.plan.jitter_us);
        self.at(now_us + leg_us, Event::Arrive { task, sent_us: now_us, grant });
    }

    fn answer(&mut self, now_us: i64, task: usize, sent_us: i64, grant: usize, left: Option<i64>) {
        let worker = task / TASKS;
        self.flying[worker] -= 1;
        let elapsed = Duration::from_micros((now_us - sent_us).unsigned_abs());
        let mut seen = Seen::new(&self.plan.limits, left.or(Some(0)), Some(40), Some(2))
            .aged(elapsed, self.flying[worker]);
        if let Some(left) = left {
            self.report.served += 1;
            self.report.done_us = now_us;
            if left < self.plan.limits.floor {
                self.report.floors.push((now_us, worker));
            }
        } else {
            self.report.throttled += 1;
            seen = seen.throttled(None);
        }
        let silent_us = seen.silence_us(&self.plan.limits);
        self.silent_us[worker] = self.silent_us[worker].max(now_us + silent_us);
        if seen.matters(&self.plan.limits, &self.grants[grant]) {
            self.report.told += 1;
            self.told.push(seen);
            let leg_us = self.draw(REDIS_LEG_US);
            self.at(now_us + leg_us, Event::Tell { grant, told: self.told.len() - 1 });
        }
        self.at(now_us, Event::Ask { task });
    }

    fn tell(&mut self, now_us: i64, grant: usize, told: usize) {
        let slot = self.grants[grant];
        let seen = self.told[told];
        let redis_us = now_us + self.redis_shift_us;
        let proof = (slot.born_us, slot.proof);
        let observed = self.bucket.observe(&self.plan.limits, self.epoch, redis_us, proof, &seen);
        if observed.silent_us > 0 {
            for worker in 0..self.plan.workers {
                let heard_us = now_us + self.draw(HEARD_US);
                self.at(heard_us, Event::Hear { worker, until_us: heard_us + observed.silent_us });
            }
        }
    }

    fn at(&mut self, at_us: i64, event: Event) {
        self.number += 1;
        self.events.push(Reverse((at_us, self.number, event)));
    }

    /// An even draw from 0 to `most` (SplitMix64).
    fn draw(&mut self, most: i64) -> i64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        i64::try_from(z % (most.unsigned_abs() + 1)).expect("small")
    }
}

impl Bucket {
    /// A bucket that was proved and is full.
    pub(super) fn full(limits: &Limits, epoch: u64, now_us: i64) -> Self {
        let mut bucket = Self::default();
        let mut state = bucket.load(limits, epoch, now_us);
        (state.tat_us, state.probes) = (now_us, -1);
        bucket.state = Some(state);
        bucket
    }
}
