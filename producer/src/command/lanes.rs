//! The lanes: which are sent now, what waits in them; pause and resume.

mod own;

use chrono::{DateTime, Utc};
use common::clock::now;
use common::domain::hours::Hours;
use common::domain::job::Lane;
use common::store::{Backlog, LaneOverride, LanePause, Scope};
use serde_json::json;

use super::agree::{Ask, Question};
use super::context::Context;
use super::schedule::{known, scope_of, whose};
use crate::cli::{LaneArgs, NO_REASON, ScopeArgs};
use crate::crew::{Absent, broker_absent};
use crate::fault::{Exit, Fault};
use crate::output::json::List;
use crate::output::paint::command;
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{clean, counted, json_time, number, short_time};
use crate::plan::eta::clock;

pub(super) use self::own::{flag, hours, pauses, words};

const COLUMNS: [Column; 9] = [
    Column::left("LANE", "lane"),
    Column::right("QUEUED", ""),
    Column::right("RUNNING", "running"),
    Column::right("PAUSED", "parked"),
    Column::plain("waiting"),
    Column::plain("out"),
    Column::plain("paused_since"),
    Column::plain("paused_for"),
    Column::flowing("SENT", "sent"),
];

/// One lane as it is now.
struct Line {
    lane: Lane,
    /// Planned, whenever they may run.
    waiting: i64,
    /// With the broker and the workers.
    out: i64,
    /// Of these, being worked at.
    running: i64,
    parked: i64,
    pause: Option<LanePause>,
    hours: Option<Hours>,
    /// What agencies and malls have of their own.
    own: Vec<(Scope, LaneOverride)>,
}

impl Line {
    fn new(lane: Lane, backlog: &[Backlog], pauses: &[LanePause], hours: Option<Hours>) -> Self {
        let of = |states: &[&str]| {
            let mine = backlog.iter().filter(|jobs| jobs.lane == lane.as_str());
            mine.filter(|jobs| states.contains(&jobs.state.as_str())).map(|jobs| jobs.jobs).sum()
        };
        Self {
            lane,
            waiting: of(&["planned", "waiting"]),
            out: of(&["queued", "running"]),
            running: of(&["running"]),
            parked: of(&["parked"]),
            pause: pauses.iter().find(|pause| pause.lane == lane).cloned(),
            hours: hours.filter(|_| lane == Lane::Backfill),
            own: Vec::new(),
        }
    }

    fn with(self, own: &[(Scope, LaneOverride)]) -> Self {
        Self { own: own.iter().filter(|one| own::is_of(one, self.lane)).cloned().collect(), ..self }
    }

    /// Whether it is sent, and what ends that. A pause is said first: a broker that comes back does not end it.
    fn sent(&self, broker: Option<Absent>, now: DateTime<Utc>) -> String {
        if let Some(pause) = &self.pause {
            let (since, by) = (short_time(pause.since), clean(&pause.paused_by));
            return format!("paused since {since} by {by}: {}", clean(&pause.reason));
        }
        if let Some(broker) = broker {
            return format!("? · {}", broker.what());
        }
        match self.hours {
            Some(hours) if hours.contains(now) => format!("now, until {} KST", clock(hours.closes(now), now)),
            Some(hours) => format!("waits until {} KST", clock(hours.opens(now), now)),
            None => "now".to_owned(),
        }
    }

    fn json(&self, broker: Option<Absent>, now: DateTime<Utc>) -> serde_json::Value {
        let waits = self.hours.filter(|hours| !hours.contains(now)).map(|hours| hours.opens(now));
        json!({
            "lane": self.lane, "waiting": self.waiting, "out": self.out, "running": self.running, "parked": self.parked,
            "paused": self.pause.as_ref().map(|pause| json!({
                "since": json_time(pause.since), "by": pause.paused_by, "reason": pause.reason,
            })),
            "hours": self.hours, "waits_until": waits.map(json_time), "broker_answers": broker.is_none(),
            "own": self.own.iter().map(own::document).collect::<Vec<_>>(),
        })
    }
}

/// `queue list`
pub(super) async fn list(context: &Context) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let store = |error| context.store(error);
    let ledger = async {
        Ok((control.backlog().await?, control.lane_pauses().await?, control.lane_overrides().await?))
    };
    let (ledger, broker) = tokio::join!(ledger, broker_absent(&context.config, &control));
    let (backlog, pauses, own) = ledger.map_err(store)?;
    let hours = context.config.limits.backfill_hours;
    let lines = Lane::ALL.map(|lane| Line::new(lane, &backlog, &pauses, hours).with(&own));
    let (now, output) = (now(), context.output);
    if output.json {
        output.document(&List::new(lines.iter().map(|line| line.json(broker, now)).collect(), None, now))?;
    } else {
        output.list(&table(&lines, broker, now), &below(&lines, broker))?;
    }
    Ok(Exit::Done)
}

fn table(lines: &[Line], broker: Option<Absent>, now: DateTime<Utc>) -> Table {
    let row = |line: &Line| {
        vec![
            line.lane.to_string().into(),
            Cell::count(line.waiting + line.out - line.running),
            Cell::count(line.running),
            Cell::count(line.parked),
            Cell::count(line.waiting),
            Cell::count(line.out),
            Cell::time_or_none(line.pause.as_ref().map(|pause| pause.since)),
            Cell::text_or_none(Some(own::paused_for(&line.own)).filter(|whose| !whose.is_empty()).as_deref()),
            line.sent(broker, now).into(),
        ]
    };
    Table::new(&COLUMNS, lines.iter().map(row))
}

