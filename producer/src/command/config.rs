//! `config check`, `config show`, `config example`, `config schema`

use std::path::Path;

use common::config::{Config, KeyInfo, Origin};
use serde_json::json;

use super::context::Context;
use crate::cli::ConfigCommand;
use crate::doctor::screen::{self, count};
use crate::doctor::{Doctor, Level};
use crate::fault::{Exit, Fault};
use crate::output::Output;
use crate::output::json::SCHEMA_VERSION;
use crate::output::paint::{good, warn};
use crate::output::table::{Cell, Column, Table};

pub(super) fn run(output: Output, file: Option<&Path>, command: &ConfigCommand) -> Result<Exit, Fault> {
    let load = || Config::load(file).map_err(Fault::Config);
    match command {
        ConfigCommand::Check { .. } => check(output, &load()?)?,
        ConfigCommand::Show { origin } => show(output, &load()?, *origin)?,
        ConfigCommand::Example => output.raw(&Config::example().map_err(Fault::Config)?)?,
        ConfigCommand::Schema => output.document(&Config::schema().map_err(Fault::Config)?)?,
    }
    Ok(Exit::Done)
}

/// `config check --connect`
pub(super) async fn connect(context: &Context) -> Result<Exit, Fault> {
    let (config, output) = (context.config.clone(), context.output);
    let doctor = Doctor { config, control: context.quiet_database()?, offline: true, mall: None };
    let findings = doctor.reach().await;
    let away = count(&findings, Level::Problem) > 0;
    if output.is_for_programs() {
        let servers = json!({ "schema_version": SCHEMA_VERSION, "items": findings, "warnings": context.config.warnings });
        output.document(&servers)?;
    } else {
        check(output, &context.config)?;
        output.answer(&screen::text(&findings, output.width()))?;
    }
    Ok(if away { Exit::Unreachable } else { Exit::Done })
}

fn check(output: Output, config: &Config) -> Result<(), Fault> {
    let count = |wanted: fn(&Origin) -> bool| config.keys.iter().filter(|key| wanted(&key.origin)).count();
    let from_file = count(|origin| matches!(origin, Origin::File { .. }));
    let from_env = count(|origin| matches!(origin, Origin::Env { .. }));
    let total = config.keys.len();
    let default = total - from_file - from_env;
    if output.is_for_programs() {
        return output.document(&json!({
            "schema_version": SCHEMA_VERSION, "keys": total, "file": from_file, "environment": from_env,
            "default": default, "warnings": config.warnings,
        }));
    }
    let mut lines: Vec<String> =
        config.warnings.iter().map(|warning| format!("{} {warning}", warn("!"))).collect();
    lines.push(format!(
        "{} {total} keys: {from_file} file, {from_env} environment, {default} default",
        good("✓")
    ));
    output.answer(&lines.join("\n"))
}

fn show(output: Output, config: &Config, origin: bool) -> Result<(), Fault> {
    let place = |key: &KeyInfo| match &key.origin {
        Origin::Default => "default".to_owned(),
        Origin::File { line } => format!("line {line}"),
        Origin::Env { name } => name.clone(),
    };
    if output.json {
        let keys: Vec<_> = config
            .keys
            .iter()
            .map(|key| json!({ "key": key.key, "value": key.value, "origin": place(key) }))
            .collect();
        return output.document(&json!({ "schema_version": SCHEMA_VERSION, "items": keys }));
    }
    let from = if origin { Column::left("FROM", "origin") } else { Column::plain("origin") };
    let columns = [Column::left("KEY", "key"), Column::flowing("VALUE", "value"), from];
    let row = |key: &KeyInfo| {
        vec![
            key.key.into(),
            Cell::text_or_none(Some(key.value.as_str()).filter(|value| !value.is_empty())),
            place(key).into(),
        ]
    };
    output.list(&Table::new(&columns, config.keys.iter().map(row)), "")
}
