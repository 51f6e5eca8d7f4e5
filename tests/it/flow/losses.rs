//! A rotated pair between the token URL's answer and the store: whoever holds it dies, freezes, or finds Postgres away.
//!
//! The simulator rotates at once and holds the answer back, so that each moment can be hit exactly. Where a lease must end, its
//! time is moved in the table instead of being waited for.

use std::time::Duration;

use tests::harness::{
    Context as _, Kind, OwnServer, Program, Result, Servers, Signal, Span, World, WorldConfig, wait_until,
};
use tests::simulator::{FaultKind, FaultRule, Target};

use super::{Flow, LIMIT, SOON, START, Setup, day};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-08";

/// A flow whose mall's access token has ended, and whose next rotation happens while its answer is held back.
async fn with_a_held_rotation(setup: Setup) -> Result<Flow> {
    let flow = Flow::start(setup).await?;
    hold_the_answer(&flow)?;
    flow.enqueue(&["--all", "--from", FROM, "--to", TO, "--chunk-days", "1"]).await?;
    flow.held(1).await?;
    Ok(flow)
}

fn hold_the_answer(flow: &Flow) -> Result<()> {
    flow.world.sim.expire_access("hanbit").context("expire")?;
    let rule = FaultRule {
        mall: Some("hanbit".to_owned()),
        endpoint: Some(Target::Token),
        after_effect: true,
        ..FaultRule::once(FaultKind::Hold)
    };
    flow.world.sim.order(rule).context("order").map(drop)
}

async fn end_the_lease(flow: &Flow) -> Result<()> {
    flow.run_sql("UPDATE token_leases SET until = now()").await
}

async fn until_state(flow: &Flow, state: &str) -> Result<()> {
    wait_until(&format!("the mall {state}"), LIMIT, || async { Ok(flow.state_of("hanbit").await? == state) })
        .await
}

async fn exact(flow: &Flow) -> Result<()> {
    flow.settled().await?;
    let malls: Vec<String> = flow.world.sim.malls().into_iter().map(|mall| mall.mall_id).collect();
    let spans: Vec<Span> = malls.iter().map(|mall| Span::days(mall, day(FROM), day(TO))).collect();
    flow.world.exact(&spans).await.map(drop)
}

#[tokio::test]
async fn o02_a_worker_killed_between_rotation_and_store_leaves_a_loss_with_its_time() -> Result<()> {
    let mut flow = with_a_held_rotation(Setup::new(&["hanbit", "other"])).await?;
    flow.workers.remove(0).kill().await?;
    let minute = "SELECT to_char(taken_at AT TIME ZONE 'Asia/Seoul', 'HH24:MI') FROM token_leases";
    let lost_at = flow.rows_of(minute).await?.remove(0);
    flow.world.sim.clear_faults();
    end_the_lease(&flow).await?;
    flow.start_workers(1).await?;
    until_state(&flow, "needs_consent").await?;
    let reason =
        flow.rows_of("SELECT state_reason FROM connectors WHERE mall_id = 'hanbit'").await?.remove(0);
    assert!(reason.contains(&format!("its rotation was lost at {lost_at} KST")), "{reason}");
    let worker = &flow.workers[0];
    let said = worker.event("token.refresh_lost", SOON).await?.to_string();
    assert!(said.contains("cafe24-sync connect hanbit"), "{said}");
    // Its jobs wait, none is lost; the other mall goes on.
    flow.settled().await?;
    flow.world.exact(&[Span::days("other", day(FROM), day(TO))]).await?;
    let parked =
        flow.world.db.number("SELECT count(*) FROM jobs WHERE work_state = 'parked' AND mall_id = 'hanbit'");
    assert!(parked.await? > 0 && flow.letters().await?.is_empty());
    // A person consents again: everything runs by itself.
    flow.world.sim.issue_tokens("hanbit").context("tokens")?;
    flow.world.import().await?;
    exact(&flow).await
}

#[tokio::test]
async fn o04_a_frozen_holders_late_pair_heals_the_mall() -> Result<()> {
    let mut flow = with_a_held_rotation(Setup::new(&["hanbit"])).await?;
    flow.workers[0].signal(Signal::Stop)?;
    flow.world.sim.clear_faults();
    end_the_lease(&flow).await?;
    let second = flow.world.programs.worker()?;
    second.listen(START).await?;
    flow.workers.push(second);
    // Nobody can know that the holder will wake: the mall is given up.
    let again = ["tokens", "refresh", "hanbit"];
    assert_eq!(flow.cli(&again).await?.code, Some(4));
    until_state(&flow, "needs_consent").await?;
    flow.workers[0].signal(Signal::Cont)?;
    until_state(&flow, "active").await?;
    exact(&flow).await?;
    let tokens = flow.world.sim.mall_report("hanbit").context("report")?.tokens;
    assert_eq!((tokens.refreshes, tokens.refresh_token_reuse), (1, 1), "{tokens:?}");
    Ok(())
}

