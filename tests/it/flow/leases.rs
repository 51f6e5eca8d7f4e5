//! The lease in a real Postgres, with token keepers in this process: many at once, and none of them holds a connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::config::{Secret, UrlTemplate};
use common::domain::ids::MallId;
use common::oauth::{
    App, AppCredentials, Keep, OAuthClient, OAuthTimeouts, Sealer, Spool, TokenKeeper, TokenStore, Waiting,
};
use common::store::{Control, Ledger, SealedTokenStore};
use tests::harness::{Context as _, Result, Signal, World, WorldConfig, wait_until};
use tests::simulator::{FaultKind, FaultRule, SimConfig, Target};
use tokio::task::JoinSet;

use super::{SOON, spec};

type Keeper = Arc<TokenKeeper<SealedTokenStore>>;

async fn world(malls: &[String]) -> Result<World> {
    let extra_malls = malls.iter().map(|mall| spec(mall)).collect();
    let sim = SimConfig { malls: 0, extra_malls, ..SimConfig::default() };
    World::start_with(WorldConfig { sim, ..WorldConfig::default() }).await
}

fn sealer(world: &World) -> Result<Arc<Sealer>> {
    let key = world.programs.environment().get("CAFE24_SYNC__OAUTH__MASTER_KEY_FILE").context("a key")?;
    let key = Secret::new(std::fs::read_to_string(key).context("the key")?);
    Ok(Arc::new(Sealer::from_keys(&key).context("keys")?))
}

/// A keeper with its own pool, as a worker has one.
fn keeper(world: &World, ledger: &Ledger) -> Result<Keeper> {
    let sealer = sealer(world)?;
    let config = world.sim.config();
    let credentials = AppCredentials {
        client_id: config.client_id.clone(),
        client_secret: Secret::new(config.client_secret.clone()),
    };
    let app = App { app_id: None, credentials, redirect_uri: None };
    let store = SealedTokenStore::new(ledger.clone(), sealer, Some(&app));
    let template = UrlTemplate::parse(&world.sim.oauth_template()).context("a template")?;
    let client = OAuthClient::new(template, OAuthTimeouts::default()).context("a client")?;
    Ok(Arc::new(TokenKeeper::new(store, client, Duration::from_mins(10), None)))
}

