//! `db migrate`, `db status`, `db grants`, `db adopt`

mod adopt;

mod grants;

use common::store::{Control, RightsGranted, SchemaError};
use serde_json::json;

use super::context::Context;
use crate::cli::DbCommand;
use crate::fault::{Exit, Fault};
use crate::output::json::SCHEMA_VERSION;
use crate::output::paint::{good, warn};
use crate::output::text::counted;

pub(super) async fn run(context: &Context, command: &DbCommand) -> Result<Exit, Fault> {
    match command {
        DbCommand::Migrate => migrate(context).await,
        DbCommand::Adopt { new_id, dry_run, yes } => {
            Box::pin(adopt::run(context, *new_id, *dry_run, *yes)).await
        }
        DbCommand::Grants(args) => grants::run(context, args).await,
        DbCommand::Status { check } => status(context, *check).await,
    }
}

async fn migrate(context: &Context) -> Result<Exit, Fault> {
    let control = context.any_database()?;
    let applied = control.migrate().await.map_err(|error| context.schema(error))?;
    let known = Control::migrations();
    // Programs that log in as the owner work without them, so a role that may not grant them stops nothing.
    let granted = control.grant_rights().await.map_err(|error| context.store(error))?;
    let lacking = match granted {
        RightsGranted::Done(_) => 0,
        RightsGranted::NotAllowed(statements) => statements.len(),
    };
    if lacking > 0 {
        context.output.note(&format!(
            "{} this role may not make or grant the roles of programs and analysts → cafe24-sync db grants",
            warn("!")
        ));
    }
    if context.output.is_for_programs() {
        context.output.document(&json!({
            "schema_version": SCHEMA_VERSION, "applied": applied, "migrations": known, "grants_missing": lacking,
        }))?;
    } else {
        let applied = i64::try_from(applied).unwrap_or(i64::MAX);
        let done = if applied == 0 {
            "nothing to do".to_owned()
        } else {
            counted(applied, "migration", "migrations") + " applied"
        };
        context.output.answer(&format!("{} {done} · schema {known}/{known}", good("✓")))?;
    }
    Ok(Exit::Done)
}

async fn status(context: &Context, check: bool) -> Result<Exit, Fault> {
    let control = context.any_database()?;
    let known = Control::migrations();
    let mut lacking = 0;
    let (word, text) = match control.check_schema().await {
        Ok(()) => {
            lacking = control.missing_rights_sql().await.map_err(|error| context.store(error))?.len();
            let granted = if lacking == 0 {
                format!(" · {} granted as it should be", good("✓"))
            } else {
                let lacking = i64::try_from(lacking).unwrap_or(i64::MAX);
                let missing = counted(lacking, "grant", "grants");
                format!("\n{} {missing} missing → cafe24-sync db grants", warn("!"))
            };
            ("current", format!("{} schema {known}/{known}{granted}", good("✓")))
        }
        Err(SchemaError::Older { behind }) => (
            "older",
            format!("{} schema {}/{known} → cafe24-sync db migrate", warn("!"), known.saturating_sub(behind)),
        ),
        Err(SchemaError::Newer { version }) => (
            "newer",
            format!(
                "{} the database has migration {version}, which is newer → upgrade this program",
                warn("!")
            ),
        ),
        Err(other) => return Err(context.schema(other)),
    };
    if context.output.is_for_programs() {
        context.output.document(&json!({
            "schema_version": SCHEMA_VERSION, "state": word, "migrations": known, "grants_missing": lacking,
        }))?;
    } else {
        context.output.answer(&text)?;
    }
    Ok(if check && (word != "current" || lacking > 0) { Exit::Attention } else { Exit::Done })
}
