//! The contract probe: a dozen calls that say how a mall's API speaks, and tell nothing of what it says.

mod drift;
mod fixtures;
mod refused;
mod unanswered;

use std::collections::BTreeMap;

use serde_json::Value;
use tests::harness::{Context as _, Output, Result, World, WorldConfig};
use tests::simulator::{Dialect, FaultKind, FaultRule, MallSpec, SimConfig, Size, Target};

/// Speaks as the specification has it.
const SEED: &str = "hanbit";
/// Speaks as real malls do.
const LIVE: &str = "moonlit";

/// One mall of each dialect, with the bucket of the specification.
async fn world() -> Result<World> {
    world_with(&[]).await
}

async fn world_with(env: &[(&str, &str)]) -> Result<World> {
    // More products than a page of ten, and than a fixture keeps.
    let products_a_day = Some(30);
    let mall = |mall, dialect| MallSpec { size: Size::Small, dialect, products_a_day, ..MallSpec::new(mall) };
    let extra_malls = vec![mall(SEED, Dialect::Seed), mall(LIVE, Dialect::Live)];
    let sim = SimConfig { malls: 0, extra_malls, ..SimConfig::default() };
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    World::start_with(WorldConfig { sim, env, ..WorldConfig::default() }).await
}

/// `probe MALL … --json`: how it ended, and its document.
async fn probe(world: &World, mall: &str, more: &[&str]) -> Result<(Option<i32>, Value)> {
    let output = world.cli(&[&["probe", mall, "--json"], more].concat()).await?;
    let document = serde_json::from_str(&output.stdout).with_context(|| format!("{output:?}"))?;
    Ok((output.code, document))
}

fn order(world: &World, mall: &str, endpoint: &str, fault: FaultKind) -> Result<()> {
    let endpoint = Some(Target::try_from(endpoint.to_owned()).ok().context("a target")?);
    let rule = FaultRule { mall: Some(mall.to_owned()), endpoint, ..FaultRule::always(fault) };
    world.sim.order(rule).context("order").map(drop)
}

/// An answer with this status and body.
fn answer(code: u16, body: &str) -> FaultKind {
    FaultKind::Status { code, headers: BTreeMap::new(), body: Some(body.to_owned()), retry_after: None }
}

/// The codes of all differences, each with its endpoint.
fn differences(document: &Value) -> Vec<(String, String)> {
    let calls = document["calls"].as_array().into_iter().flatten();
    let of = |call: &Value| {
        let endpoint = call["endpoint"].as_str().unwrap_or_default().to_owned();
        let found = call["differences"].as_array().cloned().unwrap_or_default();
        found
            .into_iter()
            .map(move |one| (endpoint.clone(), one["code"].as_str().unwrap_or_default().to_owned()))
    };
    calls.flat_map(of).collect()
}

fn requests(world: &World, mall: &str) -> Result<u64> {
    Ok(world.sim.mall_report(mall).context("report")?.requests)
}

/// All that a command said.
fn said(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_dialects_are_as_the_table_says_at_the_cost_that_was_told() -> Result<()> {
    let world = world().await?;
    for (mall, calls) in [(SEED, 11), (LIVE, 14)] {
        let plan = world.cli(&["probe", mall, "--dry-run"]).await?;
        plan.success()?;
        assert!(plan.stdout.contains(&format!("{calls} calls of {mall}")), "{}", plan.stdout);
        assert_eq!(requests(&world, mall)?, 0, "a plan sends nothing");
        let (code, document) = probe(&world, mall, &[]).await?;
        assert_eq!(
            (code, &document["fits"], differences(&document)),
            (Some(0), &true.into(), vec![]),
            "{document:#}"
        );
        assert_eq!(document["requests"], calls);
        // A path that is not there is answered by nobody's mall.
        let sent = requests(&world, mall)?;
        assert!(sent == calls || sent == calls - 1, "{sent} of {calls}");
        assert_eq!(document["grain"].as_array().map(Vec::len), Some(2), "{document:#}");
    }
    let total = world.sim.report().total;
    assert_eq!((total.throttled, total.without_token), (0, 0), "{total:?}");
    for table in ["jobs", "slices", "metrics_daily", "runs"] {
        assert_eq!(world.db.number(&format!("SELECT count(*) FROM {table}")).await?, 0, "{table}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_of_the_live_dialect_answer_what_is_not_known_of_it() -> Result<()> {
    let world = world().await?;
    let (_, document) = probe(&world, LIVE, &[]).await?;
    let questions = document["questions"].as_array().context("questions")?.clone();
    let of = |word: &str| {
        let found =
            questions.iter().find(|one| one["question"].as_str().is_some_and(|text| text.contains(word)));
        found.cloned().unwrap_or_default()
    };
    assert_eq!(questions.len(), 12);
    assert_eq!(
        of("not there")["answer"],
        "HTTP 404, error.code, error.message, error.more_info",
        "{document:#}"
    );
    assert!(of("rate limit")["answer"].as_str().is_some_and(|text| text.contains("x-ratelimit-remaining")));
    assert!(
        of("below 50")["answer"].as_str().is_some_and(|text| text.starts_with("limit=10 is ")),
        "{document:#}"
    );
    assert_eq!(of("renewing")["answer"], "not shown by this probe");
    assert_eq!((&of("renewing")["shown"], &of("not there")["shown"]), (&false.into(), &true.into()));
    // The specification answers all of them.
    assert_eq!(probe(&world, SEED, &[]).await?.1["questions"].as_array().map(Vec::len), Some(0));
    Ok(())
}
