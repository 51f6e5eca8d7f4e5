//! Hands out settings to the sections, and remembers what was asked, what was wrong, and what nobody wanted.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use super::env::{Variable, twin};
use super::file::Setting;
use super::value::{nearest, parse_duration, parse_size, show_duration, show_size};
use super::{ConfigError, Mistake, Secret};

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Not set.
    Default,
    /// Line of the file, from 1.
    File {
        /// From 1.
        line: usize,
    },
    /// A variable of the environment.
    Env {
        /// The variable's name.
        name: String,
    },
}

/// A key as `config show --origin` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// `section.key`.
    pub key: &'static str,
    /// The value as it may be shown: secrets as `[secret]`, passwords replaced, unset as an empty text.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

#[derive(Debug)]
struct Entry {
    text: String,
    origin: Origin,
}

/// A secret or URL is longer than this only by mistake.
const SECRET_FILE_MAX: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct Reader {
    entries: BTreeMap<String, Entry>,
    keys: Vec<KeyInfo>,
    file_keys: Vec<String>,
    mistakes: Vec<Mistake>,
    warnings: Vec<String>,
}

impl Reader {
    pub(super) fn new(file: (Vec<Setting>, Vec<Mistake>), env: BTreeMap<String, Variable>) -> Self {
        let (settings, mistakes) = file;
        let mut entries: BTreeMap<String, Entry> = settings
            .into_iter()
            .map(|set| (set.key, Entry { text: set.value, origin: Origin::File { line: set.line } }))
            .collect();
        for key in env.keys() {
            entries.remove(&twin(key));
        }
        for (key, Variable { name, value }) in env {
            entries.insert(key, Entry { text: value, origin: Origin::Env { name } });
        }
        Self { entries, keys: Vec::new(), file_keys: Vec::new(), mistakes, warnings: Vec::new() }
    }

