//! `cafe24-demo`: run by `./dev demo`, which starts the servers and names them in the environment.

use std::process::ExitCode;

use clap::Parser as _;
use tests::demo::{Args, run};

#[tokio::main]
async fn main() -> ExitCode {
    ExitCode::from(Box::pin(run(Args::parse())).await)
}
