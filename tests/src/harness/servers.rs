//! Where the shared servers of this run are.

use std::path::{Path, PathBuf};

use super::trouble::{Result, Trouble};

/// Addresses of the three servers. A test with a server of its own replaces one of them:
/// `Servers { redis: own.url(), ..Servers::from_env()? }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Servers {
    /// `amqp://…`
    pub amqp: String,
    /// `redis://…`
    pub redis: String,
    /// A maintenance database whose user may create databases.
    pub database: String,
}

impl Servers {
    /// From `TEST_AMQP_URL`, `TEST_REDIS_URL` and `TEST_DATABASE_URL`, which `./dev` sets.
    pub fn from_env() -> Result<Self> {
        Ok(Self {
            amqp: variable("TEST_AMQP_URL")?,
            redis: variable("TEST_REDIS_URL")?,
            database: variable("TEST_DATABASE_URL")?,
        })
    }

    /// The same URL with another port: the way through a proxy on the loopback.
    pub fn through(url: &str, port: u16) -> String {
        let (head, rest) = url.split_once("://").unwrap_or(("", url));
        let host = rest.rfind('@').map_or(0, |at| at + 1);
        let end = rest[host..].find('/').map_or(rest.len(), |slash| host + slash);
        format!("{head}://{}127.0.0.1:{port}{}", &rest[..host], &rest[end..])
    }

    /// `host:port` of a URL.
    pub fn address(url: &str) -> String {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest).to_owned()
    }
}

/// Where servers of single tests may keep their data: a folder that the user of Postgres may enter, too.
pub(crate) fn state_dir() -> PathBuf {
    optional("TEST_STATE_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// The folder of the repository.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

#[expect(clippy::disallowed_methods, reason = "the harness must not use `common::config`, which it tests")]
pub(crate) fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn variable(name: &str) -> Result<String> {
    optional(name).ok_or_else(|| {
        Trouble::new(format!(
            "{name} is not set: these tests need real servers. Run `./dev test it [FILTER]`, or `./dev up` and \
             `. target/dev/up/env` before cargo"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_changes_only_host_and_port() {
        assert_eq!(
            Servers::through("amqp://guest:guest@127.0.0.1:5672/%2f", 7),
            "amqp://guest:guest@127.0.0.1:7/%2f"
        );
        assert_eq!(Servers::through("redis://h", 7), "redis://127.0.0.1:7");
        assert_eq!(Servers::address("postgres://u:p@h:5432/db?x=1"), "h:5432");
    }
}
