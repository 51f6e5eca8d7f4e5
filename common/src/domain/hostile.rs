//! For tests: texts that try to be more than what they stand for (`docs/reliability.md` X1).

use proptest::prelude::*;

/// What has led programs astray: other hosts, headers, lines, keys, patterns, statements, paths.
const PARTS: [&str; 40] = [
    "a",
    "z9",
    "-",
    "_",
    ".",
    "..",
    "/",
    "//",
    "\\",
    "@",
    ":",
    "?",
    "#",
    "&",
    "=",
    "%",
    "%2f",
    "%0d%0a",
    "+",
    " ",
    "\r\n",
    "\n",
    "\t",
    "\0",
    "\u{1b}[2J",
    "*",
    "{",
    "}",
    "{mall_id}",
    "'; drop table jobs; --",
    "\"",
    "<script>",
    "evil.com",
    "evil.com/",
    "localhost",
    "127.0.0.1",
    "X-Evil: 1",
    "한빛",
    "\u{202e}",
    "Ａ",
];

/// Such texts, other texts, and good ids, in about equal shares.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    let assembled = proptest::collection::vec(proptest::sample::select(&PARTS[..]), 0..12);
    prop_oneof![
        assembled.prop_map(|parts| parts.concat()),
        proptest::string::string_regex("\\PC{0,60}").expect("a pattern"),
        "[a-z0-9][a-z0-9_-]{0,44}",
    ]
}
