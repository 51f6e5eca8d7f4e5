//! The producer: an `enqueue` that is killed, a feeder that is killed or frozen while another one stands by.

use std::time::{Duration, Instant};

use tests::harness::{Result, Signal, Trouble, wait_until};

use super::stage::{SOON, Size, Stage, is_true, say};

/// `docs/reliability.md` S2.
const TAKEOVER: Duration = Duration::from_secs(15);

#[tokio::test]
async fn s01_an_enqueue_killed_in_the_middle_and_repeated_plans_the_same_set() -> Result<()> {
    let size = Size { malls: 350, days: 40, ..Size::default() };
    let wanted = 350 * 40 * 4;
    let stage = Stage::start(size).await?;
    let words = stage.wish();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let count = "SELECT count(*) FROM jobs";
    let mut cut = Vec::new();
    for _ in 0..2 {
        let before = stage.number(count).await?;
        let enqueue = stage.world.programs.cli_started(&words)?;
        let planned = || async { Ok(stage.number(count).await? > before || !enqueue.is_running()) };
        wait_until("a group of malls planned", SOON, planned).await?;
        enqueue.kill().await?;
        cut.push(stage.number(count).await?);
    }
    is_true(cut[0] > 0 && cut[0] < wanted, || format!("killed too early or too late: {cut:?} of {wanted}"))?;
    say("s01 jobs planned when killed", format!("{cut:?} of {wanted}"));
    stage.world.cli(&words).await?.success()?;
    let set = "SELECT count(*) FROM (SELECT DISTINCT mall_id, shop_no, endpoint, start_date FROM jobs \
               WHERE generation = 0 AND granularity = 'day' AND start_date = end_date \
               AND start_date BETWEEN '2026-02-01' AND '2026-03-12') AS one";
    let (jobs, different) = (stage.number(count).await?, stage.number(set).await?);
    is_true(jobs == wanted && different == wanted, || format!("{jobs} jobs, {different} of them as wanted"))?;
    let live = "SELECT count(*) FROM jobs WHERE work_state NOT IN ('planned', 'queued')";
    is_true(stage.number(live).await? == 0, || "a job in another state".to_owned())
}

#[tokio::test]
async fn s02_the_standby_takes_over_from_a_killed_leader() -> Result<()> {
    let stage = Stage::start(Size { malls: 2, days: 56, ..Size::default() }).await?;
    let leader = stage.feeder().await?;
    let standby = stage.world.programs.serve()?;
    standby.event("serve.started", SOON).await?;
    let _worker = stage.worker().await?;
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 4).await?;
    leader.kill().await?;
    let killed = Instant::now();
    standby.event("leader.acquired", TAKEOVER).await?;
    say("s02 standby leads after a kill, s", killed.elapsed().as_secs_f64());
    stage.verify_once(jobs).await.map(drop)
}

#[tokio::test]
async fn s02_the_standby_takes_over_from_a_frozen_leader_who_then_stands_by() -> Result<()> {
    let stage = Stage::start(Size { malls: 2, days: 56, speed: 4, ..Size::default() }).await?;
    let leader = stage.feeder().await?;
    let standby = stage.world.programs.serve()?;
    standby.event("serve.started", SOON).await?;
    let _worker = stage.worker().await?;
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 6).await?;
    leader.signal(Signal::Stop)?;
    let frozen = Instant::now();
    standby.event("leader.acquired", TAKEOVER).await?;
    say("s02 standby leads after a freeze, s", frozen.elapsed().as_secs_f64());
    tokio::time::sleep(Duration::from_secs(15).saturating_sub(frozen.elapsed())).await;
    leader.signal(Signal::Cont)?;
    leader.event("leader.lost", SOON).await?;
    stage.verify_once(jobs).await?;
    is_true(leader.is_running() && standby.is_running(), || "a daemon ended".to_owned())
}

pub(super) async fn ten_feeders_killed() -> Result<()> {
    let stage = Stage::start(Size { malls: 2, days: 112, ..Size::default() }).await?;
    let mut daemons = vec![stage.feeder().await?];
    daemons.push(stage.world.programs.serve()?);
    daemons[1].event("serve.started", SOON).await?;
    let _worker = stage.worker().await?;
    let jobs = stage.enqueue().await?;
    let mut takeovers = Vec::new();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..800))).await;
        daemons.remove(0).kill().await?;
        let killed = Instant::now();
        daemons[0].event("leader.acquired", TAKEOVER).await?;
        takeovers.push(killed.elapsed());
        let standby = stage.world.programs.serve()?;
        standby.event("serve.started", SOON).await?;
        daemons.push(standby);
    }
    let done = stage.jobs_done().await?;
    say("s02 jobs done while ten feeders were killed", format!("{done} of {jobs}"));
    let slowest = takeovers.iter().max().ok_or_else(|| Trouble::new("no takeover"))?;
    say("s02 slowest takeover of ten, s", slowest.as_secs_f64());
    stage.verify_once(jobs).await.map(drop)
}