#[tokio::test]
async fn o04_a_frozen_holders_late_pair_is_thrown_away_if_a_newer_one_is_stored() -> Result<()> {
    let flow = with_a_held_rotation(Setup::new(&["hanbit"])).await?;
    flow.workers[0].signal(Signal::Stop)?;
    flow.world.sim.clear_faults();
    // The operator does not wait and connects the mall anew.
    flow.world.sim.issue_tokens("hanbit").context("tokens")?;
    flow.world.import().await?;
    flow.workers[0].signal(Signal::Cont)?;
    exact(&flow).await?;
    assert!(flow.workers[0].log().contains("thrown away"), "{}", flow.workers[0].log());
    let tokens = flow.world.sim.mall_report("hanbit").context("report")?.tokens;
    assert_eq!((tokens.refreshes, tokens.invalid_grant), (1, 0), "{tokens:?}");
    assert_eq!(flow.state_of("hanbit").await?, "active");
    Ok(())
}

/// A flow on a Postgres of its own, stopped between rotation and store.
async fn without_postgres() -> Result<(OwnServer, World, Program)> {
    let mut own = OwnServer::start(Kind::Postgres).await?;
    let setup = Setup::new(&["hanbit"]);
    let sim = tests::simulator::SimConfig { extra_malls: setup.malls, ..setup.sim };
    let servers = Servers { database: own.url(), ..Servers::from_env()? };
    let config = WorldConfig { sim, env: setup.env, servers: Some(servers), ..WorldConfig::default() };
    let world = World::start_with(config).await?;
    let worker = world.programs.worker()?;
    worker.listen(START).await?;
    world.sim.expire_access("hanbit").context("expire")?;
    let rule =
        FaultRule { endpoint: Some(Target::Token), after_effect: true, ..FaultRule::once(FaultKind::Hold) };
    world.sim.order(rule).context("order")?;
    let wish = ["enqueue", "--mall", "hanbit", "--endpoint", "visitors", "--from", FROM, "--to", FROM];
    world.cli(&wish).await?.success()?;
    wait_until("an answer held", SOON, || async { Ok(world.sim.held() == 1) }).await?;
    own.kill().await?;
    world.sim.clear_faults();
    let waits = || async { Ok(worker.log().contains("are not stored yet")) };
    wait_until("a pair that waits for its store", SOON, waits).await?;
    Ok((own, world, worker))
}

/// The pair came into the store, with one refresh.
async fn stored_once(world: &World) -> Result<()> {
    wait_until("the pair in the store", LIMIT, || async {
        let (client, _connection) = world.db.connect().await?;
        let sql = "SELECT token_version FROM connectors WHERE mall_id = 'hanbit' AND state = 'active'";
        Ok(client.query_one(sql, &[]).await.is_ok_and(|row| row.get::<_, i64>(0) == 2))
    })
    .await?;
    world.cli(&["tokens", "refresh", "hanbit"]).await?.success()?;
    let tokens = world.sim.mall_report("hanbit").context("report")?.tokens;
    assert_eq!((tokens.refreshes, tokens.invalid_grant, tokens.refresh_token_reuse), (2, 0, 0), "{tokens:?}");
    Ok(())
}

#[tokio::test]
async fn o03_a_pair_waits_in_memory_for_a_postgres_that_was_killed() -> Result<()> {
    let (mut own, world, _worker) = without_postgres().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    own.resume().await?;
    stored_once(&world).await
}

#[tokio::test]
async fn o03_sigterm_without_postgres_spools_the_pair_and_the_next_start_takes_it_up() -> Result<()> {
    let (mut own, world, worker) = without_postgres().await?;
    worker.stop(Duration::from_mins(2)).await?;
    let spooled = worker.event("token.spooled", SOON).await;
    assert!(spooled.is_ok() || worker.log().contains("token.spooled"), "{}", worker.log());
    let spool = world.programs.logs().join("spool");
    let files =
        || std::fs::read_dir(&spool).map(|dir| dir.flatten().map(|entry| entry.path()).collect::<Vec<_>>());
    let waiting = files().context("the spool")?;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    let text = std::fs::read_to_string(&waiting[0]).context("a file")?;
    for (_, secret) in world.sim.handed_out() {
        assert!(!text.contains(&secret), "a token stands in the spool as it is");
    }
    own.resume().await?;
    let _next = world.programs.worker()?;
    stored_once(&world).await?;
    assert!(files().context("the spool")?.is_empty(), "taken up and removed");
    Ok(())
}
