//! A message may come twice; its effect happens once.

use serde_json::json;
use tests::harness::{Broker, Result, Signal, Span, wait_until};
use tests::simulator::{Endpoint, FaultKind, Granularity};

use super::{Flow, Job, SOON, Setup, day};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-24";

#[tokio::test]
async fn b04_the_message_of_a_committed_job_causes_no_second_request_and_no_write() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.fetch("hanbit", "products", FROM, TO, &["--chunk-days", "1"]).await?;
    let jobs = flow.jobs().await?;
    assert_eq!((jobs.len(), flow.requests("hanbit")?), (24, 24));
    let written = "SELECT m::text || ctid::text || xmin::text FROM metrics_daily m WHERE entity_type = 'product' ORDER BY 1";
    let before = flow.rows_of(written).await?;

    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    for job in jobs.iter().chain(&jobs) {
        publish(&flow, &broker, job).await?;
    }
    // A job after them: when it is done, the worker has seen them all.
    flow.fetch("hanbit", "visitors", FROM, FROM, &["--lane", "backfill"]).await?;
    emptied(&flow, &broker).await?;
    assert_eq!(flow.requests("hanbit")?, 25);
    // Counted after the broker has the ack.
    wait_until("all 48 recognised", SOON, || async {
        let metrics = flow.workers[0].metrics().await?;
        Ok(metrics.sum_where("cafe24_sync_deliveries_settled_total", "\"done\"") >= 48.0)
    })
    .await?;
    assert_eq!(flow.rows_of(written).await?, before);
    let products = "SELECT count(*) FROM jobs WHERE endpoint = 'products' AND work_state = 'done'";
    assert_eq!(flow.world.db.number(products).await?, 24);
    flow.world.exact(&spans()).await.map(drop)
}

#[tokio::test]
async fn a_job_still_marked_planned_runs_from_any_of_its_messages_and_only_once() -> Result<()> {
    // Nobody feeds after `enqueue`, whose window for an unknown bucket of 2/s is small: most jobs stay planned.
    let setup = Setup::specified(&["hanbit"]).without_daemon().set("FEED__HORIZON", "500ms");
    let flow = Flow::start(setup).await?;
    flow.wish("hanbit", "products", FROM, TO, &["--chunk-days", "1"]).await?;
    flow.wish("hanbit", "visitors", FROM, FROM, &[]).await?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    let jobs = flow.jobs().await?;
    assert!(jobs.iter().filter(|job| job.state == "planned").count() >= 20);
    for job in jobs.iter().chain(&jobs).chain(&jobs) {
        publish(&flow, &broker, job).await?;
    }
    flow.settled().await?;
    emptied(&flow, &broker).await?;
    assert_eq!(flow.requests("hanbit")?, 25);
    assert!(flow.jobs().await?.iter().all(|job| job.state == "done" && job.attempts == 0));
    flow.world.exact(&spans()).await.map(drop)
}

#[tokio::test]
async fn a_second_message_of_a_running_job_is_dropped() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(2)).await?;
    flow.order("hanbit", None, FaultKind::Hold)?;
    flow.wish("hanbit", "products", FROM, FROM, &[]).await?;
    flow.held(1).await?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    let job = flow.jobs().await?.remove(0);
    for _ in 0..20 {
        publish(&flow, &broker, &job).await?;
    }
    emptied(&flow, &broker).await?;
    // They were taken, and none of them asked.
    wait_until("the copies dropped", SOON, || async {
        let mut dropped = 0.0;
        for worker in &flow.workers {
            dropped += worker.metrics().await?.sum_where("cafe24_sync_deliveries_total", "");
        }
        Ok(dropped >= 21.0)
    })
    .await?;
    flow.world.sim.clear_faults();
    flow.settled().await?;
    let asked = flow.world.sim.chunk_requests(
        "hanbit",
        Endpoint::ProductsSales,
        Granularity::Day,
        day(FROM),
        day(FROM),
    );
    assert_eq!(asked.expect("known"), 1);
    assert_eq!(flow.requests("hanbit")?, 1);
    flow.world
        .exact(&[Span {
            endpoints: vec![Endpoint::ProductsSales],
            ..Span::days("hanbit", day(FROM), day(FROM))
        }])
        .await
        .map(drop)
}

