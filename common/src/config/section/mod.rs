//! One struct a section; each field says its key's default and range.

mod cafe24;

mod oauth;

mod limits;

mod servers;

mod worker;

mod producer;

mod schedule;

mod alerts;

mod breaker;

mod coverage;

mod log;

pub use alerts::{AlertsConfig, WebhookKind};
pub use breaker::BreakerConfig;
pub use cafe24::Cafe24Config;
pub use coverage::CoverageConfig;
pub use limits::{LimiterKeyKind, LimitsConfig};
pub use log::{LogConfig, LogFormat};
pub use oauth::OAuthConfig;
pub use producer::{DeadConfig, FeedConfig, ReconcileConfig, RetryConfig, ServeConfig, WebConfig};
pub use schedule::ScheduleConfig;
pub use servers::{PostgresConfig, RabbitMqConfig, RedisConfig};
pub use worker::WorkerConfig;
