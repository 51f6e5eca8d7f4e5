//! A token URL that rotates: a refresh token works once.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::super::*;
use crate::clock;
use crate::config::{Secret, UrlTemplate};
use crate::domain::calendar::kst;
use crate::domain::failure::FailureClass;
use crate::domain::ids::MallId;

/// What the next calls meet, in order; after that, all goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The connection closes before anything is done.
    Close,
    /// The pair is rotated, and the answer lost.
    LoseAnswer,
    /// HTTP with this status and body.
    Answer(u16, &'static str),
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Heads and bodies of all calls.
    pub(super) calls: Vec<String>,
    pub(super) troubles: Vec<Trouble>,
    valid: u32,
}

pub(super) struct Host {
    pub(super) address: SocketAddr,
    pub(super) state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Host {
    pub(super) async fn start(troubles: &[Trouble]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(Mutex::new(State { troubles: troubles.to_vec(), ..State::default() }));
        let task = tokio::spawn({
            let state = state.clone();
            async move {
                while let Ok((socket, _)) = listener.accept().await {
                    serve(socket, &state).await;
                }
            }
        });
        Self { address, state, task }
    }

    pub(super) fn client(&self) -> OAuthClient {
        let template = UrlTemplate::parse(&format!("http://{}/{{mall_id}}", self.address)).expect("loopback");
        OAuthClient::new(template, OAuthTimeouts::default()).expect("a client")
    }

    pub(super) fn calls(&self) -> usize {
        self.state.lock().expect("unpoisoned").calls.len()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, state: &Mutex<State>) {
    let mut call = String::new();
    let mut buffer = [0; 4096];
    while !complete(&call) {
        match socket.read(&mut buffer).await {
            Ok(read) if read > 0 => call.push_str(&String::from_utf8_lossy(&buffer[..read])),
            _ => return,
        }
    }
    let (status, body) = {
        let mut state = state.lock().expect("unpoisoned");
        state.calls.push(call.clone());
        let trouble = if state.troubles.is_empty() { None } else { Some(state.troubles.remove(0)) };
        match trouble {
            Some(Trouble::Close) => return,
            Some(Trouble::Answer(status, body)) => (status, body.to_owned()),
            other => {
                let sent = call.rsplit("refresh_token=refresh-").next().unwrap_or("");
                let answer =
                    if call.contains("grant_type=authorization_code") || sent == state.valid.to_string() {
                        state.valid += 1;
                        (200, answer(state.valid))
                    } else {
                        (400, r#"{"error":"invalid_grant","error_description":"used"}"#.to_owned())
                    };
                if other == Some(Trouble::LoseAnswer) {
                    return;
                }
                answer
            }
        }
    };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = socket.shutdown().await;
}

fn complete(call: &str) -> bool {
    let Some((head, body)) = call.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

fn answer(number: u32) -> String {
    let time = |time: DateTime<Utc>| time.with_timezone(&kst()).format("%Y-%m-%dT%H:%M:%S%.3f").to_string();
    let now = clock::now();
    serde_json::json!({
        "access_token": format!("access-{number}"),
        "refresh_token": format!("refresh-{number}"),
        "issued_at": time(now),
        "expires_at": time(now + TimeDelta::hours(2)),
        "refresh_token_expires_at": time(now + TimeDelta::days(14)),
        "mall_id": "hanbit",
        "scopes": ["mall.analytics"],
    })
    .to_string()
}

pub(super) fn app() -> AppCredentials {
    AppCredentials { client_id: "app".to_owned(), client_secret: Secret::new("canary") }
}

pub(super) fn hanbit() -> MallId {
    "hanbit".parse().expect("valid")
}

#[tokio::test]
async fn a_refresh_is_the_specifications_to_the_letter() {
    let host = Host::start(&[]).await;
    let pair =
        host.client().refresh(&hanbit(), &RefreshToken::new("refresh-0"), &app()).await.expect("a pair");
    assert_eq!(pair.access.expose(), "access-1");
    let call = host.state.lock().expect("unpoisoned").calls[0].clone();
    assert!(call.starts_with("POST /hanbit/api/v2/oauth/token HTTP/1.1\r\n"), "{call}");
    let (head, body) = call.split_once("\r\n\r\n").expect("a body");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("authorization: basic yxbwomnhbmfyeq=="), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    assert_eq!(body, "grant_type=refresh_token&refresh_token=refresh-0");
}

#[tokio::test]
async fn a_code_is_exchanged_with_its_redirect_uri() {
    let host = Host::start(&[]).await;
    let code = Secret::new("a code&x");
    let uri = "https://sync.agency.kr/oauth/callback";
    host.client().exchange(&hanbit(), &code, uri, &app()).await.expect("a pair");
    let call = host.state.lock().expect("unpoisoned").calls[0].clone();
    let body = "grant_type=authorization_code&code=a+code%26x&redirect_uri=https%3A%2F%2Fsync.agency.kr%2Foauth%2Fcallback";
    assert!(call.ends_with(body), "{call}");
}

#[tokio::test]
async fn consent_is_asked_at_the_malls_own_host() {
    let template = UrlTemplate::parse("https://{mall_id}.cafe24api.com").expect("valid");
    let client = OAuthClient::new(template, OAuthTimeouts::default()).expect("a client");
    let url = client.authorize_url(&hanbit(), &app(), "https://a.kr/c?x=1", "mall.analytics", "st&te");
    let expected = "https://hanbit.cafe24api.com/api/v2/oauth/authorize?response_type=code&client_id=app\
        &state=st%26te&redirect_uri=https%3A%2F%2Fa.kr%2Fc%3Fx%3D1&scope=mall.analytics";
    assert_eq!(url, expected);
}

#[rstest::rstest]
#[case::dead(Trouble::Answer(400, r#"{"error":"invalid_grant"}"#), FailureClass::Forbidden, "invalid_grant")]
#[case::secret(
    Trouble::Answer(401, r#"{"error":"invalid_client"}"#),
    FailureClass::Forbidden,
    "client_secret"
)]
#[case::scope(Trouble::Answer(400, r#"{"error":"invalid_scope"}"#), FailureClass::Forbidden, "invalid_scope")]
#[case::odd(Trouble::Answer(400, r#"{"error":"canary token Xy"}"#), FailureClass::Forbidden, "no code")]
#[case::busy(Trouble::Answer(429, ""), FailureClass::Transient, "429")]
#[case::down(Trouble::Answer(503, "canary"), FailureClass::Transient, "503")]
#[case::maintenance(Trouble::Answer(200, "<html>canary"), FailureClass::Transient, "without tokens")]
#[case::closed(Trouble::Close, FailureClass::Transient, "did not answer")]
#[tokio::test]
async fn o04_each_refusal_has_its_class_and_repeats_no_body(
    #[case] trouble: Trouble,
    #[case] class: FailureClass,
    #[case] text: &str,
) {
    let host = Host::start(&[trouble]).await;
    let result = host.client().refresh(&hanbit(), &RefreshToken::new("refresh-0"), &app()).await;
    let error = result.expect_err("refused");
    assert_eq!(error.class(), class);
    assert!(error.to_string().contains(text), "{error}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_pair_is_revoked_as_the_app() {
    let host = Host::start(&[Trouble::Answer(200, "{}"), Trouble::Answer(503, "")]).await;
    let token = RefreshToken::new("refresh-0");
    host.client().revoke(&hanbit(), &token, &app()).await.expect("revoked");
    let call = host.state.lock().expect("unpoisoned").calls[0].clone();
    assert!(call.starts_with("POST /hanbit/api/v2/oauth/revoke HTTP/1.1\r\n"), "{call}");
    assert!(call.to_ascii_lowercase().contains("authorization: basic yxbwomnhbmfyeq=="), "{call}");
    assert!(call.ends_with("token=refresh-0"), "{call}");
    let error = host.client().revoke(&hanbit(), &token, &app()).await.expect_err("down");
    assert!(matches!(error, OAuthError::Server { status: 503 }));
}
