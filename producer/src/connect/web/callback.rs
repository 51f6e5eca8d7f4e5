//! The callback: believed or refused, settled, and answered by a redirect to a page without the code.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use common::domain::consent::{ConsentOutcome, StateRefusal};
use common::oauth::OneTime;
use common::store::Consent;

use super::{Desk, away, redirect};
use crate::connect::answer::Answer;
use crate::connect::cookie;
use crate::connect::language::Language;
use crate::connect::page::Page;
use crate::connect::refusals::ACTOR;

pub(super) async fn take(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let language = Language::of(&query, &headers);
    if query.is_empty() {
        return Page::NotFound.answer(language, None);
    }
    let answer = Answer::read(&query);
    let Some(state) = &answer.state else {
        let why = if answer.names_a_mall { StateRefusal::NotAsked } else { StateRefusal::Missing };
        return refuse(&desk, None, why).await;
    };
    let found = match OneTime::hash_of(state.expose()) {
        Some(hash) => desk.control.consent_of_state(&hash).await,
        None => Ok(None),
    };
    let consent = match found {
        Ok(Some(consent)) => consent,
        Ok(None) => return refuse(&desk, None, StateRefusal::Unknown).await,
        Err(error) => return away(&error, language),
    };
    let standing = consent.standing(cookie::hash_shown(&consent, &headers).as_ref());
    if let Err(why) = standing.judge() {
        let came_again = standing.bound && consent.outcome == Some(ConsentOutcome::Connected);
        if consent.pasted && why == StateRefusal::ForeignBrowser {
            // Not redirected: the address is what the command line waits for.
            return Page::Paste.answer(language, Some(&consent));
        }
        let response = refuse(&desk, Some(&consent), why).await;
        return if came_again { fixed(Page::AlreadyConnected) } else { response };
    }
    match desk.control.use_consent(consent.consent_id).await {
        Ok(true) => {}
        // Two callbacks at once: the other one was first.
        Ok(false) => return refuse(&desk, Some(&consent), StateRefusal::Reused).await,
        Err(error) => return away(&error, language),
    }
    let result = format!("/oauth/result/{}", consent.consent_id);
    // A task of its own: whatever becomes of this connection, the code is used up now and its tokens exist once.
    let settling = desk.exchanges.spawn({
        let desk = Arc::clone(&desk);
        async move { desk.settler.settle(&consent, &answer, ACTOR).await }
    });
    // A panic in it is logged by the panic hook; the page then says that nothing was stored.
    let _ = settling.await;
    redirect(&result)
}

async fn refuse(desk: &Desk, consent: Option<&Consent>, why: StateRefusal) -> Response {
    let target = consent.map_or_else(|| "callback".to_owned(), |consent| consent.consent_id.to_string());
    desk.refusals.note(consent.map(|consent| &consent.mall_id), &target, why.as_str()).await;
    fixed(Page::Refused(why))
}

fn fixed(page: Page) -> Response {
    redirect(&format!("/oauth/refused/{}", page.key()))
}
