//! Dead letters as text.

use std::fmt::Write;

use common::store::DeadLetter;

use crate::output::paint::{bold, command, dim};
use crate::output::plain::tsv;
use crate::output::table::{Align, table};
use crate::output::text::{clean, counted, number, short, short_time};

/// Digits of an id that are shown, and enough to name it.
const ID_DIGITS: usize = 8;
/// Characters of an answer or a message that are shown.
const SHOWN: usize = 300;

/// The first digits of a letter's id, enough to name one: ids of jobs are hashes.
pub(super) fn short_id(letter: &DeadLetter) -> String {
    letter.letter_id.simple().to_string().chars().take(ID_DIGITS).collect()
}

/// `ainong/1 · products · 2026-02-15`
fn subject(letter: &DeadLetter) -> String {
    match (&letter.mall_id, letter.shop_no, &letter.endpoint) {
        (Some(mall), Some(shop), Some(endpoint)) => format!("{mall}/{shop} · {endpoint} · {}", days(letter)),
        _ => "no job of ours".to_owned(),
    }
}

fn days(letter: &DeadLetter) -> String {
    match (letter.start, letter.end) {
        (Some(start), Some(end)) if start == end => start.to_string(),
        (Some(start), Some(end)) => format!("{start}…{end}"),
        _ => String::new(),
    }
}

pub(super) fn list(letters: &[DeadLetter], all: i64) -> String {
    let columns = [
        ("ID", Align::Left),
        ("MALL", Align::Left),
        ("ENDPOINT", Align::Left),
        ("DAYS", Align::Left),
        ("CLASS", Align::Left),
        ("CAUSE", Align::Left),
        ("DIED", Align::Left),
    ];
    let rows: Vec<Vec<String>> = letters
        .iter()
        .map(|letter| {
            let mall = letter.mall_id.as_ref().map(|mall| format!("{mall}/{}", letter.shop_no.unwrap_or(1)));
            vec![
                short_id(letter),
                mall.unwrap_or_else(|| "–".to_owned()),
                letter.endpoint.clone().unwrap_or_else(|| "–".to_owned()),
                days(letter),
                letter.class.replace('_', " "),
                short(&letter.reason, 48),
                short_time(letter.died_at),
            ]
        })
        .collect();
    let mut out = table(&columns, &rows);
    let shown = i64::try_from(letters.len()).unwrap_or(i64::MAX);
    if all > shown {
        let _ = writeln!(
            out,
            "{} of {} shown, all time · more: --limit {}",
            number(shown),
            number(all),
            all.min(10_000)
        );
    }
    out
}

pub(super) fn plain(letters: &[DeadLetter]) -> String {
    let names = [
        "id",
        "mall_id",
        "shop_no",
        "endpoint",
        "granularity",
        "start",
        "end",
        "class",
        "attempts",
        "died_at",
        "reason",
    ];
    let rows: Vec<Vec<String>> = letters
        .iter()
        .map(|letter| {
            let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
            vec![
                letter.letter_id.to_string(),
                letter.mall_id.clone().unwrap_or_default(),
                letter.shop_no.map(|shop| shop.to_string()).unwrap_or_default(),
                letter.endpoint.clone().unwrap_or_default(),
                letter.granularity.clone().unwrap_or_default(),
                day(letter.start),
                day(letter.end),
                letter.class.clone(),
                letter.attempts.to_string(),
                crate::output::text::json_time(letter.died_at),
                letter.reason.clone(),
            ]
        })
        .collect();
    tsv(&names, &rows)
}

pub(super) fn show(letter: &DeadLetter) -> String {
    let id = short_id(letter);
    let mut out = String::new();
    let head = format!("{} {}", if letter.job_id.is_some() { "job" } else { "letter" }, letter.letter_id);
    let _ = writeln!(out, "{}  {}", bold(head), clean(&subject(letter)));
    let class = letter.class.replace('_', " ");
    let attempts = counted(i64::from(letter.attempts), "attempt", "attempts");
    let mut row = |label: &str, text: &str| {
        let _ = writeln!(out, "  {}{}", dim(format_args!("{label:<9}")), clean(text));
    };
    row("what", &letter.reason);
    row("class", &format!("{class} · {attempts} · died {}", short_time(letter.died_at)));
    for (name, text) in evidence(letter) {
        row(&name, &text);
    }
    if letter.job_id.is_none() {
        row("message", &format!("{}  ({} bytes)", short(&letter.body, SHOWN), number(letter.body_bytes)));
    }
    match (letter.replayed_at, letter.job_id) {
        (Some(at), _) => {
            let run = letter.replay_run.map(|run| run.to_string()).unwrap_or_default();
            row("replayed", &format!("{} as run {run}", short_time(at)));
        }
        (None, Some(_)) => {
            let line = format!(
                "  {}cause mended? {}\n",
                dim("do       "),
                command(format_args!("cafe24-sync dead replay {id}"))
            );
            out.push_str(&line);
        }
        (None, None) => row("do", "nothing to replay: find out who publishes to the queue"),
    }
    out
}

/// The evidence field by field: what is nested stays JSON.
fn evidence(letter: &DeadLetter) -> Vec<(String, String)> {
    let Some(serde_json::Value::Object(fields)) = &letter.evidence else { return Vec::new() };
    fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (short(name, 8), short(&text, SHOWN))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::command::health::tests::at;
    use crate::output::paint::bare;

    fn letter() -> DeadLetter {
        let id = Uuid::from_u128(0x9f31_c2aa_0000_5000_8000_0000_0000_0001);
        DeadLetter {
            letter_id: id,
            job_id: Some(id),
            mall_id: Some("ainong".to_owned()),
            shop_no: Some(1),
            endpoint: Some("products".to_owned()),
            granularity: Some("day".to_owned()),
            start: "2026-02-15".parse().ok(),
            end: "2026-02-15".parse().ok(),
            class: "contract_violation".to_owned(),
            reason: "products: `orderCount` is absent at data[17]".to_owned(),
            attempts: 1,
            evidence: Some(json!({
                "status": 200,
                "request": "GET /api/v1/malls/ainong/products/sales?startDate=2026-02-15",
                "answer": "{\"productNo\":1833,\"productName\":\"\u{1b}[2J…\"}",
            })),
            body: "{}".to_owned(),
            body_bytes: 2,
            died_at: at(),
            replay_run: None,
            replayed_at: None,
        }
    }

    #[test]
    fn a_letter_shows_what_was_asked_and_what_came_back() {
        assert_eq!(bare(&show(&letter())), include_str!("../../../tests/golden/dead_show.txt"));
    }

    #[test]
    fn the_list_is_one_line_a_letter() {
        let mut unreadable = letter();
        (unreadable.job_id, unreadable.mall_id, unreadable.endpoint) = (None, None, None);
        (unreadable.start, unreadable.end) = (None, None);
        unreadable.letter_id = Uuid::from_u128(0x019c_0000_0000_7000_8000_0000_0000_0002);
        unreadable.class = "unreadable".to_owned();
        unreadable.reason = "no job:\nline".to_owned();
        assert_eq!(
            bare(&list(&[letter(), unreadable], 5)),
            include_str!("../../../tests/golden/dead_list.txt")
        );
    }
}
