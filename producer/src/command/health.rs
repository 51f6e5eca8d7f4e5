//! What a mall is to its operator: one word, and what to do about it.
//!
//! The words are those of `ux.md` §3. Work that runs makes nothing fresh: a mall that is behind stays late until its
//! data is there.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use common::domain::calendar::{kst, kst_day};
use common::store::{ConnectorState, MallReport, Mode};

use crate::output::text::{counted, short};
use crate::remedy::Remedy;

/// A mall's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// Every endpoint that is fetched is complete through yesterday, and nothing waits.
    Fresh,
    /// Work is under way and the deadline is not over, or older days are being fetched.
    CatchingUp,
    /// Yesterday is missing after the deadline.
    Late,
    /// Only a person can mend it.
    NeedsYou,
    /// A person paused it, or its mode sends nothing.
    Paused,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::CatchingUp => "catching up",
            Self::Late => "late",
            Self::NeedsYou => "needs you",
            Self::Paused => "paused",
        }
    }
}

/// A status with its reason and the command that mends it, where there is something to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health {
    pub(super) status: Status,
    pub(super) reason: String,
    pub(super) action: String,
}

/// When yesterday has to be complete, KST.
fn deadline() -> NaiveTime {
    NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default()
}

/// What `mall` is at `now`.
pub(super) fn health(mall: &MallReport, now: DateTime<Utc>) -> Health {
    let id = &mall.mall_id;
    let of = |status, reason: String, action: String| Health { status, reason, action };
    let stated = |word: &str| {
        mall.reason.clone().filter(|reason| !reason.is_empty()).unwrap_or_else(|| word.to_owned())
    };
    // A state of a newer version is shown by what it did to the data.
    let state = ConnectorState::parse(&mall.state).unwrap_or(ConnectorState::Active);
    let mode = Mode::from(mall.mode.clone().unwrap_or_else(|| "off".to_owned()));
    if let Some(remedy) = Remedy::of_mall(id, state, &mode) {
        return match (state, mode) {
            (ConnectorState::Active, mode) => {
                let mode = String::from(mode);
                of(Status::Paused, format!("mode is '{mode}': nothing is sent"), remedy.action)
            }
            (ConnectorState::Paused, _) => of(Status::Paused, stated(remedy.what), remedy.action),
            _ => of(Status::NeedsYou, stated(remedy.what), remedy.action),
        };
    }
    if mall.dead > 0 {
        let jobs = counted(mall.dead, "dead job", "dead jobs");
        let causes = counted(mall.dead_causes, "cause", "causes");
        return match (&mall.dead_group, &mall.dead_cause) {
            (Some(group), Some(cause)) if mall.dead_causes == 1 => of(
                Status::NeedsYou,
                format!("{jobs}, {causes}: {}", short(cause, 60)),
                format!("cafe24-sync dead show {group}"),
            ),
            _ => of(
                Status::NeedsYou,
                format!("{jobs}, {causes}"),
                format!("cafe24-sync dead list --group --mall {id}"),
            ),
        };
    }
    let open = mall.waiting + mall.running > 0;
    let fetch = || format!("cafe24-sync enqueue --mall {id} --last 7d");
    match mall.complete_through {
        None if open => of(Status::CatchingUp, String::new(), String::new()),
        None => of(Status::NeedsYou, "no day was ever asked for".to_owned(), fetch()),
        Some(day) if day >= kst_day(now) - Days::new(1) => {
            let status = if open { Status::CatchingUp } else { Status::Fresh };
            of(status, String::new(), String::new())
        }
        Some(_) if now.with_timezone(&kst()).time() < deadline() => {
            of(Status::CatchingUp, String::new(), String::new())
        }
        Some(day) => of(
            Status::Late,
            format!("complete through {day} only"),
            if open { String::new() } else { fetch() },
        ),
    }
}

/// `2026-02-12 (−3 d)`; how far behind yesterday.
pub(super) fn through(day: Option<NaiveDate>, now: DateTime<Utc>) -> String {
    let Some(day) = day else { return "–".to_owned() };
    let behind = (kst_day(now) - Days::new(1) - day).num_days();
    if behind > 0 { format!("{day} (−{behind} d)") } else { day.to_string() }
}

#[cfg(test)]
pub(super) mod tests {
    use rstest::rstest;

    use super::*;

    /// Monday 2026-02-16, 10:42 KST.
    pub(crate) fn at() -> DateTime<Utc> {
        "2026-02-16T01:42:00Z".parse().expect("a time")
    }

    pub(crate) fn report(mall: &str, through: Option<&str>) -> MallReport {
        MallReport {
            mall_id: mall.to_owned(),
            agency: "default".to_owned(),
            shops: vec![1],
            state: "active".to_owned(),
            reason: None,
            state_since: at(),
            mode: Some("api".to_owned()),
            limiter_key: mall.to_owned(),
            complete_through: through.map(|day| day.parse().expect("a day")),
            gaps: 0,
            waiting: 0,
            running: 0,
            dead: 0,
            dead_causes: 0,
            dead_group: None,
            dead_cause: None,
        }
    }

    #[rstest]
    #[case::complete(Some("2026-02-15"), 0, "2026-02-16T01:42:00Z", Status::Fresh)]
    #[case::history_waits(Some("2026-02-15"), 1_080, "2026-02-16T01:42:00Z", Status::CatchingUp)]
    #[case::before_the_deadline(Some("2026-02-14"), 0, "2026-02-15T23:59:00Z", Status::CatchingUp)]
    #[case::after_the_deadline(Some("2026-02-14"), 0, "2026-02-16T00:00:00Z", Status::Late)]
    #[case::running_makes_nothing_fresh(Some("2026-02-14"), 8, "2026-02-16T01:42:00Z", Status::Late)]
    #[case::new_and_running(None, 8, "2026-02-16T01:42:00Z", Status::CatchingUp)]
    #[case::new_and_forgotten(None, 0, "2026-02-16T01:42:00Z", Status::NeedsYou)]
    fn data_and_deadline_decide(
        #[case] through: Option<&str>,
        #[case] waiting: i64,
        #[case] now: &str,
        #[case] expected: Status,
    ) {
        let mut mall = report("hanbit", through);
        mall.waiting = waiting;
        assert_eq!(health(&mall, now.parse().expect("a time")).status, expected);
    }

    #[test]
    fn a_mall_that_needs_a_person_says_which_command_mends_it() {
        let mut mall = report("hanbit", Some("2026-02-15"));
        mall.state = "needs_consent".to_owned();
        mall.reason = Some("the refresh token is dead".to_owned());
        let found = health(&mall, at());
        assert_eq!(found.status, Status::NeedsYou);
        assert_eq!(
            (found.reason.as_str(), found.action.as_str()),
            ("the refresh token is dead", "cafe24-sync connect hanbit")
        );
        mall.state = "active".to_owned();
        mall.mode = Some("off".to_owned());
        assert_eq!(health(&mall, at()).reason, "mode is 'off': nothing is sent");
    }
}
