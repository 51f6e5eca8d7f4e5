//! A month passes: thirty days of Korea in a few minutes, for forty malls of both dialects and three agencies.
//!
//! The programs are the real ones, on their real schedules; their wall clock and that of their Postgres is moved from stop to
//! stop ([`MovedClock`](tests::harness::MovedClock)), the simulator's with them. Its days live: today grows, finished days
//! are corrected for a week, products vanish and come. Meanwhile Cafe24 fails for a morning, our machine is down for two
//! days and a half, a mall loses its consent and gives it again, and a new one comes.
//!
//! At the end every wanted slice must be complete and its rows those that were true at the moment of its last possible
//! fetch, which [`promise`] works out from the schedules alone; no request may have been refused for its pace, and hardly
//! one may have been made that was not needed.

mod cast;
mod promise;
mod stage;
mod verdict;

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use tests::harness::{Context as _, Result};
use tests::simulator::{FaultKind, FaultRule, Granularity, MallReport};

use cast::{DAYS, FIRST, LOSER, Mall, NEWCOMER, kst, malls};
use promise::{Fetch, Kind, fetches, last_fetches, requests};
use stage::{Stage, say};
use verdict::{Verdict, judge};

/// Answers for each one needed. Tries that Cafe24 failed are not among them.
const MOST: f64 = 1.01;

/// The days on which something happens, from 0.
const CAFE24_FAILS: u64 = 7;
const NEWCOMER_COMES: u64 = 9;
const CONSENT_LOST: u64 = 11;
const CONSENT_GIVEN: u64 = 15;
const CRASH: u64 = 19;
const RECOVERY: u64 = 21;

#[tokio::test]
async fn a_month_of_forty_malls_is_complete_and_exact_through_outages_and_a_lost_consent() -> Result<()> {
    let began = Instant::now();
    let calendar = Calendar { first: FIRST.parse().context("a day")? };
    let mut stage = Stage::start(calendar.start()).await?;
    let malls = malls(calendar.start());
    stage.join(malls.iter().filter(|mall| mall.name() != NEWCOMER)).await?;
    stage.schedules().await?;
    stage.run().await?;
    stage.quiet().await?;
    for stop in calendar.stops() {
        stage.turn_to(stop)?;
        happen(&mut stage, &calendar, &malls, stop).await?;
        if stage.runs() {
            stage.quiet().await.with_context(|| format!("at {stop}"))?;
        }
    }
    say("minutes that the month took", format!("{:.1}", began.elapsed().as_secs_f64() / 60.0));
    judge_all(&stage, &calendar, &malls).await
}

/// When what happens.
struct Calendar {
    first: NaiveDate,
}

impl Calendar {
    fn at(&self, day: u64, hour: u32, minute: u32) -> DateTime<Utc> {
        kst(self.first + Days::new(day), hour, minute)
    }

    fn start(&self) -> DateTime<Utc> {
        self.at(0, 0, 20)
    }

    /// The moments at which the test looks whether all is done, in order.
    fn stops(&self) -> Vec<DateTime<Utc>> {
        let each = [(2, 30), (7, 5), (8, 35), (12, 35), (18, 35)];
        let usual = (0..DAYS).flat_map(|day| each.map(|(hour, minute)| self.at(day, hour, minute)));
        let mut stops: Vec<_> = usual.filter(|stop| !self.is_down(*stop)).collect();
        stops.extend([
            self.cafe24_fails(),
            self.newcomer(),
            self.consent_given(),
            self.crash(),
            self.recovery(),
        ]);
        // Often enough that a job uses up its tries.
        let tries = (1..=12).map(|n| self.cafe24_fails() + TimeDelta::minutes(15 * n));
        stops.extend(tries);
        stops.sort_unstable();
        stops.dedup();
        stops
    }

    fn cafe24_fails(&self) -> DateTime<Utc> {
        self.at(CAFE24_FAILS, 6, 5)
    }

    fn cafe24_is_well(&self) -> DateTime<Utc> {
        self.at(CAFE24_FAILS, 9, 5)
    }

    fn newcomer(&self) -> DateTime<Utc> {
        self.at(NEWCOMER_COMES, 11, 20)
    }

    fn consent_lost(&self) -> DateTime<Utc> {
        self.at(CONSENT_LOST, 12, 35)
    }

    fn consent_given(&self) -> DateTime<Utc> {
        self.at(CONSENT_GIVEN, 15, 0)
    }

    fn crash(&self) -> DateTime<Utc> {
        self.at(CRASH, 4, 0)
    }

    fn recovery(&self) -> DateTime<Utc> {
        self.at(RECOVERY, 15, 0)
    }

    fn is_down(&self, moment: DateTime<Utc>) -> bool {
        self.crash() <= moment && moment < self.recovery()
    }

