//! The normal path and the API's failures: from `enqueue` to rows, through real servers and real programs.
//!
//! # How these tests are built
//!
//! [`Flow::start`] is a whole installation of its own: simulator, database, daemon, workers. Its malls have a fast
//! bucket with a wide margin, since most facts here are not about pace; [`Setup::specified`] has the real one.
//! What a test claims is read from the simulator's books, from the tables and from the broker, never from the
//! programs' own words. Days lie in the past, so that no test depends on when it runs.

mod alerts;
mod alive;
mod apps;
mod bad_data;
mod closed;
mod coverage;
mod crossing;
mod dead;
mod dice;
mod exact;
mod fences;
mod foreign;
mod forgotten;
mod hostile;
mod imports;
mod jumps;
mod keys;
mod late;
mod leases;
mod live;
mod losses;
mod messages;
mod oauth;
mod pages;
mod pauses;
mod permanent;
mod planning;
mod redelivery;
mod replay;
mod restated;
mod settling;
mod stops;
mod storm;
mod throttled;
mod transient;
mod wishes;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use serde_json::{Value, json};
use tests::harness::{Broker, Context as _, Output, Program, Result, World, WorldConfig, wait_until};
use tests::simulator::{Endpoint, FaultKind, FaultRule, MallSpec, SimConfig};

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(40);
/// Until a program stands, or a message has moved.
const SOON: Duration = Duration::from_secs(20);
const START: Duration = Duration::from_secs(20);

/// How an installation starts.
struct Setup {
    malls: Vec<MallSpec>,
    workers: usize,
    serve: bool,
    sim: SimConfig,
    env: Vec<(String, String)>,
}

impl Setup {
    /// Malls of a hundred products a day, one worker, the daemon, and a bucket that never matters.
    fn new(malls: &[&str]) -> Self {
        let sim = SimConfig { malls: 0, capacity: 400, rate_multiplier: 100.0, ..SimConfig::default() };
        Self {
            malls: malls.iter().map(|mall| spec(mall)).collect(),
            workers: 1,
            serve: true,
            sim,
            env: Vec::new(),
        }
        .set("LIMITS__BURST", "400")
        .set("LIMITS__CAPACITY", "40")
        .set("LIMITS__REFILL_PER_SECOND", "200")
        .set("RETRY__BASE", "10ms")
        .set("RETRY__CAP", "50ms")
        .set("FEED__SWEEP", "100ms")
    }

    /// The bucket of the specification: 40 tokens, 2 a second.
    fn specified(malls: &[&str]) -> Self {
        let sim = SimConfig { malls: 0, ..SimConfig::default() };
        Self { sim, env: Vec::new(), ..Self::new(malls) }
            .set("RETRY__BASE", "10ms")
            .set("FEED__SWEEP", "100ms")
    }

    fn workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// Without the daemon: only `enqueue` feeds, once.
    fn without_daemon(self) -> Self {
        Self { serve: false, ..self }
    }

    /// A setting of the programs: `LIMITS__BURST`.
    fn set(mut self, name: &str, value: &str) -> Self {
        self.env.push((format!("CAFE24_SYNC__{name}"), value.to_owned()));
        self
    }
}

fn spec(mall: &str) -> MallSpec {
    MallSpec::new(mall)
}

/// A running installation. The programs end before what they stand on.
struct Flow {
    workers: Vec<Program>,
    daemon: Option<Program>,
    world: World,
}

/// A job as the ledger has it.
#[derive(Debug, Clone, PartialEq)]
struct Job {
    id: String,
    mall: String,
    endpoint: String,
    start: NaiveDate,
    end: NaiveDate,
    lane: String,
    state: String,
    attempts: i32,
    class: Option<String>,
    evidence: Value,
}

/// An archived dead letter.
#[derive(Debug, Clone, PartialEq)]
struct Letter {
    id: String,
    mall: Option<String>,
    class: String,
    reason: String,
    attempts: i32,
    evidence: Value,
    body: Vec<u8>,
    body_bytes: i64,
    replayed: bool,
}

impl Flow {
    async fn start(setup: Setup) -> Result<Self> {
        let sim = SimConfig { extra_malls: setup.malls, ..setup.sim };
        let world = World::start_with(WorldConfig { sim, env: setup.env, ..WorldConfig::default() }).await?;
        let mut flow = Self { workers: Vec::new(), daemon: None, world };
        if setup.serve {
            flow.start_daemon()?;
        }
        flow.start_workers(setup.workers).await?;
        Ok(flow)
    }

    fn start_daemon(&mut self) -> Result<()> {
        self.daemon = Some(self.world.programs.serve()?);
        Ok(())
    }

    async fn start_workers(&mut self, count: usize) -> Result<()> {
        let started = (0..count).map(|_| self.world.programs.worker()).collect::<Result<Vec<_>>>()?;
        for worker in &started {
            worker.listen(START).await?;
        }
        self.workers.extend(started);
        if count == 0 {
            return Ok(());
        }
        // Until a queue is bound, the broker confirms what a test publishes and forgets it.
        let broker = Broker::connect(&self.world.servers.amqp).await?;
        let queue = self.world.prefix.queue("backfill");
        let all = u32::try_from(self.workers.len()).ok();
        wait_until("all workers consuming", START, || async {
            Ok(broker.depth(&queue).await?.map(|(_, consumers)| consumers) == all)
        })
        .await
    }

    /// One more worker, not waited for.
    fn start_workers_unchecked(&mut self) -> Result<()> {
        self.workers.push(self.world.programs.worker()?);
        Ok(())
    }

    /// `enqueue` with these arguments; its JSON.
    async fn enqueue(&self, arguments: &[&str]) -> Result<Value> {
        self.world.enqueue(arguments).await
    }

