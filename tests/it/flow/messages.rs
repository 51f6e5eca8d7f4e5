//! Messages that are no jobs: they hold up nobody, and each ends where a person can read it.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use serde_json::{Value, json};
use tests::harness::{Broker, Context as _, Result, Span, wait_until};
use tests::simulator::Endpoint;

use super::{Flow, LIMIT, SOON, Setup, day};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-06-08";
/// 10 s is the aim (D5) for a machine that has nothing else to do.
const D5: Duration = Duration::from_secs(20);

#[tokio::test]
async fn d05_a_thousand_poison_messages_among_five_hundred_good_jobs_cost_nothing_and_are_archived()
-> Result<()> {
    let malls = ["one", "two", "three", "four", "five"];
    let mut flow = Flow::start(Setup::new(&malls).workers(0)).await?;
    flow.enqueue(&["--all", "--endpoint", "visitors", "--from", FROM, "--to", TO, "--chunk-days", "1"])
        .await?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    // Until a queue is bound, the broker confirms what a test publishes and forgets it; the feeder's jobs say that it is.
    let queue = flow.world.prefix.queue("backfill");
    wait_until("jobs in their queue", SOON, || async {
        Ok(broker.depth(&queue).await?.is_some_and(|(messages, _)| messages > 0))
    })
    .await?;
    let poison = poison();
    assert_eq!(poison.len(), 1_000);
    let started = Instant::now();
    let (first, second) = poison.split_at(500);
    publish(&flow, &broker, "backfill", first).await?;
    flow.start_workers(1).await?;
    publish(&flow, &broker, "fresh", second).await?;
    flow.settled().await?;
    let letters = flow.archived(1_000).await?;
    let took = started.elapsed();

    assert_eq!(letters.len(), 1_000);
    assert!(took < D5, "took {took:?}");
    let jobs = flow.jobs().await?;
    assert_eq!(jobs.len(), 500);
    assert!(jobs.iter().all(|job| job.state == "done" && job.attempts == 0));
    let visitors = vec![Endpoint::VisitorsView];
    let spans =
        malls.map(|mall| Span { endpoints: visitors.clone(), ..Span::days(mall, day(FROM), day(TO)) });
    flow.world.exact(&spans).await?;
    assert_eq!(flow.world.sim.report().total.requests, 500);
    for letter in &letters {
        assert_eq!(letter.class, "unreadable");
        assert!(!letter.reason.is_empty());
        let sent = poison
            .iter()
            .any(|body| i64::try_from(body.len()) == Ok(letter.body_bytes) && *body == letter.body);
        assert!(sent, "not byte for byte: {letter:?}");
    }
    assert!(letters.iter().any(|letter| letter.body_bytes == 1 << 20 && letter.body.len() == 1 << 20));
    let unknown = letters.iter().filter(|letter| letter.reason.contains("does not know")).count();
    assert_eq!(unknown, 100);
    let usage = flow.workers[0].usage()?;
    assert!(usage.peak_kib < 256 << 10, "{usage:?}");
    let listed = flow.world.json(&["dead", "list", "--limit", "2000"]).await?;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1_000));
    Ok(())
}

#[tokio::test]
async fn w05_a_message_of_a_newer_version_goes_back_to_its_queue_and_is_dead_only_after_a_day() -> Result<()>
{
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    let now = flow.world.sim.clock().now();
    let message =
        |age: Duration| json!({ "v": 2, "newly": { "shaped": true }, "requested_at": now - age }).to_string();
    let young = message(Duration::from_mins(5)).into_bytes();
    let old = message(Duration::from_hours(25)).into_bytes();
    publish(&flow, &broker, "fresh", &[old.clone(), young.clone()]).await?;
    let letters = flow.archived(1).await?;
    assert_eq!(letters[0].body, old);
    assert!(letters[0].reason.contains("newer worker"), "{}", letters[0].reason);
    // It comes again and again, with rests in between; other jobs go on meanwhile.
    flow.fetch("hanbit", "visitors", FROM, FROM, &[]).await?;
    wait_until("the young one delivered again", SOON, || async {
        Ok(flow.workers[0].metrics().await?.sum("cafe24_sync_redeliveries_total") >= 1.0)
    })
    .await?;
    assert_eq!(flow.letters().await?.len(), 1);
    // When the worker goes, it leaves the message where it was.
    flow.workers[0].stop(LIMIT).await?;
    let queue = flow.world.prefix.queue("fresh");
    wait_until("the young one in its queue", SOON, || async {
        Ok(broker.depth(&queue).await? == Some((1, 0)))
    })
    .await?;
    assert_eq!(broker.take(&queue).await?, Some(young));
    Ok(())
}

