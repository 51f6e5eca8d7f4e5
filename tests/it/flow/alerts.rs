//! One cause is told once, to a real receiver: when it begins, and when it is over.

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::harness::{Context as _, Result, Webhook, wait_until};
use tests::simulator::{Endpoint, FaultRule};

use super::{Flow, LIMIT, SOON, Setup, status};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-20";
/// Every fault is seen, and gone, within this time (`docs/reliability.md` I12).
const VISIBLE: Duration = Duration::from_secs(30);

/// Looked at once a second, told to `webhook` with every field.
fn told_to(setup: Setup, webhook: &Webhook) -> Setup {
    setup.set("ALERTS__WEBHOOK_URL", webhook.url()).set("ALERTS__KIND", "json").set("ALERTS__EVERY", "1s")
}

fn of<'a>(messages: &'a [Value], event: &str, kind: &str) -> Vec<&'a Value> {
    messages.iter().filter(|message| message["event"] == event && message["kind"] == kind).collect()
}

async fn told(webhook: &Webhook, event: &str, kind: &str) -> Result<Value> {
    let what = format!("{kind} {event}");
    wait_until(&what, SOON, || async { Ok(!of(&webhook.messages(), event, kind).is_empty()) }).await?;
    Ok(of(&webhook.messages(), event, kind)[0].clone())
}

async fn alerts(flow: &Flow) -> Result<f64> {
    let daemon = flow.daemon.as_ref().context("no daemon")?;
    Ok(daemon.metrics().await?.sum("cafe24_sync_alerts"))
}

