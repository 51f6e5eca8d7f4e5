//! `tokens list`

use std::time::Duration;

use chrono::{DateTime, Utc};
use common::clock::now;
use common::store::TokenRow;

use crate::command::context::Context;
use crate::fault::{Exit, Fault};
use crate::output::json::{List, with_times};
use crate::output::plain::tsv;
use crate::output::table::{Align, table};
use crate::output::text::{duration, json_time, short_time};

const COLUMNS: [(&str, Align); 8] = [
    ("MALL", Align::Left),
    ("STATE", Align::Left),
    ("ACCESS UNTIL", Align::Left),
    ("CONSENT UNTIL", Align::Left),
    ("AGE", Align::Right),
    ("KEY", Align::Left),
    ("APP", Align::Left),
    ("SCOPES", Align::Left),
];

pub(super) async fn run(context: &Context, expiring: Option<Duration>) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let rows = control.tokens(expiring).await.map_err(|error| context.store(error))?;
    let output = context.output;
    if output.json {
        let items = rows.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        output.document(&List::new(items, None, now()))?;
    } else if output.plain {
        output.answer(&plain(&rows))?;
    } else if rows.is_empty() {
        output.answer(if expiring.is_some() { "no consent ends so soon" } else { "no tokens are stored" })?;
    } else {
        output.answer(&screen(&rows, now()))?;
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

fn screen(rows: &[TokenRow], now: DateTime<Utc>) -> String {
    let end = |time: Option<DateTime<Utc>>| match time {
        None => "?".to_owned(),
        Some(time) if time <= now => "ended".to_owned(),
        Some(time) => short_time(time),
    };
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let age = row.issued_at.and_then(|issued| (now - issued).to_std().ok());
            vec![
                row.mall_id.to_string(),
                row.state.replace('_', " "),
                end(row.access_expires_at),
                end(row.refresh_expires_at),
                age.map_or_else(|| "?".to_owned(), |age| duration(age.as_secs())),
                row.key_id.clone().unwrap_or_default(),
                row.app_id.clone().unwrap_or_else(|| "-".to_owned()),
                row.scopes.as_ref().map_or_else(|| "?".to_owned(), |scopes| scopes.join(" ")),
            ]
        })
        .collect();
    table(&COLUMNS, &lines)
}

fn plain(rows: &[TokenRow]) -> String {
    let names = [
        "mall_id",
        "agency_id",
        "app_id",
        "state",
        "version",
        "issued_at",
        "access_expires_at",
        "refresh_expires_at",
        "key_id",
        "scopes",
    ];
    let time = |time: Option<DateTime<Utc>>| time.map(json_time).unwrap_or_default();
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.mall_id.to_string(),
                row.agency_id.clone(),
                row.app_id.clone().unwrap_or_default(),
                row.state.clone(),
                row.version.to_string(),
                time(row.issued_at),
                time(row.access_expires_at),
                time(row.refresh_expires_at),
                row.key_id.clone().unwrap_or_default(),
                row.scopes.clone().unwrap_or_default().join(" "),
            ]
        })
        .collect();
    tsv(&names, &lines)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::output::paint::bare;

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
        let text = screen(&[old, dead, row("moonlit", 30)], now);
        assert_eq!(bare(&text), include_str!("../../../tests/golden/tokens_list.txt"));
    }
}
