//! Which lanes are sent now, for whom.
//!
//! Most malls have the terms of all: hours of the configuration, and pauses of whole lanes. A mall may have others, its own
//! or its agency's. The feeder goes by limiter keys, so [`Sent`] says of each key what is sent of any of its malls, and of
//! keys that several malls share whose jobs are left out.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::hours::{Hours, InvalidHours};
use super::ids::{LimiterKey, MallId};
use super::job::Lane;

/// The lanes whose jobs are handed to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    fresh: bool,
    backfill: bool,
}

impl Lanes {
    /// Both.
    pub const ALL: Self = Self { fresh: true, backfill: true };

    /// All but the `paused` ones, and no backfill outside its `hours`.
    pub fn at(now: DateTime<Utc>, hours: Option<Hours>, paused: &[Lane]) -> Self {
        Self {
            fresh: !paused.contains(&Lane::Fresh),
            backfill: !paused.contains(&Lane::Backfill) && hours.is_none_or(|hours| hours.contains(now)),
        }
    }

    /// Whether `lane` is among them.
    pub fn has(self, lane: Lane) -> bool {
        match lane {
            Lane::Fresh => self.fresh,
            Lane::Backfill => self.backfill,
        }
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { fresh: self.fresh || other.fresh, backfill: self.backfill || other.backfill }
    }

    /// First and last of them in the order of their names, as `feed_next.sql` wants them; `None`: nothing is sent.
    pub fn bounds(self) -> Option<(Lane, Lane)> {
        match (self.backfill, self.fresh) {
            (true, true) => Some((Lane::Backfill, Lane::Fresh)),
            (true, false) => Some((Lane::Backfill, Lane::Backfill)),
            (false, true) => Some((Lane::Fresh, Lane::Fresh)),
            (false, false) => None,
        }
    }
}

/// When lanes are sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LaneTerms {
    /// When backfills are; none: always.
    pub hours: Option<Hours>,
    /// Lanes that are not.
    pub paused: Vec<Lane>,
}

impl LaneTerms {
    /// The lanes that are sent at `now`.
    pub fn lanes(&self, now: DateTime<Utc>) -> Lanes {
        Lanes::at(now, self.hours, &self.paused)
    }
}

/// Hours of backfills that a mall or an agency has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum OwnHours {
    /// At any time, whatever the configuration says.
    Always,
    /// In these.
    Within(Hours),
}

const ALWAYS: &str = "always";

impl OwnHours {
    /// The hours; none: at any time.
    pub fn hours(self) -> Option<Hours> {
        match self {
            Self::Always => None,
            Self::Within(hours) => Some(hours),
        }
    }
}

impl FromStr for OwnHours {
    type Err = InvalidHours;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == ALWAYS { Ok(Self::Always) } else { text.parse().map(Self::Within) }
    }
}

impl fmt::Display for OwnHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str(ALWAYS),
            Self::Within(hours) => hours.fmt(f),
        }
    }
}

impl From<OwnHours> for String {
    fn from(hours: OwnHours) -> Self {
        hours.to_string()
    }
}

/// A mall whose lanes are sent on terms of its own or its agency's, or that shares a bucket with such a mall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MallLanes {
    /// Its bucket.
    pub key: LimiterKey,
    /// The mall.
    pub mall: MallId,
    /// Its hours, or its agency's; none: as for all.
    pub hours: Option<OwnHours>,
    /// Lanes that are not sent of it, beside those that are not sent at all.
    pub paused: Vec<Lane>,
    /// Lanes in which jobs of it wait, if that was asked for.
    pub waiting: Vec<Lane>,
}

impl MallLanes {
    /// Its terms, where all others have `common` ones.
    pub fn terms(&self, common: &LaneTerms) -> LaneTerms {
        let paused = |lane: &Lane| common.paused.contains(lane) || self.paused.contains(lane);
        LaneTerms {
            hours: self.hours.map_or(common.hours, OwnHours::hours),
            paused: Lane::ALL.into_iter().filter(paused).collect(),
        }
    }
}

/// What is sent at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Of keys that are not named.
    others: Lanes,
    keys: BTreeMap<LimiterKey, Lanes>,
    held: BTreeMap<LimiterKey, Vec<(MallId, Lane)>>,
}

impl Sent {
    /// What is sent at `now`: of `malls` as their terms say, of all others as the common ones do.
    pub fn at(now: DateTime<Utc>, common: &LaneTerms, malls: &[MallLanes]) -> Self {
        let mut sent = Self { others: common.lanes(now), keys: BTreeMap::new(), held: BTreeMap::new() };
        let lanes = |mall: &MallLanes| mall.terms(common).lanes(now);
        for of_key in malls.chunk_by(|a, b| a.key == b.key) {
            let Some(key) = of_key.first().map(|mall| mall.key.clone()) else { continue };
            let all = of_key.iter().map(lanes).fold(Lanes { fresh: false, backfill: false }, Lanes::and);
            let held = of_key.iter().flat_map(|mall| {
                let its = lanes(mall);
                let left_out = move |lane: &Lane| all.has(*lane) && !its.has(*lane);
                Lane::ALL.into_iter().filter(left_out).map(|lane| (mall.mall.clone(), lane))
            });
            let held: Vec<_> = held.collect();
            if !held.is_empty() {
                sent.held.insert(key.clone(), held);
            }
            sent.keys.insert(key, all);
        }
        sent
    }