    /// The setting `key`, read by `parse`, whose error says what to write; `show` prints it.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let Some(entry) = self.entries.remove(key) else {
            self.keys.push(KeyInfo { key, value: String::new(), origin: Origin::Default });
            return None;
        };
        match parse(&entry.text) {
            Ok(value) => {
                self.keys.push(KeyInfo { key, value: show(&value), origin: entry.origin });
                Some(value)
            }
            Err(problem) => {
                self.wrong(key, &entry, problem);
                self.keys.push(KeyInfo { key, value: String::new(), origin: entry.origin });
                None
            }
        }
    }

    /// Like [`optional`](Self::optional) with a default.
    pub(super) fn value<T>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
        show: impl Fn(&T) -> String,
    ) -> T {
        if let Some(value) = self.optional(key, parse, &show) {
            return value;
        }
        if let Some(info) = self.keys.last_mut().filter(|info| info.origin == Origin::Default) {
            info.value = show(&default);
        }
        default
    }

    /// A text of 1–200 characters without control characters.
    pub(super) fn text(&mut self, key: &'static str, default: &str) -> String {
        self.value(key, default.to_owned(), plain_text, Clone::clone)
    }

    /// A number within `range`.
    pub(super) fn number<T>(&mut self, key: &'static str, default: T, range: RangeInclusive<T>) -> T
    where
        T: Copy + PartialOrd + std::str::FromStr + Display,
    {
        self.value(key, default, |text| number_in(text, &range), T::to_string)
    }

    /// A number within `range`, or none.
    pub(super) fn optional_number<T>(&mut self, key: &'static str, range: RangeInclusive<T>) -> Option<T>
    where
        T: Copy + PartialOrd + std::str::FromStr + Display,
    {
        self.optional(key, |text| number_in(text, &range), T::to_string)
    }

    /// A duration within `range`.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let rule = format!("{} to {}", show_duration(*range.start()), show_duration(*range.end()));
        let parse = |text: &str| match parse_duration(text) {
            Some(duration) if range.contains(&duration) => Ok(duration),
            Some(_) => Err(format!("out of range; use {rule}")),
            None => Err(format!("not a duration; write \"{}\" ({rule})", show_duration(default))),
        };
        self.value(key, default, parse, |duration| show_duration(*duration))
    }

    /// A size in bytes within `range`.
    pub(super) fn size(&mut self, key: &'static str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let rule = format!("{} to {}", show_size(*range.start()), show_size(*range.end()));
        let parse = |text: &str| match parse_size(text) {
            Some(bytes) if range.contains(&bytes) => Ok(bytes),
            Some(_) => Err(format!("out of range; use {rule}")),
            None => Err(format!("not a size; write \"{}\" ({rule})", show_size(default))),
        };
        self.value(key, default, parse, |bytes| show_size(*bytes))
    }

    /// A secret, given by a variable, or by a file that `key_file` names. A literal in the configuration file is refused.
    pub(super) fn secret(&mut self, key: &'static str) -> Option<Secret> {
        if let Some(entry) = self.entries.get(key)
            && matches!(entry.origin, Origin::File { .. })
            && let Some(entry) = self.entries.remove(key)
        {
            self.wrong(
                key,
                &entry,
                format!("no secret may stand in this file; write `{}`", leaf(&twin(key))),
            );
        }
        self.or_file(key, |text| Ok(Secret::from(text)), |_| "[secret]".to_owned())
    }

    /// A setting that may also be given by the file that `key_file` names.
    pub(super) fn or_file<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let file_key = twin(key);
        self.file_keys.push(file_key.clone());
        if let Some(by_file) = self.entries.remove(&file_key) {
            if self.entries.contains_key(key) {
                self.wrong(&file_key, &by_file, format!("`{}` is set as well; keep one of them", leaf(key)));
            }
            match read_secret_file(Path::new(&by_file.text)) {
                Ok((text, private)) => {
                    if !private {
                        self.warnings
                            .push(format!("{key}: {} may be read by others: chmod 600", by_file.text));
                    }
                    self.entries.insert(key.to_owned(), Entry { text, origin: by_file.origin });
                }
                Err(problem) => self.wrong(&file_key, &by_file, problem),
            }
        }
        self.optional(key, parse, show)
    }

    /// Shows the default of a key that was asked for and not set.
    pub(super) fn show_default(&mut self, key: &'static str, value: &impl Display) {
        if let Some(info) =
            self.keys.iter_mut().find(|info| info.key == key && info.origin == Origin::Default)
        {
            info.value = value.to_string();
        }
    }

    /// A mistake that concerns more than one key.
    pub(super) fn conflict(&mut self, key: &'static str, problem: impl Into<String>) {
        let origin = self.keys.iter().find(|info| info.key == key).map(|info| info.origin.clone());
        let entry = Entry { text: String::new(), origin: origin.unwrap_or(Origin::Default) };
        self.wrong(key, &entry, problem.into());
    }

    fn wrong(&mut self, key: &str, entry: &Entry, problem: String) {
        let (line, shown) = match &entry.origin {
            Origin::File { line } => (Some(*line), key.to_owned()),
            Origin::Env { name } => (None, name.clone()),
            Origin::Default => (None, key.to_owned()),
        };
        self.mistakes.push(Mistake { key: key.to_owned(), line, shown, problem });
    }

    /// Everything was asked for: what is left over is unknown.
    pub(super) fn finish(mut self) -> Result<(Vec<KeyInfo>, Vec<String>), ConfigError> {
        for (key, entry) in std::mem::take(&mut self.entries) {
            let names =
                self.keys.iter().map(|info| info.key).chain(self.file_keys.iter().map(String::as_str));
            let hint =
                nearest(&key, names).map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
            self.wrong(&key, &entry, format!("unknown key `{key}`{hint}"));
        }
        if self.mistakes.is_empty() {
            Ok((self.keys, self.warnings))
        } else {
            Err(ConfigError::new(self.mistakes))
        }
    }
}

pub(super) fn plain_text(text: &str) -> Result<String, String> {
    let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 200 characters, none of them a control character".into())
    }
}

fn number_in<T: PartialOrd + std::str::FromStr + Display>(
    text: &str,
    range: &RangeInclusive<T>,
) -> Result<T, String> {
    let rule = format!("{} to {}", range.start(), range.end());
    match text.parse::<T>() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) => Err(format!("out of range; use {rule}")),
        Err(_) => Err(format!("not a number; use {rule}")),
    }
}

/// The file's text without the line end, and whether its owner alone may read it.
fn read_secret_file(path: &Path) -> Result<(String, bool), String> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    if metadata.len() > SECRET_FILE_MAX {
        return Err(format!("{shown} is longer than {}", show_size(SECRET_FILE_MAX)));
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    if text.is_empty() { Err(format!("{shown} is empty")) } else { Ok((text, is_private(&metadata))) }
}

#[cfg(unix)]
fn is_private(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    // The six bits of group and others.
    metadata.permissions().mode().trailing_zeros() >= 6
}

#[cfg(not(unix))]
fn is_private(_: &std::fs::Metadata) -> bool {
    true
}

fn leaf(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
