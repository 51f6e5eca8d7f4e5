//! A leader that was frozen and wakes finds its lease over before it does anything: no duty of it takes another step.

use std::time::Duration;

use serde_json::Value;
use tests::harness::{Context as _, Program, Result, Signal, Trouble, Webhook, World, wait_until};

use super::{SOON, led, named, world};

/// What duties say when they did something.
const DEEDS: [&str; 6] =
    ["jobs.reconciled", "letters.archived", "tokens.kept", "pauses.aligned", "pauses.ended", "alert.opened"];

/// Work for every duty, made while the leader is frozen: what it would do if it went on where it stopped.
async fn make_work(world: &World) -> Result<()> {
    let work = "UPDATE jobs SET work_state = 'queued', queued_at = now() - interval '1 hour'; \
                INSERT INTO endpoint_pauses (endpoint, cause, reason, paused_by, until) \
                VALUES ('domains', 'operator', 'a test', 'test', now()); \
                UPDATE connectors SET state = 'needs_consent', state_reason = 'a test' WHERE mall_id = 'lost'";
    world.db.client().batch_execute(work).await.context(work)?;
    world.sim.expire_access("hanbit").context("expire")?;
    let old = "UPDATE connectors SET token_issued_at = now() - interval '9 days' WHERE mall_id = 'hanbit'";
    world.db.client().batch_execute(old).await.context(old).map(drop)
}

fn deeds(events: &[Value]) -> Vec<&Value> {
    events.iter().filter(|event| DEEDS.iter().any(|deed| named(event, deed))).collect()
}

fn told(webhook: &Webhook) -> usize {
    let opened = |message: &&Value| message["event"] == "opened" && message["kind"] == "needs_consent";
    webhook.messages().iter().filter(opened).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn s02_a_frozen_leader_that_wakes_does_nothing_twice() -> Result<()> {
    let webhook = Webhook::start().await?;
    let fast = [
        ("ALERTS__WEBHOOK_URL", webhook.url()),
        ("ALERTS__KIND", "json"),
        ("ALERTS__EVERY", "1s"),
        ("RECONCILE__EVERY", "1s"),
        ("RECONCILE__QUEUED_DEADLINE", "1s"),
        ("FEED__SWEEP", "200ms"),
    ];
    let world = world(&["hanbit", "lost"], &fast).await?;
    let leader = world.programs.serve()?;
    leader.event("leader.acquired", SOON).await?;
    let standby = world.programs.serve()?;
    standby.event("serve.started", SOON).await?;
    let _worker = world.programs.worker()?;

    leader.signal(Signal::Stop)?;
    let slept_on = leader.events().len();
    world
        .cli(&[
            "enqueue",
            "--mall",
            "hanbit",
            "--from",
            "2025-03-01",
            "--to",
            "2025-03-10",
            "--chunk-days",
            "1",
        ])
        .await?
        .success()?;
    make_work(&world).await?;
    wait_until("the standby leads", Duration::from_secs(10), || async { Ok(led(&standby) == 1) }).await?;
    world.settled(Duration::from_secs(40)).await?;
    wait_until("the alert told", SOON, || async { Ok(told(&webhook) == 1) }).await?;
    let ended = "SELECT count(*) FROM endpoint_pauses WHERE ended_at IS NULL";
    wait_until("the pause ended", SOON, || async { Ok(world.db.number(ended).await? == 0) }).await?;
    // The end of the pause lets the jobs go that were behind it.
    world.settled(Duration::from_secs(40)).await?;
    let sent = || {
        let report = world.sim.mall_report("hanbit").context("report")?;
        Ok::<_, Trouble>((report.requests, report.tokens.refreshes))
    };
    let before = sent()?;

    leader.signal(Signal::Cont)?;
    wait_until("the woken one stands by", SOON, || async { Ok(lost(&leader)) }).await?;
    // As long as its duties would need to do what they wanted to do: several rounds of each.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let woken = leader.events().split_off(slept_on);
    assert!(deeds(&woken).is_empty(), "it went on: {:?}", deeds(&woken));
    assert!(woken.iter().all(|event| !named(event, "leader.acquired")), "{woken:?}");
    assert_eq!(told(&webhook), 1, "told twice: {:?}", webhook.messages());
    assert_eq!(sent()?, before, "requests and refreshes");
    assert!(leader.is_running() && standby.is_running());
    Ok(())
}

fn lost(program: &Program) -> bool {
    program.events().iter().any(|event| named(event, "leader.lost"))
}
