//! What all connections share: malls, tokens, faults, behind one lock held for moments only.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use chrono::NaiveDate;
use tokio::sync::watch;

use super::bucket::Bucket;
use super::clock::SimClock;
use super::config::{LimiterScope, MallSpec, SimConfig, Size};
use super::data::Source;
use super::endpoint::{Endpoint, Granularity};
use super::fault::FaultBook;
use super::names;
use super::seen::Seen;
use super::served::ServedLog;
use super::server::SimError;
use super::tokens::TokenBook;

/// Malls one simulator holds at most.
const MALLS_MAX: usize = 100_000;
/// Restated periods remembered for each mall.
const SERIALS_MAX: usize = 100_000;

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
    serials: HashMap<(Endpoint, Granularity, NaiveDate), u64>,
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
            serials: HashMap::new(),
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

    pub(crate) fn source(&self, spec: &MallSpec, shop: u32) -> Source {
        Source::new(self.config.seed, &spec.mall_id, shop, spec.size)
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
    pub(crate) fn serial(&self, endpoint: Endpoint, granularity: Granularity, period: NaiveDate) -> u64 {
        self.serials.get(&(endpoint, granularity, period)).copied().unwrap_or(0)
    }

    /// Changes the figures of a day, its week and its month; returns the day's new serial.
    pub(crate) fn restate(&mut self, endpoint: Endpoint, day: NaiveDate) -> Result<u64, SimError> {
        if self.serials.len() >= SERIALS_MAX {
            return Err(SimError::TooManyRestatements);
        }
        for granularity in Granularity::ALL {
            *self.serials.entry((endpoint, granularity, granularity.start(day))).or_insert(0) += 1;
        }
        Ok(self.serial(endpoint, Granularity::Day, day))
    }
}

fn full_bucket(config: &SimConfig, now: Instant) -> Bucket {
    Bucket::new(config.bucket, config.capacity, config.refill_per_second, config.rate_multiplier, now)
}

/// Large malls come last, every fourth of the others is medium.
fn generated(config: &SimConfig) -> impl Iterator<Item = MallSpec> + use<> {
    let (malls, agencies) = (config.malls, config.agencies.max(1));
    let small = malls.saturating_sub(config.large_malls.unwrap_or(malls / 8));
    (0..malls).map(move |number| MallSpec {
        mall_id: names::mall_id(number),
        agency: format!("agency-{}", number % agencies + 1),
        size: match number {
            n if n >= small => Size::Large,
            n if n % 4 == 1 => Size::Medium,
            _ => Size::Small,
        },
        shops: vec![1],
        approved: true,
    })
}
