//! The command line of `serve`.

use clap::Args;

use crate::duty::Duty;

pub(super) const EXAMPLES: &str = "  cafe24-sync serve                          until SIGTERM; several may run, one leads\n  \
cafe24-sync serve --once                   every duty once, for cron\n  \
cafe24-sync serve --once feeder archiver   these, in this order\n";

/// `serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Do these duties once and end (none named: all)
    #[arg(long, value_name = "DUTY", num_args = 0.., value_enum)]
    pub once: Option<Vec<Duty>>,
}
