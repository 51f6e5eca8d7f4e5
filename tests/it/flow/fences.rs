//! A fetch that began earlier never overwrites one that began later, whichever is written first.

use tests::harness::{Broker, Result, Span, wait_until};
use tests::simulator::{Endpoint, FaultKind};

use super::{Flow, SOON, Setup, day};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-03";

#[tokio::test]
async fn w02_a_fetch_that_ends_after_a_newer_one_changes_nothing() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(2)).await?;
    flow.order("hanbit", Some(1), FaultKind::Hold)?;
    flow.wish("hanbit", "products", FROM, TO, &[]).await?;
    flow.held(1).await?;
    // The held answer shows the figures of now; the next ones will not.
    flow.restate("hanbit", Endpoint::ProductsSales, FROM, TO)?;
    plan_again(&flow).await?;
    flow.settled().await?;
    flow.world.exact(&span()).await?;
    let newer = figures(&flow).await?;

    flow.world.sim.release();
    superseded(&flow).await?;
    flow.world.exact(&span()).await?;
    assert_eq!(figures(&flow).await?, newer);
    let jobs = flow.jobs().await?;
    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].state.as_str(), jobs[0].attempts), ("done", 0));
    assert_eq!(flow.requests("hanbit")?, 2);
    Ok(())
}

#[tokio::test]
async fn w02_the_loser_of_two_fetches_neither_clears_nor_brings_back_a_product() -> Result<()> {
    // The older fetch has products that the newer one does not have, and the other way round.
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(2)).await?;
    flow.fetch("hanbit", "domains", FROM, TO, &[]).await?;
    flow.order("hanbit", Some(1), FaultKind::Hold)?;
    flow.wish("hanbit", "domains", FROM, TO, &["--force"]).await?;
    flow.held(1).await?;
    for _ in 0..3 {
        flow.restate("hanbit", Endpoint::VisitpathsDomains, FROM, TO)?;
    }
    plan_again(&flow).await?;
    flow.settled().await?;
    flow.world.sim.release();
    superseded(&flow).await?;
    let endpoints = vec![Endpoint::VisitpathsDomains];
    flow.world.exact(&[Span { endpoints, ..Span::days("hanbit", day(FROM), day(TO)) }]).await.map(drop)
}

#[tokio::test]
async fn in_the_plain_order_the_later_fetch_replaces_the_earlier_one() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    for _ in 0..4 {
        flow.fetch("hanbit", "products", FROM, TO, &["--force"]).await?;
        flow.world.exact(&span()).await?;
        flow.restate("hanbit", Endpoint::ProductsSales, FROM, TO)?;
    }
    let fences = "SELECT count(DISTINCT fence) FROM jobs";
    assert_eq!(flow.world.db.number(fences).await?, 4);
    let newest = "SELECT count(*) FROM slices WHERE fence = (SELECT max(fence) FROM jobs)";
    assert_eq!(flow.world.db.number(newest).await?, 3);
    Ok(())
}

/// What the reconciler does with a job whose worker it takes for lost; its real deadlines are minutes.
async fn plan_again(flow: &Flow) -> Result<()> {
    flow.run_sql("UPDATE jobs SET work_state = 'planned' WHERE work_state = 'running'").await?;
    flow.run_sql("SELECT pg_notify('cafe24_feed', limiter_key) FROM jobs").await
}

/// Waits until the late fetch was written to no effect, and its message is gone.
async fn superseded(flow: &Flow) -> Result<()> {
    wait_until("the late fetch superseded", SOON, || async {
        let mut slices = 0.0;
        for worker in &flow.workers {
            slices += worker.metrics().await?.sum("cafe24_sync_slices_superseded_total");
        }
        Ok(slices >= 3.0)
    })
    .await?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    let queue = flow.world.prefix.queue("fresh");
    wait_until("no message left", SOON, || async { Ok(broker.depth(&queue).await? == Some((0, 2))) }).await
}

/// Every row with all that a write would change.
async fn figures(flow: &Flow) -> Result<Vec<String>> {
    flow.rows_of("SELECT m::text || ctid::text || xmin::text FROM metrics_daily m ORDER BY 1").await
}

fn span() -> [Span; 1] {
    [Span { endpoints: vec![Endpoint::ProductsSales], ..Span::days("hanbit", day(FROM), day(TO)) }]
}
