//! What becomes of a row whose time has come.

use chrono::{DateTime, Days, NaiveDate, Utc};
use common::config::ScheduleConfig;
use common::domain::calendar::kst_day;
use common::domain::ids::MallId;
use common::domain::schedule::Schedule;
use common::store::{DueTick, TickMove};

use super::lookback::{Ask, Moment};
use super::settings::Settings;
use super::spread::offset;
use super::tick::{Tick, Ticks, Verdict};

/// What becomes of a row.
#[derive(Debug, Clone)]
pub(super) enum Judged {
    /// It wants nothing now.
    Moved(TickMove),
    /// It wants these days.
    Asks(Asking),
    /// It wants whatever is missing up to this day.
    Gaps(Asking, NaiveDate),
}

/// A tick that wants something.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    pub(super) tick: TickMove,
    /// What its run is named by: the beat, or when the new mall came.
    pub(super) named: String,
    /// The days; none yet for gaps.
    pub(super) ask: Option<Ask>,
    pub(super) moment: Moment,
}

/// Judges a row at `now`.
pub(super) fn judge(config: &ScheduleConfig, due: &DueTick, now: DateTime<Utc>) -> Judged {
    let settings = Settings::of(config, &due.settings);
    let moment = Moment { now, settle: settings.settle, wanted_from: due.wanted_from };
    let rests = Judged::Moved(moved(due, due.last_at, None, false));
    if due.paused {
        return rests;
    }
    if due.schedule == Schedule::Onboarding {
        return onboarding(due, moment);
    }
    let Some(ticks) = ticks(&settings, due.schedule, &due.mall_id) else { return rests };
    let tick = match ticks.verdict(due.last_at, due.anew, now) {
        None => return rests,
        Some(Verdict::Wait(next)) => return Judged::Moved(moved(due, due.last_at, Some(next), false)),
        Some(Verdict::Due(tick)) => tick,
    };
    let done = moved(due, Some(tick.due), Some(tick.next), false);
    let asking = |ask| Asking { tick: done.clone(), named: tick.beat.to_rfc3339(), ask, moment };
    if due.schedule == Schedule::Gaps {
        return match last_morning(&settings, &due.mall_id, now) {
            Some(through) => Judged::Gaps(asking(None), through),
            None => Judged::Moved(done),
        };
    }
    match days(&settings, due.schedule, moment, tick) {
        Some(ask) => Judged::Asks(asking(Some(ask))),
        None => Judged::Moved(done),
    }
}

/// The days that a tick wants.
fn days(settings: &Settings, schedule: Schedule, moment: Moment, tick: Tick) -> Option<Ask> {
    match schedule {
        Schedule::Window => moment.window(settings.lookback, tick.missed_days, tick.beat),
        // Made up after its day was over it would ask for another day, which has beats of its own.
        Schedule::Today if kst_day(tick.beat) != kst_day(moment.now) => None,
        Schedule::Today => moment.today(),
        Schedule::Sweep => moment.sweep(settings.sweep?, tick.beat),
        Schedule::Onboarding | Schedule::Gaps => None,
    }
}

/// A new mall: its last week at once, then the rest, once, a stretch at a time and newest first.
fn onboarding(due: &DueTick, moment: Moment) -> Judged {
    let ask = if due.last_at.is_none() { moment.first_week() } else { moment.stretch(due.reached) };
    let reached = ask.map(|ask| ask.range.start()).or(due.reached);
    let over = moment.stretch(reached).is_none();
    // The rest is due at once, and planned when nothing more urgent is (Urgency).
    let next = (!over).then_some(moment.now);
    let tick = TickMove { reached, ..moved(due, Some(moment.now), next, over) };
    match ask {
        Some(ask) => {
            // Malls that came with one import have one run.
            let named = due.created_at.to_rfc3339();
            Judged::Asks(Asking { tick, named, ask: Some(ask), moment })
        }
        None => Judged::Moved(tick),
    }
}

/// The last day that a morning has asked for: what is younger is no gap, its morning is to come.
fn last_morning(settings: &Settings, mall: &MallId, now: DateTime<Utc>) -> Option<NaiveDate> {
    let mornings = ticks(settings, Schedule::Window, mall)?;
    kst_day(mornings.last_due(now)?.checked_sub_signed(mornings.offset)?).checked_sub_days(Days::new(1))
}

fn ticks(settings: &Settings, schedule: Schedule, mall: &MallId) -> Option<Ticks> {
    let rhythm = settings.rhythm(schedule)?;
    Some(Ticks { rhythm, offset: offset(schedule, mall) })
}

fn moved(
    due: &DueTick,
    last_at: Option<DateTime<Utc>>,
    next_at: Option<DateTime<Utc>>,
    over: bool,
) -> TickMove {
    TickMove {
        mall_id: due.mall_id.clone(),
        schedule: due.schedule,
        revision: due.revision.clone(),
        last_at,
        next_at,
        over,
        reached: due.reached,
    }
}

#[cfg(test)]
mod tests;
