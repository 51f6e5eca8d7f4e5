//! Dead letters as lists.

use common::store::{DeadLetter, LetterGroup};

use crate::output::table::{Cell, Column, Table};
use crate::output::text::{clean, number};

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

const COLUMNS: [Column; 19] = [
    Column::left("ID", ""),
    Column::plain("id"),
    Column::left("GROUP", ""),
    Column::left("MALL", ""),
    Column::plain("mall_id"),
    Column::plain("shop_no"),
    Column::left("ENDPOINT", "endpoint"),
    Column::plain("granularity"),
    Column::left("DAYS", ""),
    Column::plain("start"),
    Column::plain("end"),
    Column::left("CLASS", "class").may_go(1),
    Column::plain("attempts"),
    Column::flowing("CAUSE", "reason"),
    Column::left("DIED", "died_at").may_go(2),
    Column::plain("group"),
    Column::plain("round"),
    Column::plain("state"),
    Column::plain("agency"),
];

/// A line a letter; `only_open`: where they stand goes without saying.
pub(super) fn list(letters: &[DeadLetter], only_open: bool) -> Table {
    let mut columns = COLUMNS.to_vec();
    if !only_open {
        columns[17] = Column::left("STATE", "state");
    }
    let digits = group_digits(letters.iter().map(|letter| letter.group.as_str()));
    let row = |letter: &DeadLetter| {
        let mall = letter.mall_id.as_ref().map(|mall| format!("{mall}/{}", letter.shop_no.unwrap_or(1)));
        vec![
            short_id(letter).into(),
            letter.letter_id.to_string().into(),
            letter.group.chars().take(digits).collect::<String>().into(),
            Cell::text_or_none(mall.as_deref()),
            Cell::text_or_none(letter.mall_id.as_deref()),
            letter.shop_no.map_or_else(Cell::none, |shop| shop.to_string().into()),
            Cell::text_or_none(letter.endpoint.as_deref()),
            Cell::text_or_none(letter.granularity.as_deref()),
            days(letter).into(),
            Cell::day_or_none(letter.start),
            Cell::day_or_none(letter.end),
            Cell::new(letter.class.replace('_', " "), letter.class.as_str()),
            letter.attempts.to_string().into(),
            Cell::new(cause(letter), letter.reason.as_str()),
            Cell::time(letter.died_at),
            letter.group.as_str().into(),
            letter.round.to_string().into(),
            letter.state.as_str().into(),
            Cell::text_or_none(letter.agency.as_deref()),
        ]
    };
    Table::new(&columns, letters.iter().map(row))
}

/// What stands under a list that goes on; `all` is how many there are.
pub(super) fn more(letters: &[DeadLetter], all: i64) -> String {
    let shown = number(i64::try_from(letters.len()).unwrap_or(i64::MAX));
    let after = letters.last().map(short_id).unwrap_or_default();
    format!("{shown} of {} shown · next: --after {after} · by cause: --group\n", number(all))
}

/// What failed, and the how manieth time.
fn cause(letter: &DeadLetter) -> String {
    // The place in the answer goes without the sentence around it; of the whole answer there is none.
    let reason = match letter.reason.strip_prefix("the answer does not fit the contract at $") {
        Some(place) => place.trim_start_matches(['.', ':', ' ']),
        None => &letter.reason,
    };
    let words = clean(reason);
    if letter.round > 1 { format!("{words} · round {}", letter.round) } else { words.into_owned() }
}

const GROUPS: [Column; 8] = [
    Column::left("GROUP", ""),
    Column::plain("group"),
    Column::right("JOBS", "letters"),
    Column::right("MALLS", "malls"),
    Column::left("CLASS", "class").may_go(1),
    Column::flowing("CAUSE", "cause"),
    Column::left("FIRST", "first").may_go(2),
    Column::left("LAST", "last"),
];

/// A line a cause.
pub(super) fn groups(groups: &[LetterGroup]) -> Table {
    let digits = group_digits(groups.iter().map(|group| group.group.as_str()));
    let row = |group: &LetterGroup| {
        vec![
            group.group.chars().take(digits).collect::<String>().into(),
            group.group.as_str().into(),
            Cell::count(group.letters),
            Cell::count(group.malls),
            Cell::new(group.class.replace('_', " "), group.class.as_str()),
            group.cause.as_str().into(),
            Cell::time(group.first),
            Cell::time(group.last),
        ]
    };
    Table::new(&GROUPS, groups.iter().map(row))
}

/// The fewest digits, four at least, that tell these groups apart.
fn group_digits<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    let names: std::collections::BTreeSet<&str> = names.collect();
    let alike = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // Sorted, so names that begin alike stand side by side.
    let most = names.iter().zip(names.iter().skip(1)).map(|(a, b)| alike(a, b)).max();
    most.map_or(GROUP_DIGITS, |most| (most + 1).max(GROUP_DIGITS))
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::command::health::tests::at;
    use crate::output::golden::golden;

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
        let letters = [letter(), again, unreadable];
        let mut whole = letter();
        whole.reason =
            "the answer does not fit the contract at $: invalid type: sequence, expected a map".to_owned();
        assert_eq!(cause(&whole), "invalid type: sequence, expected a map");
        golden("dead_list", |width| list(&letters, true).text(width) + &more(&letters, 5));
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
        let both = [other, group];
        golden("dead_groups", |width| groups(&both).text(width));
    }

    #[test]
    fn groups_that_begin_alike_are_shown_with_as_many_digits_as_tell_them_apart() {
        assert_eq!(group_digits(["9f31c2a", "9f31c99", "0000000"].into_iter()), 6);
        assert_eq!(group_digits(["9f31c2a", "9f31c2a"].into_iter()), 4);
        assert_eq!(group_digits(std::iter::empty()), 4);
    }
}
