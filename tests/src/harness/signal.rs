//! Signals by pid.

use std::process::{Command, Stdio};

use super::trouble::{Context as _, Result, Trouble};

/// What a process can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Please end.
    Term,
    /// Ctrl-C; for Postgres: end now, in order.
    Int,
    /// For Postgres: end at once, as after a crash.
    Quit,
    /// End at once.
    Kill,
    /// Freeze.
    Stop,
    /// Go on.
    Cont,
}

impl Signal {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
            Self::Stop => "STOP",
            Self::Cont => "CONT",
        }
    }

    /// Sends it through the shell's own `kill`: there is no safe call in the standard library.
    pub fn send(self, pid: u32) -> Result<()> {
        let line = format!("kill -{} {pid}", self.name());
        let status = Command::new("sh")
            .args(["-c", &line])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .with_context(|| line.clone())?;
        if status.success() { Ok(()) } else { Err(Trouble::new(format!("{line}: no such process"))) }
    }
}
