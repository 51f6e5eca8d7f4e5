//! What a believed answer brings: its code is exchanged at once, compared, and stored or refused.
//!
//! Used by the daemon's callback and by `connect --paste`: one way for both.

use std::sync::Arc;
use std::time::Duration;

use common::config::{Config, Secret};
use common::domain::consent::ConsentOutcome;
use common::oauth::{
    App, BuildError, InvalidAnswer, InvalidKey, OAuthClient, OAuthError, OAuthTimeouts, Sealer, TokenPair,
};
use common::store::{AppError, Apps, Consent, Control, StoreError, TokensAtRest};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::answer::Answer;

/// Tries to store a pair that Cafe24 has given: it cannot be asked for again.
const STORE_TRIES: u32 = 5;
/// Wait between them.
const STORE_WAIT: Duration = Duration::from_secs(3);

/// Why consents cannot be settled here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReady {
    /// No master key.
    #[error("`oauth.master_key_file` is not set: tokens are stored encrypted only")]
    NoKey,
    /// The key file has no keys.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// No HTTP client.
    #[error(transparent)]
    Client(#[from] BuildError),
}

/// Settles consents.
#[derive(Debug)]
pub(crate) struct Settler {
    pub(super) control: Control,
    pub(super) client: OAuthClient,
    sealer: Arc<Sealer>,
    apps: Apps,
    config: Config,
}

/// Why a believed answer brought nothing, and what to tell of it.
struct Refused(ConsentOutcome, Value);

impl Settler {
    /// With the apps, the key and the hosts of the configuration.
    pub(crate) fn new(config: &Config, control: Control) -> Result<Self, NotReady> {
        let sealer = Arc::new(Sealer::from_config(&config.oauth)?.ok_or(NotReady::NoKey)?);
        let configured = App::from_config(&config.oauth);
        Ok(Self {
            client: OAuthClient::new(config.cafe24.oauth_url.clone(), OAuthTimeouts::default())?,
            apps: Apps::new(control.clone(), Arc::clone(&sealer), configured),
            control,
            sealer,
            config: config.clone(),
        })
    }

    /// Where the mall's operator consents.
    pub(crate) async fn authorize_url(&self, consent: &Consent, state: &Secret) -> Result<String, AppError> {
        let app = self.apps.named(consent.app_id.as_ref()).await?.credentials;
        let scope = consent.dialect.scope();
        Ok(self.client.authorize_url(&consent.mall_id, &app, &consent.redirect_uri, scope, state.expose()))
    }

    /// Settles an attempt whose state was just used up. What came of it stands in its row, too, unless the store is away.
    pub(crate) async fn settle(&self, consent: &Consent, answer: &Answer, actor: &str) -> ConsentOutcome {
        let refused = match self.obtain(consent, answer).await {
            Ok(pair) => match self.store(consent, &pair, actor).await {
                Ok(()) => return ConsentOutcome::Connected,
                Err(refused) => refused,
            },
            Err(refused) => refused,
        };
        let Refused(outcome, detail) = refused;
        tracing::warn!(event = "connect.refused", mall = %consent.mall_id, reason = %outcome, "a consent brought nothing");
        if let Err(error) = self.control.end_consent(consent, actor, outcome, &detail).await {
            tracing::error!(
                event = "connect.unrecorded",
                mall = %consent.mall_id,
                error = &error as &dyn std::error::Error,
                "the end of a consent could not be stored"
            );
        }
        outcome
    }

    /// The new pair, if it is what was asked for.
    async fn obtain(&self, consent: &Consent, answer: &Answer) -> Result<TokenPair, Refused> {
        if let Some(code) = &answer.error {
            return Err(Refused(ConsentOutcome::of_error(code), json!({ "code": code })));
        }
        let Some(code) = &answer.code else {
            return Err(Refused(ConsentOutcome::Rejected, json!({ "code": "no code" })));
        };
        let app = self.apps.named(consent.app_id.as_ref()).await.map_err(|error| match error {
            AppError::Store(_) => Refused(ConsentOutcome::NotStored, json!({})),
            other => Refused(ConsentOutcome::AppRefused, json!({ "error": other.to_string() })),
        })?;
        let pair = self
            .client
            .exchange(&consent.mall_id, code, &consent.redirect_uri, &app.credentials)
            .await
            .map_err(|error| refusal(&error))?;
        let needed = consent.dialect.scope();
        if !pair.scopes.iter().any(|scope| scope == needed) {
            let detail = json!({ "needed": needed, "granted": pair.scopes });
            return Err(Refused(ConsentOutcome::ScopeMissing, detail));
        }
        Ok(pair)
    }

