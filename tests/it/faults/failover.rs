//! Postgres fails over: a standby becomes the primary, or a server takes no writes any more.

use std::time::{Duration, Instant};

use common::store::Ledger;
use tests::harness::{Context as _, Kind, OwnServer, Programs, Result, wait_until};

use super::sampler::Sampler;
use super::stage::{SOON, Setting, Size, Stage, is_true, say};

/// The programs, who know both servers, the standby first.
fn with_both(stage: &Stage, standby: &OwnServer, primary: &OwnServer, wanted: &str) -> Programs {
    let programs = &stage.world.programs;
    let url = programs.environment().get("DATABASE_URL").cloned().unwrap_or_default();
    let of_primary = format!("127.0.0.1:{}", primary.port());
    let both = format!("127.0.0.1:{},{of_primary}", standby.port());
    programs.clone().set("DATABASE_URL", format!("{}{wanted}", url.replace(&of_primary, &both)))
}

#[tokio::test]
async fn p05_a_failover_to_the_standby_is_followed_without_a_restart_and_nothing_is_lost_or_doubled()
-> Result<()> {
    let mut primary = OwnServer::start(Kind::Postgres).await?;
    let mut stage =
        Stage::start_with(Size::default(), Setting { own: Some(&primary), ..Setting::default() }).await?;
    let mut standby = primary.standby().await?;
    let programs = with_both(&stage, &standby, &primary, "?target_session_attrs=read-write");
    let feeder = stage.feeder_of(&programs).await?;
    let worker = programs.worker()?;
    worker.event("worker.started", SOON).await?;
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 3).await?;

    // In order, so that the standby has all that was committed.
    primary.stop().await?;
    standby.promote().await?;
    let promoted = Instant::now();
    stage.world.db.move_to(&standby.url()).await?;
    let before = stage.jobs_done().await?;
    stage.until_done(before + 1).await?;
    let first = promoted.elapsed();
    say("p05 first commit after the promotion, s", first.as_secs_f64());
    is_true(first < Duration::from_secs(15), || format!("only after {first:?}"))?;
    is_true(before < jobs, || "the run was over before the failover".to_owned())?;
    wait_until("the leader again", SOON, || async {
        Ok(feeder.log().matches("leader.acquired").count() == 2)
    })
    .await?;
    // Malls are recalled through a listening session: it must have moved, too.
    let sql =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    wait_until("both to listen again", SOON, || async { Ok(stage.number(sql).await? >= 2) }).await?;
    is_true(feeder.is_running() && worker.is_running(), || "a program has ended".to_owned())?;
    stage.verify_once(jobs).await.map(drop)
}

#[tokio::test]
async fn p05_a_server_that_turns_read_only_is_waited_for_and_nothing_dies() -> Result<()> {
    let own = OwnServer::start(Kind::Postgres).await?;
    let stage = Stage::start_with(Size::default(), Setting { own: Some(&own), ..Setting::default() }).await?;
    let sampler = Sampler::start(stage.world.db.url());
    let (feeder, worker) = (stage.feeder().await?, stage.worker().await?);
    let jobs = stage.enqueue().await?;
    stage.until_done(jobs / 3).await?;
    let (admin, _connection) = stage.session().await?;
    let set = async |value: &str| {
        let sql = format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
        admin.batch_execute(&sql).await.context(sql.clone())?;
        admin.batch_execute("SELECT pg_reload_conf()").await.context("reload")
    };
    set("on").await?;
    feeder.event("leader.lost", SOON).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let before = stage.jobs_done().await?;
    is_true(before < jobs, || "the run was over before".to_owned())?;
    set("off").await?;
    let back = Instant::now();
    stage.until_done(before + 1).await?;
    let first = back.elapsed();
    say("p05 first commit after writes were allowed again, s", first.as_secs_f64());
    is_true(first < Duration::from_secs(15), || format!("only after {first:?}"))?;
    stage.verify_once(jobs).await?;
    is_true(stage.number("SELECT max(attempts)::bigint FROM jobs").await? == 0, || "an attempt".to_owned())?;
    is_true(feeder.is_running() && worker.is_running(), || "a program has ended".to_owned())?;
    let told = format!("{}{}", feeder.log(), worker.log());
    is_true(told.contains("it is read-only"), || "the operator was not told".to_owned())?;
    sampler.result().map(drop)
}

#[tokio::test]
async fn p05_an_address_that_takes_connections_and_never_answers_is_passed_over() -> Result<()> {
    let (hanging, writable) =
        (OwnServer::start(Kind::Postgres).await?, OwnServer::start(Kind::Postgres).await?);
    let of = |server: &OwnServer| format!("127.0.0.1:{}", server.port());
    let both = writable.url().replace(&of(&writable), &format!("{},{}", of(&hanging), of(&writable)));
    // The kernel goes on taking connections for a process that is stopped.
    hanging.freeze()?;
    let pool = Ledger::new(&both, 2).context("a pool")?;
    let passed = Instant::now();
    pool.ping().await.context("the other server")?;
    let first = passed.elapsed();
    say("p05 an address that hangs was passed over after s", first.as_secs_f64());
    // From then on the pool begins with the one that answers.
    let (one, two) = tokio::join!(pool.ping(), pool.ping());
    one.context("a session that is there")?;
    two.context("a session that is new")?;
    is_true(passed.elapsed() < first + Duration::from_secs(4), || "it was asked again".to_owned())?;
    hanging.thaw()
}
