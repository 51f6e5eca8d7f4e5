//! Does what a [`Flight`] says: the store, the token URL, the clock and the spool.

mod spooled;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::app::AppCredentials;
use super::client::OAuthClient;
use super::error::{DeathCause, OAuthError, TokenError, TokenStoreError};
use super::flight::{Answer, Event, Flight, Kept, Landing, Step};
use super::lease::Turn;
use super::spool::Spool;
use super::store::{Keep, StoredTokens, TokenStore};
use super::token::TokenPair;
use crate::clock;
use crate::domain::ids::MallId;
use crate::telemetry::{count_token_refresh, events};

/// The longest that another process's refresh is waited for. Jobs hold a slot meanwhile; later they come back by themselves.
const PATIENCE: Duration = Duration::from_secs(10);
/// A store that says nothing for this long is away.
const STORE_AT_MOST: Duration = Duration::from_secs(5);
/// After the grace is over, a call under way and one try to store its pair may still last so long.
const LAST_CALL: Duration = Duration::from_secs(16);

/// What all flights of a process share.
#[derive(Debug)]
pub(super) struct Desk<S> {
    pub(super) store: S,
    client: OAuthClient,
    spool: Option<Spool>,
    flights: TaskTracker,
    /// The process ends: pairs that cannot be stored go into the spool.
    closing: CancellationToken,
}

/// How a flight ended, with what it brought.
#[derive(Debug)]
pub(super) struct FlightEnd {
    pub(super) landing: Landing,
    /// The newest pair, after [`Landing::Renewed`] and [`Landing::Raced`].
    pub(super) tokens: Option<StoredTokens>,
    /// What killed the token, after [`Landing::Dead`].
    pub(super) death: Option<DeathCause>,
    /// The last failure of the token URL.
    pub(super) error: Option<OAuthError>,
}

/// What a flight has in its hands.
struct Hand {
    mall: MallId,
    used: i64,
    /// Names this flight in the lease.
    holder: String,
    leased: Option<(StoredTokens, Option<AppCredentials>)>,
    pair: Option<TokenPair>,
    newest: Option<StoredTokens>,
    death: Option<DeathCause>,
    error: Option<OAuthError>,
}

impl<S: TokenStore> Desk<S> {
    pub(super) fn new(store: S, client: OAuthClient, spool: Option<Spool>) -> Self {
        Self { store, client, spool, flights: TaskTracker::new(), closing: CancellationToken::new() }
    }

    /// Renews the pair of version `used`, in a task of its own: it ends well also if nobody waits for it any more.
    pub(super) async fn fly(
        self: &Arc<Self>,
        mall: &MallId,
        used: i64,
    ) -> Result<FlightEnd, TokenStoreError> {
        let (desk, mall) = (Arc::clone(self), mall.clone());
        let flight = self.flights.spawn(async move { desk.run(mall, used).await });
        match flight.await {
            Ok(end) => end,
            Err(panicked) => Err(TokenStoreError::Unavailable(Box::new(panicked))),
        }
    }

    async fn run(&self, mall: MallId, used: i64) -> Result<FlightEnd, TokenStoreError> {
        let started = Instant::now();
        let mut hand = Hand {
            mall,
            used,
            holder: uuid::Uuid::new_v4().simple().to_string(),
            leased: None,
            pair: None,
            newest: None,
            death: None,
            error: None,
        };
        let mut flight = Flight::new(PATIENCE);
        let mut event = if self.closing.is_cancelled() { Event::Closing } else { Event::Start };
        loop {
            event = match flight.next(event, started.elapsed()) {
                Step::Take => self.take(&mut hand).await?,
                Step::Wait(time) => {
                    self.unless_closing(sleep(time)).await.map_or(Event::Closing, |()| Event::Waited)
                }
                Step::Call => self.call(&mut hand).await,
                // One whole try is due also to a pair that comes when the grace is over.
                Step::Store if self.closing.is_cancelled() => self.keep(&mut hand).await,
                Step::Store => self.unless_closing(self.keep(&mut hand)).await.unwrap_or(Event::Closing),
                Step::Spool => {
                    self.write_spool(&hand);
                    Event::Spooled
                }
                Step::Release { unanswered } => {
                    if let Err(error) = self.store.release(&hand.mall, &hand.holder, unanswered).await {
                        tracing::debug!(mall = %hand.mall, error = &error as &dyn std::error::Error, "the lease ends by itself");
                    }
                    Event::Released
                }
                Step::Bury { lost_at } => self.bury(&mut hand, lost_at).await?,
                Step::Land(landing) => return self.land(landing, hand).await,
            };
        }
    }

