//! Single flight: however many jobs want a mall's token, one refresh is made (`faults.md` O1).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep};

use super::app::AppCredentials;
use super::client::OAuthClient;
use super::error::{DeathCause, OAuthError, RenewError, TokenError, TokenStoreError};
use super::store::{RefreshCall, StoredTokens, TokenStore};
use super::token::{AccessToken, TokenPair};
use crate::clock;
use crate::domain::failure::FailureClass;
use crate::domain::ids::MallId;
use crate::telemetry::{count_token_refresh, events};

/// Malls whose token is remembered. Full: the one that was used longest ago is forgotten, and read again when wanted.
const MALLS_MAX: usize = 20_000;
/// Tries of one refresh token while the network fails.
const TRIES: u32 = 3;
/// Wait before the second try; twice that before the third.
const TRY_AGAIN: Duration = Duration::from_millis(250);
/// After a refresh that failed for the network, the host is left alone for so long.
const COOL_DOWN: Duration = Duration::from_secs(5);
/// A token this close to its end is not sent any more.
const LAST_USE: TimeDelta = TimeDelta::seconds(20);

/// A token that may be sent, and which version of the mall's pair it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshToken {
    /// For the request.
    pub access: AccessToken,
    /// To be given to [`TokenKeeper::after_unauthorized`] if the API refuses the token.
    pub version: i64,
}

/// What is remembered of a mall.
#[derive(Debug, Default)]
struct Known {
    tokens: Option<StoredTokens>,
    /// The version whose refresh token is dead.
    dead: Option<(i64, DeathCause)>,
    /// No refresh before.
    cool_until: Option<Instant>,
}

#[derive(Debug)]
struct Slot {
    known: Arc<tokio::sync::Mutex<Known>>,
    used: Instant,
}

/// Hands out access tokens, refreshed in time. Share it by `Arc`.
///
/// Await its calls to their end: a future that is dropped between the answer of the token URL and the commit loses
/// the mall's rotation. A program that stops finishes them first.
#[derive(Debug)]
pub struct TokenKeeper<S> {
    store: S,
    client: OAuthClient,
    app: Option<AppCredentials>,
    refresh_before: TimeDelta,
    slots: Mutex<HashMap<MallId, Slot>>,
}

impl<S: TokenStore> TokenKeeper<S> {
    /// `refresh_before` is how long before its end a token is renewed. Without an `app` stored tokens are used to
    /// their end and never renewed.
    pub fn new(store: S, client: OAuthClient, app: Option<AppCredentials>, refresh_before: Duration) -> Self {
        let refresh_before = TimeDelta::from_std(refresh_before).unwrap_or(TimeDelta::MAX);
        Self { store, client, app, refresh_before, slots: Mutex::new(HashMap::new()) }
    }

    /// A token of at least `wanted_version` (what the claim read; 0 for any).
    pub async fn token(&self, mall: &MallId, wanted_version: i64) -> Result<FreshToken, TokenError> {
        let slot = self.slot(mall);
        let mut known = slot.lock().await;
        if let Some(tokens) = &known.tokens
            && tokens.version >= wanted_version
            && self.is_fresh(&tokens.pair, clock::now())
        {
            return Ok(fresh(tokens));
        }
        let stored = self.load(mall, &mut known).await?;
        if self.is_fresh(&stored.pair, clock::now()) {
            return Ok(fresh(&stored));
        }
        let still_good = stored.pair.access_expires_at - LAST_USE > clock::now();
        match self.renew(mall, stored.version, &mut known).await {
            Err(TokenError::Unreachable(_) | TokenError::CoolingDown) if still_good => Ok(fresh(&stored)),
            result => result,
        }
    }

    /// A token for another try after the API refused the one of `used_version` with 401.
    ///
    /// A newer stored pair is used without a refresh. Else the pair is refreshed, once, whatever its stored end says.
    pub async fn after_unauthorized(
        &self,
        mall: &MallId,
        used_version: i64,
    ) -> Result<FreshToken, TokenError> {
        let slot = self.slot(mall);
        let mut known = slot.lock().await;
        if let Some(tokens) = &known.tokens
            && tokens.version > used_version
            && self.is_fresh(&tokens.pair, clock::now())
        {
            return Ok(fresh(tokens));
        }
        let stored = self.load(mall, &mut known).await?;
        if stored.version > used_version && self.is_fresh(&stored.pair, clock::now()) {
            return Ok(fresh(&stored));
        }
        self.renew(mall, stored.version, &mut known).await
    }

