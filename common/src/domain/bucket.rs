//! Arithmetic of the token bucket: when a request may leave.
//!
//! The API gives each mall a bucket of 40 tokens that gains 2 a second (`docs/cafe24-analytics-api.md`, Rate Limits). We keep
//! a smaller bucket of our own beside it, so that delays between grant and arrival, and a server that refills in
//! whole-second steps, never empty the server's (`docs/adr/0002`).
//!
//! **GCRA.** The whole bucket is one integer: `tat_us`, the time at which it will be full again (the *theoretical arrival
//! time*). With a capacity of C tokens and T µs a token, the level at `now` is `C − (tat − now) / T`, and a request may
//! leave when that is 1 or more. A grant moves `tat` on by T. A grant may lie up to a horizon ahead: it is then a
//! reservation, and the level is below zero until its slot has come.
//!
//! **Unknown is not empty, and not full.** A bucket that nobody remembers (first use, a flushed or restarted Redis) starts
//! with one token and refills from there. While it is unknown, each grant has a number. The answer to a request that left
//! at least [`Limits::settle_us`] after the start *proves* the level: what was in flight before the loss has arrived by
//! then, so the server's figure, less our margin and the grants given since that request, is what we have.
//!
//! **Down at once, up never.** Once proved, the level only follows the server downwards ([`Bucket::observe`]). An answer
//! below the floor is taken at its word: after it the model runs along the lower edge of the server's steps.
//!
//! **Silence.** After a floor answer or a 429 nobody sends for a while. Slots that lie in a silence are given back, since
//! their holders will not use them.
//!
//! **A share for others** ([`Reserve`]). Other software on the same bucket gets a part of its tokens and of its refill: our
//! capacity is smaller by its tokens, and a token takes us longer (`pace`). The margin stays on top.
//!
//! All times are µs on one clock, whole numbers. `limiter/scripts/*.lua` do the same sums on the server; a differential
//! test compares the two step by step.

mod observe;
mod reserve;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use reserve::{InvalidReserve, Reserve};
pub use state::State;

/// No silence is longer, whatever `Retry-After` says: 15 min (`docs/reliability.md` A1).
pub const MAX_SILENCE: Duration = Duration::from_mins(15);
/// An answer that took longer corrects nothing: what it says of the bucket is history.
pub const CORRECTS_FOR: Duration = Duration::from_secs(2);
/// An answer that took longer proves nothing.
pub const PROVES_FOR: Duration = Duration::from_secs(10);
/// A server that refills in whole-second steps says up to this many tokens less than one that refills evenly.
pub const STEP_TOKENS: i64 = 2;
/// Refused callers are told to come back one token apart; who comes when so many wait shares the last turn.
pub const LONGEST_LINE: i64 = 8;

/// The settings of a bucket as whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tokens that we use, 1 to `server_capacity`.
    pub capacity: i64,
    /// Tokens that the server's bucket holds.
    pub server_capacity: i64,
    /// µs in which one token is gained: 500,000 at 2/s.
    pub token_us: i64,
    /// An answer that says fewer tokens than this silences the key.
    pub floor: i64,
    /// For how long it does.
    pub floor_pause_us: i64,
    /// A request proves an unknown bucket if its slot lies at least this long after the bucket's start.
    pub settle_us: i64,
    /// The share that is left to other software.
    pub reserve: Reserve,
}

impl Limits {
    /// Tokens of the server's bucket that nobody shall use.
    pub fn margin(&self) -> i64 {
        self.server_capacity - self.capacity
    }
}

/// One bucket. [`Default`] is one that nobody remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bucket {
    state: Option<State>,
}

/// Leave to send one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// How long after `now` the request may leave.
    pub wait_us: i64,
    /// Whole tokens that the server should still have after it, even if others have used up their share.
    pub level_after: i64,
    /// Which life of the bucket granted it; see [`State::born_us`].
    pub born_us: i64,
    /// Its number among the grants of an unknown bucket if its answer may prove the level, else 0.
    pub proof: i64,
    /// See [`State::burst`].
    pub burst: i64,
    /// See [`State::token_us`].
    pub token_us: i64,
    /// The bucket's last time before this call; `now` if it was unknown.
    pub before_us: i64,
}

/// The answer to a request for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Send at the slot.
    Granted(Slot),
    /// Nothing was taken.
    Refused {
        /// A slot lies within the horizon after this many µs, if nobody else takes it.
        ask_us: i64,
        /// For how many µs the key is silent; 0 if it is not.
        silent_us: i64,
    },
}

/// What an answer said about the bucket, checked: see [`Seen::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Whole tokens left after the request.
    pub remaining: Option<i64>,
    /// Tokens that the server's bucket holds, at most [`Limits::server_capacity`].
    pub burst: i64,
    /// µs a token, at least [`Limits::token_us`].
    pub token_us: i64,
    /// The request was refused (429).
    pub throttled: bool,
    /// What `Retry-After` asks for, at most [`MAX_SILENCE`]; 0 if nothing.
    pub retry_after_us: i64,
    /// µs since the request was sent.
    pub elapsed_us: i64,
    /// Other requests of this key that this process has in flight.
    pub in_flight: i64,
}

