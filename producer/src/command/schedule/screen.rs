//! The screens of `schedule`.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use common::config::ScheduleConfig;
use common::domain::schedule::Schedule;
use common::store::{Connector, Override, OwnSettings, PlanCounts, Scope, TickState};
use serde_json::{Value, json};

use super::about;
use crate::command::lanes::flag;
use crate::output::paint::{bold, command, dim, warn};
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{counted, json_time, number, short_time};
use crate::plan::preview::Slices;
use crate::schedule::settings::Settings;

const COLUMNS: [Column; 10] = [
    Column::left("SCHEDULE", "schedule"),
    Column::left("WHEN (KST)", "when"),
    Column::flowing("WHAT", "").may_go(1),
    Column::right("MALLS", "malls"),
    Column::plain("due"),
    Column::plain("anew"),
    Column::left("NEXT", "next_at"),
    Column::left("LAST", "last_at"),
    Column::right("JOBS OVER", "jobs_over"),
    Column::plain("jobs"),
];

/// All schedules.
pub(super) struct List<'a> {
    pub(super) config: &'a ScheduleConfig,
    pub(super) states: &'a [TickState],
    pub(super) overrides: &'a [Override],
}

impl List<'_> {
    pub(super) fn table(&self, now: DateTime<Utc>) -> Table {
        let settings = Settings::of(self.config, &OwnSettings::default());
        let row = |schedule: Schedule| {
            let state = self.states.iter().find(|state| state.schedule == schedule);
            let mut cells = vec![
                schedule.to_string().into(),
                when(&settings, schedule).into(),
                about(schedule).into(),
                state.map_or_else(|| Cell::count(0), |state| Cell::count(state.waiting)),
                state.map_or_else(|| Cell::count(0), |state| Cell::count(state.due)),
                state.map_or_else(|| Cell::count(0), |state| Cell::count(state.anew)),
                state.map_or_else(Cell::none, |state| next(state, now)),
                Cell::time_or_none(state.and_then(|state| state.last_at)),
            ];
            cells.extend(jobs(state));
            cells
        };
        Table::new(&COLUMNS, Schedule::ALL.into_iter().map(row))
    }

    /// What stands under the table: whose settings differ.
    pub(super) fn below(&self) -> String {
        let mut out = String::new();
        if !self.config.enabled {
            let _ = writeln!(out, "{} nothing is fetched by itself: schedule.enabled is false", warn("!"));
        }
        if self.config.enabled && self.states.iter().any(|state| state.anew > 0) {
            let _ = writeln!(
                out,
                "{}",
                dim("at the next pass the daemon works out anew when these malls are due")
            );
        }
        for own in self.overrides {
            let words = own_words(&own.settings);
            let paused = paused_words(&own.paused);
            let both =
                [words, paused].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ");
            if !both.is_empty() {
                let _ = writeln!(
                    out,
                    "{:<22}{both}  {}",
                    whose(&own.scope),
                    dim(format_args!("by {}, {}", own.updated_by, short_time(own.updated_at)))
                );
                for schedule in &own.paused {
                    let resume = format!("cafe24-sync schedule resume {schedule}{}", flag(&own.scope));
                    let _ = writeln!(out, "{:<22}→ {}", "", command(resume));
                }
            }
        }
        out
    }

    pub(super) fn json(&self) -> Value {
        let overrides: Vec<Value> = self
            .overrides
            .iter()
            .map(|own| {
                json!({
                    "scope": whose(&own.scope), "settings": own_json(&own.settings), "paused": own.paused,
                    "updated_at": json_time(own.updated_at), "updated_by": own.updated_by,
                })
            })
            .collect();
        json!({ "enabled": self.config.enabled, "items": states_json(self.states), "overrides": overrides })
    }
}

const SETTINGS: [Column; 3] =
    [Column::left("SETTING", ""), Column::left("VALUE", ""), Column::flowing("FROM", "")];
const OF_A_MALL: [Column; 5] = [
    Column::left("SCHEDULE", ""),
    Column::flowing("WHAT", "").may_go(1),
    Column::left("NEXT", ""),
    Column::left("LAST", ""),
    Column::right("JOBS OVER", ""),
];

