//! `[log]`

use std::fmt;

use crate::config::reader::Reader;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON else.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl LogFormat {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// `format`.
    pub format: LogFormat,
    /// `level`. `RUST_LOG` goes before it.
    pub level: String,
}

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Auto, level: "info".to_owned() }
    }
}

impl LogConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let format = Self::default().format;
        r.section("log", "what is said on stderr");
        Self {
            format: r.choice(
                "log.format",
                "auto is text on a terminal and JSON else",
                format,
                &[LogFormat::Auto, LogFormat::Json, LogFormat::Text],
                &["auto", "json", "text"],
                LogFormat::as_str,
            ),
            level: r
                .choice("log.level", "RUST_LOG goes before it", "info", &LEVELS, &LEVELS, |level| level)
                .to_owned(),
        }
    }
}
