//! The simulator in one's hand: everything the control endpoints do, without HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::clock::SimClock;
use super::config::{MallSpec, SimConfig};
use super::dialect::Dialect;
use super::endpoint::Endpoint;
use super::fault::{FaultId, FaultRule, FaultState};
use super::server::SimError;
use super::state::Shared;
use super::tokens::TokenAnswer;

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct SimulatorHandle {
    pub(super) shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// One line of the file that `malls import` reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the import file's own fields")]
pub struct ImportLine {
    pub mall_id: String,
    pub agency: String,
    pub dialect: Dialect,
    pub shops: Vec<u32>,
    pub mode: String,
    pub oauth_tokens: TokenAnswer,
}

impl SimulatorHandle {
    pub(crate) fn new(
        shared: Arc<Shared>,
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        thread: JoinHandle<()>,
    ) -> Self {
        Self { shared, address, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes the place of `https://ca-api.cafe24data.com`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes the place of `https://{mall_id}.cafe24api.com`.
    pub fn oauth_template(&self) -> String {
        format!("http://{}/oauth/{{mall_id}}", self.address)
    }

    /// As it was started.
    pub fn config(&self) -> &SimConfig {
        &self.shared.config
    }

    /// The clock of token lifetimes and of "today".
    pub fn clock(&self) -> &SimClock {
        &self.shared.clock
    }

    /// All malls, by id.
    pub fn malls(&self) -> Vec<MallSpec> {
        self.shared.malls()
    }

    /// One more mall.
    pub fn add_mall(&self, spec: MallSpec) -> Result<(), SimError> {
        self.shared.add_mall(spec)
    }

    /// A mall without approval answers 403.
    pub fn set_approved(&self, mall: &str, approved: bool) -> Result<(), SimError> {
        self.shared.with_mall(mall, |mall| mall.spec.approved = approved)
    }

    /// A new pair; the one before dies.
    pub fn issue_tokens(&self, mall: &str) -> Result<TokenAnswer, SimError> {
        self.shared.issue_tokens(mall, None)
    }

    /// A new pair with other scopes.
    pub fn issue_tokens_with(&self, mall: &str, scopes: &[&str]) -> Result<TokenAnswer, SimError> {
        self.shared.issue_tokens(mall, Some(scopes))
    }

    /// The living pair; a first one if there is none.
    pub fn current_tokens(&self, mall: &str) -> Result<TokenAnswer, SimError> {
        self.shared.current_tokens(mall)
    }

    /// Every token and code ever handed out, living or dead, by what it is.
    pub fn handed_out(&self) -> Vec<(&'static str, String)> {
        self.shared.lock().tokens.handed_out()
    }

    /// Ends the access token now, against what its `expires_at` says.
    pub fn expire_access(&self, mall: &str) -> Result<(), SimError> {
        self.shared.expire_access(mall)
    }

    /// Ends both tokens: only a new consent helps.
    pub fn revoke_tokens(&self, mall: &str) -> Result<(), SimError> {
        self.shared.revoke_tokens(mall)
    }

    /// An authorization code, as if somebody had pressed Allow.
    pub fn issue_code(&self, mall: &str, redirect_uri: &str, scopes: &[&str]) -> Result<String, SimError> {
        self.shared.with_mall(mall, |_| ())?;
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Ok(self.shared.issue_code((mall, mall), redirect_uri, scopes))
    }

    /// Where the consent page led a browser last, with its code.
    pub fn last_redirect(&self) -> Option<String> {
        self.shared.lock().redirected.clone()
    }

    /// Lines for `malls import`, with the living pair of each mall.
    pub fn import_lines(&self) -> Result<Vec<ImportLine>, SimError> {
        self.shared.import_lines()
    }

    /// Orders a fault.
    pub fn order(&self, rule: FaultRule) -> Result<FaultId, SimError> {
        self.shared.lock().faults.order(rule)
    }

    /// How one order stands.
    pub fn fault(&self, id: FaultId) -> Option<FaultState> {
        self.shared.lock().faults.state(id)
    }

    /// How all orders stand.
    pub fn faults(&self) -> Vec<FaultState> {
        self.shared.lock().faults.states()
    }

    /// Takes an order back; `false` if there is none of that number.
    pub fn cancel_fault(&self, id: FaultId) -> bool {
        self.shared.lock().faults.cancel(id)
    }

    /// Takes all orders back and lets held answers go.
    pub fn clear_faults(&self) {
        self.shared.clear_faults();
    }

    /// Lets the answers held now go; the order stands.
    pub fn release(&self) {
        self.shared.release();
    }

    /// Answers held now.
    pub fn held(&self) -> usize {
        self.shared.lock().held
    }

    /// Changes the figures of a day, its week and its month; returns the day's new serial.
    pub fn restate(&self, mall: &str, endpoint: Endpoint, day: NaiveDate) -> Result<u64, SimError> {
        self.shared.restate(mall, endpoint, day)
    }

    /// Foreign software spends up to `tokens` of the bucket; returns the level left.
    pub fn drain(&self, mall: &str, tokens: u32) -> Result<f64, SimError> {
        self.shared.drain(mall, tokens)
    }

    /// Fills the bucket.
    pub fn fill(&self, mall: &str) -> Result<(), SimError> {
        self.shared.with_bucket(mall, |bucket| bucket.fill(Instant::now()))
    }

    /// The bucket's level now.
    pub fn level(&self, mall: &str) -> Result<f64, SimError> {
        self.shared.with_bucket(mall, |bucket| bucket.level(Instant::now()))
    }

    /// Zero of the arrival times.
    pub fn origin(&self) -> Instant {
        self.shared.origin
    }

    /// Empties the books; tokens, serials, buckets and faults stay.
    pub fn reset_report(&self) {
        self.shared.reset_report();
    }
}

impl Drop for SimulatorHandle {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _gone = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
