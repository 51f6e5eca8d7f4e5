//! X1: whatever a mall, an app or a state is called, the request goes to the mall's own host, and says what was meant.

use std::sync::OnceLock;

use proptest::prelude::*;
use reqwest::Url;

use super::super::*;
use crate::config::{Secret, UrlTemplate};
use crate::domain::hostile::texts;
use crate::domain::ids::MallId;

/// Certificates are not loaded for each of thousands of cases.
static CLIENT: OnceLock<OAuthClient> = OnceLock::new();

fn client() -> OAuthClient {
    let template = UrlTemplate::parse("https://{mall_id}.cafe24api.com").expect("valid");
    CLIENT.get_or_init(|| OAuthClient::new(template, OAuthTimeouts::default()).expect("a client")).clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn x01_every_mall_fills_exactly_its_own_label(text in texts()) {
        let Ok(mall) = text.parse::<MallId>() else { return Ok(()) };
        let template = UrlTemplate::parse("https://{mall_id}.cafe24api.com").expect("valid");
        // Some ids are no host names (`xn--0`): they are an error, never another host.
        if let Ok(url) = Url::parse(&format!("{}/api/v2/oauth/token", template.fill(&mall))) {
            let host = format!("{mall}.cafe24api.com");
            prop_assert_eq!(url.host_str(), Some(host.as_str()));
            prop_assert_eq!((url.scheme(), url.port(), url.path()), ("https", None, "/api/v2/oauth/token"));
            prop_assert!(url.username().is_empty() && url.password().is_none());
        }
        let template = UrlTemplate::parse("http://127.0.0.1:9/oauth/{mall_id}").expect("valid");
        let url = Url::parse(&template.fill(&mall)).expect("a URL");
        let path = format!("/oauth/{mall}");
        prop_assert_eq!((url.host_str(), url.path()), (Some("127.0.0.1"), path.as_str()));
    }

    #[test]
    fn x01_a_template_is_refused_or_leads_every_mall_below_its_own_domain(before in texts(), after in texts()) {
        let text = format!("https://{before}{{mall_id}}{after}");
        let Ok(template) = UrlTemplate::parse(&text) else { return Ok(()) };
        for id in ["evil7q", "127", "0x7f", "x-_y"] {
            let mall: MallId = id.parse().expect("valid");
            let Ok(url) = Url::parse(&template.fill(&mall)) else { continue };
            let host = url.host_str().expect("a host");
            if before.is_empty() {
                let domain = host.strip_prefix(&format!("{mall}."));
                prop_assert!(domain.is_some_and(|it| it == "localhost" || it.contains('.')), "{text}: {host}");
            } else {
                // The host is the template's own, whatever it is called; no mall touches it.
                let own = Url::parse(&format!("https://{before}")).expect("a URL");
                prop_assert_eq!(Some(host), own.host_str(), "{}", text);
            }
        }
    }

    #[test]
    fn x01_what_consent_is_asked_for_is_five_values_and_none_ends_early(
        client_id in texts(), redirect_uri in texts(), scope in texts(), state in texts(),
    ) {
        let mall: MallId = "hanbit".parse().expect("valid");
        let app = AppCredentials { client_id: client_id.clone(), client_secret: Secret::new("secret") };
        let text = client().authorize_url(&mall, &app, &redirect_uri, &scope, &state);
        prop_assert!(text.bytes().all(|b| b.is_ascii_graphic()), "{text}");
        let url = Url::parse(&text).expect("a URL");
        prop_assert_eq!(url.host_str(), Some("hanbit.cafe24api.com"));
        prop_assert_eq!(url.fragment(), None);
        let found: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let meant = [
            ("response_type", "code"), ("client_id", &client_id), ("state", &state),
            ("redirect_uri", &redirect_uri), ("scope", &scope),
        ];
        prop_assert_eq!(found, meant.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
    }
}
