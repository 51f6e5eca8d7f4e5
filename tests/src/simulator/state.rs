//! What all connections share: malls, tokens, faults, behind one lock held for moments only.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use chrono::{DateTime, NaiveDate, Utc};
use tokio::sync::watch;

use super::bucket::Bucket;
use super::clock::SimClock;
use super::config::{DayKind, LimiterScope, MallSpec, SimConfig, Size};
use super::data::{Source, State};
use super::dialect::Dialect;
use super::endpoint::{Endpoint, Granularity};
use super::fault::FaultBook;
use super::names;
use super::seen::Seen;
use super::served::ServedLog;
use super::server::SimError;
use super::tokens::TokenBook;

/// Malls one simulator holds at most.
const MALLS_MAX: usize = 100_000;
/// Restatements remembered for each mall; each is one of a day, of its week and of its month.
const RESTATEMENTS_MAX: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: SimConfig,
    pub(crate) clock: SimClock,
    /// Arrival times count from here.
    pub(crate) origin: Instant,
    pub(crate) origin_wall: SystemTime,
    /// Counts the releases of held answers.
    pub(crate) releases: watch::Sender<u64>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) malls: BTreeMap<String, Mall>,
    pub(crate) tokens: TokenBook,
    pub(crate) faults: FaultBook,
    pub(crate) unknown_mall: u64,
    /// Where the consent page led last.
    pub(crate) redirected: Option<String>,
    /// Answers held back right now.
    pub(crate) held: usize,
    host_bucket: Bucket,
}

#[derive(Debug)]
pub(crate) struct Mall {
    pub(crate) spec: MallSpec,
    pub(crate) seen: Seen,
    pub(crate) served: ServedLog,
    bucket: Bucket,
    /// When each period was restated by hand, oldest first.
    restated: HashMap<Period, Vec<DateTime<Utc>>>,
    restatements: usize,
}

/// An endpoint's day, week or month, by its first day.
pub(crate) type Period = (Endpoint, Granularity, NaiveDate);

/// As of which moment figures are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// The simulated present.
    Now,
    /// A moment, past or to come, with what was restated by hand until now.
    At(DateTime<Utc>),
    /// After so many changes.
    Serial(u64),
}

impl Shared {
    pub(crate) fn new(config: SimConfig) -> Result<Arc<Self>, SimError> {
        let origin = Instant::now();
        let inner = Inner {
            malls: BTreeMap::new(),
            tokens: TokenBook::default(),
            faults: FaultBook::default(),
            unknown_mall: 0,
            redirected: None,
            held: 0,
            host_bucket: full_bucket(&config, origin),
        };
        let specs = generated(&config).chain(config.extra_malls.clone()).collect::<Vec<_>>();
        let shared = Self {
            config,
            clock: SimClock::default(),
            origin,
            origin_wall: SystemTime::now(),
            releases: watch::Sender::new(0),
            inner: Mutex::new(inner),
        };
        specs.into_iter().try_for_each(|spec| shared.add_mall(spec))?;
        Ok(Arc::new(shared))
    }

