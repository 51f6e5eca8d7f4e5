//! What nobody could establish of the live API from public material, and what a probe's calls say to it.

use common::api::contract::{Amount, Kind, Shape};
use common::domain::endpoint::Dialect;
use serde_json::Value;

use super::findings::{Answered, Finding, Findings};
use super::plan::{Call, FEW};
use super::run::Seen;

/// Said where the calls show nothing.
const NOT_SHOWN: &str = "not shown by this probe";

/// All questions, for the live dialect; the specification's has an answer to each of them.
pub(super) fn answered(dialect: Dialect, findings: &Findings, seen: &[Seen]) -> Vec<Answered> {
    if dialect == Dialect::Seed {
        return Vec::new();
    }
    let call = |wanted| findings.calls.iter().find(|one| one.step.call == wanted);
    let ask = |question, answer: Option<String>| Answered {
        question,
        shown: answer.is_some(),
        answer: answer.unwrap_or_else(|| NOT_SHOWN.to_owned()),
    };
    vec![
        ask("which bucket counts a request: the mall's, the address's, the path's?", None),
        ask("are the rate limit headers there, and Retry-After with a 429?", rate_headers(findings)),
        ask("does renewing a token end the one before at once?", None),
        ask("does a finished day always bring a row?", day_without_rows(findings)),
        ask("how late do figures change?", None),
        ask(
            "how many rows does a page below 50 have?",
            call(Call::Limit).and_then(|one| small_page(one, seen)),
        ),
        ask("how long may a range be, and how far an offset reach?", None),
        ask("where does a row by hour carry its hour?", call(Call::Hour).and_then(hour)),
        ask(
            "do sales count by the day of the order or of the payment, and do refunds change past days?",
            None,
        ),
        ask("how is a refusal (403) made?", refusal(findings)),
        ask("how is a path that is not there answered?", call(Call::Nowhere).and_then(error)),
        ask("does the language change what stands for no referring domain?", locale(seen)),
    ]
}

fn rate_headers(findings: &Findings) -> Option<String> {
    if findings.calls.iter().all(|call| call.status.is_none()) {
        return None;
    }
    let headers = findings.headers();
    let rate: Vec<_> = headers.iter().filter(|name| name.contains("ratelimit")).copied().collect();
    let there = if rate.is_empty() { "no rate limit headers".to_owned() } else { rate.join(", ") };
    let Some(throttled) = findings.calls.iter().find(|call| call.status == Some(429)) else {
        return Some(format!("{there}; no 429 came"));
    };
    let with = if throttled.headers.iter().any(|name| name == "retry-after") { "with" } else { "without" };
    Some(format!("{there}; a 429 came, {with} retry-after: {}", error(throttled)?))
}

fn day_without_rows(findings: &Findings) -> Option<String> {
    let days = findings.calls.iter().filter(|call| matches!(call.step.call, Call::Day | Call::Earlier));
    let mut rows = days.filter_map(|call| Some((call.step.endpoint, call.shape.as_ref()?.rows?)));
    rows.find(|(_, rows)| *rows == Amount::None)
        .map(|(endpoint, _)| format!("no: {endpoint} has a finished day with an empty list"))
}

fn small_page(call: &Finding, seen: &[Seen]) -> Option<String> {
    match call.status? {
        200 => {
            let rows = |wanted| {
                let one = seen
                    .iter()
                    .find(|one| (one.step.call, one.step.endpoint) == (wanted, call.step.endpoint))?;
                let wrapper = one.step.endpoint.wire(Dialect::Live)?.wrapper;
                let body: Value = serde_json::from_slice(&one.looked.body).ok()?;
                Some(body.get(wrapper)?.as_array()?.len())
            };
            let (few, all) = (rows(Call::Limit)?, rows(Call::Day)?);
            Some(match few {
                _ if all <= FEW => return None,
                FEW => format!("limit={FEW} is kept to"),
                few if few < all => format!("limit={FEW} is not kept to: a page has more rows"),
                _ => format!("limit={FEW} is not heeded: all rows came"),
            })
        }
        status => Some(format!("limit={FEW} is refused with HTTP {status}")),
    }
}

fn hour(call: &Finding) -> Option<String> {
    match call.status? {
        200 => {
            let shape: &Shape = call.shape.as_ref()?;
            let field = |name: &str| shape.fields.iter().find(|field| field.name == name);
            let date = field("date").map(|field| field.kinds.contains(&Kind::DayTime));
            Some(match (field("hour").is_some(), date) {
                (true, Some(true)) => "in `hour`, beside a `date` with a time".to_owned(),
                (true, Some(false)) => "in `hour`, beside a plain `date`".to_owned(),
                (true, None) => "in `hour`, without a `date`".to_owned(),
                (false, Some(true)) => "in the time of `date`, or not at all: there is no `hour`".to_owned(),
                (false, Some(false)) => "not at all: rows have a plain `date` and no `hour`".to_owned(),
                (false, None) if shape.fields.is_empty() => return None,
                (false, None) => "rows have neither `date` nor `hour`".to_owned(),
            })
        }
        status => Some(format!("format_type=hour is refused with HTTP {status}")),
    }
}

fn refusal(findings: &Findings) -> Option<String> {
    error(findings.calls.iter().find(|call| call.status == Some(403))?)
}

fn error(call: &Finding) -> Option<String> {
    let status = call.status?;
    let made = match (&call.shape, call.error_keys.as_slice()) {
        (None, _) => "no JSON".to_owned(),
        (Some(_), []) => "JSON without `error`".to_owned(),
        (Some(_), keys) => keys.join(", "),
    };
    Some(format!("HTTP {status}, {made}"))
}

/// Whether the declared label stands in the answer with and without a language asked for.
fn locale(seen: &[Seen]) -> Option<String> {
    let asked = seen.iter().find(|one| one.step.call == Call::Locale)?;
    let endpoint = asked.step.endpoint;
    let plain = seen.iter().find(|one| (one.step.call, one.step.endpoint) == (Call::Day, endpoint))?;
    let (label, _) = endpoint.wire(Dialect::Live)?.aliases.first()?;
    let has = |one: &Seen| {
        let body: Option<Value> = serde_json::from_slice(&one.looked.body).ok();
        body.is_some_and(|body| body.to_string().contains(label))
    };
    match (asked.looked.status?, has(plain), has(asked)) {
        (200, true, true) => Some("no: locale=en-US leaves the label as it is".to_owned()),
        (200, true, false) => Some("yes: locale=en-US changes the label".to_owned()),
        (200, false, _) => None,
        (status, ..) => Some(format!("locale=en-US is refused with HTTP {status}")),
    }
}
