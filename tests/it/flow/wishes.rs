//! Wishes overlap, and cost no more requests than their slices.

use futures::future::join_all;
use serde_json::Value;
use tests::harness::{Broker, Context as _, Output, Result, Span, wait_until};
use tests::simulator::{Endpoint, Granularity};

use super::{Flow, LIMIT, SOON, Setup, day, status};

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
async fn whoever_enqueues_hands_over_himself_only_where_nobody_leads_and_says_what_is_missing() -> Result<()>
{
    let mut flow = Flow::start(Setup::new(&["hanbit"]).workers(0).without_daemon()).await?;
    let wish = |day| ["enqueue", "--mall", "hanbit", "--endpoint", "visitors", "--from", day, "--to", day];
    let alone = flow.cli(&wish("2025-03-01")).await?;
    alone.success()?;
    assert!(alone.stdout.contains("1 job handed to the workers' queues"), "{}", alone.stdout);
    assert!(alone.stderr.contains("no feeder runs: start `cafe24-sync serve`"), "{}", alone.stderr);
    assert_eq!(flow.world.jobs_in(&["queued"]).await?, 1);

    flow.start_daemon()?;
    flow.daemon.as_ref().context("a daemon")?.event("leader.acquired", SOON).await?;
    let beside = flow.cli(&wish("2025-03-02")).await?;
    beside.success()?;
    assert!(beside.stdout.contains("by the feeder that runs"), "{}", beside.stdout);
    assert!(!beside.stderr.contains("no feeder"), "{}", beside.stderr);
    wait_until("it feeds", SOON, || async { Ok(flow.world.jobs_in(&["queued"]).await? == 2) }).await
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

/// What `enqueue --wait --json` answered, however it ended.
fn answer(ended: &Output) -> Result<Value> {
    serde_json::from_str(&ended.stdout).with_context(|| format!("{}{}", ended.stdout, ended.stderr))
}

#[tokio::test]
async fn waiting_is_for_whoever_brings_the_days() -> Result<()> {
    let mut flow = Flow::start(Setup::new(&["hanbit"]).workers(0).without_daemon()).await?;
    let days = [
        "enqueue",
        "--mall",
        "hanbit",
        "--endpoint",
        "products",
        "--from",
        "2025-03-01",
        "--to",
        "2025-03-08",
        "--json",
    ];
    flow.cli(&[&days[..], &["--chunk-days", "1"]].concat()).await?.success()?;
    // All of it is in jobs of another run, and nobody works: waiting runs out, and says what for.
    let ended = flow.cli(&[&days[..], &["--wait=5s"]].concat()).await?;
    let told = answer(&ended)?;
    let progress = &told["progress"];
    assert_eq!(
        (ended.code, &told["jobs"], &told["ended"]),
        (Some(124), &0.into(), &"timed_out".into()),
        "{told}"
    );
    assert_eq!(
        (&progress["jobs"], &progress["done"], &progress["of_other_runs"]),
        (&8.into(), &0.into(), &8.into())
    );
    // A wish with days of its own waits for both; a forced one in the fresh lane for the jobs that it lifted.
    let longer = [
        "enqueue",
        "--mall",
        "hanbit",
        "--endpoint",
        "products",
        "--from",
        "2025-02-27",
        "--to",
        "2025-03-08",
    ];
    let ended = flow.cli(&[&longer[..], &["--json", "--wait=5s"]].concat()).await?;
    let progress = answer(&ended)?["progress"].clone();
    assert_eq!(
        (ended.code, &progress["jobs"], &progress["of_other_runs"]),
        (Some(124), &9.into(), &8.into())
    );
    let forced = ["--lane", "fresh", "--force", "--wait=5s"];
    let ended = flow.cli(&[&days[..], &forced].concat()).await?;
    let progress = answer(&ended)?["progress"].clone();
    assert_eq!((ended.code, &progress["of_other_runs"]), (Some(124), &8.into()), "{progress}");

    flow.start_workers(1).await?;
    let three = (0..3).map(|_| async {
        let ended = flow.cli(&[&days[..], &["--wait"]].concat()).await?;
        // Every row is there, whoever of the three was first.
        let there = flow
            .world
            .db
            .number("SELECT count(*) FROM slices WHERE mall_id = 'hanbit' AND date >= '2025-03-01'");
        assert_eq!((ended.code, there.await?), (Some(0), 8), "{}", ended.stdout);
        Ok(())
    });
    join_all(three).await.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(())
}

#[tokio::test]
async fn a_job_of_another_run_that_fails_fails_who_waits_for_it() -> Result<()> {
    let mut flow = Flow::start(Setup::new(&["broken"]).workers(0).without_daemon()).await?;
    flow.order("broken", Some(1), status(400))?;
    flow.wish("broken", "products", "2025-03-01", "2025-03-08", &["--chunk-days", "1"]).await?;
    let wish = ["--mall", "broken", "--endpoint", "products", "--from", "2025-03-01", "--to", "2025-03-08"];
    let waiting =
        flow.world.programs.cli_started(&[&["enqueue"], &wish[..], &["--wait", "--json"]].concat())?;
    wait_until("its run", SOON, || async {
        Ok(flow.world.db.number("SELECT count(*) FROM runs WHERE slices_wanted = 8").await? == 2)
    })
    .await?;
    flow.start_workers(1).await?;
    let ended = waiting.output(LIMIT).await?;
    let progress = answer(&ended)?["progress"].clone();
    assert_eq!(ended.code, Some(8), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(
        (&progress["done"], &progress["failed"], &progress["of_other_runs"]),
        (&7.into(), &1.into(), &8.into())
    );
    Ok(())
}
