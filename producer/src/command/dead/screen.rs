//! Dead letters as lists.

use std::fmt::Write;

use common::store::{DeadLetter, LetterGroup};

use crate::output::plain::tsv;
use crate::output::table::{Align, table};
use crate::output::text::{json_time, number, short, short_time};

/// Digits of an id that are shown, and enough to name it.
const ID_DIGITS: usize = 8;
/// Digits of a group's name that are shown unless two begin alike.
const GROUP_DIGITS: usize = 4;

/// The first digits of a letter's id, enough to name one: ids of jobs are hashes.
pub(super) fn short_id(letter: &DeadLetter) -> String {
    letter.letter_id.simple().to_string().chars().take(ID_DIGITS).collect()
}

/// `ainong/1 · products · 2026-02-15`
pub(super) fn subject(letter: &DeadLetter) -> String {
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

/// One line a letter; `all` is how many there are, `only_open` whether where they stand goes without saying.
pub(super) fn list(letters: &[DeadLetter], all: i64, more: bool, only_open: bool) -> String {
    let mut columns = vec![
        ("ID", Align::Left),
        ("GROUP", Align::Left),
        ("MALL", Align::Left),
        ("ENDPOINT", Align::Left),
        ("DAYS", Align::Left),
        ("CLASS", Align::Left),
        ("CAUSE", Align::Left),
        ("DIED", Align::Left),
    ];
    if !only_open {
        columns.push(("STATE", Align::Left));
    }
    let digits = group_digits(letters.iter().map(|letter| letter.group.as_str()));
    let rows: Vec<Vec<String>> = letters
        .iter()
        .map(|letter| {
            let mall = letter.mall_id.as_ref().map(|mall| format!("{mall}/{}", letter.shop_no.unwrap_or(1)));
            let mut cells = vec![
                short_id(letter),
                letter.group.chars().take(digits).collect(),
                mall.unwrap_or_else(|| "–".to_owned()),
                letter.endpoint.clone().unwrap_or_else(|| "–".to_owned()),
                days(letter),
                letter.class.replace('_', " "),
                cause(letter),
                short_time(letter.died_at),
            ];
            if !only_open {
                cells.push(letter.state.clone());
            }
            cells
        })
        .collect();
    let mut out = table(&columns, &rows);
    if more && let Some(last) = letters.last() {
        let shown = number(i64::try_from(letters.len()).unwrap_or(i64::MAX));
        let _ = writeln!(
            out,
            "{shown} of {} shown · next: --after {} · by cause: --group",
            number(all),
            short_id(last)
        );
    }
    out
}

/// What failed, and the how manieth time.
fn cause(letter: &DeadLetter) -> String {
    let reason =
        letter.reason.trim_start_matches("the answer does not fit the contract at $").trim_start_matches('.');
    let words = short(reason, 48);
    if letter.round > 1 { format!("{words} · round {}", letter.round) } else { words }
}

pub(super) fn groups(groups: &[LetterGroup]) -> String {
    let columns = [
        ("GROUP", Align::Left),
        ("JOBS", Align::Right),
        ("MALLS", Align::Right),
        ("CLASS", Align::Left),
        ("CAUSE", Align::Left),
        ("FIRST", Align::Left),
        ("LAST", Align::Left),
    ];
    let digits = group_digits(groups.iter().map(|group| group.group.as_str()));
    let rows: Vec<Vec<String>> = groups
        .iter()
        .map(|group| {
            vec![
                group.group.chars().take(digits).collect(),
                number(group.letters),
                number(group.malls),
                group.class.replace('_', " "),
                short(&group.cause, 60),
                short_time(group.first),
                short_time(group.last),
            ]
        })
        .collect();
    table(&columns, &rows)
}

/// The fewest digits, four at least, that tell these groups apart.
fn group_digits<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    let names: std::collections::BTreeSet<&str> = names.collect();
    let alike = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // Sorted, so names that begin alike stand side by side.
    let most = names.iter().zip(names.iter().skip(1)).map(|(a, b)| alike(a, b)).max();
    most.map_or(GROUP_DIGITS, |most| (most + 1).max(GROUP_DIGITS))
}

