use chrono::TimeDelta;
use rstest::rstest;

use super::*;
use crate::domain::endpoint::Dialect;
use crate::store::connectors::{AppChoice, Mode, NewMall, TokenFacts};

fn issued() -> DateTime<Utc> {
    "2026-02-16T00:00:00Z".parse().expect("a time")
}

fn stored(tokens: bool) -> Connector {
    Connector {
        mall_id: "hanbit".parse().expect("an id"),
        agency_id: "hanok".to_owned(),
        dialect: Dialect::Seed,
        shops: Vec::new(),
        endpoints: Vec::new(),
        wanted_from: None,
        limiter_key: "hanbit".to_owned().try_into().expect("a key"),
        mode: Mode::Api,
        state: ConnectorState::Active,
        state_reason: None,
        state_since: issued(),
        app_id: None,
        has_tokens: true,
        tokens: tokens.then(|| TokenFacts {
            issued_at: issued(),
            access_expires_at: issued(),
            refresh_expires_at: issued(),
            scopes: vec!["mall.analytics".to_owned()],
            key_id: "k".to_owned(),
        }),
    }
}

fn said(app: AppChoice, dialect: Option<Dialect>) -> NewConnector {
    let stored = stored(false);
    NewConnector {
        mall_id: stored.mall_id,
        agency_id: None,
        dialect,
        shops: None,
        endpoints: None,
        wanted_from: None,
        mode: None,
        app,
        new: NewMall {
            agency_id: "default".to_owned(),
            dialect: Dialect::Seed,
            mode: Mode::Api,
            limiter_key: stored.limiter_key,
            wanted_from: None,
        },
    }
}

#[rstest]
#[case::newer(-1, AppChoice::Keep, true, PairOutcome::Taken)]
#[case::the_same(0, AppChoice::Keep, true, PairOutcome::Known)]
#[case::older(1, AppChoice::Keep, true, PairOutcome::Older)]
#[case::of_the_same_app_by_name(1, AppChoice::Configured, true, PairOutcome::Older)]
#[case::older_of_another_app(1, AppChoice::Named("brand-b".parse().expect("an app")), true, PairOutcome::Taken)]
#[case::ours_of_no_known_age(-1, AppChoice::Keep, false, PairOutcome::Older)]
fn only_a_pair_that_may_live_is_taken(
    #[case] minutes_older: i64,
    #[case] app: AppChoice,
    #[case] told: bool,
    #[case] outcome: PairOutcome,
) {
    let given = Some(issued() - TimeDelta::minutes(minutes_older));
    let said = said(app, None);
    assert_eq!(pair_outcome(Some(&stored(told)), &said, given), outcome);
    assert_eq!(pair_outcome(None, &said, given), PairOutcome::Taken, "of a new mall");
    assert_eq!(pair_outcome(Some(&stored(told)), &said, None), PairOutcome::NotGiven);
}

#[test]
fn a_mall_whose_consent_is_not_enough_for_its_new_dialect_must_consent_anew() {
    let known = stored(true);
    let live = said(AppChoice::Keep, Some(Dialect::Live));
    let (same, given) = (said(AppChoice::Keep, None), ["mall.analytics".to_owned()]);
    let of = |known, said, pair| state_after(known, said, pair).map(|(state, _)| state);
    assert_eq!(of(Some(&known), &live, None), Some(ConnectorState::NeedsScope));
    assert_eq!(of(Some(&known), &live, Some(&given[..])), Some(ConnectorState::NeedsScope));
    assert_eq!(of(Some(&known), &same, None), None);
    assert_eq!(of(None, &live, None), Some(ConnectorState::NeedsConsent));
}

#[test]
fn a_paused_mall_stays_paused_whatever_the_scopes_of_its_new_tokens_are() {
    let paused = Connector { state: ConnectorState::Paused, ..stored(true) };
    let lacking = ["mall.read_product".to_owned()];
    let said = said(AppChoice::Keep, None);
    assert!(state_after(Some(&stored(true)), &said, Some(&lacking)).is_some());
    assert!(state_after(Some(&paused), &said, Some(&lacking)).is_none());
}
