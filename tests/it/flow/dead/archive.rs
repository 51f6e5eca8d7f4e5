//! Into the archive: nothing is lost, nothing doubled, and what is known is kept.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use serde_json::Value;
use tests::harness::{Broker, Context as _, Proxy, Result, Servers, wait_until};
use tests::simulator::FaultKind;

use super::{Flow, LIMIT, SOON, Setup, status};

const FROM: &str = "2025-03-01";

/// A message straight into the dead-letter queue, as a reject brings it there.
async fn bury(flow: &Flow, broker: &Broker, body: &[u8]) -> Result<()> {
    let queue = flow.world.prefix.queue("dlq");
    let channel = broker.channel().await?;
    let (options, properties) =
        (BasicPublishOptions::default(), BasicProperties::default().with_delivery_mode(2));
    let sent = channel.basic_publish("".into(), queue.as_str().into(), options, body, properties).await;
    sent.context("publish")?.await.context("confirm").map(drop)
}

#[tokio::test]
async fn d05_a_drainer_killed_between_commit_and_ack_doubles_nothing() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).without_daemon()).await?;
    flow.order("hanbit", None, status(422))?;
    flow.fetch("hanbit", "visitors", FROM, "2025-03-03", &["--chunk-days", "1"]).await?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    for body in [&b""[..], b"hello", b"hello", b"\xff\x00\xfe"] {
        bury(&flow, &broker, body).await?;
    }
    let queue = flow.world.prefix.queue("dlq");
    let waiting = |count| {
        let (broker, queue) = (&broker, &queue);
        async move { Ok(broker.depth(queue).await?.map(|(messages, _)| messages) == Some(count)) }
    };
    wait_until("seven dead messages", SOON, || waiting(7)).await?;

    // The drainer takes all of them and waits for the table; its wire is cut before it can acknowledge anything.
    let lock = flow.world.db.client();
    lock.batch_execute("BEGIN; LOCK TABLE dead_letters IN SHARE MODE").await.context("lock")?;
    let proxy = Proxy::start(&Servers::address(&flow.world.servers.amqp)).await?;
    let through = Servers::through(&flow.world.servers.amqp, proxy.port());
    let daemon = flow.world.programs.clone().set("AMQP_URL", through).serve()?.quiet();
    let blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
                   AND query LIKE '-- archive_letters.sql%'";
    wait_until("the drainer at the table", SOON, || async {
        // We ask in the transaction that holds the lock, and there Postgres would answer for ever what it saw first.
        flow.run_sql("SELECT pg_stat_clear_snapshot()").await?;
        Ok(flow.count(blocked).await? > 0)
    })
    .await?;
    drop(proxy);
    lock.batch_execute("COMMIT").await.context("unlock")?;
    wait_until("the letters committed", SOON, || async { Ok(flow.letters().await?.len() == 7) }).await?;
    daemon.kill().await?;
    wait_until("all seven back in their queue", SOON, || waiting(7)).await?;

    let before = flow.rows_of("SELECT d::text FROM dead_letters d ORDER BY letter_id").await?;
    let _daemon = flow.world.programs.serve()?;
    // A message behind them: when it is a letter, they have been seen again.
    bury(&flow, &broker, b"the last one").await?;
    let last = "SELECT count(*) FROM dead_letters WHERE body = 'the last one'";
    wait_until("the last one archived", LIMIT, || async { Ok(flow.count(last).await? > 0) }).await?;
    let others = "SELECT d::text FROM dead_letters d WHERE body <> 'the last one' ORDER BY letter_id";
    assert_eq!(flow.rows_of(others).await?, before);
    wait_until("an empty queue", SOON, || waiting(0)).await?;
    Ok(())
}

#[tokio::test]
async fn d05_unreadable_bytes_are_kept_whole_up_to_a_mebibyte_and_say_when_they_were_cut() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let broker = Broker::connect(&flow.world.servers.amqp).await?;
    let bytes: Vec<u8> = (0..=255_u8).cycle().take(900_000).collect();
    let huge = vec![b'{'; (1 << 20) + 17];
    bury(&flow, &broker, &bytes).await?;
    bury(&flow, &broker, &huge).await?;
    let letters = flow.archived(2).await?;
    let of = |length: usize| letters.iter().find(|letter| usize::try_from(letter.body_bytes) == Ok(length));
    let (whole, cut) = (of(bytes.len()).context("whole")?, of(huge.len()).context("cut")?);
    assert!(whole.body == bytes && cut.body == huge[..1 << 20]);
    let shown = flow.dead(&["show", &cut.id, "--body"]).await?;
    shown.success()?;
    assert!(shown.stdout.contains("(1,048,576 of 1,048,593 bytes kept)"), "{} bytes", shown.stdout.len());
    // What goes out is what came in.
    let exported = flow.dead(&["export", "-"]).await?;
    exported.success()?;
    let lines: Vec<Value> =
        exported.stdout.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("JSON lines")?;
    let line = lines.iter().find(|line| line["letter_id"] == whole.id.as_str()).context("the letter")?;
    let back = STANDARD.decode(line["body_base64"].as_str().unwrap_or_default()).context("base64")?;
    assert!(back == bytes && lines.len() == 2);
    Ok(())
}

#[tokio::test]
async fn a_letter_tells_every_failed_attempt_with_its_worker() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).set("RETRY__MAX_ATTEMPTS", "3")).await?;
    flow.order("hanbit", Some(1), status(503))?;
    flow.order("hanbit", None, FaultKind::NotJson)?;
    flow.fetch("hanbit", "visitors", FROM, FROM, &[]).await?;
    let letter = flow.archived(1).await?.remove(0);
    let shown = flow.dead_json(&["show", &letter.id]).await?;
    let history = shown["history"].as_array().context("history")?;
    let texts: Vec<_> = history.iter().map(|attempt| attempt["text"].as_str().unwrap_or_default()).collect();
    assert_eq!(
        texts,
        ["HTTP 503", "HTTP 200 with a body that is not JSON", "HTTP 200 with a body that is not JSON"]
    );
    for (number, attempt) in (1..).zip(history) {
        assert_eq!((&attempt["attempt"], &attempt["class"]), (&number.into(), &"transient".into()));
        assert!(attempt["worker"].as_str().is_some_and(|worker| !worker.is_empty()), "{attempt}");
    }
    assert!(shown["likely_cause"].as_str().is_some_and(|cause| cause.contains("maintenance")), "{shown}");
    // A job that goes well in the end, or at once, has nothing to tell.
    flow.world.sim.clear_faults();
    flow.order(
        "hanbit",
        Some(1),
        FaultKind::Status { code: 429, headers: BTreeMap::new(), body: None, retry_after: None },
    )?;
    flow.fetch("hanbit", "pageviews", FROM, FROM, &[]).await?;
    let silent = "SELECT count(*) FROM jobs WHERE work_state = 'done' AND history IS NULL";
    assert_eq!(flow.count(silent).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_history_keeps_its_last_twenty_attempts() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).set("RETRY__MAX_ATTEMPTS", "23")).await?;
    flow.order("hanbit", None, status(500))?;
    flow.fetch("hanbit", "visitors", FROM, FROM, &[]).await?;
    let letter = flow.archived(1).await?.remove(0);
    let shown = flow.dead_json(&["show", &letter.id]).await?;
    let numbers: Vec<_> =
        shown["history"].as_array().context("history")?.iter().map(|a| a["attempt"].as_i64()).collect();
    assert_eq!(numbers, (4..=23).map(Some).collect::<Vec<_>>());
    Ok(())
}
