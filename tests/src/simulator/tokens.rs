//! The OAuth store: one living pair a mall. A new pair kills the old one, both halves, at once; only a new consent may be
//! told to leave it alive ([`SimConfig::consent_keeps_pairs`]).

mod answer;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

pub use answer::{TokenAnswer, TokenReport};

use super::clock::zoneless_kst;
use super::config::SimConfig;

/// Dead tokens still recognised as such; older ones are merely unknown.
const DEAD_MAX: usize = 100_000;
/// Tokens and codes remembered for a test that looks for them everywhere.
const HANDED_OUT_MAX: usize = 100_000;
/// Codes waiting to be exchanged; they live a minute.
const CODES_MAX: usize = 10_000;

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
    /// Whose tokens it buys.
    mall: String,
    /// Whose host sells them.
    host: String,
    redirect_uri: String,
    scopes: Vec<String>,
    until: DateTime<Utc>,
}

#[derive(Debug, Default)]
pub(crate) struct TokenBook {
    /// By mall, oldest first.
    live: HashMap<String, Vec<Pair>>,
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
        self.add(mall, scopes, now, config)
    }

    fn add(
        &mut self,
        mall: &str,
        scopes: Vec<String>,
        now: DateTime<Utc>,
        config: &SimConfig,
    ) -> TokenAnswer {
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
            user_id: None,
            shop_no: None,
            token_type: None,
        };
        self.note("access token", &answer.access_token);
        self.note("refresh token", &answer.refresh_token);
        self.access.insert(answer.access_token.clone(), mall.to_owned());
        self.refresh.insert(answer.refresh_token.clone(), mall.to_owned());
        let pair = Pair { answer: answer.clone(), access_until, refresh_until };
        self.live.entry(mall.to_owned()).or_default().push(pair);
        answer
    }

    pub(crate) fn refresh(
        &mut self,
        mall: &str,
        token: &str,
        now: DateTime<Utc>,
        config: &SimConfig,
    ) -> Result<TokenAnswer, Refusal> {
        let pairs = self.live.entry(mall.to_owned()).or_default();
        match pairs.iter().position(|pair| pair.answer.refresh_token == token) {
            Some(at) if now >= pairs[at].refresh_until => Err(Refusal::Expired),
            Some(at) => {
                let used = pairs.remove(at);
                let scopes = used.answer.scopes.clone();
                self.bury(used);
                Ok(self.add(mall, scopes, now, config))
            }
            None if self.dead.contains(token) => Err(Refusal::Rotated),
            None => Err(Refusal::Unknown),
        }
    }

    /// Whether the token opens the mall for who needs this scope.
    pub(crate) fn check(&self, mall: &str, token: &str, scope: &str, now: DateTime<Utc>) -> Access {
        if self.dead.contains(token) {
            return Access::Rotated;
        }
        match self.access.get(token) {
            None => Access::Unknown,
            Some(owner) if owner != mall => Access::OtherMall,
            Some(_) => match self.pairs(mall).find(|pair| pair.answer.access_token == token) {
                None => Access::Unknown,
                Some(pair) if now >= pair.access_until => Access::Expired,
                Some(pair) if !pair.answer.scopes.iter().any(|granted| granted == scope) => Access::NoScope,
                Some(_) => Access::Good,
            },
        }
    }

    pub(crate) fn code(
        &mut self,
        (mall, host): (&str, &str),
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
        let waiting = Code {
            mall: mall.to_owned(),
            host: host.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            scopes,
            until,
        };
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
            Some(waiting) if waiting.host != mall => Err(Refusal::Unknown),
            Some(waiting) if now >= waiting.until => Err(Refusal::Expired),
            Some(waiting) if waiting.redirect_uri != redirect_uri => Err(Refusal::RedirectUri),
            Some(waiting) => {
                if !config.consent_keeps_pairs {
                    self.kill(&waiting.mall);
                }
                Ok(self.add(&waiting.mall, waiting.scopes, now, config))
            }
            None => Err(Refusal::Unknown),
        }
    }

    /// The living pair, if its refresh token still is.
    pub(crate) fn current(&self, mall: &str, now: DateTime<Utc>) -> Option<TokenAnswer> {
        self.pairs(mall).filter(|pair| now < pair.refresh_until).last().map(|pair| pair.answer.clone())
    }

    /// Ends the access token early: it looks fresh and is not.
    pub(crate) fn expire_access(&mut self, mall: &str, now: DateTime<Utc>) {
        for pair in self.live.get_mut(mall).into_iter().flatten() {
            pair.access_until = now;
        }
    }

    /// Ends both halves of every pair.
    pub(crate) fn kill(&mut self, mall: &str) {
        for pair in self.live.remove(mall).unwrap_or_default() {
            self.bury(pair);
        }
    }

    /// Ends the pair that this token, either half, belongs to; `false` if it is no living one of the mall.
    pub(crate) fn revoke(&mut self, mall: &str, token: &str) -> bool {
        let pairs = self.live.entry(mall.to_owned()).or_default();
        let found = pairs
            .iter()
            .position(|pair| pair.answer.access_token == token || pair.answer.refresh_token == token);
        let Some(at) = found else { return false };
        let revoked = pairs.remove(at);
        self.bury(revoked);
        true
    }

    fn pairs(&self, mall: &str) -> impl Iterator<Item = &Pair> {
        self.live.get(mall).into_iter().flatten()
    }

    fn bury(&mut self, pair: Pair) {
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
