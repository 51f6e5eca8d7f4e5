//! Single flight: however many jobs want a mall's token, one refresh is made (`docs/reliability.md` O1).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::client::OAuthClient;
use super::desk::{Desk, FlightEnd};
use super::error::{DeathCause, OAuthError, TokenError};
use super::flight::Landing;
use super::spool::Spool;
use super::store::{StoredTokens, TokenStore};
use super::token::{AccessToken, TokenPair};
use crate::clock;
use crate::domain::failure::FailureClass;
use crate::domain::ids::MallId;
use crate::telemetry::count_token_refresh;

/// Malls whose token is remembered. Full: the one that was used longest ago is forgotten, and read again when wanted.
const MALLS_MAX: usize = 20_000;
/// After a refresh that failed for the network, the host is left alone for so long.
const COOL_DOWN: Duration = Duration::from_secs(5);
/// After another process's refresh was waited for in vain, it is left alone for so long.
const BUSY_REST: Duration = Duration::from_secs(2);
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
/// A refresh runs in a task of its own, so that whoever wants the token may stop waiting; [`close`](Self::close) waits for
/// those that are under way before the program ends.
#[derive(Debug)]
pub struct TokenKeeper<S> {
    desk: Arc<Desk<S>>,
    refresh_before: TimeDelta,
    slots: Mutex<HashMap<MallId, Slot>>,
}

impl<S: TokenStore> TokenKeeper<S> {
    /// `refresh_before` is how long before its end a token is renewed. Tokens of a mall without an app are used to their
    /// end and never renewed. Without a `spool`, a pair that cannot be stored before the process ends is lost.
    pub fn new(store: S, client: OAuthClient, refresh_before: Duration, spool: Option<Spool>) -> Self {
        let refresh_before = TimeDelta::from_std(refresh_before).unwrap_or_default();
        Self { desk: Arc::new(Desk::new(store, client, spool)), refresh_before, slots: Mutex::default() }
    }

    /// Where the tokens are kept.
    pub fn store(&self) -> &S {
        &self.desk.store
    }

    /// Waits up to `grace` for refreshes under way, so that no new pair is lost; what cannot be stored by then goes into
    /// the spool, and no further refresh begins.
    pub async fn settle(&self, grace: Duration) {
        self.desk.settle(grace).await;
    }

    /// No refresh begins from now on; those under way end, with their pairs in the store or in the spool.
    pub async fn close(&self) {
        self.desk.close().await;
    }

    /// Stores what a process before us left in the spool. `false`: some of it waits on, since the store is away.
    pub async fn take_up_spool(&self) -> bool {
        self.desk.take_up_spool().await
    }

    /// Renews the pair whatever its age; a newer one than `used` that is stored meanwhile counts as well.
    pub async fn refresh(&self, mall: &MallId, used: i64) -> Result<FreshToken, TokenError> {
        let slot = self.slot(mall);
        let mut known = slot.lock().await;
        self.renew(mall, used, &mut known).await
    }

    /// A token of at least `wanted_version` (what the claim read; 0 for any).
    pub async fn token(&self, mall: &MallId, wanted_version: i64) -> Result<FreshToken, TokenError> {
        let slot = self.slot(mall);
        let mut known = slot.lock().await;
        if let Some(tokens) = &known.tokens
            && tokens.version >= wanted_version
            && self.is_fresh(tokens, clock::now())
        {
            return Ok(fresh(tokens));
        }
        let stored = self.load(mall, &mut known).await?;
        if self.is_fresh(&stored, clock::now()) {
            return Ok(fresh(&stored));
        }
        let still_good = stored.pair.access_expires_at - LAST_USE > clock::now();
        match self.renew(mall, stored.version, &mut known).await {
            Err(TokenError::Unreachable(_) | TokenError::CoolingDown | TokenError::Busy) if still_good => {
                Ok(fresh(&stored))
            }
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
            && self.is_fresh(tokens, clock::now())
        {
            return Ok(fresh(tokens));
        }
        let stored = self.load(mall, &mut known).await?;
        if stored.version > used_version && self.is_fresh(&stored, clock::now()) {
            return Ok(fresh(&stored));
        }
        self.renew(mall, stored.version, &mut known).await
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

    fn is_fresh(&self, tokens: &StoredTokens, now: DateTime<Utc>) -> bool {
        let TokenPair { access_expires_at, issued_at, .. } = tokens.pair;
        // A token that lives shorter than usual must not be renewed each time that it is wanted.
        let lifetime = access_expires_at - issued_at;
        let margin = if tokens.refreshable { self.refresh_before.min(lifetime / 4) } else { LAST_USE };
        access_expires_at - now > margin
    }

    async fn load(&self, mall: &MallId, known: &mut Known) -> Result<StoredTokens, TokenError> {
        let stored = self.desk.store.load(mall).await?;
        if known.tokens.replace(stored.clone()).is_none_or(|before| before.pair != stored.pair) {
            // A mall that was removed and connected anew counts from the beginning: its version tells nothing of the dead.
            known.dead = None;
        }
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
        match self.desk.fly(mall, used).await? {
            FlightEnd { landing: Landing::Renewed | Landing::Raced, tokens: Some(stored), .. } => {
                let token = fresh(&stored);
                *known = Known { tokens: Some(stored), ..Known::default() };
                Ok(token)
            }
            FlightEnd { landing: Landing::Busy, .. } => {
                // The other jobs of the mall must not wait one after the other.
                known.cool_until = Some(Instant::now() + BUSY_REST);
                Err(TokenError::Busy)
            }
            FlightEnd { landing: Landing::Spooled, .. } => Err(TokenError::Spooled),
            FlightEnd { landing: Landing::Dead { .. }, death, .. } => {
                let reason = death.unwrap_or(DeathCause::InvalidGrant);
                count_token_refresh("invalid_grant");
                known.dead = Some((used, reason));
                Err(TokenError::NeedsConsent { reason })
            }
            FlightEnd { error, .. } => {
                let error = error.unwrap_or(OAuthError::InvalidClient);
                let transient = error.class() == FailureClass::Transient;
                count_token_refresh(if transient { "network" } else { "refused" });
                known.cool_until = Some(Instant::now() + COOL_DOWN);
                Err(if transient { TokenError::Unreachable(error) } else { TokenError::Refused(error) })
            }
        }
    }
}

fn fresh(stored: &StoredTokens) -> FreshToken {
    FreshToken { access: stored.pair.access.clone(), version: stored.version }
}
