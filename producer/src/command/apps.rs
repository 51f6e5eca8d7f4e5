//! `apps`: list, set, remove.
//!
//! A secret comes from a file or from stdin, is sealed at once, and is never shown again.

use std::io::Read;
use std::path::Path;

use common::config::{BaseUrl, Secret};
use common::domain::ids::AppId;
use common::oauth::Place;
use common::store::{AppRemoval, AuditEntry, NewApp, StoredApp};

use super::agree::{Ask, Question};
use super::context::Context;
use crate::cli::AppsCommand;
use crate::fault::{Exit, Fault};
use crate::output::json::{Document, List};
use crate::output::paint::good;
use crate::output::plain::NONE;
use crate::output::table::{Cell, Column, Table};
use crate::output::text::{counted, json_time};

/// Largest secret; a real one has 22 characters.
const SECRET_MAX: u64 = 4 << 10;
/// How the app of the configuration is shown.
const CONFIGURED: &str = "(configured)";

pub(super) async fn run(context: &Context, command: AppsCommand) -> Result<Exit, Fault> {
    match command {
        AppsCommand::List => list(context).await,
        AppsCommand::Set { name, client_id, client_secret_file, redirect_uri } => {
            set(context, name, client_id, &client_secret_file, redirect_uri).await
        }
        AppsCommand::Remove { name, yes } => remove(context, &name, yes).await,
    }
}

async fn list(context: &Context) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let apps = control.apps().await.map_err(|error| context.store(error))?;
    let output = context.output;
    if output.json {
        let items: Vec<_> = apps.iter().map(item).collect();
        output.document(&List::new(items, None, common::clock::now()))?;
        return Ok(Exit::Done);
    }
    let configured = context.config.oauth.client_id.as_deref().filter(|_| !output.plain);
    if configured.is_none() && apps.is_empty() && !output.plain {
        output.answer("no app is known: set oauth.client_id, or cafe24-sync apps set NAME")?;
    } else {
        output.list(&table(configured, &apps), "")?;
    }
    Ok(Exit::Done)
}

fn item(app: &StoredApp) -> serde_json::Value {
    serde_json::json!({
        "app_id": app.app_id, "client_id": app.client_id, "redirect_uri": app.redirect_uri, "malls": app.malls,
        "created_at": json_time(app.created_at), "updated_at": json_time(app.updated_at),
    })
}

fn table(configured: Option<&str>, apps: &[StoredApp]) -> Table {
    let columns = [
        Column::left("APP", "app_id"),
        Column::flowing("CLIENT ID", "client_id"),
        Column::right("MALLS", "malls"),
        Column::left("CHANGED", "updated_at").may_go(1),
        Column::flowing("REDIRECT URI", "redirect_uri"),
    ];
    let first =
        configured.map(|id| vec![CONFIGURED.into(), id.into(), "others".into(), Cell::none(), Cell::none()]);
    let stored = apps.iter().map(|app| {
        vec![
            app.app_id.to_string().into(),
            app.client_id.as_str().into(),
            Cell::count(app.malls),
            Cell::time(app.updated_at),
            app.redirect_uri.as_deref().map_or_else(|| Cell::new(CONFIGURED, NONE), Cell::from),
        ]
    });
    Table::new(&columns, first.into_iter().chain(stored))
}

async fn set(
    context: &Context,
    app_id: AppId,
    client_id: String,
    secret_file: &Path,
    redirect_uri: Option<String>,
) -> Result<Exit, Fault> {
    let usage = |what: String, why: &str| Fault::Range {
        what,
        why: why.to_owned(),
        action: "cafe24-sync apps set --help".to_owned(),
    };
    if client_id.is_empty() || client_id.len() > 200 || client_id.chars().any(|c| c.is_control() || c == ':')
    {
        return Err(usage(
            "--client-id is no client id".to_owned(),
            "it has 1 to 200 characters, none of them a colon or a control character",
        ));
    }
    if let Some(Err(problem)) = redirect_uri.as_deref().map(BaseUrl::parse) {
        return Err(usage(
            format!("--redirect-uri: {problem}"),
            "it is the address registered with Cafe24, to the letter",
        ));
    }
    let secret = secret(secret_file)?;
    let sealer = context.sealer()?;
    let control = context.database().await?;
    let sealed_secret = sealer.seal_text(&secret, Place::App(&app_id)).into();
    let app = NewApp { app_id, client_id, sealed_secret, redirect_uri };
    let entry = AuditEntry {
        actor: &Context::actor(),
        action: "apps.set",
        mall: None,
        target: app.app_id.as_str(),
        plan: None,
        details: serde_json::json!({ "client_id": app.client_id, "redirect_uri": app.redirect_uri }),
    };
    let new = control.set_app(&app, &entry).await.map_err(|error| context.store(error))?;
    if context.output.is_for_programs() {
        let content = serde_json::json!({ "app_id": app.app_id, "new": new });
        context.output.document(&Document::new(content, common::clock::now()))?;
    } else {
        let done = if new { "added" } else { "replaced" };
        context.output.answer(&format!("{} app {}: {done}", good("✓"), app.app_id))?;
        context.output.note("give it to malls: column app of  cafe24-sync malls import FILE");
    }
    Ok(Exit::Done)
}

