//! What monitors hear: 3 where something that is due is not complete, whoever should have seen to it.

use serde_json::Value;
use tests::harness::{Context as _, Result, Webhook, wait_until};

use super::ago;
use crate::flow::{Flow, SOON, Setup};

/// One mall, complete through the day before yesterday. No daemon, which would tell of it at a time of its own.
async fn behind() -> Result<Flow> {
    let flow = Flow::start(Setup::new(&["hanbit"]).without_daemon()).await?;
    flow.wanted_since(4).await?;
    flow.enqueue(&["--all", "--from", &ago(4).to_string(), "--to", &ago(2).to_string(), "--wait"]).await?;
    Ok(flow)
}

impl Flow {
    /// Ends of `coverage --check` and `status --check`, and the malls by status.
    async fn checks(&self) -> Result<(Option<i32>, Option<i32>, Value)> {
        let coverage = self.cli(&["coverage", "--check"]).await?.code;
        let status = self.cli(&["status", "--check"]).await?.code;
        Ok((coverage, status, self.world.json(&["status"]).await?["malls"].clone()))
    }

    async fn fresh_by(&self, time: &str) -> Result<()> {
        self.run_sql(&format!("UPDATE deployment SET fresh_by = '{time}'")).await
    }
}

#[tokio::test]
async fn yesterday_is_late_after_the_deadline_and_not_before() -> Result<()> {
    let flow = behind().await?;
    flow.fresh_by("23:59:59.999").await?;
    let (coverage, status, malls) = flow.checks().await?;
    assert_eq!((coverage, status, &malls["catching_up"]), (Some(0), Some(0), &1.into()), "{malls}");
    flow.fresh_by("00:00").await?;
    let (coverage, status, malls) = flow.checks().await?;
    assert_eq!((coverage, status, &malls["late"]), (Some(3), Some(3), &1.into()), "{malls}");
    let text = flow.cli(&["status"]).await?.stdout;
    assert!(
        text.contains(&format!("complete through {} only", ago(2))) && text.contains("→ cafe24-sync enqueue"),
        "{text}"
    );

    // A mall that came after the deadline has until the next one; and what is filled is fresh.
    flow.run_sql("UPDATE connectors SET created_at = now()").await?;
    let (coverage, status, malls) = flow.checks().await?;
    assert_eq!((coverage, status, &malls["catching_up"]), (Some(0), Some(0), &1.into()), "{malls}");
    // What a person has to see to does not wait for the deadline.
    flow.run_sql("UPDATE connectors SET state = 'needs_consent'").await?;
    let (coverage, status, malls) = flow.checks().await?;
    assert_eq!((coverage, status, &malls["needs_you"]), (Some(3), Some(3), &1.into()), "{malls}");
    flow.run_sql("UPDATE connectors SET state = 'active'").await?;
    flow.enqueue(&["--all", "--missing", "--wait"]).await?;
    let (coverage, status, malls) = flow.checks().await?;
    assert_eq!((coverage, status, &malls["fresh"]), (Some(0), Some(0), &1.into()), "{malls}");
    Ok(())
}

#[tokio::test]
async fn a_hole_behind_the_newest_day_is_a_gap_and_late_once_nobody_fills_it() -> Result<()> {
    let flow = behind().await?;
    flow.fresh_by("00:00").await?;
    flow.enqueue(&["--all", "--missing", "--wait"]).await?;
    flow.run_sql(&format!("DELETE FROM slices WHERE endpoint = 'products' AND date = '{}'", ago(3))).await?;
    let (coverage, _, malls) = flow.checks().await?;
    assert_eq!((coverage, &malls["late"]), (Some(3), &1.into()), "{malls}");
    let sql = "SELECT complete_since::text || ' ' || complete_through || ' ' || gap_days || ' ' || status || ' ' || reason \
               FROM series_freshness WHERE endpoint = 'products'";
    let expected =
        format!("{} {} 1 late 1 day missing before {}, and nothing fetches them", ago(2), ago(1), ago(1));
    assert_eq!(flow.rows_of(sql).await?, [expected]);
    // Other endpoints are judged by themselves.
    assert_eq!(
        flow.world.db.number("SELECT count(*) FROM series_freshness WHERE status = 'fresh'").await?,
        3
    );
    Ok(())
}

