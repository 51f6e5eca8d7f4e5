//! `tokens`: list, refresh, rotate-key. A token itself is never shown.

mod list;

mod refresh;

mod rotate;

use super::context::Context;
use crate::cli::TokensCommand;
use crate::fault::{Exit, Fault};

pub(super) async fn run(context: &Context, command: TokensCommand) -> Result<Exit, Fault> {
    match command {
        TokensCommand::List { expiring } => list::run(context, expiring).await,
        TokensCommand::Refresh(args) => match &args.mall {
            Some(mall) => refresh::one(context, mall).await,
            None => refresh::due(context).await,
        },
        TokensCommand::RotateKey { new_key, dry_run, yes } => {
            rotate::run(context, rotate::Wanted { new_key, dry_run, yes }).await
        }
    }
}
