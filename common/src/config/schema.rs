//! The JSON Schema of the configuration file, for editors.

use serde_json::{Map, Value, json};

use super::declare::{Declaration, Kind, Place};
use super::{Config, ConfigError};

/// As people write a duration, and as [`super::value`] reads it.
const DURATION: &str = "^[0-9]+ *(ms|s|m|h|d)$";
/// As people write a size.
const SIZE: &str = "^[0-9]+ *(B|KiB|MiB|GiB)$";

impl Config {
    /// The schema (draft 2020-12): each key with meaning, default and range; unknown keys are errors.
    ///
    /// # Errors
    /// None in practice: the defaults are a valid configuration, as a test shows.
    pub fn schema() -> Result<Value, ConfigError> {
        let defaults = Self::from_parts("", std::iter::empty())?;
        let mut root = properties(&defaults, "");
        for section in &defaults.sections {
            let table = json!({
                "type": "object",
                "description": section.doc,
                "additionalProperties": false,
                "properties": properties(&defaults, section.name),
            });
            root.insert(section.name.to_owned(), table);
        }
        Ok(json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "cafe24-sync.toml",
            "type": "object",
            "additionalProperties": false,
            "properties": root,
        }))
    }
}

fn properties(defaults: &Config, section: &str) -> Map<String, Value> {
    let mut properties = Map::new();
    let declared = defaults.keys.iter().map(|info| &info.declaration);
    for declaration in declared.filter(|declaration| declaration.section() == section) {
        let leaf = declaration.leaf();
        if declaration.place != Place::FileOnly {
            properties.insert(leaf.to_owned(), property(declaration));
        }
        if declaration.place != Place::Here {
            let description = format!("a file that holds it: {}", declaration.doc);
            properties
                .insert(format!("{leaf}_file"), json!({ "type": "string", "description": description }));
        }
    }
    properties
}

fn property(declaration: &Declaration) -> Value {
    let rule = declaration.kind.rule();
    let description = match &declaration.kind {
        Kind::Duration { .. } | Kind::Size { .. } => format!("{}; {rule}", declaration.doc),
        _ => declaration.doc.to_owned(),
    };
    let mut property = match &declaration.kind {
        Kind::Text { .. } | Kind::Secret | Kind::Server => json!({ "type": "string" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Number { min, max, whole } => json!({
            "type": if *whole { "integer" } else { "number" },
            "minimum": number(min),
            "maximum": number(max),
        }),
        Kind::Duration { .. } => json!({ "type": "string", "pattern": DURATION }),
        Kind::Size { .. } => json!({ "type": "string", "pattern": SIZE }),
    };
    property["description"] = description.into();
    if let Some(default) = &declaration.default {
        property["default"] = match declaration.kind {
            Kind::Number { .. } => number(default),
            Kind::Flag => (default == "true").into(),
            _ => default.as_str().into(),
        };
    }
    property
}

/// The text of a number as a number; a text that is none stays one.
fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
