//! Nobody waits for somebody else: lanes, limiter keys that malls share, and one mall with fifty times the jobs.

mod keys;
mod lanes;
mod retries;
mod sick;
mod skew;

use tests::harness::{Context as _, Result, World, WorldConfig};
use tests::simulator::SimConfig;

/// How much faster than the real API these tests run.
const FASTER: f64 = 10.0;

/// Malls whose buckets refill ten times as fast, and programs that know it.
async fn world(sim: SimConfig, env: &[(&str, &str)]) -> Result<World> {
    let refill = (2.0 * FASTER).to_string();
    let mut env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    env.push(("CAFE24_SYNC__LIMITS__REFILL_PER_SECOND".to_owned(), refill));
    let sim = SimConfig { rate_multiplier: FASTER, large_malls: Some(0), ..sim };
    World::start_with(WorldConfig { sim, env, ..WorldConfig::default() }).await
}

/// Seconds from the first wish to the end of the last job of `mall`.
async fn seconds_of(world: &World, mall: &str) -> Result<f64> {
    let sql = "SELECT extract(epoch FROM max(finished_at) - (SELECT min(requested_at) FROM jobs))::float8 \
               FROM jobs WHERE mall_id = $1 AND work_state = 'done'";
    Ok(world.db.client().query_one(sql, &[&mall]).await.context("the mall's jobs")?.get(0))
}

/// Prints a figure; shown with `--no-capture`.
fn say(what: &str, figure: &impl std::fmt::Debug) {
    #[expect(clippy::print_stderr, reason = "only this macro is captured by the test runner")]
    {
        eprintln!("figure: {what}: {figure:.2?}");
    }
}
