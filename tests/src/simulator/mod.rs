//! A Cafe24 Analytics API one can break.
//!
//! One port on the loopback speaks the specification's four endpoints for as many malls as wanted, and, for those
//! that are live, the dialect of real malls with some endpoints more. It hands out and rotates OAuth tokens, keeps one strict token bucket a mall, and notes everything it saw. It is
//! the oracle of our tests and the counterpart of a first installation without a real mall, so it
//! shares **no code** with the software under test: two programs that misread the specification in the
//! same way would agree.
//!
//! # One request, in order
//!
//! 1. `server` accepts the connection; each connection has a handle by which an answer may end in a TCP reset.
//! 2. `api` looks up the mall (404), takes one token from its bucket (429), looks at the Bearer token (401,
//!    403) and at the parameters (400, live mostly 422). Every request of a known mall costs a token, refused ones too.
//! 3. The state of all asked periods is read **here**: an answer that is then delayed or held shows what
//!    was true when the request came in, as a slow server would.
//! 4. `fault` may pause the answer, replace it, or spoil its rows. A fault hits only requests that would have
//!    been answered with 200, so that "times: 1" means one good answer lost.
//! 5. `data` computes the rows; nothing is stored. `wire` writes them, or `live`, which cuts pages.
//! 6. `report` notes the answer, `served` notes which serial of each period went out whole.
//!
//! # Figures
//!
//! Figures are a pure function of (seed, mall, shop, endpoint, granularity, period, serial), whatever the dialect. A
//! restatement raises the serial of a day and of its week and month. The serial can be read back from each figure:
//! visits and page views are `serial` modulo 97, sales amounts are `serial` modulo 100
//! ([`Endpoint::serial_mark`]). So a test that sees one number knows which answer it came from.
//!
//! With [`DayKind::Living`], days also change by themselves: they grow by the hour, and are corrected later. When they
//! do is a pure function of (seed, mall, shop, endpoint, day) as well, so the books can be asked for any moment
//! ([`SimulatorHandle::truth_as_of`]), and for the moments of change ([`SimulatorHandle::changes`]).
//!
//! # Time
//!
//! Buckets and arrival times follow the monotonic clock. Token lifetimes and "today" follow [`SimClock`],
//! which can be set and moved; moving it does not refill a bucket.
//!
//! # Use
//!
//! ```
//! use tests::simulator::{SimConfig, Simulator};
//! let sim = Simulator::start(SimConfig { malls: 2, ..SimConfig::default() })?;
//! let mall = &sim.malls()[0];
//! let tokens = sim.issue_tokens(&mall.mall_id)?;
//! assert!(sim.base_url().starts_with("http://127.0.0.1:"));
//! assert_eq!(tokens.mall_id, mall.mall_id);
//! # Ok::<(), tests::simulator::SimError>(())
//! ```
//!
//! The simulator runs on threads of its own: neither a busy test runtime nor a paused tokio clock
//! disturbs what it measures.

mod access;
mod acts;
mod api;
mod auth;
mod books;
mod bucket;
mod clock;
mod config;
mod consent;
mod control;
mod data;
mod dialect;
mod endpoint;
mod fault;
mod faulty;
mod handle;
mod live;
mod names;
mod pauses;
mod query;
mod report;
mod seen;
mod served;
mod server;
mod socket;
mod state;
mod tokens;
mod truth;
mod wire;

#[cfg(test)]
mod client;
#[cfg(test)]
mod tests;

pub use bucket::BucketKind;
pub use clock::SimClock;
pub use config::{DayKind, LimiterScope, MallSpec, SimConfig, Size};
pub use dialect::Dialect;
pub use endpoint::{Endpoint, Granularity};
pub use fault::{FaultId, FaultKind, FaultRule, FaultState, Target};
pub use handle::{ImportLine, SimulatorHandle};
pub use report::{ChunkCount, MallReport, Report, TokenReport};
pub use served::Served;
pub use server::{SimError, Simulator};
pub use tokens::TokenAnswer;
pub use truth::TruthRow;
