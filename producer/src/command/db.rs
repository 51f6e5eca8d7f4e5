//! `db migrate`, `db status`

mod adopt;

use common::store::{Control, SchemaError};
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
        DbCommand::Status { check } => status(context, *check).await,
    }
}

async fn migrate(context: &Context) -> Result<Exit, Fault> {
    let control = context.any_database()?;
    let applied = control.migrate().await.map_err(|error| context.schema(error))?;
    let known = Control::migrations();
    if context.output.json {
        context.output.document(
            &json!({ "schema_version": SCHEMA_VERSION, "applied": applied, "migrations": known }),
        )?;
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
    let (word, text) = match control.check_schema().await {
        Ok(()) => ("current", format!("{} schema {known}/{known}", good("✓"))),
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
    if context.output.json {
        context
            .output
            .document(&json!({ "schema_version": SCHEMA_VERSION, "state": word, "migrations": known }))?;
    } else {
        context.output.answer(&text)?;
    }
    Ok(if check && word != "current" { Exit::Attention } else { Exit::Done })
}
