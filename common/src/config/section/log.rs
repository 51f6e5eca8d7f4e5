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
    /// `format`; `auto` (`auto`, `json`, `text`).
    pub format: LogFormat,
    /// `level`; `info` (`error`, `warn`, `info`, `debug`, `trace`). `RUST_LOG` goes before it.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Auto, level: "info".to_owned() }
    }
}

impl LogConfig {
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let default = Self::default();
        Self {
            format: r.value(
                "log.format",
                default.format,
                |text| {
                    [LogFormat::Auto, LogFormat::Json, LogFormat::Text]
                        .into_iter()
                        .find(|format| format.as_str() == text)
                        .ok_or_else(|| "use auto, json or text".to_owned())
                },
                LogFormat::to_string,
            ),
            level: r.value(
                "log.level",
                default.level,
                |text| match text {
                    "error" | "warn" | "info" | "debug" | "trace" => Ok(text.to_owned()),
                    _ => Err("use error, warn, info, debug or trace".to_owned()),
                },
                Clone::clone,
            ),
        }
    }
}
