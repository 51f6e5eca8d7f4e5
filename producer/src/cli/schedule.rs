//! The command line of `schedule`.

use std::time::Duration;

use chrono::NaiveTime;
use clap::{Args, Subcommand};
use common::config::ScheduleConfig;
use common::domain::ids::MallId;
use common::domain::schedule::Schedule;

use super::HELP;
use super::value::span;

const RUN_EXAMPLES: &str = "  cafe24-sync schedule run window --agency acme    the last days again, now\n  \
cafe24-sync schedule run gaps --dry-run          what is missing, and what it costs\n  \
cafe24-sync schedule run onboarding --mall hanbit\n";
const SET_EXAMPLES: &str = "  cafe24-sync schedule set --agency acme --lookback 7d\n  \
cafe24-sync schedule set --mall hanbit --today-every off --daily-at 07:15\n";
const UNSET_EXAMPLES: &str = "  cafe24-sync schedule unset --agency acme --lookback\n  \
cafe24-sync schedule unset --mall hanbit          everything of its own\n";

/// `schedule`
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// List what is fetched by itself, when it is due, and what differs for whom
    #[command(help_template = HELP, before_help = "  cafe24-sync schedule list\n")]
    List,
    /// Show one mall: its settings, where they come from, when it is due
    #[command(help_template = HELP, before_help = "  cafe24-sync schedule show hanbit\n")]
    Show {
        /// The mall
        mall: MallId,
    },
    /// Plan now what a schedule wants, whether it is due or not; its due times stay
    #[command(help_template = HELP, before_help = RUN_EXAMPLES)]
    Run(ScheduleRunArgs),
    /// Plan nothing for a schedule; what it misses is made up once, when it is resumed
    #[command(help_template = HELP, before_help = "  cafe24-sync schedule pause sweep --agency acme\n")]
    Pause(SchedulePauseArgs),
    /// Plan for a paused schedule again
    #[command(help_template = HELP, before_help = "  cafe24-sync schedule resume sweep --agency acme\n")]
    Resume(SchedulePauseArgs),
    /// Give an agency or a mall settings of its own
    #[command(help_template = HELP, before_help = SET_EXAMPLES)]
    Set(ScheduleSetArgs),
    /// Take settings of an agency or a mall away (none named: all)
    #[command(help_template = HELP, before_help = UNSET_EXAMPLES)]
    Unset(ScheduleUnsetArgs),
}

/// For whom.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub struct ScopeArgs {
    /// Only for this mall
    #[arg(long, value_name = "MALL")]
    pub mall: Option<MallId>,
    /// Only for the malls of this agency
    #[arg(long, value_name = "AGENCY")]
    pub agency: Option<String>,
}

/// For whom, said.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct OwnerArgs {
    /// For this mall
    #[arg(long, value_name = "MALL")]
    pub mall: Option<MallId>,
    /// For the malls of this agency
    #[arg(long, value_name = "AGENCY")]
    pub agency: Option<String>,
}

impl From<OwnerArgs> for ScopeArgs {
    fn from(OwnerArgs { mall, agency }: OwnerArgs) -> Self {
        Self { mall, agency }
    }
}

/// `schedule run`
#[derive(Debug, Args)]
pub struct ScheduleRunArgs {
    /// window, today, sweep, onboarding or gaps
    #[arg(value_name = "NAME")]
    pub schedule: Schedule,
    /// For whom.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Show the plan, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// `schedule pause`, `schedule resume`
#[derive(Debug, Args)]
pub struct SchedulePauseArgs {
    /// window, today, sweep, onboarding or gaps
    #[arg(value_name = "NAME")]
    pub schedule: Schedule,
    /// For whom.
    #[command(flatten)]
    pub scope: ScopeArgs,
}

/// `schedule set`
#[derive(Debug, Args)]
pub struct ScheduleSetArgs {
    /// For whom.
    #[command(flatten)]
    pub owner: OwnerArgs,
    /// Fetch the last days at this KST time (06:30)
    #[arg(long, value_name = "TIME", value_parser = clock)]
    pub daily_at: Option<NaiveTime>,
    /// Fetch so many finished days each morning (1d-31d)
    #[arg(long, value_name = "DAYS", value_parser = lookback)]
    pub lookback: Option<i32>,
    /// Fetch today so often (1h-12h, or off)
    #[arg(long, value_name = "SPAN", value_parser = today_minutes)]
    pub today_every: Option<i32>,
    /// Fetch so many days once a month (2d-366d, or off)
    #[arg(long, value_name = "DAYS", value_parser = sweep)]
    pub sweep: Option<i32>,
}

/// `schedule unset`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
pub struct ScheduleUnsetArgs {
    /// For whom.
    #[command(flatten)]
    pub owner: OwnerArgs,
    /// When the last days are fetched
    #[arg(long)]
    pub daily_at: bool,
    /// How many
    #[arg(long)]
    pub lookback: bool,
    /// How often today is fetched
    #[arg(long)]
    pub today_every: bool,
    /// How many days are fetched once a month
    #[arg(long)]
    pub sweep: bool,
}

const OFF: &str = "off";

fn clock(text: &str) -> Result<NaiveTime, String> {
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok().filter(|_| text.len() == 5);
    time.ok_or_else(|| "not a time of the day; write 06:30".to_owned())
}

fn days(text: &str) -> Option<i32> {
    let days = span(text)?;
    (days.num_seconds() % 86_400 == 0).then_some(days.num_days()).and_then(|days| i32::try_from(days).ok())
}

fn lookback(text: &str) -> Result<i32, String> {
    let within = |days: &i32| u32::try_from(*days).is_ok_and(|days| ScheduleConfig::LOOKBACK.contains(&days));
    days(text).filter(within).ok_or_else(|| "write 1d to 31d".to_owned())
}

fn sweep(text: &str) -> Result<i32, String> {
    let within = |days: &i32| u32::try_from(*days).is_ok_and(|days| ScheduleConfig::SWEEP.contains(&days));
    if text == OFF {
        return Ok(0);
    }
    days(text).filter(within).ok_or_else(|| "write 2d to 366d, or off".to_owned())
}

fn today_minutes(text: &str) -> Result<i32, String> {
    if text == OFF {
        return Ok(0);
    }
    let within = |minutes: &i64| {
        let every = u64::try_from(*minutes).map(Duration::from_mins);
        every.is_ok_and(|every| ScheduleConfig::TODAY_EVERY.contains(&every))
    };
    let minutes = span(text).map(|span| span.num_minutes()).filter(within);
    minutes
        .and_then(|minutes| i32::try_from(minutes).ok())
        .ok_or_else(|| "write 1h to 12h, or off".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_the_configuration_writes_them_and_bounded_as_it_bounds_them() {
        assert_eq!([lookback("7d"), lookback("1d"), lookback("31d")], [Ok(7), Ok(1), Ok(31)]);
        assert_eq!(
            [today_minutes("off"), today_minutes("90m"), today_minutes("2h")],
            [Ok(0), Ok(90), Ok(120)]
        );
        assert_eq!([sweep("off"), sweep("31d")], [Ok(0), Ok(31)]);
        for wrong in ["0d", "32d", "36h", "-1d", "3", "off"] {
            assert!(lookback(wrong).is_err(), "{wrong}");
        }
        for wrong in ["59m", "13h", "0h", "always"] {
            assert!(today_minutes(wrong).is_err(), "{wrong}");
        }
        assert!(clock("6:30").is_err() && clock("24:00").is_err() && clock("06:30").is_ok());
    }
}
