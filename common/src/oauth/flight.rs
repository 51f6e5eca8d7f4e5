//! One refresh from the lease to the stored pair, as a machine without clock, socket or store.
//!
//! [`Flight::next`] is told what happened and answers what to do. [`keeper`](super::keeper) does it for real; the race test
//! drives thousands of flights through lost replies, deaths and freezes in milliseconds, in the same order for the same seed.
//!
//! ```text
//! Take ─┬─ newer ──────────────────────────────────────────────► Raced
//!       ├─ theirs ─► Wait ─► Take …                  (too long) ► Busy
//!       └─ ours ───► Call ─┬─ pair ─► Store ─┬─ stored ────────► Renewed
//!                          │                 ├─ newer is there ► Raced
//!                          │                 └─ away ─► Wait ─► Store …   (closing) ─► Spool
//!                          ├─ no answer ─► Wait ─► Call …   ─► Release ─► Failed
//!                          ├─ refused ───────────────────────► Release ─► Failed
//!                          └─ invalid_grant ─► Bury ─┬─ newer ► Raced
//!                                                    ├─ theirs ─► Wait ─► Take …
//!                                                    └─ ours ─► Dead
//! ```

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::lease::{CALL_AT_MOST, LEASE, TRIES, TRY_AGAIN, Turn};
use crate::domain::backoff::Backoff;

/// The first look at somebody else's lease comes after this; each further one after twice the time before.
const FIRST_LOOK: Duration = Duration::from_millis(50);
/// Looks are never further apart.
const LOOK: Duration = Duration::from_secs(1);
/// Waits between tries to store a pair while the store is away.
const STORE_AGAIN: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(5) };

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask the store whose turn it is; ours means that the lease is taken.
    Take,
    /// Let so much time pass.
    Wait(Duration),
    /// Call the token URL with the leased pair.
    Call,
    /// Store the pair that the call brought.
    Store,
    /// Seal that pair into a file: the process ends, and the store is still away.
    Spool,
    /// End the lease without a pair; `unanswered`: the pair may be rotated all the same.
    Release {
        /// Whether to leave a note of it.
        unanswered: bool,
    },
    /// The refresh token is dead: look at the store once more, and if nothing newer is there, park the mall.
    Bury {
        /// When a call was left without an answer that may have been a new pair.
        lost_at: Option<DateTime<Utc>>,
    },
    /// The flight is over.
    Land(Landing),
}

/// How a flight ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Landing {
    /// A new pair is stored.
    Renewed,
    /// Somebody else's newer pair is stored.
    Raced,
    /// Somebody else still refreshes.
    Busy,
    /// The token URL brought no pair and did not call the token dead.
    Failed,
    /// Only a new consent helps.
    Dead {
        /// When the rotation was lost, if that is why.
        lost_at: Option<DateTime<Utc>>,
    },
    /// The pair waits in a file for the next start.
    Spooled,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The flight begins.
    Start,
    /// The store's answer to [`Step::Take`], by its own clock.
    Turn(Turn, DateTime<Utc>),
    /// The time is over.
    Waited,
    /// The token URL's answer.
    Called(Answer),
    /// The store's answer to [`Step::Store`].
    Stored(Kept),
    /// The lease is ended; or it could not be, then it ends by itself.
    Released,
    /// The store's answer to [`Step::Bury`]; [`Turn::Ours`]: the mall is parked.
    Buried(Turn),
    /// The process ends and waits no longer.
    Closing,
    /// The pair is in a file; or it could not be written, which was said.
    Spooled,
}

/// What the token URL's answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// A new pair.
    Pair,
    /// No answer, or none that says what became of the token.
    Lost {
        /// Whether the pair may be rotated.
        maybe_rotated: bool,
        /// Whether another try makes sense at once.
        again: bool,
    },
    /// A refusal that is not about the token.
    Refused,
    /// The token is dead.
    InvalidGrant,
}

/// What storing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Stored.
    Stored,
    /// A newer pair is there, or the mall is gone: ours is thrown away.
    Older,
    /// Not known, or certainly not: the store is away.
    Away,
}

/// A refresh under way.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    /// The longest that somebody else's lease is waited for.
    patience: Duration,
    phase: Phase,
    /// Since when somebody else is waited for.
    waiting_since: Option<Duration>,
    look: Duration,
    /// No call is begun that could last longer than this.
    deadline: Duration,
    /// When our lease was taken, by the store's clock.
    taken_at: Option<DateTime<Utc>>,
    /// When a call for this version was left without an outcome, ours or an earlier holder's.
    lost_at: Option<DateTime<Utc>>,
    tries: u32,
    stores: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Taking,
    Calling,
    Storing,
    Ending,
}

