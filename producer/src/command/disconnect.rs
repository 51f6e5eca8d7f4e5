//! `disconnect`: a mall's tokens are revoked at Cafe24 and erased here; the mall stays, and waits for a new consent.

use common::domain::ids::MallId;
use common::oauth::{OAuthClient, OAuthTimeouts};
use common::store::Control;

use super::again;
use super::agree::{Ask, Question};
use super::context::Context;
use super::enqueue::unknown_mall;
use crate::cli::DisconnectArgs;
use crate::connect::{After, Ended, Ending, NotEnded};
use crate::fault::{Exit, Fault};
use crate::output::paint::{good, warn};
use crate::output::text::counted;

pub(super) async fn run(context: &Context, args: &DisconnectArgs) -> Result<Exit, Fault> {
    let mall = &args.mall;
    let control = context.database().await?;
    let known = control.connectors(std::slice::from_ref(mall)).await.map_err(|error| context.store(error))?;
    if known.is_empty() {
        return Err(unknown_mall(context, &control, mall).await);
    }
    let waiting = control.waiting_jobs(mall).await.map_err(|error| context.store(error))?;
    let plan = plan(mall, waiting);
    if args.dry_run {
        return say(context, mall, None, waiting, &format!("{plan}\nnothing was changed (--dry-run)\n"));
    }
    if !args.yes {
        let ask = Ask {
            plan: &plan,
            why: "only the mall's main operator can connect it again".to_owned(),
            with: &["--yes"],
            question: Question::Typed(mall.to_string()),
            declined: "nothing was changed",
        };
        if let Some(exit) = ask.of(context.output)? {
            return Ok(exit);
        }
    }
    let actor = Context::actor();
    let reason = format!("disconnected by {actor}");
    let ended = end(context, control, mall, args.force, After::Disconnect { reason: &reason }).await?;
    say(context, mall, Some(ended), waiting, &done(mall, ended, waiting))
}

/// Ends a mall's tokens, or says why not.
pub(super) async fn end(
    context: &Context,
    control: Control,
    mall: &MallId,
    force: bool,
    after: After<'_>,
) -> Result<Ended, Fault> {
    let client = OAuthClient::new(context.config.cafe24.oauth_url.clone(), OAuthTimeouts::default())
        .map_err(|error| Fault::OAuthSettings(error.to_string()))?;
    let ending = Ending {
        client,
        apps: context.apps(&control)?,
        sealer: context.sealer()?,
        actor: Context::actor(),
        force,
        control,
    };
    match ending.run(mall, after).await {
        Ok(ended) => Ok(ended),
        Err(NotEnded::Store(error)) => Err(context.store(error)),
        Err(NotEnded::Unknown) => Err(unknown_mall(context, &ending.control, mall).await),
        Err(NotEnded::NotRevoked(why)) => {
            Err(Fault::NotRevoked { mall: mall.clone(), why, action: again(&["--force"]) })
        }
        Err(NotEnded::Busy) => Err(Fault::NotRevoked {
            mall: mall.clone(),
            why: "its tokens are being refreshed all the time".to_owned(),
            action: again(&[]),
        }),
    }
}

fn plan(mall: &MallId, waiting: i64) -> String {
    format!(
        "{mall}: its tokens are revoked at Cafe24 and erased here, {} paused, its figures stay",
        are(waiting)
    )
}

fn done(mall: &MallId, ended: Ended, waiting: i64) -> String {
    let parked = are(waiting);
    match ended {
        Ended::Revoked => {
            format!("{} {mall}: disconnected; tokens revoked and erased, {parked} paused\n", good("✓"))
        }
        Ended::ErasedOnly => format!(
            "{} {mall}: disconnected; tokens erased here only, at Cafe24 they end by themselves within 14 days; {parked} paused\n",
            warn("!")
        ),
        Ended::NoTokens => format!("{} {mall}: disconnected; it had no tokens, {parked} paused\n", good("✓")),
    }
}

fn are(waiting: i64) -> String {
    format!("{} {}", counted(waiting, "queued job", "queued jobs"), if waiting == 1 { "is" } else { "are" })
}

fn say(
    context: &Context,
    mall: &MallId,
    ended: Option<Ended>,
    waiting: i64,
    text: &str,
) -> Result<Exit, Fault> {
    let content = serde_json::json!({
        "mall_id": mall, "dry_run": ended.is_none(), "revoked": ended == Some(Ended::Revoked),
        "had_tokens": ended.map(|ended| ended != Ended::NoTokens), "jobs_parked": waiting,
    });
    context.say(content, text)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::golden::golden;

    #[test]
    fn what_is_shown_before_is_what_is_said_after() {
        let mall = "hanbit".parse().expect("a mall");
        let said = [
            plan(&mall, 8) + "\n",
            done(&mall, Ended::Revoked, 8),
            done(&mall, Ended::ErasedOnly, 1),
            done(&mall, Ended::NoTokens, 0),
        ];
        golden("disconnect", |_| said.concat());
    }
}
