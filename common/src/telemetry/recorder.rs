//! The Prometheus registry of the process.

use ::metrics::gauge;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::metrics::{ALL, BUILD_INFO, Kind, describe};

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
        handle.run_upkeep();
        handle.render()
    }

    /// Moves the samples of histograms into their buckets. Call it every few seconds: until then each sample is kept,
    /// and a process that nobody scrapes would grow without bound.
    pub fn upkeep(&self) {
        if let Some(handle) = &self.handle {
            handle.run_upkeep();
        }
    }
}

/// Installs the registry of this process. A second call in one process gets a recorder that renders nothing.
pub fn install_recorder() -> Recorder {
    match builder().and_then(PrometheusBuilder::install_recorder) {
        Ok(handle) => {
            describe();
            gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            Recorder { handle: Some(handle) }
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "metrics are not recorded");
            Recorder { handle: None }
        }
    }
}

/// A registry with the buckets of the table.
pub(super) fn builder() -> Result<PrometheusBuilder, BuildError> {
    ALL.iter().try_fold(PrometheusBuilder::new(), |builder, metric| match metric.kind {
        Kind::Histogram(buckets) => {
            builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
        }
        Kind::Counter | Kind::Gauge => Ok(builder),
    })
}