#[tokio::test]
async fn i12_a_mall_that_loses_its_consent_is_told_within_thirty_seconds_and_so_is_its_return() -> Result<()>
{
    let webhook = Webhook::start().await?;
    // The looks are as far apart as they are by default.
    let setup = Setup::new(&["one", "two", "three"])
        .set("ALERTS__WEBHOOK_URL", webhook.url())
        .set("ALERTS__KIND", "json");
    let flow = Flow::start(setup).await?;
    for mall in ["one", "two"] {
        flow.world.sim.revoke_tokens(mall).context("revoke")?;
    }
    let lost = Instant::now();
    flow.enqueue(&["--all", "--from", FROM, "--to", TO]).await?;
    let heard = |event: &'static str, count: usize| {
        let webhook = &webhook;
        async move {
            wait_until(event, VISIBLE, || async {
                Ok(of(&webhook.messages(), event, "needs_consent").len() >= count)
            })
            .await
        }
    };
    heard("opened", 1).await?;
    assert!(lost.elapsed() < VISIBLE);
    flow.settled().await?;
    let status = flow.world.json(&["status"]).await?;
    assert_eq!(status["alerts"].as_array().map(Vec::len), Some(1), "{status}");
    assert!((alerts(&flow).await? - 1.0).abs() < 0.1);
    assert_eq!(flow.cli(&["status", "--check"]).await?.code, Some(3));

    // Both malls are connected anew: their jobs run by themselves, and the alert is over.
    for mall in ["one", "two"] {
        flow.world.sim.issue_tokens(mall).context("tokens")?;
    }
    flow.world.import().await?;
    let mended = Instant::now();
    heard("closed", 1).await?;
    assert!(mended.elapsed() < VISIBLE);
    flow.settled().await?;
    assert!(alerts(&flow).await?.abs() < 0.1);
    assert_eq!(flow.world.json(&["status"]).await?["alerts"].as_array().map(Vec::len), Some(0));
    // Two malls, one cause, one message each way.
    let messages = webhook.messages();
    assert_eq!(
        (of(&messages, "opened", "needs_consent").len(), of(&messages, "closed", "needs_consent").len()),
        (1, 1),
        "{messages:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a04_a_changed_api_is_one_message_and_so_is_its_end() -> Result<()> {
    let webhook = Webhook::start().await?;
    let flow =
        Flow::start(told_to(Setup::new(&["one", "two", "three", "four"]).workers(3), &webhook)).await?;
    let rule = FaultRule { endpoint: Some(Endpoint::ProductsSales.into()), ..FaultRule::always(status(404)) };
    flow.world.sim.order(rule).context("order")?;
    flow.enqueue(&["--all", "--endpoint", "products", "--from", FROM, "--to", TO, "--chunk-days", "1"])
        .await?;
    let message = told(&webhook, "opened", "endpoint_missing").await?;
    assert_eq!(message["malls"], 4);
    assert!(message["do"].as_str().unwrap_or_default().contains("endpoints resume products"), "{message}");
    flow.settled().await?;

    flow.world.sim.clear_faults();
    flow.cli(&["endpoints", "resume", "products"]).await?.success()?;
    let over = told(&webhook, "closed", "endpoint_missing").await?;
    assert_eq!(over["alert_id"], message["alert_id"]);
    assert!(over["closed_at"].is_string());
    assert_eq!(of(&webhook.messages(), "opened", "endpoint_missing").len(), 1);
    // The address of the webhook is a secret: whoever has it can post.
    let secret = webhook.url().rsplit('/').next().unwrap_or_default();
    let daemon = flow.daemon.as_ref().context("no daemon")?.log();
    let shown = flow.cli(&["config", "show"]).await?.stdout;
    assert!(!daemon.contains(secret) && !shown.contains(secret));
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_refuses_is_asked_again_and_holds_up_nothing_else() -> Result<()> {
    let webhook = Webhook::start().await?;
    webhook.refuse(Some(503));
    let flow = Flow::start(told_to(Setup::new(&["one", "two"]), &webhook)).await?;
    flow.world.sim.set_approved("one", false).context("approval")?;
    flow.enqueue(&["--all", "--from", FROM, "--to", TO, "--chunk-days", "1"]).await?;
    wait_until("a refusal", SOON, || async { Ok(webhook.refused() > 0) }).await?;
    flow.settled().await?;
    let done = "SELECT count(*) FROM jobs WHERE mall_id = 'two' AND work_state = 'done'";
    assert_eq!(flow.world.db.number(done).await?, 80);
    let listed = flow.cli(&["alerts", "list"]).await?.stdout;
    assert!(listed.contains("failed") && listed.contains("Cafe24 refuses the app"), "{listed}");

    webhook.refuse(None);
    told(&webhook, "opened", "forbidden").await?;
    let stored = "SELECT count(*) FROM alerts WHERE kind = 'forbidden' AND told_at IS NOT NULL AND tries = 0";
    wait_until("it noted as told", SOON, || async { Ok(flow.world.db.number(stored).await? == 1) }).await?;

    // A day later it is told again; silenced, it is not.
    let id = flow.rows_of("SELECT alert_id::text FROM alerts").await?.remove(0);
    flow.run_sql("UPDATE alerts SET told_at = now() - interval '25 hours'").await?;
    told(&webhook, "still_open", "forbidden").await?;
    flow.cli(&["alerts", "silence", &id, "--for", "2h"]).await?.success()?;
    flow.run_sql("UPDATE alerts SET told_at = now() - interval '25 hours'").await?;
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(of(&webhook.messages(), "still_open", "forbidden").len(), 1);
    assert_eq!(flow.cli(&["alerts", "silence", "999", "--for", "2h"]).await?.code, Some(1));
    Ok(())
}

#[tokio::test]
async fn dead_letters_above_their_share_and_answers_of_429_are_told() -> Result<()> {
    let webhook = Webhook::start().await?;
    let flow = Flow::start(told_to(Setup::new(&["one", "two"]), &webhook)).await?;
    flow.order("one", Some(6), status(400))?;
    flow.order("two", Some(1), status(429))?;
    flow.enqueue(&["--all", "--endpoint", "products", "--from", FROM, "--to", TO, "--chunk-days", "1"])
        .await?;
    flow.settled().await?;
    flow.archived(6).await?;
    let message = told(&webhook, "opened", "dead_letters").await?;
    assert!(
        message["text"]
            .as_str()
            .unwrap_or_default()
            .contains("jobs of the last hour, most of class invalid request, of 1 mall"),
        "{message}"
    );
    let throttled = told(&webhook, "opened", "throttled").await?;
    assert_eq!(throttled["malls"], 1, "{throttled}");

    // One fewer than opens it does not close it: a letter that comes and goes would tell people each time.
    let two = flow.rows_of("SELECT letter_id::text FROM dead_letters LIMIT 2").await?;
    let discard = ["dead", "discard", "--reason", "not wanted", "--yes"];
    flow.cli(&[&discard[..], &[&two[0], &two[1]]].concat()).await?.success()?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(of(&webhook.messages(), "closed", "dead_letters").len(), 0);
    flow.cli(&[&discard[..], &["--mall", "one"]].concat()).await?.success()?;
    told(&webhook, "closed", "dead_letters").await?;
    assert_eq!(of(&webhook.messages(), "opened", "dead_letters").len(), 1);
    Ok(())
}

#[tokio::test]
async fn o06_a_consent_that_ends_within_three_days_is_told_and_a_webhook_can_be_tried() -> Result<()> {
    let webhook = Webhook::start().await?;
    let flow = Flow::start(told_to(Setup::new(&["one", "two"]).workers(0), &webhook)).await?;
    flow.cli(&["alerts", "test"]).await?.success()?;
    told(&webhook, "test", "test").await?;
    flow.run_sql(
        "UPDATE connectors SET refresh_expires_at = now() + interval '2 days' WHERE mall_id = 'one'",
    )
    .await?;
    let message = told(&webhook, "opened", "tokens_ending").await?;
    assert!(message["do"].as_str().unwrap_or_default().contains("connect one"), "{message}");
    flow.run_sql(
        "UPDATE connectors SET refresh_expires_at = now() + interval '14 days' WHERE mall_id = 'one'",
    )
    .await?;
    told(&webhook, "closed", "tokens_ending").await?;

    // A pair that was rotated and lost is told apart from a consent that ended.
    flow.run_sql(
        "INSERT INTO token_leases (mall_id, version, holder, taken_at, until, unanswered_at) \
         SELECT mall_id, token_version, 'x', now(), now(), now() FROM connectors WHERE mall_id = 'one'; \
         UPDATE connectors SET state = 'needs_consent', state_reason = 'lost at 12:03' WHERE mall_id IN ('one', 'two')",
    )
    .await?;
    let lost = told(&webhook, "opened", "rotation_lost").await?;
    assert_eq!(
        (&lost["malls"], &told(&webhook, "opened", "needs_consent").await?["malls"]),
        (&1.into(), &1.into())
    );
    assert!(lost["do"].as_str().unwrap_or_default().contains("connect one"), "{lost}");

    // Without a webhook, alerts are kept and shown all the same.
    let untold = Flow::start(Setup::new(&["one"]).set("ALERTS__EVERY", "1s")).await?;
    assert_eq!(untold.cli(&["alerts", "test"]).await?.code, Some(6));
    untold.run_sql("UPDATE connectors SET state = 'needs_scope', state_reason = 'scope missing'").await?;
    wait_until("an alert", LIMIT, || async {
        Ok(untold.cli(&["status"]).await?.stdout.contains("a scope is missing (scope missing): 1 mall"))
    })
    .await
}