    /// What is sent of keys that [`keys`](Self::keys) does not name.
    pub fn others(&self) -> Lanes {
        self.others
    }

    /// The keys with terms of their own, and what is sent of them.
    pub fn keys(&self) -> impl Iterator<Item = (&LimiterKey, Lanes)> {
        self.keys.iter().map(|(key, lanes)| (key, *lanes))
    }

    /// What is sent of `key`, of whichever of its malls.
    pub fn of(&self, key: &LimiterKey) -> Lanes {
        self.keys.get(key).copied().unwrap_or(self.others)
    }

    /// Malls of `key` of which a lane is left out that is sent of others.
    pub fn held(&self, key: &LimiterKey) -> &[(MallId, Lane)] {
        self.held.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether nothing is sent of anybody.
    pub fn is_nothing(&self) -> bool {
        self.others.bounds().is_none() && self.keys.values().all(|lanes| lanes.bounds().is_none())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::by_night("2026-02-15T17:00:00Z", &[], Some((Lane::Backfill, Lane::Fresh)))]
    #[case::by_day("2026-02-16T03:00:00Z", &[], Some((Lane::Fresh, Lane::Fresh)))]
    #[case::backfill_paused_by_night("2026-02-15T17:00:00Z", &[Lane::Backfill], Some((Lane::Fresh, Lane::Fresh)))]
    #[case::fresh_paused_by_night("2026-02-15T17:00:00Z", &[Lane::Fresh], Some((Lane::Backfill, Lane::Backfill)))]
    #[case::fresh_paused_by_day("2026-02-16T03:00:00Z", &[Lane::Fresh], None)]
    fn a_lane_is_sent_in_its_hours_unless_it_is_paused(
        #[case] now: &str,
        #[case] paused: &[Lane],
        #[case] bounds: Option<(Lane, Lane)>,
    ) {
        let hours = "01:00-06:00".parse().ok();
        assert_eq!(Lanes::at(now.parse().expect("a time"), hours, paused).bounds(), bounds);
    }

    #[test]
    fn the_bounds_stand_in_the_order_of_the_names_in_postgres() {
        let (first, last) = Lanes::ALL.bounds().expect("both");
        assert!(first.as_str() < last.as_str());
        assert_eq!(Lanes::at(DateTime::UNIX_EPOCH, None, &[]), Lanes::ALL);
    }

    fn mall(key: &str, mall: &str, hours: Option<&str>, paused: &[Lane]) -> MallLanes {
        MallLanes {
            key: LimiterKey::try_from(key.to_owned()).expect("a key"),
            mall: mall.parse().expect("a mall"),
            hours: hours.map(|hours| hours.parse().expect("hours")),
            paused: paused.to_vec(),
            waiting: Vec::new(),
        }
    }

    #[test]
    fn a_malls_hours_go_before_those_of_all_and_pauses_add_up() {
        let noon = "2026-02-16T03:00:00Z".parse().expect("a time");
        let common = LaneTerms { hours: "01:00-06:00".parse().ok(), paused: Vec::new() };
        let malls = [
            mall("always", "always", Some("always"), &[]),
            mall("ill", "ill", Some("always"), &[Lane::Fresh]),
            mall("noon", "noon", Some("11:00-13:00"), &[]),
        ];
        let sent = Sent::at(noon, &common, &malls);
        let of = |sent: &Sent, name: &str| {
            let lanes = sent.of(&LimiterKey::try_from(name.to_owned()).expect("a key"));
            [Lane::Fresh, Lane::Backfill].map(|lane| lanes.has(lane))
        };
        assert_eq!(of(&sent, "other"), [true, false]);
        assert_eq!(of(&sent, "always"), [true, true]);
        assert_eq!(of(&sent, "ill"), [false, true]);
        assert_eq!(of(&sent, "noon"), [true, true]);
        let all_paused = LaneTerms { paused: vec![Lane::Backfill], ..common };
        assert_eq!(of(&Sent::at(noon, &all_paused, &malls), "always"), [true, false]);
        assert!(sent.keys().all(|(key, _)| sent.held(key).is_empty()), "each has a bucket of its own");
    }

    #[test]
    fn malls_that_share_a_bucket_hold_back_their_own_jobs_alone() {
        let malls = [
            mall("shared", "a", None, &[Lane::Backfill]),
            mall("shared", "b", None, &[]),
            mall("shared", "c", None, &[Lane::Fresh, Lane::Backfill]),
        ];
        let sent = Sent::at(DateTime::UNIX_EPOCH, &LaneTerms::default(), &malls);
        let key = &malls[0].key;
        assert_eq!(sent.of(key), Lanes::ALL);
        let held: Vec<_> = sent.held(key).iter().map(|(mall, lane)| format!("{mall} {lane}")).collect();
        assert_eq!(held, ["a backfill", "c fresh", "c backfill"]);
        let sent = Sent::at(DateTime::UNIX_EPOCH, &LaneTerms::default(), &malls[2..]);
        assert!(sent.of(key).bounds().is_none() && sent.held(key).is_empty(), "the key is not looked at");
        assert!(!sent.is_nothing(), "the others are");
    }
}
