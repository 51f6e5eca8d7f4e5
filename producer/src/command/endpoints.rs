//! `endpoints`: what no mall's jobs are sent to, and why.
//!
//! A noun of its own, since it is about every mall at once: `malls pause` can never stop more than the mall it names.

use chrono::{DateTime, Utc};
use common::clock::now;
use common::domain::endpoint::Endpoint;
use common::store::{Control, EndpointPause, NewPause, PauseCause};
use serde_json::json;

use super::agree::{Ask, Question};
use super::context::Context;
use crate::cli::{EndpointsCommand, NO_REASON};
use crate::fault::{Exit, Fault};
use crate::output::json::{List, with_times};
use crate::output::paint::command;
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{counted, short_time};
use crate::remedy::Remedy;

const COLUMNS: [Column; 8] = [
    Column::left("ENDPOINT", "endpoint"),
    Column::left("MALL", "mall_id"),
    Column::plain("cause"),
    Column::left("SINCE", "since"),
    Column::left("UNTIL", "until"),
    Column::right("JOBS", "parked"),
    Column::plain("paused_by"),
    Column::flowing("WHY", "reason"),
];

pub(super) async fn run(context: &Context, asked: EndpointsCommand) -> Result<Exit, Fault> {
    let control = context.database().await?;
    match asked {
        EndpointsCommand::List => list(context, &control).await,
        EndpointsCommand::Pause { endpoint, until, reason, dry_run, yes } => {
            let actor = Context::actor();
            let reason = reason.as_deref().unwrap_or(NO_REASON);
            let new = NewPause { endpoint: Some(endpoint), mall: None, reason, until, actor: &actor };
            pause(context, &control, endpoint, &new, dry_run, yes).await
        }
        EndpointsCommand::Resume { endpoint, now } => resume(context, &control, endpoint, now).await,
    }
}

async fn list(context: &Context, control: &Control) -> Result<Exit, Fault> {
    let pauses = control.endpoint_pauses(None).await.map_err(|error| context.store(error))?;
    let output = context.output;
    if output.json {
        let items = pauses.iter().map(item).collect::<Result<Vec<_>, Fault>>()?;
        output.document(&List::new(items, None, now()))?;
    } else if pauses.is_empty() && !output.plain {
        output.answer("no endpoint is paused")?;
    } else {
        output.list(&table(&pauses), &remedies(&pauses))?;
    }
    Ok(Exit::Done)
}

/// A pause for programs.
pub(super) fn item(pause: &EndpointPause) -> Result<serde_json::Value, Fault> {
    let times = [("since", Some(pause.since)), ("until", pause.until), ("probed_at", pause.probed_at)];
    let mut item = with_times(pause, &times)?;
    item["do"] = Remedy::of_pause(pause).action.into();
    Ok(item)
}

fn mall(pause: &EndpointPause) -> &str {
    pause.mall_id.as_ref().map_or("all", |mall| mall.as_str())
}

fn table(pauses: &[EndpointPause]) -> Table {
    let row = |pause: &EndpointPause| {
        vec![
            pause.endpoint.to_string().into(),
            mall(pause).into(),
            pause.cause.as_str().into(),
            Cell::time(pause.since),
            Cell::time_or_none(pause.until),
            Cell::count(pause.parked),
            pause.paused_by.as_str().into(),
            Cell::new(format!("{}{}", probing(pause), pause.reason), pause.reason.as_str()),
        ]
    };
    Table::new(&COLUMNS, pauses.iter().map(row))
}

/// What ends each.
fn remedies(pauses: &[EndpointPause]) -> String {
    let lines = pauses.iter().map(|pause| command(Remedy::of_pause(pause).action));
    lines.fold(String::new(), |out, line| format!("{out}→ {line}\n"))
}

fn probing(pause: &EndpointPause) -> &'static str {
    match (pause.probed_at, pause.probes) {
        (None, _) => "",
        (Some(_), 0) => "probe failed; ",
        (Some(_), _) => "being probed; ",
    }
}

