//! A job: one request's worth of work, as it travels.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::calendar::{DayRange, EmptyRange, Granularity};
use super::endpoint::Endpoint;
use super::ids::{MallId, ShopNo};

/// The order in which a mall's jobs use its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// What people wait for: the last days. Before everything else of its mall.
    Fresh,
    /// History: uses what the fresh lane leaves.
    Backfill,
}

/// The text is no lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a lane: use fresh or backfill")]
pub struct InvalidLane(String);

impl Lane {
    /// Both lanes, the urgent one first.
    pub const ALL: [Self; 2] = [Self::Fresh, Self::Backfill];

    /// The name used in routing keys, the database and the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Backfill => "backfill",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Lane {
    type Err = InvalidLane;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|lane| lane.as_str() == text).ok_or_else(|| InvalidLane(text.to_owned()))
    }
}

/// What is asked of the API, for whom, and how urgently. Carries no data and no secret.
///
/// Made only by its parser ([`Job::try_from`] a [`WireJob`]), so its chunk is a valid range of whole periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Identifies the wish: the same wish twice is the same job (see [`Job::derive_id`]).
    pub id: Uuid,
    /// Whose figures.
    pub mall_id: MallId,
    /// Which shop of the mall.
    pub shop_no: ShopNo,
    /// Which figures.
    pub endpoint: Endpoint,
    /// What one row covers.
    pub granularity: Granularity,
    /// The KST days asked for.
    pub chunk: DayRange,
    /// How urgently.
    pub lane: Lane,
    /// When the wish was made.
    pub requested_at: DateTime<Utc>,
}

/// A job's fields as they stand in a message or a database row, not yet checked against each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WireJob {
    /// See [`Job::id`].
    pub job_id: Uuid,
    /// See [`Job::mall_id`].
    pub mall_id: MallId,
    /// See [`Job::shop_no`].
    pub shop_no: ShopNo,
    /// See [`Job::endpoint`].
    pub endpoint: Endpoint,
    /// See [`Job::granularity`].
    pub granularity: Granularity,
    /// First day of the chunk.
    pub start: NaiveDate,
    /// Last day of the chunk, inclusive.
    pub end: NaiveDate,
    /// See [`Job::lane`].
    pub lane: Lane,
    /// See [`Job::requested_at`].
    pub requested_at: DateTime<Utc>,
}

/// Fields that do not make a job together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJob {
    /// The chunk ends before it starts.
    #[error(transparent)]
    Range(#[from] EmptyRange),
    /// A week must start on Monday and end on Sunday; a month likewise.
    #[error("the chunk {0} does not hold whole periods of its granularity")]
    CutPeriod(DayRange),
    /// No request may be longer than this.
    #[error("the chunk {0} is longer than 366 days")]
    TooLong(DayRange),
}

impl TryFrom<WireJob> for Job {
    type Error = InvalidJob;

    fn try_from(wire: WireJob) -> Result<Self, Self::Error> {
        let chunk = DayRange::new(wire.start, wire.end)?;
        let granularity = wire.granularity;
        if granularity.period_start(chunk.start()) != chunk.start()
            || granularity.period_end(chunk.end()) != chunk.end()
        {
            return Err(InvalidJob::CutPeriod(chunk));
        }
        if chunk.days() > 366 {
            return Err(InvalidJob::TooLong(chunk));
        }
        Ok(Self {
            id: wire.job_id,
            mall_id: wire.mall_id,
            shop_no: wire.shop_no,
            endpoint: wire.endpoint,
            granularity,
            chunk,
            lane: wire.lane,
            requested_at: wire.requested_at,
        })
    }
}

impl From<&Job> for WireJob {
    fn from(job: &Job) -> Self {
        Self {
            job_id: job.id,
            mall_id: job.mall_id.clone(),
            shop_no: job.shop_no,
            endpoint: job.endpoint,
            granularity: job.granularity,
            start: job.chunk.start(),
            end: job.chunk.end(),
            lane: job.lane,
            requested_at: job.requested_at,
        }
    }
}

/// What a job fetches: the part of it that decides its identity.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Whose figures.
    pub mall_id: &'a MallId,
    /// Which shop.
    pub shop_no: ShopNo,
    /// Which figures.
    pub endpoint: Endpoint,
    /// What one row covers.
    pub granularity: Granularity,
    /// The KST days.
    pub chunk: DayRange,
}

impl Job {
    /// What it fetches.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted {
            mall_id: &self.mall_id,
            shop_no: self.shop_no,
            endpoint: self.endpoint,
            granularity: self.granularity,
            chunk: self.chunk,
        }
    }

    /// Whether the two jobs ask for a slice in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        (self.shop_no, self.endpoint, self.granularity) == (other.shop_no, other.endpoint, other.granularity)
            && self.chunk.start() <= other.chunk.end()
            && other.chunk.start() <= self.chunk.end()
            && self.mall_id == other.mall_id
    }

    /// The id of the `generation`-th wish (from 0) for the same thing: UUIDv5 of what is fetched and the generation.
    ///
    /// The same wish planned twice gets the same id, so planning twice publishes once; a wish made again after the
    /// first one ended (a refresh, a replay) is a new generation and gets a new id. See `docs/adr/0005`.
    pub fn derive_id(wanted: Wanted<'_>, generation: i32) -> Uuid {
        /// Namespace of this project's job ids.
        const NAMESPACE: Uuid = Uuid::from_u128(0x6b1c_1e0a_7a54_5d0c_9a5e_ca24_5a5c_0001);
        let name = format!(
            "{}/{}/{}/{}/{}/{}/{generation}",
            wanted.mall_id,
            wanted.shop_no,
            wanted.endpoint,
            wanted.granularity,
            wanted.chunk.start(),
            wanted.chunk.end(),
        );
        Uuid::new_v5(&NAMESPACE, name.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(start: &str, end: &str, granularity: Granularity) -> WireJob {
        WireJob {
            job_id: Uuid::nil(),
            mall_id: "hanbit".parse().expect("valid"),
            shop_no: ShopNo::FIRST,
            endpoint: "visitors".parse().expect("valid"),
            granularity,
            start: start.parse().expect("a day"),
            end: end.parse().expect("a day"),
            lane: Lane::Fresh,
            requested_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_negative_range_and_a_cut_week_are_no_jobs() {
        assert!(matches!(
            Job::try_from(wire("2026-02-02", "2026-02-01", Granularity::Day)),
            Err(InvalidJob::Range(_))
        ));
        let cut = Job::try_from(wire("2026-02-03", "2026-02-08", Granularity::Week));
        assert!(matches!(cut, Err(InvalidJob::CutPeriod(_))));
        assert!(Job::try_from(wire("2026-02-02", "2026-02-08", Granularity::Week)).is_ok());
    }

    #[test]
    fn the_same_wish_has_the_same_id_and_the_next_generation_another() {
        let job = Job::try_from(wire("2026-02-01", "2026-02-02", Granularity::Day)).expect("valid");
        let wanted = job.wanted();
        assert_eq!(Job::derive_id(wanted, 0), Job::derive_id(wanted, 0));
        assert_ne!(Job::derive_id(wanted, 0), Job::derive_id(wanted, 1));
    }
}