    /// The lock; a panic elsewhere leaves counters at worst one short.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_mall(&self, spec: MallSpec) -> Result<(), SimError> {
        let id = &spec.mall_id;
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if id.is_empty() || id.len() > 40 || !id.bytes().all(fits) {
            return Err(SimError::InvalidMallId(id.clone()));
        }
        let mut inner = self.lock();
        if inner.malls.contains_key(id) || inner.malls.len() >= MALLS_MAX {
            return Err(SimError::MallExists(id.clone()));
        }
        let mall = Mall {
            bucket: full_bucket(&self.config, Instant::now()),
            seen: Seen::default(),
            served: ServedLog::default(),
            restated: HashMap::new(),
            restatements: 0,
            spec,
        };
        inner.malls.insert(mall.spec.mall_id.clone(), mall);
        Ok(())
    }

    /// Does something with one mall's state.
    pub(crate) fn with_mall<T>(
        &self,
        mall_id: &str,
        act: impl FnOnce(&mut Mall) -> T,
    ) -> Result<T, SimError> {
        self.lock().mall(mall_id).map(act)
    }

    /// Does something with the bucket that mall's requests are counted in.
    pub(crate) fn with_bucket<T>(
        &self,
        mall_id: &str,
        act: impl FnOnce(&mut Bucket) -> T,
    ) -> Result<T, SimError> {
        self.lock().bucket(mall_id, self.config.limiter_scope).map(act)
    }

    /// Where a shop's figures come from; `None` for a shop that the mall does not have.
    pub(crate) fn source(&self, mall: &Mall, shop: u32) -> Option<Source> {
        mall.spec.shops.contains(&shop).then(|| Source::new(self.config.seed, &mall.spec, shop))
    }

    /// How far a period's figures have come.
    pub(crate) fn state(&self, mall: &Mall, source: &Source, period: Period, when: When) -> State {
        let by_hand = mall.restated.get(&period).map_or(&[][..], Vec::as_slice);
        let (endpoint, granularity, start) = period;
        let (at, restated) = match when {
            When::Now => (self.clock.now(), by_hand.len()),
            When::At(moment) => (moment, by_hand.partition_point(|at| *at <= moment)),
            When::Serial(serial) if self.config.days == DayKind::Living => {
                let mut changes = source.changes(endpoint, granularity, start);
                changes.extend(by_hand);
                changes.sort_unstable();
                let past = usize::try_from(serial).unwrap_or(usize::MAX).min(changes.len());
                let moment = past.checked_sub(1).map_or(DateTime::<Utc>::MIN_UTC, |last| changes[last]);
                return self.state(mall, source, period, When::At(moment));
            }
            When::Serial(serial) => return State::restated(serial),
        };
        if self.config.days == DayKind::Whole {
            return State::restated(restated as u64);
        }
        let mut state = source.living(endpoint, granularity, start, at);
        state.serial += restated as u64;
        state.revision += restated as u64;
        state
    }
}

impl Inner {
    pub(crate) fn mall(&mut self, mall_id: &str) -> Result<&mut Mall, SimError> {
        self.malls.get_mut(mall_id).ok_or_else(|| SimError::UnknownMall(mall_id.to_owned()))
    }

    pub(crate) fn bucket(&mut self, mall_id: &str, scope: LimiterScope) -> Result<&mut Bucket, SimError> {
        let mall = self.malls.get_mut(mall_id).ok_or_else(|| SimError::UnknownMall(mall_id.to_owned()))?;
        Ok(match scope {
            LimiterScope::Mall => &mut mall.bucket,
            LimiterScope::Host => &mut self.host_bucket,
        })
    }
}

impl Mall {
    /// Changes the figures of a day, its week and its month.
    pub(crate) fn restate(
        &mut self,
        endpoint: Endpoint,
        day: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<(), SimError> {
        if self.restatements >= RESTATEMENTS_MAX {
            return Err(SimError::TooManyRestatements);
        }
        self.restatements += 1;
        for granularity in Granularity::ALL {
            let moments = self.restated.entry((endpoint, granularity, granularity.start(day))).or_default();
            // The clock may have been set back.
            moments.insert(moments.partition_point(|at| *at <= now), now);
        }
        Ok(())
    }
}

fn full_bucket(config: &SimConfig, now: Instant) -> Bucket {
    Bucket::new(config.bucket, config.capacity, config.refill_per_second, config.rate_multiplier, now)
}

/// Large malls come last, every fourth of the others is medium; live ones come first.
fn generated(config: &SimConfig) -> impl Iterator<Item = MallSpec> + use<> {
    let (malls, live, agencies) = (config.malls, config.live_malls, config.agencies.max(1));
    let small = malls.saturating_sub(config.large_malls.unwrap_or(malls / 8));
    (0..malls).map(move |number| MallSpec {
        agency: format!("agency-{}", number % agencies + 1),
        size: match number {
            n if n >= small => Size::Large,
            n if n % 4 == 1 => Size::Medium,
            _ => Size::Small,
        },
        dialect: if number < live { Dialect::Live } else { Dialect::Seed },
        ..MallSpec::new(&names::mall_id(number))
    })
}
