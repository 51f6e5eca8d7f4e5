//! The one thread that starts processes.
//!
//! A child asks the kernel for SIGKILL at its parent's death, and to the kernel the parent is the *thread* that
//! started it. Threads of tests and runtimes come and go; this one ends with the process.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use super::signal::Signal;

type Order = (Command, SyncSender<io::Result<Child>>);

static STARTER: OnceLock<Mutex<SyncSender<Order>>> = OnceLock::new();

/// `program` as a command that dies with this process, in a process group of its own: Ctrl-C goes to us alone.
pub(crate) fn command(program: &std::ffi::OsStr, at_parents_death: Signal) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig").arg(at_parents_death.name()).arg("--").arg(program);
    command.process_group(0).stdin(Stdio::null());
    command
}

/// Starts it on the thread that lives as long as we do.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    let starter = STARTER.get_or_init(|| {
        let (orders, inbox) = sync_channel::<Order>(0);
        thread::spawn(move || {
            for (mut command, answer) in inbox {
                // Whoever asked may have given up; its child then ends with the `Child` dropped here.
                let _gone = answer.send(command.spawn());
            }
        });
        Mutex::new(orders)
    });
    let orders = starter.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (answer, result) = sync_channel(1);
    orders.send((command, answer)).map_err(|_| io::Error::other("the starting thread is gone"))?;
    result.recv().map_err(|_| io::Error::other("the starting thread is gone"))?
}
