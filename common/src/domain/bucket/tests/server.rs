//! Model of the API's own bucket: 40 tokens, 2 a second, refilling evenly or in whole-second steps.

/// How the server refills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refill {
    /// All the time.
    Even,
    /// Two tokens at each whole second, the first at this many µs.
    Steps(i64),
}

pub(super) const TOKEN_US: i64 = 500_000;
const CAPACITY: i64 = 40;
const SECOND_US: i64 = 1_000_000;

/// The server's bucket, in µs of refill. Shares no code with ours.
#[derive(Debug)]
pub(super) struct Server {
    refill: Refill,
    level_us: i64,
    last_us: i64,
}

impl Server {
    pub(super) fn full(refill: Refill) -> Self {
        Self { refill, level_us: CAPACITY * TOKEN_US, last_us: 0 }
    }

    fn advance(&mut self, now_us: i64) {
        let gain_us = match self.refill {
            Refill::Even => now_us - self.last_us,
            Refill::Steps(first_us) => {
                let steps = |at_us: i64| (at_us - first_us).div_euclid(SECOND_US);
                (steps(now_us) - steps(self.last_us)) * SECOND_US
            }
        };
        self.last_us = now_us;
        self.level_us = (self.level_us + gain_us).min(CAPACITY * TOKEN_US);
    }

    /// A request arrives: whole tokens left after it, or `None` for a 429.
    pub(super) fn arrive(&mut self, now_us: i64) -> Option<i64> {
        self.advance(now_us);
        if self.level_us < TOKEN_US {
            return None;
        }
        self.level_us -= TOKEN_US;
        Some(self.level_us / TOKEN_US)
    }

    /// Somebody else takes some tokens; how many of them were not there.
    pub(super) fn take_away(&mut self, now_us: i64, tokens: i64) -> i64 {
        self.advance(now_us);
        let there = (self.level_us / TOKEN_US).min(tokens);
        self.level_us -= there * TOKEN_US;
        tokens - there
    }
}
