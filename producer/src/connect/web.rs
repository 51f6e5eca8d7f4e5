//! The routes that browsers reach.
//!
//! | path | does |
//! |---|---|
//! | `/oauth/start/{ticket}` | binds the attempt to this browser and leads to Cafe24 |
//! | the path of the redirect address | the callback |
//! | `/oauth/result/{consent}` | what came of it, for the browser that asked |
//! | `/oauth/refused/{reason}` | why a callback was not believed |
//! | `/oauth/ping` | tells `connect` that a daemon answers here |
//!
//! A request's query is never logged: the callback's holds a code. There is no script, no form, and nothing is embedded.

mod callback;

mod start;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use common::config::{BaseUrl, Config};
use common::domain::consent::ConsentOutcome;
use common::store::{Control, StoreError};
use tokio::time::interval;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::cookie;
use super::language::Language;
use super::page::Page;
use super::refusals::{ACTOR, Refusals};
use super::settle::{NotReady, Settler};

/// What `/oauth/ping` answers.
pub(crate) const PING: &str = "cafe24-sync";
/// The path of [`PING`].
pub(crate) const PING_PATH: &str = "/oauth/ping";

/// Seconds after which an exchange that was begun will not end any more: its process is gone.
const LOST_AFTER: i64 = 90;

/// After so long also the slowest exchange has ended, its tries to store included.
const GIVEN_UP: Duration = Duration::from_mins(5);
/// How often exchanges that were lost are looked for.
const LOOK: Duration = Duration::from_secs(15);

/// No script, no frame, no form, nothing from elsewhere.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// On every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // The address of a callback holds a code.
    (REFERRER_POLICY, "no-referrer"),
    // Heeded over TLS only.
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The routes, and what they need.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    desk: Arc<Desk>,
}

#[derive(Debug)]
struct Desk {
    settler: Settler,
    control: Control,
    refusals: Refusals,
    /// Exchanges under way. A browser that goes away must not take the new tokens with it.
    exchanges: TaskTracker,
}

/// Where `redirect_uri` is answered: its scheme, host and port, without a path. The start link is made of it.
pub(crate) fn origin(redirect_uri: &str) -> Option<String> {
    let url = BaseUrl::parse(redirect_uri).ok()?;
    let (scheme, rest) = url.as_str().split_once("://")?;
    Some(format!("{scheme}://{}", rest.split('/').next().unwrap_or_default()))
}

impl Web {
    /// Ready to settle consents with the app and the key of the configuration.
    pub(crate) fn new(config: &Config, control: Control) -> Result<Self, NotReady> {
        let desk = Desk {
            settler: Settler::new(config, control.clone())?,
            refusals: Refusals::new(control.clone()),
            control,
            exchanges: TaskTracker::new(),
        };
        Ok(Self { desk: Arc::new(desk) })
    }

    /// All of them. Apps may have redirect addresses of their own, so every other path may be a callback.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route(PING_PATH, get(async || PING))
            .route("/oauth/page.css", get(style))
            .route("/oauth/start/{ticket}", get(start::open))
            .route("/oauth/result/{consent}", get(result))
            .route("/oauth/refused/{reason}", get(refused))
            .fallback(callback::take)
            .layer(middleware::from_fn(guarded))
            .with_state(Arc::clone(&self.desk))
    }

    /// Says of each consent whose exchange was lost with its program that it brought nothing. For ever.
    pub(crate) async fn tell_of_lost(&self) {
        let mut tick = interval(LOOK);
        loop {
            tick.tick().await;
            match self.desk.control.end_lost_consents(GIVEN_UP, ACTOR).await {
                Ok(malls) => {
                    for mall in malls {
                        tracing::warn!(event = "connect.lost", %mall, "a consent of {mall} was lost while it was settled: cafe24-sync connect {mall}");
                    }
                }
                Err(error) => tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "consents could not be looked at"
                ),
            }
        }
    }

    /// Waits for the exchanges under way: their codes are used up, and their tokens exist nowhere else.
    pub(crate) async fn finish(&self) {
        self.desk.exchanges.close();
        self.desk.exchanges.wait().await;
    }
}

/// Reading only, and the same headers on everything.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = match *request.method() {
        Method::GET | Method::HEAD => next.run(request).await,
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn style() -> Response {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=600")];
    (headers, include_str!("assets/page.css")).into_response()
}

/// What came of an attempt, for the browser that opened its link and for nobody else.
async fn result(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let language = Language::of(&query.unwrap_or_default(), &headers);
    let Ok(id) = id.parse::<Uuid>() else { return Page::NotFound.answer(language, None) };
    let consent = match desk.control.consent(id).await {
        Ok(Some(consent)) => consent,
        Ok(None) => return Page::NotFound.answer(language, None),
        Err(error) => return away(&error, language),
    };
    if !consent.is_bound_to(cookie::hash_shown(&consent, &headers).as_ref()) {
        return Page::NotFound.answer(language, None);
    }
    let page = match (consent.outcome, consent.used_at) {
        (Some(outcome), _) => Page::Ended(outcome),
        (None, Some(used)) if (common::clock::now() - used).num_seconds() < LOST_AFTER => Page::Working,
        (None, Some(_)) => Page::Ended(ConsentOutcome::NotStored),
        (None, None) if consent.expired => Page::LinkExpired,
        (None, None) => Page::Open,
    };
    page.answer(language, Some(&consent))
}

async fn refused(Path(reason): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let language = Language::of(&query.unwrap_or_default(), &headers);
    let page = Page::FIXED.into_iter().find(|page| page.key() == reason).unwrap_or(Page::NotFound);
    page.answer(language, None)
}

/// To a place that no part of a request has chosen.
fn redirect(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn away(error: &StoreError, language: Language) -> Response {
    tracing::warn!(error = error as &dyn std::error::Error, "a page could not be answered");
    Page::Away.answer(language, None)
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn the_start_link_stands_beside_the_callback() {
        let of = |uri| origin(uri).expect("an origin");
        assert_eq!(of("https://sync.agency.kr/oauth/callback"), "https://sync.agency.kr");
        assert_eq!(of("http://127.0.0.1:42001/cb/"), "http://127.0.0.1:42001");
        assert_eq!(origin("https://user@evil.example/"), None);
    }
}
