//! What is wrong with the settings, all of it at once.

use std::fmt;
use std::path::Path;

/// One wrong setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// `section.key`; empty where the file is no TOML at this place.
    pub key: String,
    /// Line in the file, from 1; none for a variable of the environment.
    pub line: Option<usize>,
    /// The line as it stands, or the variable's name. Never the value of a secret.
    pub shown: String,
    /// What is wrong, and what to write.
    pub problem: String,
}

/// The settings cannot be used. Nothing was started; exit code [`EXIT_CODE`](Self::EXIT_CODE).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    place: String,
    mistakes: Vec<Mistake>,
}

impl ConfigError {
    /// The exit code of a program that cannot use its settings (`docs/operate.md`, Exit codes).
    pub const EXIT_CODE: u8 = 6;
    /// The code of the fault in the handbook.
    pub const CODE: &'static str = "E-CONF-01";

    pub(super) fn new(mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.line.unwrap_or(usize::MAX));
        Self { place: "configuration".to_owned(), mistakes }
    }

    pub(super) fn unreadable(path: &Path, source: &std::io::Error) -> Self {
        let mistake = Mistake {
            key: String::new(),
            line: None,
            shown: path.display().to_string(),
            problem: format!("cannot be read: {source}"),
        };
        Self { place: path.display().to_string(), mistakes: vec![mistake] }
    }

    pub(super) fn in_file(mut self, path: &Path) -> Self {
        self.place = path.display().to_string();
        self
    }

    /// All mistakes, those of the file first and by line.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.mistakes.len();
        let plural = if count == 1 { "mistake" } else { "mistakes" };
        write!(f, "{} has {count} {plural}", self.place)?;
        for mistake in &self.mistakes {
            match mistake.line {
                Some(line) => write!(f, "\n  {line:>3} | {:<36} {}", mistake.shown, mistake.problem)?,
                None => write!(f, "\n    $ | {:<36} {}", mistake.shown, mistake.problem)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
