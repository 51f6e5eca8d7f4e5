//! The status as text.

use std::fmt::Write;

use chrono::{DateTime, Days, Utc};
use common::domain::calendar::kst_day;
use common::domain::job::Lane;
use common::store::PauseCause;

use super::Found;
use crate::command::health::Status;
use crate::output::paint::{bad, bold, command, dim, warn};
use crate::output::text::{clean, counted, headline_time, number, short_time};
use crate::plan::eta::{clock, rate};
use crate::remedy::{Remedy, subject};

/// Paused endpoints that are named.
const PAUSES: usize = 5;
/// Where commands begin.
const DO_COLUMN: usize = 62;

pub(super) fn text(found: &Found, now: DateTime<Utc>) -> String {
    let m = &found.malls;
    let mut out = String::new();
    let head = format!("{} · {}", clean(&found.profile), headline_time(now));
    let yesterday = (kst_day(now) - Days::new(1)).format("%a %m-%d");
    let fresh = format!(
        "{} of {} active malls fresh (complete through {yesterday})",
        number(m.fresh),
        number(m.active())
    );
    let _ = writeln!(out, "{}   {fresh}", bold(head));
    let malls = [
        (m.fresh, "fresh"),
        (m.catching_up, "catching up"),
        (m.late, "late"),
        (m.needs_you, "needs you"),
        (m.paused, "paused"),
    ];
    row(&mut out, "malls", &joined(malls.iter().map(|(n, word)| format!("{word} {}", number(*n)))));
    for (label, (well, words)) in
        [("daemon", found.crew.daemon_words()), ("workers", found.crew.workers_words())]
    {
        let words = if well { words } else { format!("{} {words}", warn("!")) };
        row(&mut out, label, &words);
    }
    row(&mut out, "lanes", &lanes(found, now));
    row(&mut out, "ETA", &eta(found, now));
    if found.keys > 0 {
        row(&mut out, "rate", &allowed(found));
    }
    for alert in &found.alerts {
        let line = format!("alert {:<4} {}", alert.alert_id, clean(&alert.text));
        let pad = DO_COLUMN.saturating_sub(line.chars().count()).max(1);
        let _ = writeln!(out, "{} {line}{:pad$}→ {}", bad("!"), "", command(clean(&alert.remedy)));
    }
    paused_endpoints(&mut out, found);
    for problem in &found.problems {
        let line = format!("{:<10} {}", problem.mall_id, clean(&problem.why));
        let pad = DO_COLUMN.saturating_sub(line.chars().count()).max(1);
        let mark = if problem.status == Status::Late { warn("!") } else { bad("!") };
        let action = if problem.action.is_empty() {
            String::new()
        } else {
            format!("→ {}", command(clean(&problem.action)))
        };
        let _ = writeln!(out, "{}", format!("{mark} {line}{:pad$}{action}", "").trim_end());
    }
    if found.problems_more > 0 {
        let _ = writeln!(
            out,
            "  and {} more → {}",
            number(found.problems_more),
            command("cafe24-sync malls list --plain")
        );
    }
    out
}

/// What people paused. What the API's answers paused is an alert, or the problem of a mall.
fn paused_endpoints(out: &mut String, found: &Found) {
    let by_people: Vec<_> =
        found.endpoints_paused.iter().filter(|pause| pause.cause == PauseCause::Operator).collect();
    for pause in by_people.iter().take(PAUSES) {
        let remedy = Remedy::of_pause(pause);
        let line = format!("{:<10} {} since {}", subject(pause), remedy.what, short_time(pause.since));
        let pad = DO_COLUMN.saturating_sub(line.chars().count()).max(1);
        let _ = writeln!(out, "{} {line}{:pad$}→ {}", warn("!"), "", command(clean(&remedy.action)));
    }
    let more = i64::try_from(by_people.len().saturating_sub(PAUSES)).unwrap_or(i64::MAX);
    if more > 0 {
        let pauses = counted(more, "more paused endpoint", "more paused endpoints");
        let _ = writeln!(out, "  and {pauses} → {}", command("cafe24-sync endpoints list"));
    }
}

fn row(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "  {}{text}", dim(format_args!("{label:<11}")));
}

