//! The OAuth store: one living pair a mall. A new pair kills the old one, both halves, at once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::clock::zoneless_kst;
use super::config::SimConfig;

/// Dead tokens still recognised as such; older ones are merely unknown.
const DEAD_MAX: usize = 100_000;
/// Tokens and codes remembered for a test that looks for them everywhere.
const HANDED_OUT_MAX: usize = 100_000;
/// Codes waiting to be exchanged; they live a minute.
const CODES_MAX: usize = 10_000;
/// Names of the scope that opens the four endpoints.
const READ_SCOPES: [&str; 2] = ["mall.analytics", "mall.read_analytics"];

/// The token endpoint's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the specification's own fields")]
pub struct TokenAnswer {
    pub access_token: String,
    pub expires_at: String,
    pub refresh_token: String,
    pub refresh_token_expires_at: String,
    pub client_id: String,
    pub mall_id: String,
    pub scopes: Vec<String>,
    pub issued_at: String,
}

/// What happened to one mall's tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenReport {
    /// Pairs handed out, by whatever way.
    pub issued: u64,
    /// Refreshes that succeeded.
    pub refreshes: u64,
    /// Refresh requests that came while another of the same mall was under way.
    pub overlapping_refreshes: u64,
    /// Refresh requests with a token that an earlier refresh had replaced.
    pub refresh_token_reuse: u64,
    /// API requests with an access token that a newer pair had replaced.
    pub access_token_reuse: u64,
    /// API requests with an access token past its time.
    pub expired_access: u64,
    /// Token requests answered `invalid_grant`.
    pub invalid_grant: u64,
    /// Token requests with a wrong client id or secret.
    pub invalid_client: u64,
    /// Codes exchanged for a pair.
    pub codes_exchanged: u64,
}

/// What a Bearer token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Good,
    Expired,
    Rotated,
    Unknown,
    OtherMall,
    NoScope,
}

/// Why a refresh or an exchange is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Rotated,
    Expired,
    Unknown,
    RedirectUri,
}

#[derive(Debug)]
struct Pair {
    answer: TokenAnswer,
    access_until: DateTime<Utc>,
    refresh_until: DateTime<Utc>,
}

#[derive(Debug)]
struct Code {
    mall: String,
    redirect_uri: String,
    scopes: Vec<String>,
    until: DateTime<Utc>,
}

#[derive(Debug, Default)]
pub(crate) struct TokenBook {
    /// By mall.
    live: HashMap<String, Pair>,
    access: HashMap<String, String>,
    refresh: HashMap<String, String>,
    dead: HashSet<String>,
    dead_order: VecDeque<String>,
    codes: HashMap<String, Code>,
    /// Every token and code ever handed out, living or dead, by what it is.
    handed_out: Vec<(&'static str, String)>,
}

impl TokenBook {
    pub(crate) fn issue(
        &mut self,
        mall: &str,
        scopes: Vec<String>,
        now: DateTime<Utc>,
        config: &SimConfig,
    ) -> TokenAnswer {
        self.kill(mall);
        let access_until = later(now, config.access_lifetime);
        let refresh_until = later(now, config.refresh_lifetime);
        let answer = TokenAnswer {
            access_token: secret(),
            expires_at: zoneless_kst(access_until),
            refresh_token: secret(),
            refresh_token_expires_at: zoneless_kst(refresh_until),
            client_id: config.client_id.clone(),
            mall_id: mall.to_owned(),
            scopes,
            issued_at: zoneless_kst(now),
        };
        self.note("access token", &answer.access_token);
        self.note("refresh token", &answer.refresh_token);
        self.access.insert(answer.access_token.clone(), mall.to_owned());
        self.refresh.insert(answer.refresh_token.clone(), mall.to_owned());
        self.live.insert(mall.to_owned(), Pair { answer: answer.clone(), access_until, refresh_until });
        answer
    }

    pub(crate) fn refresh(
        &mut self,
        mall: &str,
        token: &str,
        now: DateTime<Utc>,
        config: &SimConfig,
    ) -> Result<TokenAnswer, Refusal> {
        match self.live.get(mall) {
            Some(pair) if pair.answer.refresh_token == token => {
                if now >= pair.refresh_until {
                    return Err(Refusal::Expired);
                }
                let scopes = pair.answer.scopes.clone();
                Ok(self.issue(mall, scopes, now, config))
            }
            _ if self.dead.contains(token) => Err(Refusal::Rotated),
            _ => Err(Refusal::Unknown),
        }
    }

