//! `tokens refresh`: through the same single flight as the workers'.

use common::clock::now;
use common::domain::ids::MallId;
use common::oauth::{TokenError, TokenStore};
use serde_json::json;

use crate::command::context::Context;
use crate::command::enqueue::unknown_mall;
use crate::fault::{Exit, Fault, in_one_line};
use crate::output::json::Document;
use crate::output::paint::{good, warn};
use crate::output::text::{counted, json_time, short_time};
use crate::tokens::{Pass, Tokens, TokensError};

pub(super) async fn one(context: &Context, mall: &MallId) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let tokens = tokens(context, &control)?;
    let keeper = tokens.keeper().ok_or(Fault::NoMasterKey)?;
    let known = control.connectors(std::slice::from_ref(mall)).await.map_err(|error| context.store(error))?;
    if known.is_empty() {
        return Err(unknown_mall(context, &control, mall).await);
    }
    let failed = |error: TokenError| Fault::TokenRefresh {
        mall: mall.clone(),
        why: in_one_line(&error),
        dead: matches!(error, TokenError::NeedsConsent { .. } | TokenError::NoTokens),
    };
    let before = keeper.store().load(mall).await;
    let before = before.map_err(|error| failed(TokenError::from(error)))?;
    let renewed = keeper.refresh(mall, before.version).await;
    tokens.close().await;
    let version = renewed.map_err(failed)?.version;
    let after = keeper.store().load(mall).await.map_err(|error| failed(TokenError::from(error)))?;
    let pair = after.pair;
    if context.output.is_for_programs() {
        let content = json!({
            "mall_id": mall, "version": version, "scopes": pair.scopes,
            "access_expires_at": json_time(pair.access_expires_at),
            "refresh_expires_at": json_time(pair.refresh_expires_at),
        });
        context.output.document(&Document::new(content, now()))?;
    } else {
        let (access, consent) = (short_time(pair.access_expires_at), short_time(pair.refresh_expires_at));
        context.output.answer(&format!(
            "{} {mall}: renewed · access until {access} · consent until {consent} KST",
            good("✓")
        ))?;
    }
    Ok(Exit::Done)
}

pub(super) async fn due(context: &Context) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let tokens = tokens(context, &control)?;
    if tokens.keeper().is_none() {
        return Err(Fault::NoMasterKey);
    }
    let all = tokens.all_due().await.map_err(|error| context.store(error))?;
    tokens.close().await;
    if context.output.is_for_programs() {
        let content = json!({ "renewed": all.renewed, "dead": all.dead, "failed": all.failed });
        context.output.document(&Document::new(content, now()))?;
    } else {
        let count = |n: usize| counted(i64::try_from(n).unwrap_or(i64::MAX), "mall", "malls");
        let sign = if all.dead + all.failed == 0 { good("✓") } else { warn("!") };
        context.output.answer(&format!(
            "{sign} renewed {} · to be connected again {} · failed {}",
            count(all.renewed),
            count(all.dead),
            count(all.failed)
        ))?;
    }
    Ok(match all {
        Pass { dead: 0, failed: 0, .. } => Exit::Done,
        Pass { failed: 0, .. } => Exit::Authorise,
        Pass { .. } => Exit::Partial,
    })
}

fn tokens(context: &Context, control: &common::store::Control) -> Result<Tokens, Fault> {
    Tokens::new(&context.config, control).map_err(|error| match error {
        TokensError::Store(error) => context.store(error),
        TokensError::Key(_) | TokensError::Client(_) => Fault::OAuthSettings(error.to_string()),
    })
}
