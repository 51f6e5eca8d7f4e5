//! What the handle and the control endpoints have in common.

use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};

use super::config::{DayKind, MallSpec};
use super::endpoint::{Endpoint, Granularity};
use super::handle::ImportLine;
use super::server::SimError;
use super::state::{Period, Shared, When};
use super::tokens::TokenAnswer;

impl Shared {
    pub(crate) fn malls(&self) -> Vec<MallSpec> {
        self.lock().malls.values().map(|mall| mall.spec.clone()).collect()
    }

    /// A new pair; unless scopes are named, with the one that the mall's dialect needs.
    pub(crate) fn issue_tokens(&self, mall: &str, scopes: Option<&[&str]>) -> Result<TokenAnswer, SimError> {
        let now = self.clock.now();
        let mut inner = self.lock();
        let known = inner.mall(mall)?;
        known.seen.tokens.issued += 1;
        let dialect = known.spec.dialect;
        let scopes = scopes.unwrap_or(&[dialect.scope()]).iter().map(|scope| (*scope).to_owned()).collect();
        Ok(inner.tokens.issue(mall, scopes, now, &self.config).spoken(dialect))
    }

    pub(crate) fn current_tokens(&self, mall: &str) -> Result<TokenAnswer, SimError> {
        let (now, mut inner) = (self.clock.now(), self.lock());
        let dialect = inner.mall(mall)?.spec.dialect;
        let current = inner.tokens.current(mall, now);
        drop(inner);
        current.map_or_else(|| self.issue_tokens(mall, None), |pair| Ok(pair.spoken(dialect)))
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
                dialect: spec.dialect,
                shops: spec.shops,
                mode: "api".to_owned(),
            })
        };
        self.malls().into_iter().map(line).collect()
    }

    /// Returns the day's new serial, of the first shop.
    pub(crate) fn restate(&self, mall: &str, endpoint: Endpoint, day: NaiveDate) -> Result<u64, SimError> {
        let now = self.clock.now();
        self.with_mall(mall, |mall| mall.restate(endpoint, day, now))??;
        self.serial(mall, (endpoint, Granularity::Day, day))
    }

    /// The present serial of a period of the first shop.
    pub(crate) fn serial(&self, mall: &str, period: Period) -> Result<u64, SimError> {
        self.with_mall(mall, |mall| {
            let source = mall.spec.shops.first().and_then(|shop| self.source(mall, *shop));
            source.map_or(0, |source| self.state(mall, &source, period, When::Now).serial)
        })
    }

    pub(crate) fn changes(
        &self,
        mall: &str,
        shop: u32,
        (endpoint, granularity, start): Period,
    ) -> Result<Vec<DateTime<Utc>>, SimError> {
        let source = self.with_mall(mall, |mall| self.source(mall, shop))?;
        let living = source.filter(|_| self.config.days == DayKind::Living);
        Ok(living.map(|source| source.changes(endpoint, granularity, start)).unwrap_or_default())
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
