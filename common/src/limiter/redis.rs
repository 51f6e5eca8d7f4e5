//! The bucket in Redis, shared by all workers.

mod calls;
mod clock;
mod connection;
mod counts;
mod deployment;
mod inspect;
mod scripts;
mod silence;
#[cfg(test)]
mod tests;
mod workers;

#[cfg(test)]
pub(super) use self::tests::test_redis;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use self::clock::ClockStep;
use self::connection::Connection;
use self::counts::Counters;
pub use self::counts::Counts;
use self::deployment::Mark;
pub use self::inspect::RedisFacts;
pub use self::scripts::Scripts;
use self::silence::Silences;
use super::reserves::Reserves;
use super::{BucketConfig, LimiterError};
use crate::domain::bucket::Limits;
use crate::domain::ids::LimiterKey;

/// No call to Redis takes longer: 1 s (`docs/reliability.md` R1).
pub const CALL_TIMEOUT: Duration = Duration::from_secs(1);

/// The bucket in Redis.
///
/// One multiplexed connection for all calls and one subscription for silences; both come back by themselves. Dropping it
/// ends both.
pub struct RedisLimiter {
    connection: Connection,
    mark: Arc<Mark>,
    scripts: Scripts,
    prefix: String,
    limits: Limits,
    reserves: Reserves,
    use_by: Duration,
    clock: ClockStep,
    silences: Arc<Silences>,
    counters: Counters,
    _subscription: JoinSet<()>,
}

impl RedisLimiter {
    /// Opens the bucket under `prefix` at `url` (`redis://` or `rediss://`); must be called inside a tokio runtime.
    ///
    /// Connects when first asked, so a Redis that is away is an error of the call, not of the start. Every call takes at
    /// most [`CALL_TIMEOUT`].
    /// # Errors
    /// [`LimiterError::Settings`] if the address does not parse or a setting is out of range.
    pub fn connect(url: &str, prefix: &str, config: BucketConfig) -> Result<Self, LimiterError> {
        Self::with_scripts(url, prefix, config, Scripts::default())
    }

    fn with_scripts(
        url: &str,
        prefix: &str,
        config: BucketConfig,
        scripts: Scripts,
    ) -> Result<Self, LimiterError> {
        let limits = config.limits()?;
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'{' | b'}')) {
            return Err(LimiterError::Settings(
                "the Redis prefix must be printable ASCII without blanks and braces".to_owned(),
            ));
        }
        let mark = Arc::new(Mark::new(prefix));
        let connection = Connection::new(url, Arc::clone(&mark))?;
        let silences = Arc::new(Silences::default());
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|_| LimiterError::Settings("the bucket was opened outside a runtime".to_owned()))?;
        let mut subscription = JoinSet::new();
        let listen = silence::listen(connection.client(), channel(prefix), Arc::clone(&silences));
        subscription.spawn_on(listen, &runtime);
        Ok(Self {
            connection,
            mark,
            scripts,
            prefix: prefix.to_owned(),
            limits,
            reserves: Reserves::default(),
            use_by: config.use_by,
            clock: ClockStep::default(),
            silences,
            counters: Counters::default(),
            _subscription: subscription,
        })
    }

    /// What this process asked and was told since its start.
    pub fn counts(&self) -> Counts {
        self.counters.snapshot()
    }

    /// The hash of one bucket. The braces are a hash tag: Redis Cluster spreads malls by what they enclose.
    fn bucket_key(&self, key: &LimiterKey) -> String {
        format!("{}:bucket:{{{key}}}", self.prefix)
    }
}

fn channel(prefix: &str) -> String {
    format!("{prefix}:silence")
}

impl fmt::Debug for RedisLimiter {
    /// Without the address: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLimiter")
            .field("prefix", &self.prefix)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
