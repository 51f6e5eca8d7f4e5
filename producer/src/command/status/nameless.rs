//! The status for whoever may not see which malls there are.

use common::store::{Control, StoreError};
use serde_json::{Value, json};

use super::{Found, collect};
use crate::command::context::Context;

/// Parts of the document that name no mall and no agency. A new part is shown only once it stands here.
const SHOWN: [&str; 9] = [
    "profile",
    "malls",
    "backlog",
    "workers",
    "dead",
    "eta_s",
    "lanes_paused",
    "backfill_waits_until",
    "allowed_per_second",
];
/// What is told of an alert; its words may name a mall.
const OF_ALERT: [&str; 6] = ["alert_id", "kind", "malls", "opened_at", "last_seen_at", "silenced_until"];

/// The document of `status --json` without names, and how many problems there are.
pub(in crate::command) async fn without_names(
    context: &Context,
    control: &Control,
) -> Result<Value, StoreError> {
    let found = collect(context, control).await?;
    Ok(nameless(&found))
}

fn nameless(found: &Found) -> Value {
    // Counts and texts always are JSON.
    let document = serde_json::to_value(found).unwrap_or_default();
    let mut shown = part(&document, &SHOWN);
    let alerts = document["alerts"].as_array().into_iter().flatten();
    shown["alerts"] = alerts.map(|alert| part(alert, &OF_ALERT)).collect();
    let named = i64::try_from(found.problems.len()).unwrap_or(i64::MAX);
    shown["problems_count"] = json!(named.saturating_add(found.problems_more));
    shown
}

fn part(of: &Value, keys: &[&str]) -> Value {
    keys.iter().map(|key| ((*key).to_owned(), of[*key].clone())).collect()
}