#[expect(clippy::cast_possible_truncation, reason = "some millions at most")]
fn rounded(value: f64) -> i64 {
    value.round() as i64
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" · ")
}

/// Jobs that will run, by lane; those that wait for their time or their mall apart.
fn lanes(found: &Found, now: DateTime<Utc>) -> String {
    let sum = |wanted: &dyn Fn(&str, &str) -> bool| -> i64 {
        found.backlog.iter().filter(|b| wanted(&b.lane, &b.state)).map(|b| b.jobs).sum()
    };
    let in_lane =
        |name: &str| sum(&|lane, state| lane == name && matches!(state, "planned" | "queued" | "running"));
    let mut parts = Vec::from(Lane::ALL.map(|lane| {
        let jobs = number(in_lane(lane.as_str()));
        let alone = found.lanes_paused_for.iter().filter(|pause| pause["lane"] == lane.as_str()).count();
        match found.backfill_waits_until {
            _ if found.lanes_paused.contains(&lane) => format!("{lane} {jobs} (paused)"),
            Some(time) if lane == Lane::Backfill => {
                format!("{lane} {jobs} (waits until {} KST)", clock(time, now))
            }
            _ if alone > 0 => {
                let whose =
                    counted(i64::try_from(alone).unwrap_or(i64::MAX), "agency or mall", "agencies or malls");
                format!("{lane} {jobs} (paused for {whose})")
            }
            _ => format!("{lane} {jobs}"),
        }
    }));
    parts.push(format!("waiting to retry {}", number(sum(&|_, state| state == "waiting"))));
    let parked = sum(&|_, state| state == "parked");
    if parked > 0 {
        parts.push(format!("paused {}", number(parked)));
    }
    parts.push(format!("dead {} (all time)", number(found.dead)));
    parts.join(" · ")
}

fn eta(found: &Found, now: DateTime<Utc>) -> String {
    match &found.eta {
        Some(eta) => eta.end_words(now, found.key_is_mall),
        None => "nothing is queued".to_owned(),
    }
}

/// What all buckets together allow; as a product where all are alike.
#[expect(clippy::cast_precision_loss, reason = "some thousand buckets")]
fn allowed(found: &Found) -> String {
    let all = found.allowed_per_second;
    let each = if (all - found.keys as f64 * found.per_second).abs() < 1e-6 {
        format!("({} × {})", number(found.keys), rate(found.per_second))
    } else {
        format!("({})", counted(found.keys, "bucket", "buckets"))
    };
    // Whole and large where it is large, with its fraction where that matters.
    let all = if all < 1_000.0 { rate(all) } else { number(rounded(all)) };
    format!("up to {all} requests/s allowed {each}")
}

#[cfg(test)]
mod tests {
    use common::store::{Backlog, EndpointPause, Leader};
    use serde_json::json;

    use super::*;
    use crate::command::alerts::tests::alert;
    use crate::command::health::tests::at;
    use crate::command::status::{Malls, Problem};
    use crate::crew::{Crew, Workers};
    use crate::output::golden::golden;
    use crate::output::paint::bare;
    use crate::plan::eta::{Bound, Eta};

    fn backlog(lane: &str, state: &str, jobs: i64) -> Backlog {
        Backlog { lane: lane.to_owned(), state: state.to_owned(), jobs, oldest: None }
    }

    fn problem(mall: &str, status: Status, why: &str, action: &str) -> Problem {
        Problem { mall_id: mall.to_owned(), status, why: why.to_owned(), action: action.to_owned() }
    }

    fn crew() -> Crew {
        let daemon = Leader { instance: "sync1:4711".to_owned(), since: at() };
        let workers = Workers { alive: 2, slots: 64, busy: 12, since: Some(at()) };
        Crew { daemon: Some(daemon), workers: Some(workers) }
    }

