//! All is well, and looking has changed nothing.

use std::time::Duration;

use tests::harness::{Broker, Context as _, Result, WorldConfig, wait_until};
use tests::simulator::{FaultKind, FaultRule};

use super::{Answer, healthy};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn all_well_ends_with_0_and_costs_one_request_of_one_mall() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let malls: Vec<String> = world.sim.malls().into_iter().map(|mall| mall.mall_id).collect();
    let requests = || -> Result<u64> {
        let report = |mall: &String| world.sim.mall_report(mall).context("report");
        malls.iter().map(|mall| Ok(report(mall)?.requests)).sum()
    };
    Answer::of(&world, &["--offline"]).await?.all_well();
    assert_eq!(requests()?, 0, "--offline sends nothing");

    let answer = Answer::of(&world, &[]).await?;
    answer.all_well();
    assert_eq!(requests()?, 1);
    let probe = answer.at("good").into_iter().find(|(check, ..)| check == "probe").context("probe")?;
    assert!(probe.1.contains("HTTP 200") && probe.1.contains("39/40 tokens left"), "{probe:?}");

    let chosen = malls.last().context("a mall")?;
    Answer::of(&world, &["--mall", chosen]).await?.all_well();
    assert_eq!(world.sim.mall_report(chosen).context("report")?.requests, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_of_the_queues_are_forgotten_by_whoever_gets_them() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let daemon = world.programs.serve()?;
    let worker = world.programs.worker()?;
    daemon.listen(SOON).await?;
    worker.listen(SOON).await?;
    let broker = Broker::connect(&world.servers.amqp).await?;
    let queues = [world.prefix.queue("fresh"), world.prefix.queue("backfill"), world.prefix.dead_queue()];
    let consumed = async || {
        for queue in &queues {
            if broker.depth(queue).await?.is_none_or(|(_, consumers)| consumers == 0) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    wait_until("every queue has its consumer", SOON, consumed).await?;
    for _ in 0..3 {
        Answer::of(&world, &["--offline"]).await?.all_well();
    }
    let empty = async || {
        for queue in &queues {
            if broker.depth(queue).await? != Some((0, 1)) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    wait_until("the probes are gone", SOON, empty).await?;
    assert_eq!(world.db.number("SELECT count(*) FROM dead_letters").await?, 0);
    assert!(!worker.log().contains("unreadable"), "{}", worker.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_that_nobody_consumes_expire() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let broker = Broker::connect(&world.servers.amqp).await?;
    let queues = [world.prefix.queue("fresh"), world.prefix.queue("backfill")];
    assert_eq!(broker.depth(&queues[0]).await?, Some((1, 0)), "the probe of the first look");
    let expired = async || {
        Ok(broker.depth(&queues[0]).await? == Some((0, 0)) && broker.depth(&queues[1]).await? == Some((0, 0)))
    };
    wait_until("the lanes are empty", SOON, expired).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_of_the_api_that_is_wrong_is_told_from_its_answer() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let date =
        (world.sim.clock().now() + chrono::TimeDelta::minutes(10)).to_rfc2822().replace("+0000", "GMT");
    let set = [("date".to_owned(), Some(date))].into_iter().collect();
    world.sim.order(FaultRule::always(FaultKind::Headers { set })).context("order")?;
    let (what, remedy) = Answer::of(&world, &[]).await?.only("problem", "clock");
    assert!(what.contains("the clock of the API is +10 m 0") || what.contains("is +9 m 59"), "{what}");
    assert!(remedy.contains("NTP"), "{remedy}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_probe_says_what_the_api_said_and_what_to_do() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let mall = world.sim.malls().into_iter().map(|mall| mall.mall_id).min().context("a mall")?;
    world.sim.set_approved(&mall, false).context("refused")?;
    let (what, remedy) = Answer::of(&world, &["--mall", &mall]).await?.only("problem", "probe");
    assert!(what.contains("HTTP 403"), "{what}");
    assert!(remedy.contains(&format!("connect {mall}")), "{remedy}");
    // The doctor judges; it parks nobody.
    assert_eq!(world.db.number("SELECT count(*) FROM connectors WHERE state = 'active'").await?, 2);
    Ok(())
}
