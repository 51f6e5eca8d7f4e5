//! Screens as files: what a person sees, compared as it stands (`tests/golden`).

use std::fmt::Write;
use std::path::Path;

use unicode_width::UnicodeWidthStr;

use super::paint::bare;
use super::wrap::fit;

/// Compares what `render` shows where nothing limits it, at 120 and at 80 columns with the file `name`, and holds it to those
/// widths. To take a change over: `CAFE24_GOLDEN=write`.
pub(crate) fn golden(name: &str, render: impl Fn(Option<usize>) -> String) {
    let mut all = bare(&render(None));
    for width in [120, 80] {
        let text = bare(&fit(&render(Some(width)), width));
        for line in text.lines() {
            assert!(line.width() <= width, "{name} at {width}: {line}");
        }
        let _ = write!(all, "────── {width} columns\n{text}");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    if common::config::env::variables().any(|(name, value)| name == "CAFE24_GOLDEN" && value == "write") {
        std::fs::write(&path, &all).expect("written");
    }
    let expected = std::fs::read_to_string(&path).expect("a golden file");
    assert_eq!(all, expected, "{}", path.display());
}
