//! The TOML file, flattened to `section.key = text` with the line of each.

use toml::de::{DeTable, DeValue};

use super::Mistake;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// In quotes.
    Quoted,
    /// A number, `true` or `false`.
    Bare,
    /// Where there is no such difference: a variable, a file of its own.
    Anyhow,
}

/// One setting of the file.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) written: Written,
    /// From 1.
    pub(super) line: usize,
}

/// Every setting of the file, and what is no setting.
pub(super) fn flatten(text: &str) -> (Vec<Setting>, Vec<Mistake>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<Mistake> = errors
        .iter()
        .map(|error| {
            let line = line_of(text, error.span().map_or(0, |span| span.start));
            let problem = match error.message() {
                "duplicate key" => "is set a second time; keep one of them".to_owned(),
                other => format!("not TOML: {other}"),
            };
            mistake(text, "", line, problem)
        })
        .collect();
    let mut settings = Vec::new();
    collect(text, "", root.get_ref(), &mut settings, &mut mistakes);
    (settings, mistakes)
}

fn collect(
    text: &str,
    prefix: &str,
    table: &DeTable<'_>,
    settings: &mut Vec<Setting>,
    mistakes: &mut Vec<Mistake>,
) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{prefix}.{}", name.get_ref())
        };
        let line = line_of(text, name.span().start);
        let (value, written) = match value.get_ref() {
            DeValue::Table(inner) => {
                collect(text, &key, inner, settings, mistakes);
                continue;
            }
            DeValue::String(value) => (value.to_string(), Written::Quoted),
            DeValue::Boolean(value) => (value.to_string(), Written::Bare),
            DeValue::Integer(value) if value.radix() == 10 => {
                (value.as_str().replace('_', ""), Written::Bare)
            }
            DeValue::Float(value) => (value.as_str().replace('_', ""), Written::Bare),
            DeValue::Integer(_) | DeValue::Datetime(_) | DeValue::Array(_) => {
                mistakes.push(mistake(
                    text,
                    &key,
                    line,
                    "must be a text, a number, true or false".to_owned(),
                ));
                continue;
            }
        };
        settings.push(Setting { key, value, written, line });
    }
}

fn mistake(text: &str, key: &str, line: usize, problem: String) -> Mistake {
    Mistake { key: key.to_owned(), line: Some(line), shown: shown(text, line), problem }
}

/// The name of the setting in a line; a value that could be a secret is never repeated.
fn shown(text: &str, line: usize) -> String {
    let line = text.lines().nth(line.saturating_sub(1)).unwrap_or("").trim();
    line.split('=').next().unwrap_or("").trim().chars().take(60).collect()
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}
