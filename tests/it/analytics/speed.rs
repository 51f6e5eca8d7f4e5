//! That the views stay fast, at a size that a test can make; `./dev bench analytics` is the same at full size.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::harness::{Context as _, Result, TestRole, World, WorldConfig};

/// Twenty times what the slowest takes on an idle machine: a plan that goes over other agencies' rows, or asks a function for
/// each row, is far slower.
const ENOUGH: Duration = Duration::from_secs(2);

/// How often a node of a plan may be run: once for each of the forty malls. Plans that look each row up in an index, or ask a
/// function for it, run one thousands of times; at full size that takes ten seconds instead of one.
const LOOPS: u64 = 40;

#[tokio::test]
async fn sample_queries_over_forty_malls_and_two_months_answer_at_once() -> Result<()> {
    let world = World::start_with(WorldConfig { no_import: true, ..WorldConfig::default() }).await?;
    let load = include_str!("../../benches/year.sql")
        .replace("{malls}", "40")
        .replace("{others}", "10")
        .replace("{days}", "60");
    for statement in load.split_inclusive(";\n") {
        world.db.client().batch_execute(statement).await.with_context(|| statement.to_owned())?;
    }
    let rows = world.db.number("SELECT count(*) FROM metrics_daily").await?;
    assert_eq!(rows, 50 * 60 * 31);
    let reader = TestRole::named(&world.db, "speed");
    let owner = world.programs.clone().set("DATABASE_URL", world.db.url());
    let grants = ["db", "grants", "--analyst", reader.name(), "--agency", "big"];
    owner.cli(&grants, Duration::from_secs(20)).await?.success()?;
    let (client, _connection) = reader.connect().await?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/queries");
    for entry in std::fs::read_dir(&folder).context("docs/queries")? {
        let path = entry.context("an entry")?.path();
        let sql = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let begun = Instant::now();
        client.query(&sql, &[]).await.with_context(|| path.display().to_string())?;
        assert!(begun.elapsed() < ENOUGH, "{}: {:?}", path.display(), begun.elapsed());
        let explain = format!("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}");
        let plan: Value = client.query_one(&explain, &[]).await.with_context(|| explain.clone())?.get(0);
        assert!(loops(&plan) <= LOOPS, "{}: {plan:#}", path.display());
    }
    let all = "SELECT (SELECT count(*) FROM analytics.daily_store), (SELECT count(*) FROM analytics.daily_products), \
               (SELECT count(*) FROM analytics.daily_domains), (SELECT count(*) FROM analytics.coverage WHERE mall_id = 'mall7')";
    let begun = Instant::now();
    let row = client.query_one(all, &[]).await.context(all)?;
    let counts: Vec<i64> = (0..4).map(|at| row.get(at)).collect();
    assert_eq!(
        counts,
        [40 * 60, 40 * 60 * 20, 40 * 60 * 10, 61 * 4],
        "one agency's, and today's coverage beside the 60 days"
    );
    assert!(begun.elapsed() < ENOUGH, "{:?}", begun.elapsed());
    Ok(())
}

/// How often the node of a plan was run that was run most.
fn loops(plan: &Value) -> u64 {
    match plan {
        Value::Object(node) => {
            let here = node.get("Actual Loops").and_then(Value::as_u64).unwrap_or(0);
            node.values().map(loops).fold(here, u64::max)
        }
        Value::Array(nodes) => nodes.iter().map(loops).max().unwrap_or(0),
        _ => 0,
    }
}
