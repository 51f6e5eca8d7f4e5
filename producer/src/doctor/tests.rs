use std::future::pending;

use super::screen::text;
use super::*;
use crate::output::golden::golden;
use crate::output::paint::bare;

/// The screen of the handbook.
fn findings() -> Vec<Finding> {
    vec![
        Finding::good("config", "41 keys, 6 from the file, 2 from the environment"),
        Finding::good("clock", "+12 ms Postgres, −3 ms Redis against us, KST days agree"),
        Finding::good("postgres", "15.6, schema 14/14, 38 of 100 connections"),
        Finding::good("rabbitmq", "3.10.8, queues and dead-letter bindings as declared"),
        Finding::warning("redis", "maxmemory is unset", "set maxmemory 256mb in redis.conf"),
        Finding::problem(
            "oauth",
            "redirect_uri is http://; Cafe24 wants https",
            "set oauth.redirect_uri to an https address",
        ),
        Finding::good("programs", "the daemon, 2 workers"),
        Finding::good("keys", "1 master key, opens the tokens of 212 malls"),
        Finding::problem(
            "malls",
            "2 malls without a living consent: hanbit, mo\u{1b}[2Jonlit, and this line is too long for a remedy",
            "cafe24-sync connect MALL",
        ),
        Finding::note("probe", "not sent: --offline"),
        Finding::good("exposure", "pages and metrics only for this machine"),
    ]
}

#[test]
fn every_line_says_what_was_found_and_what_to_do() {
    golden("doctor", |width| text(&findings(), width));
}

#[test]
fn all_well_is_said_in_words() {
    let well: Vec<_> = findings().into_iter().filter(|f| f.level == Level::Good).collect();
    assert!(bare(&text(&well, None)).ends_with("all well\n"));
}

#[test]
fn x2_what_a_server_says_cannot_move_the_cursor() {
    assert!(!bare(&text(&findings(), None)).contains('\u{1b}'));
}

#[test]
fn every_warning_and_problem_has_a_remedy() {
    let document = serde_json::to_value(findings()).expect("JSON");
    for finding in document.as_array().expect("a list") {
        let bad = matches!(finding["level"].as_str(), Some("warning" | "problem"));
        assert_eq!(finding.get("do").is_some(), bad, "{finding}");
    }
}

#[tokio::test]
async fn a_check_that_hangs_does_not_hang_the_others_nor_the_order() {
    let checks: Vec<Check<'_>> = vec![
        ("slow", Box::pin(async { vec![Finding::good("slow", "at last")] })),
        ("hangs", Box::pin(pending())),
        ("quick", Box::pin(async { vec![Finding::good("quick", "at once")] })),
    ];
    let found = within(Duration::from_millis(50), checks).await;
    let names: Vec<_> = found.iter().map(|finding| finding.check).collect();
    assert_eq!(names, ["slow", "hangs", "quick"]);
    assert_eq!(found[1].level, Level::Problem);
}