impl Flight {
    /// A flight that waits for somebody else no longer than `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            phase: Phase::Taking,
            waiting_since: None,
            look: FIRST_LOOK,
            deadline: Duration::ZERO,
            taken_at: None,
            lost_at: None,
            tries: 0,
            stores: 0,
        }
    }

    /// What to do after `event`. `now` counts from any fixed moment and never goes back.
    pub(super) fn next(&mut self, event: Event, now: Duration) -> Step {
        match (self.phase, event) {
            (Phase::Storing, Event::Stored(Kept::Stored)) => Step::Land(Landing::Renewed),
            (Phase::Storing, Event::Stored(Kept::Older)) | (Phase::Ending, Event::Buried(Turn::Newer)) => {
                Step::Land(Landing::Raced)
            }
            (Phase::Storing, Event::Stored(Kept::Away)) => {
                self.stores += 1;
                Step::Wait(STORE_AGAIN.bound(self.stores - 1))
            }
            (Phase::Storing, Event::Closing) => {
                self.phase = Phase::Ending;
                Step::Spool
            }
            (Phase::Storing, _) => Step::Store,
            (Phase::Taking, Event::Turn(turn, at)) => self.turn(turn, at, now),
            (Phase::Taking, Event::Closing) => Step::Land(Landing::Busy),
            (Phase::Taking, _) => {
                // The lease counts from before it is asked for, so that it never ends later than the store thinks.
                self.deadline = now + LEASE;
                Step::Take
            }
            (Phase::Calling, Event::Called(answer)) => self.called(answer, now),
            (Phase::Calling, Event::Closing) => self.release(),
            (Phase::Calling, _) => self.call(now),
            (Phase::Ending, Event::Buried(Turn::Theirs(left))) => self.wait_for_them(left, now),
            (Phase::Ending, Event::Buried(Turn::Ours { .. })) => {
                Step::Land(Landing::Dead { lost_at: self.lost_at })
            }
            (Phase::Ending, Event::Spooled) => Step::Land(Landing::Spooled),
            (Phase::Ending, _) => Step::Land(Landing::Failed),
        }
    }

    fn turn(&mut self, turn: Turn, at: DateTime<Utc>, now: Duration) -> Step {
        match turn {
            Turn::Newer => Step::Land(Landing::Raced),
            Turn::Theirs(left) => self.wait_for_them(left, now),
            Turn::Ours { unanswered_at } => {
                self.phase = Phase::Calling;
                self.taken_at = Some(at);
                self.lost_at = unanswered_at;
                self.tries = 0;
                self.call(now)
            }
        }
    }

    fn wait_for_them(&mut self, left: Duration, now: Duration) -> Step {
        self.phase = Phase::Taking;
        let since = *self.waiting_since.get_or_insert(now);
        let patience = (since + self.patience).saturating_sub(now);
        if patience.is_zero() {
            return Step::Land(Landing::Busy);
        }
        let wait = self.look.min(left).min(patience).max(Duration::from_millis(1));
        self.look = (self.look * 2).min(LOOK);
        Step::Wait(wait)
    }

    fn call(&mut self, now: Duration) -> Step {
        if now + CALL_AT_MOST <= self.deadline {
            self.tries += 1;
            return Step::Call;
        }
        // We slept through our lease. Somebody else may use the token now, so the turn is asked for anew.
        self.phase = Phase::Taking;
        self.deadline = now + LEASE;
        Step::Take
    }

    fn called(&mut self, answer: Answer, now: Duration) -> Step {
        match answer {
            Answer::Pair => {
                self.phase = Phase::Storing;
                Step::Store
            }
            Answer::Lost { maybe_rotated, again } => {
                if maybe_rotated {
                    self.lost_at = self.lost_at.or(self.taken_at);
                }
                let wait = TRY_AGAIN * self.tries;
                if again && self.tries < TRIES && now + wait + CALL_AT_MOST <= self.deadline {
                    Step::Wait(wait)
                } else {
                    self.release()
                }
            }
            Answer::Refused => self.release(),
            Answer::InvalidGrant => {
                self.phase = Phase::Ending;
                Step::Bury { lost_at: self.lost_at }
            }
        }
    }

    fn release(&mut self) -> Step {
        self.phase = Phase::Ending;
        Step::Release { unanswered: self.lost_at.is_some() }
    }
}

#[cfg(test)]
mod tests;