#[tokio::test]
async fn a_message_that_lies_about_its_job_fetches_what_the_ledger_says() -> Result<()> {
    // Who can publish must not be able to make us fetch something else.
    let mut flow = Flow::start(Setup::new(&["hanbit", "other"]).workers(0).without_daemon()).await?;
    flow.wish("hanbit", "visitors", FROM, FROM, &[]).await?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    broker.purge(&flow.world.prefix.queue("fresh")).await?;
    let id = flow.jobs().await?.remove(0).id;
    let lie = json!({
        "v": 1, "job_id": id, "mall_id": "other", "shop_no": 9, "endpoint": "products", "granularity": "month",
        "start": "2025-01-01", "end": "2025-12-31", "lane": "backfill", "requested_at": "2025-04-01T00:00:00Z",
    });
    publish(&flow, &broker, "fresh", &[lie.to_string().into_bytes()]).await?;
    flow.start_workers(1).await?;
    flow.settled().await?;
    assert_eq!((flow.requests("hanbit")?, flow.requests("other")?), (1, 0));
    let endpoints = vec![Endpoint::VisitorsView];
    flow.world.exact(&[Span { endpoints, ..Span::days("hanbit", day(FROM), day(FROM)) }]).await.map(drop)
}

/// A thousand messages of ten kinds, a few of them a megabyte long.
fn poison() -> Vec<Vec<u8>> {
    let job = |number: usize| {
        json!({
            "v": 1, "job_id": format!("00000000-0000-4000-8000-{number:012}"), "mall_id": "one", "shop_no": 1,
            "endpoint": "visitors", "granularity": "day", "start": FROM, "end": FROM, "lane": "fresh",
            "requested_at": "2025-04-01T00:00:00Z",
        })
    };
    let with = |number, field: &str, value: Value| {
        let mut job = job(number);
        job[field] = value;
        job.to_string().into_bytes()
    };
    let one = |number: usize| match number % 10 {
        0 => Vec::new(),
        1 => format!("hello {number}").into_bytes(),
        2 if number < 50 => vec![b'['; 1 << 20],
        2 => vec![0xFF, 0x00, 0xFE, u8::try_from(number % 251).unwrap_or(0)],
        3 => with(number, "v", json!(0)),
        4 => with(number, "endpoint", json!("salaries")),
        5 => job(number).to_string().into_bytes(),
        6 => with(number, "mall_id", json!("x'; DROP TABLE jobs; --")),
        7 => with(number, "end", json!("2024-01-01")),
        8 => with(number, "job_id", json!("1 OR 1=1")),
        _ => with(number, "v", json!("one")),
    };
    (0..1_000).map(one).collect()
}

/// Publishes all, and waits for the confirms.
async fn publish(flow: &Flow, broker: &Broker, lane: &str, bodies: &[Vec<u8>]) -> Result<()> {
    let channel = broker.channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await.context("confirms")?;
    let exchange = flow.world.prefix.jobs_exchange();
    let mut confirms = Vec::new();
    for body in bodies {
        let properties = BasicProperties::default().with_delivery_mode(2);
        let options = BasicPublishOptions::default();
        let sent =
            channel.basic_publish(exchange.as_str().into(), lane.into(), options, body, properties).await;
        confirms.push(sent.context("publish")?);
    }
    try_join_all(confirms).await.context("confirm").map(drop)
}