/// What ends each pause, and what agencies and malls have of their own.
fn below(lines: &[Line], broker: Option<Absent>) -> String {
    let doctor = broker.map(|_| format!("→ {}\n", command("cafe24-sync doctor"))).unwrap_or_default();
    let paused = lines.iter().filter(|line| line.pause.is_some());
    let ends = paused.map(|line| command(format!("cafe24-sync queue resume {}", line.lane)));
    let mut out = ends.fold(doctor, |out, line| format!("{out}→ {line}\n"));
    for line in lines {
        own::lines(&mut out, &line.own);
    }
    out
}

/// `queue pause LANE`, `backfill pause`
pub(super) async fn pause(context: &Context, lane: Lane, how: &LaneArgs) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let scope = scope_of(how.scope.clone());
    known(context, &control, &scope).await?;
    let plan = if scope == Scope::All {
        let backlog = control.backlog().await.map_err(|error| context.store(error))?;
        let line = Line::new(lane, &backlog, &[], None);
        format!(
            "lane {lane}: nothing of it is sent; {} queued now, and all that come, wait until somebody resumes it; {} with the workers already end",
            counted(line.waiting, "job", "jobs"),
            number(line.out),
        )
    } else {
        format!(
            "lane {lane} of {}: nothing of it is sent; what is queued, and all that comes, waits until somebody resumes it; \
             what the workers have already ends",
            whose(&scope)
        )
    };
    if how.dry_run {
        return say(context, lane, &scope, "not paused yet", &format!("{plan} · not paused yet"));
    }
    if !how.yes {
        let of = if scope == Scope::All { "every mall".to_owned() } else { whose(&scope) };
        let ask = Ask {
            plan: &plan,
            why: format!("it stops a lane of {of}"),
            with: &["--yes"],
            question: Question::Words("Pause it?"),
            declined: "nothing was paused",
        };
        if let Some(exit) = ask.of(context.output)? {
            return Ok(exit);
        }
    }
    let reason = how.reason.as_deref().unwrap_or(NO_REASON);
    let paused = control.pause_lane(lane, &scope, reason, &Context::actor()).await;
    if paused.map_err(|error| context.store(error))? {
        say(context, lane, &scope, "paused", &plan)
    } else {
        let text =
            format!("{}: was paused already; resume it first to change its reason", named(lane, &scope));
        say(context, lane, &scope, "paused", &text)
    }
}

/// `queue resume LANE`, `backfill resume`
pub(super) async fn resume(context: &Context, lane: Lane, scope: &ScopeArgs) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let scope = scope_of(scope.clone());
    known(context, &control, &scope).await?;
    let resumed = control.resume_lane(lane, &scope, &Context::actor()).await;
    let named = named(lane, &scope);
    let text = match (resumed.map_err(|error| context.store(error))?, &scope) {
        (true, Scope::All) => format!("{named}: sent again within a second"),
        (true, _) => format!("{named}: sent again within a second, unless a wider pause holds it"),
        (false, _) => format!("{named}: was not paused"),
    };
    say(context, lane, &scope, "sent", &text)
}

fn named(lane: Lane, scope: &Scope) -> String {
    match scope {
        Scope::All => format!("lane {lane}"),
        Scope::Agency(_) | Scope::Mall(_) => format!("lane {lane} of {}", whose(scope)),
    }
}

fn say(context: &Context, lane: Lane, scope: &Scope, state: &str, text: &str) -> Result<Exit, Fault> {
    context.say(json!({ "lane": lane, "scope": whose(scope), "state": state, "text": text }), text)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::health::tests::at;
    use crate::output::golden::golden;

    #[test]
    fn a_lane_says_what_waits_and_whether_it_is_sent() {
        let backlog = |lane: &str, state: &str, jobs| Backlog {
            lane: lane.to_owned(),
            state: state.to_owned(),
            jobs,
            oldest: None,
        };
        let backlog = [
            backlog("fresh", "queued", 3),
            backlog("backfill", "planned", 1_161),
            backlog("backfill", "waiting", 12),
            backlog("backfill", "running", 2),
            backlog("backfill", "parked", 4),
        ];
        let hours = "01:00-06:00".parse().ok();
        let lines = |pauses: &[LanePause]| Lane::ALL.map(|lane| Line::new(lane, &backlog, pauses, hours));
        let pause = LanePause {
            lane: Lane::Fresh,
            reason: "the API\u{1b}[2J is ill".to_owned(),
            paused_by: "kim@desk".to_owned(),
            since: at(),
        };
        let own = [
            (
                Scope::Agency("hanok".to_owned()),
                LaneOverride::Hours(common::store::SetHours {
                    hours: "22:00-05:00".parse().expect("hours"),
                    set_by: "kim@desk".to_owned(),
                    set_at: at(),
                }),
            ),
            (
                Scope::Mall("hanbit".parse().expect("a mall")),
                LaneOverride::Pause(LanePause {
                    lane: Lane::Backfill,
                    reason: "sale day".to_owned(),
                    ..pause.clone()
                }),
            ),
        ];
        let with_own = lines(&[]).map(|line| line.with(&own));
        let (open, paused) = (lines(&[]), lines(&[pause]));
        golden("queue_list", |width| {
            let shown = |lines: &[Line]| table(lines, None, at()).text(width) + &below(lines, None);
            shown(&open) + &shown(&paused) + &shown(&with_own)
        });
        let plain = table(&with_own, None, at()).plain();
        assert!(plain.contains("\thanbit\twaits until"), "{plain}");
        assert_eq!(lines(&[])[1].json(None, at())["waits_until"], "2026-02-17T01:00:00+09:00");
        let own = &with_own[1].json(None, at())["own"];
        assert_eq!(
            (&own[0]["hours"], &own[1]["mall_id"]),
            (&json!("22:00-05:00"), &json!("hanbit")),
            "{own}"
        );
    }
}
