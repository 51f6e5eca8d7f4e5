//! A share of the bucket for other software, from the setting to the simulator's own bucket.

use std::time::{Duration, Instant};

use tests::harness::{Context as _, Result, World, WorldConfig, wait_until};
use tests::simulator::SimConfig;

/// Requests a second that the server allows: ten times the real rate.
const RATE: f64 = 20.0;

async fn world(env: &[(&str, &str)]) -> Result<World> {
    let mut env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    env.push(("CAFE24_SYNC__LIMITS__REFILL_PER_SECOND".to_owned(), RATE.to_string()));
    let sim =
        SimConfig { malls: 1, rate_multiplier: RATE / 2.0, large_malls: Some(0), ..SimConfig::default() };
    World::start_with(WorldConfig { sim, env, ..WorldConfig::default() }).await
}

/// Requests a second once the burst was over, of `jobs` in all.
async fn measured(world: &World, jobs: u32, burst: usize) -> Result<f64> {
    let last = format!("{jobs}d");
    let wish = ["--all", "--endpoint", "visitors", "--last", &last, "--chunk-days", "1", "--yes"];
    world.enqueue(&wish).await?;
    world.settled(Duration::from_secs(50)).await?;
    let mall = world.sim.malls().remove(0).mall_id;
    let arrivals = world.sim.arrivals(&mall).context("arrivals")?;
    let steady = &arrivals[burst..];
    let (first, last) = steady.first().zip(steady.last()).context("more than a burst")?;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let requests = (steady.len() - 1) as f64;
    Ok(requests / last.saturating_sub(*first).as_secs_f64())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarter_of_the_tokens_and_of_the_refill_stays_with_the_server_whatever_all_workers_do()
-> Result<()> {
    let world = world(&[("CAFE24_SYNC__LIMITS__RESERVE", "25%")]).await?;
    let _programs = (world.programs.serve()?, world.programs.worker()?, world.programs.worker()?);
    let rate = measured(&world, 260, 40).await?;
    assert!((rate / (0.75 * RATE) - 1.0).abs() <= 0.02, "{rate} requests a second");
    let report = world.sim.report().total;
    assert_eq!(report.throttled, 0);
    assert!(report.min_level.is_some_and(|level| level >= 10.0), "{:?}", report.min_level);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn others_who_use_their_half_find_it_and_it_is_not_taken_from_ours_again() -> Result<()> {
    let world = world(&[]).await?;
    let mall = world.sim.malls().remove(0).mall_id;
    let set = world.json(&["limits", "set", &mall, "--reserve", "50%"]).await?;
    assert_eq!((&set["reserve_percent"], &set["changed"]), (&50.into(), &true.into()), "{set}");
    let _programs = (world.programs.serve()?, world.programs.worker()?);
    // Others: 10 a second, which is half of the refill, from the burst's end on.
    let (sim, name) = (&world.sim, mall.clone());
    let others = async {
        wait_until("our burst", Duration::from_secs(20), || async {
            Ok(sim.mall_report(&name).context("a report")?.requests > 40)
        })
        .await?;
        let (began, mut taken) = (Instant::now(), 0_u32);
        let mut lowest = f64::MAX;
        while began.elapsed() < Duration::from_secs(12) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            taken += 1;
            let due = u32::try_from(began.elapsed().as_millis() / 100).unwrap_or(0);
            lowest = lowest.min(sim.drain(&name, 1 + due.saturating_sub(taken)).context("drain")?);
            taken = taken.max(due);
        }
        Ok(lowest)
    };
    let (rate, lowest) = tokio::try_join!(measured(&world, 170, 40), others)?;
    assert!((rate / (0.5 * RATE) - 1.0).abs() <= 0.03, "{rate} requests a second");
    assert!(lowest >= 1.0, "others found {lowest} tokens");
    assert_eq!(world.sim.report().total.throttled, 0);
    let shown = world.json(&["limits", &mall]).await?;
    assert_eq!(
        (&shown["items"][0]["reserve_percent"], &shown["items"][0]["per_second"]),
        (&50.into(), &10.0.into())
    );
    let audited = world.db.number("SELECT count(*) FROM audit_log WHERE action = 'limits.set'").await?;
    assert_eq!(audited, 1);
    Ok(())
}
