//! The Prometheus registry of the process.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::names;

/// Seconds, from a cached answer to the longest time-out.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// Rows of a batch.
const ROWS: [f64; 8] = [1.0, 10.0, 100.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 20_000.0];

/// Renders what was recorded. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    handle: Option<PrometheusHandle>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("installed", &self.handle.is_some()).finish()
    }
}

impl Recorder {
    /// The metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        let Some(handle) = &self.handle else { return String::new() };
        // Moves what was recorded since the last scrape into the buckets, so that they do not grow without one.
        handle.run_upkeep();
        handle.render()
    }
}

/// Installs the registry of this process. A second call in one process gets a recorder that renders nothing.
pub fn install_recorder() -> Recorder {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let rows = Matcher::Full(names::COMMIT_ROWS.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(rows, &ROWS))
        .and_then(PrometheusBuilder::install_recorder);
    match handle {
        Ok(handle) => {
            metrics::gauge!(names::BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            Recorder { handle: Some(handle) }
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "metrics are not recorded");
            Recorder { handle: None }
        }
    }
}