    pub(crate) fn check(&self, mall: &str, token: &str, now: DateTime<Utc>) -> Access {
        if self.dead.contains(token) {
            return Access::Rotated;
        }
        match self.access.get(token) {
            None => Access::Unknown,
            Some(owner) if owner != mall => Access::OtherMall,
            Some(_) => match self.live.get(mall) {
                None => Access::Unknown,
                Some(pair) if now >= pair.access_until => Access::Expired,
                Some(pair) if !pair.answer.scopes.iter().any(|s| READ_SCOPES.contains(&s.as_str())) => {
                    Access::NoScope
                }
                Some(_) => Access::Good,
            },
        }
    }

    pub(crate) fn code(
        &mut self,
        mall: &str,
        redirect_uri: &str,
        scopes: Vec<String>,
        now: DateTime<Utc>,
        config: &SimConfig,
    ) -> String {
        self.codes.retain(|_, code| now < code.until);
        if self.codes.len() >= CODES_MAX {
            self.codes.clear();
        }
        let code = secret();
        self.note("code", &code);
        let until = later(now, config.code_lifetime);
        let waiting = Code { mall: mall.to_owned(), redirect_uri: redirect_uri.to_owned(), scopes, until };
        self.codes.insert(code.clone(), waiting);
        code
    }

    /// A code is gone after the first try, whatever comes of it.
    pub(crate) fn exchange(
        &mut self,
        mall: &str,
        code: &str,
        redirect_uri: &str,
        now: DateTime<Utc>,
        config: &SimConfig,
    ) -> Result<TokenAnswer, Refusal> {
        match self.codes.remove(code) {
            Some(waiting) if waiting.mall != mall => Err(Refusal::Unknown),
            Some(waiting) if now >= waiting.until => Err(Refusal::Expired),
            Some(waiting) if waiting.redirect_uri != redirect_uri => Err(Refusal::RedirectUri),
            Some(waiting) => Ok(self.issue(mall, waiting.scopes, now, config)),
            None => Err(Refusal::Unknown),
        }
    }

    /// The living pair, if its refresh token still is.
    pub(crate) fn current(&self, mall: &str, now: DateTime<Utc>) -> Option<TokenAnswer> {
        self.live.get(mall).filter(|pair| now < pair.refresh_until).map(|pair| pair.answer.clone())
    }

    /// Ends the access token early: it looks fresh and is not.
    pub(crate) fn expire_access(&mut self, mall: &str, now: DateTime<Utc>) {
        if let Some(pair) = self.live.get_mut(mall) {
            pair.access_until = now;
        }
    }

    /// Ends both halves.
    pub(crate) fn kill(&mut self, mall: &str) {
        let Some(pair) = self.live.remove(mall) else { return };
        for token in [pair.answer.access_token, pair.answer.refresh_token] {
            self.access.remove(&token);
            self.refresh.remove(&token);
            if self.dead_order.len() >= DEAD_MAX
                && let Some(oldest) = self.dead_order.pop_front()
            {
                self.dead.remove(&oldest);
            }
            self.dead_order.push_back(token.clone());
            self.dead.insert(token);
        }
    }

    /// Every token and code ever handed out (the first [`HANDED_OUT_MAX`]), by what it is.
    pub(crate) fn handed_out(&self) -> Vec<(&'static str, String)> {
        self.handed_out.clone()
    }

    fn note(&mut self, what: &'static str, secret: &str) {
        if self.handed_out.len() < HANDED_OUT_MAX {
            self.handed_out.push((what, secret.to_owned()));
        }
    }

    /// The mall whose living token this is, either half.
    pub(crate) fn owner(&self, token: &str) -> Option<&str> {
        self.access.get(token).or_else(|| self.refresh.get(token)).map(String::as_str)
    }
}

fn later(now: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by).ok().and_then(|by| now.checked_add_signed(by)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// 22 letters and digits that nobody can guess.
fn secret() -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest: u128 = rand::random();
    let digit = |_| {
        let digit = usize::try_from(rest % 62).unwrap_or(0);
        rest /= 62;
        char::from(DIGITS[digit])
    };
    (0..22).map(digit).collect()
}

#[cfg(test)]
mod tests;
