//! Statements that cross: one of them saw what another one has changed by its commit.
//!
//! A lock of the test's own holds the one between what it has seen and what it writes. The reconciler is out of the way, so
//! that what heals is who must.

use common::domain::calendar::{DayRange, Granularity};
use common::domain::job::Lane;
use common::store::{
    Batch, Claim, ClaimedJob, Control, Decision, Ledger, Outcome, PlannedChunk, Settlement, ShopToPlan, Wish,
};
use tests::harness::{Context as _, Result, wait_until};
use tokio_postgres::Client;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{Flow, SOON, Setup, day};

const DAY: &str = "2025-03-01";
const LOCK: &str = "BEGIN; SELECT FROM jobs FOR UPDATE";

/// A daemon, a mall, and a job of it that worker `one` has claimed.
struct Scene {
    flow: Flow,
    ledger: Ledger,
    claimed: ClaimedJob,
    other: Client,
    _connection: AbortOnDropHandle<()>,
}

impl Scene {
    async fn start() -> Result<Self> {
        let setup = Setup::new(&["hanbit"]).workers(0).set("RECONCILE__EVERY", "1h");
        let flow = Flow::start(setup).await?;
        flow.wish("hanbit", "products", DAY, DAY, &[]).await?;
        // The daemon's first look at everything is over when it has ended a pause.
        flow.run_sql("UPDATE connectors SET state = 'paused', paused_until = now()").await?;
        wait_until("the daemon at work", SOON, || async { Ok(flow.state_of("hanbit").await? == "active") })
            .await?;
        is_in(&flow, "queued").await?;
        let ledger = Ledger::new(flow.world.db.url(), 2).context("a ledger")?;
        let job = flow.jobs().await?[0].id.parse().context("an id")?;
        let Decision::Go(claimed) = ask(&ledger, job, false, "one").await? else { panic!("not claimed") };
        let (other, connection) = flow.world.db.connect().await?;
        Ok(Self { flow, ledger, claimed: *claimed, other, _connection: connection })
    }

    /// Does `write`, and `change` between what it sees and what it writes.
    async fn cross<T>(&self, lock: &str, write: impl Future<Output = Result<T>>, change: &str) -> Result<T> {
        self.other.batch_execute(lock).await.context("lock")?;
        let changed = async {
            // Not from pg_stat_activity: inside a transaction it knows no session that came after the first look.
            let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
            wait_until("it waits", SOON, || async {
                let row = self.other.query_one(waiting, &[]).await.context(waiting)?;
                Ok(row.get::<_, i64>(0) > 0)
            })
            .await?;
            self.flow.run_sql(change).await?;
            self.other.batch_execute("COMMIT").await.context("unlock")
        };
        tokio::try_join!(write, changed).map(|(written, ())| written)
    }

    async fn pause(&self) -> Result<()> {
        self.flow.run_sql("UPDATE connectors SET state = 'paused'").await
    }

    /// The worker gives its job back, at once and without an attempt.
    async fn give_back(&self) -> Result<()> {
        let outcome = Outcome::Planned { attempt: false, delay: std::time::Duration::ZERO, failure: None };
        let settlement = Settlement { job_id: self.claimed.job.id, fence: self.claimed.fence, outcome };
        let batch = Batch { settlements: vec![settlement], ..Batch::default() };
        self.ledger.commit(&batch).await.context("commit").map(drop)
    }
}

const RESUME: &str = "UPDATE connectors SET state = 'active'";

#[tokio::test]
async fn h02_a_job_given_back_while_its_mall_is_resumed_is_sent_again() -> Result<()> {
    let scene = Scene::start().await?;
    scene.pause().await?;
    scene.cross(LOCK, scene.give_back(), RESUME).await?;
    is_in(&scene.flow, "queued").await
}

#[tokio::test]
async fn h02_a_job_whose_message_comes_again_while_its_mall_is_resumed_is_sent_again() -> Result<()> {
    let scene = Scene::start().await?;
    scene.pause().await?;
    let again = ask(&scene.ledger, scene.claimed.job.id, true, "two");
    let decision = scene.cross(LOCK, again, RESUME).await?;
    assert!(matches!(decision, Decision::Acknowledge("parked")), "{decision:?}");
    is_in(&scene.flow, "queued").await
}

