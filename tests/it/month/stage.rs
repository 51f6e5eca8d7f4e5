//! The installation whose month passes: real programs, a Postgres and a clock of its own.

use std::fmt::Display;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tests::harness::{
    Context as _, Kind, MovedClock, OwnServer, Program, Result, Servers, Trouble, World, WorldConfig,
    wait_until,
};
use tests::simulator::{DayKind, SimConfig, SimulatorHandle};
use tokio_postgres::Client;
use tokio_util::task::AbortOnDropHandle;

use super::cast::{AGENCIES, Agency, HISTORY, Mall};
use super::promise::SWEEP_DAY;

/// Until all that is due at a stop is done.
const QUIET: Duration = Duration::from_mins(2);
const START: Duration = Duration::from_secs(20);
/// So much faster than the specification's bucket, that a month takes minutes.
const SPEED: f64 = 20.0;
const WORKERS: usize = 2;

/// Programs end before what they stand on.
pub(super) struct Stage {
    daemon: Option<Program>,
    workers: Vec<Program>,
    pub(super) world: World,
    /// The world's own connection does not outlive a crash.
    session: (Client, AbortOnDropHandle<()>),
    postgres: OwnServer,
    clock: MovedClock,
}

impl Stage {
    /// An empty installation at `start`, with a schedule for each agency.
    pub(super) async fn start(start: DateTime<Utc>) -> Result<Self> {
        let clock = MovedClock::at(start)?;
        let postgres = OwnServer::start_at(Kind::Postgres, &clock).await?;
        let servers = Servers { database: postgres.url(), ..Servers::from_env()? };
        let sim =
            SimConfig { malls: 0, days: DayKind::Living, rate_multiplier: SPEED, ..SimConfig::default() };
        let mut env = clock.environment();
        let first = AGENCIES[0];
        let settings = [
            ("SCHEDULE__ENABLED", "true".to_owned()),
            ("SCHEDULE__SETTLE", "2h".to_owned()),
            ("SCHEDULE__LOOKBACK", format!("{}d", first.lookback)),
            ("SCHEDULE__TODAY_EVERY", hours(first)),
            ("SCHEDULE__SWEEP_DAY", SWEEP_DAY.to_string()),
            ("SCHEDULE__ONBOARDING", format!("{HISTORY}d")),
            ("LIMITS__REFILL_PER_SECOND", (2.0 * SPEED).to_string()),
            ("FEED__SWEEP", "200ms".to_owned()),
        ];
        env.extend(settings.map(|(name, value)| (format!("CAFE24_SYNC__{name}"), value)));
        let config =
            WorldConfig { sim, servers: Some(servers), env, no_import: true, ..WorldConfig::default() };
        let world = World::start_with(config).await?;
        world.sim.clock().set_now(clock.now());
        let session = world.db.connect().await?;
        Ok(Self { daemon: None, workers: Vec::new(), world, session, postgres, clock })
    }

    pub(super) fn sim(&self) -> &SimulatorHandle {
        &self.world.sim
    }

    pub(super) fn client(&self) -> &Client {
        &self.session.0
    }

    /// One number, such as `SELECT count(*) FROM jobs`.
    pub(super) async fn number(&self, sql: &str) -> Result<i64> {
        Ok(self.client().query_one(sql, &[]).await.with_context(|| sql.to_owned())?.get(0))
    }

    pub(super) async fn is_in_state(&self, mall: &str, state: &str) -> Result<()> {
        let sql = "SELECT state FROM connectors WHERE mall_id = $1";
        let found: String = self.client().query_one(sql, &[&mall]).await.context(sql)?.get(0);
        if found == state { Ok(()) } else { Err(Trouble::new(format!("{mall} is {found}, not {state}"))) }
    }

    /// Whether the daemon is there.
    pub(super) fn runs(&self) -> bool {
        self.daemon.is_some()
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// What the agencies want that is not the configuration's.
    pub(super) async fn schedules(&self) -> Result<()> {
        for agency in &AGENCIES[1..] {
            let (lookback, today) = (format!("{}d", agency.lookback), hours(*agency));
            let settings = ["--lookback", &lookback, "--today-every", &today];
            let command = [&["schedule", "set", "--agency", agency.name][..], &settings].concat();
            self.world.cli(&command).await?.success()?;
        }
        Ok(())
    }

    /// Malls join, with the tokens that the simulator has for them.
    pub(super) async fn join<'a>(&self, malls: impl IntoIterator<Item = &'a Mall>) -> Result<()> {
        for mall in malls {
            self.sim().add_mall(mall.spec.clone()).context("a new mall")?;
        }
        self.world.import().await
    }

    /// Starts daemon and workers.
    pub(super) async fn run(&mut self) -> Result<()> {
        let programs = self.world.programs.clone().quiet();
        let daemon = programs.serve()?;
        daemon.event("leader.acquired", START).await?;
        self.daemon = Some(daemon);
        for _ in 0..WORKERS {
            let worker = programs.worker()?;
            worker.event("worker.started", START).await?;
            self.workers.push(worker);
        }
        Ok(())
    }

    /// The machine goes down, with its Postgres, without a word.
    pub(super) async fn crash(&mut self) -> Result<()> {
        for program in self.workers.drain(..).chain(self.daemon.take()) {
            program.kill().await?;
        }
        self.postgres.kill().await
    }

    /// And comes back.
    pub(super) async fn recover(&mut self) -> Result<()> {
        self.postgres.resume().await?;
        self.session = self.world.db.connect().await?;
        self.run().await
    }

    /// The next moment comes for everybody.
    pub(super) fn turn_to(&mut self, moment: DateTime<Utc>) -> Result<()> {
        self.clock.set(moment)?;
        self.world.sim.clock().set_now(self.clock.now());
        Ok(())
    }

    /// Waits until no schedule is due, and nothing is left that may run now. What was only handed back is waited for.
    pub(super) async fn quiet(&self) -> Result<()> {
        let due = "SELECT (SELECT count(*) FROM schedule_ticks WHERE next_at <= now())
                        + (SELECT count(*) FROM jobs
                            WHERE work_state IN ('planned', 'queued', 'running')
                              AND not_before <= now() + CASE attempts WHEN 0 THEN interval '10 s' ELSE interval '0' END)";
        wait_until("all that is due is done", QUIET, || async { Ok(self.number(due).await? == 0) }).await
    }
}

fn hours(agency: Agency) -> String {
    agency.today_every.map_or_else(|| "off".to_owned(), |every| format!("{}h", every.as_secs() / 3600))
}

/// A figure for whoever runs with `--nocapture`.
pub(super) fn say(what: &str, figure: impl Display) {
    #[expect(clippy::print_stderr, reason = "only this macro is captured by the test runner")]
    {
        eprintln!("figure: {what}: {figure}");
    }
}
