//! How an answer's headers change the bucket.

use std::time::Duration;

use super::{
    Bucket, CORRECTS_FOR, Correction, Limits, MAX_SILENCE, Observed, PROVES_FOR, STEP_TOKENS, Seen, Slot,
    State, as_us,
};

impl Seen {
    /// Checks what an answer said. What cannot be true counts as not said: a level below zero or above the server's own
    /// capacity, a capacity or rate below 1. The server's capacity and rate may lower our numbers, never raise them.
    pub fn new(limits: &Limits, remaining: Option<i64>, burst: Option<i64>, rate: Option<i64>) -> Self {
        let said = burst.filter(|burst| *burst >= 1);
        let most = said.unwrap_or(0).max(limits.server_capacity);
        let token_us = rate.filter(|rate| *rate >= 1).map_or(0, |rate| (1_000_000 + rate - 1) / rate);
        Self {
            remaining: remaining.filter(|remaining| (0..=most).contains(remaining)),
            burst: said.unwrap_or(limits.server_capacity).min(limits.server_capacity),
            token_us: token_us.max(limits.token_us),
            throttled: false,
            retry_after_us: 0,
            elapsed_us: 0,
            in_flight: 0,
        }
    }

    /// The same, of a request sent `elapsed` ago with `in_flight` others of its key.
    #[must_use]
    pub fn aged(mut self, elapsed: Duration, in_flight: u32) -> Self {
        self.elapsed_us = as_us(elapsed.min(Duration::from_hours(1)));
        self.in_flight = i64::from(in_flight.min(1_000));
        self
    }

    /// The same, refused by a 429.
    #[must_use]
    pub fn throttled(mut self, retry_after: Option<Duration>) -> Self {
        self.throttled = true;
        self.retry_after_us = as_us(retry_after.unwrap_or_default().min(MAX_SILENCE));
        self
    }

    /// For how many µs nobody may send after this answer; 0 if it says nothing of the kind. Holds at once for the process
    /// that read it, before the bucket is told.
    pub fn silence_us(&self, limits: &Limits) -> i64 {
        if self.throttled {
            self.retry_after_us.max(limits.floor * self.token_us).max(1_000_000)
        } else if self.remaining.is_some_and(|remaining| remaining < limits.floor) {
            limits.floor_pause_us
        } else {
            0
        }
    }

    /// Whether the bucket needs to hear of this; most answers say what the model says, and cost no round trip.
    pub fn matters(&self, limits: &Limits, slot: &Slot) -> bool {
        if self.throttled || self.burst != slot.burst || self.token_us != slot.token_us {
            return true;
        }
        let Some(remaining) = self.remaining else { return false };
        if remaining < limits.floor || slot.proof > 0 {
            return true;
        }
        // Others may have overtaken this request; the bucket itself compares more exactly.
        let late = self.elapsed_us / slot.token_us;
        self.elapsed_us <= as_us(CORRECTS_FOR)
            && remaining < slot.level_after - STEP_TOKENS - late - self.in_flight
    }
}

impl Bucket {
    /// Takes an answer into account. `born_us` and `proof` come from the [`Slot`] of its request.
    pub fn observe(
        &mut self,
        limits: &Limits,
        epoch: u64,
        now_us: i64,
        (born_us, proof): (i64, i64),
        seen: &Seen,
    ) -> Observed {
        let mut state = self.load(limits, epoch, now_us);
        state.resize(limits, now_us, seen);
        let pace_us = state.pace_us();
        let margin_us = state.margin(limits) * pace_us;
        let before_us = state.level_us(limits, now_us);
        let mut level_us = before_us;
        let silent_us = seen.silence_us(limits);
        if seen.throttled {
            // The server has nothing: it needs the whole margin before we have anything.
            level_us = level_us.min(-margin_us);
            state.probes = -1;
        } else if let Some(remaining) = seen.remaining {
            // Ours, if others have used up their share; what they took of it is not taken from us again.
            let server_us = remaining * pace_us - margin_us;
            if state.probes >= 0
                && proof > 0
                && born_us == state.born_us
                && seen.elapsed_us <= as_us(PROVES_FOR)
            {
                // Who used what is not known any more: their share is full.
                let theirs = state.reserve.tokens(state.burst);
                level_us = server_us - (theirs + (state.probes - proof).max(0)) * pace_us;
                state.probes = -1;
            } else if seen.elapsed_us <= as_us(CORRECTS_FOR) {
                // The server's refill may be a step behind; ours since the request left is not yet in its figure.
                let least_us = level_us - STEP_TOKENS * pace_us - seen.elapsed_us;
                if server_us < least_us {
                    level_us = server_us - seen.in_flight * pace_us;
                }
            }
            if remaining < limits.floor {
                if level_us < 0 {
                    // Slots ahead fall into the silence, so nobody will use them.
                    level_us += (-level_us + pace_us - 1) / pace_us * pace_us;
                }
                if seen.elapsed_us <= as_us(CORRECTS_FOR) {
                    level_us = level_us.min(server_us);
                }
            }
        }
        level_us = level_us.clamp(-limits.server_capacity * pace_us, state.capacity(limits) * pace_us);
        state.set_level_us(limits, now_us, level_us);
        if silent_us > 0 {
            state.silent_until_us = state.silent_until_us.max(now_us + silent_us);
        }
        self.state = Some(state);
        Observed {
            silent_us: (state.silent_until_us - now_us).max(0),
            correction: match level_us.cmp(&before_us) {
                std::cmp::Ordering::Less => Correction::Down,
                std::cmp::Ordering::Equal => Correction::None,
                std::cmp::Ordering::Greater => Correction::Up,
            },
        }
    }
}

impl State {
    /// Follows the server's own word on its bucket's size, within our settings; the level in tokens stays.
    fn resize(&mut self, limits: &Limits, now_us: i64, seen: &Seen) {
        if seen.burst == self.burst && seen.token_us == self.token_us {
            return;
        }
        let level_us = self.level_us(limits, now_us);
        let scaled_us = (level_us * seen.token_us).div_euclid(self.token_us);
        self.burst = seen.burst;
        self.token_us = seen.token_us;
        let full_us = self.capacity(limits) * self.pace_us();
        self.set_level_us(limits, now_us, scaled_us.min(full_us));
    }
}
