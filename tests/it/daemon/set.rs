//! `malls set`: what is fetched of a mall changes, and its planned jobs follow.

use serde_json::{Value, json};
use tests::harness::{Context as _, Output, Result, Span, World, WorldConfig, wait_until};
use tests::simulator::{Dialect, FaultKind, FaultRule, MallSpec, Size};

use super::SOON;

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-10";

/// A mall that speaks so, known as one that speaks so.
async fn world(speaks: Dialect, known_as: &str) -> Result<World> {
    let mall = MallSpec { size: Size::Small, dialect: speaks, ..MallSpec::new("hanbit") };
    let world = World::start_with(WorldConfig::wide([mall])).await?;
    let sql = format!("UPDATE connectors SET dialect = '{known_as}'");
    world.db.client().batch_execute(&sql).await.context(sql)?;
    Ok(world)
}

async fn set(world: &World, settings: &[&str]) -> Result<Output> {
    world.cli(&[&["malls", "set", "hanbit"], settings].concat()).await
}

async fn jobs(world: &World, of: &str) -> Result<i64> {
    world.db.number(&format!("SELECT count(*) FROM jobs WHERE {of}")).await
}

async fn enqueue(world: &World, more: &[&str]) -> Result<Value> {
    world.enqueue(&[&["--mall", "hanbit", "--from", FROM, "--to", TO], more].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mall_in_the_wrong_dialect_is_put_right_and_its_jobs_are_cut_anew() -> Result<()> {
    let world = world(Dialect::Live, "seed").await?;
    enqueue(&world, &["--lane", "backfill"]).await?;
    assert_eq!(jobs(&world, "work_state = 'queued'").await?, 4);

    let plan = set(&world, &["dialect=live", "--dry-run"]).await?;
    plan.success()?;
    for line in
        ["hanbit: dialect seed → live", "cut anew   2 jobs that the dialect live cannot answer: 20 jobs"]
    {
        assert!(plan.stdout.contains(line), "{}", plan.stdout);
    }
    let asked = set(&world, &["dialect=live"]).await?;
    assert!(asked.code == Some(7) && asked.stdout == plan.stdout, "{asked:?}");
    assert!(asked.stderr.contains("cafe24-sync malls set hanbit dialect=live --yes"), "{}", asked.stderr);
    assert_eq!(jobs(&world, "work_state = 'cancelled'").await?, 0, "a plan changes nothing");

    let done: Value = set(&world, &["dialect=live", "--yes", "--json"]).await?.json()?;
    assert_eq!(done["jobs"], json!({ "cancelled": 0, "recut": 2, "planned": 20, "running": 0 }), "{done:#}");
    assert_eq!(done["state"], "active");
    // What the dialect can answer stays as it was.
    assert_eq!(jobs(&world, "work_state = 'queued' AND start_date < end_date").await?, 2);
    let audited = "SELECT count(*) FROM audit_log WHERE action = 'malls.set' AND mall_id = 'hanbit'";
    assert_eq!(world.db.number(audited).await?, 1);

    let _daemon = world.programs.serve()?;
    let _worker = world.programs.worker()?;
    world.settled(SOON * 2).await?;
    assert_eq!(jobs(&world, "work_state = 'done'").await?, 22);
    let day = |text: &str| text.parse().context("a day");
    world.exact(&[Span::days("hanbit", day(FROM)?, day(TO)?)]).await?;
    assert_eq!(world.db.number("SELECT count(*) FROM dead_letters").await?, 0);
    assert_eq!(set(&world, &["dialect=live"]).await?.stdout.trim(), "hanbit: is so already");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialect_that_the_consent_does_not_cover_waits_for_one() -> Result<()> {
    let world = world(Dialect::Seed, "seed").await?;
    enqueue(&world, &[]).await?;
    let done = set(&world, &["dialect=live", "--yes"]).await?;
    done.success()?;
    assert!(done.stdout.contains("lacks the scope mall.read_analytics"), "{}", done.stdout);
    assert_eq!(jobs(&world, "work_state = 'parked'").await?, 22);
    assert_eq!(jobs(&world, "work_state IN ('planned', 'queued')").await?, 0);
    // And back: what was cut stays cut, and the scope is there.
    set(&world, &["dialect=seed", "--yes"]).await?.success()?;
    assert_eq!(jobs(&world, "work_state = 'planned'").await?, 22);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_wanted_any_more_is_cancelled_and_what_was_asked_for_by_name_stays() -> Result<()> {
    let world = world(Dialect::Live, "live").await?;
    enqueue(&world, &[]).await?;
    enqueue(&world, &["--endpoint", "keywords"]).await?;
    let done: Value = set(&world, &["endpoints=visitors,domains", "--yes", "--json"]).await?.json()?;
    assert_eq!(done["jobs"]["cancelled"], 1 + 10, "pageviews and products: {done:#}");
    let gone = "work_state = 'cancelled' AND endpoint IN ('pageviews', 'products')";
    assert_eq!(jobs(&world, gone).await?, 11);
    assert_eq!(jobs(&world, "work_state = 'queued' AND endpoint = 'keywords'").await?, 10);

    set(&world, &["shops=2", "--yes"]).await?.success()?;
    assert_eq!(jobs(&world, "work_state = 'queued'").await?, 0, "all were of shop 1");
    set(&world, &["wanted_from=2025-01-01", "limiter_key=shared", "--yes"]).await?.success()?;
    let row = "SELECT count(*) FROM connectors WHERE wanted_from = '2025-01-01' AND limiter_key = 'shared' \
               AND shops = '{2}' AND endpoints = '{visitors,domains}'";
    assert_eq!(world.db.number(row).await?, 1);
    set(&world, &["wanted_from=-", "limiter_key=-", "mode=off", "--yes"]).await?.success()?;
    let row = "SELECT count(*) FROM connectors WHERE wanted_from IS NULL AND limiter_key = 'hanbit' \
               AND config_json ->> 'mode' = 'off' AND config_json ? 'oauth_tokens'";
    assert_eq!(world.db.number(row).await?, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_first_day_cancels_what_lies_before_it_and_no_day_that_was_asked_for_by_name() -> Result<()> {
    let world = world(Dialect::Seed, "seed").await?;
    set(&world, &["wanted_from=2025-02-01", "--yes"]).await?.success()?;
    for (from, to) in
        [("2025-01-01", "2025-01-10"), ("2025-03-01", "2025-03-10"), ("2025-03-11", "2025-03-20")]
    {
        world.enqueue(&["--mall", "hanbit", "--from", from, "--to", to, "--lane", "backfill"]).await?;
    }
    assert_eq!(jobs(&world, "work_state IN ('planned', 'queued')").await?, 12);
    let plan = set(&world, &["wanted_from=2025-03-11", "--dry-run"]).await?;
    plan.success()?;
    for line in [
        "hanbit: wanted_from 2025-02-01 → 2025-03-11",
        "cancelled  4 jobs that would fetch what is not wanted",
    ] {
        assert!(plan.stdout.contains(line), "{}", plan.stdout);
    }
    assert_eq!(jobs(&world, "work_state = 'cancelled'").await?, 0, "a plan changes nothing");
    // The first day of the later ones is not the last of the earlier ones.
    let done: Value = set(&world, &["wanted_from=2025-03-11", "--yes", "--json"]).await?.json()?;
    assert_eq!(done["jobs"], json!({ "cancelled": 4, "recut": 0, "planned": 0, "running": 0 }), "{done:#}");
    assert_eq!(jobs(&world, "work_state = 'cancelled' AND start_date = '2025-03-01'").await?, 4);
    assert_eq!(jobs(&world, "work_state IN ('planned', 'queued')").await?, 8);
    // A chunk that reaches over the day goes on, and an earlier first day cancels nothing.
    let done: Value = set(&world, &["wanted_from=2025-03-15", "--yes", "--json"]).await?.json()?;
    assert_eq!(done["jobs"]["cancelled"], 0, "{done:#}");
    let done: Value = set(&world, &["wanted_from=-", "--yes", "--json"]).await?.json()?;
    assert_eq!(done["jobs"]["cancelled"], 0, "{done:#}");

    // The messages that were out there are nobody's: no request is made for them.
    let _daemon = world.programs.serve()?;
    let _worker = world.programs.worker()?;
    world.settled(SOON * 2).await?;
    assert_eq!(jobs(&world, "work_state = 'done'").await?, 8);
    assert_eq!(
        world
            .db
            .number("SELECT count(*) FROM slices WHERE date BETWEEN '2025-03-01' AND '2025-03-10'")
            .await?,
        0
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_go_together_is_refused_with_what_does() -> Result<()> {
    let world = world(Dialect::Seed, "seed").await?;
    let cases: [(&[&str], i32, &str); 6] = [
        (&["dialekt=live"], 2, "use dialect, endpoints, shops, limiter_key, wanted_from, app or mode"),
        (&["endpoints=visitors,keywords"], 2, "set endpoints=visitors with it"),
        (&["shops=1,2"], 2, "set shops=1 with it"),
        (&["app=nobody"], 1, "E-APP-01"),
        (&["mode=off", "mode=api"], 2, "write each key once"),
        (&[], 2, "KEY=VALUE"),
    ];
    for (settings, code, told) in cases {
        let refused = set(&world, &[settings, &["--yes"]].concat()).await?;
        assert_eq!(refused.code, Some(code), "{settings:?}: {refused:?}");
        assert!(refused.stderr.contains(told), "{settings:?}: {}", refused.stderr);
    }
    // Together they are fine.
    set(&world, &["dialect=live", "endpoints=visitors,keywords", "shops=1,2", "--yes"]).await?.success()?;
    Ok(())
}

/// Two requests are under way; what the worker had claimed beside them comes back, and is cut anew as well.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_has_claimed_and_not_sent_is_cut_anew_too() -> Result<()> {
    let world = world(Dialect::Seed, "seed").await?;
    world.sim.order(FaultRule::always(FaultKind::Hold)).context("order")?;
    let _daemon = world.programs.serve()?;
    let worker = world.programs.worker()?;
    let wish = ["--endpoint", "products", "--chunk-days", "2", "--to", "2025-03-20"];
    world.enqueue(&[&["--mall", "hanbit", "--from", FROM], &wish[..]].concat()).await?;
    wait_until("two requests under way", SOON, || async { Ok(world.sim.held() == 2) }).await?;
    wait_until("all claimed", SOON, || async { Ok(world.jobs_in(&["running"]).await? == 10) }).await?;
    assert!(worker.events().iter().all(|event| event["event"] != "mall.changed"), "a change before ours");

    let command =
        world.programs.cli_started(&["malls", "set", "hanbit", "dialect=live", "--yes", "--json"])?;
    let changed = "SELECT count(*) FROM connectors WHERE dialect = 'live'";
    wait_until("the dialect changed", SOON, || async { Ok(world.db.number(changed).await? == 1) }).await?;
    // A place that is free before the worker has heard of it would send the next one.
    worker.event("mall.changed", SOON).await?;
    world.sim.clear_faults();
    world.sim.release();
    let done: Value = command.output(SOON * 2).await?.json()?;
    assert_eq!(done["jobs"], json!({ "cancelled": 0, "recut": 8, "planned": 16, "running": 0 }), "{done:#}");
    // Those under way were asked, and answered, as they were meant.
    assert_eq!(jobs(&world, "work_state = 'done'").await?, 2);
    assert_eq!(jobs(&world, "work_state = 'parked' AND start_date = end_date").await?, 16);
    assert_eq!(world.jobs_in(&["failed", "planned", "queued", "running"]).await?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_app_needs_another_consent() -> Result<()> {
    let world = world(Dialect::Seed, "seed").await?;
    let file = world.programs.logs().join("app.secret");
    std::fs::write(&file, "a-secret-of-another-app").context("a file")?;
    let app =
        ["apps", "set", "other", "--client-id", "other-id", "--client-secret-file", &file.to_string_lossy()];
    world.cli(&app).await?.success()?;
    let done = set(&world, &["app=other", "--yes"]).await?;
    done.success()?;
    assert!(
        done.stdout.contains("its tokens are another app's → cafe24-sync connect hanbit"),
        "{}",
        done.stdout
    );
    let state = "SELECT count(*) FROM connectors WHERE state = 'needs_consent' AND app_id = 'other'";
    assert_eq!(world.db.number(state).await?, 1);
    Ok(())
}
