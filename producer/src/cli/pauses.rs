//! The command lines that pause and resume: a mall, an endpoint of a mall, an endpoint of all malls.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use clap::{Args, Subcommand};
use common::domain::calendar::kst;
use common::domain::endpoint::Endpoint;
use common::domain::ids::MallId;

use super::HELP;
use super::value::{endpoint, span};

pub(super) const PAUSE_EXAMPLES: &str = "  cafe24-sync malls pause hanbit --until 3d --reason 'shop is moving'\n  \
cafe24-sync malls pause hanbit --endpoint products --until 2h\n";
const ENDPOINT_EXAMPLES: &str =
    "  cafe24-sync endpoints pause products --until 2h --reason 'Cafe24 announced maintenance'\n";
const RESUME_EXAMPLES: &str = "  cafe24-sync endpoints resume products          a few jobs probe it first\n  \
cafe24-sync endpoints resume products --now    all of its jobs at once\n";

/// The reason of who gave none: `malls pause`, `endpoints pause`, `queue pause`, `backfill pause`.
pub(crate) const NO_REASON: &str = "paused by an operator";

/// `malls pause`
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// The mall
    pub mall: MallId,
    /// Pause only this endpoint; repeat
    #[arg(long = "endpoint", value_name = "NAME", num_args = 1.., value_parser = endpoint())]
    pub endpoints: Vec<Endpoint>,
    /// Resume by itself after 2h, or at a KST time (2026-03-02, 2026-03-02T09:00)
    #[arg(long, value_name = "TIME", value_parser = parse_until)]
    pub until: Option<DateTime<Utc>>,
    /// Say why; it is shown beside the mall
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `malls resume`
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The mall
    pub mall: MallId,
    /// Resume only this endpoint; repeat
    #[arg(long = "endpoint", value_name = "NAME", num_args = 1.., value_parser = endpoint())]
    pub endpoints: Vec<Endpoint>,
}

/// `endpoints`
#[derive(Debug, Subcommand)]
pub enum EndpointsCommand {
    /// List what is paused: of all malls, and of single ones
    #[command(help_template = HELP, before_help = "  cafe24-sync endpoints list\n")]
    List,
    /// Send nothing to an endpoint for any mall; its jobs wait
    #[command(help_template = HELP, before_help = ENDPOINT_EXAMPLES)]
    Pause {
        /// The endpoint
        #[arg(value_parser = endpoint())]
        endpoint: Endpoint,
        /// Resume by itself after 2h, or at a KST time (2026-03-02, 2026-03-02T09:00)
        #[arg(long, value_name = "TIME", value_parser = parse_until)]
        until: Option<DateTime<Utc>>,
        /// Say why; it is shown beside the endpoint
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Show what would wait, do nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Send to a paused endpoint again; one that the API broke is probed first
    #[command(help_template = HELP, before_help = RESUME_EXAMPLES)]
    Resume {
        /// The endpoint
        #[arg(value_parser = endpoint())]
        endpoint: Endpoint,
        /// Release all jobs at once, without a probe
        #[arg(long)]
        now: bool,
    },
}

/// A time to come: a span from now (30m, 2h, 3d), a KST day (its first moment), a KST time, or RFC 3339.
fn parse_until(text: &str) -> Result<DateTime<Utc>, String> {
    until(text, common::clock::now())
}

fn until(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let local = |time: NaiveDateTime| time.and_local_timezone(kst()).single().map(|time| time.to_utc());
    let time = span(text)
        .and_then(|span| now.checked_add_signed(span))
        .or_else(|| text.parse::<NaiveDate>().ok().and_then(|day| local(day.and_time(NaiveTime::MIN))))
        .or_else(|| {
            ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]
                .iter()
                .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
                .and_then(local)
        })
        .or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()))
        .ok_or("write a span (30m, 2h, 3d), a KST day (2026-03-02) or a KST time (2026-03-02T09:00)")?;
    if time <= now {
        return Err("that time is over".to_owned());
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::span("2h", Some("2026-02-16T03:42:00Z"))]
    #[case::days("3d", Some("2026-02-19T01:42:00Z"))]
    #[case::kst_day("2026-03-02", Some("2026-03-01T15:00:00Z"))]
    #[case::kst_time("2026-03-02T09:00", Some("2026-03-02T00:00:00Z"))]
    #[case::rfc_3339("2026-03-02T09:00:00Z", Some("2026-03-02T09:00:00Z"))]
    #[case::over("2026-02-16", None)]
    #[case::no_unit("2", None)]
    #[case::beyond_all_time("9223372036854775807d", None)]
    #[case::words("tomorrow", None)]
    fn a_pause_ends_at_a_time_to_come(#[case] text: &str, #[case] expected: Option<&str>) {
        let now = "2026-02-16T01:42:00Z".parse().expect("a time");
        let expected = expected.map(|time| time.parse::<DateTime<Utc>>().expect("a time"));
        assert_eq!(until(text, now).ok(), expected);
    }
}
