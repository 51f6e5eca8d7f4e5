//! A run of small malls at ten times the real speed, to be disturbed.

use std::fmt::Display;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use tests::harness::proxy::Proxy;
use tests::harness::{
    Context as _, OwnServer, Program, Programs, Result, Servers, Span, Trouble, World, WorldConfig,
    compare_with_truth, wait_until,
};
use tests::simulator::{MallSpec, Report, SimConfig};
use tokio_postgres::Client;
use tokio_util::task::AbortOnDropHandle;

/// No run here needs longer, faults included.
const DONE: Duration = Duration::from_mins(2);
/// For single steps.
pub(super) const SOON: Duration = Duration::from_secs(30);
/// A grant may be this old when its request leaves, and the request a little on its way.
pub(super) const USE_BY: Duration = Duration::from_millis(1_250);

/// How large and how fast a run is.
#[derive(Debug, Clone)]
pub(super) struct Size {
    /// Small and medium malls.
    pub(super) malls: usize,
    /// Large ones among them.
    pub(super) large: usize,
    /// Days of all four endpoints.
    pub(super) days: u64,
    /// Days in a request.
    pub(super) chunk: u32,
    /// Times the real refill of 2 a second.
    pub(super) speed: u32,
    /// Requests at once from a full bucket. Small, so that a busy machine cannot bunch requests into a 429.
    pub(super) capacity: u32,
    /// The slowest answer, in milliseconds; the fastest takes half of it.
    pub(super) latency: u64,
}

impl Default for Size {
    fn default() -> Self {
        Self { malls: 3, large: 0, days: 28, chunk: 1, speed: 10, capacity: 15, latency: 20 }
    }
}

/// A world with its wish.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) world: World,
    size: Size,
}

/// What [`Stage::start_with`] may be given.
#[derive(Debug, Default)]
pub(super) struct Setting<'a> {
    pub(super) own: Option<&'a OwnServer>,
    pub(super) amqp: Option<&'a Proxy>,
    pub(super) redis: Option<&'a Proxy>,
    pub(super) database: Option<&'a Proxy>,
    pub(super) env: &'a [(&'a str, &'a str)],
}

impl Stage {
    pub(super) async fn start(size: Size) -> Result<Self> {
        Self::start_with(size, Setting::default()).await
    }

    pub(super) async fn start_with(size: Size, setting: Setting<'_>) -> Result<Self> {
        let mut servers = Servers::from_env()?;
        if let Some(own) = setting.own {
            match own.name() {
                "rabbit" => servers.amqp = own.url(),
                "redis" => servers.redis = own.url(),
                _ => servers.database = own.url(),
            }
        }
        let refill = (2 * size.speed).to_string();
        let capacity = size.capacity.to_string();
        let ours = [
            ("CAFE24_SYNC__LIMITS__REFILL_PER_SECOND", refill.as_str()),
            ("CAFE24_SYNC__LIMITS__CAPACITY", capacity.as_str()),
            ("CAFE24_SYNC__RECONCILE__EVERY", "2s"),
            ("CAFE24_SYNC__RECONCILE__QUEUED_DEADLINE", "2s"),
        ];
        let env = ours.iter().chain(setting.env).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let sim = SimConfig {
            malls: size.malls,
            large_malls: Some(size.large),
            rate_multiplier: f64::from(size.speed),
            latency: Duration::from_millis(size.latency / 2)..=Duration::from_millis(size.latency),
            ..SimConfig::default()
        };
        let config = WorldConfig {
            sim,
            servers: Some(servers),
            amqp_proxy: setting.amqp.map(Proxy::port),
            redis_proxy: setting.redis.map(Proxy::port),
            database_proxy: setting.database.map(Proxy::port),
            env,
            no_import: false,
        };
        Ok(Self { world: World::start_with(config).await?, size })
    }

