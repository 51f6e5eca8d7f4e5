//! The command line of `db`.

use clap::{Args, Subcommand};
use common::domain::ids::{Purpose, ReaderName};

use super::HELP;

/// `db`
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Bring the schema up to date, and grant its roles what they need
    #[command(help_template = HELP, before_help = "  cafe24-sync db migrate\n")]
    Migrate,
    /// Make Redis and RabbitMQ this database's, after a move
    #[command(help_template = HELP, before_help = ADOPT_EXAMPLES)]
    Adopt {
        /// Give this database a new identity first (a copy of another installation's)
        #[arg(long)]
        new_id: bool,
        /// Show the plan, do nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Compare the schema, and what is granted, with this program's
    #[command(help_template = HELP, before_help = "  cafe24-sync db status --check\n")]
    Status {
        /// End with 3 if it is another
        #[arg(long)]
        check: bool,
    },
    /// Roles and who may read: show them, let an analyst in, take him out
    #[command(help_template = HELP, before_help = GRANTS_EXAMPLES)]
    Grants(GrantsArgs),
}

const ADOPT_EXAMPLES: &str = "  cafe24-sync db adopt --dry-run           whose are they now?\n  cafe24-sync db adopt                     after a restore\n  cafe24-sync db adopt --new-id            in a copy of production, before its first start\n";

const GRANTS_EXAMPLES: &str = "  cafe24-sync db grants                                    roles, readers, what is missing as SQL\n  cafe24-sync db grants --apply                            grant what is missing\n  cafe24-sync db grants --analyst kim --agency hanok       kim sees the malls of hanok\n  cafe24-sync db grants --analyst lee --agency hanok --purpose ads\n  cafe24-sync db grants --revoke kim\n";

/// `db grants`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").args(["apply", "analyst", "revoke"]))]
pub struct GrantsArgs {
    /// Grant the three roles what they lack
    #[arg(long)]
    pub apply: bool,
    /// Let this login role read the views; it is made if it is not there
    #[arg(long, value_name = "NAME", requires = "agency")]
    pub analyst: Option<ReaderName>,
    /// Let it see the malls of this agency
    #[arg(long, value_name = "AGENCY", requires = "analyst")]
    pub agency: Option<String>,
    /// Let it see only malls approved for this purpose
    #[arg(long, value_name = "PURPOSE", requires = "analyst")]
    pub purpose: Option<Purpose>,
    /// Do not ask before a reader sees more than until now
    #[arg(long, requires = "analyst")]
    pub yes: bool,
    /// Let this reader see nothing any more
    #[arg(long, value_name = "NAME")]
    pub revoke: Option<ReaderName>,
}
