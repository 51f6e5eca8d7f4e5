//! The OAuth endpoints: token and revoke. The consent page is `consent.rs`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{ConnectInfo, Form, Path, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::fault::Target;
use super::faulty;
use super::socket::Peer;
use super::state::Shared;
use super::tokens::{Refusal, TokenAnswer};
use super::wire;

type Fields = Result<Form<HashMap<String, String>>, FormRejection>;

/// Counts a refresh as under way until dropped.
struct Refreshing {
    shared: Arc<Shared>,
    mall: String,
}

impl Refreshing {
    fn begin(shared: &Arc<Shared>, mall: &str) -> Self {
        if let Some(mall) = shared.lock().malls.get_mut(mall) {
            mall.seen.tokens.overlapping_refreshes += u64::from(mall.seen.refreshing > 0);
            mall.seen.refreshing += 1;
        }
        Self { shared: Arc::clone(shared), mall: mall.to_owned() }
    }
}

impl Drop for Refreshing {
    fn drop(&mut self) {
        if let Some(mall) = self.shared.lock().malls.get_mut(&self.mall) {
            mall.seen.refreshing = mall.seen.refreshing.saturating_sub(1);
        }
    }
}

pub(crate) async fn token(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path(mall): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Response {
    let Ok(Form(fields)) = fields else {
        return refused(StatusCode::BAD_REQUEST, "invalid_request", "the body is no form");
    };
    if !shared.lock().malls.contains_key(&mall) {
        return wire::error(StatusCode::NOT_FOUND, "mall not found");
    }
    let is_refresh = fields.get("grant_type").is_some_and(|grant| grant == "refresh_token");
    let _refreshing = is_refresh.then(|| Refreshing::begin(&shared, &mall));
    let met = shared.lock().faults.meet(&mall, Target::Token, None);
    let early = (!met.after_effect).then_some(met.main.as_ref()).flatten();

    shared.latency().await;
    if !met.after_effect {
        shared.pause(&met).await;
    }
    // These spoil or replace an answer; asked for before the effect, they must leave the tokens alone.
    if let Some(kind) = early {
        return faulty::answer(kind, b"{}".to_vec(), None, &peer);
    }
    let done = shared.grant(&mall, &headers, &fields);
    if met.after_effect {
        shared.pause(&met).await;
    }
    let mut answer = match (done, &met.main) {
        (Ok(pair), Some(kind)) => {
            faulty::answer(kind, serde_json::to_vec(&pair).unwrap_or_default(), None, &peer)
        }
        (Ok(pair), None) => Json(pair).into_response(),
        (Err(answer), _) => *answer,
    };
    for (name, value) in &met.headers {
        faulty::override_header(&mut answer, name, value.as_deref());
    }
    answer
}

pub(crate) async fn revoke(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path(mall): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Response {
    let Ok(Form(fields)) = fields else {
        return refused(StatusCode::BAD_REQUEST, "invalid_request", "the body is no form");
    };
    if !shared.is_client(&headers) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "wrong client id or secret");
    }
    let mut inner = shared.lock();
    let met = inner.faults.meet(&mall, Target::Revoke, None);
    if let Some(kind) = &met.main {
        drop(inner);
        return faulty::answer(kind, b"{}".to_vec(), None, &peer);
    }
    let token = fields.get("token").map(String::as_str).unwrap_or_default();
    let revoked = inner.tokens.revoke(&mall, token);
    if let Some(mall) = inner.malls.get_mut(&mall) {
        mall.seen.tokens.revoked += u64::from(revoked);
    }
    // As in RFC 7009: a token that is no longer good counts as revoked.
    Json(json!({})).into_response()
}

impl Shared {
    fn grant(
        &self,
        mall: &str,
        headers: &HeaderMap,
        fields: &HashMap<String, String>,
    ) -> Result<TokenAnswer, Box<Response>> {
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let client = self.is_client(headers);
        let now = self.clock.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let Some(state) = inner.malls.get_mut(mall) else {
            return Err(Box::new(wire::error(StatusCode::NOT_FOUND, "mall not found")));
        };
        let report = &mut state.seen.tokens;
        if !client {
            report.invalid_client += 1;
            let text = "wrong client id or secret";
            return Err(Box::new(refused(StatusCode::UNAUTHORIZED, "invalid_client", text)));
        }
        let done = match field("grant_type") {
            "refresh_token" => {
                let done = inner.tokens.refresh(mall, field("refresh_token"), now, &self.config);
                report.refreshes += u64::from(done.is_ok());
                report.refresh_token_reuse += u64::from(done == Err(Refusal::Rotated));
                done
            }
            "authorization_code" => {
                let (code, redirect_uri) = (field("code"), field("redirect_uri"));
                let done = inner.tokens.exchange(mall, code, redirect_uri, now, &self.config);
                report.codes_exchanged += u64::from(done.is_ok());
                done
            }
            _ => {
                let text = "grant_type must be authorization_code or refresh_token";
                return Err(Box::new(refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", text)));
            }
        };
        report.issued += u64::from(done.is_ok());
        report.invalid_grant += u64::from(done.is_err());
        let dialect = state.spec.dialect;
        done.map(|pair| pair.spoken(dialect)).map_err(|refusal| {
            let text = match refusal {
                Refusal::Rotated => "the token was used before",
                Refusal::Expired => "Code time expired",
                Refusal::Unknown => "the token or code is unknown",
                Refusal::RedirectUri => "redirect_uri differs from the one of the authorization",
            };
            Box::new(refused(StatusCode::BAD_REQUEST, "invalid_grant", text))
        })
    }

    fn is_client(&self, headers: &HeaderMap) -> bool {
        let sent = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Basic "))
            .and_then(|text| STANDARD.decode(text.trim()).ok());
        sent.is_some_and(|sent| {
            self.config.apps().any(|(id, secret)| sent == format!("{id}:{secret}").into_bytes())
        })
    }
}

fn refused(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({ "error": error, "error_description": description }))).into_response()
}
