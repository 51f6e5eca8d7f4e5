//! The calls, one after the other, each with a token of the mall's bucket.

use std::time::Duration;

use common::api::{ApiClient, Looked, Question};
use common::config::Secret;
use common::domain::calendar::Granularity;
use common::domain::ids::ShopNo;
use common::domain::job::Wanted;
use common::limiter::{Limiter, Observation, RedisLimiter};
use common::oauth::{FreshToken, TokenError, TokenKeeper};
use common::store::{Connector, SealedTokenStore};

use super::paced::{NoLeave, granted};
use super::plan::{Call, FEW, Step};

/// How long a busy bucket is waited for, for each call: workers of the same mall take turns with us.
const PATIENCE: Duration = Duration::from_mins(1);

/// A call and its answer.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) step: Step,
    pub(crate) looked: Looked,
}

/// Why the rest was not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// No access token.
    #[error("there is no access token")]
    Token(#[from] TokenError),
    /// No token of the bucket.
    #[error("nothing more is sent")]
    Leave(#[from] NoLeave),
    /// The answer says that every other call would have the same one.
    #[error("every further call would be answered alike")]
    Alike,
}

/// What sends.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) api: &'a ApiClient,
    pub(crate) limiter: &'a RedisLimiter,
    pub(crate) keeper: &'a TokenKeeper<SealedTokenStore>,
    pub(crate) mall: &'a Connector,
}

impl Sender<'_> {
    /// Makes the calls. What was seen counts also if the rest was not sent.
    pub(crate) async fn all(&self, steps: &[Step]) -> (Vec<Seen>, Option<Stop>) {
        let mut seen = Vec::with_capacity(steps.len());
        for step in steps {
            match self.one(step).await {
                Ok(looked) => {
                    let alike = looked.fault.is_some() || matches!(looked.status, Some(401 | 403 | 429));
                    seen.push(Seen { step: *step, looked });
                    if alike && seen.len() < steps.len() {
                        return (seen, Some(Stop::Alike));
                    }
                }
                Err(stop) => return (seen, Some(stop)),
            }
        }
        (seen, None)
    }

    /// One call; a refused access token is renewed once.
    async fn one(&self, step: &Step) -> Result<Looked, Stop> {
        let mall = &self.mall.mall_id;
        let token = self.keeper.token(mall, 0).await?;
        let looked = self.send(step, &token).await?;
        if looked.status != Some(401) {
            return Ok(looked);
        }
        let token = self.keeper.after_unauthorized(mall, token.version).await?;
        self.send(step, &token).await
    }

    async fn send(&self, step: &Step, token: &FreshToken) -> Result<Looked, Stop> {
        let key = &self.mall.limiter_key;
        let grant = granted(self.limiter, key, PATIENCE).await?;
        let looked = self.look(step, &token.access).await;
        if looked.status.is_some() {
            let told = Observation {
                remaining: looked.limits.remaining,
                burst_capacity: looked.limits.burst,
                replenish_rate: looked.limits.replenish,
                throttled: looked.status == Some(429),
                retry_after: looked.retry_after,
                elapsed: looked.elapsed,
                in_flight: 1,
            };
            // Untold, the bucket knows less; the next answer tells it.
            let _ = self.limiter.observe(key, &grant, told).await;
        }
        Ok(looked)
    }

    async fn look(&self, step: &Step, token: &Secret) -> Looked {
        let wanted = Wanted {
            mall_id: &self.mall.mall_id,
            shop_no: self.mall.shops.first().copied().unwrap_or(ShopNo::FIRST),
            endpoint: step.endpoint,
            granularity: Granularity::Day,
            chunk: step.chunk,
        };
        // Steps are made of endpoints that the dialect has.
        let Some(question) = Question::new(wanted, self.mall.dialect) else { return Looked::nothing() };
        let question = match step.call {
            Call::Day | Call::Earlier | Call::Range => question,
            Call::Limit => question.limit(FEW),
            Call::Hour => question.with("format_type", "hour"),
            Call::Locale => question.with("locale", "en-US"),
            Call::Nowhere => question.nowhere(),
        };
        self.api.look(&question, token).await
    }
}
