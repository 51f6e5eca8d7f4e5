//! What a probe showed, for people and for programs.

use std::fmt::Write;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use common::api::FetchError;
use common::api::contract::{Amount, Field, Kind};
use common::store::Connector;
use serde_json::{Value, json};

use crate::fault::in_one_line;
use crate::output::paint::{bad, dim, good, warn};
use crate::output::text::{counted, headline_time};
use crate::probe::findings::{Finding, Findings};
use crate::probe::plan::Call;

pub(super) fn text(
    mall: &Connector,
    planned: usize,
    findings: &Findings,
    stopped: Option<&str>,
    files: &[PathBuf],
    now: DateTime<Utc>,
) -> String {
    let made = findings.calls.len();
    let made = if made == planned { made.to_string() } else { format!("{made} of {planned}") };
    let mut out = format!(
        "probe of {} · {} · {} · {made} calls, nothing stored\n",
        mall.mall_id,
        mall.dialect,
        headline_time(now)
    );
    for call in &findings.calls {
        out.push_str(&line(call));
    }
    for (endpoint, found) in &findings.grains {
        let Some(wire) = endpoint.wire(mall.dialect) else { continue };
        let sign = if found.fits(wire.grain) { good("✓") } else { bad("✗") };
        let _ = writeln!(out, "{sign} {:<18} {endpoint}: {found}", "grain");
    }
    let scope = mall.dialect.scope();
    let _ = if findings.scope_granted {
        writeln!(out, "{} {:<18} {scope} is granted", good("✓"), "scope")
    } else {
        writeln!(
            out,
            "{} {:<18} {scope} is not granted → cafe24-sync connect {}",
            bad("✗"),
            "scope",
            mall.mall_id
        )
    };
    let headers: Vec<_> = findings.headers().into_iter().collect();
    let _ = writeln!(out, "  {:<18} {}", "headers", headers.join(", "));
    if !findings.questions.is_empty() {
        let _ = writeln!(out, "open questions");
    }
    for answered in &findings.questions {
        let answer = &answered.answer;
        let _ = if answered.shown {
            writeln!(out, "  {} → {answer}", answered.question)
        } else {
            writeln!(out, "  {} → {}", answered.question, dim(answer))
        };
    }
    if let Some(why) = stopped {
        let _ = writeln!(out, "{} the rest was not sent: {why}", warn("!"));
    }
    let kept = counted(i64::try_from(files.len()).unwrap_or(i64::MAX), "answer", "answers");
    if let Some(dir) = files.first().and_then(|file| file.parent()) {
        let _ = writeln!(out, "{kept} kept in {}, every value replaced", dir.display());
    }
    if findings.differs() {
        let _ = writeln!(out, "{} something is otherwise than the endpoint table says", warn("!"));
    } else if stopped.is_none() && findings.fits() {
        let _ = writeln!(out, "{} all is as the endpoint table says", good("✓"));
    }
    out
}

fn line(call: &Finding) -> String {
    let sign = match (&call.failure, call.differences.as_slice()) {
        (None, []) => good("✓"),
        (None, found) if found.iter().all(common::api::contract::Difference::is_taken) => warn("!"),
        _ => bad("✗"),
    };
    let name = format!("{} {}", call.step.endpoint, call.step.call.name());
    let status = call.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let mut out = format!("{sign} {name:<18} {status}  {}\n", made(call));
    for difference in &call.differences {
        let _ = writeln!(out, "    {difference}");
    }
    out
}

/// How the answer is made, in a line.
fn made(call: &Finding) -> String {
    if let Some(failure) = &call.failure {
        return in_one_line(failure);
    }
    if !call.error_keys.is_empty() {
        return call.error_keys.join(", ");
    }
    let Some(shape) = &call.shape else { return "no JSON".to_owned() };
    match shape.rows {
        None => {
            let top = shape.top.iter().map(|(key, kind)| format!("{key} ({kind})"));
            top.collect::<Vec<_>>().join(", ")
        }
        Some(Amount::None) => "no rows".to_owned(),
        // The other calls of an endpoint are made alike; what differs stands below.
        Some(Amount::Some) if call.step.call == Call::Earlier => "rows".to_owned(),
        Some(Amount::Some) => shape.fields.iter().map(field).collect::<Vec<_>>().join(", "),
    }
}

fn field(field: &Field) -> String {
    let some = if field.in_all { "" } else { ", in some rows" };
    format!("{} ({}{some})", field.name, kinds(field).join(" or "))
}

fn kinds(field: &Field) -> Vec<&'static str> {
    field.kinds.iter().map(|kind: &Kind| kind.as_str()).collect()
}