#[tokio::test]
async fn b04_a_message_of_a_job_in_hand_that_the_ledger_took_away_is_not_dropped() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    // An unknown bucket gives one request, and the next one after its answer.
    flow.fetch("hanbit", "visitors", FROM, FROM, &[]).await?;
    flow.order("hanbit", None, FaultKind::Hold)?;
    flow.wish("hanbit", "products", FROM, FROM, &[]).await?;
    flow.held(1).await?;
    // Another worker got its message again, and put it back.
    flow.run_sql(
        "UPDATE jobs SET work_state = 'planned', fence = next_fence(), worker = 'another' WHERE work_state = 'running'; \
         NOTIFY cafe24_feed, 'hanbit'",
    )
    .await?;
    flow.held(2).await?;
    flow.world.sim.clear_faults();
    flow.settled().await?;
    assert_eq!(flow.requests("hanbit")?, 3);
    let fences = "SELECT (settled_fence = fence)::text || work_state FROM jobs WHERE endpoint = 'products'";
    assert_eq!(flow.rows_of(fences).await?, ["truedone"]);
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    emptied(&flow, &broker).await?;
    flow.world
        .exact(&[Span {
            endpoints: vec![Endpoint::ProductsSales, Endpoint::VisitorsView],
            ..Span::days("hanbit", day(FROM), day(FROM))
        }])
        .await
        .map(drop)
}

#[tokio::test]
async fn b04_a_second_message_does_not_hide_that_a_worker_is_gone() -> Result<()> {
    let mut flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.order("hanbit", None, FaultKind::Hold)?;
    flow.wish("hanbit", "products", FROM, FROM, &[]).await?;
    flow.held(1).await?;
    flow.workers.remove(0).kill().await?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    let job = flow.jobs().await?.remove(0);
    publish(&flow, &broker, &job).await?;
    wait_until("both messages in the queue", SOON, || async {
        Ok(broker.depth(&flow.world.prefix.queue(&job.lane)).await?.is_some_and(|(ready, _)| ready == 2))
    })
    .await?;
    flow.world.sim.clear_faults();
    // They come together: the one that was delivered before, and one that says nothing.
    flow.start_workers(1).await?;
    flow.settled().await?;
    assert_eq!(flow.requests("hanbit")?, 2);
    emptied(&flow, &broker).await
}

#[tokio::test]
async fn b04_no_message_of_a_job_in_hand_is_left_unsettled() -> Result<()> {
    let mut flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.order("hanbit", None, FaultKind::Hold)?;
    flow.wish("hanbit", "products", FROM, FROM, &[]).await?;
    flow.held(1).await?;
    // Further messages reach another worker, which does nothing with them and dies.
    flow.start_workers(1).await?;
    flow.workers[1].signal(Signal::Stop)?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    let job = flow.jobs().await?.remove(0);
    for _ in 0..8 {
        publish(&flow, &broker, &job).await?;
    }
    emptied(&flow, &broker).await?;
    flow.workers.remove(1).kill().await?;
    wait_until("they come again", SOON, || async {
        Ok(flow.workers[0].metrics().await?.sum("cafe24_sync_redeliveries_total") >= 3.0)
    })
    .await?;
    flow.world.sim.clear_faults();
    flow.settled().await?;
    assert_eq!(flow.requests("hanbit")?, 1);
    // What it has not settled goes back into the queue with its connection.
    flow.workers.remove(0).stop(SOON).await?;
    let queue = flow.world.prefix.queue(&job.lane);
    assert_eq!(broker.depth(&queue).await?.map(|(ready, _)| ready), Some(0));
    Ok(())
}

/// The wire format, written out once more: these bytes are a contract between releases.
pub(super) async fn publish(flow: &Flow, broker: &Broker, job: &Job) -> Result<()> {
    let message = json!({
        "v": 1, "job_id": job.id, "mall_id": job.mall, "shop_no": 1, "endpoint": job.endpoint, "granularity": "day",
        "start": job.start, "end": job.end, "lane": job.lane, "requested_at": "2025-04-01T00:00:00Z",
    });
    broker.publish(&flow.world.prefix.jobs_exchange(), &job.lane, message.to_string().as_bytes()).await
}

pub(super) async fn emptied(flow: &Flow, broker: &Broker) -> Result<()> {
    wait_until("both queues empty", SOON, || async {
        let mut ready = 0;
        for lane in ["fresh", "backfill"] {
            ready += broker.depth(&flow.world.prefix.queue(lane)).await?.map_or(0, |(ready, _)| ready);
        }
        Ok(ready == 0)
    })
    .await
}

fn spans() -> [Span; 2] {
    let products =
        Span { endpoints: vec![Endpoint::ProductsSales], ..Span::days("hanbit", day(FROM), day(TO)) };
    let visitors =
        Span { endpoints: vec![Endpoint::VisitorsView], ..Span::days("hanbit", day(FROM), day(FROM)) };
    [products, visitors]
}
