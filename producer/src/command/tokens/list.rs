//! `tokens list`

use std::time::Duration;

use chrono::{DateTime, Utc};
use common::clock::now;
use common::store::TokenRow;

use crate::command::context::Context;
use crate::fault::{Exit, Fault};
use crate::output::json::{List, with_times};
use crate::output::table::{Cell, Column, Table};
use crate::output::text::duration;

const COLUMNS: [Column; 11] = [
    Column::left("MALL", "mall_id"),
    Column::plain("agency_id"),
    Column::left("STATE", "state"),
    Column::plain("version"),
    Column::plain("issued_at"),
    Column::left("ACCESS UNTIL", "access_expires_at"),
    Column::left("CONSENT UNTIL", "refresh_expires_at"),
    Column::right("AGE", "").may_go(2),
    Column::left("KEY", "key_id").may_go(1),
    Column::left("APP", "app_id").may_go(3),
    Column::flowing("SCOPES", "scopes"),
];

pub(super) async fn run(context: &Context, expiring: Option<Duration>) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let rows = control.tokens(expiring).await.map_err(|error| context.store(error))?;
    let output = context.output;
    if output.json {
        let items = rows.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        output.document(&List::new(items, None, now()))?;
    } else if rows.is_empty() && !output.plain {
        output.answer(if expiring.is_some() { "no consent ends so soon" } else { "no tokens are stored" })?;
    } else {
        output.list(&table(&rows, now()), "")?;
    }
    Ok(Exit::Done)
}

fn item(row: &TokenRow) -> Result<serde_json::Value, Fault> {
    let times = [
        ("issued_at", row.issued_at),
        ("access_expires_at", row.access_expires_at),
        ("refresh_expires_at", row.refresh_expires_at),
    ];
    with_times(row, &times)
}

fn table(rows: &[TokenRow], now: DateTime<Utc>) -> Table {
    let end = |time: Option<DateTime<Utc>>| match time {
        None => Cell::unknown(),
        Some(time) if time <= now => Cell::time(time).shown_as("ended"),
        Some(time) => Cell::time(time),
    };
    let row = |row: &TokenRow| {
        let age = row.issued_at.and_then(|issued| (now - issued).to_std().ok());
        vec![
            row.mall_id.to_string().into(),
            row.agency_id.as_str().into(),
            Cell::new(row.state.replace('_', " "), row.state.as_str()),
            row.version.to_string().into(),
            row.issued_at.map_or_else(Cell::unknown, Cell::time),
            end(row.access_expires_at),
            end(row.refresh_expires_at),
            age.map_or_else(Cell::unknown, |age| duration(age.as_secs()).into()),
            Cell::text_or_none(row.key_id.as_deref()),
            Cell::text_or_none(row.app_id.as_deref()),
            row.scopes.as_ref().map_or_else(Cell::unknown, |scopes| scopes.join(" ").into()),
        ]
    };
    Table::new(&COLUMNS, rows.iter().map(row))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::output::golden::golden;

    #[test]
    fn the_list_shows_ends_and_keys() {
        let now: DateTime<Utc> = "2026-02-16T01:42:00Z".parse().expect("a time");
        let row = |mall: &str, age: i64| TokenRow {
            mall_id: mall.parse().expect("valid"),
            agency_id: "default".to_owned(),
            app_id: None,
            state: "active".to_owned(),
            version: 7,
            key_id: Some("5298d884".to_owned()),
            scopes: Some(vec!["mall.analytics".to_owned()]),
            issued_at: Some(now - TimeDelta::minutes(age)),
            access_expires_at: Some(now - TimeDelta::minutes(age) + TimeDelta::hours(2)),
            refresh_expires_at: Some(now - TimeDelta::minutes(age) + TimeDelta::days(14)),
        };
        let dead = TokenRow {
            state: "needs_consent".to_owned(),
            app_id: Some("brand-b".to_owned()),
            refresh_expires_at: Some(now),
            ..row("hanbit", 3_000)
        };
        let old = TokenRow {
            scopes: None,
            issued_at: None,
            access_expires_at: None,
            refresh_expires_at: None,
            ..row("ainong", 0)
        };
        let rows = [old, dead, row("moonlit", 30)];
        golden("tokens_list", |width| table(&rows, now).text(width));
    }
}
