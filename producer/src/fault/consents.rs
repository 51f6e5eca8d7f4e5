//! The sentences of a consent that brought nothing, and of tokens that could not be ended.

use common::domain::consent::ConsentOutcome;
use common::domain::ids::MallId;
use serde_json::Value;

use super::Fault;
use super::fields::Words;

/// A mall's consent that brought nothing.
#[derive(Debug, Clone)]
pub struct NotConnected {
    pub(super) mall: MallId,
    pub(super) outcome: ConsentOutcome,
    /// As the attempt's row has it.
    pub(super) detail: Value,
}

const AS_BEFORE: &str = "nothing was changed; if the mall was connected before, it still is";

impl Fault {
    /// What came of a consent, other than tokens.
    pub(crate) fn not_connected(mall: &MallId, outcome: ConsentOutcome, detail: Value) -> Self {
        Self::NotConnected(Box::new(NotConnected { mall: mall.clone(), outcome, detail }))
    }
}

impl NotConnected {
    pub(super) fn words(&self) -> Words {
        let Self { mall, outcome, detail } = self;
        let text = |name: &str| detail[name].as_str().unwrap_or_default();
        let again = format!("cafe24-sync connect {mall}");
        let words = |code, what: String| Words::new(code, what).now(AS_BEFORE).act(&again);
        match outcome {
            ConsentOutcome::Denied => words("E-AUTH-11", format!("mall '{mall}' did not consent"))
                .why("Deny was pressed on Cafe24's page"),
            ConsentOutcome::ScopeRefused => {
                words("E-AUTH-12", "the app may not ask for the scope".to_owned())
                    .why("Cafe24 answered invalid_scope: the scope is not among the app's permissions")
                    .act(format!("add the scope to the app in Cafe24 Developers, then: {again}"))
            }
            ConsentOutcome::CodeRefused => {
                words("E-AUTH-13", format!("Cafe24 refused the code of mall '{mall}' (invalid_grant)")).why(
                    "a code lives one minute and works once; it was late, used before, or another mall's",
                )
            }
            ConsentOutcome::AddressRefused => {
                words("E-AUTH-14", "Cafe24 refused the redirect address".to_owned())
                    .why("oauth.redirect_uri must equal the one registered with the app to the letter")
                    .act(format!(
                        "cafe24-sync config show        (correct oauth.redirect_uri, then: {again})"
                    ))
            }
            ConsentOutcome::AppRefused => words(
                "E-AUTH-15",
                "Cafe24 refused the app (invalid_client)".to_owned(),
            )
            .why("its client id or secret is wrong, or the app was removed")
            .act(format!(
                "cafe24-sync config show        (correct oauth.client_id and its secret, then: {again})"
            )),
            ConsentOutcome::OtherMall => words("E-AUTH-16", format!("another mall than '{mall}' consented"))
                .why("the tokens that came back are another mall's; they were thrown away")
                .act(format!("log in at Cafe24 as the main operator of {mall}, then: {again}")),
            ConsentOutcome::OtherAgency => {
                words("E-AUTH-17", format!("mall '{mall}' belongs to another agency"))
                    .why("a mall is connected for one agency at a time")
                    .now("nothing was changed; the other agency's connection works as before")
                    .act(format!("cafe24-sync malls remove {mall}        (by that agency, then: {again})"))
            }
            ConsentOutcome::ScopeMissing => {
                let granted: Vec<&str> =
                    detail["granted"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let granted = if granted.is_empty() { "none".to_owned() } else { granted.join(" ") };
                words("E-AUTH-18", format!("mall '{mall}' consented to less than is needed"))
                    .why(format!(
                        "scope {} is missing (granted: {granted}); the new tokens were thrown away",
                        text("needed")
                    ))
                    .act(format!("{again}        (leave every box ticked)"))
            }
            ConsentOutcome::Rejected => {
                words("E-AUTH-19", format!("Cafe24 refused the consent of mall '{mall}'"))
                    .why(if text("error").is_empty() { text("code") } else { text("error") })
            }
            ConsentOutcome::Unreachable => {
                words("E-AUTH-20", format!("Cafe24's OAuth host of mall '{mall}' is out of reach"))
                    .why(text("error"))
                    .now("nothing was stored; jobs wait, none is lost")
            }
            ConsentOutcome::NotStored => {
                words("E-AUTH-21", format!("the new tokens of mall '{mall}' could not be stored"))
                    .why(if text("error").is_empty() { "the database was away" } else { text("error") })
                    .now("jobs wait, none is lost; tokens from before may have been ended by the new consent")
            }
            ConsentOutcome::Withdrawn | ConsentOutcome::Connected => {
                words("E-AUTH-22", format!("the question to mall '{mall}' was withdrawn"))
            }
        }
    }
}

pub(super) fn link_expired(mall: &MallId) -> Words {
    Words::new("E-AUTH-23", format!("mall '{mall}' did not answer in time"))
        .why("nobody consented before the link ended")
        .now(AS_BEFORE)
        .act(format!("cafe24-sync connect {mall}"))
}

pub(super) fn no_daemon(mall: &MallId, origin: &str, why: &str) -> Words {
    Words::new("E-AUTH-24", format!("no daemon answers at {origin}, where Cafe24 would lead the browser"))
        .why(why)
        .now("nothing was changed")
        .act(format!("cafe24-sync serve, or without it: cafe24-sync connect {mall} --paste"))
}

pub(super) fn not_revoked(mall: &MallId, why: &str, action: &str) -> Words {
    Words::new("E-AUTH-25", format!("Cafe24 could not be told that the tokens of mall '{mall}' end"))
        .why(why)
        .now("nothing was changed; erased without being revoked, they would live there for up to 14 days")
        .act(action)
}
