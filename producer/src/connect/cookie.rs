//! The cookie that binds an attempt to the browser that opened its link.
//!
//! One a consent, so that an operator may connect several malls side by side in one browser, and so that nobody can plant
//! one beforehand.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use common::config::Secret;
use common::oauth::OneTime;
use common::store::{Consent, ConsentSecret};

/// Seconds that a browser keeps it; as long as an attempt lasts.
const MAX_AGE: u32 = 600;

/// The header that gives it to the browser.
pub(super) fn given(consent: &Consent, value: &Secret) -> String {
    let (name, https) = (name(consent), is_https(consent));
    let secure = if https { "; Secure" } else { "" };
    // Lax: Cafe24 leads back by a link from another site, which Strict would hide the cookie from.
    format!("{name}={}; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax{secure}", value.expose())
}

/// The one that the browser shows.
pub(super) fn shown(consent: &Consent, headers: &HeaderMap) -> Option<Secret> {
    let name = name(consent);
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name);
    // Two of one name are not ours both.
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(Secret::new(value)),
        _ => None,
    }
}

/// The hash of the one that the browser shows.
pub(super) fn hash_shown(consent: &Consent, headers: &HeaderMap) -> Option<ConsentSecret> {
    shown(consent, headers).and_then(|value| OneTime::hash_of(value.expose()))
}

/// `__Host-`: the browser takes it only over TLS, for this very host, from this very host (RFC 6265bis, 4.1.3.2). On the
/// plain HTTP of a loopback it would refuse such a one.
fn name(consent: &Consent) -> String {
    let prefix = if is_https(consent) { "__Host-" } else { "" };
    format!("{prefix}cafe24_sync_{}", consent.consent_id.simple())
}

fn is_https(consent: &Consent) -> bool {
    consent.redirect_uri.starts_with("https://")
}
