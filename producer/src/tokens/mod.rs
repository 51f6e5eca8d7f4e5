//! The token keeper: pairs that nobody uses are renewed before they end.
//!
//! A refresh token ends 14 days after the refresh that made it, and with it the mall's consent. So every pair that is older
//! than `oauth.keep_alive` is renewed, of paused malls too, a few at a time; the workers renew what they use. A pair comes with
//! its scopes: a mall whose consent lost the one it needs waits for it from then on, and one that got it goes on.
//! What ends anyway shows in the metric `tokens_expiring` long before.

use std::sync::Arc;
use std::time::Duration;

use common::config::Config;
use common::oauth::{
    App, BuildError, InvalidKey, OAuthClient, OAuthTimeouts, Sealer, Spool, TokenError, TokenKeeper,
};
use common::store::{Control, DueToken, Ledger, SealedTokenStore, StoreError};
use futures::StreamExt;

/// Pairs renewed in one pass. Malls that were imported together do not come due together again.
const PASS: i64 = 50;
/// Refreshes at the same time.
const AT_ONCE: usize = 4;
/// Connections for that: a statement or two each.
const CONNECTIONS: usize = 2;
/// A pass comes this often for the age of a week.
const EVERY: Duration = Duration::from_mins(5);
/// Passes in the time that a pair may reach: more than malls of one pass can be.
const PASSES: u32 = 500;
/// How long new tokens that are not stored yet are waited for at the end.
const TOKENS_AT_MOST: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_hours(24);

/// Why tokens cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The master key.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// The OAuth client.
    #[error(transparent)]
    Client(#[from] BuildError),
    /// The URL of Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps pairs alive.
#[derive(Debug)]
pub struct Tokens {
    control: Control,
    keeper: Option<TokenKeeper<SealedTokenStore>>,
    age: Duration,
}

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// New pairs.
    pub renewed: usize,
    /// Malls that wait for a new consent now.
    pub dead: usize,
    /// To be tried again in a later pass.
    pub failed: usize,
}

impl Tokens {
    /// A keeper with the settings of `config`; without a master key it keeps nothing.
    pub fn new(config: &Config, control: &Control) -> Result<Self, TokensError> {
        let keeper = match Sealer::from_config(&config.oauth)? {
            None => None,
            Some(sealer) => {
                let sealer = Arc::new(sealer);
                let ledger = Ledger::new(config.postgres.url.expose(), CONNECTIONS)?;
                let app = App::from_config(&config.oauth);
                let store = SealedTokenStore::new(ledger, Arc::clone(&sealer), app.as_ref());
                let client = OAuthClient::new(config.cafe24.oauth_url.clone(), OAuthTimeouts::default())?;
                let spool = Spool::new(config.oauth.spool_dir.clone(), sealer);
                Some(TokenKeeper::new(store, client, config.oauth.refresh_before, Some(spool)))
            }
        };
        Ok(Self { control: control.clone(), keeper, age: config.oauth.keep_alive })
    }

    /// What refreshes; none without a master key.
    pub(crate) fn keeper(&self) -> Option<&TokenKeeper<SealedTokenStore>> {
        self.keeper.as_ref()
    }

    /// Stores what a process before us left in this machine's spool, as far as the store is there.
    pub(crate) async fn take_up_spool(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.take_up_spool().await;
        }
    }

    /// How often a pass is due.
    pub(crate) fn every(&self) -> Duration {
        (self.age / PASSES).min(EVERY)
    }

    /// Renews all pairs that are due.
    pub(crate) async fn all_due(&self) -> Result<Pass, StoreError> {
        let mut all = Pass::default();
        let mut after = String::new();
        loop {
            let pass = self.pass(&mut after).await?;
            all.renewed += pass.renewed;
            all.dead += pass.dead;
            all.failed += pass.failed;
            if after.is_empty() {
                return Ok(all);
            }
        }
    }

    /// Renews the next pairs that are due, by mall after `after`, which moves on and begins anew at the end.
    pub(crate) async fn pass(&self, after: &mut String) -> Result<Pass, StoreError> {
        let due = self.control.due_tokens(self.age, after, PASS).await?;
        let full = i64::try_from(due.len()).unwrap_or(PASS) == PASS;
        *after = due.last().filter(|_| full).map(|last| last.mall_id.to_string()).unwrap_or_default();
        let mut pass = Pass::default();
        let mut ends = futures::stream::iter(due).map(|due| self.renew(due)).buffer_unordered(AT_ONCE);
        while let Some(end) = ends.next().await {
            match end {
                Ok(()) => pass.renewed += 1,
                Err(TokenError::NeedsConsent { .. } | TokenError::NoTokens) => pass.dead += 1,
                Err(_) => pass.failed += 1,
            }
        }
        drop(ends);
        common::telemetry::set_tokens_expiring(self.control.expiring_tokens([DAY, DAY * 3, DAY * 7]).await?);
        Ok(pass)
    }

    async fn renew(&self, due: DueToken) -> Result<(), TokenError> {
        let Some(keeper) = &self.keeper else { return Ok(()) };
        let renewed = keeper.refresh(&due.mall_id, due.version).await;
        if let Err(error) = &renewed {
            tracing::debug!(mall = %due.mall_id, error = error as &dyn std::error::Error, "not renewed");
        }
        renewed.map(drop)
    }

    /// Waits for refreshes under way; what cannot be stored goes into the spool.
    pub async fn close(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.settle(TOKENS_AT_MOST).await;
            keeper.close().await;
        }
    }
}
