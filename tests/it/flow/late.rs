//! What comes late is judged by what it knew: outcomes of lost claims, refusals of tokens that were replaced.
//!
//! Here the tests are the worker: they claim and settle through its own door to the ledger.

use common::domain::failure::FailureClass;
use common::store::{
    Batch, Claim, ClaimedJob, ConnectorState, Decision, Failure, Ledger, Outcome, Parking, Settlement,
};
use tests::harness::{Context as _, Result};
use uuid::Uuid;

use super::{Flow, Setup};

#[tokio::test]
async fn b09_an_outcome_that_is_too_late_shows_that_the_job_does_not_end_its_workers() -> Result<()> {
    let (flow, ledger, job) = one_job().await?;
    let first = claim(&ledger, job, "one").await?;
    ledger.start_suspect(&first).await.context("start")?;
    let second = claim(&ledger, job, "two").await?;
    ledger.start_suspect(&second).await.context("start")?;
    assert_eq!(flow.world.db.number("SELECT crashes::bigint FROM jobs").await?, 2);
    // The broker flapped twice; the first worker lives and answers now.
    settle(&ledger, &first, Outcome::Done { rows: 0, pages: 1 }).await?;
    let third = claim(&ledger, job, "three").await?;
    assert_eq!(third.crashes, 0);
    // Without such an outcome it is poison.
    ledger.start_suspect(&third).await.context("start")?;
    let fourth = claim(&ledger, job, "four").await?;
    ledger.start_suspect(&fourth).await.context("start")?;
    let decision = decide(&ledger, job, "five").await?;
    assert!(matches!(decision, Decision::Reject("poison")), "{decision:?}");
    Ok(())
}

