//! The programs under test, as an operator starts them: by name, arguments and environment.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::children;
use super::database::{PRODUCER_LOGIN, WORKER_LOGIN};
use super::program::{Output, Program};
use super::role::with_user;
use super::signal::Signal;
use super::trouble::{Context as _, Result, Trouble};

const PRODUCER: &str = "cafe24-sync";
const WORKER: &str = "cafe24-sync-worker";

/// Where the programs are, what they find in their environment, and where their logs go.
#[derive(Debug, Clone)]
pub struct Programs {
    binaries: PathBuf,
    logs: PathBuf,
    environment: BTreeMap<String, String>,
    /// How many of each kind were started: `worker-1`, `worker-2`.
    started: Arc<Mutex<BTreeMap<&'static str, u32>>>,
    quiet: bool,
    group: Option<u32>,
    shell: Option<String>,
}

impl Programs {
    /// The binaries of this very build (beside this executable), with logs in `logs`.
    pub fn beside_me(logs: &Path) -> Result<Self> {
        let me = std::env::current_exe().context("where am I")?;
        let mut binaries = me.parent().context("where am I")?;
        if binaries.ends_with("deps") {
            binaries = binaries.parent().context("where am I")?;
        }
        for program in [PRODUCER, WORKER] {
            if !binaries.join(program).is_file() {
                let dir = binaries.display();
                return Err(Trouble::new(format!(
                    "no {program} in {dir}: run `cargo build --workspace --bins`"
                )));
            }
        }
        fs::create_dir_all(logs).with_context(|| format!("cannot make {}", logs.display()))?;
        let mut environment = BTreeMap::new();
        if let Some(path) = super::servers::optional("PATH") {
            environment.insert("PATH".to_owned(), path);
        }
        environment.extend(super::clock::everybodys_environment()?);
        let programs = Self {
            binaries: binaries.to_owned(),
            logs: logs.to_owned(),
            environment,
            started: Arc::default(),
            quiet: false,
            group: None,
            shell: None,
        };
        let anywhere = "127.0.0.1:0";
        let key = programs.master_key()?;
        Ok(programs
            .set("RUST_BACKTRACE", "1")
            .set("RUST_LOG", "info")
            .set("CAFE24_SYNC__LOG__FORMAT", "json")
            .set("CAFE24_SYNC__WORKER__LISTEN", anywhere)
            .set("CAFE24_SYNC__SERVE__LISTEN", anywhere)
            .set("CAFE24_SYNC__WEB__LISTEN", anywhere)
            // Tests count requests, at whatever time of the day they run: nothing is fetched by itself, and a day that is
            // over is final.
            .set("CAFE24_SYNC__SCHEDULE__ENABLED", "false")
            .set("CAFE24_SYNC__SCHEDULE__SETTLE", "0s")
            .set("CAFE24_SYNC__OAUTH__MASTER_KEY_FILE", key.to_string_lossy()))
    }

    /// One more variable for all programs started after this.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Programs started after this do not print their logs at their ends.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Programs started after this run in this group, if we are root; else they are in ours anyway.
    #[must_use]
    pub fn in_group(mut self, group: u32) -> Self {
        self.group = fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0).then_some(group);
        self
    }

    /// Programs started after this are started by a shell, with this line: `ulimit -n 64; exec "$@" 2>/dev/full`.
    #[must_use]
    pub fn in_shell(mut self, line: &str) -> Self {
        self.shell = Some(line.to_owned());
        self
    }

    /// Takes a variable away.
    #[must_use]
    pub fn unset(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// What the programs find in their environment.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The folder of the logs.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// The producer's binary.
    pub(crate) fn producer(&self) -> PathBuf {
        self.binaries.join(PRODUCER)
    }

    /// Runs `cafe24-sync` to its end.
    pub async fn cli(&self, arguments: &[&str], limit: Duration) -> Result<Output> {
        let program = self.start(PRODUCER, "cli", arguments)?;
        program.output(limit).await.with_context(|| format!("cafe24-sync {}", arguments.join(" ")))
    }

    /// Starts `cafe24-sync` without waiting, for a command that is to be killed.
    pub fn cli_started(&self, arguments: &[&str]) -> Result<Program> {
        self.start(PRODUCER, "cli", arguments)
    }

    /// Starts `cafe24-sync` with something to say to it.
    pub fn cli_with_stdin(&self, arguments: &[&str]) -> Result<Program> {
        let mut command = self.command(&self.producer(), arguments);
        command.stdin(Stdio::piped());
        self.launch("cli", command)
    }

    /// Starts the daemon: feeder and reconciler.
    pub fn serve(&self) -> Result<Program> {
        self.start(PRODUCER, "serve", &["serve"])
    }

    /// Starts a worker.
    pub fn worker(&self) -> Result<Program> {
        self.worker_with(&[])
    }

    /// Starts a worker with further arguments, such as `--slots 4`.
    pub fn worker_with(&self, arguments: &[&str]) -> Result<Program> {
        self.start(WORKER, "worker", &[&["run"], arguments].concat())
    }

    /// Starts a program that is not ours, to compare with.
    pub fn other(&self, binary: &str, arguments: &[&str]) -> Result<Program> {
        self.launch("other", self.command(Path::new(binary), arguments))
    }

    /// Starts a tool of this machine that need not know our settings, with the folder of the logs as its home.
    pub(crate) fn tool(&self, tool: &'static str, arguments: &[&str]) -> Result<Program> {
        let mut command = children::command(tool.as_ref(), Signal::Kill);
        command.args(arguments).env_clear().current_dir(&self.logs).env("HOME", &self.logs);
        command.envs(self.environment.get_key_value("PATH"));
        self.launch(tool, command)
    }

    fn start(&self, binary: &str, kind: &'static str, arguments: &[&str]) -> Result<Program> {
        let mut command = self.command(&self.binaries.join(binary), arguments);
        // Whoever set another user than the producer's wants that one.
        let producer = self.environment.get("DATABASE_URL").filter(|url| url.contains(PRODUCER_LOGIN));
        if let Some(url) = producer.filter(|_| binary == WORKER) {
            command.env("DATABASE_URL", with_user(url, WORKER_LOGIN));
        }
        self.launch(kind, command)
    }

    fn command(&self, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = match &self.shell {
            None => children::command(binary.as_os_str(), Signal::Kill),
            Some(line) => {
                let mut command = children::command("sh".as_ref(), Signal::Kill);
                command.args(["-c", line, "sh"]).arg(binary);
                command
            }
        };
        if let Some(group) = self.group {
            command.gid(group);
        }
        command.args(arguments).env_clear().envs(&self.environment).current_dir(&self.logs);
        command
    }

    fn launch(&self, kind: &'static str, command: Command) -> Result<Program> {
        let program = Program::start(&format!("{kind}-{}", self.number(kind)), command, &self.logs)?;
        Ok(if self.quiet { program.quiet() } else { program })
    }

    fn number(&self, kind: &'static str) -> u32 {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let number = started.entry(kind).or_insert(0);
        *number += 1;
        *number
    }

    fn master_key(&self) -> Result<PathBuf> {
        let path = self.logs.join("master.key");
        let [high, low] = rand::random::<[u128; 2]>();
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        write!(file, "{high:032x}{low:032x}").context("cannot write the master key")?;
        Ok(path)
    }
}
