//! A file of malls: CSV with a heading, or JSON lines. Every bad line is found, and no token is ever repeated.

mod check;
mod csv;

use std::collections::HashMap;

use chrono::NaiveDate;
use common::domain::endpoint::{Dialect, Endpoint};
use common::domain::ids::{MallId, Purpose, ShopNo};
use common::oauth::TokenPair;
use common::store::{AppChoice, Mode};
use serde::Deserialize;
use serde_json::Value;

use self::check::check;
use crate::fault::BadLine;

/// Bad lines that are told; the others are counted.
const TOLD: usize = 100;
/// What a pair of tokens needs.
const TOKEN_COLUMNS: [&str; 5] =
    ["access_token", "expires_at", "refresh_token", "refresh_token_expires_at", "issued_at"];

/// One mall of a file, checked.
#[derive(Debug)]
pub(super) struct FileMall {
    pub(super) line: u64,
    pub(super) mall_id: MallId,
    // What is `None` stays as it is stored; a new mall gets the default.
    pub(super) agency: Option<String>,
    /// Of a new mall that of the configuration.
    pub(super) dialect: Option<Dialect>,
    /// Each once. Of a new mall the first.
    pub(super) shops: Option<Vec<ShopNo>>,
    /// In the order of the table. Of a new mall the core.
    pub(super) endpoints: Option<Vec<Endpoint>>,
    pub(super) wanted_from: Option<NaiveDate>,
    /// A new mall sends nothing unless it says so: the specification's rule.
    pub(super) mode: Option<Mode>,
    pub(super) app: AppChoice,
    pub(super) tokens: Option<TokenPair>,
    pub(super) purposes: Option<Vec<Purpose>>,
    pub(super) approval: Option<String>,
    pub(super) approved_on: Option<NaiveDate>,
}

/// Why a file is refused.
#[derive(Debug, Default)]
pub(super) struct BadFile {
    /// The first hundred.
    pub(super) lines: Vec<BadLine>,
    /// All.
    pub(super) count: usize,
}

impl BadFile {
    pub(super) fn add(&mut self, line: u64, problem: String) {
        self.count += 1;
        if self.lines.len() < TOLD {
            self.lines.push(BadLine { line, problem });
        }
    }
}

/// A line as it stands, in either format.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    mall_id: MallId,
    agency: Option<String>,
    dialect: Option<String>,
    shops: Option<Vec<i32>>,
    endpoints: Option<Vec<String>>,
    wanted_from: Option<String>,
    mode: Option<String>,
    app: Option<String>,
    purposes: Option<Vec<String>>,
    approval: Option<String>,
    approved_on: Option<String>,
    oauth_tokens: Option<Value>,
}

/// Reads a whole file.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<FileMall>, BadFile> {
    // Spreadsheets put a byte order mark before UTF-8.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut collected = Collected::default();
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => json_lines(bytes, &mut collected),
        Some(b'[') => collected.bad(1, "a JSON array; write one object a line".to_owned()),
        Some(_) => csv::read(bytes, &mut collected),
        None => collected.bad(1, "the file is empty".to_owned()),
    }
    if collected.bad.count == 0 { Ok(collected.malls) } else { Err(collected.bad) }
}

#[derive(Default)]
struct Collected {
    malls: Vec<FileMall>,
    seen: HashMap<MallId, u64>,
    bad: BadFile,
}

impl Collected {
    fn bad(&mut self, line: u64, problem: String) {
        self.bad.add(line, problem);
    }

    fn add(&mut self, line: u64, mall: Result<FileMall, String>) {
        match mall {
            Err(problem) => self.bad(line, problem),
            Ok(mut mall) => {
                mall.line = line;
                if let Some(first) = self.seen.insert(mall.mall_id.clone(), line) {
                    self.bad(line, format!("mall '{}' stands in line {first} already", mall.mall_id));
                } else {
                    self.malls.push(mall);
                }
            }
        }
    }
}

fn json_lines(bytes: &[u8], collected: &mut Collected) {
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mall = serde_json::from_slice::<Line>(line).map_err(|error| json_problem(&error)).and_then(check);
        collected.add(number, mall);
    }
}

/// serde's text may quote the value that it did not like, which may be a token; only what it says of fields passes.
fn json_problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let at = format!("column {}", error.column());
    match error.classify() {
        serde_json::error::Category::Data
            if text.starts_with("invalid type") || text.starts_with("invalid value") =>
        {
            format!("a field has the wrong type at {at}")
        }
        serde_json::error::Category::Data => text.split(" at line ").next().unwrap_or_default().to_owned(),
        _ => format!("not a JSON object on one line (at {at})"),
    }
}

#[cfg(test)]
mod tests;
