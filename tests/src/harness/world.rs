//! All that one test needs, with one call.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::compare::{Span, Summary, compare_with_truth};
use super::database::{PRODUCER_LOGIN, TestDb};
use super::prefix::Prefix;
use super::programs::Programs;
use super::role::with_user;
use super::servers::{Servers, root};
use super::trouble::{Context as _, Result};
use super::wait::wait_until;
use crate::simulator::{MallSpec, SimConfig, Simulator, SimulatorHandle};

/// How long a command that only plans may take.
const COMMAND: Duration = Duration::from_mins(1);

/// What a world is made of. The defaults are the shared servers and the simulator's defaults.
#[derive(Debug, Clone, Default)]
pub struct WorldConfig {
    /// The API's other side.
    pub sim: SimConfig,
    /// Servers of the test's own instead of the shared ones.
    pub servers: Option<Servers>,
    /// Port of a proxy that the programs (not the test) go through to RabbitMQ.
    pub amqp_proxy: Option<u16>,
    /// Port of a proxy to Redis.
    pub redis_proxy: Option<u16>,
    /// Port of a proxy to Postgres.
    pub database_proxy: Option<u16>,
    /// Further variables for the programs.
    pub env: Vec<(String, String)>,
    /// Leave the malls unknown to the programs.
    pub no_import: bool,
}

impl WorldConfig {
    /// These malls, with a bucket that never matters, on both sides: 400 tokens, 200 a second.
    pub fn wide(malls: impl IntoIterator<Item = MallSpec>) -> Self {
        let sim = SimConfig {
            malls: 0,
            extra_malls: malls.into_iter().collect(),
            capacity: 400,
            rate_multiplier: 100.0,
            ..SimConfig::default()
        };
        Self { sim, ..Self::default() }
            .set("LIMITS__BURST", "400")
            .set("LIMITS__CAPACITY", "40")
            .set("LIMITS__REFILL_PER_SECOND", "200")
    }

    /// With a setting of the programs: `LIMITS__BURST`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.env.push((format!("CAFE24_SYNC__{name}"), value.to_owned()));
        self
    }
}

/// A simulator, a database, a prefix, and programs that know all three. Fields drop in this order: the programs
/// of a test, which it holds itself, should be declared after the world, so that they end first.
#[derive(Debug)]
pub struct World {
    /// Cafe24.
    pub sim: SimulatorHandle,
    /// The database, with a connection of the test's own.
    pub db: TestDb,
    /// Names of queues and keys.
    pub prefix: Prefix,
    /// Starts programs that are set up for this world.
    pub programs: Programs,
    /// Where the servers are, without proxies.
    pub servers: Servers,
}

impl World {
    /// With the defaults.
    pub async fn start() -> Result<Self> {
        Self::start_with(WorldConfig::default()).await
    }

    /// Simulator, database, prefix, and the malls imported.
    pub async fn start_with(config: WorldConfig) -> Result<Self> {
        let servers = config.servers.map_or_else(Servers::from_env, Ok)?;
        let sim = Simulator::start(config.sim).context("cannot start the simulator")?;
        let programs = Programs::beside_me(&logs_dir())?;
        let prefix = Prefix::new(&servers.amqp, &servers.redis);
        let db = TestDb::create(&servers.database, &programs).await?;
        let through = |url: &str, proxy: Option<u16>| {
            proxy.map_or_else(|| url.to_owned(), |port| Servers::through(url, port))
        };
        let mut programs = for_simulator(programs, &sim)
            .set("DATABASE_URL", with_user(&through(db.url(), config.database_proxy), PRODUCER_LOGIN))
            .set("AMQP_URL", through(&servers.amqp, config.amqp_proxy))
            .set("REDIS_URL", through(&servers.redis, config.redis_proxy))
            .set("CAFE24_SYNC__RABBITMQ__PREFIX", prefix.broker())
            .set("CAFE24_SYNC__REDIS__PREFIX", prefix.redis());
        for (name, value) in config.env {
            programs = programs.set(&name, value);
        }
        let world = Self { sim, db, prefix, programs, servers };
        if !config.no_import {
            world.import().await?;
        }
        Ok(world)
    }

    /// Runs `malls import` with the simulator's malls and their living tokens.
    pub async fn import(&self) -> Result<()> {
        let file = import_file(&self.sim, &self.programs)?;
        self.cli(&["malls", "import", &file.to_string_lossy()]).await?.success()
    }

    /// Runs `cafe24-sync` to its end; whatever the end, it is an [`super::Output`].
    pub async fn cli(&self, arguments: &[&str]) -> Result<super::Output> {
        self.programs.cli(arguments, COMMAND).await
    }

    /// Runs `cafe24-sync … --json` and hands out its answer.
    pub async fn json(&self, arguments: &[&str]) -> Result<Value> {
        self.cli(&[arguments, &["--json"]].concat()).await?.json()
    }

    /// Runs `enqueue … --json` and hands out its answer.
    pub async fn enqueue(&self, arguments: &[&str]) -> Result<Value> {
        self.json(&[&["enqueue"], arguments].concat()).await
    }

    /// How many jobs are in each of these states together.
    pub async fn jobs_in(&self, states: &[&str]) -> Result<i64> {
        let count = "SELECT count(*) FROM jobs WHERE work_state = ANY($1)";
        let row = self.db.client().query_one(count, &[&states]).await.context("cannot count jobs")?;
        Ok(row.get(0))
    }

    /// Waits until no job is planned, queued or running (parked ones do not count), and there is at least one.
    pub async fn settled(&self, limit: Duration) -> Result<()> {
        wait_until("all jobs over", limit, || async {
            let live = self.jobs_in(&["planned", "queued", "running"]).await?;
            Ok(live == 0 && self.db.number("SELECT count(*) FROM jobs").await? > 0)
        })
        .await
    }

    /// Compares the tables with the simulator's books.
    pub async fn compare(&self, spans: &[Span]) -> Result<Summary> {
        compare_with_truth(&self.sim, self.db.client(), spans).await
    }

    /// As [`Self::compare`], and trouble with the first differences unless all is right.
    pub async fn exact(&self, spans: &[Span]) -> Result<Summary> {
        self.compare(spans).await?.exact()
    }
}

/// The variables that point programs at a simulator.
pub(crate) fn for_simulator(programs: Programs, sim: &SimulatorHandle) -> Programs {
    programs
        .set("CAFE24_SYNC__CAFE24__BASE_URL", sim.base_url())
        .set("CAFE24_SYNC__CAFE24__OAUTH_URL", sim.oauth_template())
        .set("CAFE24_ANALYTICS_CLIENT_ID", sim.config().client_id.as_str())
        .set("CAFE24_ANALYTICS_CLIENT_SECRET", sim.config().client_secret.as_str())
}

/// Writes the file for `malls import`, a mall a line.
pub(crate) fn import_file(sim: &SimulatorHandle, programs: &Programs) -> Result<PathBuf> {
    let mut text = String::new();
    for line in sim.import_lines().context("import lines")? {
        text.push_str(&serde_json::to_string(&line).context("import lines")?);
        text.push('\n');
    }
    let path = programs.logs().join("malls.jsonl");
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// `target/test-logs/<test>-<random>`; the thread of a test bears its name.
fn logs_dir() -> PathBuf {
    let test = std::thread::current().name().unwrap_or("test").replace("::", ".");
    root().join("target/test-logs").join(format!("{test}-{:08x}", rand::random::<u32>()))
}
