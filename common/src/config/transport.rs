//! Whether what is said to a server can be read on the way: TLS, or no way at all (this machine).

use super::ServerUrl;
use super::url::{addresses_in, host_of, is_loopback};

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Over the loopback or a Unix socket: nobody is in between.
    Local,
    /// Over TLS, the certificate and its name verified.
    Encrypted,
    /// Readable by whoever is in between.
    Plaintext,
}

impl ServerUrl {
    /// How the server is spoken to. A Postgres URL without `sslmode` asks for TLS, unless the server is on this machine.
    pub fn transport(&self) -> Transport {
        let (scheme, rest) = self.expose().split_once("://").unwrap_or(("", self.expose()));
        match scheme {
            "amqps" | "rediss" => Transport::Encrypted,
            "unix" | "redis+unix" => Transport::Local,
            "postgres" | "postgresql" => match (parameter(rest, "sslmode"), is_local(rest)) {
                (Some("disable" | "allow" | "prefer") | None, true) => Transport::Local,
                (Some("disable" | "allow" | "prefer"), false) => Transport::Plaintext,
                _ => Transport::Encrypted,
            },
            _ if is_local(rest) => Transport::Local,
            _ => Transport::Plaintext,
        }
    }

    /// The URL without what each driver would read in its own way: `sslmode` and `target_session_attrs`.
    #[must_use]
    pub fn for_driver(&self) -> Self {
        let Some((head, query)) = self.expose().split_once('?') else { return self.clone() };
        let ours = |pair: &&str| pair.starts_with("sslmode=") || pair.starts_with("target_session_attrs=");
        let kept: Vec<_> = query.split('&').filter(|pair| !ours(pair)).collect();
        let mark = if kept.is_empty() { "" } else { "?" };
        Self::unchecked(format!("{head}{mark}{}", kept.join("&")))
    }

    /// A URL of Postgres then says that plain text is meant, unless it says something itself. Others say it by their scheme.
    pub(super) fn plaintext_unless_told(self) -> Self {
        let (scheme, rest) = self.expose().split_once("://").unwrap_or_default();
        if !scheme.starts_with("postgres") || is_local(rest) || parameter(rest, "sslmode").is_some() {
            return self;
        }
        let mark = if rest.contains('?') { '&' } else { '?' };
        Self::unchecked(format!("{}{mark}sslmode=disable", self.expose()))
    }

    /// Whether the URL asks for TLS that verifies nothing (the Redis driver's `#insecure`).
    pub(super) fn is_unverified(&self) -> bool {
        self.expose().contains('#')
    }
}

/// Whether every host is this machine.
fn is_local(rest: &str) -> bool {
    let mut hosts: Vec<&str> = rest[addresses_in(rest)].split(',').map(host_of).collect();
    for name in ["host", "hostaddr"] {
        hosts.extend(parameter(rest, name).into_iter().flat_map(|list| list.split(',')));
    }
    // An empty host is the server's socket; so is a path, in a parameter or with its slashes encoded.
    let socket =
        |host: &str| host.is_empty() || host.starts_with('/') || host.to_ascii_lowercase().starts_with("%2f");
    hosts.iter().all(|host| socket(host) || is_loopback(host))
}

pub(super) fn parameter<'a>(rest: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = rest.split_once('?')?;
    query.split(['&', '#']).rev().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::loopback("postgres://u:p@127.0.0.1:5432/db", Transport::Local)]
    #[case::socket("postgres:///db?host=/run/postgresql", Transport::Local)]
    #[case::encoded_socket("postgres://u@%2Frun%2Fpostgresql/db", Transport::Local)]
    #[case::tls_is_the_default("postgres://u@db:5432/x", Transport::Encrypted)]
    #[case::one_of_two_is_elsewhere("postgres://u@127.0.0.1,db/x?sslmode=prefer", Transport::Plaintext)]
    #[case::a_parameter_moves_the_host(
        "postgres://u@localhost/x?host=db&sslmode=disable",
        Transport::Plaintext
    )]
    #[case::may_fall_back("postgres://db/x?sslmode=prefer", Transport::Plaintext)]
    #[case::the_last_word_counts("postgres://db/x?sslmode=verify-full&sslmode=disable", Transport::Plaintext)]
    #[case::no_tls("postgres://db/x?sslmode=disable", Transport::Plaintext)]
    #[case::asked_for_on_this_machine("postgres://localhost/x?sslmode=verify-full", Transport::Encrypted)]
    #[case::password_with_an_at("postgres://u:127.0.0.1@db/x?sslmode=disable", Transport::Plaintext)]
    #[case::a_parameter_that_looks_local("amqp://u:p@mq/x?name=@localhost", Transport::Plaintext)]
    #[case::a_database_that_looks_local(
        "postgres://u:p@db/x@localhost?sslmode=disable",
        Transport::Plaintext
    )]
    #[case::amqp("amqp://u:p@mq:5672/%2f", Transport::Plaintext)]
    #[case::amqp_here("amqp://localhost", Transport::Local)]
    #[case::amqps("amqps://mq", Transport::Encrypted)]
    #[case::redis("redis://:p@cache:6379/0", Transport::Plaintext)]
    #[case::redis_looks_local("redis://127.0.0.1.evil.com", Transport::Plaintext)]
    #[case::redis_socket("redis+unix:///run/redis.sock", Transport::Local)]
    #[case::rediss("rediss://cache", Transport::Encrypted)]
    fn what_others_could_read_is_known(#[case] url: &str, #[case] transport: Transport) {
        assert_eq!(ServerUrl::unchecked(url).transport(), transport);
    }

    #[rstest]
    #[case("postgres://h/db", "postgres://h/db")]
    #[case("postgres://h/db?sslmode=verify-full", "postgres://h/db")]
    #[case("postgres://h/db?a=b&sslmode=disable&c=d", "postgres://h/db?a=b&c=d")]
    #[case("postgres://h,i/db?target_session_attrs=read-write&c=d", "postgres://h,i/db?c=d")]
    fn only_what_we_read_ourselves_goes(#[case] url: &str, #[case] left: &str) {
        assert_eq!(ServerUrl::unchecked(url).for_driver().expose(), left);
    }
}
