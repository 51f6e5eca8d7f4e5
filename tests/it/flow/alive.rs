//! Tokens over days: zones, skew, and malls that nobody uses.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tests::harness::{Context as _, Result, World, WorldConfig};
use tests::simulator::{FaultRule, SimConfig, Target};

use super::{Flow, Setup, body, day, spec};

/// A day in 20 s: access tokens that live 6 s instead of 2 h.
#[tokio::test]
async fn o05_workers_in_three_zones_and_five_minutes_off_see_no_401_in_a_day_of_short_tokens() -> Result<()> {
    let mut setup = Setup::new(&["hanbit"]).without_daemon();
    setup.sim.access_lifetime = Duration::from_secs(6);
    setup.workers = 0;
    let mut flow = Flow::start(setup).await?;
    flow.world.sim.clock().advance(TimeDelta::minutes(5));
    // What was imported says when it ends by the other clock; what is refreshed counts from when its answer came.
    flow.cli(&["tokens", "refresh", "hanbit"]).await?.success()?;
    flow.world.sim.reset_report();
    for zone in ["UTC", "America/New_York", "Pacific/Kiritimati"] {
        let programs = flow.world.programs.clone();
        flow.world.programs = programs.clone().set("TZ", zone);
        flow.start_workers_unchecked()?;
        flow.world.programs = programs;
    }
    flow.start_daemon()?;
    let began = Instant::now();
    let mut days = 0;
    while began.elapsed() < Duration::from_secs(20) {
        let of = (day("2025-03-01") + chrono::Days::new(days)).to_string();
        flow.wish("hanbit", "visitors", &of, &of, &[]).await?;
        days += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    flow.settled().await?;
    let report = flow.world.sim.mall_report("hanbit").context("report")?;
    let tokens = &report.tokens;
    assert_eq!(
        (report.refused_token, tokens.expired_access, tokens.access_token_reuse),
        (0, 0, 0),
        "{report:?}"
    );
    // Renewed in its last quarter: every 4.5 s at the most often.
    assert!((3..=6).contains(&tokens.refreshes), "{tokens:?}");
    assert_eq!((tokens.overlapping_refreshes, tokens.invalid_grant), (0, 0));
    Ok(())
}

#[tokio::test]
async fn o05_the_ends_that_are_stored_are_the_same_in_every_zone() -> Result<()> {
    let sim = SimConfig { malls: 0, extra_malls: vec![spec("hanbit")], ..SimConfig::default() };
    let world = World::start_with(WorldConfig { sim, ..WorldConfig::default() }).await?;
    for zone in ["UTC", "America/New_York", "Pacific/Kiritimati"] {
        let programs = world.programs.clone().set("TZ", zone);
        let said = programs
            .cli(&["tokens", "refresh", "hanbit", "--json"], Duration::from_secs(30))
            .await?
            .json()?;
        let sql = "SELECT (extract(epoch FROM access_expires_at - now()) / 60)::bigint FROM connectors";
        let minutes = world.db.number(sql).await?;
        assert!((119..=120).contains(&minutes), "{zone}: {minutes} minutes, {said}");
        assert!(said["access_expires_at"].as_str().is_some_and(|time| time.ends_with("+09:00")), "{said}");
    }
    Ok(())
}

/// Days pass: the simulator's clock goes on, and what is known of the pairs' age goes back.
async fn a_day_passes(world: &World) -> Result<()> {
    world.sim.clock().advance(TimeDelta::days(1));
    let sql = "UPDATE connectors SET token_issued_at = token_issued_at - interval '1 day', \
               access_expires_at = access_expires_at - interval '1 day', refresh_expires_at = refresh_expires_at - interval '1 day'";
    world.db.client().batch_execute(sql).await.context(sql)
}

#[tokio::test]
async fn o06_malls_that_nobody_uses_are_alive_after_thirty_days_paused_ones_too() -> Result<()> {
    let malls = ["idle", "paused", "forgotten"].map(spec).to_vec();
    let sim = SimConfig { malls: 0, extra_malls: malls, ..SimConfig::default() };
    let world = World::start_with(WorldConfig { sim, ..WorldConfig::default() }).await?;
    world.cli(&["malls", "pause", "paused", "--reason", "sold"]).await?.success()?;
    // Nobody looks after this one: it shows that the provider really ends what is left alone.
    let forget = "UPDATE connectors SET state = 'needs_consent', state_reason = 'left alone' WHERE mall_id = 'forgotten'";
    world.db.client().batch_execute(forget).await.context(forget)?;
    for _ in 0..30 {
        a_day_passes(&world).await?;
        let pass = world.cli(&["tokens", "refresh", "--due"]).await?;
        assert_eq!(pass.code, Some(0), "{pass:?}");
    }
    for mall in ["idle", "paused"] {
        let tokens = world.sim.mall_report(mall).context("report")?.tokens;
        assert_eq!((tokens.refreshes, tokens.invalid_grant), (4, 0), "{mall}: {tokens:?}");
        world.cli(&["tokens", "refresh", mall]).await?.success()?;
    }
    let state = world.db.client().query_one("SELECT state FROM connectors WHERE mall_id = 'paused'", &[]);
    assert_eq!(state.await.context("state")?.get::<_, String>(0), "paused");
    assert_eq!(world.cli(&["tokens", "refresh", "forgotten"]).await?.code, Some(4));
    let listed = world.cli(&["tokens", "list"]).await?.stdout;
    assert!(listed.contains("idle") && listed.contains("mall.analytics"), "{listed}");
    Ok(())
}

#[tokio::test]
async fn o06_the_daemon_renews_what_is_a_week_old() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).without_daemon()).await?;
    flow.run_sql("UPDATE connectors SET token_issued_at = now() - interval '169 hours'").await?;
    let daemon = flow.world.programs.serve()?;
    daemon.event("tokens.kept", super::SOON).await?;
    let tokens = flow.world.sim.mall_report("hanbit").context("report")?.tokens;
    assert_eq!((tokens.refreshes, tokens.invalid_grant), (1, 0), "{tokens:?}");
    let metrics = daemon.metrics().await?;
    let gauge = "cafe24_sync_tokens_expiring";
    let spans: Vec<&String> = metrics.series().keys().filter(|name| name.starts_with(gauge)).collect();
    assert_eq!((spans.len(), metrics.sum(gauge)), (3, 0.0), "{spans:?}");
    Ok(())
}

#[tokio::test]
async fn o07_a_refresh_that_lost_the_scope_parks_the_mall_and_one_that_has_it_again_releases_it() -> Result<()>
{
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let mut pair =
        serde_json::to_value(flow.world.sim.current_tokens("hanbit").context("tokens")?).context("json")?;
    pair["scopes"] = serde_json::json!(["mall.read_product"]);
    // The tokens stay good, only their scopes are said to be others.
    let rule = FaultRule { endpoint: Some(Target::Token), ..FaultRule::once(body(pair.to_string())) };
    flow.world.sim.order(rule).context("order")?;
    flow.cli(&["tokens", "refresh", "hanbit"]).await?.success()?;
    assert_eq!(flow.state_of("hanbit").await?, "needs_scope");
    let reason = flow.rows_of("SELECT state_reason FROM connectors").await?;
    assert_eq!(reason, ["scope mall.analytics missing"]);
    flow.cli(&["tokens", "refresh", "hanbit"]).await?.success()?;
    assert_eq!(flow.state_of("hanbit").await?, "active");
    Ok(())
}
