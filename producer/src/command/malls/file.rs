//! A file of malls: CSV with a heading, or JSON lines. Every bad line is found, and no token is ever repeated.

use std::collections::HashMap;

use chrono::NaiveDate;
use common::domain::endpoint::{Dialect, Endpoint};
use common::domain::ids::{MallId, Purpose, ShopNo};
use common::oauth::TokenPair;
use common::store::{AppChoice, Mode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::command::context::DEFAULT_AGENCY;
use crate::fault::BadLine;
use crate::plan::wish::parse_day;

/// Bad lines that are told; the others are counted.
const TOLD: usize = 100;
/// Characters of a reference to an approval, as the database allows.
const REFERENCE: usize = 200;
/// Shops of a mall, as the database allows.
const SHOPS: usize = 100;

/// One mall of a file, checked.
#[derive(Debug)]
pub(super) struct FileMall {
    pub(super) line: u64,
    pub(super) mall_id: MallId,
    pub(super) agency: String,
    /// `None`: the stored one; of a new mall that of the configuration.
    pub(super) dialect: Option<Dialect>,
    pub(super) shops: Vec<ShopNo>,
    /// In the order of the table. `None`: the stored ones; of a new mall the core.
    pub(super) endpoints: Option<Vec<Endpoint>>,
    pub(super) wanted_from: Option<NaiveDate>,
    pub(super) mode: Mode,
    pub(super) app: AppChoice,
    pub(super) tokens: Option<TokenPair>,
    /// `None` keeps what is stored.
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
        Some(_) => csv(bytes, &mut collected),
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

fn csv(bytes: &[u8], collected: &mut Collected) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(str::to_owned).collect(),
        Err(_) => return collected.bad(1, "the heading cannot be read".to_owned()),
    };
    let unknown = header.iter().find(|name| !COLUMNS.contains(&name.as_str()));
    if let Some(name) = unknown {
        let name: String = name.chars().take(40).collect();
        return collected.bad(1, format!("unknown column `{name}`; known: {}", COLUMNS.join(", ")));
    }
    if !header.iter().any(|name| name == "mall_id") {
        return collected.bad(1, "the heading has no column `mall_id`".to_owned());
    }
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return,
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                let mall = if record.len() == header.len() {
                    from_record(&header, &record).and_then(check)
                } else {
                    Err(format!("{} cells under a heading of {}", record.len(), header.len()))
                };
                collected.add(line, mall);
            }
            Err(_) => collected.bad(line, "the line cannot be read".to_owned()),
        }
    }
}

const COLUMNS: [&str; 17] = [
    "mall_id",
    "agency",
    "dialect",
    "shops",
    "endpoints",
    "wanted_from",
    "mode",
    "app",
    "purposes",
    "approval",
    "approved_on",
    "access_token",
    "expires_at",
    "refresh_token",
    "refresh_token_expires_at",
    "issued_at",
    "scopes",
];
const TOKEN_COLUMNS: [&str; 5] =
    ["access_token", "expires_at", "refresh_token", "refresh_token_expires_at", "issued_at"];

