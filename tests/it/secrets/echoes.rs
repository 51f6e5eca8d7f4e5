//! An API that throws our own secrets back at us, in every way that a server may.

use std::collections::BTreeMap;

use tests::harness::secrets::percent;
use tests::harness::{Context as _, Result, World};
use tests::simulator::{FaultKind, FaultRule, FaultState, Target};

use super::{FROM, basic};

fn answers(code: u16, body: String) -> FaultKind {
    FaultKind::Status { code, headers: BTreeMap::new(), body: Some(body), retry_after: None }
}

/// In answers to requests and to refreshes.
pub(super) fn order(world: &World) -> Result<()> {
    let secret = &world.sim.config().client_secret;
    let order = |mall: &str, endpoint: Option<Target>, times: u32, fault: FaultKind| {
        let rule = FaultRule {
            mall: Some(mall.to_owned()),
            endpoint,
            times: Some(times),
            ..FaultRule::always(fault)
        };
        world.sim.order(rule).context("order").map(drop)
    };
    let pair = |mall: &str| world.sim.current_tokens(mall).context("tokens");
    let tokens = pair("violates")?;
    let body = serde_json::json!({ "data": [{ "date": FROM }], "debug": tokens }).to_string();
    order("violates", None, 100, answers(200, body))?;
    let tokens = pair("refuses")?;
    let body = format!(
        "{{\"error\":\"no\",\"sent\":\"Authorization: Bearer {}\",\"refresh_token\" : \"{}\",\"client_secret\":\"{}\"}}",
        tokens.access_token,
        tokens.refresh_token,
        secret.escape_default(),
    );
    order("refuses", None, 100, answers(400, body))?;
    let tokens = pair("breaks")?;
    let page = format!(
        "<pre>grant_type=refresh_token&refresh_token={}&client_secret={}\n\
         access_token = {}\nAuthorization: Basic {}</pre>",
        tokens.refresh_token,
        percent(secret),
        tokens.access_token,
        basic(&format!("{}:{secret}", world.sim.config().client_id)),
    );
    order("breaks", None, 100, answers(503, page))?;
    let tokens = pair("oauth")?;
    let echo = serde_json::json!({ "error": "server_error", "error_description": tokens }).to_string();
    order("oauth", Some(Target::Token), 2, answers(400, echo))?;
    Ok(())
}

/// In the answer to the next exchange of a code: the code, where it came from, and our secret.
pub(super) fn order_of_code(world: &World, mall: &str, code: &str, callback: &str) -> Result<()> {
    // How many refreshes met the first order is a matter of which jobs came first: what is left of it is not for this one.
    let left = |state: &FaultState| {
        state.rule.mall.as_deref() == Some(mall) && state.rule.endpoint == Some(Target::Token)
    };
    for state in world.sim.faults().iter().filter(|state| left(state)) {
        world.sim.cancel_fault(state.id);
    }
    let config = world.sim.config();
    let told = format!(
        "code {code} of {callback} is refused to Basic {}",
        basic(&format!("{}:{}", config.client_id, config.client_secret))
    );
    let echo = serde_json::json!({ "error": "invalid_grant", "error_description": told }).to_string();
    let rule = FaultRule {
        mall: Some(mall.to_owned()),
        endpoint: Some(Target::Token),
        ..FaultRule::once(answers(400, echo))
    };
    world.sim.order(rule).context("order").map(drop)
}
