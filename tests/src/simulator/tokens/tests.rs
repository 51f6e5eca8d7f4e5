use super::*;

const SCOPE: &str = "mall.analytics";

fn scopes() -> Vec<String> {
    vec![SCOPE.to_owned()]
}

fn now() -> DateTime<Utc> {
    "2026-02-16T03:00:00Z".parse().unwrap()
}

fn book() -> (TokenBook, SimConfig, TokenAnswer) {
    let (mut book, config) = (TokenBook::default(), SimConfig::default());
    let pair = book.issue("hanbit", scopes(), now(), &config);
    (book, config, pair)
}

#[test]
fn a_pair_says_its_times_as_the_specification_does() {
    let (_, _, pair) = book();
    assert_eq!(pair.issued_at, "2026-02-16T12:00:00.000");
    assert_eq!(pair.expires_at, "2026-02-16T14:00:00.000");
    assert_eq!(pair.refresh_token_expires_at, "2026-03-02T12:00:00.000");
}

#[test]
fn a_refresh_kills_both_old_tokens_at_once() {
    let (mut book, config, old) = book();
    let new = book.refresh("hanbit", &old.refresh_token, now(), &config).unwrap();
    assert_eq!(book.check("hanbit", &old.access_token, SCOPE, now()), Access::Rotated);
    assert_eq!(book.check("hanbit", &new.access_token, SCOPE, now()), Access::Good);
    assert_eq!(book.refresh("hanbit", &old.refresh_token, now(), &config), Err(Refusal::Rotated));
    assert!(book.refresh("hanbit", &new.refresh_token, now(), &config).is_ok());
}

#[test]
fn an_access_token_ends_after_two_hours_and_a_refresh_token_after_two_weeks() {
    let (mut book, config, pair) = book();
    let at = |hours| now() + TimeDelta::hours(hours);
    assert_eq!(book.check("hanbit", &pair.access_token, SCOPE, at(1)), Access::Good);
    assert_eq!(book.check("hanbit", &pair.access_token, SCOPE, at(2)), Access::Expired);
    assert_eq!(book.refresh("hanbit", &pair.refresh_token, at(14 * 24), &config), Err(Refusal::Expired));
}

#[test]
fn a_token_opens_only_its_own_mall() {
    let (mut book, config, pair) = book();
    assert_eq!(book.check("seoul", &pair.access_token, SCOPE, now()), Access::OtherMall);
    assert_eq!(book.refresh("seoul", &pair.refresh_token, now(), &config), Err(Refusal::Unknown));
}

#[test]
fn a_token_without_the_scope_opens_nothing() {
    let (mut book, config, _) = book();
    let pair = book.issue("hanbit", vec!["mall.read_product".to_owned()], now(), &config);
    assert_eq!(book.check("hanbit", &pair.access_token, SCOPE, now()), Access::NoScope);
}

#[test]
fn a_code_works_once_within_a_minute_and_for_its_own_address() {
    let (mut book, config, _) = book();
    let uri = "http://127.0.0.1/callback";
    let code = book.code(("hanbit", "hanbit"), uri, scopes(), now(), &config);
    assert!(book.exchange("hanbit", &code, uri, now(), &config).is_ok());
    assert_eq!(book.exchange("hanbit", &code, uri, now(), &config), Err(Refusal::Unknown));

    let late = book.code(("hanbit", "hanbit"), uri, scopes(), now(), &config);
    let minute = now() + TimeDelta::seconds(60);
    assert_eq!(book.exchange("hanbit", &late, uri, minute, &config), Err(Refusal::Expired));

    let elsewhere = book.code(("hanbit", "hanbit"), uri, scopes(), now(), &config);
    let other = "http://127.0.0.1/other";
    assert_eq!(book.exchange("hanbit", &elsewhere, other, now(), &config), Err(Refusal::RedirectUri));
}

#[test]
fn a_new_consent_ends_the_old_pair_unless_it_is_told_to_keep_it() {
    let uri = "http://127.0.0.1/callback";
    for keeps in [false, true] {
        let (mut book, mut config, old) = book();
        config.consent_keeps_pairs = keeps;
        let code = book.code(("hanbit", "hanbit"), uri, vec!["mall.read_product".to_owned()], now(), &config);
        let new = book.exchange("hanbit", &code, uri, now(), &config).unwrap();
        assert_eq!(book.check("hanbit", &new.access_token, SCOPE, now()), Access::NoScope);
        let still = if keeps { Access::Good } else { Access::Rotated };
        assert_eq!(book.check("hanbit", &old.access_token, SCOPE, now()), still);
        // Revoking one leaves the other.
        assert!(book.revoke("hanbit", &new.refresh_token) && !book.revoke("hanbit", &new.refresh_token));
        assert_eq!(book.check("hanbit", &old.access_token, SCOPE, now()), still);
    }
}

#[test]
fn a_code_of_another_malls_consent_buys_its_tokens_at_the_host_that_asked() {
    let (mut book, config, _) = book();
    let uri = "http://127.0.0.1/callback";
    let code = book.code(("seoul", "hanbit"), uri, scopes(), now(), &config);
    assert_eq!(book.exchange("hanbit", &code, uri, now(), &config).unwrap().mall_id, "seoul");
    let code = book.code(("seoul", "seoul"), uri, scopes(), now(), &config);
    assert_eq!(book.exchange("hanbit", &code, uri, now(), &config), Err(Refusal::Unknown));
}
