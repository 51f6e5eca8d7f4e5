//! Where an answer breaks the contract, and how.

use super::text;

/// Where an answer breaks the contract, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) path: String,
    pub(super) problem: String,
}

/// Where in the answer we are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) in_wrapper: bool,
    pub(super) row: Option<usize>,
    pub(super) field: Option<&'static str>,
}

impl Place {
    pub(super) fn path(self, wrapper: &str) -> String {
        let mut path = "$".to_owned();
        if self.in_wrapper {
            path.push('.');
            path.push_str(wrapper);
        }
        if let Some(row) = self.row {
            path.push('[');
            path.push_str(&row.to_string());
            path.push(']');
        }
        if let Some(field) = self.field {
            path.push('.');
            path.push_str(field);
        }
        path
    }
}

/// A value of the answer inside an error text.
pub(super) fn shortened(text: &str) -> String {
    text::cut(text.replace(|c: char| c.is_control(), "\u{fffd}"), 120)
}
