//! What keeps work from being done, and what a person does about it: one place for `status`, `malls`, plans and alerts.

use common::domain::ids::MallId;
use common::store::{Connector, ConnectorState, EndpointPause, Mode, PauseCause};

/// Where it stands why jobs are paused: by their endpoint, or by their mall.
pub const WHY_PAUSED: &str = "cafe24-sync endpoints list, cafe24-sync malls list";

/// A hindrance in a few words, and the command (or deed) that ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// What it is.
    pub what: &'static str,
    /// What to do.
    pub action: String,
}

impl Remedy {
    /// What keeps a mall from sending; `None`: nothing does.
    pub fn of_mall(mall: &str, state: ConnectorState, mode: &Mode) -> Option<Self> {
        let of = |what, action: String| Some(Self { what, action });
        match (mode, state) {
            (_, ConnectorState::Paused) => of("paused", format!("cafe24-sync malls resume {mall}")),
            (_, ConnectorState::NeedsConsent) => of("not authorised", format!("cafe24-sync connect {mall}")),
            (_, ConnectorState::NeedsScope) => {
                of("a scope is missing", format!("cafe24-sync connect {mall}"))
            }
            (_, ConnectorState::Forbidden) => of(
                "Cafe24 refuses the app",
                format!("see to the app's approval, then cafe24-sync malls resume {mall}"),
            ),
            (Mode::Other(_), ConnectorState::Active) => {
                of("its mode sends nothing", format!("cafe24-sync malls set {mall} mode=api"))
            }
            (Mode::Api, ConnectorState::Active) => None,
        }
    }

    /// What keeps an endpoint from being called.
    pub fn of_pause(pause: &EndpointPause) -> Self {
        Self::of_endpoint(pause.endpoint.as_str(), pause.mall_id.as_ref(), pause.cause)
    }

    /// The same of an endpoint by name.
    pub fn of_endpoint(endpoint: &str, mall: Option<&MallId>, cause: PauseCause) -> Self {
        let resume = format!("cafe24-sync endpoints resume {endpoint}");
        match (mall, cause) {
            (Some(mall), _) => Self {
                what: "paused",
                action: format!("cafe24-sync malls resume {mall} --endpoint {endpoint}"),
            },
            (None, PauseCause::Operator) => Self { what: "paused for all malls", action: resume },
            (None, PauseCause::ContractViolation) => Self {
                what: "the API changed, paused for all malls",
                action: format!("cafe24-sync dead list, mend or upgrade, then {resume}"),
            },
            (None, PauseCause::NotFound) => Self {
                what: "not there (404), paused for all malls",
                action: format!(
                    "see to cafe24.base_url and the API's notices, or, if one mall alone answers so, cafe24-sync \
                     malls pause MALL --endpoint {endpoint}; then {resume}"
                ),
            },
        }
    }
}

/// Why nothing is sent for a mall, in words, with what to do; empty: it sends.
pub fn why_silent(mall: &Connector) -> String {
    let Some(remedy) = Remedy::of_mall(mall.mall_id.as_str(), mall.state, &mall.mode) else {
        return String::new();
    };
    if let (ConnectorState::Active, Mode::Other(mode)) = (mall.state, &mall.mode) {
        return format!("mode is '{mode}' → {}", remedy.action);
    }
    because(remedy.what, mall.state_reason.as_deref(), &remedy.action)
}

/// Why an endpoint is not called, in words, with what to do.
pub fn why_paused(pause: &EndpointPause) -> String {
    let remedy = Remedy::of_pause(pause);
    because(remedy.what, Some(&pause.reason), &remedy.action)
}

/// `products`, or `hanbit/products` if it is one mall's.
pub fn subject(pause: &EndpointPause) -> String {
    match &pause.mall_id {
        Some(mall) => of_mall(mall, pause.endpoint.as_str()),
        None => pause.endpoint.to_string(),
    }
}

fn of_mall(mall: &MallId, endpoint: &str) -> String {
    format!("{mall}/{endpoint}")
}

fn because(what: &str, reason: Option<&str>, action: &str) -> String {
    match reason.filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("{what} ({reason}) → {action}"),
        None => format!("{what} → {action}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_that_sends_nothing_has_a_remedy_and_only_those() {
        let states = [
            ConnectorState::Active,
            ConnectorState::Paused,
            ConnectorState::NeedsConsent,
            ConnectorState::NeedsScope,
            ConnectorState::Forbidden,
        ];
        for state in states {
            for mode in [Mode::Api, Mode::Other("off".to_owned())] {
                let sends = state == ConnectorState::Active && mode == Mode::Api;
                let remedy = Remedy::of_mall("hanbit", state, &mode);
                assert_eq!(remedy.is_none(), sends, "{state:?} {mode:?}");
                assert!(remedy.is_none_or(|remedy| !remedy.action.is_empty()));
            }
        }
    }
}