    fn found() -> Found {
        Found {
            profile: "agency-prod".to_owned(),
            malls: Malls { fresh: 208, catching_up: 1, late: 0, needs_you: 3, paused: 2 },
            backlog: vec![
                backlog("backfill", "planned", 1_161),
                backlog("backfill", "queued", 43),
                backlog("backfill", "waiting", 12),
            ],
            crew: crew(),
            dead: 3,
            eta_s: Some(539),
            eta_set_by: Some("moonlit".to_owned()),
            allowed_per_second: 424.0,
            alerts: vec![alert(
                12,
                1,
                "domains: the API changed, paused for all malls",
                "cafe24-sync endpoints resume domains",
            )],
            problems: vec![
                problem(
                    "hanbit",
                    Status::NeedsYou,
                    "refresh token dead since 02-15 09:10",
                    "cafe24-sync connect hanbit",
                ),
                problem(
                    "ainong",
                    Status::NeedsYou,
                    "3 dead jobs, 1 cause: products: data[].orderCount is missing",
                    "cafe24-sync dead show 9f31c2a",
                ),
                problem("moon\u{1b}[2J", Status::Late, "complete through 2026-02-14 only", ""),
            ],
            problems_more: 0,
            eta: Some(Eta {
                seconds: Some(539),
                key: "moonlit".to_owned().try_into().expect("a key"),
                requests: 1_080,
                before: 0,
                tokens: Some(2),
                per_second: 2.0,
                bound: Bound::Budget,
            }),
            eta_json: None,
            lanes_paused: Vec::new(),
            lanes_paused_for: Vec::new(),
            endpoints_paused: Vec::new(),
            backfill_waits_until: None,
            per_second: 2.0,
            keys: 212,
            key_is_mall: true,
        }
    }

    #[test]
    fn the_status_says_what_is_fresh_and_what_needs_you() {
        let mut found = found();
        found.problems.pop();
        golden("status", |_| text(&found, at()));
    }

    #[test]
    fn x2_foreign_names_cannot_move_the_cursor() {
        let text = bare(&text(&found(), at()));
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn a_lane_that_is_not_sent_says_why() {
        let mut found = found();
        found.backfill_waits_until = "2026-02-16T16:00:00Z".parse().ok();
        assert!(bare(&text(&found, at())).contains("backfill 1,204 (waits until 02-17 01:00 KST)"));
        found.lanes_paused_for = vec![json!({ "lane": "fresh", "mall_id": "hanbit" })];
        assert!(bare(&text(&found, at())).contains("fresh 0 (paused for 1 agency or mall) · backfill"));
        found.lanes_paused_for.clear();
        found.lanes_paused = vec![Lane::Backfill];
        assert!(bare(&text(&found, at())).contains("fresh 0 · backfill 1,204 (paused)"));
    }

    #[test]
    fn what_people_paused_is_named_and_what_is_an_alert_is_not_said_twice() {
        let mut found = found();
        let pause = |endpoint: &str, mall: Option<&str>, cause| EndpointPause {
            pause_id: 1,
            endpoint: endpoint.parse().expect("an endpoint"),
            mall_id: mall.map(|mall| mall.parse().expect("a mall")),
            dialect: None,
            cause,
            reason: String::new(),
            paused_by: "kim@desk".to_owned(),
            since: at(),
            until: None,
            probed_at: None,
            probes: 0,
            parked: 4,
        };
        found.endpoints_paused = vec![
            pause("domains", None, PauseCause::ContractViolation),
            pause("products", None, PauseCause::Operator),
            pause("visitors", Some("hanbit"), PauseCause::Operator),
        ];
        let text = |found: &Found| bare(&text(found, at()));
        let lines = text(&found);
        assert_eq!(lines.matches("domains").count(), 2, "{lines}");
        for (line, remedy) in [
            (
                "! products   paused for all malls since 02-16 10:42 ",
                "→ cafe24-sync endpoints resume products",
            ),
            (
                "! hanbit/visitors paused since 02-16 10:42 ",
                "→ cafe24-sync malls resume hanbit --endpoint visitors",
            ),
        ] {
            assert!(lines.lines().any(|said| said.starts_with(line) && said.ends_with(remedy)), "{lines}");
        }
        found.endpoints_paused = vec![pause("products", None, PauseCause::Operator); 7];
        assert!(text(&found).contains("  and 2 more paused endpoints → cafe24-sync endpoints list\n"));
    }

    #[test]
    fn an_idle_system_says_so() {
        let mut found = found();
        (found.eta, found.backlog, found.alerts) = (None, Vec::new(), Vec::new());
        assert!(bare(&text(&found, at())).contains("ETA        nothing is queued"));
    }
}
