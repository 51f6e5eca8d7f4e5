//! What a mall is to its operator: one word, and what to do about it.
//!
//! Which word holds is decided by the view `mall_freshness`, for analysts and
//! alerts alike. Here are the remedies.

use chrono::{DateTime, Days, NaiveDate, Utc};
use common::domain::calendar::kst_day;
use common::store::{ConnectorState, MallReport, Mode};

use crate::output::text::{counted, short};
use crate::remedy::Remedy;

/// A mall's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// Every wanted day up to yesterday is complete.
    Fresh,
    /// Not so, and not late: the deadline is not over, or older days are being fetched.
    CatchingUp,
    /// Not so after the deadline.
    Late,
    /// Only a person can mend it.
    NeedsYou,
    /// A person paused it, or its mode sends nothing.
    Paused,
}

impl Status {
    /// Reads the view's word; one of a newer version wants a look.
    fn parse(text: &str) -> Self {
        match text {
            "fresh" => Self::Fresh,
            "catching_up" => Self::CatchingUp,
            "late" => Self::Late,
            "paused" => Self::Paused,
            _ => Self::NeedsYou,
        }
    }

    /// For programs, as JSON has it.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::CatchingUp => "catching_up",
            Self::Late => "late",
            Self::NeedsYou => "needs_you",
            Self::Paused => "paused",
        }
    }

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

/// What `mall` is.
pub(super) fn health(mall: &MallReport) -> Health {
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
    let reason = mall.freshness_reason.clone().unwrap_or_default();
    let status = Status::parse(&mall.freshness);
    let action = match status {
        Status::Late if mall.waiting + mall.running + mall.parked == 0 => {
            format!("cafe24-sync enqueue --mall {id} --missing")
        }
        Status::NeedsYou if mall.wanted_from.is_none() => {
            format!("cafe24-sync enqueue --mall {id} --last 7d")
        }
        Status::NeedsYou | Status::Paused => "cafe24-sync endpoints list".to_owned(),
        Status::Fresh | Status::CatchingUp | Status::Late => String::new(),
    };
    of(status, reason, action)
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
            freshness: match through {
                Some("2026-02-15") => "fresh",
                Some(_) => "late",
                None => "needs_you",
            }
            .to_owned(),
            freshness_reason: match through {
                Some("2026-02-15") => None,
                Some(day) => Some(format!("complete through {day} only")),
                None => Some("no day was ever asked for".to_owned()),
            },
            wanted_from: through.and_then(|_| "2025-02-15".parse().ok()),
            complete_through: through.map(|day| day.parse().expect("a day")),
            gaps: 0,
            waiting: 0,
            running: 0,
            parked: 0,
            dead: 0,
            dead_causes: 0,
            dead_group: None,
            dead_cause: None,
        }
    }

    #[rstest]
    #[case::fresh(Some("2026-02-15"), 8, Status::Fresh, "")]
    #[case::late(Some("2026-02-14"), 0, Status::Late, "cafe24-sync enqueue --mall hanbit --missing")]
    #[case::late_and_in_work(Some("2026-02-14"), 8, Status::Late, "")]
    #[case::new_and_forgotten(None, 0, Status::NeedsYou, "cafe24-sync enqueue --mall hanbit --last 7d")]
    fn the_views_word_gets_its_remedy(
        #[case] through: Option<&str>,
        #[case] waiting: i64,
        #[case] status: Status,
        #[case] action: &str,
    ) {
        let mut mall = report("hanbit", through);
        mall.waiting = waiting;
        let found = health(&mall);
        assert_eq!((found.status, found.action.as_str()), (status, action));
    }

    #[test]
    fn a_dead_job_needs_you_whatever_else_is_fresh() {
        let mut mall = report("hanbit", Some("2026-02-15"));
        (mall.dead, mall.dead_causes) = (2, 2);
        assert_eq!(health(&mall).status, Status::NeedsYou);
    }

    #[test]
    fn an_endpoint_that_broke_for_all_malls_has_its_remedy_at_the_endpoints() {
        let mut mall = report("hanbit", Some("2026-02-15"));
        mall.freshness = "needs_you".to_owned();
        mall.freshness_reason = Some("domains is paused since the API changed".to_owned());
        let found = health(&mall);
        assert_eq!((found.status, found.action.as_str()), (Status::NeedsYou, "cafe24-sync endpoints list"));
    }

    #[test]
    fn a_mall_that_needs_a_person_says_which_command_mends_it() {
        let mut mall = report("hanbit", Some("2026-02-15"));
        mall.state = "needs_consent".to_owned();
        mall.reason = Some("the refresh token is dead".to_owned());
        let found = health(&mall);
        assert_eq!(found.status, Status::NeedsYou);
        assert_eq!(
            (found.reason.as_str(), found.action.as_str()),
            ("the refresh token is dead", "cafe24-sync connect hanbit")
        );
        mall.state = "active".to_owned();
        mall.mode = Some("off".to_owned());
        assert_eq!(health(&mall).reason, "mode is 'off': nothing is sent");
    }
}
