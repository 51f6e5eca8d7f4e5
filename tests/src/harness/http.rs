//! A browser as far as HTTP goes: headers, cookies, no script. It never follows a redirect by itself: the tests look at
//! each.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::trouble::{Context as _, Result};

/// Longer than the longest answer of a program under test.
const LIMIT: Duration = Duration::from_mins(1);

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// One profile: cookies by host and port, as strict as their tests need.
#[derive(Debug, Default)]
pub struct Browser {
    cookies: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
    /// Sent with each request.
    headers: Vec<(String, String)>,
}

impl Reply {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Where it redirects to.
    pub fn location(&self) -> Result<&str> {
        self.header("location").with_context(|| format!("no redirect: {self:?}"))
    }
}

impl Browser {
    /// A fresh profile that speaks English.
    pub fn new() -> Self {
        Self::default().with("Accept-Language", "en-US,en;q=0.9")
    }

    /// One more header for every request.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Goes to `http://host:port/path` as if the address had been typed in or a link followed.
    pub async fn visit(&self, url: &str) -> Result<Reply> {
        let visit = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];
        self.send("GET", url, &visit, None).await
    }

    /// Fetches without being seen to navigate, as robots and previews do.
    pub async fn fetch(&self, url: &str) -> Result<Reply> {
        self.send("GET", url, &[], None).await
    }

    /// Sends a form.
    pub async fn submit(&self, url: &str, form: &[(&str, &str)]) -> Result<Reply> {
        let pairs: Vec<_> =
            form.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
        self.send("POST", url, &[], Some(pairs.join("&"))).await
    }

    /// Any request.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        form: Option<String>,
    ) -> Result<Reply> {
        let (host, path) = parts(url)?;
        let mut lines = vec![
            format!("{method} {path} HTTP/1.1"),
            format!("Host: {host}"),
            "Connection: close".to_owned(),
        ];
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        lines.extend(own.chain(headers.iter().copied()).map(|(name, value)| format!("{name}: {value}")));
        if let Some(cookies) = self.jar().get(host) {
            let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            lines.push(format!("Cookie: {}", pairs.join("; ")));
        }
        let body = form.unwrap_or_default();
        if !body.is_empty() {
            lines.push("Content-Type: application/x-www-form-urlencoded".to_owned());
            lines.push(format!("Content-Length: {}", body.len()));
        }
        let head = lines.join("\r\n");
        let ask = async {
            let mut stream = TcpStream::connect(host).await?;
            stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let what = || format!("{method} {url}");
        let answer = timeout(LIMIT, ask).await.with_context(what)?.with_context(what)?;
        let reply = parse(&String::from_utf8_lossy(&answer)).with_context(what)?;
        self.keep(host, &reply);
        Ok(reply)
    }

    /// The value of a cookie of `host:port`, if there is exactly one.
    pub fn cookie(&self, host: &str) -> Option<(String, String)> {
        let jar = self.jar();
        let cookies = jar.get(host).filter(|cookies| cookies.len() == 1)?;
        cookies.iter().next().map(|(name, value)| (name.clone(), value.clone()))
    }

    fn keep(&self, host: &str, reply: &Reply) {
        for (_, value) in reply.headers.iter().filter(|(name, _)| name == "set-cookie") {
            if let Some((name, value)) = value.split(';').next().and_then(|pair| pair.split_once('=')) {
                self.jar().entry(host.to_owned()).or_default().insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn jar(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, BTreeMap<String, String>>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parts(url: &str) -> Result<(&str, String)> {
    let rest = url.strip_prefix("http://").with_context(|| format!("not http: {url}"))?;
    Ok(match rest.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (rest, "/".to_owned()),
    })
}

fn parse(text: &str) -> Option<Reply> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    // The programs under test know the length of their pages.
    (!chunked).then(|| Reply { status, headers, body: body.to_owned() })
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |out, b| {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out + &char::from(b).to_string()
        } else {
            out + &format!("%{b:02X}")
        }
    })
}