    /// Forgets what is remembered of a mall; its next token comes from the store.
    pub fn forget(&self, mall: &MallId) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(mall);
    }

    fn slot(&self, mall: &MallId) -> Arc<tokio::sync::Mutex<Known>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get_mut(mall) {
            slot.used = Instant::now();
            return slot.known.clone();
        }
        if slots.len() >= MALLS_MAX {
            // A slot that somebody holds stays: forgetting it would let a second task refresh beside the first.
            let idle = slots.iter().filter(|(_, slot)| Arc::strong_count(&slot.known) == 1);
            if let Some(oldest) = idle.min_by_key(|(_, slot)| slot.used).map(|(mall, _)| mall.clone()) {
                slots.remove(&oldest);
            }
        }
        let known = Arc::new(tokio::sync::Mutex::new(Known::default()));
        slots.insert(mall.clone(), Slot { known: known.clone(), used: Instant::now() });
        known
    }

    fn is_fresh(&self, pair: &TokenPair, now: DateTime<Utc>) -> bool {
        // A token that lives shorter than usual must not be renewed each time that it is wanted.
        let lifetime = pair.access_expires_at - pair.issued_at;
        let margin = if self.app.is_some() { self.refresh_before.min(lifetime / 4) } else { LAST_USE };
        pair.access_expires_at - now > margin
    }

    async fn load(&self, mall: &MallId, known: &mut Known) -> Result<StoredTokens, TokenError> {
        let stored = self.store.load(mall).await.map_err(store_error)?;
        known.tokens = Some(stored.clone());
        Ok(stored)
    }

    async fn renew(&self, mall: &MallId, used: i64, known: &mut Known) -> Result<FreshToken, TokenError> {
        if let Some((version, reason)) = known.dead
            && version == used
        {
            return Err(TokenError::NeedsConsent { reason });
        }
        if known.cool_until.is_some_and(|until| Instant::now() < until) {
            return Err(TokenError::CoolingDown);
        }
        let Some(app) = &self.app else {
            return Err(TokenError::Refused(OAuthError::InvalidClient));
        };
        let notes = Arc::new(Notes::default());
        let call =
            Call { client: self.client.clone(), mall: mall.clone(), app: app.clone(), notes: notes.clone() };
        let refresh: RefreshCall = Box::new(move |pair| Box::pin(call.run(pair)));
        match self.store.renew(mall, Some(used), refresh).await {
            Ok(stored) => {
                let token = fresh(&stored);
                if notes.called.load(Ordering::Relaxed) {
                    count_token_refresh("ok");
                    let version = token.version;
                    tracing::info!(event = events::TOKEN_REFRESHED, %mall, version, "tokens of {mall} renewed");
                } else {
                    count_token_refresh("raced");
                }
                *known = Known { tokens: Some(stored), ..Known::default() };
                return Ok(token);
            }
            Err(RenewError::Store(error)) => return Err(store_error(error)),
            Err(RenewError::Refresh(OAuthError::InvalidGrant)) => {}
            Err(RenewError::Refresh(error)) => {
                count_token_refresh(if error.class() == FailureClass::Transient {
                    "network"
                } else {
                    "refused"
                });
                known.cool_until = Some(Instant::now() + COOL_DOWN);
                return Err(match error.class() {
                    FailureClass::Forbidden => TokenError::Refused(error),
                    _ => TokenError::Unreachable(error),
                });
            }
        }
        // Another program may have stored its pair without our lock: look once more before the mall is given up.
        let stored = self.load(mall, known).await?;
        if stored.version > used && self.is_fresh(&stored.pair, clock::now()) {
            return Ok(fresh(&stored));
        }
        let reason = if stored.pair.refresh_expires_at <= clock::now() {
            DeathCause::Expired
        } else if notes.rotation_lost.load(Ordering::Relaxed) {
            DeathCause::RotationLost
        } else {
            DeathCause::InvalidGrant
        };
        count_token_refresh("invalid_grant");
        known.dead = Some((stored.version, reason));
        Err(TokenError::NeedsConsent { reason })
    }
}

/// One renewal's call; owned, because the store keeps it inside its transaction.
struct Call {
    client: OAuthClient,
    mall: MallId,
    app: AppCredentials,
    notes: Arc<Notes>,
}

/// What a call tells beside its result.
#[derive(Default)]
struct Notes {
    /// The store let us call: nobody else was faster.
    called: AtomicBool,
    /// A call without an answer may have rotated the pair.
    rotation_lost: AtomicBool,
}

impl Call {
    /// Calls the token URL, up to [`TRIES`] times with the same refresh token while the network fails.
    async fn run(self, pair: TokenPair) -> Result<TokenPair, OAuthError> {
        self.notes.called.store(true, Ordering::Relaxed);
        if pair.refresh_expires_at <= clock::now() {
            return Err(OAuthError::InvalidGrant);
        }
        let mut tries = 1;
        loop {
            match self.client.refresh(&self.mall, &pair.refresh, &self.app).await {
                Err(error) if error.may_try_again() && tries < TRIES => {
                    if matches!(error, OAuthError::Network { sent: true, .. }) {
                        self.notes.rotation_lost.store(true, Ordering::Relaxed);
                    }
                    tracing::warn!(mall = %self.mall, tries, error = %error, "token refresh failed, trying the same token again");
                    sleep(TRY_AGAIN * tries).await;
                    tries += 1;
                }
                result => return result,
            }
        }
    }
}

fn fresh(stored: &StoredTokens) -> FreshToken {
    FreshToken { access: stored.pair.access.clone(), version: stored.version }
}

fn store_error(error: TokenStoreError) -> TokenError {
    match error {
        TokenStoreError::Missing => TokenError::NoTokens,
        error @ (TokenStoreError::Seal(_) | TokenStoreError::Unavailable(_)) => TokenError::Store(error),
    }
}
