//! One running program: its pid, its log, its end.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::children;
use super::scrape::Metrics;
use super::signal::Signal;
use super::trouble::{Context as _, Result, Trouble};
use super::wait::wait_until_some;

/// Lines of the log shown when the program is dropped.
const SHOWN: usize = 40;
/// Ticks a second in `/proc/<pid>/stat`: the same on every Linux, whatever the kernel's own clock.
const TICKS: u64 = 100;
const END: Duration = Duration::from_secs(10);

/// A process with its output in files. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    name: String,
    pid: u32,
    child: Mutex<Child>,
    log: PathBuf,
    out: PathBuf,
    quiet: bool,
}

/// How a program ended, and what it said.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its exit code; `None` after a signal.
    pub code: Option<i32>,
    /// The answer.
    pub stdout: String,
    /// All else.
    pub stderr: String,
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all its threads.
    pub cpu: Duration,
    /// The most memory it ever held, in KiB.
    pub peak_kib: u64,
}

impl Program {
    /// Starts `command` (see `children::command`) with its output in `dir/<name>.log` and `dir/<name>.out`.
    pub(crate) fn start(name: &str, mut command: Command, dir: &Path) -> Result<Self> {
        let (log, out) = (dir.join(format!("{name}.log")), dir.join(format!("{name}.out")));
        let file =
            |path: &Path| File::create(path).with_context(|| format!("cannot write {}", path.display()));
        command.stderr(Stdio::from(file(&log)?)).stdout(Stdio::from(file(&out)?));
        let child = children::spawn(command).with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.to_owned(), pid: child.id(), child: Mutex::new(child), log, out, quiet: false })
    }

    /// Does not print its log at the end.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// As it is called in messages and files: `worker-1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its pid, also after its end.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The file with its stderr.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// All it said on stderr so far.
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// Lines of its log that are JSON objects.
    pub fn events(&self) -> Vec<Value> {
        self.log()
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(Value::is_object)
            .collect()
    }

    /// Waits until it has said a word that begins and contains so, on stderr.
    pub async fn word(&self, begins: &str, contains: &str, limit: Duration) -> Result<String> {
        wait_until_some(&format!("{begins}…{contains} of {}", self.name), limit, || async {
            let fits = |word: &&str| word.starts_with(begins) && word.contains(contains);
            let found = self.log().split_whitespace().find(fits).map(str::to_owned);
            if found.is_none() && !self.is_running() {
                return Err(Trouble::new(format!("{} ended\n{}", self.name, self.tail())));
            }
            Ok(found)
        })
        .await
    }

    /// Says something on its stdin, if that was asked for at its start, and closes it.
    pub fn say(&self, text: &str) -> Result<()> {
        let stdin = self.child.lock().unwrap_or_else(PoisonError::into_inner).stdin.take();
        let mut stdin = stdin.with_context(|| format!("{} has no stdin", self.name))?;
        stdin.write_all(text.as_bytes()).with_context(|| format!("{} does not listen", self.name))
    }

    /// Waits for a log event with this text as its message or `event` field.
    pub async fn event(&self, name: &str, limit: Duration) -> Result<Value> {
        let said =
            |event: &Value| field(event, "message") == Some(name) || field(event, "event") == Some(name);
        wait_until_some(&format!("event {name} of {}", self.name), limit, || async {
            if let Some(found) = self.events().into_iter().find(|event| said(event)) {
                return Ok(Some(found));
            }
            match self.exit_status()? {
                None => Ok(None),
                Some(status) => Err(Trouble::new(format!(
                    "{} ended ({status}) before {name}\n{}",
                    self.name,
                    self.tail()
                ))),
            }
        })
        .await
    }

    /// The address of its `/metrics` and health pages, as its event `<program>.started` tells.
    pub async fn listen(&self, limit: Duration) -> Result<String> {
        let kind = self.name.split('-').next().unwrap_or_default();
        let event = self.event(&format!("{kind}.started"), limit).await?;
        let address = field(&event, "listen").map(ToOwned::to_owned);
        address.with_context(|| format!("no `listen` in {event}"))
    }

    /// Its counters now.
    pub async fn metrics(&self) -> Result<Metrics> {
        Metrics::scrape(&self.listen(END).await?).await
    }

    /// Sends a signal; trouble if it has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        match self.exit_status()? {
            None => signal.send(self.pid),
            Some(status) => Err(Trouble::new(format!("{} has ended already ({status})", self.name))),
        }
    }

    /// Lets it have no more data in memory than `bytes` from now on; less than it has already means: not one page more.
    pub fn limit_memory(&self, bytes: u64) -> Result<()> {
        self.limit(&format!("--data={bytes}"))
    }

    /// Lets it have no file with a number of `files` or above from now on; those it has stay open.
    pub fn limit_files(&self, files: u64) -> Result<()> {
        self.limit(&format!("--nofile={files}:"))
    }

    fn limit(&self, resource: &str) -> Result<()> {
        let mut command = Command::new("prlimit");
        command.arg("--pid").arg(self.pid.to_string()).arg(resource);
        let status = command.status().context("prlimit")?;
        if status.success() { Ok(()) } else { Err(Trouble::new(format!("prlimit: {status}"))) }
    }

    /// SIGKILL, and waits for the end.
    pub async fn kill(&self) -> Result<()> {
        self.signal(Signal::Kill)?;
        self.wait(END).await.map(drop)
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(&self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::Term)?;
        self.wait(limit).await
    }

    /// Waits for the end.
    pub async fn wait(&self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        wait_until_some(&what, limit, || async { self.exit_status() }).await
    }

    /// Waits for the end and hands out what it said.
    pub async fn output(&self, limit: Duration) -> Result<Output> {
        let code = self.wait(limit).await?.code();
        Ok(Output { code, stdout: read(&self.out), stderr: read(&self.log) })
    }

    /// How it ended; `None` while it runs.
    pub fn exit_status(&self) -> Result<Option<ExitStatus>> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().with_context(|| format!("cannot ask for {}", self.name))
    }

    /// Whether it runs (or is frozen).
    pub fn is_running(&self) -> bool {
        matches!(self.exit_status(), Ok(None))
    }

    /// What it has used; trouble once it has ended.
    pub fn usage(&self) -> Result<Usage> {
        let file = |name: &str| {
            let path = format!("/proc/{}/{name}", self.pid);
            fs::read_to_string(&path).context(path)
        };
        parse_usage(&file("stat")?, &file("status")?).with_context(|| format!("no usage of {}", self.name))
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ended_already = child.kill();
        let _reaped = child.wait();
        let (log, tail) = (self.log.display(), self.tail());
        if !self.quiet && !tail.is_empty() {
            #[expect(clippy::print_stderr, reason = "only this macro is captured by the test runner")]
            {
                eprintln!("--- {} (end of {log})\n{tail}", self.name);
            }
        }
    }
}

