//! A CSV with a heading: one mall a line.

use serde_json::json;

use super::check::check;
use super::{Collected, Line, TOKEN_COLUMNS};

pub(super) fn read(bytes: &[u8], collected: &mut Collected) {
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).trim(::csv::Trim::All).from_reader(bytes);
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
    let mut record = ::csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return,
            Ok(true) => {
                let line = record.position().map_or(line, ::csv::Position::line);
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
fn from_record(header: &[String], record: &::csv::StringRecord) -> Result<Line, String> {
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
