//! Answers that went wrong.

use std::io::{self, Write as _};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Response as HttpResponse, StatusCode};
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream::{self, Stream, StreamExt as _};
use serde_json::{Value, json};

use super::fault::FaultKind;
use super::socket::Peer;
use super::wire::{self, Shape};

const MAINTENANCE: &str = "<!DOCTYPE html><html lang=\"ko\"><head><title>서비스 점검 안내</title></head><body><h1>점검 중입니다</h1></body></html>";
/// Written at a time where a body is made up.
const BLOCK: usize = 64 * 1024;
/// The figures of rows that are numbers on the wire, in either dialect.
const COUNTS: [&str; 8] = [
    "visitCount",
    "pageviewCount",
    "orderCount",
    "visit_count",
    "page_view",
    "order_count",
    "unique_visit_count",
    "count",
];
/// Lets the bytes before a cut leave the machine.
const FLUSH: Duration = Duration::from_millis(50);

/// A good JSON answer.
pub(crate) fn good(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

/// The answer this fault makes of a good body. `shape` is unset for token requests.
pub(crate) fn answer(kind: &FaultKind, body: Vec<u8>, shape: Option<&Shape>, peer: &Peer) -> Response {
    match kind {
        FaultKind::Status { code, headers, body, retry_after } => {
            let code = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            status(code, body.as_deref(), headers.iter(), retry_after.as_deref())
        }
        FaultKind::Reset { after_body_bytes: None } => {
            peer.reset();
            StatusCode::OK.into_response()
        }
        FaultKind::Reset { after_body_bytes: Some(bytes) } => cut(body, *bytes, false, Some(peer.clone())),
        FaultKind::Truncated { chunked } => {
            let half = body.len() / 2;
            cut(body, half, *chunked, None)
        }
        FaultKind::NotJson => ([(CONTENT_TYPE, "text/html; charset=utf-8")], MAINTENANCE).into_response(),
        FaultKind::ErrorKey => good(br#"{"error":{"code":500,"message":"Internal Error"}}"#.to_vec()),
        FaultKind::Redirect { location } => {
            let location = location.as_deref().unwrap_or("/elsewhere");
            let value = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/elsewhere"));
            (StatusCode::FOUND, [(LOCATION, value)]).into_response()
        }
        FaultKind::HugeBody { bytes } => huge(body, *bytes),
        FaultKind::Stall { bytes_per_second } => stall(body, *bytes_per_second),
        FaultKind::Gzip => gzip(&body),
        FaultKind::MissingWrapper
        | FaultKind::WrongType { .. }
        | FaultKind::MissingField { .. }
        | FaultKind::ExtraField
        | FaultKind::RowOutside
        | FaultKind::DuplicateEqual
        | FaultKind::DuplicateDifferent => match shape {
            Some(shape) => good(spoiled(kind, body, shape)),
            None => good(body),
        },
        FaultKind::Delay { .. }
        | FaultKind::Hold
        | FaultKind::Restate
        | FaultKind::EarlierPage { .. }
        | FaultKind::Headers { .. } => good(body),
    }
}

fn status<'a>(
    code: StatusCode,
    body: Option<&str>,
    headers: impl Iterator<Item = (&'a String, &'a String)>,
    retry_after: Option<&str>,
) -> Response {
    let mut answer = match body {
        Some(body) => (code, body.to_owned()).into_response(),
        None if code == StatusCode::TOO_MANY_REQUESTS => code.into_response(),
        None => wire::error(code, code.canonical_reason().unwrap_or("fault")),
    };
    for (name, value) in headers {
        override_header(&mut answer, name, Some(value));
    }
    if let Some(text) = retry_after {
        override_header(&mut answer, RETRY_AFTER.as_str(), Some(text));
    }
    answer
}

/// Sets or removes one header; names and values that HTTP cannot carry change nothing.
pub(crate) fn override_header(answer: &mut Response, name: &str, value: Option<&str>) {
    let Ok(name) = HeaderName::try_from(name) else { return };
    match value.map(|text| HeaderValue::from_bytes(text.as_bytes())) {
        None => {
            answer.headers_mut().remove(name);
        }
        Some(Ok(value)) => {
            answer.headers_mut().insert(name, value);
        }
        Some(Err(_)) => {}
    }
}

/// Sends `bytes` of the body, then fails.
fn cut(mut body: Vec<u8>, bytes: usize, chunked: bool, peer: Option<Peer>) -> Response {
    let whole = body.len();
    body.truncate(bytes.min(whole.saturating_sub(1)));
    let first = stream::once(async move { Ok(Bytes::from(body)) });
    let end = stream::once(async move {
        tokio::time::sleep(FLUSH).await;
        if let Some(peer) = peer {
            peer.reset();
        }
        Err(io::Error::from(io::ErrorKind::BrokenPipe))
    });
    streamed(first.chain(end), (!chunked).then_some(whole as u64))
}

fn huge(body: Vec<u8>, blanks: u64) -> Response {
    let whole = body.len() as u64 + blanks;
    let first = stream::once(async move { Ok(Bytes::from(body)) });
    let block = Bytes::from(vec![b' '; BLOCK]);
    let rest = stream::unfold(blanks, move |left| {
        let block = block.clone();
        async move {
            let size = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            (size > 0).then(|| (Ok(block.slice(..size)), left - size as u64))
        }
    });
    streamed(first.chain(rest), Some(whole))
}

fn stall(body: Vec<u8>, bytes_per_second: u32) -> Response {
    let whole = body.len() as u64;
    let pause = Duration::from_secs(1) / bytes_per_second.max(1);
    let drip = stream::unfold(Bytes::from(body).into_iter(), move |mut rest| async move {
        let byte = rest.next()?;
        tokio::time::sleep(pause).await;
        Some((Ok(Bytes::copy_from_slice(&[byte])), rest))
    });
    streamed(drip, Some(whole))
}

fn gzip(body: &[u8]) -> Response {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    match encoder.write_all(body).and_then(|()| encoder.finish()) {
        Ok(packed) => {
            let mut answer = good(packed);
            answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            answer
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn streamed(
    parts: impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static,
    length: Option<u64>,
) -> Response {
    let mut answer = HttpResponse::new(Body::from_stream(parts));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if let Some(length) = length {
        answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    answer
}

fn spoiled(kind: &FaultKind, body: Vec<u8>, shape: &Shape) -> Vec<u8> {
    let Ok(mut document) = serde_json::from_slice::<Value>(&body) else { return body };
    let Some(rows) = document.get_mut(shape.wrapper).and_then(Value::as_array_mut) else { return body };
    match kind {
        FaultKind::MissingWrapper => {
            let rows = std::mem::take(rows);
            return serde_json::to_vec(&rows).unwrap_or(body);
        }
        FaultKind::WrongType { field } => each(rows, |row| {
            if let Some(value) = row.get_mut(field) {
                *value = if value.is_number() { json!("열둘") } else { json!(12) };
            }
        }),
        FaultKind::MissingField { field } => each(rows, |row| {
            row.remove(field);
        }),
        FaultKind::ExtraField => each(rows, |row| {
            row.insert("addedLater".to_owned(), json!({ "by": "fault" }));
            row.insert("added_plainly".to_owned(), json!(7));
        }),
        FaultKind::RowOutside => {
            if let Some(mut row) = rows.last().cloned() {
                row["date"] = json!(shape.date_after);
                rows.push(row);
            }
        }
        FaultKind::DuplicateEqual => rows.extend(rows.first().cloned()),
        FaultKind::DuplicateDifferent => {
            rows.extend(rows.first().cloned().map(|mut row| {
                for field in COUNTS {
                    if let Some(count) = row.get(field).and_then(Value::as_u64) {
                        row[field] = json!(count + 1);
                    }
                }
                row
            }));
        }
        _ => {}
    }
    serde_json::to_vec(&document).unwrap_or(body)
}

fn each(rows: &mut [Value], mut change: impl FnMut(&mut serde_json::Map<String, Value>)) {
    rows.iter_mut().filter_map(Value::as_object_mut).for_each(&mut change);
}
