//! Pauses: their ends are kept, and the jobs follow.
//!
//! A pause of an endpoint of all malls is one row; parking the jobs behind it, and releasing them after it, is done here
//! in portions, when Postgres tells of a change and once at the start. A mall's own change moves its jobs itself, but not those
//! that somebody parks at the same moment, so its parked jobs are looked at once more after it, and after each who parked some.
//! A pause with a time to end ends here.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use common::store::{Channel, Control, StoreError};
use tokio::time::{MissedTickBehavior, interval};

use super::{Done, Duty, DutyError, Record, Work};

/// How often to look for pauses whose time is over.
const DUE: Duration = Duration::from_secs(2);
/// How a change of an endpoint of all malls is told.
const ALL_MALLS: &str = "*/";

#[derive(Debug)]
pub(super) struct Pausing {
    control: Control,
}

impl Pausing {
    pub(super) fn new(control: &Control) -> Self {
        Self { control: control.clone() }
    }

    /// Jobs follow the pauses: how many were parked, and released.
    async fn align(&self) -> Result<[i64; 2], StoreError> {
        let parked = self.control.park_paused().await?;
        let released = self.control.release_parked().await?;
        if parked + released > 0 {
            tracing::info!(event = "pauses.aligned", parked, released, "jobs follow the pauses");
        }
        Ok([parked, released])
    }

    /// Parked jobs of malls that something was told of are released if they wait for nothing.
    async fn look_again(&self, malls: &BTreeSet<String>) -> Result<(), StoreError> {
        let malls: Vec<_> = malls.iter().map(String::as_str).collect();
        let released = self.control.release_parked_of(&malls).await?;
        if released > 0 {
            tracing::info!(
                event = "pauses.aligned",
                released,
                "jobs were parked while their mall was resumed: released"
            );
        }
        Ok(())
    }

    /// Pauses end in time: how many did. A mall that took to another bucket goes on.
    async fn end(&self) -> Result<i64, StoreError> {
        let released = self.control.release_moved().await?;
        if released > 0 {
            tracing::info!(event = "pauses.aligned", released, "the buckets of malls are full");
        }
        let ended = self.control.end_due_pauses().await? + self.control.end_silent_probes().await?;
        if ended > 0 {
            tracing::info!(event = "pauses.ended", ended, "pauses ended by themselves");
        }
        Ok(ended)
    }
}

impl Work for Pausing {
    const DUTY: Duty = Duty::Pauses;

    async fn until_failure(&mut self, record: &Record) -> Result<Infallible, DutyError> {
        let mut told = self.control.listen(&[Channel::Connectors, Channel::Parked]).await?;
        self.align().await?;
        let mut due = interval(DUE);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = told.next() => {
                    // They come in bursts: one look for all that has arrived.
                    let mut heard = vec![changed?];
                    while let Some(more) = told.next_arrived() {
                        heard.push(more?);
                    }
                    match malls(&heard) {
                        Some(malls) => self.look_again(&malls).await?,
                        None => drop(self.align().await?),
                    }
                },
                _ = due.tick() => drop(self.end().await?),
            }
            record.passed();
        }
    }

    async fn once(&mut self) -> Result<Done, DutyError> {
        let ended = self.end().await?;
        let [parked, released] = self.align().await?;
        Ok(Done(vec![("pauses ended", ended), ("jobs parked", parked), ("jobs released", released)]))
    }
}

/// The malls that were told of: `mall` or `mall/endpoint`. `None`: all of them have to be looked at, since an endpoint of all
/// malls changed, or the session was made anew and something may have been missed.
fn malls(heard: &[Option<String>]) -> Option<BTreeSet<String>> {
    heard
        .iter()
        .map(|told| told.as_deref().filter(|told| !told.starts_with(ALL_MALLS)))
        .map(|told| told.map(|told| told.split('/').next().unwrap_or(told).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_names_its_mall_or_means_all_of_them() {
        let told = |words: &[&str]| words.iter().map(|word| Some((*word).to_owned())).collect::<Vec<_>>();
        let some = BTreeSet::from(["hanbit", "moonlit"].map(str::to_owned));
        assert_eq!(malls(&told(&["hanbit", "moonlit/products", "hanbit/visitors"])), Some(some));
        assert_eq!(malls(&told(&["hanbit", "*/products"])), None);
        assert_eq!(malls(&[Some("hanbit".to_owned()), None]), None);
    }
}
