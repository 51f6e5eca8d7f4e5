//! A server of one test, to be killed, frozen, emptied and started again on the same port.
//!
//! It is started as `./dev` starts the shared ones, by `deploy/dev/serve.sh`, which becomes the server: the pid
//! we start is the server's. Costs about 0.1 s (Redis), 2 s (Postgres), 5 s (RabbitMQ).
//!
//! Wait two seconds between declaring a quorum queue and killing RabbitMQ: sooner, RabbitMQ 3.10
//! may lose the queue for good.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::children;
use super::clock::{MovedClock, everybodys};
use super::database::connect;
use super::ports::free_ports;
use super::program::{Output, Program};
use super::servers::{root, state_dir};
use super::signal::Signal;
use super::trouble::{Context as _, Result, Trouble};
use super::wait::wait_until;

const START: Duration = Duration::from_mins(1);
const STOP: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(1);
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RabbitMQ.
    Rabbit,
    /// Redis.
    Redis,
    /// Postgres.
    Postgres,
}

/// A server of one's own. Dropping it kills it and removes its data.
#[derive(Debug)]
pub struct OwnServer {
    kind: Kind,
    port: u16,
    dir: PathBuf,
    arguments: Vec<String>,
    clock: Option<PathBuf>,
    /// The port of the Postgres that this one follows.
    standby_of: Option<u16>,
    running: Option<Program>,
}

impl OwnServer {
    /// Starts one and waits until it answers.
    pub async fn start(kind: Kind) -> Result<Self> {
        Self::start_with(kind, &[]).await
    }

    /// With further arguments, such as `--appendonly yes` for Redis or `-c max_connections=20` for Postgres.
    pub async fn start_with(kind: Kind, arguments: &[&str]) -> Result<Self> {
        let mut own = Self::prepare(kind, arguments)?;
        own.resume().await?;
        Ok(own)
    }

    /// Whose wall clock is `clock`.
    pub async fn start_at(kind: Kind, clock: &MovedClock) -> Result<Self> {
        let mut own = Self::prepare(kind, &[])?;
        own.clock = Some(clock.file());
        own.resume().await?;
        Ok(own)
    }

    /// RabbitMQ with further lines for `rabbitmq.conf`, and the text of an `advanced.config`.
    pub async fn start_rabbit(conf: &str, advanced: Option<&str>) -> Result<Self> {
        let mut own = Self::prepare(Kind::Rabbit, &[])?;
        fs::write(own.dir.join("extra.conf"), conf).context("cannot write extra.conf")?;
        if let Some(advanced) = advanced {
            fs::write(own.dir.join("advanced.config"), advanced).context("cannot write advanced.config")?;
        }
        own.resume().await?;
        Ok(own)
    }

    /// A standby of this Postgres, which has all that it has and follows it. Takes about three seconds.
    pub async fn standby(&self) -> Result<Self> {
        let mut standby = Self::prepare(self.kind, &[])?;
        standby.standby_of = Some(self.port);
        standby.resume().await?;
        Ok(standby)
    }

    /// Makes a standby a primary, and waits until it takes writes.
    pub async fn promote(&mut self) -> Result<()> {
        self.standby_of = None;
        let (client, _connection) = connect(&self.url()).await?;
        client.query_one("SELECT pg_promote()", &[]).await.context("pg_promote").map(drop)
    }

