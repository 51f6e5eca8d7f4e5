//! A cause in words, and what to do about it.

use common::store::{ConnectorState, Finding, Mode, PauseCause, Seen};

use crate::output::text::{counted, number};
use crate::remedy::Remedy;

/// What stands for the mall in a command that several malls need.
const EACH: &str = "MALL";

/// `finding` as it is told.
pub(super) fn seen(finding: Finding) -> Seen {
    let malls = counted(finding.malls, "mall", "malls");
    let whom = if finding.malls == 1 { finding.example.as_str() } else { EACH };
    let (text, remedy) = match finding.kind.as_str() {
        "rotation_lost" => (
            format!("a refreshed token was lost before it was stored{}: {malls}", because(&finding.detail)),
            of_state(whom, ConnectorState::NeedsConsent).action,
        ),
        "api_changed" => of_endpoint(&finding, PauseCause::ContractViolation, &malls),
        "endpoint_missing" => of_endpoint(&finding, PauseCause::NotFound, &malls),
        "tokens_ending" => (
            format!("the consent of {malls} ends within three days, the first at {}", finding.detail),
            format!("cafe24-sync tokens refresh {whom}, or cafe24-sync connect {whom}"),
        ),
        "throttled" => (
            format!("HTTP 429 within a quarter of an hour, {}: {malls}", finding.detail),
            "is other software calling these malls? if not, lower limits.capacity; cafe24-sync config show"
                .to_owned(),
        ),
        "late" => (
            format!("{}: {malls}", finding.detail),
            if finding.subject == "idle" {
                let whom = if finding.malls == 1 { format!("--mall {whom}") } else { "--all".to_owned() };
                format!("cafe24-sync enqueue {whom} --missing; does cafe24-sync serve run?")
            } else {
                "cafe24-sync status (workers, lanes, ETA)".to_owned()
            },
        ),
        "dead_letters" => (
            format!("jobs fail for good: {}, of {malls}", finding.detail),
            "cafe24-sync dead list".to_owned(),
        ),
        state => {
            let state = ConnectorState::parse(state).unwrap_or(ConnectorState::Forbidden);
            let remedy = of_state(whom, state);
            (format!("{}{}: {malls}", remedy.what, because(&finding.detail)), remedy.action)
        }
    };
    let each = finding.malls > 1 && !matches!(finding.kind.as_str(), "api_changed" | "endpoint_missing");
    let remedy = if each && remedy.contains(EACH) {
        format!("{remedy} for each: cafe24-sync malls list shows {}", number(finding.malls))
    } else {
        remedy
    };
    Seen { kind: finding.kind, subject: finding.subject, malls: finding.malls, text, remedy }
}

fn of_endpoint(finding: &Finding, cause: PauseCause, malls: &str) -> (String, String) {
    let remedy = Remedy::of_endpoint(&finding.example, None, cause);
    (format!("{}: {}{}: {malls}", finding.example, remedy.what, because(&finding.detail)), remedy.action)
}

fn of_state(mall: &str, state: ConnectorState) -> Remedy {
    Remedy::of_mall(mall, state, &Mode::Api).unwrap_or(Remedy { what: "waits", action: String::new() })
}

fn because(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({detail})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: &str, malls: i64, example: &str, detail: &str) -> Finding {
        let text = str::to_owned;
        Finding {
            kind: text(kind),
            subject: String::new(),
            malls,
            example: text(example),
            detail: text(detail),
        }
    }

    #[test]
    fn one_mall_is_named_and_many_are_counted() {
        let one = seen(finding("needs_consent", 1, "hanbit", "the refresh token is dead"));
        assert_eq!(one.text, "not authorised (the refresh token is dead): 1 mall");
        assert!(one.remedy.starts_with("cafe24-sync connect hanbit"), "{}", one.remedy);
        let many = seen(finding("forbidden", 4_012, "hanbit", ""));
        assert_eq!(many.text, "Cafe24 refuses the app: 4,012 malls");
        assert!(many.remedy.contains("malls resume MALL for each"), "{}", many.remedy);
    }

    #[test]
    fn a_path_that_is_missing_for_one_mall_alone_has_a_way_out_for_the_others() {
        let seen = seen(finding("endpoint_missing", 40, "products", "HTTP 404, seen with mall hanbit"));
        assert!(
            seen.remedy.contains("cafe24-sync malls pause MALL --endpoint products; then")
                && seen.remedy.ends_with("cafe24-sync endpoints resume products"),
            "{}",
            seen.remedy
        );
    }

    #[test]
    fn late_malls_are_two_causes_with_a_remedy_each() {
        let late = |subject: &str, malls| {
            let detail = "2026-02-15 is not complete by 09:00 KST, and no job fetches it";
            seen(Finding { subject: subject.to_owned(), ..finding("late", malls, "hanbit", detail) })
        };
        assert_eq!(
            late("idle", 12).text,
            "2026-02-15 is not complete by 09:00 KST, and no job fetches it: 12 malls"
        );
        assert!(late("idle", 12).remedy.starts_with("cafe24-sync enqueue --all --missing"));
        assert!(late("idle", 1).remedy.starts_with("cafe24-sync enqueue --mall hanbit --missing"));
        assert!(late("in work", 12).remedy.starts_with("cafe24-sync status"));
    }

    #[test]
    fn every_kind_says_what_to_do() {
        for kind in common::telemetry::metrics::ALERT_KINDS {
            let seen = seen(finding(kind, 2, "products", "why"));
            assert!(seen.remedy.contains("cafe24-sync "), "{kind}: {}", seen.remedy);
            assert!(seen.text.contains("why"), "{kind}: {}", seen.text);
        }
    }
}