pub(super) fn item(call: &Finding) -> Value {
    let shape = call.shape.as_ref();
    let rows = shape.and_then(|shape| shape.rows).map(|rows| match rows {
        Amount::None => "none",
        Amount::Some => "some",
    });
    let top = shape.map(|shape| shape.top.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>());
    let fields: Vec<_> = shape
        .into_iter()
        .flat_map(|shape| &shape.fields)
        .map(|field| json!({ "name": field.name, "types": kinds(field), "in_all_rows": field.in_all }))
        .collect();
    json!({
        "endpoint": call.step.endpoint, "call": call.step.call.name(),
        "from": call.step.chunk.start(), "to": call.step.chunk.end(),
        "status": call.status, "fault": call.failure.as_ref().map(|error| in_one_line(error)),
        "class": call.failure.as_ref().map(FetchError::class), "headers": call.headers,
        "keys": top, "rows": rows, "fields": fields, "error_keys": call.error_keys,
        "differences": call.differences,
    })
}

#[cfg(test)]
mod tests {
    use common::api::Looked;
    use common::domain::endpoint::{Dialect, Endpoint};
    use common::domain::ids::MallId;
    use common::store::{ConnectorState, Mode};

    use super::*;
    use crate::output::golden::golden;
    use crate::probe::judge::judged;
    use crate::probe::plan::{Step, steps};
    use crate::probe::run::Seen;

    fn mall() -> Connector {
        let mall_id = MallId::try_from("moonlit".to_owned()).expect("a mall");
        Connector {
            limiter_key: mall_id.as_str().to_owned().try_into().expect("a key"),
            mall_id,
            agency_id: "default".to_owned(),
            dialect: Dialect::Live,
            shops: vec![common::domain::ids::ShopNo::FIRST],
            endpoints: Endpoint::core().collect(),
            wanted_from: None,
            mode: Mode::Api,
            state: ConnectorState::Active,
            state_reason: None,
            state_since: chrono::DateTime::default(),
            app_id: None,
            has_tokens: true,
            tokens: None,
        }
    }

    fn answered(step: Step) -> Seen {
        let day = step.chunk.start();
        let (status, body) = match (step.call, step.endpoint.as_str()) {
            (Call::Nowhere, _) => (404, r#"{"error":{"code":404,"message":"No endpoint"}}"#.to_owned()),
            (Call::Hour, _) => (200, format!(r#"{{"view":[{{"date":"{day}","hour":7,"visit_count":3}}]}}"#)),
            (Call::Range, "visitors") => {
                let days = step.chunk.start().iter_days().take(3);
                let rows = days.map(|day| format!(r#"{{"date":"{day}T00:00+09:00","visit_count":3}}"#));
                (200, format!(r#"{{"view":[{}]}}"#, rows.collect::<Vec<_>>().join(",")))
            }
            (_, "visitors") => {
                (200, format!(r#"{{"view":[{{"date":"{day}T00:00+09:00","visit_count":3}}]}}"#))
            }
            (Call::Range, "products") => (200, r#"{"sales":[{"product_no":7,"order_count":9,"order_amount":"3"}]}"#.to_owned()),
            (_, "products") => (
                200,
                r#"{"sales":[{"product_no":7,"product_name":"Canary","order_count":1,"order_amount":"1","margin":0.5}]}"#
                    .to_owned(),
            ),
            (_, "pageviews") => (200, r#"{"visitors":[]}"#.to_owned()),
            _ => (200, r#"{"domains":[]}"#.to_owned()),
        };
        let headers = ["content-type", "x-ratelimit-remaining"].map(str::to_owned).to_vec();
        Seen {
            step,
            looked: Looked { status: Some(status), headers, body: body.into_bytes(), ..Looked::nothing() },
        }
    }

    #[test]
    fn a_probe_is_told_without_a_value() {
        let mall = mall();
        let day = "2026-02-14".parse().expect("a day");
        let steps = steps(mall.dialect, &mall.endpoints, day);
        let seen: Vec<_> = steps.iter().map(|step| answered(*step)).collect();
        let scopes = ["mall.read_analytics".to_owned()];
        let findings = judged(&mall.mall_id, mall.shops[0], mall.dialect, &scopes, &seen);
        let now = "2026-02-16T01:42:00Z".parse().expect("a time");
        let files = [PathBuf::from("fixtures/live-visitors-day.json")];
        golden("probe", |_| text(&mall, steps.len(), &findings, None, &files, now));
        let said = text(&mall, steps.len(), &findings, None, &files, now);
        assert!(!said.contains("Canary"));
        let items: Vec<_> = findings.calls.iter().map(item).collect();
        assert_eq!(items[0]["fields"][0]["types"][0], "day with a time");
    }
}