impl Output {
    /// Its stdout as JSON; trouble, with all it said, if it failed.
    pub fn json(&self) -> Result<Value> {
        self.success()?;
        serde_json::from_str(&self.stdout).with_context(|| format!("not JSON: {}", self.stdout))
    }

    /// Trouble, with all it said, unless it ended with 0.
    pub fn success(&self) -> Result<()> {
        match self.code {
            Some(0) => Ok(()),
            code => Err(Trouble::new(format!("exit code {code:?}\n{}{}", self.stdout, self.stderr))),
        }
    }
}

/// A field of a JSON log line, on top or among `fields`.
fn field<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    event.get(name).or_else(|| event.get("fields")?.get(name))?.as_str()
}

fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn parse_usage(stat: &str, status: &str) -> Option<Usage> {
    // The second field is the name in brackets and may hold anything; utime and stime are fields 14 and 15.
    let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let peak_kib = peak.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(Usage { cpu: Duration::from_millis(ticks * 1_000 / TICKS), peak_kib })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_past_a_name_with_brackets() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 100 1 1";
        let usage = parse_usage(stat, "VmPeak:\t 9 kB\nVmHWM:\t  2048 kB\n").expect("both files");
        assert_eq!(usage, Usage { cpu: Duration::from_secs(2), peak_kib: 2048 });
    }
}
