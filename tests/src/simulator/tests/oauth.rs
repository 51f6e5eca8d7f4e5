//! Tokens over HTTP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;

use super::super::client::{Got, get, post_form};
use super::super::{Endpoint, FaultKind, FaultRule, SimulatorHandle, Target, TokenAnswer};
use super::{DAY, MALL, ask, path, start};

fn basic() -> String {
    STANDARD.encode("simulated-client:simulated-secret")
}

fn token(sim: &SimulatorHandle, form: &str) -> Got {
    post_form(sim.address(), &format!("/oauth/{MALL}/api/v2/oauth/token"), &basic(), form)
}

fn refresh(sim: &SimulatorHandle, refresh_token: &str) -> Got {
    token(sim, &format!("grant_type=refresh_token&refresh_token={refresh_token}"))
}

#[test]
fn a_refresh_rotates_the_pair_and_an_old_token_is_counted_as_reuse() {
    let sim = start();
    let old = sim.issue_tokens(MALL).unwrap();
    let new: TokenAnswer = serde_json::from_slice(&refresh(&sim, &old.refresh_token).body).unwrap();
    assert_ne!(new.access_token, old.access_token);

    let again = refresh(&sim, &old.refresh_token);
    assert_eq!(again.status, 400);
    assert!(again.text().starts_with(r#"{"error":"invalid_grant""#), "{}", again.text());
    let url = path(Endpoint::VisitorsView, &format!("startDate={DAY}&endDate={DAY}&dateType=day"));
    assert_eq!(get(sim.address(), &url, Some(&old.access_token)).status, 401);
    assert_eq!(get(sim.address(), &url, Some(&new.access_token)).status, 200);

    let tokens = sim.mall_report(MALL).unwrap().tokens;
    assert_eq!((tokens.refreshes, tokens.refresh_token_reuse, tokens.access_token_reuse), (1, 1, 1));
}

#[test]
fn a_wrong_secret_is_an_invalid_client() {
    let sim = start();
    let wrong = STANDARD.encode("simulated-client:guess");
    let url = format!("/oauth/{MALL}/api/v2/oauth/token");
    let got = post_form(sim.address(), &url, &wrong, "grant_type=refresh_token&refresh_token=x");
    assert_eq!(got.status, 401);
    assert!(got.text().starts_with(r#"{"error":"invalid_client""#));
}

#[test]
fn consent_leads_back_with_a_code_that_buys_a_pair_once() {
    let sim = start();
    let callback = "http%3A%2F%2F127.0.0.1%3A9%2Fcallback";
    let query =
        format!("client_id=simulated-client&state=s%26t&redirect_uri={callback}&scope=mall.analytics");
    let base = format!("/oauth/{MALL}/api/v2/oauth");
    let page = get(sim.address(), &format!("{base}/authorize?response_type=code&{query}"), None);
    assert_eq!(page.status, 200);
    assert!(page.text().contains(r#"name="state" value="s&amp;t""#), "{}", page.text());

    let allowed =
        post_form(sim.address(), &format!("{base}/consent"), "", &format!("{query}&decision=allow"));
    assert_eq!(allowed.status, 303);
    let location = allowed.header("location").unwrap();
    let code = location.strip_prefix("http://127.0.0.1:9/callback?code=").unwrap();
    let (code, state) = code.split_once("&state=").unwrap();
    assert_eq!(state, "s%26t");

    let form = format!("grant_type=authorization_code&code={code}&redirect_uri={callback}");
    let pair: TokenAnswer = serde_json::from_slice(&token(&sim, &form).body).unwrap();
    assert_eq!(pair.scopes, ["mall.analytics"]);
    assert_eq!(token(&sim, &form).status, 400);
}

#[test]
fn denied_consent_leads_back_with_an_error() {
    let sim = start();
    let form = "client_id=simulated-client&state=x&redirect_uri=http%3A%2F%2Fa%2F&scope=&decision=deny";
    let got = post_form(sim.address(), &format!("/oauth/{MALL}/api/v2/oauth/consent"), "", form);
    assert!(got.header("location").unwrap().starts_with("http://a/?error=access_denied"));
}

#[test]
fn time_and_order_both_end_an_access_token() {
    let sim = start();
    assert_eq!(ask(&sim, Endpoint::VisitorsView).status, 200);
    sim.clock().advance(TimeDelta::hours(2));
    assert_eq!(ask(&sim, Endpoint::VisitorsView).status, 401);
    sim.issue_tokens(MALL).unwrap();
    assert_eq!(ask(&sim, Endpoint::VisitorsView).status, 200);
    sim.expire_access(MALL).unwrap();
    assert_eq!(ask(&sim, Endpoint::VisitorsView).status, 401);
    assert_eq!(sim.mall_report(MALL).unwrap().tokens.expired_access, 2);
}

#[test]
fn overlapping_refreshes_are_counted() {
    let sim = start();
    let rule = FaultRule { endpoint: Some(Target::Token), ..FaultRule::once(FaultKind::Hold) };
    sim.order(rule).unwrap();
    let pair = sim.issue_tokens(MALL).unwrap();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| refresh(&sim, &pair.refresh_token).status);
        while sim.held() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(refresh(&sim, &pair.refresh_token).status, 200);
        sim.release();
        assert_eq!(held.join().unwrap(), 400);
    });
    assert_eq!(sim.mall_report(MALL).unwrap().tokens.overlapping_refreshes, 1);
}

#[test]
fn a_lost_answer_has_rotated_the_pair_all_the_same() {
    let sim = start();
    let reset = FaultKind::Reset { after_body_bytes: None };
    let rule = FaultRule { endpoint: Some(Target::Token), after_effect: true, ..FaultRule::once(reset) };
    sim.order(rule).unwrap();
    let pair = sim.issue_tokens(MALL).unwrap();
    assert!(refresh(&sim, &pair.refresh_token).end.is_err());
    assert_eq!(refresh(&sim, &pair.refresh_token).status, 400);
    assert_eq!(sim.mall_report(MALL).unwrap().tokens.refreshes, 1);
}

#[test]
fn a_revoked_token_takes_its_other_half_along() {
    let sim = start();
    let pair = sim.issue_tokens(MALL).unwrap();
    let url = format!("/oauth/{MALL}/api/v2/oauth/revoke");
    let form = format!("token={}", pair.access_token);
    assert_eq!(post_form(sim.address(), &url, &basic(), &form).status, 200);
    assert_eq!(refresh(&sim, &pair.refresh_token).status, 400);
}
