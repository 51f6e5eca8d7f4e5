//! The browser's part of OAuth: a page with Allow and Deny.
//!
//! It can also do what real people do: tick fewer boxes (`grant`, one a scope), or be logged in as another mall
//! (`as_mall`), whose code then leads back. Both fields are left out by who wants neither.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};

use super::state::Shared;
use super::wire;

/// Passed on from the question to the answer.
const FIELDS: [&str; 3] = ["state", "redirect_uri", "scope"];

pub(crate) async fn ask(
    State(shared): State<Arc<Shared>>,
    Path(mall): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if let Err(answer) = shared.check(&mall, &query) {
        return *answer;
    }
    let field = |name: &str| escaped(query.get(name).map(String::as_str).unwrap_or_default());
    let mut hidden = String::new();
    for name in FIELDS {
        let value = field(name);
        // Writing into a String cannot fail.
        let _never = write!(hidden, r#"<input type="hidden" name="{name}" value="{value}">"#);
    }
    let client = field("client_id");
    let _never = write!(hidden, r#"<input type="hidden" name="client_id" value="{client}">"#);
    let (mall, scope) = (escaped(&mall), field("scope"));
    let mut boxes = String::new();
    for scope in scopes(query.get("scope").map(String::as_str).unwrap_or_default()) {
        let scope = escaped(&scope);
        let _never = write!(
            boxes,
            r#"<p><label><input type="checkbox" name="grant" value="{scope}" checked> {scope}</label></p>"#
        );
    }
    Html(format!(
        r#"<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Allow access to {mall}?</title></head>
<body><h1>Allow access to {mall}?</h1><p>This is a simulated Cafe24. The application <b>{client}</b> asks for <b>{scope}</b>.</p>
<form method="post" action="consent">{hidden}<input type="hidden" name="grant" value="">{boxes}
<p><label>Logged in as the main operator of <input name="as_mall" value="{mall}"></label></p><button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></form>
</body></html>
"#
    ))
    .into_response()
}

pub(crate) async fn decide(
    State(shared): State<Arc<Shared>>,
    Path(mall): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Response {
    // Boxes are sent one by one; the empty one tells a form without a tick from one without boxes.
    let ticked: Option<Vec<String>> =
        pairs.iter().any(|(name, _)| name == "grant").then(|| all_of(&pairs, "grant"));
    let mut fields: HashMap<String, String> = pairs.into_iter().collect();
    fields.insert("response_type".to_owned(), "code".to_owned());
    if let Err(answer) = shared.check(&mall, &fields) {
        return *answer;
    }
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let redirect_uri = field("redirect_uri");
    let state = encoded(field("state"));
    let result = if field("decision") == "allow" {
        let logged_in = Some(field("as_mall")).filter(|name| !name.is_empty()).unwrap_or(&mall);
        let granted = ticked.unwrap_or_else(|| scopes(field("scope")));
        let code = shared.issue_code((logged_in, &mall), redirect_uri, granted);
        format!("code={code}")
    } else {
        "error=access_denied&error_description=denied".to_owned()
    };
    let joint = if redirect_uri.contains('?') { '&' } else { '?' };
    let place = format!("{redirect_uri}{joint}{result}&state={state}");
    let response = Redirect::to(&place).into_response();
    shared.lock().redirected = Some(place);
    response
}

impl Shared {
    fn check(&self, mall: &str, query: &HashMap<String, String>) -> Result<(), Box<Response>> {
        let field = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let uri = field("redirect_uri");
        let plain = uri.bytes().all(|b| b.is_ascii_graphic());
        let web = uri.starts_with("http://") || uri.starts_with("https://");
        let registered = self.config.redirect_uri.as_deref().is_none_or(|known| known == uri);
        let problem = if !self.lock().malls.contains_key(mall) {
            (StatusCode::NOT_FOUND, "mall not found")
        } else if field("response_type") != "code" {
            (StatusCode::BAD_REQUEST, "response_type must be code")
        } else if !self.config.apps().any(|(id, _)| id == field("client_id")) {
            (StatusCode::BAD_REQUEST, "client_id is unknown")
        } else if !(plain && web && registered) {
            (StatusCode::BAD_REQUEST, "The redirect_uri added by Cafe24 Developers is invalid")
        } else {
            return Ok(());
        };
        Err(Box::new(wire::error(problem.0, problem.1)))
    }

    /// A code for tokens of the first mall, to be exchanged at the host of the second.
    pub(crate) fn issue_code(&self, mall: (&str, &str), redirect_uri: &str, scopes: Vec<String>) -> String {
        let now = self.clock.now();
        self.lock().tokens.code(mall, redirect_uri, scopes, now, &self.config)
    }
}

fn all_of(pairs: &[(String, String)], wanted: &str) -> Vec<String> {
    let values = pairs.iter().filter(|(name, value)| name == wanted && !value.is_empty());
    values.map(|(_, value)| value.clone()).collect()
}

/// Both separators are in use.
fn scopes(text: &str) -> Vec<String> {
    text.split([',', ' ']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            let _never = write!(out, "%{b:02X}");
        }
        out
    })
}
