//! What a section says of a key when it asks for it: from this come the annotated example, the JSON Schema of editors,
//! `config show` and the sentences of every mistake.

/// A key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// `section.key`, or `key` at the top.
    pub key: &'static str,
    /// What it means, in a few words, without default and range.
    pub doc: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// As one writes it, without quotes; none: unset.
    pub default: Option<String>,
    /// Where its value may stand.
    pub place: Place,
}

/// Where a value may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the file or the environment.
    Here,
    /// Also in a file of its own that `key_file` names.
    HereOrFile,
    /// In the environment, or in a file of its own that `key_file` names; never in the configuration file.
    FileOnly,
}

/// What may stand there. Numbers, durations and sizes are within `min` and `max`, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A text; `sample` is one, for a key that has no default.
    Text {
        /// As one writes it, without quotes.
        sample: &'static str,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A number.
    Number {
        /// The least.
        min: String,
        /// The greatest.
        max: String,
        /// Without fraction.
        whole: bool,
    },
    /// `200ms`, `2s`, `15m`, `4h`, `3d`.
    Duration {
        /// The shortest.
        min: String,
        /// The longest.
        max: String,
    },
    /// `512B`, `64KiB`, `8MiB`, `1GiB`.
    Size {
        /// The smallest.
        min: String,
        /// The largest.
        max: String,
    },
    /// A text that is never shown.
    Secret,
    /// The URL of a server, shown without its password.
    Server,
}

/// A table of the file, as its section announces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionInfo {
    /// The name in brackets.
    pub name: &'static str,
    /// What it is about.
    pub doc: &'static str,
}

impl Kind {
    /// A text without a rule of its own.
    pub(super) const TEXT: Self = Self::Text { sample: "" };

    /// The rule in words, as it stands after what the key means; empty where there is none.
    pub fn rule(&self) -> String {
        match self {
            Self::Text { .. } | Self::Secret | Self::Server => String::new(),
            Self::Choice(words) => alternatives(words),
            Self::Flag => "true or false".to_owned(),
            Self::Number { min, max, .. } | Self::Duration { min, max } | Self::Size { min, max } => {
                format!("{min} to {max}")
            }
        }
    }

    /// Whether the file writes it in quotes.
    pub fn quoted(&self) -> bool {
        !matches!(self, Self::Flag | Self::Number { .. })
    }

    /// Whether the value may be shown as it stands.
    pub(super) fn shows(&self) -> bool {
        !matches!(self, Self::Secret | Self::Server)
    }
}

impl Declaration {
    /// The part before the dot; empty for a key at the top.
    pub fn section(&self) -> &'static str {
        self.key.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// The part after the dot.
    pub fn leaf(&self) -> &'static str {
        self.key.rsplit_once('.').map_or(self.key, |(_, leaf)| leaf)
    }
}

/// `a, b or c`.
pub(super) fn alternatives(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}
