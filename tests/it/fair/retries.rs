//! Retries: held to their share of a mall's budget while first tries wait, and not a request is wasted for it.

use std::collections::BTreeMap;
use std::time::Duration;

use tests::harness::{Context as _, Result, World, WorldConfig, wait_until_some};
use tests::simulator::{FaultKind, FaultRule, SimConfig};

/// Requests a second: thirty times the real rate.
const RATE: f64 = 60.0;
/// Jobs of the mall.
const JOBS: usize = 300;
/// A full bucket's burst, which no rate bounds.
const BURST: usize = 45;

/// What came of a mall whose every other request fails.
#[derive(Debug)]
struct Figures {
    /// Retries of all requests, while first tries waited.
    share: f64,
    /// Requests a second, while first tries waited.
    rate: f64,
    /// Requests a second, when nothing but retries waited.
    rate_of_retries: f64,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mall_whose_every_other_request_fails_spends_a_quarter_of_its_budget_on_retries() -> Result<()> {
    let held = run("25").await?;
    let free = run("100").await?;
    super::say("a share of 25 %", &held);
    super::say("a share of 100 %", &free);
    assert!((0.18..=0.28).contains(&held.share), "{held:?}");
    assert!(free.share > 0.4, "without the guard there is nothing to see: {free:?}");
    for figures in [&held, &free] {
        assert!(figures.rate > 0.85 * RATE, "budget was left unused: {figures:?}");
        assert!(figures.rate_of_retries > 0.75 * RATE, "retries did not take what was free: {figures:?}");
    }
    Ok(())
}

async fn run(share: &str) -> Result<Figures> {
    let sim = SimConfig { malls: 1, rate_multiplier: RATE / 2.0, ..SimConfig::default() };
    let env = [
        ("LIMITS__REFILL_PER_SECOND", RATE.to_string()),
        // A window of half a second, as eight jobs are at the real rate.
        ("FEED__HORIZON", "500ms".to_owned()),
        ("RETRY__BASE", "10ms".to_owned()),
        ("RETRY__CAP", "20ms".to_owned()),
        ("RETRY__MAX_ATTEMPTS", "100".to_owned()),
        ("RETRY__BUDGET_SHARE", share.to_owned()),
    ];
    let env = env.map(|(name, value)| (format!("CAFE24_SYNC__{name}"), value)).to_vec();
    let world = World::start_with(WorldConfig { sim, env, ..WorldConfig::default() }).await?;
    let mall = world.sim.malls().remove(0).mall_id;
    let failure = FaultKind::Status { code: 503, headers: BTreeMap::new(), body: None, retry_after: None };
    world.sim.order(FaultRule { every: Some(2), ..FaultRule::always(failure) }).context("order")?;
    let (_serve, _worker) = (world.programs.serve()?, world.programs.worker()?);
    let wish = ["--all", "--endpoint", "visitors", "--last", "300d", "--chunk-days", "1", "--yes"];
    world.enqueue(&wish).await?;

    // Each job is a chunk of its own: a second request for one is a retry.
    let asked = || -> Result<(usize, usize)> {
        let report = world.sim.mall_report(&mall).context("a report")?;
        Ok((report.chunks.len(), usize::try_from(report.requests).unwrap_or(usize::MAX)))
    };
    let limit = Duration::from_secs(40);
    let (first_tries, requests) = wait_until_some("nearly all tried once", limit, || async {
        Ok(Some(asked()?).filter(|(first, _)| *first >= JOBS * 9 / 10))
    })
    .await?;
    let (_, tried) = wait_until_some("all tried once", limit, || async {
        Ok(Some(asked()?).filter(|(first, _)| *first == JOBS))
    })
    .await?;
    world.settled(limit).await?;
    assert_eq!(world.jobs_in(&["done"]).await?, i64::try_from(JOBS).unwrap_or(0));
    let arrivals = world.sim.arrivals(&mall).context("arrivals")?;
    // The last retries wait for their backoff, no longer for the budget.
    let end = tried + (arrivals.len() - tried) * 8 / 10;
    Ok(Figures {
        share: ratio(requests - first_tries, requests),
        rate: ratio(requests - BURST, 1) / seconds(&arrivals[BURST..requests]),
        rate_of_retries: ratio(end - tried, 1) / seconds(&arrivals[tried..end]),
    })
}

fn seconds(arrivals: &[Duration]) -> f64 {
    arrivals
        .last()
        .zip(arrivals.first())
        .map_or(0.0, |(last, first)| last.saturating_sub(*first).as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}
