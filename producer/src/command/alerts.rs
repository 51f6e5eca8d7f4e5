//! `alerts`: what wants a person; try the webhook, silence one.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use common::clock::now;
use common::store::{Alert, Control};
use serde_json::json;

use super::context::Context;
use crate::alerts::{trial, webhook};
use crate::cli::AlertsCommand;
use crate::fault::{Exit, Fault, causes};
use crate::output::json::{Document, List, with_times};
use crate::output::paint::command;
use crate::output::plain::NONE;
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{json_time, short_time};

const COLUMNS: [Column; 9] = [
    Column::right("ID", "alert_id"),
    Column::plain("kind"),
    Column::left("SINCE", "opened_at"),
    Column::left("STATE", "state"),
    Column::plain("closed_at"),
    Column::left("TOLD", "told_at").may_go(1),
    Column::right("MALLS", "malls"),
    Column::flowing("WHAT", "text"),
    Column::plain("do"),
];

pub(super) async fn run(context: &Context, asked: AlertsCommand) -> Result<Exit, Fault> {
    match asked {
        AlertsCommand::List { all } => list(context, all).await,
        AlertsCommand::Test => test(context).await,
        AlertsCommand::Silence { id, span } => silence(context, id, span).await,
    }
}

async fn list(context: &Context, all: bool) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let alerts = control.alerts(all).await.map_err(|error| context.store(error))?;
    let output = context.output;
    if output.json {
        let items = alerts.iter().map(item).collect::<Result<Vec<_>, Fault>>()?;
        output.document(&List::new(items, None, now()))?;
    } else if alerts.is_empty() && !output.plain {
        output.answer("nothing wants a person")?;
    } else {
        output.list(&table(&alerts, now()), &remedies(&alerts))?;
    }
    Ok(Exit::Done)
}

/// An alert for programs.
pub(super) fn item(alert: &Alert) -> Result<serde_json::Value, Fault> {
    with_times(
        alert,
        &[
            ("opened_at", Some(alert.opened_at)),
            ("last_seen_at", Some(alert.last_seen_at)),
            ("closed_at", alert.closed_at),
            ("silenced_until", alert.silenced_until),
            ("told_at", alert.told_at),
        ],
    )
}

fn state(alert: &Alert, now: DateTime<Utc>) -> Cell {
    match (alert.closed_at, alert.silenced_until) {
        (Some(closed), _) => Cell::new(format!("over {}", short_time(closed)), "over"),
        (None, Some(until)) if until > now => {
            Cell::new(format!("silent until {}", short_time(until)), "silent")
        }
        _ => "open".into(),
    }
}

fn told(alert: &Alert) -> Cell {
    match alert.tries {
        0 => Cell::time_or_none(alert.told_at),
        tries => Cell::new(format!("failed {tries} ×"), alert.told_at.map_or(NONE.to_owned(), json_time)),
    }
}

fn table(alerts: &[Alert], now: DateTime<Utc>) -> Table {
    let row = |alert: &Alert| {
        vec![
            alert.alert_id.to_string().into(),
            alert.kind.as_str().into(),
            Cell::time(alert.opened_at),
            state(alert, now),
            Cell::time_or_none(alert.closed_at),
            told(alert),
            Cell::count(alert.malls),
            alert.text.as_str().into(),
            alert.remedy.as_str().into(),
        ]
    };
    Table::new(&COLUMNS, alerts.iter().map(row))
}

/// What to do about each that is open.
fn remedies(alerts: &[Alert]) -> String {
    let mut out = String::new();
    for alert in alerts.iter().filter(|alert| alert.closed_at.is_none()) {
        let remedy = crate::output::text::clean(&alert.remedy);
        let _ = writeln!(out, "{:>2} → {}", alert.alert_id, command(remedy));
    }
    out
}

async fn test(context: &Context) -> Result<Exit, Fault> {
    let webhook = webhook(&context.config.alerts)
        .ok_or(Fault::NoWebhook)?
        .map_err(|error| Fault::NotTold(format!("{error}: {}", causes(&error))))?;
    let now = now();
    webhook.send(&trial(&context.config.profile, &json_time(now))).await.map_err(|error| {
        Fault::NotTold(match causes(&error) {
            causes if causes.is_empty() => error.to_string(),
            causes => format!("{error}: {causes}"),
        })
    })?;
    if context.output.is_for_programs() {
        context.output.document(&Document::new(json!({ "sent": true }), now))?;
    } else {
        context.output.answer("the webhook took a message")?;
    }
    Ok(Exit::Done)
}

async fn silence(context: &Context, id: i64, span: TimeDelta) -> Result<Exit, Fault> {
    let control: Control = context.database().await?;
    let until = now() + span;
    let silenced = control
        .silence_alert(id, until, &Context::actor())
        .await
        .map_err(|error| context.store(error))?
        .ok_or(Fault::UnknownAlert(id))?;
    if context.output.is_for_programs() {
        context.output.document(&Document::new(item(&silenced)?, now()))?;
    } else {
        let text = format!("alert {id} is silent until {} KST: {}", short_time(until), silenced.text);
        context.output.answer(&text)?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::command::health::tests::at;
    use crate::output::golden::golden;

    pub(crate) fn alert(id: i64, malls: i64, text: &str, remedy: &str) -> Alert {
        Alert {
            alert_id: id,
            kind: "needs_consent".to_owned(),
            malls,
            text: text.to_owned(),
            remedy: remedy.to_owned(),
            opened_at: at() - TimeDelta::hours(25),
            last_seen_at: at(),
            closed_at: None,
            silenced_until: None,
            told_at: Some(at() - TimeDelta::hours(1)),
            tries: 0,
        }
    }

    #[test]
    fn the_list_says_what_is_open_whether_it_was_told_and_what_to_do() {
        let mut silent = alert(12, 4_012, "not authorised: 4,012 malls", "cafe24-sync connect MALL for each");
        silent.silenced_until = Some(at() + TimeDelta::hours(2));
        let mut failing = alert(13, 1, "domains: the API changed", "cafe24-sync endpoints resume domains");
        (failing.told_at, failing.tries) = (None, 3);
        let mut over = alert(9, 2, "jobs fail for good", "cafe24-sync dead list");
        over.closed_at = Some(at() - TimeDelta::minutes(5));
        let alerts = [silent, failing, over];
        golden("alerts_list", |width| table(&alerts, at()).text(width) + &remedies(&alerts));
    }
}
