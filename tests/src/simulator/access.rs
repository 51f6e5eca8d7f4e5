//! Whether a request's token opens the mall.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};

use super::dialect::Dialect;
use super::seen::Seen;
use super::tokens::Access;

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// `access` is unset for a request without a token.
pub(crate) fn check(
    access: Option<Access>,
    dialect: Dialect,
    seen: &mut Seen,
) -> Result<(), (StatusCode, String)> {
    let live = dialect == Dialect::Live;
    let (status, message) = match access {
        Some(Access::Good) => return Ok(()),
        None => {
            seen.without_token += 1;
            return Err((StatusCode::UNAUTHORIZED, "access token is missing".to_owned()));
        }
        Some(Access::NoScope) => (StatusCode::FORBIDDEN, "INVALID SCOPE"),
        Some(Access::Expired) => {
            seen.tokens.expired_access += 1;
            let message = if live { "access_token time expired" } else { "access token has expired" };
            (StatusCode::UNAUTHORIZED, message)
        }
        Some(Access::Rotated) => {
            seen.tokens.access_token_reuse += 1;
            let message = if live { "Invalid access_token" } else { "access token is no longer valid" };
            (StatusCode::UNAUTHORIZED, message)
        }
        Some(Access::Unknown | Access::OtherMall) if live => {
            (StatusCode::UNAUTHORIZED, "Invalid access_token")
        }
        Some(Access::Unknown | Access::OtherMall) => (StatusCode::UNAUTHORIZED, "access token is invalid"),
    };
    seen.refused_token += 1;
    Err((status, message.to_owned()))
}
