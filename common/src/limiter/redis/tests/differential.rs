//! The scripts and `domain::bucket` do the same sums: one random history on both, compared after each step.

use redis::Value;
use redis::aio::MultiplexedConnection;

use super::{prefix, raw, test_redis};
use crate::domain::bucket::{Bucket, Correction, Decision, Limits, Reserve, Seen, Slot, State};
use crate::limiter::redis::Scripts;

const STEPS: u64 = 10_000;

struct Pair {
    redis: MultiplexedConnection,
    scripts: Scripts,
    key: String,
    limits: Limits,
    model: Bucket,
    now_us: i64,
    epoch: u64,
    random: u64,
    slots: Vec<Slot>,
}

#[tokio::test]
async fn a_random_history_ends_the_same_in_the_scripts_and_in_the_model() {
    let Some(url) = test_redis() else { return };
    for seed in 1..=4 {
        let limits = Limits {
            capacity: [35, 1, 40, 20][usize::try_from(seed).expect("small") - 1],
            server_capacity: 40,
            token_us: [500_000, 333_334, 50_000, 7][usize::try_from(seed).expect("small") - 1],
            floor: 5,
            floor_pause_us: 2_000_000,
            settle_us: 1_000_000,
            reserve: Reserve::NONE,
        };
        let mut pair = Pair {
            redis: raw(&url).await,
            scripts: Scripts::with_set_clock(),
            key: format!("{}:bucket:{{m}}", prefix()),
            limits,
            model: Bucket::default(),
            now_us: 1_900_000_000_000_000,
            epoch: 1,
            random: seed,
            slots: Vec::new(),
        };
        for step in 0..STEPS / 4 {
            pair.step(step).await;
        }
    }
}

impl Pair {
    async fn step(&mut self, step: u64) {
        self.now_us += match self.draw(40) {
            0 => -self.draw(3_600_000_000),
            1 => self.draw(3_600_000_000),
            2..=5 => self.draw(3_000_000),
            _ => self.draw(200_000),
        };
        match self.draw(200) {
            0 => {
                self.model.forget();
                let () =
                    redis::cmd("DEL").arg(&self.key).query_async(&mut self.redis).await.expect("deleted");
            }
            1 => self.epoch += 1,
            2 | 3 => self.limits.reserve = Reserve::try_from(self.draw(90)).expect("a share"),
            4 => self.limits.reserve = Reserve::NONE,
            _ => {}
        }
        let () = redis::cmd("MSET")
            .arg(&[(format!("{}:now", self.key), self.now_us.to_string())])
            .arg(&[(format!("{}:run", self.key), self.epoch.to_string())])
            .query_async(&mut self.redis)
            .await
            .expect("set");
        match self.draw(10) {
            0..=5 => self.take(step).await,
            6 if self.draw(5) == 0 => self.empty().await,
            _ => self.observe(step).await,
        }
        self.compare(step).await;
    }

    async fn take(&mut self, step: u64) {
        let horizon_us = self.draw(1_000_000);
        let mut call = self.scripts.take.key(&self.key);
        call.arg(self.limits.capacity).arg(self.limits.server_capacity).arg(self.limits.token_us);
        call.arg(self.limits.reserve.percent());
        call.arg(horizon_us).arg(self.limits.settle_us);
        let reply: Vec<i64> = call.invoke_async(&mut self.redis).await.expect("answers");
        let decision = self.model.take(&self.limits, self.epoch, self.now_us, horizon_us);
        let expected = match decision {
            Decision::Granted(slot) => {
                self.slots.push(slot);
                let Slot { wait_us, level_after, born_us, proof, burst, token_us, before_us } = slot;
                vec![1, self.now_us, before_us, wait_us, level_after, born_us, proof, burst, token_us]
            }
            Decision::Refused { ask_us, silent_us } => vec![0, self.now_us, reply[2], ask_us, silent_us],
        };
        assert_eq!(reply, expected, "step {step}: {:?}", self.model);
    }

    async fn observe(&mut self, step: u64) {
        let Some(slot) = self.slots.last().copied() else { return };
        let some = |number: i64, draw: i64| (draw > 0).then_some(number);
        let (burst, rate) = (self.draw(45), self.draw(4));
        let (burst, rate) = (some(burst, self.draw(12) - 10), some(rate, self.draw(12) - 10));
        let remaining = some(self.draw(45), self.draw(8));
        let mut seen = Seen::new(&self.limits, remaining, burst, rate);
        seen.elapsed_us = if self.draw(6) == 0 { self.draw(20_000_000) } else { self.draw(300_000) };
        seen.in_flight = self.draw(9);
        if self.draw(12) == 0 {
            seen.throttled = true;
            seen.retry_after_us = self.draw(5_000_000);
        }
        let reply = self.tell(i64::from(seen.throttled), &seen, (slot.born_us, slot.proof)).await;
        let observed =
            self.model.observe(&self.limits, self.epoch, self.now_us, (slot.born_us, slot.proof), &seen);
        let moved = match observed.correction {
            Correction::Down => -1,
            Correction::None => 0,
            Correction::Up => 1,
        };
        assert_eq!(reply, [self.now_us, reply[1], observed.silent_us, moved], "step {step}: {seen:?}");
    }

    async fn empty(&mut self) {
        let nothing = Seen::new(&self.limits, None, None, None);
        self.tell(2, &nothing, (0, 0)).await;
        self.model.empty(&self.limits, self.epoch, self.now_us);
    }

    async fn tell(&mut self, event: i64, seen: &Seen, (born_us, proof): (i64, i64)) -> Vec<i64> {
        let mut call = self.scripts.observe.key(&self.key);
        call.arg(self.limits.capacity).arg(self.limits.server_capacity).arg(self.limits.token_us);
        call.arg(self.limits.reserve.percent());
        call.arg(seen.remaining.unwrap_or(-1)).arg(seen.burst).arg(seen.token_us).arg(event);
        call.arg(seen.retry_after_us).arg(seen.elapsed_us).arg(seen.in_flight).arg(born_us).arg(proof);
        call.arg(self.limits.floor).arg(self.limits.floor_pause_us).arg("nobody").arg("m");
        call.invoke_async(&mut self.redis).await.expect("answers")
    }

    async fn compare(&mut self, step: u64) {
        let fields = [
            "tat_us",
            "seen_us",
            "silent_until_us",
            "run_id",
            "born_us",
            "probes",
            "burst",
            "token_us",
            "line_us",
            "reserve",
        ];
        let stored: Value =
            redis::cmd("HMGET").arg(&self.key).arg(&fields).query_async(&mut self.redis).await.expect("read");
        let stored: Vec<Option<i64>> = redis::from_redis_value(stored).expect("numbers");
        let expected = self.model.state().map(|state| {
            let State { tat_us, seen_us, silent_until_us, born_us, probes, burst, token_us, line_us, .. } =
                *state;
            let (epoch, reserve) =
                (i64::try_from(state.epoch).expect("small"), i64::from(state.reserve.percent()));
            [tat_us, seen_us, silent_until_us, epoch, born_us, probes, burst, token_us, line_us, reserve]
        });
        let stored: Option<Vec<i64>> = stored.into_iter().collect();
        assert_eq!(stored, expected.map(Vec::from), "step {step}: {fields:?}");
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
