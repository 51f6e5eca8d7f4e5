//! What a simulator is started with.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bucket::BucketKind;
use super::dialect::Dialect;

/// How much a mall sells and how many people look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// Around 5 products a day, some days without any row.
    Small,
    /// Around 100 products a day.
    Medium,
    /// Around 3,000 products a day.
    Large,
}

/// Who shares a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimiterScope {
    /// The specification: each mall has its own.
    Mall,
    /// All malls of this server share one.
    Host,
}

/// How the figures of a day come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayKind {
    /// They are there at once and change only when told to.
    Whole,
    /// They grow with the simulator's clock, are complete some hours after the day, and are restated later on.
    Living,
}

/// One mall as it stands in the simulator's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MallSpec {
    /// The part before `.cafe24.com`.
    pub mall_id: String,
    /// Whose mall it is; only written into the import file.
    #[serde(default = "first_agency")]
    pub agency: String,
    /// Decides how many rows a day has.
    pub size: Size,
    /// Shop numbers that have figures.
    #[serde(default = "first_shop")]
    pub shops: Vec<u32>,
    /// A mall without approval answers 403.
    #[serde(default = "yes")]
    pub approved: bool,
    /// How it speaks.
    #[serde(default)]
    pub dialect: Dialect,
    /// Has the figures of the mall of this name: two malls that are alike but for their dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures_of: Option<String>,
    /// Exactly so many products sell each day, until a restatement; unset: as the size says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub products_a_day: Option<u64>,
}

impl MallSpec {
    /// A medium mall of the first agency with one shop, in the specification's dialect.
    pub fn new(mall_id: &str) -> Self {
        Self {
            mall_id: mall_id.to_owned(),
            agency: first_agency(),
            size: Size::Medium,
            shops: first_shop(),
            approved: true,
            dialect: Dialect::Seed,
            figures_of: None,
            products_a_day: None,
        }
    }
}

/// Settings of one simulator. The defaults are the specification's.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// Address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Decides names and all figures.
    pub seed: u64,
    /// Generated malls.
    pub malls: usize,
    /// How many of them are large; `None`: one in eight.
    pub large_malls: Option<usize>,
    /// How many of them speak the live dialect: the first ones, so that large malls come last.
    pub live_malls: usize,
    /// Whether days grow and are corrected.
    pub days: DayKind,
    /// Agencies the generated malls are dealt to, `agency-1`, `agency-2`, …
    pub agencies: usize,
    /// Further malls, given by name.
    pub extra_malls: Vec<MallSpec>,
    /// How the bucket refills.
    pub bucket: BucketKind,
    /// Tokens a full bucket holds.
    pub capacity: u32,
    /// Tokens a second, before `rate_multiplier`.
    pub refill_per_second: f64,
    /// Speeds the refill up, so that tests need not wait.
    pub rate_multiplier: f64,
    /// Who shares a bucket.
    pub limiter_scope: LimiterScope,
    /// `X-RateLimit-Remaining` below this asks for a pause.
    pub floor: i64,
    /// The pause asked for.
    pub floor_pause: Duration,
    /// An arrival this soon after the low answer may have been on its way already.
    pub floor_grace: Duration,
    /// Added to each answer, drawn evenly.
    pub latency: RangeInclusive<Duration>,
    /// App that may ask for tokens.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Further apps, ids and secrets, that may ask for every mall's tokens.
    pub other_apps: Vec<(String, String)>,
    /// The registered redirect address; `None` takes any.
    pub redirect_uri: Option<String>,
    /// Life of an access token.
    pub access_lifetime: Duration,
    /// Life of a refresh token.
    pub refresh_lifetime: Duration,
    /// Life of an authorization code.
    pub code_lifetime: Duration,
    /// Leave a mall's older pair alive when it consents anew. Nobody knows what the real host does.
    pub consent_keeps_pairs: bool,
    /// Refuse requests without the version header (400) instead of counting them only.
    pub strict_version: bool,
    /// Longest range with `dateType=day`.
    pub max_days: u32,
    /// Longest range with `dateType=week` or `month`, in days.
    pub max_days_long: u32,
    /// Longest range in the live dialect, in days.
    pub max_days_live: u32,
    /// A live `offset` from here on is refused.
    pub max_offset: u64,
    /// Most rows of a live page, whatever `limit` asks for; `None`: what it asks for.
    pub page_max: Option<u64>,
    /// Let other machines use `/control`.
    pub open_control: bool,
    /// Arrival times kept for each mall.
    pub arrivals_kept: usize,
}

impl SimConfig {
    /// Every app that there is: id and secret.
    pub(crate) fn apps(&self) -> impl Iterator<Item = (&str, &str)> {
        let others = self.other_apps.iter().map(|(id, secret)| (id.as_str(), secret.as_str()));
        others.chain([(self.client_id.as_str(), self.client_secret.as_str())])
    }
}

/// The header value the specification pins.
pub(crate) const API_VERSION: &str = "2024-06-01";

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: 1,
            malls: 8,
            large_malls: None,
            live_malls: 0,
            days: DayKind::Whole,
            agencies: 1,
            extra_malls: Vec::new(),
            bucket: BucketKind::Continuous,
            capacity: 40,
            refill_per_second: 2.0,
            rate_multiplier: 1.0,
            limiter_scope: LimiterScope::Mall,
            floor: 5,
            floor_pause: Duration::from_secs(2),
            floor_grace: Duration::from_millis(150),
            latency: Duration::ZERO..=Duration::ZERO,
            client_id: "simulated-client".to_owned(),
            client_secret: "simulated-secret".to_owned(),
            other_apps: Vec::new(),
            redirect_uri: None,
            access_lifetime: Duration::from_hours(2),
            refresh_lifetime: Duration::from_hours(14 * 24),
            code_lifetime: Duration::from_mins(1),
            consent_keeps_pairs: false,
            strict_version: false,
            max_days: 31,
            max_days_long: 366,
            max_days_live: 365,
            max_offset: 15_000,
            page_max: None,
            open_control: false,
            arrivals_kept: 100_000,
        }
    }
}

fn first_agency() -> String {
    "agency-1".to_owned()
}

fn first_shop() -> Vec<u32> {
    vec![1]
}

fn yes() -> bool {
    true
}
