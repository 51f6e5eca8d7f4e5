//! `connect --paste`: a mall's consent, with the redirected address typed in.
//!
//! The state is random and lives only in this process, so an address of another consent is refused. The code in the
//! address lives one minute: it is exchanged at once.

use common::config::Secret;
use common::domain::endpoint::Dialect;
use common::domain::ids::{MallId, ShopNo};
use common::oauth::{OAuthClient, OAuthTimeouts, TokenPair};
use common::store::{AppChoice, ConnectorState, Control, Mode, NewConnector, TokensAtRest};
use uuid::Uuid;

use super::context::{Context, DEFAULT_AGENCY};
use crate::cli::ConnectArgs;
use crate::fault::{Exit, Fault, causes};
use crate::output::ask;
use crate::output::json::Document;
use crate::output::paint::{command, good, warn};
use crate::output::text::{clean, short_time};

pub(super) async fn run(context: &Context, args: &ConnectArgs) -> Result<Exit, Fault> {
    let sealer = context.sealer()?;
    let client = OAuthClient::new(context.config.cafe24.oauth_url.clone(), OAuthTimeouts::default())
        .map_err(|error| Fault::OAuthSettings(error.to_string()))?;
    let control = context.database().await?;
    let mall = &args.mall;
    let app = context.apps(&control)?.of(mall).await.map_err(|error| context.app(error))?;
    let redirect_uri = app
        .redirect_uri
        .as_deref()
        .ok_or_else(|| Fault::OAuthSettings("oauth.redirect_uri is not set".to_owned()))?;
    let known = control.connectors(std::slice::from_ref(mall)).await.map_err(|error| context.store(error))?;
    let dialect = known.first().map_or(Dialect::Seed, |connector| connector.dialect);
    let state = Uuid::new_v4().simple().to_string();
    let url = client.authorize_url(mall, &app.credentials, redirect_uri, dialect.scope(), &state);
    context.output.complain(&format!(
        "1. As the mall's main operator (others cannot consent) open:\n   {}\n\
         2. Consent. The browser then goes to {}…; that page may fail to load.\n\
         3. Paste the whole address here within a minute: its code ends then.",
        command(&url),
        redirect_uri
    ));
    let pasted = Secret::new(ask("address: ").unwrap_or_default());
    let refused = |why: String| Fault::NotAuthorised { mall: mall.clone(), why };
    let code = code(pasted.expose(), redirect_uri, &state).map_err(refused)?;
    let pair = client.exchange(mall, &code, redirect_uri, &app.credentials).await.map_err(|error| {
        refused([error.to_string(), causes(&error)].join(": ").trim_end_matches(": ").to_owned())
    })?;
    let sealed = |agency: &str| Some(TokensAtRest::seal(&sealer, &pair, agency, mall));
    let connector = match known.into_iter().next() {
        Some(old) => NewConnector {
            mall_id: old.mall_id,
            tokens: sealed(&old.agency_id),
            agency_id: old.agency_id,
            dialect,
            shops: old.shops,
            limiter_key: old.limiter_key,
            mode: old.mode,
            app: AppChoice::Keep,
        },
        None => NewConnector {
            mall_id: mall.clone(),
            agency_id: DEFAULT_AGENCY.to_owned(),
            dialect,
            shops: vec![ShopNo::FIRST],
            limiter_key: context.limiter_key(mall),
            mode: Mode::Api,
            app: AppChoice::Keep,
            tokens: sealed(DEFAULT_AGENCY),
        },
    };
    control.import_connectors(&[connector]).await.map_err(|error| context.store(error))?;
    finish(context, &control, mall, dialect, &pair).await
}

/// Compares the scopes, and says what the mall may do now.
async fn finish(
    context: &Context,
    control: &Control,
    mall: &MallId,
    dialect: Dialect,
    pair: &TokenPair,
) -> Result<Exit, Fault> {
    let scope = dialect.scope();
    let granted = pair.scopes.iter().any(|granted| granted == scope);
    if !granted {
        let reason = format!("scope {scope} missing");
        control
            .set_connector_state(mall, ConnectorState::NeedsScope, Some(&reason))
            .await
            .map_err(|error| context.store(error))?;
    }
    let output = context.output;
    if output.json {
        let content = serde_json::json!({
            "mall_id": mall, "scopes": pair.scopes, "scope_granted": granted,
            "refresh_expires_at": crate::output::text::json_time(pair.refresh_expires_at),
        });
        output.document(&Document::new(content, common::clock::now()))?;
    } else if granted {
        let until = short_time(pair.refresh_expires_at);
        output.answer(&format!(
            "{} {mall}: scope {scope} {} · refresh token until {until}",
            good("✓"),
            good("✓")
        ))?;
    } else {
        let names = pair.scopes.join(" ");
        output.answer(&format!(
            "{} {mall}: scope {scope} missing (granted: {})",
            warn("!"),
            clean(&names)
        ))?;
        output.note("add the scope to the app at Cafe24, then connect again");
    }
    Ok(if granted { Exit::Done } else { Exit::Authorise })
}

/// The code in a redirected address, if the address is the answer to our question.
fn code(address: &str, redirect_uri: &str, state: &str) -> Result<Secret, String> {
    let address = address.trim();
    let Some((base, query)) = address.split_once('?') else {
        return Err("the address has no `?code=…`: paste all of it".to_owned());
    };
    if base.trim_end_matches('/') != redirect_uri.trim_end_matches('/') {
        return Err(format!("the address does not begin with {redirect_uri}"));
    }
    let query = query.split('#').next().unwrap_or_default();
    let value = |name: &str| {
        let mut found =
            query.split('&').filter_map(|part| part.split_once('=')).filter(|(key, _)| *key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(decode(value)),
            _ => None,
        }
    };
    // Checked first: an error that others send must not be believed either.
    if value("state").as_deref() != Some(state) {
        return Err(
            "the address belongs to another consent: open the new link and paste its address".to_owned()
        );
    }
    if let Some(error) = value("error") {
        return Err(format!("the mall's operator did not consent ({error})"));
    }
    match value("code") {
        Some(code) if !code.is_empty() => Ok(Secret::new(code)),
        _ => Err("the address has no code".to_owned()),
    }
}

/// Percent-decoding; what is no escape stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = escaped.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = byte {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const URI: &str = "https://sync.agency.kr/oauth/callback";

    #[test]
    fn the_code_of_our_own_question_is_taken() {
        let address = format!("{URI}?code=a%2Fb%3D&state=s1\n");
        assert_eq!(code(&address, URI, "s1").expect("a code").expose(), "a/b=");
    }

    #[rstest]
    #[case::another_state("?code=x&state=s2", "another consent")]
    #[case::no_state("?code=x", "another consent")]
    #[case::two_states("?code=x&state=s2&state=s1", "another consent")]
    #[case::refused("?error=access_denied&state=s1", "did not consent (access_denied)")]
    #[case::no_code("?state=s1", "no code")]
    #[case::no_query("", "paste all of it")]
    fn other_addresses_are_refused(#[case] tail: &str, #[case] why: &str) {
        let error = code(&format!("{URI}{tail}"), URI, "s1").expect_err("refused");
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn an_address_of_another_host_is_refused() {
        assert!(code("https://evil.example/?code=x&state=s1", URI, "s1").is_err());
    }
}
