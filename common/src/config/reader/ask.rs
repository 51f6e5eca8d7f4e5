//! The questions a section asks: one call a key, which says what it means, its default and its range.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::secret_file::{self, Readers};
use super::{Entry, KeyInfo, Origin, Reader, leaf};
use crate::config::Secret;
use crate::config::declare::{Declaration, Kind, Place, alternatives};
use crate::config::env::twin;
use crate::config::file::Written;
use crate::config::value::{parse_duration, parse_size, show_duration, show_size};

/// A number of the configuration.
pub(in crate::config) trait Number:
    Copy + PartialOrd + std::str::FromStr + Display
{
    /// Without fraction.
    const WHOLE: bool;
}

macro_rules! numbers {
    ($whole:literal: $($type:ty)*) => { $(impl Number for $type { const WHOLE: bool = $whole; })* };
}
numbers!(true: u16 u32 u64 i32 i64 usize);
numbers!(false: f64);

impl Reader {
    /// The setting `key`, which means `doc`, read by `parse`, whose error says what to write; `show` prints it.
    pub(in crate::config) fn optional<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        kind: Kind,
        parse: impl FnOnce(&str) -> Result<T, String>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        self.placed(Declaration { key, doc, kind, default: None, place: Place::Here }, parse, show)
    }

    /// Like [`optional`](Self::optional) with a default.
    pub(in crate::config) fn value<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        kind: Kind,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
        show: impl Fn(&T) -> String,
    ) -> T {
        let shown = Some(show(&default));
        self.placed(Declaration { key, doc, kind, default: shown, place: Place::Here }, parse, show)
            .unwrap_or(default)
    }

    /// A text of 1–200 characters without control characters.
    pub(in crate::config) fn text(&mut self, key: &'static str, doc: &'static str, default: &str) -> String {
        self.value(key, doc, Kind::TEXT, default.to_owned(), plain_text, Clone::clone)
    }

    /// `true` or `false`.
    pub(in crate::config) fn flag(&mut self, key: &'static str, doc: &'static str, default: bool) -> bool {
        let parse = |text: &str| text.parse().map_err(|_| "write true or false".to_owned());
        self.value(key, doc, Kind::Flag, default, parse, bool::to_string)
    }

    /// One of `choices`, each under the word that `word` gives it.
    pub(in crate::config) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        default: T,
        choices: &[T],
        words: &'static [&'static str],
        word: impl Fn(T) -> &'static str,
    ) -> T {
        let parse = |text: &str| {
            choices
                .iter()
                .copied()
                .find(|choice| word(*choice) == text)
                .ok_or_else(|| format!("use {}", alternatives(words)))
        };
        self.value(key, doc, Kind::Choice(words), default, parse, |choice| word(*choice).to_owned())
    }

    /// A number within `range`.
    pub(in crate::config) fn number<T: Number>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        default: T,
        range: RangeInclusive<T>,
    ) -> T {
        let kind = number_kind(&range);
        self.value(key, doc, kind, default, |text| number_in(text, &range), T::to_string)
    }

    /// A number within `range`, or none.
    pub(in crate::config) fn optional_number<T: Number>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        let kind = number_kind(&range);
        self.optional(key, doc, kind, |text| number_in(text, &range), T::to_string)
    }

    /// A duration within `range`.
    pub(in crate::config) fn duration(
        &mut self,
        key: &'static str,
        doc: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let (min, max) = (show_duration(*range.start()), show_duration(*range.end()));
        let rule = format!("{min} to {max}");
        let parse = |text: &str| match parse_duration(text) {
            Some(duration) if range.contains(&duration) => Ok(duration),
            Some(_) => Err(format!("out of range; use {rule}")),
            None => Err(format!("not a duration; write \"{}\" ({rule})", show_duration(default))),
        };
        self.value(key, doc, Kind::Duration { min, max }, default, parse, |duration| show_duration(*duration))
    }

    /// A size in bytes within `range`.
    pub(in crate::config) fn size(
        &mut self,
        key: &'static str,
        doc: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> u64 {
        let (min, max) = (show_size(*range.start()), show_size(*range.end()));
        let rule = format!("{min} to {max}");
        let parse = |text: &str| match parse_size(text) {
            Some(bytes) if range.contains(&bytes) => Ok(bytes),
            Some(_) => Err(format!("out of range; use {rule}")),
            None => Err(format!("not a size; write \"{}\" ({rule})", show_size(default))),
        };
        self.value(key, doc, Kind::Size { min, max }, default, parse, |bytes| show_size(*bytes))
    }

    /// A secret, given by a variable, or by a file that `key_file` names. A literal in the configuration file is refused.
    pub(in crate::config) fn secret(&mut self, key: &'static str, doc: &'static str) -> Option<Secret> {
        let declaration = Declaration { key, doc, kind: Kind::Secret, default: None, place: Place::FileOnly };
        self.placed(declaration, |text| Ok(Secret::from(text)), |_| "[secret]".to_owned())
    }

    /// The file that `key_file` names, if it is set; to be asked for before the secret itself.
    pub(in crate::config) fn file_of(&self, key: &str) -> Option<PathBuf> {
        self.entries.get(&twin(key)).map(|entry| PathBuf::from(&entry.text))
    }

    /// A secret that opens other secrets: a file that everybody may read is a mistake, not a warning.
    pub(in crate::config) fn master_secret(
        &mut self,
        key: &'static str,
        doc: &'static str,
    ) -> Option<Secret> {
        if let Some(entry) = self.entries.get(&twin(key))
            && let Ok((_, Readers::Everybody, mode)) = secret_file::read(Path::new(&entry.text))
            && let Some(entry) = self.entries.remove(&twin(key))
        {
            let problem = format!("{} is readable by everybody (0{mode:o}); run chmod 600 {0}", entry.text);
            self.wrong(&twin(key), Some(&Kind::TEXT), &entry, problem);
        }
        self.secret(key, doc)
    }

    /// A text that may also be given by the file that `key_file` names.
    pub(in crate::config) fn or_file<T>(
        &mut self,
        key: &'static str,
        doc: &'static str,
        kind: Kind,
        default: Option<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        self.placed(Declaration { key, doc, kind, default, place: Place::HereOrFile }, parse, show)
    }

    /// Takes what is set for a declared key, and notes the key.
    fn placed<T>(
        &mut self,
        declaration: Declaration,
        parse: impl FnOnce(&str) -> Result<T, String>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let key = declaration.key;
        if declaration.place == Place::FileOnly {
            self.refuse_literal(&declaration);
        }
        if declaration.place != Place::Here {
            self.take_file(key);
        }
        let mut info = KeyInfo {
            key,
            value: declaration.default.clone().unwrap_or_default(),
            origin: Origin::Default,
            declaration,
        };
        let read = self.entries.remove(key).and_then(|entry| {
            let kind = &info.declaration.kind;
            let result = of_this_kind(kind, &entry).and_then(|()| parse(&entry.text));
            let read = match result {
                Ok(value) => {
                    info.value = show(&value);
                    Some(value)
                }
                Err(problem) => {
                    info.value.clear();
                    self.wrong(key, Some(kind), &entry, problem);
                    None
                }
            };
            info.origin = entry.origin;
            read
        });
        self.keys.push(info);
        read
    }

    fn refuse_literal(&mut self, declaration: &Declaration) {
        let key = declaration.key;
        if self.entries.get(key).is_some_and(|entry| matches!(entry.origin, Origin::File { .. }))
            && let Some(entry) = self.entries.remove(key)
        {
            let problem = format!("no secret may stand in this file; write `{}`", leaf(&twin(key)));
            self.wrong(key, Some(&declaration.kind), &entry, problem);
        }
    }

    /// Puts the text of the file that `key_file` names in the place of `key`.
    fn take_file(&mut self, key: &'static str) {
        let file_key = twin(key);
        self.file_keys.push(file_key.clone());
        let Some(by_file) = self.entries.remove(&file_key) else { return };
        let path = Some(&Kind::TEXT);
        if self.entries.contains_key(key) {
            let problem = format!("`{}` is set as well; keep one of them", leaf(key));
            self.wrong(&file_key, path, &by_file, problem);
        }
        match secret_file::read(Path::new(&by_file.text)) {
            Ok((text, readers, mode)) => {
                let whom = match readers {
                    Readers::Owner => None,
                    Readers::Group => Some("its group"),
                    Readers::Everybody => Some("everybody"),
                };
                if let Some(whom) = whom {
                    let path = &by_file.text;
                    self.warn(format!("{key}: {path} is readable by {whom} (0{mode:o}) → chmod 600 {path}"));
                }
                let entry = Entry { text, written: Written::Anyhow, origin: by_file.origin };
                self.entries.insert(key.to_owned(), entry);
            }
            Err(problem) => self.wrong(&file_key, path, &by_file, problem),
        }
    }
}

