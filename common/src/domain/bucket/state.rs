//! What is remembered of a bucket, and what that comes to at a time.

use super::{Limits, MAX_SILENCE, Reserve, as_us};

/// What is remembered of a bucket; the fields of the Redis hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// When the bucket is full again.
    pub tat_us: i64,
    /// The last time this bucket saw, to notice a clock that went back.
    pub seen_us: i64,
    /// Nobody sends before; 0 if never silenced.
    pub silent_until_us: i64,
    /// Which life of the store this bucket belongs to.
    pub epoch: u64,
    /// When it was last unknown.
    pub born_us: i64,
    /// Grants given while unknown; −1 once proved.
    pub probes: i64,
    /// What the server says its bucket holds, if less than the settings say; else the settings' number.
    pub burst: i64,
    /// Likewise the µs a token, if more.
    pub token_us: i64,
    /// The first slot that nobody in the waiting line was told of.
    pub line_us: i64,
    /// The share that was left to others when this was written.
    pub reserve: Reserve,
}

impl State {
    /// A bucket with one token. A silence and what the server said of its size outlive the loss of the level.
    pub(super) fn unknown(limits: &Limits, epoch: u64, now_us: i64, old: Option<Self>) -> Self {
        let burst = old.map_or(limits.server_capacity, |old| old.burst.min(limits.server_capacity));
        let token_us = old.map_or(limits.token_us, |old| old.token_us.max(limits.token_us));
        let longest_us = now_us + as_us(MAX_SILENCE);
        let mut state = Self {
            tat_us: 0,
            seen_us: now_us,
            silent_until_us: old.map_or(0, |old| old.silent_until_us.min(longest_us)),
            epoch,
            born_us: now_us,
            probes: 0,
            burst,
            token_us,
            line_us: 0,
            reserve: limits.reserve,
        };
        state.tat_us = now_us + (state.capacity(limits) - 1) * state.pace_us();
        state
    }

    /// This state at `now_us`: moved along if the clock went back, and never above full or far below empty.
    pub(super) fn at(mut self, limits: &Limits, now_us: i64) -> Self {
        self.burst = self.burst.min(limits.server_capacity);
        self.token_us = self.token_us.max(limits.token_us);
        if now_us < self.seen_us {
            // The clock went back: all that we remember moves with it, so the level stays as it was.
            let back_us = self.seen_us - now_us;
            self.tat_us -= back_us;
            self.born_us -= back_us;
            self.line_us -= back_us;
            self.silent_until_us = (self.silent_until_us - back_us).max(0);
        }
        if self.reserve != limits.reserve {
            // Another share: what was used stays used, token by token.
            let (old_us, new_us) = (self.pace_us(), limits.reserve.pace_us(self.token_us));
            self.tat_us = now_us + ((self.tat_us - now_us).max(0) * new_us + old_us - 1) / old_us;
            self.reserve = limits.reserve;
        }
        self.seen_us = now_us;
        self.silent_until_us = self.silent_until_us.min(now_us + as_us(MAX_SILENCE));
        let deepest_us = now_us + (self.capacity(limits) + limits.server_capacity) * self.pace_us();
        self.tat_us = self.tat_us.clamp(now_us, deepest_us);
        self
    }

    /// Tokens that we use of the server's [`burst`](Self::burst); at least 1.
    pub(super) fn capacity(&self, limits: &Limits) -> i64 {
        (self.burst - limits.margin() - self.reserve.tokens(self.burst)).max(1)
    }

    /// Tokens of the server's bucket that are neither ours nor others'.
    pub(super) fn margin(&self, limits: &Limits) -> i64 {
        (self.burst - self.capacity(limits) - self.reserve.tokens(self.burst)).max(0)
    }

    /// µs in which we gain a token.
    pub(super) fn pace_us(&self) -> i64 {
        self.reserve.pace_us(self.token_us)
    }

    /// The level in µs of our refill; below zero while reserved slots lie ahead.
    pub(super) fn level_us(&self, limits: &Limits, now_us: i64) -> i64 {
        self.capacity(limits) * self.pace_us() - (self.tat_us - now_us)
    }

    pub(super) fn set_level_us(&mut self, limits: &Limits, now_us: i64, level_us: i64) {
        self.tat_us = now_us + self.capacity(limits) * self.pace_us() - level_us;
    }
}