    /// When what is due for `mall` can be done.
    fn done_at(&self, mall: &Mall, due: DateTime<Utc>) -> DateTime<Utc> {
        let mut at = due;
        if (self.cafe24_fails()..self.cafe24_is_well()).contains(&due) {
            at = self.cafe24_is_well();
        }
        if mall.name() == LOSER && (self.consent_lost()..self.consent_given()).contains(&due) {
            at = self.consent_given();
        }
        if self.is_down(due) {
            at = self.recovery();
        }
        let start = [self.start()];
        let stops = self.stops();
        start.iter().chain(&stops).find(|stop| **stop >= at).copied().unwrap_or(at)
    }
}

/// What the world does at this stop, and what the operator does about it.
async fn happen(stage: &mut Stage, calendar: &Calendar, malls: &[Mall], stop: DateTime<Utc>) -> Result<()> {
    if stop == calendar.cafe24_fails() {
        let fault = FaultKind::Status { code: 503, headers: BTreeMap::new(), body: None, retry_after: None };
        stage.sim().order(FaultRule::always(fault)).context("an outage")?;
    } else if stop == calendar.cafe24_is_well() {
        stage.sim().clear_faults();
        let letters = stage.number("SELECT count(*) FROM dead_letters WHERE state = 'open'").await?;
        say("dead letters of the outage", letters);
        assert!(letters > 0, "no job used up its tries");
        stage.world.cli(&["dead", "replay", "--all", "--yes"]).await?.success()?;
    } else if stop == calendar.newcomer() {
        stage.join(malls.iter().filter(|mall| mall.name() == NEWCOMER)).await?;
    } else if stop == calendar.consent_lost() {
        stage.sim().revoke_tokens(LOSER).context("revoke")?;
    } else if stop == calendar.consent_given() {
        stage.is_in_state(LOSER, "needs_consent").await?;
        stage.sim().issue_tokens(LOSER).context("consent")?;
        stage.world.import().await?;
    } else if stop == calendar.crash() {
        stage.crash().await?;
    } else if stop == calendar.recovery() {
        stage.recover().await?;
    }
    Ok(())
}

/// Requests that the schedules cannot do without, by kind of fetch.
type Needed = BTreeMap<Kind, usize>;

async fn judge_all(stage: &Stage, calendar: &Calendar, malls: &[Mall]) -> Result<()> {
    let mut verdict = Verdict::default();
    let mut needed = Needed::new();
    for mall in malls {
        let fetches = fetches(mall, stage.now(), |due| calendar.done_at(mall, due));
        judge(stage, mall, &last_fetches(&fetches), &mut verdict).await?;
        let of_mall = count(stage, mall, &fetches);
        let report = stage.sim().mall_report(mall.name()).context("report")?;
        let (answered, least) = (answered(&report), of_mall.values().sum::<usize>());
        if answered != least {
            say("answers of and needed for", format!("{}: {answered}, {least}", mall.name()));
        }
        for (kind, requests) in of_mall {
            *needed.entry(kind).or_default() += requests;
        }
    }
    let total = stage.sim().report().total;
    let (answered, least) = (answered(&total), needed.values().sum::<usize>());
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
    let ratio = answered as f64 / least as f64;
    say("malls", malls.len());
    say("slices complete", verdict.slices);
    say("of them restated", verdict.restated);
    say("rows compared", verdict.rows);
    say("requests by status", format!("{:?}", total.by_status));
    say("requests needed", format!("{least}: {needed:?}"));
    say("answers for each one needed", format!("{ratio:.4}"));
    say("throttled", total.throttled);

    let first: Vec<_> = verdict.faults.iter().take(20).collect();
    assert!(first.is_empty(), "{} faults, the first: {first:#?}", verdict.faults.len());
    assert_eq!((total.throttled, total.floor_violations), (0, 0));
    assert!(ratio <= MOST, "{ratio:.4} answers for each one that was needed");
    assert_eq!(stage.number("SELECT count(*) FROM dead_letters WHERE state = 'open'").await?, 0);
    stage.world.cli(&["coverage", "--all", "--check"]).await?.success()
}

fn count(stage: &Stage, mall: &Mall, fetches: &[Fetch]) -> Needed {
    let mut needed = Needed::new();
    for fetch in fetches {
        for shop in &mall.spec.shops {
            let rows = |endpoint, day| {
                let truth = stage.sim().truth_as_of(
                    mall.name(),
                    *shop,
                    endpoint,
                    Granularity::Day,
                    day,
                    day,
                    fetch.at,
                );
                truth.map_or(0, |rows| rows.len())
            };
            *needed.entry(fetch.kind).or_default() += requests(mall, fetch, rows);
        }
    }
    needed
}

fn answered(report: &MallReport) -> usize {
    report.by_status.get(&200).and_then(|count| usize::try_from(*count).ok()).unwrap_or_default()
}
