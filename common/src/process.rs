//! What the operating system may tell others of this process: no core file, no look into its memory, no readable files;
//! and how its machine is called.
//!
//! Tokens and keys are in memory while the programs run. A core dump would write them to a disk, and a debugger of the
//! same user, or `/proc/PID/environ`, would show them (`docs/reliability.md` X5).

use rustix::fs::Mode;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit, umask,
};

/// Closes this process up. The first thing that both programs do, before a secret is read.
///
/// # Errors
/// The kernel refuses, which no Linux does for a process that asks to be given less.
pub fn harden() -> std::io::Result<()> {
    umask(Mode::RWXG | Mode::RWXO);
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// How many files and sockets this process may have open at once, after raising its own limit as far as it may. `None`: as
/// many as it likes.
pub fn open_files() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // A refusal leaves what there was.
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(_) => current,
    }
}

/// This machine's name, for people; empty if it has none.
pub fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}