/// One mall.
pub(super) struct Show<'a> {
    config: &'a ScheduleConfig,
    mall: &'a Connector,
    states: &'a [TickState],
    /// Of the mall, of its agency, of all.
    own: [Option<&'a Override>; 3],
}

impl<'a> Show<'a> {
    pub(super) fn new(
        config: &'a ScheduleConfig,
        mall: &'a Connector,
        states: &'a [TickState],
        overrides: &'a [Override],
    ) -> Self {
        let scopes = [Scope::Mall(mall.mall_id.clone()), Scope::Agency(mall.agency_id.clone()), Scope::All];
        let own = scopes.map(|scope| overrides.iter().find(|own| own.scope == scope));
        Self { config, mall, states, own }
    }

    /// The settings in force, each with whose it is.
    fn settings(&self) -> [(&'static str, String, String); 4] {
        let of = |place: usize| self.own[place].map_or_else(OwnSettings::default, |own| own.settings);
        let in_force = Settings::of(self.config, &crate::schedule::over(of(0), of(1)));
        let origin = |has: fn(&OwnSettings) -> bool| {
            let owner = self.own.iter().flatten().find(|own| has(&own.settings));
            owner.map_or_else(|| "configuration".to_owned(), |own| whose(&own.scope))
        };
        [
            ("daily_at", in_force.daily_at.format("%H:%M").to_string(), origin(|own| own.daily_at.is_some())),
            ("lookback", format!("{}d", in_force.lookback), origin(|own| own.lookback.is_some())),
            (
                "today_every",
                in_force.today_every.map_or_else(|| "off".to_owned(), |every| minutes(every.as_secs() / 60)),
                origin(|own| own.today_minutes.is_some()),
            ),
            (
                "sweep",
                in_force.sweep.map_or_else(|| "off".to_owned(), |days| format!("{days}d")),
                origin(|own| own.sweep.is_some()),
            ),
        ]
    }

    fn paused_by(&self, schedule: Schedule) -> Option<String> {
        let owner = self.own.iter().flatten().find(|own| own.paused.contains(&schedule))?;
        Some(whose(&owner.scope))
    }

    pub(super) fn text(&self, now: DateTime<Utc>, width: Option<usize>) -> String {
        let from =
            self.mall.wanted_from.map_or_else(|| "what was ever fetched".to_owned(), |day| day.to_string());
        let mut out =
            format!("{} · agency {} · wanted from {from}\n", bold(&self.mall.mall_id), self.mall.agency_id);
        let settings =
            self.settings().into_iter().map(|(key, value, from)| vec![key.into(), value.into(), from.into()]);
        out += &Table::new(&SETTINGS, settings).text(width);
        let row = |state: &TickState| {
            let next = match self.paused_by(state.schedule) {
                Some(whose) => format!("paused for {whose}").into(),
                None => next(state, now),
            };
            let mut cells = vec![
                state.schedule.to_string().into(),
                about(state.schedule).into(),
                next,
                Cell::time_or_none(state.last_at),
            ];
            cells.extend(jobs(Some(state)));
            cells
        };
        out + "\n" + &Table::new(&OF_A_MALL, self.states.iter().map(row)).text(width)
    }

    pub(super) fn json(&self) -> Value {
        let settings: serde_json::Map<String, Value> = self
            .settings()
            .into_iter()
            .map(|(key, value, from)| (key.to_owned(), json!({ "value": value, "from": from })))
            .collect();
        let paused: Vec<Schedule> =
            Schedule::ALL.into_iter().filter(|schedule| self.paused_by(*schedule).is_some()).collect();
        json!({
            "mall_id": self.mall.mall_id, "agency": self.mall.agency_id, "wanted_from": self.mall.wanted_from,
            "settings": settings, "items": states_json(self.states), "paused": paused,
        })
    }
}

/// What was, or would be, planned by hand.
pub(super) fn planned(
    schedule: Schedule,
    about: &str,
    scope: &Scope,
    counts: &PlanCounts,
    eta: Option<String>,
    note: &str,
) -> String {
    let mut out =
        format!("{}   {about}   {}\n", bold(format_args!("{schedule} of {}", whose(scope))), dim(note));
    let _ = writeln!(out, "  {}{}", dim("slices    "), Slices::from(counts).words());
    let _ = match counts.jobs {
        0 => writeln!(out, "  {}0    nothing has to be fetched", dim("jobs      ")),
        jobs => writeln!(out, "  {}{}", dim("jobs      "), number(jobs)),
    };
    if let Some(eta) = eta {
        let _ = writeln!(out, "  {}{eta}", dim("ETA       "));
    }
    if counts.parked > 0 {
        let _ = writeln!(
            out,
            "{} {}: nothing is sent for their malls",
            warn("! paused   "),
            counted(counts.parked, "job", "jobs")
        );
    }
    out
}

/// `all malls`, `agency acme`, `hanbit`.
pub(in crate::command) fn whose(scope: &Scope) -> String {
    match scope {
        Scope::All => "all malls".to_owned(),
        Scope::Agency(agency) => format!("agency {agency}"),
        Scope::Mall(mall) => mall.to_string(),
    }
}

/// A scope's own settings in words; empty if there are none.
pub(super) fn own_words(own: &OwnSettings) -> String {
    let off_or = |value: i32, shown: String| if value == 0 { "off".to_owned() } else { shown };
    let words = [
        own.daily_at.map(|at| format!("daily at {}", at.format("%H:%M"))),
        own.lookback.map(|days| format!("lookback {days}d")),
        own.today_minutes.map(|every| {
            let shown = format!("every {}", minutes(u64::try_from(every).unwrap_or(0)));
            format!("today {}", off_or(every, shown))
        }),
        own.sweep.map(|days| format!("sweep {}", off_or(days, format!("{days}d")))),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

pub(super) fn own_json(own: &OwnSettings) -> Value {
    json!({
        "daily_at": own.daily_at.map(|at| at.format("%H:%M").to_string()), "lookback_days": own.lookback,
        "today_minutes": own.today_minutes, "sweep_days": own.sweep,
    })
}

fn paused_words(paused: &[Schedule]) -> String {
    paused.iter().map(|schedule| format!("{schedule} paused")).collect::<Vec<_>>().join(" · ")
}

fn states_json(states: &[TickState]) -> Vec<Value> {
    states
        .iter()
        .map(|state| {
            json!({
                "schedule": state.schedule, "malls": state.waiting, "due": state.due, "anew": state.anew,
                "next_at": state.next_at.map(json_time), "last_at": state.last_at.map(json_time),
                "run_id": state.run_id, "jobs": state.jobs, "jobs_over": state.ended,
            })
        })
        .collect()
}

fn when(settings: &Settings, schedule: Schedule) -> String {
    match schedule {
        Schedule::Window => format!("each day, {}", settings.daily_at.format("%H:%M")),
        Schedule::Today => settings
            .today_every
            .map_or_else(|| "off".to_owned(), |every| format!("every {}", minutes(every.as_secs() / 60))),
        Schedule::Sweep if settings.sweep.is_none() => "off".to_owned(),
        Schedule::Sweep => {
            format!("monthly on day {}, {}", settings.sweep_day, settings.sweep_at.format("%H:%M"))
        }
        Schedule::Onboarding => "once".to_owned(),
        Schedule::Gaps => "every 1h".to_owned(),
    }
}

/// `2h`, `90m`.
fn minutes(minutes: u64) -> String {
    if minutes.is_multiple_of(60) { format!("{}h", minutes / 60) } else { format!("{minutes}m") }
}

fn next(state: &TickState, now: DateTime<Utc>) -> Cell {
    let at = Cell::time_or_none(state.next_at);
    match state.next_at {
        _ if state.due > 0 => at.shown_as(format!("now: {}", counted(state.due, "mall", "malls"))),
        _ if state.anew > 0 => at.shown_as(format!("next pass: {}", counted(state.anew, "mall", "malls"))),
        Some(next) if next > now => at,
        _ => at.shown_as("–"),
    }
}

/// Those that are over, and all.
fn jobs(state: Option<&TickState>) -> [Cell; 2] {
    match state {
        Some(state) if state.jobs > 0 => [
            Cell::new(format!("{} of {}", number(state.ended), number(state.jobs)), state.ended.to_string()),
            Cell::count(state.jobs),
        ],
        _ => [Cell::none(), Cell::none()],
    }
}

#[cfg(test)]
mod tests;
