//! What the handle and the control endpoints have in common.

use std::time::Instant;

use super::config::MallSpec;
use super::handle::ImportLine;
use super::server::SimError;
use super::state::Shared;
use super::tokens::TokenAnswer;

impl Shared {
    pub(crate) fn malls(&self) -> Vec<MallSpec> {
        self.lock().malls.values().map(|mall| mall.spec.clone()).collect()
    }

    pub(crate) fn issue_tokens(&self, mall: &str, scopes: &[&str]) -> Result<TokenAnswer, SimError> {
        let now = self.clock.now();
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let mut inner = self.lock();
        inner.mall(mall)?.seen.tokens.issued += 1;
        Ok(inner.tokens.issue(mall, scopes, now, &self.config))
    }

    pub(crate) fn current_tokens(&self, mall: &str) -> Result<TokenAnswer, SimError> {
        let current = self.lock().tokens.current(mall, self.clock.now());
        current.map_or_else(|| self.issue_tokens(mall, &["mall.analytics"]), Ok)
    }

    pub(crate) fn expire_access(&self, mall: &str) -> Result<(), SimError> {
        let mut inner = self.lock();
        inner.mall(mall)?;
        inner.tokens.expire_access(mall, self.clock.now());
        Ok(())
    }

    pub(crate) fn revoke_tokens(&self, mall: &str) -> Result<(), SimError> {
        let mut inner = self.lock();
        inner.mall(mall)?;
        inner.tokens.kill(mall);
        Ok(())
    }

    pub(crate) fn import_lines(&self) -> Result<Vec<ImportLine>, SimError> {
        let line = |spec: MallSpec| {
            Ok(ImportLine {
                oauth_tokens: self.current_tokens(&spec.mall_id)?,
                mall_id: spec.mall_id,
                agency: spec.agency,
                dialect: "seed".to_owned(),
                shops: spec.shops,
                mode: "api".to_owned(),
            })
        };
        self.malls().into_iter().map(line).collect()
    }

    pub(crate) fn drain(&self, mall: &str, tokens: u32) -> Result<f64, SimError> {
        let level = self.with_bucket(mall, |bucket| bucket.drain(tokens, Instant::now()))?;
        self.with_mall(mall, |mall| mall.seen.note_level(level))?;
        Ok(level)
    }

    pub(crate) fn clear_faults(&self) {
        self.lock().faults.clear();
        self.release();
    }

    pub(crate) fn release(&self) {
        self.releases.send_modify(|count| *count += 1);
    }
}