fn from_record(header: &[String], record: &csv::StringRecord) -> Result<Line, String> {
    let cell = |name: &str| {
        let place = header.iter().position(|column| column == name)?;
        record.get(place).filter(|cell| !cell.is_empty())
    };
    let list = |text: &str| -> Vec<String> {
        text.split([';', ',', ' ']).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let shops = cell("shops")
        .map(|text| {
            let numbers: Result<Vec<i32>, _> = list(text).iter().map(|part| part.parse::<i32>()).collect();
            numbers.map_err(|_| "`shops` are not numbers; write 1;2".to_owned())
        })
        .transpose()?;
    let given: Vec<&str> = TOKEN_COLUMNS.into_iter().filter(|name| cell(name).is_some()).collect();
    let oauth_tokens = if given.is_empty() {
        None
    } else if let Some(missing) = TOKEN_COLUMNS.iter().find(|name| !given.contains(name)) {
        return Err(format!("`{missing}` is empty; tokens need all of {}", TOKEN_COLUMNS.join(", ")));
    } else {
        let mut answer = json!({ "scopes": list(cell("scopes").unwrap_or_default()) });
        for name in TOKEN_COLUMNS {
            answer[name] = json!(cell(name));
        }
        Some(answer)
    };
    Ok(Line {
        mall_id: cell("mall_id")
            .unwrap_or_default()
            .parse()
            .map_err(|error: common::domain::ids::InvalidMallId| error.to_string())?,
        agency: cell("agency").map(str::to_owned),
        dialect: cell("dialect").map(str::to_owned),
        shops,
        endpoints: cell("endpoints").map(list),
        wanted_from: cell("wanted_from").map(str::to_owned),
        mode: cell("mode").map(str::to_owned),
        app: cell("app").map(str::to_owned),
        purposes: cell("purposes").map(list),
        approval: cell("approval").map(str::to_owned),
        approved_on: cell("approved_on").map(str::to_owned),
        oauth_tokens,
    })
}

fn check(line: Line) -> Result<FileMall, String> {
    let mall_id = line.mall_id;
    let agency = line.agency.unwrap_or_else(|| DEFAULT_AGENCY.to_owned());
    // An agency's name follows the rule of a mall's id.
    agency
        .parse::<MallId>()
        .map_err(|_| "`agency` is not a name: use 1 to 40 of a-z, 0-9, `-` and `_`".to_owned())?;
    let dialect: Option<Dialect> = line
        .dialect
        .map(|dialect| dialect.parse())
        .transpose()
        .map_err(|error: common::domain::endpoint::UnknownDialect| error.to_string())?;
    let endpoints = line.endpoints.map(|names| endpoints(&names)).transpose()?;
    let mut shops = line
        .shops
        .unwrap_or_else(|| vec![ShopNo::FIRST.get()])
        .into_iter()
        .map(ShopNo::try_from)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    shops.sort_unstable();
    shops.dedup();
    if shops.is_empty() || shops.len() > SHOPS {
        return Err(format!("`shops` must name 1 to {SHOPS} shops"));
    }
    let wanted_from = line
        .wanted_from
        .as_deref()
        .map(|text| parse_day(text).map_err(|rule| format!("`wanted_from` is {rule}")))
        .transpose()?;
    let tokens = line.oauth_tokens.map(|answer| tokens(&mall_id, &answer)).transpose()?;
    // Sends nothing unless it says so: the specification's rule.
    let mode = Mode::from(line.mode.unwrap_or_else(|| "off".to_owned()));
    let app = match line.app.as_deref() {
        None => AppChoice::Keep,
        Some("-") => AppChoice::Configured,
        Some(name) => AppChoice::Named(
            name.parse().map_err(|error: common::domain::ids::InvalidAppId| error.to_string())?,
        ),
    };
    let purposes = line.purposes.as_deref().map(purposes).transpose()?;
    let approved_on = line
        .approved_on
        .map(|text| text.parse().map_err(|_| "`approved_on` is no day; write 2026-02-15".to_owned()))
        .transpose()?;
    if purposes.is_none() && (line.approval.is_some() || approved_on.is_some()) {
        return Err("`approval` and `approved_on` say nothing without `purposes`".to_owned());
    }
    if line.approval.as_ref().is_some_and(|text| text.chars().count() > REFERENCE) {
        return Err(format!("`approval` has more than {REFERENCE} characters"));
    }
    let approval = line.approval;
    Ok(FileMall {
        line: 0,
        mall_id,
        agency,
        dialect,
        shops,
        endpoints,
        wanted_from,
        mode,
        app,
        tokens,
        purposes,
        approval,
        approved_on,
    })
}

/// `-` alone: none.
fn purposes(words: &[String]) -> Result<Vec<Purpose>, String> {
    if words == ["-"] {
        return Ok(Vec::new());
    }
    words
        .iter()
        .map(|word| word.parse().map_err(|error: common::domain::ids::InvalidPurpose| error.to_string()))
        .collect()
}

/// In the order of the table, each once.
fn endpoints(names: &[String]) -> Result<Vec<Endpoint>, String> {
    let named = names.iter().map(|name| name.parse::<Endpoint>()).collect::<Result<Vec<_>, _>>();
    let named = named.map_err(|error| error.to_string())?;
    if named.is_empty() {
        return Err("`endpoints` names none; leave it out for those of every mall".to_owned());
    }
    Ok(Endpoint::all().filter(|endpoint| named.contains(endpoint)).collect())
}

fn tokens(mall: &MallId, answer: &Value) -> Result<TokenPair, String> {
    match answer.get("mall_id").map(Value::as_str) {
        Some(Some(named)) if named != mall.as_str() => {
            let named: String = named.chars().take(40).collect();
            return Err(format!("the tokens are for mall '{named}', the line is for '{mall}'"));
        }
        _ => {}
    }
    let missing = TOKEN_COLUMNS.iter().find(|name| !answer.get(**name).is_some_and(Value::is_string));
    if let Some(name) = missing {
        return Err(format!("`oauth_tokens.{name}` is missing or no text"));
    }
    let bytes = serde_json::to_vec(answer).map_err(|_| "`oauth_tokens` is no object".to_owned())?;
    TokenPair::from_answer(&bytes, Some(mall.as_str()), None).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
