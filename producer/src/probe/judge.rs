//! Judges what the calls showed, by the endpoint table and by what the workers' decoder takes.

use common::api::Request;
use common::api::contract::{Difference, Found, Shape, differences, grain, key_name, rows_of};
use common::domain::calendar::Granularity;
use common::domain::endpoint::{Dialect, Endpoint, Wire};
use common::domain::ids::{MallId, ShopNo};
use common::domain::job::Wanted;
use serde_json::Value;

use super::findings::{Finding, Findings};
use super::plan::{Call, Step, of_each_grain};
use super::questions::answered;
use super::run::Seen;

/// Judges what was seen.
pub(crate) fn judged(
    mall: &MallId,
    shop_no: ShopNo,
    dialect: Dialect,
    scopes: &[String],
    seen: &[Seen],
) -> Findings {
    let mut calls: Vec<_> = seen.iter().map(|one| finding(mall, shop_no, dialect, one)).collect();
    let known: Vec<_> =
        seen.iter().filter(|one| one.step.call == Call::Day).map(|one| one.step.endpoint).collect();
    let mut grains = Vec::new();
    for endpoint in of_each_grain(dialect, &known) {
        let Some(wire) = endpoint.wire(dialect) else { continue };
        let Some(found) = grain_of(endpoint, wire, seen) else { continue };
        grains.push((endpoint, found));
        if !found.fits(wire.grain)
            && let Some(range) =
                calls.iter_mut().find(|call| (call.step.call, call.step.endpoint) == (Call::Range, endpoint))
        {
            range.differences.push(Difference::OtherGrain { found });
        }
    }
    let scope_granted = scopes.iter().any(|scope| scope == dialect.scope());
    let mut findings = Findings { calls, grains, scope_granted, questions: Vec::new() };
    findings.questions = answered(dialect, &findings, seen);
    findings
}

/// `None`: not all of the four calls brought an answer.
fn grain_of(endpoint: Endpoint, wire: &Wire, seen: &[Seen]) -> Option<Found> {
    let bodies = |wanted: &[Call]| -> Vec<&[u8]> {
        let ours = seen.iter().filter(|one| one.step.endpoint == endpoint && wanted.contains(&one.step.call));
        ours.filter(|one| one.looked.status == Some(200)).map(|one| one.looked.body.as_slice()).collect()
    };
    let days = bodies(&[Call::Day, Call::Earlier]);
    match (bodies(&[Call::Range]).as_slice(), days.len()) {
        ([range], 3) => Some(grain(range, &days, wire)),
        _ => None,
    }
}

fn finding(mall: &MallId, shop_no: ShopNo, dialect: Dialect, seen: &Seen) -> Finding {
    let Seen { step, looked } = seen;
    let wire = step.endpoint.wire(dialect);
    let body: Option<Value> = serde_json::from_slice(&looked.body).ok();
    let shape = body.as_ref().zip(wire).map(|(body, wire)| Shape::of(body, wire.wrapper));
    let error = body.as_ref().and_then(|body| body.get("error")).and_then(Value::as_object);
    let error_keys = error.into_iter().flatten().map(|(key, _)| format!("error.{}", key_name(key))).collect();
    let failure = looked.failure();
    let mut found = match (step.call, looked.status, wire) {
        _ if failure.is_some() => Vec::new(),
        // What is not promised cannot be broken; what it shows is an answer to a question.
        (Call::Nowhere, Some(404), _)
        | (Call::Limit | Call::Hour | Call::Locale, Some(200 | 400 | 422), _)
        | (_, None, _)
        | (_, _, None) => Vec::new(),
        (Call::Nowhere, Some(status), _) => vec![Difference::Status { status }],
        (_, Some(200), Some(wire)) => differences(&looked.body, dialect, wire),
        (_, Some(status), _) => vec![Difference::Status { status }],
    };
    let is_day = matches!(step.call, Call::Day | Call::Earlier);
    if is_day && failure.is_none() && looked.status == Some(200) && found.iter().all(Difference::is_taken) {
        found.extend(refused(mall, shop_no, dialect, seen));
    }
    Finding {
        step: *step,
        status: looked.status,
        failure,
        headers: looked.headers.clone(),
        shape,
        error_keys,
        differences: found,
    }
}

/// What only the workers' decoder finds: a day outside the range, two truths for one product.
fn refused(mall: &MallId, shop_no: ShopNo, dialect: Dialect, seen: &Seen) -> Option<Difference> {
    let Step { endpoint, chunk, .. } = seen.step;
    let wanted = Wanted { mall_id: mall, shop_no, endpoint, granularity: Granularity::Day, chunk };
    let request = Request::new(wanted, dialect).ok()?;
    rows_of(&request, &seen.looked.body).err().map(|path| Difference::Refused { path })
}