fn say(what: &str, figure: impl std::fmt::Display) {
    #[expect(clippy::print_stderr, reason = "only this macro is captured by the test runner")]
    {
        eprintln!("figure: {what}: {figure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o01_eight_workers_on_a_real_postgres_refresh_once_for_each_expiry() -> Result<()> {
    const EXPIRIES: u64 = 60;
    let world = world(&["hanbit".to_owned()]).await?;
    let mall: MallId = "hanbit".parse().context("a mall")?;
    let mut workers = Vec::new();
    for _ in 0..8 {
        let ledger = Ledger::new(world.db.url(), 2).context("a pool")?;
        workers.push(keeper(&world, &ledger)?);
    }
    let began = Instant::now();
    for _ in 0..EXPIRIES {
        let used = workers[0].store().load(&mall).await.context("stored")?.version;
        world.sim.expire_access("hanbit").context("expire")?;
        let mut jobs = JoinSet::new();
        for job in 0..24 {
            let (worker, mall) = (Arc::clone(&workers[job % 8]), mall.clone());
            jobs.spawn(async move { worker.after_unauthorized(&mall, used).await });
        }
        while let Some(token) = jobs.join_next().await {
            let token = token.context("a task")?.context("a token")?;
            assert_eq!(token.version, used + 1, "one new pair for all");
        }
    }
    let tokens = world.sim.mall_report("hanbit").context("report")?.tokens;
    assert_eq!(
        (tokens.refreshes, tokens.overlapping_refreshes, tokens.refresh_token_reuse, tokens.invalid_grant),
        (EXPIRIES, 0, 0, 0),
        "{tokens:?}"
    );
    assert_eq!(world.db.number("SELECT count(*) FROM token_leases").await?, 0);
    say(
        "o01 8 workers × 60 expiries × 3 jobs on Postgres, ms an expiry",
        began.elapsed().as_millis() / u128::from(EXPIRIES),
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn o04_two_hundred_malls_on_a_slow_token_url_hold_no_connection() -> Result<()> {
    let malls: Vec<String> = (0..200).map(|n| format!("mall{n:03}")).collect();
    let world = world(&malls).await?;
    let rule =
        FaultRule { endpoint: Some(Target::Token), ..FaultRule::always(FaultKind::Delay { ms: 3_000 }) };
    world.sim.order(rule).context("order")?;
    let ledger = Ledger::new(world.db.url(), 2).context("a pool")?;
    let keeper = keeper(&world, &ledger)?;
    let began = Instant::now();
    let mut refreshes = JoinSet::new();
    for mall in malls {
        let (keeper, mall) = (Arc::clone(&keeper), mall.parse::<MallId>().context("a mall")?);
        refreshes.spawn(async move { keeper.refresh(&mall, 1).await });
    }
    // All calls are under way, and both connections are free.
    let mut slowest = Duration::ZERO;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    while began.elapsed() < Duration::from_millis(2_500) {
        let asked = Instant::now();
        ledger.ping().await.context("a connection")?;
        slowest = slowest.max(asked.elapsed());
    }
    while let Some(token) = refreshes.join_next().await {
        assert_eq!(token.context("a task")?.context("a token")?.version, 2);
    }
    say("o04 200 refreshes of 3 s each over 2 connections, ms", began.elapsed().as_millis());
    say("o04 slowest ping meanwhile, ms", slowest.as_millis());
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "not one after the other: {:?}", began.elapsed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mall_that_is_paused_while_its_new_pair_is_stored_stays_paused() -> Result<()> {
    const WAITS: &str = "SELECT count(*) FROM pg_locks \
                          WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
    let world = world(&["hanbit".to_owned()]).await?;
    let mall: MallId = "hanbit".parse().context("a mall")?;
    let ledger = Ledger::new(world.db.url(), 1).context("a pool")?;
    let keeper = keeper(&world, &ledger)?;
    let taken = keeper.store().take(&mall, 1, "we").await.context("the lease")?;
    // A pause holds the row for as long as it takes to park the mall's jobs.
    let pause =
        "BEGIN; UPDATE connectors SET state = 'paused', state_reason = 'ours' WHERE mall_id = 'hanbit'";
    world.db.client().batch_execute(pause).await.context(pause)?;
    let storing = tokio::spawn({
        let mall = mall.clone();
        async move { keeper.store().keep(&mall, &taken.tokens, &taken.tokens.pair).await }
    });
    while world.db.number(WAITS).await? == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.db.client().batch_execute("COMMIT").await.context("the pause")?;
    assert_eq!(storing.await.context("a task")?.context("stored")?, Keep::Stored(2));
    let sql = "SELECT state, state_reason FROM connectors WHERE mall_id = 'hanbit'";
    let row = world.db.client().query_one(sql, &[]).await.context(sql)?;
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("paused", "ours"));
    Ok(())
}

#[tokio::test]
async fn o02_a_refresh_that_nobody_ended_is_looked_after_before_a_job_wants_the_token() -> Result<()> {
    let world = world(&["hanbit".to_owned(), "other".to_owned()]).await?;
    let control = Control::new(world.db.url(), 1).context("a pool")?;
    let leases = "INSERT INTO token_leases (mall_id, version, holder, taken_at, until) VALUES \
                  ('hanbit', 1, 'dead', now() - interval '3 minutes', now() - interval '2 minutes'), \
                  ('other', 1, 'alive', now(), now() + interval '40 seconds')";
    world.db.client().batch_execute(leases).await.context(leases)?;
    let due = control.due_tokens(Duration::from_hours(7 * 24), "", 50).await.context("the due")?;
    let due: Vec<_> = due.iter().map(|due| (due.mall_id.as_str(), due.version)).collect();
    assert_eq!(due, [("hanbit", 1)]);
    Ok(())
}

#[tokio::test]
async fn o03_a_daemon_takes_its_spool_up_although_another_one_leads() -> Result<()> {
    let world = world(&["hanbit".to_owned()]).await?;
    let leader = world.programs.serve()?;
    leader.event("leader.acquired", SOON).await?;
    leader.signal(Signal::Stop)?;
    let mall: MallId = "hanbit".parse().context("a mall")?;
    let ledger = Ledger::new(world.db.url(), 1).context("a pool")?;
    let stored = keeper(&world, &ledger)?.store().load(&mall).await.context("stored")?;
    let spool = Spool::new(world.programs.logs().join("spool"), sealer(&world)?);
    let waiting = Waiting { mall, agency: stored.agency, used: stored.version, pair: stored.pair };
    spool.write(&waiting).context("written")?;
    let _standby = world.programs.serve()?;
    wait_until("the spool is empty", SOON, || async { Ok(spool.files().context("the spool")?.is_empty()) })
        .await?;
    assert_eq!(world.db.number("SELECT token_version FROM connectors").await?, stored.version + 1);
    Ok(())
}
