use rstest::rstest;

use super::*;

const TOKENS: &str = r#"{"access_token":"canary-a","expires_at":"2026-02-16T14:00:00.000","refresh_token":"canary-r",
"refresh_token_expires_at":"2026-03-02T12:00:00.000","client_id":"c","mall_id":"hanbit","scopes":["mall.analytics"],
"issued_at":"2026-02-16T12:00:00.000"}"#;

fn one_line(tokens: &str) -> String {
    tokens.replace('\n', "")
}

fn shops(mall: &FileMall) -> Option<usize> {
    mall.shops.as_ref().map(Vec::len)
}

fn problems(text: &str) -> Vec<(u64, String)> {
    let bad = read(text.as_bytes()).expect_err("refused");
    bad.lines.into_iter().map(|line| (line.line, line.problem)).collect()
}

#[test]
fn json_lines_are_taken_with_their_tokens() {
    let text = format!(
        "{{\"mall_id\":\"hanbit\",\"agency\":\"acme\",\"dialect\":\"seed\",\"shops\":[1,1],\"mode\":\"api\",\"oauth_tokens\":{}}}\n\n{{\"mall_id\":\"b\"}}\n",
        one_line(TOKENS)
    );
    let malls = read(text.as_bytes()).expect("good");
    assert_eq!(malls.len(), 2);
    assert_eq!(
        (malls[0].agency.as_deref(), shops(&malls[0]), malls[0].mode.as_ref()),
        (Some("acme"), Some(1), Some(&Mode::Api))
    );
    let tokens = malls[0].tokens.as_ref().expect("tokens");
    assert_eq!(tokens.scopes, ["mall.analytics"]);
    let bare = &malls[1];
    assert!(bare.tokens.is_none() && bare.mode.is_none() && bare.agency.is_none() && bare.shops.is_none());
}

#[test]
fn csv_of_a_spreadsheet_is_taken_with_its_tokens() {
    let text = "\u{feff}mall_id,shops,mode,access_token,expires_at,refresh_token,refresh_token_expires_at,issued_at,scopes\r\n\
        hanbit,1;1,api,a,2026-02-16T14:00:00.000,r,2026-03-02T12:00:00.000,2026-02-16T12:00:00.000,mall.analytics mall.x\r\n\
        moonlit,,off,,,,,,\r\n";
    let malls = read(text.as_bytes()).expect("good");
    assert_eq!(
        (shops(&malls[0]), malls[0].tokens.as_ref().map(|pair| pair.scopes.len())),
        (Some(1), Some(2))
    );
    assert_eq!((shops(&malls[1]), malls[1].tokens.is_none()), (None, true), "an empty cell says nothing");
}

#[test]
fn every_bad_line_is_named_with_its_reason() {
    let text = "{\"mall_id\":\"a\"}\n{\"mall_id\":\"Evil.com/\"}\nnonsense\n{\"mall_id\":\"a\"}\n{\"mall_id\":\"b\",\"shop\":[1]}\n{\"mall_id\":\"c\",\"shops\":[0]}\n{\"mall_id\":\"d\",\"dialect\":\"mobile\"}\n{}\n";
    let found = problems(text);
    assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7, 8]);
    let texts: Vec<&str> = found.iter().map(|(_, problem)| problem.as_str()).collect();
    assert!(texts[0].contains("is not a mall id"), "{texts:?}");
    assert!(texts[1].contains("not a JSON object"), "{texts:?}");
    assert_eq!(texts[2], "mall 'a' stands in line 1 already");
    assert!(texts[3].contains("unknown field `shop`"), "{texts:?}");
    assert!(texts[4].contains("is not a shop number"), "{texts:?}");
    assert!(texts[5].contains("is not a dialect"), "{texts:?}");
    assert!(texts[6].contains("missing field `mall_id`"), "{texts:?}");
}

