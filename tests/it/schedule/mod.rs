//! What is fetched by itself: the daemon and the workers are the real ones, and a test moves their wall clock.
//!
//! A [`Stage`] has a Postgres of its own that sees the same clock. Days and times are Korean.

mod by_hand;
mod crowd;
mod missed;
mod morning;
mod onboarding;
mod takeover;

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use common::clock;
use common::domain::calendar::kst;
use tests::harness::{
    Context as _, Kind, MovedClock, OwnServer, Program, Result, Servers, World, WorldConfig, wait_until,
};
use tests::simulator::{MallSpec, Size};

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);
/// Many looks of the scheduler.
const A_WHILE: Duration = Duration::from_secs(4);

/// Schedules of which nothing beats by itself while a test runs, whatever the time of the day is: the mornings are half a day away.
fn far_from_any_beat() -> Vec<(String, String)> {
    let morning = (clock::now() + TimeDelta::hours(12)).with_timezone(&kst()).format("%H:%M").to_string();
    [("ENABLED", "true"), ("DAILY_AT", morning.as_str()), ("TODAY_EVERY", "off"), ("SWEEP", "off")]
        .map(|(name, value)| (format!("CAFE24_SYNC__SCHEDULE__{name}"), value.to_owned()))
        .into()
}

/// An installation whose wall clock is moved. The programs end before what they stand on.
struct Stage {
    daemon: Option<Program>,
    _worker: Program,
    world: World,
    clock: MovedClock,
    _postgres: OwnServer,
}

impl Stage {
    /// Malls that are new at this KST time, of which so many days are wanted.
    async fn at(now: &str, onboarding: &str, malls: &[&str]) -> Result<Self> {
        let clock = MovedClock::at(at(now))?;
        let postgres = OwnServer::start_at(Kind::Postgres, &clock).await?;
        let servers = Servers { database: postgres.url(), ..Servers::from_env()? };
        let spec = |mall: &&str| MallSpec { size: Size::Small, ..MallSpec::new(mall) };
        let mut config = WorldConfig::wide(malls.iter().map(spec))
            .set("SCHEDULE__ENABLED", "true")
            .set("SCHEDULE__SETTLE", "2h")
            .set("SCHEDULE__ONBOARDING", onboarding);
        config.env.extend(clock.environment());
        config.servers = Some(servers);
        config.no_import = true;
        let world = World::start_with(config).await?;
        world.sim.clock().set_now(clock.now());
        world.import().await?;
        let worker = world.programs.worker()?;
        let mut stage = Self { daemon: None, _worker: worker, world, clock, _postgres: postgres };
        stage.start_daemon()?;
        Ok(stage)
    }

    fn start_daemon(&mut self) -> Result<()> {
        self.daemon = Some(self.world.programs.serve()?);
        Ok(())
    }

    async fn stop_daemon(&mut self) -> Result<()> {
        match self.daemon.take() {
            Some(daemon) => daemon.stop(LIMIT).await.map(drop),
            None => Ok(()),
        }
    }

    /// Moves the clock of the programs, of Postgres and of Cafe24.
    fn set(&mut self, now: &str) -> Result<()> {
        self.clock.set(at(now))?;
        self.world.sim.clock().set_now(self.clock.now());
        Ok(())
    }

    /// Waits until this many jobs are done, and a while longer: no more may come.
    async fn done(&self, jobs: i64) -> Result<()> {
        let done = "SELECT count(*) FROM jobs WHERE work_state = 'done'";
        wait_until(&format!("{jobs} jobs done"), LIMIT, || async {
            Ok(self.world.db.number(done).await? >= jobs)
        })
        .await?;
        self.quiet(jobs).await
    }

    /// Nothing is planned for a while: there are still exactly so many jobs.
    async fn quiet(&self, jobs: i64) -> Result<()> {
        tokio::time::sleep(A_WHILE).await;
        let now = self.world.db.number("SELECT count(*) FROM jobs").await?;
        assert_eq!(now, jobs, "{:#?}", self.jobs().await?);
        Ok(())
    }

    /// `window fresh 2026-02-13…2026-02-15 ×4`: what was planned, in order.
    async fn jobs(&self) -> Result<Vec<String>> {
        let sql = "SELECT r.kind || ' ' || j.lane || ' ' || j.start_date || '…' || j.end_date || ' ×' || count(*) \
                   FROM jobs j JOIN runs r USING (run_id) GROUP BY r.kind, j.lane, j.start_date, j.end_date, j.generation \
                   ORDER BY min(j.requested_at), j.start_date DESC";
        let rows = self.world.db.client().query(sql, &[]).await.context(sql)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Days of the given states, for each endpoint the same.
    async fn slices(&self, state: &str) -> Result<Vec<String>> {
        let sql = "SELECT date::text FROM slices WHERE data_state = $1 GROUP BY date HAVING count(*) = 4 ORDER BY date";
        let rows = self.world.db.client().query(sql, &[&state]).await.context(sql)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn run_sql(&self, sql: &str) -> Result<()> {
        self.world.db.client().batch_execute(sql).await.with_context(|| sql.to_owned())
    }
}

/// A KST time, `2026-02-16T06:30`.
fn at(text: &str) -> DateTime<Utc> {
    let (day, time) = text.split_once('T').expect("a day and a time");
    let (day, time): (NaiveDate, NaiveTime) = (day.parse().expect("a day"), time.parse().expect("a time"));
    day.and_time(time).and_local_timezone(kst()).single().expect("KST has every hour").to_utc()
}
