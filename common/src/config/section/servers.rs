//! `[postgres]`, `[rabbitmq]`, `[redis]`

use std::time::Duration;

use super::WorkerConfig;
use crate::config::declare::Kind;
use crate::config::reader::Reader;
use crate::config::value::show_duration;
use crate::config::{ServerUrl, Transport};

/// The truth.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// `url`.
    pub url: ServerUrl,
    /// `allow_plaintext`.
    pub allow_plaintext: bool,
    /// `pool`.
    pub pool: usize,
}

/// The courier.
#[derive(Debug, Clone)]
pub struct RabbitMqConfig {
    /// `url`.
    pub url: ServerUrl,
    /// `allow_plaintext`.
    pub allow_plaintext: bool,
    /// `prefix`.
    pub prefix: String,
    /// `prefetch`. Unset: the worker's own reckoning.
    pub prefetch: Option<u16>,
    /// `hold`.
    pub hold: Duration,
}

/// The pacer.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `url`.
    pub url: ServerUrl,
    /// `allow_plaintext`.
    pub allow_plaintext: bool,
    /// `prefix`.
    pub prefix: String,
}

impl PostgresConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        r.section("postgres", "the truth: jobs, figures, sealed tokens");
        let (url, allow_plaintext) = server(
            r,
            &Server {
                url: "postgres.url",
                allow_plaintext: "postgres.allow_plaintext",
                doc: "or DATABASE_URL; TLS, unless it is this machine; standbys after a comma",
                default: "postgres://127.0.0.1:5432/cafe24_sync",
                schemes: &["postgres", "postgresql"],
                form: "postgres://user@host:5432/database",
                encrypted: "sslmode=verify-full",
            },
        );
        Self {
            url,
            allow_plaintext,
            pool: r.number("postgres.pool", "most connections of a worker", 16, 1..=200),
        }
    }
}

impl RabbitMqConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        r.section("rabbitmq", "the courier: what can run in the next seconds");
        let (url, allow_plaintext) = server(
            r,
            &Server {
                url: "rabbitmq.url",
                allow_plaintext: "rabbitmq.allow_plaintext",
                doc: "or AMQP_URL; amqps, unless it is this machine",
                default: "amqp://127.0.0.1:5672/%2f",
                schemes: &["amqp", "amqps"],
                form: "amqps://user@host:5671/vhost",
                encrypted: "amqps://",
            },
        );
        Self {
            url,
            allow_plaintext,
            prefix: r.value(
                "rabbitmq.prefix",
                "begins every queue and exchange; up to 60 of a-z, 0-9, . _ -",
                Kind::TEXT,
                String::new(),
                prefix,
                Clone::clone,
            ),
            prefetch: r.optional_number(
                "rabbitmq.prefetch",
                "deliveries that a worker holds of each lane; unset: 1000",
                1..=10_000,
            ),
            hold: r.duration(
                "rabbitmq.hold",
                "a delivery that waits for longer goes back; well below the broker's consumer_timeout",
                Duration::from_mins(5),
                Duration::from_secs(1)..=Duration::from_mins(25),
            ),
        }
    }
}

impl RabbitMqConfig {
    /// What waits behind an answer must not go back before that answer can be there: its mall would stand idle meanwhile.
    pub(in crate::config) fn look_at_hold(&self, r: &mut Reader, worker: &WorkerConfig) {
        if self.hold < worker.total_timeout {
            let (hold, answer) = (show_duration(self.hold), show_duration(worker.total_timeout));
            r.warn(format!(
                "rabbitmq.hold: after {hold} what waits goes back, but one page of an answer may take {answer} \
                 (worker.total_timeout): malls that answer slowly lose half of their rate → set rabbitmq.hold to {answer} or \
                 more, several times that for large malls"
            ));
        }
    }
}

impl RedisConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        r.section("redis", "the pacer: the malls' buckets; holds no secret");
        let (url, allow_plaintext) = server(
            r,
            &Server {
                url: "redis.url",
                allow_plaintext: "redis.allow_plaintext",
                doc: "or REDIS_URL; rediss, unless it is this machine",
                default: "redis://127.0.0.1:6379/0",
                schemes: &["redis", "rediss", "redis+unix", "unix"],
                form: "rediss://user@host:6379/0",
                encrypted: "rediss://",
            },
        );
        Self {
            url,
            allow_plaintext,
            prefix: r.value(
                "redis.prefix",
                "begins every key; up to 60 of a-z, 0-9, . _ -",
                Kind::TEXT,
                "cafe24-sync".to_owned(),
                prefix,
                Clone::clone,
            ),
        }
    }
}

/// What the three servers' sections say alike.
struct Server {
    url: &'static str,
    allow_plaintext: &'static str,
    doc: &'static str,
    default: &'static str,
    schemes: &'static [&'static str],
    form: &'static str,
    /// What makes the URL one with TLS.
    encrypted: &'static str,
}

/// Reads URL and permission. Plain text that leaves the machine is refused unless it is allowed, and then warned of for
/// ever: passwords and figures of all malls would be there for whoever is in between.
fn server(r: &mut Reader, of: &Server) -> (ServerUrl, bool) {
    let parse = |text: &str| ServerUrl::parse(text, of.schemes, of.form).map_err(|error| error.to_string());
    let url = r
        .or_file(of.url, of.doc, Kind::Server, Some(of.default.to_owned()), parse, ServerUrl::to_string)
        .unwrap_or_else(|| ServerUrl::unchecked(of.default));
    let allowed =
        r.flag(of.allow_plaintext, "send passwords and figures in plain text to another machine", false);
    let url = if allowed { url.plaintext_unless_told() } else { url };
    if url.wants_a_standby() {
        r.conflict(of.url, "asks for a standby; write target_session_attrs=read-write, or leave it out");
    }
    match url.transport() {
        _ if url.is_unverified() => {
            r.conflict(
                of.url,
                "ends in a `#…` that would turn the verification of certificates off; take it away",
            );
        }
        Transport::Local | Transport::Encrypted => {}
        Transport::Plaintext if allowed => {
            let section = of.url.trim_end_matches(".url");
            r.warn(format!(
                "{section}: passwords and figures cross the network in plain text → {}",
                of.encrypted
            ));
        }
        Transport::Plaintext => {
            let leaf = "allow_plaintext = true";
            r.conflict(
                of.url,
                format!("would send passwords in plain text; use {}, or set {leaf}", of.encrypted),
            );
        }
    }
    (url, allowed)
}

fn prefix(text: &str) -> Result<String, String> {
    let fits = text.len() <= 60
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
    if fits { Ok(text.to_owned()) } else { Err("use up to 60 of a-z, 0-9, `-`, `_` and `.`".to_owned()) }
}
