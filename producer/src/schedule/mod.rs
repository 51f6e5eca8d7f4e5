//! The scheduler: what is fetched without anybody asking.
//!
//! # How it works
//!
//! Each mall has a row for each of its [`Schedule`](common::domain::schedule::Schedule)s that says when it is due
//! (`schedule_ticks`). About once a second the scheduler asks for the rows whose time has come, what is fresh before sweeps,
//! gaps and histories, works out what each wants, and plans groups of malls that want the same. A group's jobs are stored, and its rows moved on, in one transaction: a
//! scheduler that is killed has planned a tick or has not, and whoever leads next finds in the rows what is left. It keeps
//! nothing that it could lose, and a tick costs what an `enqueue` of the same malls does.
//!
//! Times are Korean wall-clock times ([`tick`]): the clock is looked at anew each time, so it may jump. A tick that was
//! missed is made up once, with the newest beat that has passed; a clock that goes back makes nothing run again. Malls are
//! spread over the time after a beat by a hash of their name ([`spread`]).
//!
//! What a tick wants ([`lookback`]): the days that are final and may have been corrected since, the running day, a month, the
//! history of a new mall, or what is missing for no reason. What failed for good and waits for a person is not asked for
//! again by `today` and `gaps`; the morning's window asks as long as a day lies in it.
//!
//! Thousands of malls may come at once. Their histories are planned a stretch of days at a time, the newest of all malls
//! first, in transactions of about a second at most, and whatever fresh becomes due meanwhile goes before the next one.
//!
//! - [`settings`]: a mall's own settings over its agency's over the configuration's
//! - `judge`: what becomes of a due row
//! - `gaps`: what is missing for no reason
//! - `pass`: due rows → groups → jobs

mod by_hand;
mod gaps;
mod judge;
pub mod lookback;
mod pass;
pub mod settings;
pub mod spread;
pub mod tick;

pub(crate) use by_hand::{asks, over};
pub(crate) use pass::Scheduler;
