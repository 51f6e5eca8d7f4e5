//! `[coverage]`

use std::time::Duration;

use crate::config::reader::Reader;

/// How long it is known what figures were before they changed.
#[derive(Debug, Clone, Copy)]
pub struct CoverageConfig {
    /// `keep_versions`.
    pub keep_versions: Duration,
    /// `keep_partial`.
    pub keep_partial: Duration,
}

impl CoverageConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let days = |days: u64| Duration::from_hours(24 * days);
        r.section("coverage", "how long it is known what figures were before they changed");
        Self {
            keep_versions: r.duration(
                "coverage.keep_versions",
                "figures that later ones replaced are forgotten after this long",
                days(400),
                days(1)..=days(3_650),
            ),
            keep_partial: r.duration(
                "coverage.keep_partial",
                "those of days that were not over, after this long",
                days(31),
                days(1)..=days(3_650),
            ),
        }
    }
}
