//! What an integration test stands on: real servers, real programs, faults on order.
//!
//! # A test, from the outside in
//!
//! 1. `./dev test` starts RabbitMQ, Redis and Postgres on private ports and names them in the environment
//!    ([`Servers`]). A test that wants to kill, freeze or empty a server starts one of its own ([`OwnServer`]).
//! 2. [`World`] takes for one test: a simulator, a copy of the migrated template database ([`TestDb`]), a prefix
//!    for queues and keys ([`Prefix`]), and the files and variables that the programs need ([`Programs`]).
//! 3. The programs are the real binaries in processes of their own ([`Program`]), since a test must be able to
//!    kill them at any instruction.
//! 4. A [`Proxy`] in front of a server is the network: latency, silence, resets, and the loss of exactly the
//!    answer to a COMMIT or of exactly one acknowledgement.
//! 5. [`compare_with_truth`] reads the tables as an analyst would, and compares every figure with the
//!    simulator's books. It shares no code with the programs.
//!
//! # Nothing is left behind
//!
//! Every process is started by one thread that lives as long as the test process (`children`), and asks the
//! kernel to be killed when that thread ends. So even a test process that is killed leaves no program and no
//! server. Databases of such tests are swept by the next run.
//!
//! # Failing
//!
//! Nothing here panics on purpose: functions return [`Trouble`], tests return `Result` and use `?`. Whatever the
//! end, [`Program`] prints the end of its log when it is dropped; the test runner shows that only for red tests.

mod broker;
mod children;
mod clock;
mod compare;
mod database;
mod http;
mod own;
mod ports;
mod prefix;
mod program;
mod programs;
pub mod proxy;
mod role;
mod scrape;
pub mod secrets;
mod servers;
mod signal;
mod transcript;
mod trouble;
mod wait;
mod webdriver;
mod webhook;
mod world;

pub use broker::Broker;
pub use clock::MovedClock;
pub use compare::{AsOf, Span, Summary, compare_with_truth, truth_of};
pub use database::TestDb;
pub use http::{Browser, Reply};
pub use own::{Kind, OwnServer};
pub use ports::free_ports;
pub use prefix::Prefix;
pub use program::{Output, Program, Usage};
pub use programs::Programs;
pub use proxy::Proxy;
pub use role::TestRole;
pub use scrape::Metrics;
pub use servers::Servers;
pub use signal::Signal;
pub use transcript::Transcript;
pub use trouble::{Context, Result, Trouble};
pub use wait::{wait_until, wait_until_some};
pub use webdriver::{Driver, Window};
pub use webhook::Webhook;
pub use world::{World, WorldConfig};

pub(crate) use database::connect;
pub(crate) use servers::{optional, root};
pub(crate) use world::{for_simulator, import_file};
