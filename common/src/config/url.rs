//! URLs of three kinds: of an HTTP host, of an HTTP host with the mall in it, and of a server with a password in it.

use std::fmt;

use crate::domain::ids::MallId;

/// Why a text is no URL for its purpose. Never carries the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// No `scheme://host`.
    #[error("not a URL: write {0}")]
    Form(&'static str),
    /// Another scheme.
    #[error("wrong scheme: write {0}")]
    Scheme(&'static str),
    /// Plain HTTP to another machine would show tokens to the network.
    #[error("plain http is for this machine only (localhost, 127.0.0.1, [::1]): use https")]
    Plaintext,
    /// A user, a password, a query or a fragment where there must be none.
    #[error("only scheme, host, port and path may stand here")]
    Extra,
    /// An address in place of a name: Cafe24 has names, and an address in our own network is never Cafe24.
    #[error("write the host's name: a bare address may only be this machine's")]
    Address,
    /// A host that clients would read as another one, or not at all.
    #[error("the host is no name: labels of a-z, 0-9, `-` and `_` between dots, then perhaps a port")]
    Host,
    /// An `@` that could be the end of a password, or not.
    #[error(
        "an `@` behind the first `/`, `?` or `#`: write %40 for it (in a password, %2F, %3F and %23 for these as well)"
    )]
    At,
    /// A template without, or with a second, `{mall_id}`.
    #[error("must contain `{{mall_id}}` exactly once")]
    Placeholder,
}

/// `http(s)://host[:port][/path]` without anything else; plain HTTP only to this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Parses; a slash at the end is dropped.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        const FORM: &str = "https://host or https://host/path";
        let (scheme, rest) = text.split_once("://").ok_or(InvalidUrl::Form(FORM))?;
        if scheme != "https" && scheme != "http" {
            return Err(InvalidUrl::Scheme(FORM));
        }
        if rest.contains(['@', '?', '#', '\\']) || !rest.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidUrl::Extra);
        }
        let host = host_of(rest);
        if host.is_empty() {
            return Err(InvalidUrl::Form(FORM));
        }
        if !(is_host(host) && is_port(&authority_of(rest)[host.len()..])) {
            return Err(InvalidUrl::Host);
        }
        if scheme == "http" && !is_loopback(host) {
            return Err(InvalidUrl::Plaintext);
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// As [`parse`](Self::parse), for what stands in Cafe24's place: a name, or this machine (a simulator).
    pub fn parse_cafe24(text: &str) -> Result<Self, InvalidUrl> {
        let url = Self::parse(text)?;
        if address(url.host()).is_some() && !url.is_loopback() {
            return Err(InvalidUrl::Address);
        }
        Ok(url)
    }

    /// The URL, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, without port.
    pub fn host(&self) -> &str {
        host_of(self.0.split_once("://").map_or("", |(_, rest)| rest))
    }

    /// Whether the host is this machine: a simulator.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A [`BaseUrl`] in which `{mall_id}` stands once: as a label of the host or as a part of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTemplate {
    before: String,
    after: String,
}

impl UrlTemplate {
    const PLACEHOLDER: &str = "{mall_id}";

    /// Parses and checks that the URL made of it is a [`BaseUrl`] of Cafe24, or of this machine.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let (before, after) = text.split_once(Self::PLACEHOLDER).ok_or(InvalidUrl::Placeholder)?;
        if after.contains(Self::PLACEHOLDER) {
            return Err(InvalidUrl::Placeholder);
        }
        // In the host, the mall must be one whole label: no mall id may complete another host's name.
        let in_host = before.ends_with("://");
        let in_path = before.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        // Behind it must stand a domain, not an ending such as `.com`, under which each name is somebody else's.
        let domain = host_of(after).strip_prefix('.');
        if !(in_path || in_host && domain.is_some_and(|domain| domain == "localhost" || domain.contains('.')))
        {
            return Err(InvalidUrl::Form("https://{mall_id}.host.domain or https://host/{mall_id}"));
        }
        BaseUrl::parse_cafe24(&format!("{before}mall{after}"))?;
        Ok(Self { before: before.to_owned(), after: after.trim_end_matches('/').to_owned() })
    }

    /// The URL of one mall. A [`MallId`] cannot leave its label or path segment.
    pub fn fill(&self, mall: &MallId) -> String {
        format!("{}{mall}{}", self.before, self.after)
    }

    /// Whether every mall's host is this machine.
    pub fn is_loopback(&self) -> bool {
        BaseUrl::parse(&format!("{}mall{}", self.before, self.after)).is_ok_and(|url| url.is_loopback())
    }
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.before, Self::PLACEHOLDER, self.after)
    }
}