    pub(super) fn first_day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 2, 1).unwrap_or_default()
    }

    pub(super) fn last_day(&self) -> NaiveDate {
        Self::first_day() + Days::new(self.size.days - 1)
    }

    pub(super) fn mall(&self, index: usize) -> String {
        self.world.sim.malls()[index].mall_id.clone()
    }

    /// The words of the wish.
    pub(super) fn wish(&self) -> Vec<String> {
        let (from, to) = (Self::first_day().to_string(), self.last_day().to_string());
        let chunk = self.size.chunk.to_string();
        let words =
            ["enqueue", "--all", "--from", &from, "--to", &to, "--chunk-days", &chunk, "--yes", "--json"];
        words.map(str::to_owned).to_vec()
    }

    /// Plans it; answers the number of jobs.
    pub(super) async fn enqueue(&self) -> Result<i64> {
        let words = self.wish();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.world.cli(&words).await?.success()?;
        self.number("SELECT count(*) FROM jobs").await
    }

    /// A daemon that leads.
    pub(super) async fn feeder(&self) -> Result<Program> {
        self.feeder_of(&self.world.programs).await
    }

    /// The same, set up otherwise.
    pub(super) async fn feeder_of(&self, programs: &Programs) -> Result<Program> {
        let feeder = programs.serve()?;
        feeder.event("leader.acquired", SOON).await?;
        Ok(feeder)
    }

    /// A worker that consumes.
    pub(super) async fn worker(&self) -> Result<Program> {
        let worker = self.world.programs.worker()?;
        worker.event("worker.started", SOON).await?;
        Ok(worker)
    }

    /// A session of its own: the database may have been away.
    pub(super) async fn session(&self) -> Result<(Client, AbortOnDropHandle<()>)> {
        self.world.db.connect().await
    }

    pub(super) async fn number(&self, sql: &str) -> Result<i64> {
        let (client, _connection) = self.session().await?;
        client.query_one(sql, &[]).await.and_then(|row| row.try_get(0)).context(sql)
    }

    pub(super) async fn sql(&self, sql: &str) -> Result<()> {
        let (client, _connection) = self.session().await?;
        client.batch_execute(sql).await.context(sql)
    }

    pub(super) async fn jobs_done(&self) -> Result<i64> {
        self.number("SELECT count(*) FROM jobs WHERE work_state = 'done'").await
    }

    /// Waits until so many jobs are done.
    pub(super) async fn until_done(&self, jobs: i64) -> Result<()> {
        wait_until(&format!("{jobs} jobs done"), DONE, || async { Ok(self.jobs_done().await? >= jobs) }).await
    }

    /// Waits until nothing is planned, queued or running any more.
    pub(super) async fn settled(&self) -> Result<()> {
        let live = "SELECT count(*) FROM jobs WHERE work_state IN ('planned', 'queued', 'running')";
        wait_until("all jobs over", DONE, || async { Ok(self.number(live).await? == 0) }).await
    }

    /// Data requests seen so far.
    pub(super) fn requests(&self) -> u64 {
        self.world.sim.report().total.requests
    }

    /// Arrivals of all malls between two moments.
    pub(super) fn arrivals_between(&self, from: Instant, to: Instant) -> Result<usize> {
        Ok(self.arrivals()?.iter().filter(|at| **at > from && **at < to).count())
    }

    /// How long after `from` the first request came.
    pub(super) fn first_after(&self, from: Instant) -> Result<Option<Duration>> {
        Ok(self.arrivals()?.iter().filter(|at| **at > from).map(|at| *at - from).min())
    }

    pub(super) fn arrivals(&self) -> Result<Vec<Instant>> {
        let mut all = Vec::new();
        for mall in self.world.sim.malls() {
            let seen = self.world.sim.arrivals(&mall.mall_id).context("arrivals")?;
            all.extend(seen.into_iter().map(|at| self.world.sim.origin() + at));
        }
        Ok(all)
    }

    /// Waits for the end, and looks at everything: all slices complete, exact rows, no letter, no 429.
    pub(super) async fn verify(&self) -> Result<Report> {
        self.settled().await?;
        self.verify_replayed(0).await
    }

    /// Plans all letters again, each of which must be poison; answers how many there were.
    pub(super) async fn replay_poison(&self) -> Result<i64> {
        let failed = self.number("SELECT count(*) FROM jobs WHERE work_state = 'failed'").await?;
        let letters =
            "SELECT count(*) FROM dead_letters WHERE class = 'bug' AND reason LIKE 'poison%3 times%'";
        let archived = || async { Ok(self.number(letters).await? == failed) };
        wait_until("each failed job's letter, all of them poison", SOON, archived).await?;
        let (client, _connection) = self.session().await?;
        let ids = "SELECT letter_id::text FROM dead_letters";
        for row in client.query(ids, &[]).await.context(ids)? {
            self.world.cli(&["dead", "replay", row.get(0), "--yes"]).await?.success()?;
        }
        self.settled().await?;
        Ok(failed)
    }

    /// As [`Self::verify`], where so many jobs had failed and were replayed.
    pub(super) async fn verify_replayed(&self, failed: i64) -> Result<Report> {
        let (client, _connection) = self.session().await?;
        let states = "SELECT work_state || ' ' || coalesce(error, ''), count(*) FROM jobs \
                      WHERE work_state <> 'done' GROUP BY 1";
        let others = client.query(states, &[]).await.context(states)?;
        let others: Vec<(String, i64)> = others.iter().map(|row| (row.get(0), row.get(1))).collect();
        let open: i64 = others.iter().map(|(_, jobs)| jobs).sum();
        is_true(open == failed, || format!("not done: {others:?}"))?;
        let letters = self.number("SELECT count(*) FROM dead_letters").await?;
        is_true(letters == failed, || format!("{letters} dead letters"))?;
        let slices = self.number("SELECT count(*) FROM slices WHERE data_state <> 'partial'").await?;
        let wanted = self.size.malls * 4 * usize::try_from(self.size.days).unwrap_or(usize::MAX);
        is_true(usize::try_from(slices) == Ok(wanted), || format!("{slices} slices of {wanted}"))?;
        let malls = self.world.sim.malls();
        let span = |mall: &MallSpec| Span::days(&mall.mall_id, Self::first_day(), self.last_day());
        let spans: Vec<_> = malls.iter().map(span).collect();
        compare_with_truth(&self.world.sim, &client, &spans).await?.exact()?;
        let report = self.world.sim.report();
        let total = &report.total;
        is_true(total.throttled == 0, || format!("{} × 429", total.throttled))?;
        is_true(total.min_level.is_none_or(|level| level >= 0.0), || format!("level {:?}", total.min_level))?;
        is_true(total.without_token + total.without_version == 0, || "a bare request".to_owned())?;
        Ok(report)
    }

    /// As [`Self::verify`], and no request was sent twice.
    pub(super) async fn verify_once(&self, jobs: i64) -> Result<Report> {
        let report = self.verify().await?;
        is_true(i64::try_from(report.total.requests) == Ok(jobs), || {
            format!("{} requests for {jobs} jobs", report.total.requests)
        })?;
        Ok(report)
    }
}

/// Requests beyond the first of each chunk.
pub(super) fn repeated(report: &Report) -> u64 {
    report.malls.values().flat_map(|mall| &mall.chunks).map(|chunk| chunk.requests.saturating_sub(1)).sum()
}

/// The most requests of one chunk.
pub(super) fn most(report: &Report) -> u64 {
    report.malls.values().flat_map(|mall| &mall.chunks).map(|chunk| chunk.requests).max().unwrap_or(0)
}

pub(super) fn is_true(fact: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if fact { Ok(()) } else { Err(Trouble::new(otherwise())) }
}

/// A figure for whoever runs with `--nocapture`.
pub(super) fn say(what: &str, figure: impl Display) {
    #[expect(clippy::print_stderr, reason = "only this macro is captured by the test runner")]
    {
        eprintln!("figure: {what}: {figure}");
    }
}