/// The first line of a file or of stdin.
fn secret(path: &Path) -> Result<Secret, Fault> {
    let name = if path.as_os_str() == "-" { "stdin".to_owned() } else { path.display().to_string() };
    let fault = |problem: String| Fault::File { path: name.clone(), problem };
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(SECRET_MAX + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(SECRET_MAX + 1).read_to_string(&mut text))
    };
    let text = Secret::new(text);
    match read {
        Err(error) => Err(fault(format!("cannot be read: {error}"))),
        Ok(size) if size as u64 > SECRET_MAX => Err(fault("longer than a client secret is".to_owned())),
        Ok(_) => match text.expose().trim() {
            "" => Err(fault("holds no secret".to_owned())),
            secret if secret.chars().any(char::is_control) => {
                Err(fault("holds more than one line; the secret stands alone".to_owned()))
            }
            secret => Ok(Secret::new(secret)),
        },
    }
}

async fn remove(context: &Context, app: &AppId, yes: bool) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let stored = control.app(app).await.map_err(|error| context.store(error))?;
    let Some(stored) = stored else { return Err(Fault::UnknownApp(app.clone())) };
    if stored.malls > 0 {
        return Err(Fault::AppInUse { app: app.clone(), malls: stored.malls });
    }
    if !yes {
        let plan =
            format!("app {app} (client id {}): its secret is erased; no mall names it", stored.client_id);
        let ask = Ask {
            plan: &plan,
            why: "the secret can be had again from Cafe24 only".to_owned(),
            with: &["--yes"],
            question: Question::Words("remove it?"),
            declined: "nothing was removed",
        };
        if let Some(exit) = ask.of(context.output)? {
            return Ok(exit);
        }
    }
    let entry = AuditEntry {
        actor: &Context::actor(),
        action: "apps.remove",
        mall: None,
        target: app.as_str(),
        plan: None,
        details: serde_json::json!({ "client_id": stored.client_id }),
    };
    match control.remove_app(app, &entry).await.map_err(|error| context.store(error))? {
        AppRemoval::Unknown => return Err(Fault::UnknownApp(app.clone())),
        AppRemoval::InUse(malls) => return Err(Fault::AppInUse { app: app.clone(), malls }),
        AppRemoval::Removed => {}
    }
    let content = serde_json::json!({ "app_id": app, "removed": true });
    context.say(content, &format!("{} app {app}: removed", good("✓")))?;
    Ok(Exit::Done)
}

impl Fault {
    /// `3 malls have consented to it`, for the sentence of [`Fault::AppInUse`].
    pub(crate) fn consents(malls: i64) -> String {
        format!("{} consented to it", counted(malls, "mall has", "malls have"))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::output::golden::golden;

    #[test]
    fn the_list_names_the_configured_app_first_and_no_secret() {
        let at = DateTime::UNIX_EPOCH + TimeDelta::days(20_500);
        let app = StoredApp {
            app_id: "brand-b".parse().expect("valid"),
            client_id: "BrIfqEKoPxeE".to_owned(),
            sealed_secret: serde_json::json!({ "ciphertext": "canary" }),
            redirect_uri: None,
            malls: 1_204,
            created_at: at,
            updated_at: at,
        };
        golden("apps_list", |width| table(Some("configured-id"), std::slice::from_ref(&app)).text(width));
        assert!(!item(&app).to_string().contains("canary"));
    }
}
