//! Planned again: what was previewed is what runs, a letter that comes back goes on as one, paused malls wait.

use serde_json::Value;
use tests::harness::{Context as _, Result, Span};
use tests::simulator::{Endpoint, FaultKind};

use super::{Flow, Setup, day, status};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-05";

fn span(mall: &str) -> Span {
    Span { endpoints: vec![Endpoint::ProductsSales], ..Span::days(mall, day(FROM), day(TO)) }
}

/// Products of both malls have failed for the same reason.
async fn failed() -> Result<(Flow, String)> {
    let flow = Flow::start(Setup::new(&["hanbit", "moonlit"])).await?;
    for mall in ["hanbit", "moonlit"] {
        flow.order(mall, None, status(422))?;
        flow.fetch(mall, "products", FROM, TO, &[]).await?;
    }
    flow.archived(2).await?;
    let groups = flow.dead_json(&["list", "--group"]).await?;
    let group = groups["items"][0]["group"].as_str().context("a group")?.to_owned();
    Ok((flow, group))
}

#[tokio::test]
async fn s04_a_group_is_replayed_as_previewed_or_not_at_all() -> Result<()> {
    let (flow, group) = failed().await?;
    let preview = flow.dead_json(&["replay", &group, "--dry-run"]).await?;
    assert_eq!((&preview["letters"], &preview["jobs"]), (&2.into(), &2.into()), "{preview}");
    assert_eq!(preview["run_id"], Value::Null);
    let plan = preview["plan"].as_str().context("a plan")?;
    let again = flow.dead_json(&["replay", &group, "--dry-run"]).await?;
    assert_eq!(again["plan"], plan, "the same letters are the same plan");
    // One more letter of the same cause.
    flow.fetch("hanbit", "products", "2025-02-01", "2025-02-01", &[]).await?;
    flow.archived(3).await?;
    let refused = flow.dead(&["replay", &group, "--plan", plan, "--yes"]).await?;
    assert!(refused.code == Some(7) && refused.stderr.contains("E-PLAN-02"), "{refused:?}");
    assert_eq!(flow.listed(&[]).await?.len(), 3);
    assert_eq!(flow.requests("hanbit")?, 2);

    flow.world.sim.clear_faults();
    let preview = flow.dead_json(&["replay", &group, "--dry-run"]).await?;
    let plan = preview["plan"].as_str().context("a plan")?;
    let done = flow.dead_json(&["replay", &group, "--plan", plan, "--yes"]).await?;
    assert_eq!(
        (&done["letters"], &done["jobs"], &done["plan"]),
        (&3.into(), &3.into(), &plan.into()),
        "{done}"
    );
    flow.settled().await?;
    let early = Span {
        endpoints: vec![Endpoint::ProductsSales],
        ..Span::days("hanbit", day("2025-02-01"), day("2025-02-01"))
    };
    flow.world.exact(&[span("hanbit"), span("moonlit"), early]).await?;
    let shown = flow.dead(&["show", &group]).await?;
    let run = done["run_id"].as_str().context("a run")?;
    assert!(shown.stdout.contains(run) && shown.stdout.contains("3 of 3 jobs done"), "{}", shown.stdout);
    let log = "SELECT plan_id || ' ' || (details ->> 'run') || ' ' || (details ->> 'letters') FROM audit_log WHERE action = 'dead.replay'";
    assert_eq!(flow.rows_of(log).await?, [format!("{plan} {run} 3")]);
    Ok(())
}

