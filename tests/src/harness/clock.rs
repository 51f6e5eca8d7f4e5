//! A wall clock that a test moves: for the programs and for a Postgres of the test's own, by libfaketime.
//!
//! The programs are the real ones, with no door for a clock: a month of theirs passes while a test runs. Only the wall
//! clock is moved; what waits, waits on the monotonic clock, which stays this machine's, and so do Redis and RabbitMQ:
//! buckets fill and leases of the broker end in real seconds.
//!
//! Let it be ahead of this machine's. A signal handler may see the real time; if that is later, Postgres takes its timers
//! for due, and ends sessions that are idle for a while only: a leader then loses its lock and takes it again.
//!
//! `./dev test --at TIME` moves the clock of all tests, of their programs and of each Postgres; a test's own clock goes before
//! it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::servers::{optional, state_dir};
use super::trouble::{Context as _, Result, Trouble};

/// As `deploy/dev/find.sh` has it for servers.
const MOVED: [(&str, &str); 5] = [
    ("NO_FAKE_STAT", "1"),
    ("FAKETIME_NO_CACHE", "1"),
    ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ("DONT_FAKE_MONOTONIC", "1"),
    ("FAKETIME_DISABLE_SHM", "1"),
];

const FILE: &str = "FAKETIME_TIMESTAMP_FILE";

/// Where Debian and Ubuntu put it.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The clock of one test. Dropping it removes its file: what it moved ends first.
#[derive(Debug)]
pub struct MovedClock {
    dir: PathBuf,
    library: PathBuf,
    ahead: TimeDelta,
}

impl MovedClock {
    /// A clock that is not moved yet.
    pub fn right() -> Result<Self> {
        Self::at(real() + everybodys_lead())
    }

    /// A clock that shows `now`.
    pub fn at(now: DateTime<Utc>) -> Result<Self> {
        let dir = state_dir().join(format!("clock-{:08x}", rand::random::<u32>()));
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        // Postgres runs as another user.
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).context("cannot open the clock")?;
        let mut clock = Self { dir, library: library()?, ahead: TimeDelta::zero() };
        clock.set(now)?;
        Ok(clock)
    }

    /// What it shows.
    pub fn now(&self) -> DateTime<Utc> {
        real() + self.ahead
    }

    /// Moves it; whoever looks at it sees it at once.
    pub fn set(&mut self, now: DateTime<Utc>) -> Result<()> {
        self.ahead = now - real();
        self.write()
    }

    /// Moves it forward.
    pub fn advance(&mut self, by: Duration) -> Result<()> {
        self.ahead += TimeDelta::from_std(by).context("that far")?;
        self.write()
    }

    /// The file, for `serve.sh --clock`.
    pub fn file(&self) -> PathBuf {
        self.dir.join("ahead")
    }

    /// What programs need in their environment to see it.
    pub fn environment(&self) -> Vec<(String, String)> {
        environment(&self.library, &self.file())
    }

    /// In one step, so that nobody reads half a number.
    fn write(&self) -> Result<()> {
        let next = self.dir.join("next");
        let seconds = self.ahead.as_seconds_f64();
        fs::write(&next, format!("{seconds:+.3}\n")).context("cannot write the clock")?;
        fs::rename(&next, self.file()).context("cannot move the clock")
    }
}

impl Drop for MovedClock {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The file that moves this process' own clock, if any does.
pub(crate) fn everybodys() -> Option<PathBuf> {
    optional(FILE).map(PathBuf::from)
}

/// What programs need in their environment to see the clock that this process sees.
pub(crate) fn everybodys_environment() -> Result<Vec<(String, String)>> {
    everybodys().map_or_else(|| Ok(Vec::new()), |file| Ok(environment(&library()?, &file)))
}

fn environment(library: &Path, file: &Path) -> Vec<(String, String)> {
    [("LD_PRELOAD", &*library.to_string_lossy()), (FILE, &*file.to_string_lossy())]
        .into_iter()
        .chain(MOVED)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn library() -> Result<PathBuf> {
    let folders = fs::read_dir(LIBRARIES).context("cannot look for libfaketime")?;
    let found = folders.flatten().map(|folder| folder.path().join(LIBRARY)).find(|library| library.is_file());
    found.ok_or_else(|| {
        Trouble::new("no libfaketime here: run `./dev test`, or install the package libfaketime")
    })
}

/// This machine's time: what files say, they say of it.
#[expect(clippy::disallowed_methods, reason = "this is a clock")]
fn real() -> DateTime<Utc> {
    Utc::now() - everybodys_lead()
}

/// How far everybody's clock is ahead of this machine's.
fn everybodys_lead() -> TimeDelta {
    let seconds = everybodys().and_then(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    TimeDelta::seconds(seconds.unwrap_or(0))
}
