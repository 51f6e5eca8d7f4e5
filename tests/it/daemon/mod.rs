//! The daemon: who leads, how the duties are taken over, how each is done by hand, and what a monitor is told.

mod once;
mod set;
mod status;
mod takeover;
mod woken;

use std::time::Duration;

use serde_json::Value;
use tests::harness::{Browser, Context as _, Program, Result, World, WorldConfig};
use tests::simulator::{MallSpec, Size};

/// Until a program stands, or something has moved.
const SOON: Duration = Duration::from_secs(20);

/// Small malls of these names, with a bucket that never matters.
async fn world(malls: &[&str], env: &[(&str, &str)]) -> Result<World> {
    let spec = |mall: &&str| MallSpec { size: Size::Small, ..MallSpec::new(mall) };
    let config = WorldConfig::wide(malls.iter().map(spec));
    World::start_with(env.iter().fold(config, |config, (name, value)| config.set(name, value))).await
}

/// How often the program has taken the lead.
fn led(program: &Program) -> usize {
    program.events().iter().filter(|event| named(event, "leader.acquired")).count()
}

fn named(event: &Value, name: &str) -> bool {
    event["event"] == name || event["fields"]["event"] == name
}

/// Status code and document of `/status`.
async fn status_of(daemon: &Program) -> Result<(u16, Value)> {
    let address = daemon.listen(SOON).await?;
    let reply = Browser::new().fetch(&format!("http://{address}/status")).await?;
    let document = serde_json::from_str(&reply.body).with_context(|| reply.body.clone())?;
    Ok((reply.status, document))
}

fn say(what: &str, figure: impl std::fmt::Display) {
    #[expect(clippy::print_stderr, reason = "only this macro is captured by the test runner")]
    {
        eprintln!("figure: {what}: {figure}");
    }
}