    fn prepare(kind: Kind, arguments: &[&str]) -> Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = state_dir().join(format!("own-{}-{}-{number}", kind.name(), std::process::id()));
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        // Redis and RabbitMQ do not start under libfaketime, and need no wall clock.
        let clock = everybodys().filter(|_| kind == Kind::Postgres);
        Ok(Self { kind, port: free_ports(3)?, dir, arguments, clock, standby_of: None, running: None })
    }

    /// Its URL in the form of [`super::Servers`]; the same after each start.
    pub fn url(&self) -> String {
        match self.kind {
            Kind::Rabbit => format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port),
            Kind::Redis => format!("redis://127.0.0.1:{}/0", self.port),
            Kind::Postgres => format!("postgres://postgres@127.0.0.1:{}/postgres", self.port),
        }
    }

    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// SIGKILL. Postgres leaves children that notice by themselves; they are waited for.
    pub async fn kill(&mut self) -> Result<()> {
        self.end(Signal::Kill).await
    }

    /// The orderly end: SIGTERM, for Postgres the fast shutdown.
    pub async fn stop(&mut self) -> Result<()> {
        self.end(if self.kind == Kind::Postgres { Signal::Int } else { Signal::Term }).await
    }

    /// Freezes it: connections stay, nothing answers. Postgres' backends go on with what they have.
    pub fn freeze(&self) -> Result<()> {
        self.program()?.signal(Signal::Stop)
    }

    /// Lets it go on.
    pub fn thaw(&self) -> Result<()> {
        self.program()?.signal(Signal::Cont)
    }

    /// Starts it again with the data it has (Redis has none unless asked to), and waits until it answers.
    pub async fn resume(&mut self) -> Result<()> {
        let script = root().join("deploy/dev/serve.sh");
        let mut command = children::command(script.as_os_str(), Signal::Kill);
        command.arg(self.kind.name()).arg("--port").arg(self.port.to_string()).arg("--dir").arg(&self.dir);
        if let Some(clock) = &self.clock {
            command.arg("--clock").arg(clock);
        }
        if let Some(primary) = self.standby_of {
            command.arg("--standby-of").arg(primary.to_string());
        }
        command.arg("--with-parent").arg("--").args(&self.arguments);
        let program = Program::start(self.kind.name(), command, &self.dir)?.quiet();
        self.running = Some(program);
        let program = self.program()?;
        let what = format!("{} answers", self.kind.name());
        wait_until(&what, START, || async {
            match program.exit_status()? {
                None => Ok(self.answers().await),
                Some(status) => {
                    let said = program.output(STOP).await?;
                    Err(Trouble::new(format!(
                        "{:?} ended: {status}\n{}{}",
                        self.kind, said.stdout, said.stderr
                    )))
                }
            }
        })
        .await
    }

    /// Starts it with no data at all.
    pub async fn resume_empty(&mut self) -> Result<()> {
        let data = self.dir.join("data");
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("cannot empty {}", data.display()))?;
        }
        self.resume().await
    }

    /// `rabbitmqctl` for this node, such as `set_vm_memory_high_watermark 0`. Takes about two seconds.
    pub async fn rabbitmqctl(&self, arguments: &[&str]) -> Result<Output> {
        let script = root().join("deploy/dev/serve.sh");
        let mut command = children::command(script.as_os_str(), Signal::Kill);
        command.args(["ctl", "--dir"]).arg(&self.dir).arg("--").args(arguments);
        Program::start("rabbitmqctl", command, &self.dir)?.quiet().output(STOP).await
    }

    /// Whether it speaks its protocol now.
    pub async fn answers(&self) -> bool {
        let (hello, wanted): (&[u8], &[u8]) = match self.kind {
            Kind::Redis => (b"PING\r\n", b"+"),
            Kind::Rabbit => (b"AMQP\0\0\x09\x01", &[1]),
            // An SSL request is answered with one letter by a postmaster that takes connections.
            Kind::Postgres => return self.postgres_answers().await,
        };
        self.exchange(hello).await.is_some_and(|first| wanted == [first])
    }

    /// Starting up, Postgres takes connections and refuses sessions; so a whole session it must be.
    async fn postgres_answers(&self) -> bool {
        let url = self.url();
        let connect = tokio_postgres::connect(&url, tokio_postgres::NoTls);
        matches!(timeout(ANSWER, connect).await, Ok(Ok(_)))
    }

    async fn exchange(&self, hello: &[u8]) -> Option<u8> {
        let ask = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream.write_all(hello).await?;
            stream.read_u8().await
        };
        timeout(ANSWER, ask).await.ok()?.ok()
    }

    fn program(&self) -> Result<&Program> {
        self.running.as_ref().with_context(|| format!("{:?} is not running", self.kind))
    }

    async fn end(&mut self, signal: Signal) -> Result<()> {
        let program = self.program()?;
        program.signal(signal)?;
        program.wait(STOP).await?;
        self.running = None;
        self.wait_for_children().await
    }

    /// A killed postmaster's children end when they notice; only then a new one may start on the same data.
    async fn wait_for_children(&self) -> Result<()> {
        if self.kind != Kind::Postgres {
            return Ok(());
        }
        let data = self.dir.join("data");
        wait_until("the end of Postgres' children", STOP, || async { Ok(!is_used(&data)) }).await
    }
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rabbit => "rabbit",
            Self::Redis => "redis",
            Self::Postgres => "postgres",
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // Postgres' children end by themselves, but write to their folder meanwhile.
        if self.kind == Kind::Postgres
            && let Some(program) = &self.running
        {
            let _frozen = program.signal(Signal::Cont);
            let _ended = program.signal(Signal::Quit);
            for _ in 0..100 {
                if !program.is_running() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        self.running = None;
        let _left_behind = fs::remove_dir_all(&self.dir);
    }
}

/// Whether a process has its working folder there.
fn is_used(dir: &Path) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    processes.flatten().any(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == dir))
}