#[tokio::test]
async fn what_a_person_paused_fails_no_check_and_what_needs_a_person_does() -> Result<()> {
    let flow = behind().await?;
    flow.fresh_by("00:00").await?;
    flow.cli(&["malls", "pause", "hanbit"]).await?.success()?;
    let (coverage, status, malls) = flow.checks().await?;
    assert_eq!((coverage, status, &malls["paused"]), (Some(0), Some(0), &1.into()), "{malls}");
    // The gaps are shown all the same.
    let gaps = flow.cli(&["coverage", "--gaps"]).await?.stdout;
    assert!(gaps.contains("4 slices: missing; paused"), "{gaps}");

    flow.run_sql("UPDATE connectors SET state = 'needs_consent', state_reason = 'the refresh token is dead'")
        .await?;
    let (coverage, status, malls) = flow.checks().await?;
    assert_eq!((coverage, status, &malls["needs_you"]), (Some(3), Some(3), &1.into()), "{malls}");

    // Of a mall that sends nothing, nothing is wanted.
    flow.run_sql(r#"UPDATE connectors SET state = 'active', config_json = config_json || '{"mode": "off"}'"#)
        .await?;
    let (coverage, status, malls) = flow.checks().await?;
    assert_eq!((coverage, status, &malls["paused"]), (Some(0), Some(0), &1.into()), "{malls}");
    Ok(())
}

#[tokio::test]
async fn what_waits_in_a_lane_that_a_person_paused_is_paused_and_fails_no_check() -> Result<()> {
    let flow = behind().await?;
    flow.fresh_by("00:00").await?;
    flow.cli(&["queue", "pause", "backfill", "--yes"]).await?.success()?;
    // Nobody asked for it: the pause does not excuse what does not wait in it.
    let (coverage, status, malls) = flow.checks().await?;
    assert_eq!((coverage, status, &malls["late"]), (Some(3), Some(3), &1.into()), "{malls}");
    flow.enqueue(&["--all", "--missing", "--lane", "backfill"]).await?;
    for scope in ["", "--mall=hanbit", "--agency=agency-1"] {
        let (coverage, status, malls) = flow.checks().await?;
        assert_eq!(
            (coverage, status, &malls["catching_up"]),
            (Some(0), Some(0), &1.into()),
            "{scope}: {malls}"
        );
        let why = "SELECT DISTINCT reason FROM series_freshness";
        assert_eq!(flow.rows_of(why).await?, ["lane backfill is paused: nothing of it is sent"], "{scope}");
        let of_yesterday =
            format!("SELECT DISTINCT work_state FROM slice_coverage WHERE date = '{}'", ago(1));
        assert_eq!(flow.rows_of(&of_yesterday).await?, ["paused"], "{scope}");
        let resume: Vec<&str> =
            ["queue", "resume", "backfill", scope].into_iter().filter(|word| !word.is_empty()).collect();
        flow.cli(&resume).await?.success()?;
        // Then it is late, and was never late before: its job is queued now.
        let (coverage, status, malls) = flow.checks().await?;
        assert_eq!((coverage, status, &malls["late"]), (Some(3), Some(3), &1.into()), "{scope}: {malls}");
        let next = match scope {
            "" => "--mall=hanbit",
            _ => "--agency=agency-1",
        };
        flow.cli(&["queue", "pause", "backfill", next, "--yes"]).await?.success()?;
    }
    Ok(())
}

#[tokio::test]
async fn late_malls_are_one_message_a_cause_and_so_is_their_end() -> Result<()> {
    let webhook = Webhook::start().await?;
    let setup = Setup::new(&["one", "two", "three", "held"])
        .workers(0)
        .without_daemon()
        .set("ALERTS__WEBHOOK_URL", webhook.url())
        .set("ALERTS__KIND", "json")
        .set("ALERTS__EVERY", "1s");
    let mut flow = Flow::start(setup).await?;
    flow.wanted_since(2).await?;
    let heard = |event: &'static str| -> Vec<Value> {
        let messages = webhook.messages();
        messages
            .into_iter()
            .filter(|message| message["event"] == event && message["kind"] == "late")
            .collect()
    };
    // Two malls that nobody fetches, and one whose jobs wait for a worker; those of a fourth a person holds back.
    flow.enqueue(&["--mall", "three", "--missing"]).await?;
    flow.cli(&["queue", "pause", "backfill", "--mall", "held", "--yes"]).await?.success()?;
    flow.enqueue(&["--mall", "held", "--missing", "--lane", "backfill"]).await?;
    flow.fresh_by("00:00").await?;
    // Only now: in the afternoon it would find all three late before one of them is asked for.
    flow.start_daemon()?;
    wait_until("two causes told", SOON, || async { Ok(heard("opened").len() == 2) }).await?;
    let opened = heard("opened");
    let of = |malls: i64| opened.iter().find(|message| message["malls"] == malls).context("a cause");
    let (idle, waiting) = (of(2)?, of(1)?);
    let text = |message: &Value, field: &str| message[field].as_str().unwrap_or_default().to_owned();
    assert!(text(idle, "text").contains("no job fetches it: 2 malls"), "{idle}");
    assert!(text(idle, "do").starts_with("cafe24-sync enqueue --all --missing"), "{idle}");
    assert!(text(waiting, "text").contains("jobs are under way: 1 mall"), "{waiting}");
    assert_eq!(flow.cli(&["status", "--check"]).await?.code, Some(3));

    flow.enqueue(&["--all", "--missing"]).await?;
    flow.start_workers(1).await?;
    flow.settled().await?;
    wait_until("its end told", SOON, || async { Ok(heard("closed").len() == 2) }).await?;
    assert_eq!(flow.cli(&["status", "--check"]).await?.code, Some(0));
    Ok(())
}
