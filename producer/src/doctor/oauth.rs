//! The app of the configuration, as far as it can be judged without calling anybody.

use common::config::Config;

use super::finding::Finding;

pub(super) const NAME: &str = "oauth";

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let oauth = &config.oauth;
    let mut findings = Vec::new();
    if oauth.client_id.is_none() || oauth.client_secret.is_none() {
        let what = "no app is configured: only malls with a stored app get new tokens";
        let remedy = "set oauth.client_id and oauth.client_secret_file, or cafe24-sync apps set";
        findings.push(Finding::warning(NAME, what, remedy));
    }
    match &oauth.redirect_uri {
        None => {
            let what = "no redirect_uri: no mall can be connected";
            findings.push(Finding::warning(NAME, what, "set oauth.redirect_uri as registered with Cafe24"));
        }
        // A simulator on this machine takes any.
        Some(uri) if uri.starts_with("http://") && !config.cafe24.base_url.is_loopback() => {
            let what = "redirect_uri is http://; Cafe24 wants https";
            findings.push(Finding::problem(NAME, what, "set oauth.redirect_uri to an https address"));
        }
        Some(_) => {}
    }
    if findings.is_empty() {
        findings.push(Finding::good(NAME, "client id, secret and redirect_uri are set"));
    }
    findings
}