    async fn store(&self, consent: &Consent, pair: &TokenPair, actor: &str) -> Result<(), Refused> {
        let tokens = TokensAtRest::seal(&self.sealer, pair, &consent.agency_id, &consent.mall_id);
        let key = self.config.limiter_key(&consent.mall_id);
        let first_wanted = self.config.schedule.first_wanted(common::clock::now());
        let mut tries = 1;
        loop {
            match self.control.grant_consent(consent, actor, &key, first_wanted, &tokens).await {
                Ok(Some(granted)) => {
                    tracing::info!(
                        event = "connect.granted",
                        mall = %consent.mall_id,
                        released = granted.released,
                        "a mall is connected"
                    );
                    return Ok(());
                }
                Ok(None) => return Err(Refused(ConsentOutcome::OtherAgency, json!({}))),
                Err(StoreError::Unavailable { .. } | StoreError::Conflict(_)) if tries < STORE_TRIES => {
                    tries += 1;
                    sleep(STORE_WAIT).await;
                }
                Err(error) => {
                    tracing::error!(
                        event = "connect.not_stored",
                        mall = %consent.mall_id,
                        error = &error as &dyn std::error::Error,
                        "new tokens could not be stored: the mall must consent again"
                    );
                    return Err(Refused(ConsentOutcome::NotStored, json!({})));
                }
            }
        }
    }
}

fn refusal(error: &OAuthError) -> Refused {
    let outcome = match error {
        OAuthError::Network { .. } | OAuthError::Server { .. } => ConsentOutcome::Unreachable,
        OAuthError::Unreadable(InvalidAnswer::OtherMall) => ConsentOutcome::OtherMall,
        OAuthError::Unreadable(_) => ConsentOutcome::Rejected,
        OAuthError::InvalidGrant => ConsentOutcome::CodeRefused,
        OAuthError::InvalidClient => ConsentOutcome::AppRefused,
        OAuthError::Other { code, .. } => match ConsentOutcome::of_error(code) {
            // The token URL has no operator who could deny.
            ConsentOutcome::Denied => ConsentOutcome::Rejected,
            outcome => outcome,
        },
    };
    Refused(outcome, json!({ "error": error.to_string() }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::late_or_used(OAuthError::InvalidGrant, ConsentOutcome::CodeRefused)]
    #[case::secret(OAuthError::InvalidClient, ConsentOutcome::AppRefused)]
    #[case::another_malls_tokens(OAuthError::Unreadable(InvalidAnswer::OtherMall), ConsentOutcome::OtherMall)]
    #[case::no_tokens(OAuthError::Unreadable(InvalidAnswer::Empty("access_token")), ConsentOutcome::Rejected)]
    #[case::away(OAuthError::Server { status: 503 }, ConsentOutcome::Unreachable)]
    #[case::address(OAuthError::Other { status: 400, code: "invalid_request".to_owned() }, ConsentOutcome::AddressRefused)]
    #[case::unheard_of(OAuthError::Other { status: 418, code: "no code".to_owned() }, ConsentOutcome::Rejected)]
    #[case::nobody_denies_here(OAuthError::Other { status: 400, code: "access_denied".to_owned() }, ConsentOutcome::Rejected)]
    fn every_failure_of_the_exchange_has_an_outcome(
        #[case] error: OAuthError,
        #[case] outcome: ConsentOutcome,
    ) {
        let Refused(found, detail) = refusal(&error);
        assert_eq!(found, outcome);
        assert!(detail["error"].as_str().is_some_and(|text| !text.is_empty()));
    }
}
