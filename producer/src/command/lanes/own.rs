//! What agencies and malls have of their own: pauses of lanes, and hours of backfills.

use std::fmt::Write;

use common::clock::now;
use common::domain::job::Lane;
use common::domain::lanes::OwnHours;
use common::store::{LaneOverride, Scope};
use serde_json::{Value, json};

use crate::cli::HoursArgs;
use crate::command::context::Context;
use crate::command::schedule::{known, scope_of, whose};
use crate::fault::{Exit, Fault};
use crate::output::paint::command;
use crate::output::text::{clean, json_time, short_time};

/// Something of one scope.
type Own = (Scope, LaneOverride);

/// Whether it is about `lane`.
pub(super) fn is_of((_, own): &Own, lane: Lane) -> bool {
    match own {
        LaneOverride::Hours(_) => lane == Lane::Backfill,
        LaneOverride::Pause(pause) => pause.lane == lane,
    }
}

/// One line each.
pub(super) fn lines(out: &mut String, own: &[Own]) {
    for (scope, own) in own {
        let who = whose(scope);
        let who = clean(&who);
        let _ = match own {
            LaneOverride::Hours(set) => {
                let (by, at) = (clean(&set.set_by), short_time(set.set_at));
                writeln!(out, "backfill of {who}: {}, set by {by} at {at}", words(set.hours))
            }
            LaneOverride::Pause(pause) => {
                let (since, by) = (short_time(pause.since), clean(&pause.paused_by));
                let (lane, reason) = (pause.lane, clean(&pause.reason));
                let resume = command(format!("cafe24-sync queue resume {lane}{}", flag(scope)));
                writeln!(out, "{lane} of {who}: paused since {since} by {by}: {reason}\n→ {resume}")
            }
        };
    }
}

/// The lanes that are paused for agencies and malls alone, for programs.
pub(in crate::command) fn pauses(own: &[Own]) -> Vec<Value> {
    let pauses = own.iter().filter_map(|one| match &one.1 {
        LaneOverride::Pause(pause) => Some((one, pause.lane)),
        LaneOverride::Hours(_) => None,
    });
    pauses
        .map(|(one, lane)| {
            let mut document = document(one);
            document["lane"] = json!(lane);
            document
        })
        .collect()
}

/// For whom alone a lane is paused: `agency hanok,hanbit`; empty: for nobody.
pub(super) fn paused_for(own: &[Own]) -> String {
    let paused = own.iter().filter(|(_, own)| matches!(own, LaneOverride::Pause(_)));
    paused.map(|(scope, _)| whose(scope)).collect::<Vec<_>>().join(",")
}

pub(super) fn document((scope, own): &Own) -> Value {
    let (agency, mall) = match scope {
        Scope::All => (None, None),
        Scope::Agency(agency) => (Some(agency.as_str()), None),
        Scope::Mall(mall) => (None, Some(mall.as_str())),
    };
    match own {
        LaneOverride::Hours(set) => json!({
            "agency_id": agency, "mall_id": mall, "hours": set.hours, "set_by": set.set_by, "set_at": json_time(set.set_at),
        }),
        LaneOverride::Pause(pause) => json!({
            "agency_id": agency, "mall_id": mall,
            "paused": { "since": json_time(pause.since), "by": pause.paused_by, "reason": pause.reason },
        }),
    }
}

/// `sent 01:00-06:00 KST`
pub(in crate::command) fn words(hours: OwnHours) -> String {
    match hours {
        OwnHours::Always => "sent at any time".to_owned(),
        OwnHours::Within(hours) => format!("sent {hours} KST"),
    }
}

/// What names a scope on the command line.
pub(in crate::command) fn flag(scope: &Scope) -> String {
    match scope {
        Scope::All => String::new(),
        Scope::Agency(agency) => format!(" --agency {}", clean(agency)),
        Scope::Mall(mall) => format!(" --mall {mall}"),
    }
}

/// `backfill hours HOURS --mall M | --agency A`
pub(in crate::command) async fn hours(context: &Context, args: &HoursArgs) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let scope = scope_of(args.owner.clone().into());
    known(context, &control, &scope).await?;
    let hours = args.hours.0;
    let changed = control
        .set_backfill_hours(&scope, hours, &Context::actor())
        .await
        .map_err(|error| context.store(error))?;
    let what = match hours {
        Some(hours) => words(hours),
        None => "no hours of its own".to_owned(),
    };
    let waits = hours.and_then(OwnHours::hours).filter(|hours| !hours.contains(now()));
    let when = match (changed, waits) {
        (false, _) => ", as before".to_owned(),
        (true, Some(hours)) => {
            format!("; waits until {} KST", crate::plan::eta::clock(hours.opens(now()), now()))
        }
        (true, None) => ", within a second".to_owned(),
    };
    let text = format!("backfill of {}: {what}{when}", whose(&scope));
    context.say(json!({ "scope": whose(&scope), "hours": hours, "changed": changed }), &text)?;
    Ok(Exit::Done)
}