async fn pause(
    context: &Context,
    control: &Control,
    endpoint: Endpoint,
    new: &NewPause<'_>,
    dry_run: bool,
    yes: bool,
) -> Result<Exit, Fault> {
    let (malls, jobs) = control.endpoint_backlog(endpoint).await.map_err(|error| context.store(error))?;
    let stop = new
        .until
        .map_or_else(|| "somebody resumes it".to_owned(), |time| format!("{} KST", short_time(time)));
    let plan = format!(
        "{endpoint}: nothing is sent for {}; {} queued now, and all that come, are paused until {stop}",
        counted(malls, "mall", "malls"),
        counted(jobs, "job", "jobs"),
    );
    if dry_run {
        return say(context, endpoint, "not paused yet", new.until, &plan);
    }
    if !yes {
        let ask = Ask {
            plan: &plan,
            why: "it stops an endpoint for every mall".to_owned(),
            with: &["--yes"],
            question: Question::Words("Pause it?"),
            declined: "nothing was paused",
        };
        if let Some(exit) = ask.of(context.output)? {
            return Ok(exit);
        }
    }
    if !control.pause(new).await.map_err(|error| context.store(error))? {
        let text = format!("{endpoint}: was paused already; resume it first to change its reason or its end");
        return say(context, endpoint, "paused", new.until, &text);
    }
    control
        .park_paused()
        .await
        .map_err(|error| context.store_after(error, "the endpoint is paused; the daemon parks its jobs"))?;
    say(context, endpoint, "paused", new.until, &plan)
}

/// A person's pause ends at once. One that the API caused ends by a probe, lest a million jobs meet the same wall: a few
/// jobs run, one a mall; the first good answer ends the pause for all, a bad one leaves it as it is.
async fn resume(
    context: &Context,
    control: &Control,
    endpoint: Endpoint,
    at_once: bool,
) -> Result<Exit, Fault> {
    let actor = Context::actor();
    let pauses = control.endpoint_pauses(None).await.map_err(|error| context.store(error))?;
    let (mut ended, mut probes) = (0, 0);
    for pause in pauses.iter().filter(|pause| pause.endpoint == endpoint && pause.mall_id.is_none()) {
        if pause.cause != PauseCause::Operator && !at_once {
            // The jobs that came since, and have not been parked yet, may be the only ones.
            control.park_paused().await.map_err(|error| context.store(error))?;
            let sent = control.probe_pause(pause, &actor).await.map_err(|error| context.store(error))?;
            probes += sent;
            if sent > 0 {
                continue;
            }
        }
        let done = control.end_pause(pause, &actor).await.map_err(|error| context.store(error))?;
        ended += i64::from(done);
    }
    if ended > 0 {
        let now = "the endpoint is resumed; the daemon releases its jobs";
        control.release_parked().await.map_err(|error| context.store_after(error, now))?;
    }
    let (state, text) = match (ended, probes) {
        (0, 0) => ("active", format!("{endpoint}: was not paused for all malls")),
        (_, 0) => ("active", format!("{endpoint}: resumed; its jobs are queued again")),
        (_, probes) => (
            "probing",
            format!(
                "{endpoint}: {} run, one a mall; the first good answer resumes it for all, a bad one leaves it paused",
                counted(probes, "job", "jobs")
            ),
        ),
    };
    say(context, endpoint, state, None, &text)
}

fn say(
    context: &Context,
    endpoint: Endpoint,
    state: &str,
    until: Option<DateTime<Utc>>,
    text: &str,
) -> Result<Exit, Fault> {
    let until = until.map(crate::output::text::json_time);
    context.say(json!({ "endpoint": endpoint, "state": state, "until": until, "text": text }), text)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::golden::golden;

    #[test]
    fn what_is_paused_says_since_when_why_and_what_ends_it() {
        let at = |time: &str| time.parse::<DateTime<Utc>>().expect("a time");
        let operator = EndpointPause {
            pause_id: 1,
            endpoint: "products".parse().expect("valid"),
            mall_id: Some("hanbit".parse().expect("valid")),
            dialect: None,
            cause: PauseCause::Operator,
            reason: "shop is moving".to_owned(),
            paused_by: "kim@desk".to_owned(),
            since: at("2026-02-16T00:10:00Z"),
            until: Some(at("2026-02-20T00:00:00Z")),
            probed_at: None,
            probes: 0,
            parked: 4,
        };
        let breaker = EndpointPause {
            pause_id: 2,
            endpoint: "domains".parse().expect("valid"),
            mall_id: None,
            dialect: Some("seed".to_owned()),
            cause: PauseCause::ContractViolation,
            reason: "20 answers of 4 malls do not fit the contract within 300 s, such as: $.data is missing"
                .to_owned(),
            paused_by: "worker:breaker".to_owned(),
            until: None,
            probed_at: Some(at("2026-02-16T01:40:00Z")),
            parked: 12_204,
            ..operator.clone()
        };
        let pauses = [operator, breaker];
        golden("endpoints_list", |width| table(&pauses).text(width) + &remedies(&pauses));
    }
}
