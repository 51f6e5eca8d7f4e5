//! Whose prefix this is: every connection asks before anything else does (`docs/reliability.md` H1).

use std::sync::OnceLock;

use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Script};
use uuid::Uuid;

use super::RedisLimiter;
use crate::limiter::LimiterError;

const BIND: &str = include_str!("../scripts/bind.lua");

/// The mark of a prefix, and the installation that has to be found in it.
#[derive(Debug)]
pub(super) struct Mark {
    script: Script,
    key: String,
    ours: OnceLock<Uuid>,
}

impl Mark {
    pub(super) fn new(prefix: &str) -> Self {
        Self { script: Script::new(BIND), key: format!("{prefix}:deployment"), ours: OnceLock::new() }
    }

    /// On a new connection: it leads to our prefix, or is of no use. Says nothing as long as no installation is set.
    pub(super) async fn check(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> RedisResult<Result<(), LimiterError>> {
        let Some(ours) = self.ours.get() else { return Ok(Ok(())) };
        Ok(self.is_ours(&self.call(connection, *ours, "bind").await?))
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    async fn call(&self, connection: &mut MultiplexedConnection, id: Uuid, act: &str) -> RedisResult<String> {
        self.script.key(&self.key).arg(id.to_string()).arg(act).invoke_async(connection).await
    }

    fn is_ours(&self, theirs: &str) -> Result<(), LimiterError> {
        match self.ours.get() {
            Some(ours) if theirs != ours.to_string() => {
                Err(LimiterError::OtherDeployment { theirs: theirs.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

impl RedisLimiter {
    /// The same bucket, whose every connection must lead to the prefix of `id`; see [`bind`](Self::bind).
    #[must_use]
    pub fn bound_to(self, id: Uuid) -> Self {
        let _whoever_was_first = self.mark.ours.set(id);
        self
    }

    /// The installation that this prefix belongs to, if it belongs to any. Writes nothing.
    pub async fn deployment(&self) -> Result<Option<String>, LimiterError> {
        let mark = &self.mark;
        let ask = async |link: &mut _| mark.call(link, Uuid::nil(), "ask").await;
        let theirs = self.count(self.connection.call(&mark.key, ask).await)?;
        Ok((!theirs.is_empty()).then_some(theirs))
    }

    /// From now on this and every later connection must lead to the prefix of `id`; one that is nobody's becomes its.
    ///
    /// # Errors
    /// [`LimiterError::OtherDeployment`] if it is another one's, now and at every later call.
    pub async fn bind(&self, id: Uuid) -> Result<(), LimiterError> {
        let mark = &self.mark;
        let ours = *mark.ours.get_or_init(|| id);
        let bind = async |link: &mut _| mark.call(link, ours, "bind").await;
        let theirs = self.count(self.connection.call(&mark.key, bind).await)?;
        self.count(mark.is_ours(&theirs))
    }

    /// Makes the prefix the one of `id`, whoever had it.
    pub async fn adopt(&self, id: Uuid) -> Result<(), LimiterError> {
        let mark = &self.mark;
        let adopt = async |link: &mut _| mark.call(link, id, "adopt").await;
        self.count(self.connection.call(&mark.key, adopt).await).map(drop)
    }
}
