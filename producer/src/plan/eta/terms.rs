//! What buckets have, and when lanes are sent: the terms under which something ends.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use common::clock::now;
use common::config::Config;
use common::domain::bucket::Reserve;
use common::domain::hours::Hours;
use common::domain::ids::LimiterKey;
use common::domain::job::Lane;
use common::domain::lanes::{LaneTerms, MallLanes};
use common::limiter::{BucketConfig, Gauge, Limiter};
use common::store::{Control, StoreError};

use crate::crew::{Absent, Crew, broker_absent};
use crate::feed::limiter;

/// The terms at one moment.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The moment.
    pub now: DateTime<Utc>,
    /// When backfills are sent; none: always.
    pub hours: Option<Hours>,
    /// Lanes that are not sent.
    pub paused: Vec<Lane>,
    /// Malls with other terms, and those that share a bucket with one.
    pub malls: BTreeMap<LimiterKey, Vec<MallLanes>>,
    /// What keys leave to others that have no share of their own.
    pub reserve: Reserve,
    /// What the keys' buckets have; none of a key that Redis said nothing of.
    pub gauges: BTreeMap<LimiterKey, Gauge>,
    /// What a bucket is like of which Redis said nothing: full.
    pub usual: Gauge,
    /// Redis did not answer: no bucket's level is known.
    pub unread: bool,
    /// Who is not at work, so that what waits goes on waiting. Programs are asked only for what is queued already (`at_work`): a
    /// plan is priced by its budget. The broker is asked for both, as Redis is: a server that is away is no figure of a price.
    pub absent: Option<Absent>,
}

impl Terms {
    /// The terms of `keys` as they are now. A Redis or a RabbitMQ that does not answer is no failure: then nobody knows an end.
    pub async fn read(config: &Config, control: &Control, keys: &[LimiterKey]) -> Result<Self, StoreError> {
        if keys.is_empty() {
            return Self::without_broker(config, control, keys).await;
        }
        let (terms, absent) =
            tokio::join!(Self::without_broker(config, control, keys), broker_absent(config, control));
        Ok(Self { absent, ..terms? })
    }

    async fn without_broker(
        config: &Config,
        control: &Control,
        keys: &[LimiterKey],
    ) -> Result<Self, StoreError> {
        let paused = control.lane_pauses().await?.into_iter().map(|pause| pause.lane).collect();
        let mut malls: BTreeMap<LimiterKey, Vec<MallLanes>> = BTreeMap::new();
        for mall in control.mall_lanes(true).await? {
            malls.entry(mall.key.clone()).or_default().push(mall);
        }
        let mut terms = Self { paused, malls, ..Self::usual(config) };
        if keys.is_empty() {
            return Ok(terms);
        }
        let reserves = control.reserves().await?;
        let gauges = match limiter(config, control) {
            Ok(limiter) => {
                for key in keys {
                    limiter.leave_free(key, reserves.get(key).copied());
                }
                limiter.gauges(keys).await.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match gauges {
            Ok(gauges) => terms.gauges = keys.iter().cloned().zip(gauges).collect(),
            Err(error) => {
                tracing::debug!(error, "the buckets' levels are unknown");
                terms.unread = true;
            }
        }
        Ok(terms)
    }

    /// The terms of full buckets, as the configuration has them.
    pub fn usual(config: &Config) -> Self {
        let limits = BucketConfig::from(config.limits).limits();
        // Settings that make no bucket were refused when they were read.
        let (capacity, per_second) = limits.map_or((1, config.limits.refill_per_second), |limits| {
            let full = common::domain::bucket::Bucket::default().gauge(&limits, 0, 0);
            (full.capacity, full.per_second)
        });
        Self {
            now: now(),
            hours: config.limits.backfill_hours,
            paused: Vec::new(),
            malls: BTreeMap::new(),
            reserve: config.limits.reserve,
            gauges: BTreeMap::new(),
            usual: Gauge { tokens: 0.0, capacity, per_second, silent: Duration::ZERO, known: false },
            unread: false,
            absent: None,
        }
    }

    /// The same, if only those work who are at work now. To start a program is of no use before the broker is there.
    #[must_use]
    pub(crate) fn at_work(self, crew: &Crew) -> Self {
        Self { absent: self.absent.or_else(|| crew.absent()), ..self }
    }

    /// Until when backfills wait for their hours, if they do.
    pub fn backfill_waits_until(&self) -> Option<DateTime<Utc>> {
        self.hours.filter(|hours| !hours.contains(self.now)).map(|hours| hours.opens(self.now))
    }

    /// When the lanes of `key` are sent. Of malls that share it and differ, the slowest one counts that has jobs waiting.
    pub fn lanes(&self, key: &LimiterKey) -> LaneTerms {
        let common = LaneTerms { hours: self.hours, paused: self.paused.clone() };
        let Some(malls) = self.malls.get(key) else { return common };
        let of = |lane: Lane| {
            let waiting: Vec<_> = malls.iter().filter(|mall| mall.waiting.contains(&lane)).collect();
            // Before there is a job, none of them is foreseen to have none.
            let whose = if waiting.is_empty() { malls.iter().collect() } else { waiting };
            whose.into_iter().map(|mall| mall.terms(&common)).collect::<Vec<_>>()
        };
        let paused = |lane: &Lane| of(*lane).iter().any(|terms| terms.paused.contains(lane));
        let hours = of(Lane::Backfill).into_iter().filter_map(|terms| terms.hours);
        LaneTerms {
            hours: hours.min_by_key(|hours| hours.length()),
            paused: Lane::ALL.into_iter().filter(paused).collect(),
        }
    }

    /// The bucket of `key`.
    pub fn gauge(&self, key: &LimiterKey) -> &Gauge {
        self.gauges.get(key).unwrap_or(&self.usual)
    }
}
