//! What is said of a connected mall.

use chrono::{DateTime, Utc};
use common::domain::calendar::kst_day;
use common::domain::endpoint::Dialect;
use common::domain::ids::MallId;
use common::store::Consent;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::output::paint::{command, good, warn};
use crate::output::text::{clean, counted, json_time};

/// A mall that has just consented.
pub(super) struct Connected<'a> {
    mall: &'a MallId,
    dialect: Dialect,
    facts: Facts,
}

/// As the attempt's row has them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Facts {
    scopes: Vec<String>,
    shops: Vec<i32>,
    state: String,
    mode: String,
    refresh_expires_at: Option<DateTime<Utc>>,
    jobs_released: i64,
}

impl<'a> Connected<'a> {
    pub(super) fn of(consent: &'a Consent) -> Self {
        let facts = serde_json::from_value(consent.detail.clone()).unwrap_or_default();
        Self { mall: &consent.mall_id, dialect: consent.dialect, facts }
    }

    pub(super) fn text(&self) -> String {
        let shops: Vec<String> = self.facts.shops.iter().map(ToString::to_string).collect();
        let until =
            self.facts.refresh_expires_at.map_or_else(|| "?".to_owned(), |time| kst_day(time).to_string());
        format!(
            "{} {}: scope {} {} · shops {} · refresh token until {until} · {} released\n",
            good("✓"),
            self.mall,
            self.dialect.scope(),
            good("✓"),
            shops.join(","),
            counted(self.facts.jobs_released, "waiting job", "waiting jobs"),
        )
    }

    /// Why nothing is sent all the same.
    pub(super) fn note(&self) -> Option<String> {
        let Facts { state, mode, .. } = &self.facts;
        if state == "paused" {
            let resume = command(format!("cafe24-sync malls resume {}", self.mall)).to_string();
            return Some(format!("{} it was paused by hand and stays so → {resume}", warn("!")));
        }
        (mode != "api")
            .then(|| format!("{} its mode is '{}': nothing is sent for it", warn("!"), clean(mode)))
    }

    pub(super) fn json(&self) -> Value {
        let Facts { scopes, shops, state, mode, refresh_expires_at, jobs_released } = &self.facts;
        json!({
            "mall_id": self.mall, "scope": self.dialect.scope(), "scopes": scopes, "shops": shops, "state": state,
            "mode": mode, "refresh_expires_at": refresh_expires_at.map(json_time), "jobs_released": jobs_released,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::golden::golden;

    fn connected(mall: &MallId, state: &str, mode: &str) -> String {
        let facts = json!({
            "scopes": ["mall.analytics"], "shops": [1], "state": state, "mode": mode,
            "refresh_expires_at": "2026-03-02T01:00:00Z", "jobs_released": 8,
        });
        let facts = serde_json::from_value(facts).expect("facts");
        let connected = Connected { mall, dialect: Dialect::Seed, facts };
        format!("{}{}", connected.text(), connected.note().map(|note| note + "\n").unwrap_or_default())
    }

    #[test]
    fn a_connected_mall_is_one_line_and_what_keeps_it_silent_another() {
        let mall = "hanbit".parse().expect("a mall");
        let said = [("active", "api"), ("paused", "api"), ("active", "off")]
            .map(|(state, mode)| connected(&mall, state, mode))
            .concat();
        golden("connect", |_| said.clone());
    }
}
