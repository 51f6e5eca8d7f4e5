//! The start link: one browser opens it, gets a cookie, and is led to Cafe24's consent page.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use common::config::Secret;
use common::domain::consent::ConsentOutcome;
use common::oauth::OneTime;
use common::store::{AppError, Consent, ConsentSecret};

use super::{Desk, away, redirect};
use crate::connect::cookie;
use crate::connect::language::Language;
use crate::connect::page::Page;
use crate::connect::refusals::ACTOR;

pub(super) async fn open(
    State(desk): State<Arc<Desk>>,
    Path(ticket): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let language = Language::of(&query, &headers);
    let found = match OneTime::hash_of(&ticket) {
        Some(hash) => desk.control.consent_of_ticket(&hash).await,
        None => Ok(None),
    };
    let consent = match found {
        Ok(Some(consent)) => consent,
        Ok(None) => {
            desk.refusals.note(None, "start link", Page::LinkUnknown.key()).await;
            return Page::LinkUnknown.answer(language, None);
        }
        Err(error) => return away(&error, language),
    };
    let elsewhere =
        consent.started_at.is_some() && !consent.is_bound_to(cookie::hash_shown(&consent, &headers).as_ref());
    let closed = match consent.outcome {
        _ if elsewhere => Some(Page::LinkElsewhere),
        Some(ConsentOutcome::Connected) => Some(Page::AlreadyConnected),
        _ if consent.used_at.is_some() => Some(Page::LinkUsed),
        _ if consent.expired => Some(Page::LinkExpired),
        _ => None,
    };
    if let Some(page) = closed {
        desk.refusals.note(Some(&consent.mall_id), &consent.consent_id.to_string(), page.key()).await;
        return page.answer(language, None);
    }
    // A chat that shows a preview of the link, or a browser that fetches it ahead, must not use it up.
    if !is_visit(&headers) && !query.split('&').any(|part| part == "go=1") {
        return Page::Open.answer(language, Some(&consent));
    }
    let state = OneTime::random();
    let url = match desk.settler.authorize_url(&consent, state.text()).await {
        Ok(url) => url,
        Err(AppError::Store(error)) => return away(&error, language),
        Err(error) => return no_app(&desk, &consent, &error, language).await,
    };
    let (cookie, hash) = kept(&consent, &headers).unwrap_or_else(|| {
        let fresh = OneTime::random();
        (fresh.text().clone(), fresh.hash())
    });
    match desk.control.start_consent(consent.consent_id, &state.hash(), &hash).await {
        Ok(true) => {}
        // Another browser was faster by a moment.
        Ok(false) => return Page::LinkElsewhere.answer(language, None),
        Err(error) => return away(&error, language),
    }
    tracing::info!(event = "connect.started", mall = %consent.mall_id, "a start link was opened");
    let mut response = redirect(&url);
    if let Ok(value) = HeaderValue::from_str(&cookie::given(&consent, &cookie)) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
    response
}

/// The cookie of a browser that comes back. Whatever else it shows is not ours to take over.
fn kept(consent: &Consent, headers: &HeaderMap) -> Option<(Secret, ConsentSecret)> {
    let hash = cookie::hash_shown(consent, headers).filter(|hash| consent.is_bound_to(Some(hash)))?;
    Some((cookie::shown(consent, headers)?, hash))
}

/// Nobody could exchange the code that this link would bring: the attempt ends here.
async fn no_app(desk: &Desk, consent: &Consent, error: &AppError, language: Language) -> Response {
    let detail = serde_json::json!({ "error": error.to_string() });
    match desk.control.end_consent(consent, ACTOR, ConsentOutcome::AppRefused, &detail).await {
        Ok(()) => Page::Ended(ConsentOutcome::AppRefused).answer(language, Some(consent)),
        Err(error) => away(&error, language),
    }
}

/// Whether a person's browser comes to stay. Browsers say so on TLS and on loopbacks; those that do not (and robots) get a
/// page with a link.
fn is_visit(headers: &HeaderMap) -> bool {
    let says =
        |name: &str, value: &str| headers.get(name).is_some_and(|said| said.as_bytes() == value.as_bytes());
    says("sec-fetch-mode", "navigate")
        && says("sec-fetch-dest", "document")
        && !headers.contains_key("sec-purpose")
}
