//! Settings: one TOML file, the environment over it, and defaults for everything, so that no file is needed.
//!
//! How it works. File and environment are flattened to `section.key = text`, the environment on top. Each
//! section then *asks* for its keys, and says with each what it means, its default and its range ([`Declaration`]); what
//! nobody asked for is an unknown key. Nothing stops at the first mistake: [`ConfigError`] carries all of them with key,
//! place, reason and range. The annotated example and the JSON Schema are made from what was asked.
//!
//! Environment: `CAFE24_SYNC__SECTION__KEY`; secrets and URLs also with `_FILE` at the end, naming a file to read.
//! Known to every container platform: `DATABASE_URL`, `AMQP_URL`, `REDIS_URL`. The specification's own:
//! `CAFE24_ANALYTICS_CLIENT_ID`, `CAFE24_ANALYTICS_CLIENT_SECRET`, `CAFE24_ANALYTICS_MALL_ID`. Empty means unset.
//!
//! Secrets are [`Secret`], URLs with passwords [`ServerUrl`]: neither can be printed. [`mod@env`] alone reads the environment.

mod secret;

mod url;

mod transport;

mod addresses;

mod value;

mod error;

pub mod env;

mod file;

mod declare;

mod reader;

mod section;

mod example;

mod schema;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::domain::ids::{LimiterKey, MallId};

pub use declare::{Declaration, Kind, Place, SectionInfo};
pub use error::{ConfigError, Mistake};
pub use reader::{KeyInfo, Origin};
pub use secret::Secret;
pub use section::{
    AlertsConfig, BreakerConfig, Cafe24Config, CoverageConfig, DeadConfig, FeedConfig, LimiterKeyKind,
    LimitsConfig, LogConfig, LogFormat, OAuthConfig, PostgresConfig, RabbitMqConfig, ReconcileConfig,
    RedisConfig, RetryConfig, ScheduleConfig, ServeConfig, WebConfig, WebhookKind, WorkerConfig,
};
pub use transport::Transport;
pub use url::{BaseUrl, InvalidUrl, ServerUrl, UrlTemplate};

/// The file that is read when none is named and it exists in the working directory.
pub const DEFAULT_FILE: &str = "cafe24-sync.toml";

/// All settings of both programs; each reads its part.
#[derive(Debug, Clone)]
pub struct Config {
    /// `profile`: shown on the page, in alerts and before destructive commands; `default`.
    pub profile: String,
    /// `[cafe24]`: where the API is.
    pub cafe24: Cafe24Config,
    /// `[oauth]`: the app, and the key that seals tokens.
    pub oauth: OAuthConfig,
    /// `[limits]`: the token bucket.
    pub limits: LimitsConfig,
    /// `[postgres]`.
    pub postgres: PostgresConfig,
    /// `[rabbitmq]`.
    pub rabbitmq: RabbitMqConfig,
    /// `[redis]`.
    pub redis: RedisConfig,
    /// `[worker]`.
    pub worker: WorkerConfig,
    /// `[schedule]`: what the daemon fetches by itself, and when a day is final.
    pub schedule: ScheduleConfig,
    /// `[feed]`: how the producer keeps windows filled.
    pub feed: FeedConfig,
    /// `[reconcile]`: when a job without a sign of life is planned again.
    pub reconcile: ReconcileConfig,
    /// `[retry]`: attempts and waits of transient failures.
    pub retry: RetryConfig,
    /// `[breaker]`: when an endpoint is paused for all malls.
    pub breaker: BreakerConfig,
    /// `[dead]`: the archive of dead letters.
    pub dead: DeadConfig,
    /// `[coverage]`: how long it is known what figures were.
    pub coverage: CoverageConfig,
    /// `[alerts]`: what is told to people.
    pub alerts: AlertsConfig,
    /// `[serve]`: the daemon's private port.
    pub serve: ServeConfig,
    /// `[web]`: the daemon's port for browsers.
    pub web: WebConfig,
    /// `[log]`.
    pub log: LogConfig,
    /// Every key with its value as it may be shown and where it came from, in the order of the sections.
    pub keys: Vec<KeyInfo>,
    /// The tables of the file, in order.
    pub sections: Vec<SectionInfo>,
    /// What works but should be mended, such as a secret file that others may read.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads `file`, or [`DEFAULT_FILE`] if it exists and none is named, and this process's environment.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake; a named file that cannot be read is one.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let path = match file {
            Some(path) => Some(path),
            None => Some(Path::new(DEFAULT_FILE)).filter(|path| path.is_file()),
        };
        let text = match path {
            Some(path) => {
                std::fs::read_to_string(path).map_err(|source| ConfigError::unreadable(path, &source))?
            }
            None => String::new(),
        };
        Self::from_parts(&text, env::variables())
            .map_err(|error| error.in_file(path.unwrap_or(Path::new("environment"))))
    }

    /// Settings from the text of a file and the variables of an environment; secret files are read from disk.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake.
    pub fn from_parts(toml: &str, env: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut reader = reader::Reader::new(file::flatten(toml), env::layer(env));
        let r = &mut reader;
        let profile = r.text("profile", "shown in reports and before large actions", "default");
        let cafe24 = Cafe24Config::read(r);
        let mut config = Self {
            profile,
            oauth: OAuthConfig::read(r),
            limits: LimitsConfig::read(r, cafe24.base_url.is_loopback()),
            cafe24,
            postgres: PostgresConfig::read(r),
            rabbitmq: RabbitMqConfig::read(r),
            redis: RedisConfig::read(r),
            worker: WorkerConfig::read(r),
            schedule: ScheduleConfig::read(r),
            feed: FeedConfig::read(r),
            reconcile: ReconcileConfig::read(r),
            retry: RetryConfig::read(r),
            breaker: BreakerConfig::read(r),
            dead: DeadConfig::read(r),
            coverage: CoverageConfig::read(r),
            alerts: AlertsConfig::read(r),
            serve: ServeConfig::read(r),
            web: WebConfig::read(r),
            log: LogConfig::read(r),
            keys: Vec::new(),
            sections: Vec::new(),
            warnings: Vec::new(),
        };
        config.rabbitmq.look_at_hold(r, &config.worker);
        let finished = reader.finish()?;
        config.keys = finished.keys;
        config.sections = finished.sections;
        config.warnings = finished.warnings;
        Ok(config)
    }

    /// The bucket of a mall's requests.
    ///
    /// A job's key does not depend on its endpoint, so `host+path` shares the host's bucket too: never too fast (`docs/adr/0017`).
    pub fn limiter_key(&self, mall: &MallId) -> LimiterKey {
        match self.limits.key {
            LimiterKeyKind::Mall => LimiterKey::from(mall),
            LimiterKeyKind::Host | LimiterKeyKind::HostPath => {
                let host = self.cafe24.base_url.host().to_owned();
                LimiterKey::try_from(host).unwrap_or_else(|_| LimiterKey::from(mall))
            }
        }
    }
}
