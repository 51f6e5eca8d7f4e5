//! `cafe24-sync`: the operator's command line and the daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    producer::command::main()
}