/// What an observation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    /// For how many µs the key is silent from now on; 0 if it is not.
    pub silent_us: i64,
    /// How the level moved.
    pub correction: Correction,
}

/// What a bucket has, for plans and screens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gauge {
    /// Tokens; below zero while reserved slots lie ahead, or while others owe.
    pub tokens: f64,
    /// Tokens when it is full.
    pub capacity: i64,
    /// Tokens gained a second.
    pub per_second: f64,
    /// Nobody sends for this long.
    pub silent: Duration,
    /// Whether its level is remembered and was proved; else it is as full as the server says at the first answers.
    pub known: bool,
}

impl Gauge {
    /// Tokens to take now, from 0 to the capacity; 0 for a bucket that nobody remembers and during a silence.
    pub fn level(&self) -> f64 {
        if self.silent.is_zero() { self.tokens.max(0.0) } else { 0.0 }
    }
}

/// How an observation moved the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// Not at all.
    None,
    /// The server has less than we thought.
    Down,
    /// An unknown bucket was proved to hold more than we dared to think.
    Up,
}

impl Bucket {
    /// A bucket of which this is remembered.
    pub fn remembered(state: State) -> Self {
        Self { state: Some(state) }
    }

    /// Forgets everything, as a flushed store does.
    pub fn forget(&mut self) {
        self.state = None;
    }

    /// What is remembered.
    pub fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// What it has at `now`. An unknown bucket has 0 tokens: its probe is in nobody's count.
    #[expect(clippy::cast_precision_loss, reason = "a level is below 2^32 µs")]
    pub fn gauge(&self, limits: &Limits, epoch: u64, now_us: i64) -> Gauge {
        let known = self.state.filter(|state| state.epoch == epoch);
        let state = known.map_or_else(
            || State::unknown(limits, epoch, now_us, self.state),
            |state| state.at(limits, now_us),
        );
        let pace_us = state.pace_us() as f64;
        let tokens = known.map_or(0.0, |_| state.level_us(limits, now_us) as f64 / pace_us);
        Gauge {
            tokens,
            capacity: state.capacity(limits),
            per_second: 1_000_000.0 / pace_us,
            silent: Duration::from_micros(u64::try_from(state.silent_until_us - now_us).unwrap_or(0)),
            known: known.is_some_and(|state| state.probes < 0),
        }
    }

    /// Asks for one token, at most `horizon_us` ahead.
    pub fn take(&mut self, limits: &Limits, epoch: u64, now_us: i64, horizon_us: i64) -> Decision {
        let before_us = self.state.filter(|state| state.epoch == epoch).map_or(now_us, |state| state.seen_us);
        let mut state = self.load(limits, epoch, now_us);
        let (capacity, pace_us) = (state.capacity(limits), state.pace_us());
        let conforms_us = state.tat_us - (capacity - 1) * pace_us;
        let slot_us = now_us.max(conforms_us).max(state.silent_until_us);
        if slot_us - now_us > horizon_us {
            // Each caller gets a turn of its own; all at once would ask again and again for one token.
            let last_us = conforms_us + LONGEST_LINE * pace_us;
            let turn_us = state.line_us.clamp(conforms_us, last_us);
            state.line_us = turn_us + pace_us;
            self.state = Some(state);
            return Decision::Refused {
                ask_us: turn_us.max(slot_us) - now_us - horizon_us,
                silent_us: (state.silent_until_us - now_us).max(0),
            };
        }
        state.tat_us = state.tat_us.max(slot_us) + pace_us;
        let mut proof = 0;
        if state.probes >= 0 {
            state.probes += 1;
            if slot_us - state.born_us >= limits.settle_us {
                proof = state.probes;
            }
        }
        self.state = Some(state);
        let left_us = capacity * pace_us - (state.tat_us - slot_us);
        Decision::Granted(Slot {
            wait_us: slot_us - now_us,
            level_after: left_us.div_euclid(pace_us) + state.margin(limits),
            born_us: state.born_us,
            proof,
            burst: state.burst,
            token_us: state.token_us,
            before_us,
        })
    }

    /// Empties the bucket and makes it unknown: our figure can't be trusted any more.
    pub fn empty(&mut self, limits: &Limits, epoch: u64, now_us: i64) {
        let mut state = self.load(limits, epoch, now_us);
        let empty_us = now_us + state.capacity(limits) * state.pace_us();
        state.tat_us = state.tat_us.max(empty_us);
        state.born_us = now_us;
        state.probes = 0;
        self.state = Some(state);
    }

    /// The state brought up to `now_us`; a new one if there is none of this epoch.
    fn load(&self, limits: &Limits, epoch: u64, now_us: i64) -> State {
        match self.state {
            Some(state) if state.epoch == epoch => state.at(limits, now_us),
            old => State::unknown(limits, epoch, now_us, old),
        }
    }
}

/// Whole µs, at most 2^53.
pub fn as_us(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX).min(1 << 53)
}