pub(super) fn plain_groups(groups: &[LetterGroup]) -> String {
    let names = ["group", "letters", "malls", "class", "first", "last", "cause"];
    let rows: Vec<Vec<String>> = groups
        .iter()
        .map(|group| {
            vec![
                group.group.clone(),
                group.letters.to_string(),
                group.malls.to_string(),
                group.class.clone(),
                json_time(group.first),
                json_time(group.last),
                group.cause.clone(),
            ]
        })
        .collect();
    tsv(&names, &rows)
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
        "group",
        "round",
        "state",
        "agency",
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
                json_time(letter.died_at),
                letter.reason.clone(),
                letter.group.clone(),
                letter.round.to_string(),
                letter.state.clone(),
                letter.agency.clone().unwrap_or_default(),
            ]
        })
        .collect();
    tsv(&names, &rows)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::command::health::tests::at;
    use crate::output::paint::bare;

    pub(in crate::command::dead) fn group() -> LetterGroup {
        LetterGroup {
            group: "9f31c2a".to_owned(),
            class: "contract_violation".to_owned(),
            cause: "products: data[].orderCount is missing".to_owned(),
            letters: 3,
            malls: 1,
            first: at() - chrono::Duration::hours(52),
            last: at(),
        }
    }

    pub(in crate::command::dead) fn letter() -> DeadLetter {
        let id = Uuid::from_u128(0x9f31_c2aa_0000_5000_8000_0000_0000_0001);
        DeadLetter {
            letter_id: id,
            job_id: Some(id),
            group: "9f31c2a".to_owned(),
            cause: "products: data[].orderCount is missing".to_owned(),
            run_id: Some(Uuid::from_u128(7)),
            mall_id: Some("ainong".to_owned()),
            agency: Some("default".to_owned()),
            shop_no: Some(1),
            endpoint: Some("products".to_owned()),
            granularity: Some("day".to_owned()),
            start: "2026-02-15".parse().ok(),
            end: "2026-02-15".parse().ok(),
            lane: Some("fresh".to_owned()),
            class: "contract_violation".to_owned(),
            reason: "the answer does not fit the contract at $.data[17].orderCount: is missing".to_owned(),
            attempts: 1,
            history: json!([
                { "at": "2026-02-15T21:12:00Z", "attempt": 1, "class": "transient", "text": "HTTP 503", "worker": "w-1" },
                { "at": "2026-02-16T01:42:00Z", "attempt": 2, "class": "contract_violation", "text": "is missing", "worker": "w-2" },
            ]),
            round: 1,
            replay_of: None,
            evidence: Some(json!({
                "status": 200,
                "request": "GET /api/v1/malls/ainong/products/sales?startDate=2026-02-15",
                "body_head": "{\"productNo\":1833,\"productName\":\"\u{1b}[2J…\"}",
            })),
            body: "{}".to_owned(),
            body_bytes: 2,
            died_at: at(),
            state: "open".to_owned(),
            state_at: at(),
            state_by: None,
            state_reason: None,
            replay_run: None,
            replayed_at: None,
        }
    }

    #[test]
    fn the_list_is_one_line_a_letter() {
        let mut unreadable = letter();
        (unreadable.job_id, unreadable.mall_id, unreadable.endpoint) = (None, None, None);
        (unreadable.start, unreadable.end) = (None, None);
        unreadable.letter_id = Uuid::from_u128(0x019c_0000_0000_7000_8000_0000_0000_0002);
        unreadable.class = "unreadable".to_owned();
        unreadable.group = "9f30000".to_owned();
        unreadable.reason = "no job:\nline".to_owned();
        let mut again = letter();
        again.round = 3;
        assert_eq!(
            bare(&list(&[letter(), again, unreadable], 5, true, true)),
            include_str!("../../../tests/golden/dead_list.txt")
        );
    }

    #[test]
    fn letters_of_one_cause_are_one_line() {
        let group = group();
        let other = LetterGroup {
            group: "00aa11b".to_owned(),
            letters: 1_204,
            malls: 212,
            class: "transient".to_owned(),
            cause: "visitors: HTTP 503\u{1b}[2J".to_owned(),
            ..group.clone()
        };
        assert_eq!(bare(&groups(&[other, group])), include_str!("../../../tests/golden/dead_groups.txt"));
    }

    #[test]
    fn groups_that_begin_alike_are_shown_with_as_many_digits_as_tell_them_apart() {
        assert_eq!(group_digits(["9f31c2a", "9f31c99", "0000000"].into_iter()), 6);
        assert_eq!(group_digits(["9f31c2a", "9f31c2a"].into_iter()), 4);
        assert_eq!(group_digits(std::iter::empty()), 4);
    }
}
