//! `apps`

use std::path::PathBuf;

use clap::Subcommand;
use common::domain::ids::AppId;

use super::HELP;

const SET_EXAMPLES: &str = "  cafe24-sync apps set brand-b --client-id abc123 --client-secret-file brand-b.secret\n  \
pass brand-b | cafe24-sync apps set brand-b --client-id abc123 --client-secret-file -\n";

/// `apps`
#[derive(Debug, Subcommand)]
pub enum AppsCommand {
    /// List apps and how many malls each has
    #[command(help_template = HELP, before_help = "  cafe24-sync apps list\n")]
    List,
    /// Add an app, or replace its id, secret and address
    #[command(help_template = HELP, before_help = SET_EXAMPLES)]
    Set {
        /// Its name here (1-40 of a-z, 0-9, - and _)
        name: AppId,
        /// Its client id
        #[arg(long, value_name = "ID")]
        client_id: String,
        /// Read its secret from a file; - is stdin
        #[arg(long, value_name = "FILE")]
        client_secret_file: PathBuf,
        /// Its redirect address as registered (default: oauth.redirect_uri)
        #[arg(long, value_name = "URI")]
        redirect_uri: Option<String>,
    },
    /// Remove an app that no mall names
    #[command(help_template = HELP, before_help = "  cafe24-sync apps remove brand-b\n")]
    Remove {
        /// The app
        name: AppId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}
