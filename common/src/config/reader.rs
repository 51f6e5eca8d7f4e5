//! Hands out settings to the sections, and remembers what was asked, what was wrong, and what nobody wanted.
//!
//! A section says of each key what it means, its default and its range, in the one call that reads it (`ask.rs`).

mod ask;
mod calendar;
mod secret_file;

use std::collections::{BTreeMap, BTreeSet};

use super::declare::{Declaration, Kind, SectionInfo};
use super::env::{Variable, twin};
use super::file::{Setting, Written};
use super::value::nearest;
use super::{ConfigError, Mistake};

pub(super) use ask::plain_text;

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
    /// What its section says of it.
    pub declaration: Declaration,
}

#[derive(Debug)]
struct Entry {
    text: String,
    written: Written,
    origin: Origin,
}

/// What was read, when nothing was wrong.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) keys: Vec<KeyInfo>,
    pub(super) sections: Vec<SectionInfo>,
    pub(super) warnings: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Reader {
    entries: BTreeMap<String, Entry>,
    keys: Vec<KeyInfo>,
    sections: Vec<SectionInfo>,
    file_keys: Vec<String>,
    mistakes: Vec<Mistake>,
    warnings: Vec<String>,
}

impl Reader {
    pub(super) fn new(file: (Vec<Setting>, Vec<Mistake>), env: BTreeMap<String, Variable>) -> Self {
        let (settings, mistakes) = file;
        let mut entries: BTreeMap<String, Entry> = settings
            .into_iter()
            .map(|set| {
                let origin = Origin::File { line: set.line };
                (set.key, Entry { text: set.value, written: set.written, origin })
            })
            .collect();
        for key in env.keys() {
            entries.remove(&twin(key));
        }
        for (key, Variable { name, value }) in env {
            let origin = Origin::Env { name };
            entries.insert(key, Entry { text: value, written: Written::Anyhow, origin });
        }
        Self {
            entries,
            keys: Vec::new(),
            sections: Vec::new(),
            file_keys: Vec::new(),
            mistakes,
            warnings: Vec::new(),
        }
    }

    /// Announces the table `name`; its keys follow.
    pub(super) fn section(&mut self, name: &'static str, doc: &'static str) {
        self.sections.push(SectionInfo { name, doc });
    }

    /// Something that works but should be mended.
    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// A mistake that concerns more than one key.
    pub(super) fn conflict(&mut self, key: &'static str, problem: impl Into<String>) {
        let origin = self.keys.iter().find(|info| info.key == key).map(|info| info.origin.clone());
        let (line, shown) = place(origin.as_ref().unwrap_or(&Origin::Default), key);
        self.mistakes.push(Mistake { key: key.to_owned(), line, shown, problem: problem.into() });
    }

    /// A mistake of one key; its value is repeated only if it can be no secret.
    fn wrong(&mut self, key: &str, kind: Option<&Kind>, entry: &Entry, problem: String) {
        let (line, mut shown) = place(&entry.origin, leaf(key));
        if line.is_some() {
            let harmless = match kind {
                Some(kind) => kind.shows(),
                // Nobody knows what a text under an unknown name is.
                None => entry.written == Written::Bare,
            };
            shown = match (harmless, entry.written) {
                (false, _) => format!("{shown} = …"),
                (true, Written::Bare) => format!("{shown} = {}", entry.text),
                (true, _) => format!("{shown} = {:?}", entry.text),
            };
            if shown.chars().count() > SHOWN_MAX {
                shown = shown.chars().take(SHOWN_MAX - 1).chain(['…']).collect();
            }
        }
        self.mistakes.push(Mistake { key: key.to_owned(), line, shown, problem });
    }

    /// Everything was asked for: what is left over is unknown.
    pub(super) fn finish(mut self) -> Result<Finished, ConfigError> {
        let mut unknown_sections = BTreeSet::new();
        for (key, entry) in std::mem::take(&mut self.entries) {
            let section = key.rsplit_once('.').map_or("", |(section, _)| section);
            let known = section.is_empty() || self.sections.iter().any(|info| info.name == section);
            if !known && !unknown_sections.insert(section.to_owned()) {
                // One sentence a section, not one a key.
                continue;
            }
            let problem =
                if known { self.unknown_key(&key, section) } else { self.unknown_section(&key, section) };
            self.wrong(&key, None, &entry, problem);
        }
        if self.mistakes.is_empty() {
            Ok(Finished { keys: self.keys, sections: self.sections, warnings: self.warnings })
        } else {
            Err(ConfigError::new(self.mistakes))
        }
    }

    fn unknown_key(&self, key: &str, section: &str) -> String {
        let place = if section.is_empty() { "at the top".to_owned() } else { format!("in [{section}]") };
        let names = self.names();
        let hint = match nearest(key, names.iter().copied()) {
            Some(name) if name.rsplit_once('.').map_or("", |(section, _)| section) == section => {
                format!("; did you mean `{}`?", leaf(name))
            }
            Some(name) => format!("; did you mean `{name}`?"),
            // The right name under the wrong heading.
            None => match names.iter().find(|name| leaf(name) == leaf(key)) {
                Some(name) => format!("; `{name}` is one"),
                None => String::new(),
            },
        };
        format!("unknown key {place}{hint}")
    }

    fn unknown_section(&self, key: &str, section: &str) -> String {
        let names = self.names();
        let hint = nearest(section, self.sections.iter().map(|info| info.name))
            .map(|name| format!("; did you mean [{name}]?"))
            .or_else(|| nearest(key, names.into_iter()).map(|name| format!("; did you mean `{name}`?")))
            .unwrap_or_default();
        format!("unknown section [{section}]{hint}")
    }

    fn names(&self) -> Vec<&str> {
        self.keys.iter().map(|info| info.key).chain(self.file_keys.iter().map(String::as_str)).collect()
    }
}

/// A shown line is cut after so many characters.
const SHOWN_MAX: usize = 60;

fn place(origin: &Origin, key: &str) -> (Option<usize>, String) {
    match origin {
        Origin::File { line } => (Some(*line), key.to_owned()),
        Origin::Env { name } => (None, name.clone()),
        Origin::Default => (None, key.to_owned()),
    }
}

fn leaf(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