#[rstest]
#[case::unknown_column("mall_id,colour\na,red\n", 1, "unknown column `colour`")]
#[case::no_mall("agency\nx\n", 1, "no column `mall_id`")]
#[case::short_line("mall_id,mode\na\n", 2, "1 cells under a heading of 2")]
#[case::half_a_pair(
    "mall_id,access_token,expires_at,refresh_token,refresh_token_expires_at,issued_at\na,x,,,,\n",
    2,
    "`expires_at` is empty"
)]
#[case::shops("mall_id,shops\na,one\n", 2, "not numbers")]
#[case::endpoint("mall_id,endpoints\na,visitors;sales\n", 2, "use one of visitors, pageviews")]
#[case::no_endpoint("mall_id,endpoints\na,;\n", 2, "names none")]
#[case::after_a_quoted_line_end("mall_id,agency\n\"a\",\"x\ny\"\nB,z\n", 4, "is not a mall id")]
#[case::empty("", 1, "the file is empty")]
#[case::array("[{\"mall_id\":\"a\"}]", 1, "one object a line")]
fn a_bad_file_is_refused_at_its_line(#[case] text: &str, #[case] line: u64, #[case] problem: &str) {
    let found = problems(text);
    assert!(found.iter().any(|(at, text)| *at == line && text.contains(problem)), "{found:?}");
}

#[test]
fn tokens_of_another_mall_are_refused_and_no_token_is_repeated() {
    let other = format!("{{\"mall_id\":\"moonlit\",\"oauth_tokens\":{}}}\n", one_line(TOKENS));
    let cut = other.replace("\"expires_at\"", "\"expired_at\"").replace("moonlit", "hanbit");
    let wrong = "{\"mall_id\":\"a\",\"oauth_tokens\":\"canary-x\"}\n{\"mall_id\":\"a\",\"shops\":\"canary-y\"}\n{\"mall_id\":\"a\",\"oauth_tokens\":canary-z}\n";
    let found = problems(&format!("{other}{cut}{wrong}"));
    assert_eq!(found[0].1, "the tokens are for mall 'hanbit', the line is for 'moonlit'");
    assert_eq!(found[1].1, "`oauth_tokens.expires_at` is missing or no text");
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|(_, problem)| !problem.contains("canary")), "{found:?}");
}

#[test]
fn endpoints_are_taken_in_the_order_of_the_table_and_each_once() {
    let malls = read(b"mall_id,dialect,endpoints\na,live,keywords;visitors;keywords\nb,,\n").expect("good");
    let names =
        |mall: &FileMall| mall.endpoints.as_ref().map(|all| all.iter().map(|one| one.as_str()).collect());
    assert_eq!(
        (malls[0].dialect, names(&malls[0])),
        (Some(Dialect::Live), Some(vec!["visitors", "keywords"]))
    );
    assert_eq!((malls[1].dialect, names(&malls[1])), (None, None), "as it is stored, or as every mall");
    let json = read(b"{\"mall_id\":\"a\",\"endpoints\":[\"ads\"]}").expect("good");
    assert_eq!(names(&json[0]), Some(vec!["ads"]));
}

#[test]
fn a_hundred_bad_lines_are_told_and_all_are_counted() {
    let text = "{\"mall_id\":\"A\"}\n".repeat(150);
    let bad = read(text.as_bytes()).expect_err("refused");
    assert_eq!((bad.lines.len(), bad.count), (100, 150));
}

#[test]
fn a_mall_names_its_app_or_goes_back_to_the_configured_one() {
    let malls = read(b"mall_id,app\na,brand-b\nb,-\nc,\n").expect("good");
    let apps: Vec<&AppChoice> = malls.iter().map(|mall| &mall.app).collect();
    let named = AppChoice::Named("brand-b".parse().expect("valid"));
    assert_eq!(apps, [&named, &AppChoice::Configured, &AppChoice::Keep]);
    assert_eq!(problems("mall_id,app\na,Brand B\n")[0].0, 2);
}
