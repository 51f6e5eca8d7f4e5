use std::collections::BTreeMap;

use chrono::TimeDelta;
use common::store::{Edges, PauseCause, TokenFacts};

use super::*;
use crate::command::health::tests::{at, report};
use crate::output::golden::golden;
use crate::output::paint::bare;
use crate::plan::eta::Bound;
use crate::plan::selection::tests::mall;

/// What the lists say of a mall.
fn of(state: &str, mode: &str, freshness: &str, reason: &str) -> Health {
    let mut found = report("ainong", Some("2026-02-15"));
    (found.state, found.mode) = (state.to_owned(), Some(mode.to_owned()));
    (found.freshness, found.freshness_reason) = (freshness.to_owned(), Some(reason.to_owned()));
    health(&found)
}

fn shown() -> Shown {
    let mut connector = mall("ainong", "api");
    connector.state = ConnectorState::Paused;
    connector.state_reason = Some("shop is moving".to_owned());
    connector.state_since = at() - TimeDelta::hours(25);
    connector.has_tokens = true;
    connector.tokens = Some(TokenFacts {
        issued_at: at() - TimeDelta::hours(1),
        access_expires_at: at() + TimeDelta::hours(1),
        refresh_expires_at: at() + TimeDelta::days(13),
        scopes: vec!["mall.analytics".to_owned()],
        key_id: "k1".to_owned(),
    });
    let edges = |endpoint: &str, gaps| Edges {
        shop_no: 1,
        endpoint: endpoint.to_owned(),
        wanted_from: "2025-12-19".parse().ok(),
        complete_through: "2026-02-15".parse().ok(),
        gaps,
        today_state: Some(if gaps == 0 { "today_partial" } else { "not_yet" }.to_owned()),
    };
    let counts = |pairs: &[(&str, i64)]| {
        pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<BTreeMap<_, _>>()
    };
    Shown {
        mall: connector,
        health: of("paused", "api", "fresh", ""),
        details: MallDetails {
            paused_until: Some(at() + TimeDelta::days(4)),
            coverage: vec![edges("products", 3), edges("visitors", 0)],
            jobs: counts(&[("parked", 1_204), ("running", 2)]),
            dead: counts(&[("contract_violation", 3), ("transient", 1)]),
        },
        pauses: vec![EndpointPause {
            pause_id: 1,
            endpoint: "products".parse().expect("valid"),
            mall_id: None,
            dialect: None,
            cause: PauseCause::NotFound,
            reason: "HTTP 404 on its path, seen with mall hanbit".to_owned(),
            paused_by: "worker:breaker".to_owned(),
            since: at() - TimeDelta::hours(2),
            until: None,
            probed_at: None,
            probes: 0,
            parked: 4,
        }],
        approvals: vec![Approval {
            purpose: "reporting".to_owned(),
            reference: Some("contract 2026-14".to_owned()),
            approved_on: "2026-02-01".parse().ok(),
            recorded_by: "kim@desk".to_owned(),
            recorded_at: at(),
        }],
        audit: vec![Audited {
            entry_id: 7,
            at: at() - TimeDelta::hours(25),
            actor: "kim@desk".to_owned(),
            action: "malls.pause".to_owned(),
            mall_id: Some("ainong".to_owned()),
            target: "ainong".to_owned(),
            plan_id: None,
            details: json!({}),
        }],
        eta: Some(Eta {
            seconds: Some(539),
            key: "ainong".to_owned().try_into().expect("a key"),
            requests: 2,
            before: 0,
            tokens: Some(2),
            per_second: 2.0,
            bound: Bound::Budget,
        }),
        key_is_mall: true,
    }
}

#[test]
fn one_screen_says_all_that_one_asks_about_a_mall() {
    golden("malls_show", |_| shown().text(at()));
}

#[test]
fn the_document_has_the_same_with_times_of_korea() {
    let document = shown().document(at()).expect("a document");
    assert_eq!(document["since"], "2026-02-15T09:42:00+09:00");
    assert_eq!(document["tokens"]["refresh_expires_at"], "2026-03-01T10:42:00+09:00");
    assert_eq!(
        document["paused"][0]["do"].as_str().map(|text| text.contains("endpoints resume products")),
        Some(true)
    );
    assert_eq!((&document["dead"]["transient"], &document["jobs"]["parked"]), (&1.into(), &1_204.into()));
    assert_eq!(document["audit"][0]["at"], "2026-02-15T09:42:00+09:00");
}

#[test]
fn an_active_mall_without_anything_says_so() {
    let mut new = mall("new", "api");
    new.has_tokens = false;
    let shown = Shown {
        mall: new,
        health: of("active", "api", "needs_you", "no day was ever asked for"),
        details: MallDetails::default(),
        pauses: Vec::new(),
        approvals: Vec::new(),
        audit: Vec::new(),
        eta: None,
        key_is_mall: true,
    };
    let text = bare(&shown.text(at()));
    assert!(text.contains("no day was ever asked for") && text.contains("tokens     none"), "{text}");
}

#[test]
fn a_mall_whose_mode_is_off_names_the_command_and_no_moment() {
    let mut shown = shown();
    shown.mall = mall("ainong", "off");
    shown.health = of("active", "off", "fresh", "");
    shown.details.paused_until = None;
    let text = bare(&shown.text(at()));
    assert!(text.starts_with("ainong  its mode sends nothing\n"), "{text}");
    assert!(text.contains("do         cafe24-sync malls set ainong mode=api\n"), "{text}");
}

#[test]
fn the_head_has_the_word_of_the_lists_and_says_why_and_what_to_do() {
    let mut shown = shown();
    shown.mall = mall("ainong", "api");
    shown.details.paused_until = None;
    shown.health = of("active", "api", "needs_you", "domains is paused since the API changed");
    let text = bare(&shown.text(at()));
    assert!(text.starts_with("ainong  needs you · active since "), "{text}");
    assert!(text.contains("why        domains is paused since the API changed\n"), "{text}");
    assert!(text.contains("do         cafe24-sync endpoints list\n"), "{text}");
    let document = shown.document(at()).expect("a document");
    assert_eq!(
        (&document["status"], &document["do"]),
        (&"needs_you".into(), &"cafe24-sync endpoints list".into())
    );
    // What keeps the whole mall from sending is said more closely.
    shown.mall.state = ConnectorState::NeedsConsent;
    shown.health = of("needs_consent", "api", "fresh", "");
    assert!(bare(&shown.text(at())).starts_with("ainong  needs you · not authorised since "));
}
