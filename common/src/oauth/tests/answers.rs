use rstest::rstest;

use super::super::*;

/// The specification's, Step 2.
const ANSWER: &str = r#"{
  "access_token": "0iqR5nM5EJIq...",
  "expires_at": "2026-02-16T14:00:00.000",
  "refresh_token": "JeTJ7XpnFC0P...",
  "refresh_token_expires_at": "2026-03-02T12:00:00.000",
  "client_id": "BrIfqEKoPxeE...",
  "mall_id": "yourmall",
  "scopes": ["mall.analytics"],
  "issued_at": "2026-02-16T12:00:00.000"
}"#;

fn read(json: &str) -> Result<TokenPair, InvalidAnswer> {
    TokenPair::from_answer(json.as_bytes(), Some("yourmall"), None)
}

#[test]
fn o05_times_without_a_zone_are_korean() {
    let pair = read(ANSWER).expect("the specification's answer");
    assert_eq!(pair.access_expires_at.to_rfc3339(), "2026-02-16T05:00:00+00:00");
    assert_eq!(pair.refresh_expires_at.to_rfc3339(), "2026-03-02T03:00:00+00:00");
    assert_eq!((pair.access.expose(), pair.scopes.len()), ("0iqR5nM5EJIq...", 1));
}

#[test]
fn o05_the_lifetime_counts_from_when_the_answer_came() {
    let received = "2026-02-16T03:05:00Z".parse().expect("a time");
    let pair = TokenPair::from_answer(ANSWER.as_bytes(), None, Some(received)).expect("valid");
    assert_eq!(pair.access_expires_at.to_rfc3339(), "2026-02-16T05:05:00+00:00");
}

#[test]
fn the_live_answers_further_fields_do_no_harm() {
    let live = ANSWER
        .replace("\"scopes\"", "\"user_id\":\"a\",\"shop_no\":\"1\",\"token_type\":\"Bearer\",\"scopes\"");
    assert!(read(&live).is_ok());
}

#[rstest]
#[case::no_json("<html>", InvalidAnswer::Form { line: 1, column: 1 })]
#[case::empty(&ANSWER.replace("JeTJ7XpnFC0P...", ""), InvalidAnswer::Empty("refresh_token"))]
#[case::no_time(&ANSWER.replace("2026-02-16T14:00:00.000", "soon"), InvalidAnswer::Time("expires_at"))]
#[case::backwards(&ANSWER.replace("2026-02-16T14", "2026-02-16T11"), InvalidAnswer::Order("expires_at"))]
#[case::other_mall(&ANSWER.replace("yourmall", "theirmall"), InvalidAnswer::OtherMall)]
fn other_answers_are_refused_without_being_repeated(#[case] json: &str, #[case] error: InvalidAnswer) {
    assert_eq!(read(json), Err(error));
}

#[test]
fn a_missing_field_is_an_error_and_no_default() {
    let error = read(&ANSWER.replace("expires_at", "expires")).expect_err("missing");
    assert!(matches!(error, InvalidAnswer::Form { .. }));
    assert!(!error.to_string().contains("0iqR5nM5EJIq"));
}
