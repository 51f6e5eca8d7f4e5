//! Leadership: one process has a duty, the others stand by.
//!
//! An advisory lock on a session of its own. Postgres frees it when the session ends. A process that was stopped, or whose
//! machine is gone, ends no session; so the session may be idle for [`LEASE`] at most, and the leader beats more often
//! (`docs/reliability.md` S2).
//!
//! The other half of the lease is the leader's own: [`Leadership::hold`] ends [`LEASE`] after the last beat that was
//! answered was *sent*, by the monotonic clock, which goes on while a process is stopped. The server counts from when the
//! beat *arrived*, so the old leader knows that it does not lead any more before anybody else can.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection, Row};
use tokio::time::{Instant, sleep, sleep_until};

use super::error::StoreError;
use super::pool::Control;
use super::refusals;
use super::writable::{takes_writes, within};

/// A leader that says nothing for this long is no leader any more.
const LEASE: Duration = Duration::from_secs(6);
/// How often a leader shows that it lives: three beats may be lost.
const BEAT: Duration = Duration::from_millis(1_500);
/// How often who stands by asks for the lock. So a takeover takes 7 s at most, and the time of a statement or two.
const ASK: Duration = Duration::from_secs(1);

/// The lock, held as long as this value lives and [`hold`](Self::hold) goes on.
#[derive(Debug)]
pub struct Leadership {
    session: PgConnection,
    /// Until then the server cannot have given the lock to anybody else.
    until: Instant,
}

/// Who leads, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Host and process id.
    pub instance: String,
    /// When it took the lock.
    pub since: DateTime<Utc>,
}

impl Leadership {
    /// Holds the lock until it is lost, or may be: stop the duty at once. Look at this first whenever anything is looked
    /// at: a process that was stopped finds its lease over before it takes another step.
    pub async fn hold(&mut self) -> StoreError {
        loop {
            let beat = async {
                sleep(BEAT).await;
                let sent = Instant::now();
                // A lock on a server that takes no writes is of no use, and another server may have the same lock to give.
                takes_writes(&mut self.session).await.map(|writable| (sent, writable))
            };
            self.until = tokio::select! {
                biased;
                () = over(self.until) => return StoreError::Unavailable {
                    what: "no beat was answered in time".to_owned(),
                    source: format!("the lease of {} s is over", LEASE.as_secs()).into(),
                },
                beat = beat => match beat {
                    Ok((sent, true)) => sent + LEASE,
                    Ok((_, false)) => {
                        refusals::met();
                        return StoreError::read_only("the server of the lock".into());
                    }
                    Err(error) => return error,
                },
            };
        }
    }

    /// Gives the lock back.
    pub async fn release(self) -> Result<(), StoreError> {
        within(self.session.close()).await
    }
}

/// Ready from `at` on, at each look: also when the process was stopped and its timers have not caught up yet.
async fn over(at: Instant) {
    let mut alarm = pin!(sleep_until(at));
    poll_fn(|cx| if Instant::now() >= at { Poll::Ready(()) } else { alarm.as_mut().poll(cx) }).await;
}

impl Control {
    /// Tries to become the leader of `duty` as `instance`; `None` when another process is.
    pub async fn try_lead(&self, duty: &str, instance: &str) -> Result<Option<Leadership>, StoreError> {
        let mut session = self.candidate().await?;
        match ask(&mut session, duty, instance).await? {
            Some(until) => Ok(Some(Leadership { session, until })),
            None => within(session.close()).await.map(|()| None),
        }
    }

    /// Stands by until the lock of `duty` is free, and takes it as `instance`. May be dropped at any time.
    pub async fn lead_when_free(&self, duty: &str, instance: &str) -> Result<Leadership, StoreError> {
        let mut session = self.candidate().await?;
        loop {
            if let Some(until) = ask(&mut session, duty, instance).await? {
                return Ok(Leadership { session, until });
            }
            sleep(ASK).await;
        }
    }

    /// Who leads `duty` now; `None`: nobody.
    pub async fn leader(&self, duty: &str) -> Result<Option<Leader>, StoreError> {
        let row = sqlx::query(include_str!("sql/leader.sql")).bind(duty).fetch_optional(&self.pool).await?;
        row.map(|row| Ok(Leader { instance: row.try_get("instance")?, since: row.try_get("since")? }))
            .transpose()
    }

    async fn candidate(&self) -> Result<PgConnection, StoreError> {
        let lease = format!("{}ms", LEASE.as_millis());
        self.session(&[("idle_session_timeout", lease.as_str())]).await
    }
}

/// Asks for the lock, and says who has it now. Until when it is ours at least.
async fn ask(session: &mut PgConnection, duty: &str, instance: &str) -> Result<Option<Instant>, StoreError> {
    let lock = sqlx::query("SELECT pg_try_advisory_lock(hashtext('cafe24-sync'), hashtext($1))").bind(duty);
    if !within(lock.fetch_one(&mut *session)).await?.try_get(0)? {
        return Ok(None);
    }
    let sent = Instant::now();
    let told = sqlx::query(
        "INSERT INTO leaders (duty, instance) VALUES ($1, $2) \
         ON CONFLICT (duty) DO UPDATE SET instance = excluded.instance, since = now()",
    )
    .bind(duty)
    .bind(instance);
    within(told.execute(session)).await?;
    Ok(Some(sent + LEASE))
}
