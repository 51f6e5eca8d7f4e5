use std::time::Duration;

use rstest::rstest;

use super::super::*;
use super::server::{Act, Server, answer};
use crate::config::{BaseUrl, Secret};
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::endpoint::Dialect;
use crate::domain::failure::FailureClass;
use crate::domain::ids::{MallId, ShopNo};
use crate::domain::job::Wanted;

const TOKEN: &str = "canary-token-0iqR5nM5";
const ROWS: &[u8] = br#"{"data":[{"date":"2026-02-15","visitCount":1432}]}"#;

pub(super) fn client(server: &Server) -> ApiClient {
    ApiClient::new(settings(server)).expect("a client")
}

pub(super) fn settings(server: &Server) -> ApiConfig {
    ApiConfig {
        base_url: BaseUrl::parse(&format!("http://{}", server.address)).expect("loopback"),
        connect_timeout: Duration::from_millis(500),
        first_byte_timeout: Duration::from_millis(300),
        total_timeout: Duration::from_millis(600),
        body_max: 1 << 20,
        row_max: ApiConfig::ROW_MAX,
        version: None,
        params: None,
    }
}

/// A day's visitors.
pub(super) fn wanted(mall_id: &MallId) -> Wanted<'_> {
    let day = "2026-02-15".parse().expect("a day");
    Wanted {
        mall_id,
        shop_no: ShopNo::FIRST,
        endpoint: "visitors".parse().expect("known"),
        granularity: Granularity::Day,
        chunk: DayRange::new(day, day).expect("in order"),
    }
}

async fn fetch(client: &ApiClient) -> Fetched {
    let mall: MallId = "yourmall".parse().expect("valid");
    let request = Request::new(wanted(&mall), Dialect::Seed).expect("askable");
    client.fetch(&request, &Secret::new(TOKEN)).await
}

async fn fetch_from(act: Act) -> (Fetched, Vec<String>) {
    let mut server = Server::start(act).await;
    let fetched = fetch(&client(&server)).await;
    (fetched, server.requests())
}

fn class(fetched: &Fetched) -> FailureClass {
    fetched.result.as_ref().expect_err("no page").class()
}

fn network(fetched: &Fetched) -> NetworkFault {
    match &fetched.result {
        Err(FetchError::Network { fault, .. }) => *fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_is_the_specifications_to_the_letter() {
    let headers = "X-RateLimit-Remaining: 39\r\nX-RateLimit-Burst-Capacity: 40\r\n";
    let (fetched, requests) = fetch_from(Act::Send(answer("200 OK", headers, ROWS))).await;
    let page = fetched.result.expect("a page");
    assert_eq!((page.rows.len(), page.rows[0].values.impressions), (1, Some(1432)));
    assert_eq!(
        (fetched.limits.remaining, fetched.limits.burst, fetched.limits.replenish),
        (Some(39), Some(40), None)
    );
    assert_eq!((fetched.status, fetched.bytes), (Some(200), ROWS.len() as u64));
    let head = &requests[0];
    let line = "GET /api/v1/malls/yourmall/visitors/view?startDate=2026-02-15&endDate=2026-02-15&dateType=day HTTP/1.1\r\n";
    assert!(head.starts_with(line), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("x-cafe24-api-version: 2024-06-01\r\n"), "{head}");
    assert!(head.contains(&format!("authorization: bearer {}\r\n", TOKEN.to_ascii_lowercase())), "{head}");
    assert!(head.contains("user-agent: cafe24-sync/"), "{head}");
}

#[tokio::test]
async fn a01_a_429_brings_its_headers_and_no_attempt() {
    let headers = "X-RateLimit-Remaining: -1\r\nRetry-After: 3\r\n";
    let (fetched, _) = fetch_from(Act::Send(answer("429 Too Many Requests", headers, b""))).await;
    assert_eq!(class(&fetched), FailureClass::Throttled);
    assert_eq!((fetched.retry_after, fetched.limits.remaining), (Some(Duration::from_secs(3)), None));
}

#[tokio::test]
async fn a03_a_body_shorter_than_announced_is_not_decoded() {
    let mut bytes = answer("200 OK", "", ROWS);
    bytes = String::from_utf8(bytes)
        .expect("text")
        .replace("Content-Length: 5", "Content-Length: 55")
        .into_bytes();
    let (fetched, _) = fetch_from(Act::Send(bytes)).await;
    assert_eq!(network(&fetched), NetworkFault::BodyCut);
    assert_eq!((class(&fetched), fetched.status), (FailureClass::Transient, Some(200)));
    assert!(fetched.result.expect_err("cut").evidence().body_head.contains("visitCount"));
}

#[tokio::test]
async fn a03_a_reset_before_headers_is_transient() {
    let (fetched, _) = fetch_from(Act::Reset).await;
    assert_eq!(network(&fetched), NetworkFault::Reset);
    assert_eq!(fetched.status, None);
}

#[tokio::test]
async fn a03_a_closed_port_is_transient() {
    let server = Server::start(Act::Reset).await;
    let client = client(&server);
    drop(server);
    tokio::task::yield_now().await;
    let fetched = fetch(&client).await;
    assert!(matches!(network(&fetched), NetworkFault::Connect | NetworkFault::Reset));
}

#[rstest]
#[case::no_headers(b"".to_vec(), NetworkFault::FirstByteTimeout)]
#[case::no_body(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"data\"".to_vec(), NetworkFault::TotalTimeout)]
#[tokio::test]
async fn a03_a_stall_ends_in_time(#[case] bytes: Vec<u8>, #[case] fault: NetworkFault) {
    let (fetched, _) = fetch_from(Act::Stall(bytes)).await;
    assert_eq!(network(&fetched), fault);
    assert!(fetched.elapsed < Duration::from_secs(2), "{:?}", fetched.elapsed);
}

#[tokio::test]
async fn a04_a_redirect_is_refused_and_the_token_stays_here() {
    let mut target = Server::start(Act::Send(answer("200 OK", "", ROWS))).await;
    let headers = format!("Location: http://{}/stolen\r\n", target.address);
    let (fetched, _) = fetch_from(Act::Send(answer("302 Found", &headers, b""))).await;
    assert_eq!(class(&fetched), FailureClass::InvalidRequest);
    assert_eq!(target.requests(), Vec::<String>::new());
}

#[rstest]
#[case::maintenance("200 OK", "<html>점검 중입니다</html>", FailureClass::Transient)]
#[case::empty("200 OK", "", FailureClass::Transient)]
#[case::error_key("200 OK", r#"{"error":{"code":500}}"#, FailureClass::ContractViolation)]
#[case::no_wrapper("200 OK", r#"{"view":[]}"#, FailureClass::ContractViolation)]
#[case::unauthorized(
    "401 Unauthorized",
    r#"{"error":{"message":"access_token time expired"}}"#,
    FailureClass::Unauthorized
)]
#[case::scope(
    "403 Forbidden",
    r#"{"error":{"code":403,"message":"INVALID SCOPE"}}"#,
    FailureClass::Forbidden
)]
#[case::bad_request("400 Bad Request", r#"{"error":{"message":"range"}}"#, FailureClass::InvalidRequest)]
#[case::unavailable("503 Service Unavailable", "", FailureClass::Transient)]
#[tokio::test]
async fn a04_each_answer_has_its_class(
    #[case] status: &str,
    #[case] body: &str,
    #[case] expected: FailureClass,
) {
    let (fetched, _) = fetch_from(Act::Send(answer(status, "", body.as_bytes()))).await;
    assert_eq!(class(&fetched), expected);
    let error = fetched.result.expect_err("no page");
    assert_eq!(error.evidence().body_head, body);
    assert!(error.evidence().request.starts_with("/api/v1/malls/yourmall/visitors/view?"));
}

