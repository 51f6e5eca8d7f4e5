//! Servers that give shorter pages than they are asked for.

use super::*;

/// A server that is asked for a thousand rows and gives fewer.
fn cut_at(most: usize, rows: u32, from: &str) -> (Answer, i64) {
    let host = Host::of(0..rows);
    let page = |_, offset| {
        let rows: Vec<_> = host.0.iter().skip(offset).take(most).cloned().collect();
        let ends = rows.first().cloned().zip(rows.last().cloned()).map(Box::new);
        Page { count: rows.len(), ends, rows, ..Page::default() }
    };
    let (answer, asked) = ask(page, Pages::of(Dialect::Live, Settle::NONE), "domains", from, 1);
    (answer.expect("all of it"), asked)
}

#[test]
fn a05_a_server_that_cuts_sooner_than_it_was_asked_to_loses_no_row() {
    for (most, rows, requests) in [
        (100, 250, 3),
        (100, 100, 2),
        (100, 199, 3),
        (50, 51, 2),
        (500, 1_200, 3),
        (256, 600, 3),
        (128, 129, 2),
    ] {
        for from in [LATER, "2026-02-15T06:00:00Z"] {
            let (answer, asked) = cut_at(most, rows, from);
            assert_eq!(answer.rows.len(), rows as usize, "{rows} rows in pages of {most}");
            assert_eq!(asked, requests, "{rows} rows in pages of {most}");
            assert_eq!(answer.oddities.cut_at, (rows as usize > most).then_some(most));
            assert!(!answer.moved);
        }
    }
}

#[test]
fn an_answer_of_no_round_number_of_rows_costs_one_request_and_a_round_one_two() {
    for rows in 0..1_000 {
        let (answer, asked) = cut_at(1_000, rows, LATER);
        let round = rows >= 50 && (rows % 50 == 0 || rows.is_power_of_two());
        assert_eq!((asked, answer.rows.len()), (1 + i64::from(round), rows as usize), "{rows}");
        assert_eq!(answer.oddities.cut_at, None, "{rows}");
    }
}

#[test]
fn a_list_of_days_that_has_them_all_is_whole() {
    let days = |count: u64, most: usize| {
        let rows: Vec<_> = (0..count)
            .map(|n| MetricRow {
                entity_id: String::new(),
                day: "2026-02-15".parse::<NaiveDate>().expect("a day") + Days::new(n),
                ..row(0, 1)
            })
            .collect();
        let page = move |_, offset| {
            let rows: Vec<_> = rows.iter().skip(offset).take(most).cloned().collect();
            let ends = rows.first().cloned().zip(rows.last().cloned()).map(Box::new);
            Page { count: rows.len(), ends, rows, ..Page::default() }
        };
        let pages = Pages::of(Dialect::Live, Settle::NONE);
        let (answer, asked) = ask(page, pages, "visitors", "2026-09-01T00:00:00Z", count);
        (answer.expect("all of it").rows.len() as u64, asked)
    };
    assert_eq!(days(50, 1_000), (50, 1), "no more days can be");
    assert_eq!(days(90, 50), (90, 2), "cut after fifty");
}
