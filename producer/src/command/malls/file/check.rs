//! Whether a line makes a mall.

use common::domain::endpoint::{Dialect, Endpoint};
use common::domain::ids::{MallId, Purpose, ShopNo};
use common::oauth::TokenPair;
use common::store::{AppChoice, Mode};
use serde_json::Value;

use super::{FileMall, Line, TOKEN_COLUMNS};
use crate::plan::wish::parse_day;

/// Characters of a reference to an approval, as the database allows.
const REFERENCE: usize = 200;
/// Shops of a mall, as the database allows.
const SHOPS: usize = 100;

pub(super) fn check(line: Line) -> Result<FileMall, String> {
    let mall_id = line.mall_id;
    let agency = line.agency;
    // An agency's name follows the rule of a mall's id.
    if agency.as_ref().is_some_and(|name| name.parse::<MallId>().is_err()) {
        return Err("`agency` is not a name: use 1 to 40 of a-z, 0-9, `-` and `_`".to_owned());
    }
    let dialect: Option<Dialect> = line
        .dialect
        .map(|dialect| dialect.parse())
        .transpose()
        .map_err(|error: common::domain::endpoint::UnknownDialect| error.to_string())?;
    let endpoints = line.endpoints.map(|names| endpoints(&names)).transpose()?;
    let shops = line.shops.map(shops).transpose()?;
    let wanted_from = line
        .wanted_from
        .as_deref()
        .map(|text| parse_day(text).map_err(|rule| format!("`wanted_from` is {rule}")))
        .transpose()?;
    let tokens = line.oauth_tokens.map(|answer| tokens(&mall_id, &answer)).transpose()?;
    let mode = line.mode.map(Mode::from);
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

/// Each once.
fn shops(numbers: Vec<i32>) -> Result<Vec<ShopNo>, String> {
    let shops = numbers.into_iter().map(ShopNo::try_from).collect::<Result<Vec<_>, _>>();
    let mut shops = shops.map_err(|error| error.to_string())?;
    shops.sort_unstable();
    shops.dedup();
    if shops.is_empty() || shops.len() > SHOPS {
        return Err(format!("`shops` must name 1 to {SHOPS} shops"));
    }
    Ok(shops)
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
