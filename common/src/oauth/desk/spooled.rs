//! Pairs that could not be stored: into the spool when the process ends, out of it when the next one starts.

use std::path::Path;

use tokio::time::timeout;

use super::{Desk, Hand, STORE_AT_MOST};
use crate::oauth::error::TokenStoreError;
use crate::oauth::spool::Waiting;
use crate::oauth::store::{Keep, TokenStore};
use crate::telemetry::events;

impl<S: TokenStore> Desk<S> {
    pub(super) fn write_spool(&self, hand: &Hand) {
        let (mall, Some(pair), Some((tokens, _))) = (&hand.mall, &hand.pair, &hand.leased) else { return };
        let waiting = Waiting {
            mall: mall.clone(),
            agency: tokens.agency.clone(),
            used: hand.used,
            pair: pair.clone(),
        };
        let lost = match self.spool.as_ref().map(|spool| spool.write(&waiting)) {
            Some(Ok(path)) => {
                tracing::warn!(event = events::TOKEN_SPOOLED, %mall, file = %path.display(), "the new tokens of {mall} wait in a sealed file; the next start stores them");
                return;
            }
            Some(Err(error)) => error.to_string(),
            None => "no spool directory".to_owned(),
        };
        tracing::error!(event = events::TOKEN_REFRESH_LOST, %mall, error = lost, "the new tokens of {mall} are lost: cafe24-sync connect {mall}");
    }

    pub(in crate::oauth) async fn take_up_spool(&self) -> bool {
        let Some(spool) = &self.spool else { return true };
        let files = match spool.files() {
            Ok(files) => files,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the spool directory cannot be read"
                );
                return true;
            }
        };
        let mut all = true;
        for path in files {
            match spool.read(&path) {
                Ok(waiting) => all &= self.take_up(&path, &waiting).await,
                Err(error) => {
                    let file = path.display();
                    tracing::warn!(%file, error = &error as &dyn std::error::Error, "a file of the spool is left alone");
                }
            }
        }
        all
    }

    /// `false`: it waits on, since its mall's row cannot be read or written now. That keeps no other pair waiting.
    async fn take_up(&self, path: &Path, waiting: &Waiting) -> bool {
        let (mall, file) = (&waiting.mall, path.display());
        let kept = match timeout(STORE_AT_MOST, self.keep_spooled(waiting)).await {
            Ok(Ok(kept)) => kept,
            Ok(Err(TokenStoreError::Missing)) => Keep::Older,
            Ok(Err(error)) => {
                tracing::warn!(%mall, %file, error = &error as &dyn std::error::Error, "tokens of {mall} wait on in the spool");
                return false;
            }
            Err(_silent) => {
                tracing::warn!(%mall, %file, "tokens of {mall} wait on in the spool: the store is silent");
                return false;
            }
        };
        // Two processes may take up the same file: the second finds the pair stored, and the file gone.
        let _ = std::fs::remove_file(path);
        match kept {
            Keep::Stored(version) => {
                tracing::info!(event = events::TOKEN_REFRESHED, %mall, version, "tokens of {mall} taken up from the spool");
            }
            Keep::Older => {
                tracing::info!(%mall, %file, "tokens of {mall} in the spool are older than the stored ones: removed");
            }
        }
        true
    }

    async fn keep_spooled(&self, waiting: &Waiting) -> Result<Keep, TokenStoreError> {
        let stored = self.store.load(&waiting.mall).await?;
        if stored.version == waiting.used {
            self.store.keep(&waiting.mall, &stored, &waiting.pair).await
        } else if stored.pair.refresh == waiting.pair.refresh {
            Ok(Keep::Stored(stored.version))
        } else {
            Ok(Keep::Older)
        }
    }
}
