//! `connect`: a link for a browser, and the wait for what the daemon makes of its answer.

use std::process::{Command, Stdio};
use std::time::Duration;

use common::config::BaseUrl;
use common::domain::consent::ConsentOutcome;
use common::oauth::{OneTime, probe};
use common::store::{Channel, Consent, ConsentWay, Control};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep};

use super::Question;
use crate::command::context::Context;
use crate::connect::{PING, PING_PATH, origin};
use crate::fault::{Fault, causes};
use crate::output::paint::{command, warn};
use crate::output::text::duration;

/// Wait between two looks, should the notification be lost.
const LOOK: Duration = Duration::from_secs(1);
/// How long an answer may take to be settled once it came.
const SETTLING: Duration = Duration::from_secs(90);

/// The attempt as it ended; `None`: interrupted.
pub(super) async fn run(
    context: &Context,
    control: &Control,
    question: &Question<'_>,
    no_browser: bool,
) -> Result<Option<Consent>, Fault> {
    let unusable = || Fault::OAuthSettings("oauth.redirect_uri has no host".to_owned());
    let origin = origin(&question.redirect_uri).ok_or_else(unusable)?;
    reachable(context, question, &origin).await?;
    // From before there is a link: one that nobody waits for any more must be void.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Fault::Start)?;
    let ticket = OneTime::random();
    let consent = question.begin(context, control, ConsentWay::Browser { ticket: ticket.hash() }).await?;
    let link = format!("{origin}/oauth/start/{}", ticket.text().expose());
    let output = context.output;
    output.complain(&format!(
        "1. As the mall's main operator (others cannot consent) open, within {}:\n   {}\n\
         2. waiting at {} … (its code lives 1 minute; unreachable? connect {} --paste)",
        duration(question.seconds),
        command(&link),
        question.redirect_uri,
        question.mall,
    ));
    if !no_browser && output.can_ask() && common::config::env::has_screen() {
        open(&link);
    }
    wait(context, control, question, consent, &mut interrupt).await
}

/// Whether a daemon answers where Cafe24 leads to. On this machine we know; elsewhere the way from here may differ from
/// the browser's, so it is only said.
async fn reachable(context: &Context, question: &Question<'_>, origin: &str) -> Result<(), Fault> {
    let Err(error) = probe(&format!("{origin}{PING_PATH}"), PING).await else { return Ok(()) };
    let why = match causes(&error) {
        causes if causes.is_empty() => error.to_string(),
        causes => format!("{error}: {causes}"),
    };
    if BaseUrl::parse(origin).is_ok_and(|url| url.is_loopback()) {
        return Err(Fault::NoDaemon { mall: question.mall.clone(), origin: origin.to_owned(), why });
    }
    context.output.complain(&format!(
        "{} no daemon of ours answers at {origin} ({why}). If the mall's browser cannot reach it either, use\n  {}",
        warn("!"),
        command(format!("cafe24-sync connect {} --paste", question.mall)),
    ));
    Ok(())
}

/// In the background; whoever cannot see it has the link above. The ticket in the arguments is worth nothing without the
/// account of the mall's main operator, and the first browser that opens it keeps it.
fn open(link: &str) {
    let quiet = || Stdio::null();
    // No program for it: the link stands there.
    let _ = Command::new("xdg-open").arg(link).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
}

async fn wait(
    context: &Context,
    control: &Control,
    question: &Question<'_>,
    mut consent: Consent,
    interrupt: &mut Signal,
) -> Result<Option<Consent>, Fault> {
    let mut listener = control.listen(&[Channel::Consents]).await.ok();
    let (mut told, mut since_used) = (false, None);
    loop {
        if consent.outcome.is_some() || consent.expired && consent.used_at.is_none() {
            return Ok(Some(consent));
        }
        if consent.started_at.is_some() && !told {
            told = true;
            context.output.note("   the link was opened");
        }
        if consent.used_at.is_some() && since_used.get_or_insert_with(Instant::now).elapsed() > SETTLING {
            // Whoever took the answer is gone, and the tokens with it.
            let detail = serde_json::json!({ "error": "the daemon ended while it settled the answer" });
            return Err(Fault::not_connected(question.mall, ConsentOutcome::NotStored, detail));
        }
        let told_of = async {
            match &mut listener {
                Some(listener) => drop(listener.next().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = told_of => {}
            () = sleep(LOOK) => {}
            _ = interrupt.recv() => {
                withdraw(context, control, &consent).await;
                return Ok(None);
            }
        }
        // A database that is away for a moment does not end a wait for a person.
        if let Ok(Some(found)) = control.consent(question.id).await {
            consent = found;
        }
    }
}

/// The link must not bring anything that nobody waits for.
async fn withdraw(context: &Context, control: &Control, consent: &Consent) {
    let done = control
        .end_consent(consent, &Context::actor(), ConsentOutcome::Withdrawn, &serde_json::json!({}))
        .await;
    context.output.complain(match done {
        Ok(()) => "interrupted: the link is void, nothing was changed",
        Err(_) => "interrupted: the link could not be voided; it ends by itself within 10 minutes",
    });
}
