//! A plain HTTP client for the tests of this module: sends bytes, shows bytes.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// How the connection ended after the last byte.
    pub(crate) end: io::Result<()>,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn rows(&self) -> Vec<serde_json::Value> {
        self.rows_under("data")
    }

    pub(crate) fn rows_under(&self, wrapper: &str) -> Vec<serde_json::Value> {
        let document: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        document[wrapper].as_array().unwrap().clone()
    }
}

pub(crate) fn get(address: SocketAddr, path: &str, token: Option<&str>) -> Got {
    let auth = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    send(address, &request(path, &format!("X-Cafe24-Api-Version: 2024-06-01\r\n{auth}")))
}

/// Without the version header, as real malls are asked.
pub(crate) fn get_live(address: SocketAddr, path: &str, token: &str) -> Got {
    let headers = format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n");
    send(address, &request(path, &headers))
}

fn request(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\n{headers}\r\n")
}

pub(crate) fn post_form(address: SocketAddr, path: &str, basic: &str, form: &str) -> Got {
    let length = form.len();
    send(
        address,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\nAuthorization: Basic {basic}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        ),
    )
}

pub(crate) fn post_json(address: SocketAddr, path: &str, body: &str) -> Got {
    let length = body.len();
    send(
        address,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    )
}

fn send(address: SocketAddr, request: &str) -> Got {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).map(|_| ());
    let split = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let head = String::from_utf8_lossy(&bytes[..split.unwrap_or(0)]).into_owned();
    let body = split.map(|at| bytes[at + 4..].to_vec()).unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Got { status, head, body, end }
}
