//! Wishes overlap, and cost no more requests than their slices.

use futures::future::join_all;
use serde_json::Value;
use tests::harness::{Broker, Result, Span, wait_until};
use tests::simulator::{Endpoint, Granularity};

use super::{Flow, SOON, Setup, day};

#[tokio::test]
async fn s03_overlapping_wishes_of_five_operators_at_once_cost_one_request_a_slice() -> Result<()> {
    let flow = Flow::start(Setup::new(&["one", "two"]).workers(2)).await?;
    let wishes = [
        ["--all", "2025-03-01", "2025-03-20", "backfill"],
        ["--all", "2025-03-05", "2025-03-10", "fresh"],
        ["--all", "2025-03-10", "2025-03-30", "backfill"],
        ["--mall=one", "2025-03-01", "2025-03-30", "fresh"],
        ["--all", "2025-03-01", "2025-03-20", "fresh"],
        ["--mall=two", "2025-03-15", "2025-03-16", "backfill"],
        // The wrong way round: refused, and nothing of it is planned.
        ["--all", "2025-03-30", "2025-02-01", "fresh"],
    ];
    // Each wish twice over, in rounds of five processes at once.
    let doubled: Vec<_> = wishes.iter().chain(wishes.iter().rev()).collect();
    for round in doubled.chunks(5) {
        let flow = &flow;
        let ended = round.iter().map(|[who, from, to, lane]| async move {
            let wish = ["enqueue", who, "--from", from, "--to", to, "--lane", lane, "--chunk-days", "1"];
            let ended = flow.cli(&wish).await?;
            if from > to {
                assert_eq!(ended.code, Some(2), "{}", ended.stderr);
                return Ok(());
            }
            ended.success()
        });
        join_all(ended).await.into_iter().collect::<Result<Vec<()>>>()?;
    }
    flow.settled().await?;
    let slices = 2 * 4 * 30;
    let requests = flow.world.sim.report().total.requests;
    assert!(requests >= slices && requests * 100 <= slices * 101, "{requests} requests for {slices} slices");
    flow.world
        .exact(&["one", "two"].map(|mall| Span::days(mall, day("2025-03-01"), day("2025-03-30"))))
        .await?;
    flow.requests_were_good();
    Ok(())
}

#[tokio::test]
async fn s03_chunks_of_many_days_do_not_ask_twice_for_what_another_wish_brings() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(0)).await?;
    let wishes = [("2025-03-01", "2025-03-20"), ("2025-03-10", "2025-04-20"), ("2025-02-20", "2025-04-20")];
    for (from, to) in wishes {
        flow.wish("hanbit", "products", from, to, &[]).await?;
    }
    let jobs = flow.jobs().await?;
    let days: i64 = jobs.iter().map(|job| (job.end - job.start).num_days() + 1).sum();
    assert_eq!(days, 60, "{jobs:?}");
    assert!(jobs.windows(2).all(|pair| pair[0].end < pair[1].start), "{jobs:?}");
    Ok(())
}

#[tokio::test]
async fn the_same_wish_twice_is_published_once() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(0).without_daemon()).await?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    let queue = flow.world.prefix.queue("fresh");
    for (fed, jobs) in [(20, 20), (0, 0), (0, 0)] {
        let answer = flow.wish(
            "hanbit",
            "products",
            "2025-03-01",
            "2025-03-20",
            &["--chunk-days", "1", "--lane", "fresh"],
        );
        let answer = answer.await?;
        assert_eq!((&answer["fed"], &answer["jobs"]), (&Value::from(fed), &Value::from(jobs)), "{answer}");
        wait_until("20 messages", SOON, || async { Ok(broker.depth(&queue).await? == Some((20, 0))) })
            .await?;
    }
    assert_eq!(flow.jobs().await?.len(), 20);
    Ok(())
}

#[tokio::test]
async fn a_fresh_wish_lifts_the_backfill_jobs_that_carry_its_days() -> Result<()> {
    // Two requests a second and a short horizon: the backlog stays in the ledger, where it can be reordered.
    let setup = Setup::specified(&["hanbit"]).set("FEED__HORIZON", "500ms").set("LIMITS__CAPACITY", "1");
    let flow = Flow::start(setup).await?;
    flow.wish("hanbit", "products", "2025-01-01", "2025-03-01", &["--chunk-days", "1"]).await?;
    assert!(flow.jobs().await?.iter().all(|job| job.lane == "backfill"));
    let answer = flow.wish("hanbit", "products", "2025-02-27", "2025-02-28", &[]).await?;
    assert_eq!((&answer["jobs"], &answer["slices"]["in_work"]), (&0.into(), &2.into()), "{answer}");
    let fresh = "SELECT count(*) FROM jobs WHERE lane = 'fresh'";
    assert_eq!(flow.world.db.number(fresh).await?, 2);
    let done = "SELECT count(*) FROM jobs WHERE lane = 'fresh' AND work_state = 'done'";
    wait_until("the lifted ones done", SOON, || async { Ok(flow.world.db.number(done).await? == 2) }).await?;
    // A few that were on their way went first; 60 of them at 2 a second would have been half a minute.
    let requests = flow.requests("hanbit")?;
    assert!(requests <= 20, "{requests} requests");
    let twice = flow.world.sim.chunk_requests(
        "hanbit",
        Endpoint::ProductsSales,
        Granularity::Day,
        day("2025-02-28"),
        day("2025-02-28"),
    );
    assert_eq!(twice.expect("known"), 1);
    Ok(())
}