/// Whether the file writes the value as its kind wants it: texts in quotes, numbers without.
fn of_this_kind(kind: &Kind, entry: &Entry) -> Result<(), String> {
    let bare = match kind {
        Kind::Number { .. } | Kind::Flag => true,
        // Their own parser tells the form as well.
        Kind::Duration { .. } | Kind::Size { .. } => return Ok(()),
        Kind::Text { .. } | Kind::Choice(_) | Kind::Secret | Kind::Server => false,
    };
    match entry.written {
        Written::Quoted if bare => Err(format!("must stand without quotes ({})", kind.rule())),
        Written::Bare if !bare => Err(format!("must be a text; write \"{}\"", entry.text)),
        Written::Anyhow | Written::Quoted | Written::Bare => Ok(()),
    }
}

pub(in crate::config) fn plain_text(text: &str) -> Result<String, String> {
    let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 200 characters, none of them a control character".into())
    }
}

fn number_kind<T: Number>(range: &RangeInclusive<T>) -> Kind {
    Kind::Number { min: range.start().to_string(), max: range.end().to_string(), whole: T::WHOLE }
}

fn number_in<T: Number>(text: &str, range: &RangeInclusive<T>) -> Result<T, String> {
    let rule = format!("{} to {}", range.start(), range.end());
    match text.parse::<T>() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) => Err(format!("out of range; use {rule}")),
        Err(_) => Err(format!("not a number; use {rule}")),
    }
}