#[tokio::test]
async fn o04_a_refusal_of_replaced_tokens_parks_neither_the_mall_nor_the_job() -> Result<()> {
    let (flow, ledger, job) = one_job().await?;
    let claimed = claim(&ledger, job, "one").await?;
    let mall = &claimed.job.mall_id;
    let parking = Parking {
        state: ConnectorState::Forbidden,
        reason: "refused".to_owned(),
        token_version: claimed.token_version,
    };
    // The mall is connected anew while the request is under way.
    flow.run_sql("UPDATE connectors SET token_version = token_version + 1").await?;
    assert!(!ledger.park_mall(mall, &parking).await.context("park")?);
    let refused = || Failure { class: FailureClass::Forbidden, text: "refused".to_owned(), evidence: None };
    settle(&ledger, &claimed, Outcome::Parked(refused())).await?;
    assert_eq!(flow.state_of("hanbit").await?, "active");
    assert_eq!(flow.world.jobs_in(&["planned"]).await?, 1);

    // The new tokens are refused as well.
    let claimed = claim(&ledger, job, "one").await?;
    let parking = Parking { token_version: claimed.token_version, ..parking };
    assert!(ledger.park_mall(mall, &parking).await.context("park")?);
    settle(&ledger, &claimed, Outcome::Parked(refused())).await?;
    assert_eq!(flow.state_of("hanbit").await?, "forbidden");
    assert_eq!(flow.world.jobs_in(&["parked"]).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_new_limiter_key_takes_the_waiting_jobs_along() -> Result<()> {
    let (flow, ledger, job) = one_job().await?;
    flow.run_sql("UPDATE connectors SET limiter_key = 'shared'").await?;
    flow.run_sql("UPDATE connectors SET limiter_key_since = NULL").await?;
    assert_eq!(claim(&ledger, job, "one").await?.limiter_key.as_str(), "shared");
    Ok(())
}

#[tokio::test]
async fn a_job_that_sent_under_the_former_key_until_it_was_put_back_keeps_the_new_one_waiting() -> Result<()>
{
    let (flow, ledger, job) = one_job().await?;
    let claimed = claim(&ledger, job, "one").await?;
    // The change itself is long ago: nobody told the worker, and it went on under the former key until now.
    flow.run_sql("UPDATE connectors SET limiter_key = 'shared'").await?;
    flow.run_sql("UPDATE connectors SET limiter_key_since = now() - interval '1 minute'").await?;
    let waits = "SELECT count(*) FROM connectors c, waits_for(c, 'visitors', gen_random_uuid())";
    assert_eq!(flow.world.db.number(waits).await?, 1, "it may send at any moment");
    settle(&ledger, &claimed, back()).await?;
    assert_eq!(flow.world.db.number(waits).await?, 1, "it may just have sent");
    let decision = decide(&ledger, job, "two").await?;
    assert!(matches!(decision, Decision::Acknowledge("parked")), "{decision:?}");
    flow.run_sql("UPDATE jobs SET put_back_at = now() - interval '31 seconds', work_state = 'planned'")
        .await?;
    assert_eq!(flow.world.db.number(waits).await?, 0);
    assert_eq!(claim(&ledger, job, "two").await?.limiter_key.as_str(), "shared");
    Ok(())
}

#[tokio::test]
async fn a_job_that_sent_under_the_former_key_until_its_worker_was_lost_keeps_the_new_one_waiting()
-> Result<()> {
    let (flow, ledger, job) = one_job().await?;
    claim(&ledger, job, "one").await?;
    flow.run_sql("UPDATE connectors SET limiter_key = 'shared'").await?;
    flow.run_sql("UPDATE connectors SET limiter_key_since = now() - interval '1 minute'").await?;
    // The broker hands its message to another worker, which cannot know when the first one sent.
    let decision = decide(&ledger, job, "two").await?;
    assert!(matches!(decision, Decision::Acknowledge("parked")), "{decision:?}");
    let waits = "SELECT count(*) FROM connectors c, waits_for(c, 'visitors', gen_random_uuid())";
    assert_eq!(flow.world.db.number(waits).await?, 1, "it may just have sent");
    Ok(())
}

#[tokio::test]
async fn h02_a_second_message_takes_no_running_job_from_its_worker_while_its_mall_is_paused() -> Result<()> {
    let (flow, ledger, job) = one_job().await?;
    let claimed = claim(&ledger, job, "one").await?;
    flow.run_sql("UPDATE connectors SET state = 'paused'").await?;
    let second = Claim { job_id: job, redelivered: false, held: None };
    let decision = ask(&ledger, second, "two").await?;
    assert!(matches!(decision, Decision::Acknowledge("duplicate")), "{decision:?}");
    // Whoever has it gives it back, and then it waits for its mall.
    settle(&ledger, &claimed, back()).await?;
    assert_eq!(flow.world.jobs_in(&["parked"]).await?, 1);
    Ok(())
}

#[tokio::test]
async fn b04_a_worker_that_has_a_job_in_hand_is_told_whether_it_is_still_its_own() -> Result<()> {
    let (flow, ledger, job) = one_job().await?;
    let first = claim(&ledger, job, "one").await?;
    let again = |redelivered| Claim { job_id: job, redelivered, held: Some(first.fence) };
    for redelivered in [false, true] {
        let decision = ask(&ledger, again(redelivered), "one").await?;
        assert!(matches!(decision, Decision::Held), "{decision:?}");
    }
    // Put back, it runs under a newer fence, and what the older one brings changes nothing.
    settle(&ledger, &first, back()).await?;
    let second = match ask(&ledger, again(false), "one").await? {
        Decision::Go(second) => second,
        other => panic!("{other:?}"),
    };
    assert!(second.fence > first.fence);
    settle(&ledger, &first, Outcome::Done { rows: 0, pages: 1 }).await?;
    assert_eq!(flow.world.jobs_in(&["running"]).await?, 1);
    Ok(())
}

/// Put back, at once and without an attempt.
fn back() -> Outcome {
    Outcome::Planned { attempt: false, delay: std::time::Duration::ZERO, failure: None }
}

/// An installation without programs, whose ledger has one job.
async fn one_job() -> Result<(Flow, Ledger, Uuid)> {
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(0).without_daemon()).await?;
    flow.wish("hanbit", "products", "2025-03-01", "2025-03-01", &[]).await?;
    let job = flow.jobs().await?[0].id.parse().context("an id")?;
    let ledger = Ledger::new(flow.world.db.url(), 2).context("a ledger")?;
    Ok((flow, ledger, job))
}

async fn decide(ledger: &Ledger, job: Uuid, worker: &str) -> Result<Decision> {
    ask(ledger, Claim { job_id: job, redelivered: true, held: None }, worker).await
}

async fn ask(ledger: &Ledger, asked: Claim, worker: &str) -> Result<Decision> {
    let asked = [asked];
    let decisions = ledger.claim(&asked, worker).await.context("claim")?;
    Ok(decisions.into_iter().next().context("an answer")?.1)
}

async fn claim(ledger: &Ledger, job: Uuid, worker: &str) -> Result<ClaimedJob> {
    match decide(ledger, job, worker).await? {
        Decision::Go(claimed) => Ok(*claimed),
        other => panic!("{other:?}"),
    }
}

async fn settle(ledger: &Ledger, claimed: &ClaimedJob, outcome: Outcome) -> Result<()> {
    let settlement = Settlement { job_id: claimed.job.id, fence: claimed.fence, outcome };
    let batch = Batch { settlements: vec![settlement], ..Batch::default() };
    ledger.commit(&batch).await.context("commit").map(drop)
}
