//! `[postgres]`, `[rabbitmq]`, `[redis]`

use crate::config::ServerUrl;
use crate::config::reader::Reader;

/// The truth.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// `url(_file)`, or `DATABASE_URL(_FILE)`; `postgres://127.0.0.1:5432/cafe24_sync`.
    pub url: ServerUrl,
    /// `pool`: most connections of a process; 16 (1–200).
    pub pool: usize,
}

/// The courier.
#[derive(Debug, Clone)]
pub struct RabbitMqConfig {
    /// `url(_file)`, or `AMQP_URL(_FILE)`; `amqp://127.0.0.1:5672/%2f`.
    pub url: ServerUrl,
    /// `prefix`: goes before every name in the broker; empty (up to 60 of `a–z`, `0–9`, `-`, `_`, `.`).
    pub prefix: String,
    /// `prefetch`: deliveries that a worker holds of each lane, 1–10,000. Unset: the worker's own reckoning.
    pub prefetch: Option<u16>,
}

/// The pacer.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `url(_file)`, or `REDIS_URL(_FILE)`; `redis://127.0.0.1:6379/0`.
    pub url: ServerUrl,
    /// `prefix`: begins every key; `cafe24-sync` (up to 60 of `a–z`, `0–9`, `-`, `_`, `.`).
    pub prefix: String,
}

impl PostgresConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let form = "postgres://user@host:5432/database";
        Self {
            url: server_url(
                r,
                "postgres.url",
                "postgres://127.0.0.1:5432/cafe24_sync",
                &["postgres", "postgresql"],
                form,
            ),
            pool: r.number("postgres.pool", 16, 1..=200),
        }
    }
}

impl RabbitMqConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let form = "amqps://user@host:5671/vhost";
        Self {
            url: server_url(r, "rabbitmq.url", "amqp://127.0.0.1:5672/%2f", &["amqp", "amqps"], form),
            prefix: r.value("rabbitmq.prefix", String::new(), prefix, Clone::clone),
            prefetch: r.optional_number("rabbitmq.prefetch", 1..=10_000),
        }
    }
}

impl RedisConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let schemes = ["redis", "rediss", "redis+unix", "unix"];
        Self {
            url: server_url(
                r,
                "redis.url",
                "redis://127.0.0.1:6379/0",
                &schemes,
                "rediss://user@host:6379/0",
            ),
            prefix: r.value("redis.prefix", "cafe24-sync".to_owned(), prefix, Clone::clone),
        }
    }
}

fn server_url(
    r: &mut Reader,
    key: &'static str,
    default: &str,
    schemes: &[&str],
    form: &'static str,
) -> ServerUrl {
    let parse = |text: &str| ServerUrl::parse(text, schemes, form).map_err(|error| error.to_string());
    r.or_file(key, parse, ServerUrl::to_string).unwrap_or_else(|| {
        let url = ServerUrl::unchecked(default);
        r.show_default(key, &url);
        url
    })
}

fn prefix(text: &str) -> Result<String, String> {
    let fits = text.len() <= 60
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
    if fits { Ok(text.to_owned()) } else { Err("use up to 60 of a-z, 0-9, `-`, `_` and `.`".to_owned()) }
}