    async fn unless_closing<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.closing.cancelled() => None,
        }
    }

    async fn take(&self, hand: &mut Hand) -> Result<Event, TokenStoreError> {
        let taken = self.store.take(&hand.mall, hand.used, &hand.holder).await?;
        match taken.turn {
            Turn::Newer => hand.newest = Some(taken.tokens),
            Turn::Theirs(_) => {}
            Turn::Ours { .. } => hand.leased = Some((taken.tokens, taken.app)),
        }
        Ok(Event::Turn(taken.turn, taken.at))
    }

    async fn call(&self, hand: &mut Hand) -> Event {
        let result = match &hand.leased {
            Some((tokens, Some(app))) => self.client.refresh(&hand.mall, &tokens.pair.refresh, app).await,
            Some((_, None)) | None => Err(OAuthError::InvalidClient),
        };
        let error = match result {
            Ok(pair) => {
                hand.pair = Some(pair);
                return Event::Called(Answer::Pair);
            }
            Err(error) => error,
        };
        let answer = match &error {
            OAuthError::InvalidGrant => {
                // Only now: by a clock of ours that is wrong, every mall's end has passed.
                let ended = |(tokens, _): &(StoredTokens, _)| tokens.pair.refresh_expires_at <= clock::now();
                hand.death = hand.leased.as_ref().is_some_and(ended).then_some(DeathCause::Expired);
                Answer::InvalidGrant
            }
            OAuthError::InvalidClient | OAuthError::Other { .. } => Answer::Refused,
            OAuthError::Network { .. } | OAuthError::Server { .. } | OAuthError::Unreadable(_) => {
                tracing::warn!(mall = %hand.mall, error = %error, "token refresh of {} got no pair", hand.mall);
                Answer::Lost { maybe_rotated: error.maybe_rotated(), again: error.may_try_again() }
            }
        };
        hand.error = Some(error);
        Event::Called(answer)
    }

    /// One try to store the pair. From the answer of the token URL on the old pair is dead: nothing comes in between.
    async fn keep(&self, hand: &mut Hand) -> Event {
        let (Some(pair), Some((old, _))) = (&hand.pair, &hand.leased) else {
            return Event::Stored(Kept::Older);
        };
        let kept = timeout(STORE_AT_MOST, self.store.keep(&hand.mall, old, pair)).await;
        Event::Stored(match kept {
            Ok(Ok(Keep::Stored(version))) => {
                let leased = hand.leased.take();
                hand.newest =
                    leased.map(|(tokens, _)| StoredTokens { pair: pair.clone(), version, ..tokens });
                Kept::Stored
            }
            Ok(Ok(Keep::Older) | Err(TokenStoreError::Missing)) => Kept::Older,
            Ok(Err(error)) => {
                tracing::warn!(mall = %hand.mall, error = &error as &dyn std::error::Error, "the new tokens of {} are not stored yet; trying again", hand.mall);
                Kept::Away
            }
            Err(_silent) => {
                tracing::warn!(mall = %hand.mall, "the new tokens of {} are not stored yet: the store is silent; trying again", hand.mall);
                Kept::Away
            }
        })
    }

    async fn bury(&self, hand: &mut Hand, lost_at: Option<DateTime<Utc>>) -> Result<Event, TokenStoreError> {
        let death = match (hand.death, lost_at) {
            (_, Some(at)) => DeathCause::RotationLost { at },
            (Some(death), None) => death,
            (None, None) => DeathCause::InvalidGrant,
        };
        let reason = TokenError::NeedsConsent { reason: death }.to_string();
        let buried = self.store.bury(&hand.mall, hand.used, &hand.holder, &reason, lost_at).await;
        let turn = match buried {
            Ok(turn) => turn,
            Err(error) => {
                // The others need not wait for our lease's end to find out the same.
                let _ = self.store.release(&hand.mall, &hand.holder, lost_at.is_some()).await;
                return Err(error);
            }
        };
        if let Turn::Ours { .. } = turn {
            hand.death = Some(death);
            let mall = &hand.mall;
            tracing::warn!(event = events::TOKEN_REFRESH_LOST, %mall, error = reason, "{mall} must be connected again: cafe24-sync connect {mall}");
        }
        Ok(Event::Buried(turn))
    }

    async fn land(&self, landing: Landing, mut hand: Hand) -> Result<FlightEnd, TokenStoreError> {
        let mall = &hand.mall;
        match landing {
            Landing::Renewed => {
                count_token_refresh("ok");
                let version = hand.used + 1;
                tracing::info!(event = events::TOKEN_REFRESHED, %mall, version, "tokens of {mall} renewed");
            }
            Landing::Raced => {
                count_token_refresh("raced");
                if hand.pair.is_some() {
                    tracing::warn!(%mall, "a late pair of {mall} is thrown away: a newer one is stored");
                }
                if hand.newest.is_none() {
                    hand.newest = Some(self.store.load(mall).await?);
                }
            }
            Landing::Busy | Landing::Failed | Landing::Dead { .. } | Landing::Spooled => {}
        }
        let Hand { newest, death, error, .. } = hand;
        Ok(FlightEnd { landing, tokens: newest, death, error })
    }

    pub(super) async fn settle(&self, grace: Duration) {
        self.flights.close();
        if timeout(grace, self.flights.wait()).await.is_err() {
            self.close().await;
        }
    }

    pub(super) async fn close(&self) {
        self.flights.close();
        self.closing.cancel();
        if timeout(LAST_CALL, self.flights.wait()).await.is_err() {
            tracing::error!("a token refresh did not end in time");
        }
    }
}