#[tokio::test]
async fn s04_a_letter_that_comes_back_is_one_entry_with_all_its_history() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.order("hanbit", Some(1), status(422))?;
    flow.order("hanbit", Some(1), status(409))?;
    flow.order("hanbit", Some(1), FaultKind::ErrorKey)?;
    flow.fetch("hanbit", "products", FROM, TO, &[]).await?;
    for round in 1..=2 {
        flow.archived(round).await?;
        let done = flow.dead_json(&["replay", "--mall", "hanbit", "--yes"]).await?;
        assert_eq!((&done["letters"], &done["jobs"]), (&1.into(), &1.into()), "{done}");
        flow.settled().await?;
    }
    flow.archived(3).await?;
    let list = flow.dead_json(&["list"]).await?;
    let items = list["items"].as_array().context("items")?;
    assert_eq!(items.len(), 1, "one entry: {list}");
    assert_eq!(items[0]["round"], 3);
    let classes: Vec<_> = items[0]["history"]
        .as_array()
        .context("history")?
        .iter()
        .map(|attempt| {
            attempt["text"].as_str().unwrap_or_default().split(':').next().unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(classes[..2], ["HTTP 422", "HTTP 409"], "{classes:?}");
    assert_eq!(classes.len(), 3);
    let text = flow.dead(&["list"]).await?;
    assert!(text.stdout.contains("round 3"), "{}", text.stdout);
    let shown = flow.dead(&["show", items[0]["letter_id"].as_str().unwrap_or_default()]).await?;
    assert!(shown.stdout.contains("2 replays failed before"), "{}", shown.stdout);
    // The cause ended: the last replay brings it, and nothing is left.
    flow.dead(&["replay", "--all", "--yes"]).await?.success()?;
    flow.settled().await?;
    flow.world.exact(&[span("hanbit")]).await?;
    assert!(flow.listed(&[]).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn s04_two_letters_that_want_the_same_slices_are_one_job() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.order("hanbit", None, status(422))?;
    flow.fetch("hanbit", "products", FROM, TO, &[]).await?;
    flow.fetch("hanbit", "products", "2025-03-03", TO, &[]).await?;
    flow.archived(2).await?;
    flow.world.sim.clear_faults();
    let done = flow.dead_json(&["replay", "--all", "--yes"]).await?;
    assert_eq!(
        (&done["letters"], &done["slices"]["wanted"], &done["jobs"]),
        (&2.into(), &5.into(), &1.into()),
        "{done}"
    );
    flow.settled().await?;
    flow.world.exact(&[span("hanbit")]).await?;
    assert_eq!(flow.requests("hanbit")?, 3);
    Ok(())
}

#[tokio::test]
async fn the_replay_of_a_paused_mall_waits_for_it_and_is_announced_so() -> Result<()> {
    let (flow, group) = failed().await?;
    flow.world.sim.clear_faults();
    flow.cli(&["malls", "pause", "moonlit", "--reason", "asked by the client"]).await?.success()?;
    let preview = flow.dead_json(&["replay", &group, "--dry-run"]).await?;
    assert_eq!((&preview["jobs"], &preview["parked"]), (&2.into(), &1.into()), "{preview}");
    flow.dead(&["replay", &group, "--yes"]).await?.success()?;
    flow.settled().await?;
    flow.world.exact(&[span("hanbit")]).await?;
    assert_eq!(flow.requests("moonlit")?, 1);
    assert_eq!(
        flow.count("SELECT count(*) FROM jobs WHERE work_state = 'parked' AND mall_id = 'moonlit'").await?,
        1
    );
    flow.cli(&["malls", "resume", "moonlit"]).await?.success()?;
    flow.settled().await?;
    flow.world.exact(&[span("hanbit"), span("moonlit")]).await.map(drop)
}

#[tokio::test]
async fn a_letter_of_a_removed_mall_is_left_open_and_said_so() -> Result<()> {
    let (flow, group) = failed().await?;
    flow.world.sim.clear_faults();
    flow.cli(&["malls", "remove", "moonlit", "--yes"]).await?.success()?;
    let done = flow.dead_json(&["replay", &group, "--yes"]).await?;
    assert_eq!(
        (&done["letters"], &done["jobs"], &done["not_replayable"]),
        (&2.into(), &1.into(), &1.into()),
        "{done}"
    );
    assert_eq!(flow.listed(&[]).await?.len(), 1);
    Ok(())
}