/// The URL of Postgres, RabbitMQ or Redis. Prints with its password replaced; [`expose`](Self::expose) has it.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(super::Secret);

impl ServerUrl {
    /// Parses `scheme://…` with one of `schemes`; the driver checks the rest.
    pub(crate) fn parse(text: &str, schemes: &[&str], form: &'static str) -> Result<Self, InvalidUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidUrl::Form(form))?;
        if !schemes.contains(&scheme) {
            return Err(InvalidUrl::Scheme(form));
        }
        if rest.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidUrl::Form(form));
        }
        let (authority, behind) = rest.split_at(authority_end(rest));
        // The path of a socket is no place for a password.
        if behind.contains('@') && !authority.is_empty() {
            return Err(InvalidUrl::At);
        }
        Ok(Self(text.into()))
    }

    /// A URL for tests and tools that have one already; the scheme is not checked.
    pub fn unchecked(text: impl Into<String>) -> Self {
        Self(super::Secret::new(text))
    }

    /// The URL with its password, for the driver alone.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Display for ServerUrl {
    /// Everything up to the last `@` is taken as user and password, so that a password with odd characters in it,
    /// or one that was forgotten to be encoded, is hidden as well. Values of parameters are hidden altogether. If an `@`
    /// stands among them, what is before it may be part of a password, and what is behind it of a value: all is hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.expose().split_once("://") else { return f.write_str("[…]") };
        let (head, parameters) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        if parameters.contains('@') {
            return write!(f, "{scheme}://[…]");
        }
        let (user, place) = match head.rsplit_once('@') {
            Some((user_info, place)) => (user_info.split(':').next(), place),
            None => (None, head),
        };
        write!(f, "{scheme}://")?;
        if let Some(user) = user {
            write!(f, "{user}:[secret]@")?;
        }
        f.write_str(place)?;
        match parameters.chars().next() {
            Some(mark) => write!(f, "{mark}[…]"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where `user:password@host:port` ends in what follows `scheme://`, for each driver of ours.
fn authority_end(rest: &str) -> usize {
    rest.find(['/', '?', '#']).unwrap_or(rest.len())
}

/// Where the addresses stand in what follows `scheme://`: an `@` further on belongs to a parameter, not to a password.
pub(super) fn addresses_in(rest: &str) -> std::ops::Range<usize> {
    let end = authority_end(rest);
    rest[..end].rfind('@').map_or(0, |at| at + 1)..end
}

/// `host[:port]` in `host[:port][/path]`.
fn authority_of(rest: &str) -> &str {
    rest.split('/').next().unwrap_or("")
}

/// The host in `host[:port][/path]`, brackets of an IPv6 address included.
pub(super) fn host_of(rest: &str) -> &str {
    let authority = authority_of(rest);
    if authority.starts_with('[') {
        return authority.split_inclusive(']').next().unwrap_or("");
    }
    authority.split(':').next().unwrap_or("")
}

/// Whether a client reads `host` as we do: an address in its usual form, or a name. What ends in a number (`127.1`,
/// `0x7f.1`) clients take for an address, so it must be one.
fn is_host(host: &str) -> bool {
    if address(host).is_some() {
        return true;
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let last = host.rsplit('.').next().unwrap_or("");
    host.len() <= 253 && host.split('.').all(label) && last.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Nothing, or a colon and a port.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
}

/// The address, if `host` is one.
fn address(host: &str) -> Option<std::net::IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(bare) => bare.parse::<std::net::Ipv6Addr>().ok().map(Into::into),
        None => host.parse().ok(),
    }
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || address(host).is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