#[tokio::test]
async fn x05_a_token_that_the_server_echoes_does_not_reach_the_evidence() {
    let body = format!(r#"{{"error":{{"message":"Invalid access_token {TOKEN}"}}}}"#);
    let (fetched, _) = fetch_from(Act::Send(answer("401 Unauthorized", "", body.as_bytes()))).await;
    assert!(!format!("{:?}", fetched.result).contains(TOKEN));
}

/// `{"data":[],"x":"000…"}` with 64 MiB of zeros, deflated by hand: one stored-free dynamic stream is not needed,
/// a fixed Huffman run of length-258 matches does it.
fn gzip_bomb() -> Vec<u8> {
    struct Bits(Vec<u8>, u32, u32);
    impl Bits {
        fn put(&mut self, value: u32, count: u32) {
            for bit in 0..count {
                self.1 |= ((value >> bit) & 1) << self.2;
                self.2 += 1;
                if self.2 == 8 {
                    self.0.push(u8::try_from(self.1).expect("8 bits"));
                    (self.1, self.2) = (0, 0);
                }
            }
        }
        /// Huffman codes go most significant bit first.
        fn code(&mut self, value: u32, count: u32) {
            self.put(value.reverse_bits() >> (32 - count), count);
        }
        fn literal(&mut self, byte: u8) {
            self.code(0x30 + u32::from(byte), 8);
        }
    }
    let mut bits = Bits(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], 0, 0);
    bits.put(1, 1); // last block
    bits.put(1, 2); // fixed codes
    for byte in br#"{"data":[],"x":"0"# {
        bits.literal(*byte);
    }
    for _ in 0..260_000 {
        bits.code(0b1100_0101, 8); // length 258
        bits.code(0, 5); // distance 1
    }
    bits.put(0, 16);
    bits.0
}

#[tokio::test]
async fn d01_a_gzip_bomb_is_cut_at_the_limit() {
    let bomb = gzip_bomb();
    assert!(bomb.len() < 1 << 20, "small on the wire: {}", bomb.len());
    let (fetched, _) = fetch_from(Act::Send(answer("200 OK", "Content-Encoding: gzip\r\n", &bomb))).await;
    assert_eq!(class(&fetched), FailureClass::ContractViolation);
    assert_eq!(fetched.bytes, 1 << 20);
    let error = fetched.result.expect_err("too large");
    assert!(error.to_string().contains("body limit"), "{error}");
}

#[tokio::test]
async fn d01_an_announced_giant_is_not_read() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec();
    let (fetched, _) = fetch_from(Act::Stall(bytes)).await;
    assert_eq!((class(&fetched), fetched.bytes), (FailureClass::ContractViolation, 0));
}
