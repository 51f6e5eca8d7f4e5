//! Simulator, database, malls.

use std::fs;
use std::time::{Duration, Instant};

use super::args::{Args, Fault};
use super::books::Books;
use super::show::Show;
use crate::harness::{Context as _, Kind, OwnServer, Programs, Result, Servers, TestDb};
use crate::harness::{for_simulator, import_file, root};
use crate::simulator::{SimConfig, Simulator, SimulatorHandle};

const COMMAND: Duration = Duration::from_mins(2);
/// Over the internet an answer is not at once, either.
const LATENCY: std::ops::RangeInclusive<Duration> = Duration::from_millis(20)..=Duration::from_millis(80);
const DATABASE: &str = "cafe24_demo";

/// Everything that stands before the first job.
pub(super) struct Stage {
    pub(super) sim: SimulatorHandle,
    pub(super) programs: Programs,
    pub(super) books: Books,
    /// The server that will be broken, if one will be.
    pub(super) own: Option<OwnServer>,
}

impl Stage {
    pub(super) async fn set(args: &Args, show: &Show) -> Result<Self> {
        let own = match own_kind(args.fault) {
            Some(kind) => Some(OwnServer::start(kind).await?),
            None => None,
        };
        let servers = servers(own.as_ref(), args.fault)?;
        let sim = SimConfig {
            malls: usize::from(args.malls),
            live_malls: args.live_malls(),
            latency: LATENCY,
            ..SimConfig::default()
        };
        let sim = Simulator::start(sim).context("cannot start the simulator")?;
        let seed = usize::from(args.malls) - args.live_malls();
        show.done(
            "simulator",
            &format!("{} · {} malls: {seed} seed, {} live", sim.base_url(), args.malls, args.live_malls()),
        );

        let logs = root().join("target/demo");
        fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        let database = TestDb::create_empty(&servers.database, DATABASE).await?.keep();
        let programs = for_simulator(Programs::beside_me(&logs)?.quiet(), &sim)
            .set("DATABASE_URL", database.url())
            .set("AMQP_URL", &servers.amqp)
            .set("REDIS_URL", &servers.redis);
        let started = Instant::now();
        programs.cli(&["db", "migrate"], COMMAND).await?.success()?;
        let books = Books::open(database.url());
        show.done("migrate", &seconds(started));

        let started = Instant::now();
        let file = import_file(&sim, &programs)?;
        programs.cli(&["malls", "import", &file.to_string_lossy()], COMMAND).await?.success()?;
        show.done(
            "connect",
            &format!("{} malls with tokens of the simulator · {}", args.malls, seconds(started)),
        );
        Ok(Self { sim, programs, books, own })
    }
}

pub(super) fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}

fn own_kind(fault: Fault) -> Option<Kind> {
    match fault {
        Fault::None | Fault::WorkerKill => None,
        Fault::RedisDown => Some(Kind::Redis),
        Fault::RabbitRestart => Some(Kind::Rabbit),
        Fault::PgRestart => Some(Kind::Postgres),
    }
}

fn servers(own: Option<&OwnServer>, fault: Fault) -> Result<Servers> {
    let mut servers = Servers::from_env()?;
    if let Some(own) = own {
        match fault {
            Fault::RedisDown => servers.redis = own.url(),
            Fault::RabbitRestart => servers.amqp = own.url(),
            Fault::PgRestart => servers.database = own.url(),
            Fault::None | Fault::WorkerKill => {}
        }
    }
    Ok(servers)
}