    /// Wishes for these days of a mall.
    async fn wish(&self, mall: &str, endpoint: &str, from: &str, to: &str, more: &[&str]) -> Result<Value> {
        let wish = ["--mall", mall, "--endpoint", endpoint, "--from", from, "--to", to];
        self.enqueue(&[&wish, more].concat()).await
    }

    /// Wishes and waits until no job is under way.
    async fn fetch(&self, mall: &str, endpoint: &str, from: &str, to: &str, more: &[&str]) -> Result<()> {
        self.wish(mall, endpoint, from, to, more).await?;
        self.settled().await
    }

    async fn settled(&self) -> Result<()> {
        self.world.settled(LIMIT).await
    }

    async fn cli(&self, arguments: &[&str]) -> Result<Output> {
        self.world.cli(arguments).await
    }

    async fn jobs(&self) -> Result<Vec<Job>> {
        let sql = "SELECT job_id::text, mall_id, endpoint, start_date, end_date, lane, work_state, attempts, error_class, \
                   evidence::text FROM jobs ORDER BY mall_id, start_date, endpoint, generation";
        let rows = self.world.db.client().query(sql, &[]).await.context(sql)?;
        let job = |row: &tokio_postgres::Row| Job {
            id: row.get(0),
            mall: row.get(1),
            endpoint: row.get(2),
            start: row.get(3),
            end: row.get(4),
            lane: row.get(5),
            state: row.get(6),
            attempts: row.get(7),
            class: row.get(8),
            evidence: parsed(row.get(9)),
        };
        Ok(rows.iter().map(job).collect())
    }

    /// The newest job of each mall.
    async fn job_of_each(&self) -> Result<BTreeMap<String, Job>> {
        Ok(self.jobs().await?.into_iter().map(|job| (job.mall.clone(), job)).collect())
    }

    async fn letters(&self) -> Result<Vec<Letter>> {
        let sql = "SELECT letter_id::text, mall_id, class, reason, attempts, evidence::text, body, body_bytes, \
                   replayed_at IS NOT NULL FROM dead_letters ORDER BY mall_id, died_at";
        let rows = self.world.db.client().query(sql, &[]).await.context(sql)?;
        let letter = |row: &tokio_postgres::Row| Letter {
            id: row.get(0),
            mall: row.get(1),
            class: row.get(2),
            reason: row.get(3),
            attempts: row.get(4),
            evidence: parsed(row.get(5)),
            body: row.get(6),
            body_bytes: row.get(7),
            replayed: row.get(8),
        };
        Ok(rows.iter().map(letter).collect())
    }

    /// Waits for so many archived letters.
    async fn archived(&self, count: usize) -> Result<Vec<Letter>> {
        let what = format!("{count} letters archived");
        wait_until(&what, LIMIT, || async { Ok(self.letters().await?.len() >= count) }).await?;
        self.letters().await
    }

    /// Waits until so many answers are held back by an ordered [`FaultKind::Hold`].
    async fn held(&self, count: usize) -> Result<()> {
        wait_until("an answer held", SOON, || async { Ok(self.world.sim.held() == count) }).await
    }

    /// Orders a fault for the requests of one mall; `times` unset: all.
    fn order(&self, mall: &str, times: Option<u32>, fault: FaultKind) -> Result<()> {
        let rule = FaultRule { mall: Some(mall.to_owned()), times, ..FaultRule::always(fault) };
        self.world.sim.order(rule).context("order a fault").map(drop)
    }

    /// Requests of a mall that reached the simulator.
    fn requests(&self, mall: &str) -> Result<u64> {
        Ok(self.world.sim.mall_report(mall).context("a report")?.requests)
    }

    /// Raises the serial of each of these days.
    fn restate(&self, mall: &str, endpoint: Endpoint, from: &str, to: &str) -> Result<()> {
        for day in day(from).iter_days().take_while(|date| *date <= day(to)) {
            self.world.sim.restate(mall, endpoint, day).context("restate")?;
        }
        Ok(())
    }

    /// The first column of each row, as text.
    async fn rows_of(&self, sql: &str) -> Result<Vec<String>> {
        let rows = self.world.db.client().query(sql, &[]).await.with_context(|| sql.to_owned())?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn state_of(&self, mall: &str) -> Result<String> {
        let sql = "SELECT state FROM connectors WHERE mall_id = $1";
        Ok(self.world.db.client().query_one(sql, &[&mall]).await.context(sql)?.get(0))
    }

    async fn run_sql(&self, sql: &str) -> Result<()> {
        self.world.db.client().batch_execute(sql).await.with_context(|| sql.to_owned())
    }

    /// Every request had a token and, in the seed dialect only, the version header, and the bucket was never empty.
    fn requests_were_good(&self) {
        let total = self.world.sim.report().total;
        assert_eq!((total.without_version, total.without_token, total.throttled), (0, 0, 0), "{total:?}");
        assert_eq!((total.needless_version, total.without_type), (0, 0), "{total:?}");
        assert!(total.min_level.is_none_or(|level| level >= 0.0), "{total:?}");
    }
}

fn parsed(text: Option<String>) -> Value {
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// An answer with exactly these rows.
fn rows(rows: &Value) -> FaultKind {
    body(json!({ "data": rows }).to_string())
}

/// An answer with exactly this body.
fn body(body: String) -> FaultKind {
    FaultKind::Status { code: 200, headers: BTreeMap::new(), body: Some(body), retry_after: None }
}

/// An answer with another status.
fn status(code: u16) -> FaultKind {
    FaultKind::Status { code, headers: BTreeMap::new(), body: None, retry_after: None }
}