#[tokio::test]
async fn h02_a_job_given_back_while_its_paused_mall_is_removed_is_cancelled() -> Result<()> {
    let scene = Scene::start().await?;
    scene.pause().await?;
    scene.cross(LOCK, scene.give_back(), "DELETE FROM connectors").await?;
    is_in(&scene.flow, "cancelled").await
}

#[tokio::test]
async fn h02_jobs_planned_while_their_mall_is_resumed_are_sent() -> Result<()> {
    let scene = Scene::start().await?;
    let job = &scene.claimed.job;
    let control = Control::new(scene.flow.world.db.url(), 2).context("a control")?;
    let run = Uuid::now_v7();
    control.create_run(run, "enqueue", &serde_json::json!({})).await.context("a run")?;
    let shop = ShopToPlan {
        mall_id: job.mall_id.clone(),
        shop_no: job.shop_no,
        limiter_key: scene.claimed.limiter_key.clone(),
    };
    let range = DayRange::new(day("2025-03-02"), day("2025-03-02")).context("a day")?;
    let chunk = PlannedChunk { endpoint: job.endpoint, granularity: Granularity::Day, range };
    scene.pause().await?;
    let plan = async {
        control.plan(Some(run), Wish::Missing, Lane::Fresh, &[shop], &[chunk]).await.context("plan")
    };
    // Its jobs are stored and not committed when the run's counts have to wait.
    let counts = scene.cross("BEGIN; SELECT FROM runs FOR UPDATE", plan, RESUME).await?;
    assert_eq!((counts.jobs, counts.parked), (1, 1));
    is_in(&scene.flow, "queued").await
}

#[tokio::test]
async fn a_claim_knows_the_attempts_that_were_counted_while_it_waited() -> Result<()> {
    let scene = Scene::start().await?;
    scene.give_back().await?;
    is_in(&scene.flow, "queued").await?;
    let attempts = "BEGIN; UPDATE jobs SET attempts = 5";
    let decision =
        scene.cross(attempts, ask(&scene.ledger, scene.claimed.job.id, false, "one"), "SELECT").await?;
    let Decision::Go(claimed) = decision else { panic!("{decision:?}") };
    assert_eq!(claimed.attempts, 5);
    Ok(())
}

#[tokio::test]
async fn what_was_sent_is_due_whatever_the_clock_says_since() -> Result<()> {
    let scene = Scene::start().await?;
    scene.give_back().await?;
    is_in(&scene.flow, "queued").await?;
    // As after a failover to a server whose clock is behind.
    scene.flow.run_sql("UPDATE jobs SET not_before = now() + interval '1 minute'").await?;
    let decision = ask(&scene.ledger, scene.claimed.job.id, false, "two").await?;
    assert!(matches!(decision, Decision::Go(_)), "its only message would be gone: {decision:?}");
    scene.flow.run_sql("UPDATE jobs SET work_state = 'planned'").await?;
    let decision = ask(&scene.ledger, scene.claimed.job.id, false, "two").await?;
    assert!(matches!(decision, Decision::Acknowledge("duplicate")), "{decision:?}");
    Ok(())
}

/// Waits until all jobs but those under way are in this state.
async fn is_in(flow: &Flow, state: &str) -> Result<()> {
    wait_until(state, SOON, || async {
        let states =
            flow.rows_of("SELECT DISTINCT work_state FROM jobs WHERE work_state <> 'running'").await?;
        Ok(states == [state])
    })
    .await
}

async fn ask(ledger: &Ledger, job: Uuid, redelivered: bool, worker: &str) -> Result<Decision> {
    let asked = [Claim { job_id: job, redelivered, held: None }];
    let decisions = ledger.claim(&asked, worker).await.context("claim")?;
    Ok(decisions.into_iter().next().context("an answer")?.1)
}
