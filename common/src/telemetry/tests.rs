use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::metrics::with_local_recorder;
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;

use super::json::JsonLines;
use super::metrics::{ALL, Kind};
use super::{events, logs, metrics, observe_request, panic, recorder};
use crate::config::{LogConfig, Secret};
use crate::domain::text::is_hostile;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(act: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = JsonLines { writer: move || writer.clone() };
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
    let bytes = lines.0.lock().expect("unpoisoned").clone();
    String::from_utf8(bytes).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn a_line_is_flat_json_with_the_fields_of_its_spans() {
    let lines = logged(|| {
        let job =
            tracing::info_span!("job", mall = "hanbit", endpoint = "visitors", rows = tracing::field::Empty);
        let _job = job.enter();
        job.record("rows", 31);
        let _page = tracing::info_span!("page", endpoint = "products").entered();
        tracing::info!(event = events::JOB_COMMITTED, wait_ms = 12u64, name = "겨울 \"코트\"\n", "committed");
    });
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(line.starts_with("{\"ts\":\"2"), "{line}");
    let mut value: Value = serde_json::from_str(line).expect("JSON");
    value.as_object_mut().expect("an object").remove("ts");
    let expected = json!({
        "level": "info", "event": "job.committed", "msg": "committed", "target": "common::telemetry::tests",
        "mall": "hanbit", "endpoint": "products", "rows": 31, "wait_ms": 12, "name": "겨울 \"코트\"\n",
    });
    assert_eq!(value, expected);
}

/// A product name, a mall's reason, a body: what comes from outside and ends in a field.
const HOSTILE: &str = "a\n{\"level\":\"error\"}\r\u{1b}[2J\u{9b}31m\u{202e}\u{2028}b\0";

#[test]
fn x02_an_event_is_one_line_of_json_whatever_is_in_its_fields() {
    let lines = logged(|| tracing::warn!(name = HOSTILE, shown = %HOSTILE, "said: {HOSTILE}"));
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(!line.contains(is_hostile), "{line:?}");
    let value: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!((&value["name"], &value["shown"]), (&json!(HOSTILE), &json!(HOSTILE)));
}

#[test]
fn x02_an_event_is_one_line_of_text_whatever_is_in_its_fields() {
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = logs::text_lines(move || writer.clone(), false);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _span = tracing::info_span!("job", mall = HOSTILE).entered();
        let error: &dyn std::error::Error = &std::io::Error::other(HOSTILE);
        tracing::warn!(name = HOSTILE, shown = %HOSTILE, error, "said: {HOSTILE}");
    });
    let text = String::from_utf8(lines.0.lock().expect("unpoisoned").clone()).expect("text");
    let line = text.strip_suffix('\n').expect("a line");
    assert!(!line.contains(is_hostile), "{line:?}");
    assert_eq!(line.matches("\\u{202e}").count(), 5, "{line}");
}

#[test]
fn x05_a_secret_in_a_field_is_not_logged() {
    let secret = Secret::new("canary");
    let lines = logged(|| tracing::error!(token = %secret, other = ?secret, "failed"));
    assert!(lines[0].contains("[secret]") && !lines[0].contains("canary"), "{lines:?}");
}

#[test]
fn x05_what_drivers_say_of_their_bytes_is_never_logged_whatever_rust_log_asks_for() {
    let lines = Lines::default();
    let writer = lines.clone();
    let filter = logs::filter(&LogConfig::default(), Some("trace,lapin=trace")).0;
    let registry = tracing_subscriber::registry().with(filter).with(logs::secretive());
    tracing::subscriber::with_default(registry.with(JsonLines { writer: move || writer.clone() }), || {
        tracing::trace!(target: "lapin", "the login, as bytes");
        tracing::info!(target: "lapin", "connected");
        tracing::trace!("ours");
    });
    let text = String::from_utf8(lines.0.lock().expect("unpoisoned").clone()).expect("text");
    assert!(!text.contains("the login") && text.contains("connected") && text.contains("ours"), "{text}");
}

#[test]
fn x05_a_formatted_panic_message_is_withheld() {
    let constant = std::panic::catch_unwind(|| panic!("a constant of ours")).expect_err("a panic");
    assert_eq!(panic::message(constant.as_ref()), "a constant of ours");
    let formatted =
        std::panic::catch_unwind(|| panic!("token {}", "canary".to_lowercase())).expect_err("a panic");
    assert_eq!(panic::message(formatted.as_ref()), "[message withheld]");
}

#[test]
fn rust_log_goes_before_the_configured_level() {
    let log = LogConfig::default();
    let level = |rust_log| logs::filter(&log, rust_log).0.max_level_hint().map(|f| f.to_string());
    assert_eq!(level(None).as_deref(), Some("info"));
    assert_eq!(level(Some("trace")).as_deref(), Some("trace"));
    assert!(logs::filter(&log, Some("worker=loud")).1.is_some());
    assert_eq!(level(Some("worker=loud")).as_deref(), Some("info"));
}

#[test]
fn every_metric_has_a_conforming_name_a_help_text_and_rising_buckets() {
    let mut names = std::collections::HashSet::new();
    for metric in ALL {
        assert!(names.insert(metric.name), "{} twice", metric.name);
        assert!(metric.name.starts_with("cafe24_sync_"), "{}", metric.name);
        assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
        assert!(!metric.help.is_empty());
        if let Kind::Histogram(buckets) = metric.kind {
            assert!(!buckets.is_empty() && buckets.is_sorted_by(|a, b| a < b), "{}", metric.name);
        }
    }
}

#[test]
fn metrics_render_with_their_buckets_and_help() {
    let recorder = recorder::builder().expect("valid buckets").build_recorder();
    let handle = recorder.handle();
    with_local_recorder(&recorder, || {
        metrics::describe();
        for _ in 0..2 {
            observe_request("visitors", None, Duration::from_millis(200), 1432);
        }
    });
    let text = handle.render();
    for part in [
        "# HELP cafe24_sync_requests_total Requests to the analytics API",
        "cafe24_sync_requests_total{endpoint=\"visitors\",outcome=\"ok\"} 2",
        "cafe24_sync_request_duration_seconds_bucket{endpoint=\"visitors\",le=\"0.25\"} 2",
        "cafe24_sync_request_duration_seconds_bucket{endpoint=\"visitors\",le=\"0.1\"} 0",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}
