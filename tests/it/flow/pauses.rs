//! An endpoint that is paused, by a person or because the API changed, costs no dead letters: its jobs wait.

use std::time::{Duration, Instant};

use tests::harness::{Context as _, Result, Span, wait_until};
use tests::simulator::{Endpoint, FaultKind, FaultRule};

use super::{Flow, LIMIT, SOON, Setup, day, status};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-04-29";
const DAYS: i64 = 60;
/// A pause stops its endpoint within this time.
const STOPS: Duration = Duration::from_secs(1);

const MALLS: [&str; 4] = ["one", "two", "three", "four"];
const OPEN: &str = "SELECT count(*) FROM endpoint_pauses WHERE ended_at IS NULL";

/// Wishes for sixty days of products of every mall, a job a day.
async fn wish_products(flow: &Flow) -> Result<()> {
    let wish = ["--all", "--endpoint", "products", "--from", FROM, "--to", TO, "--chunk-days", "1"];
    flow.enqueue(&wish).await.map(drop)
}

/// Sixty days of products of these malls stand as the simulator has them.
async fn products_are_exact(flow: &Flow, malls: &[&str]) -> Result<()> {
    let endpoints = vec![Endpoint::ProductsSales];
    let span = |mall: &&str| Span { endpoints: endpoints.clone(), ..Span::days(mall, day(FROM), day(TO)) };
    flow.world.exact(&malls.iter().map(span).collect::<Vec<_>>()).await.map(drop)
}

fn broken(endpoint: Endpoint, fault: FaultKind) -> FaultRule {
    FaultRule { endpoint: Some(endpoint.into()), ..FaultRule::always(fault) }
}

/// Requests of one mall to one endpoint.
fn calls(flow: &Flow, mall: &str, endpoint: Endpoint) -> Result<u64> {
    let report = flow.world.sim.mall_report(mall).context("a report")?;
    Ok(report.chunks.iter().filter(|chunk| chunk.endpoint == endpoint).map(|chunk| chunk.requests).sum())
}

#[tokio::test]
async fn a04_an_endpoint_that_breaks_for_many_malls_is_parked_and_its_jobs_wait() -> Result<()> {
    // Slow enough that a busy machine commits the twentieth answer before the sixtieth request leaves.
    let mut setup = Setup::new(&MALLS).set("LIMITS__CAPACITY", "10").set("LIMITS__REFILL_PER_SECOND", "10");
    setup.sim.rate_multiplier = 5.0;
    let flow = Flow::start(setup).await?;
    flow.world.sim.order(broken(Endpoint::ProductsSales, FaultKind::MissingWrapper)).context("order")?;
    wish_products(&flow).await?;
    flow.enqueue(&["--all", "--endpoint", "visitors", "--from", FROM, "--to", TO]).await?;
    flow.settled().await?;
    let failed = flow.world.jobs_in(&["failed"]).await?;
    assert!((20..60).contains(&failed), "{failed} of 240 jobs are dead");
    assert_eq!(flow.world.jobs_in(&["parked"]).await?, 240 - failed);
    // One pause and one entry, however many workers saw it; the other endpoint never noticed.
    assert_eq!(flow.world.db.number("SELECT count(*) FROM endpoint_pauses").await?, 1);
    assert_eq!(
        flow.world.db.number("SELECT count(*) FROM audit_log WHERE action = 'endpoints.pause'").await?,
        1
    );
    let said = flow.workers.iter().flat_map(tests::harness::Program::events);
    assert_eq!(said.filter(|line| line["event"] == "contract.violation").count(), 1);
    assert!(flow.jobs().await?.iter().all(|job| job.endpoint != "visitors" || job.state == "done"));
    let plan = flow.cli(&["enqueue", "--all", "--endpoint", "products", "--last", "1d", "--dry-run"]).await?;
    assert!(
        plan.stdout.contains("4 jobs wait") && plan.stdout.contains("endpoints resume products"),
        "{}",
        plan.stdout
    );

    // Mended: three jobs probe it, the first good answer releases the others.
    flow.world.sim.clear_faults();
    let answer = flow.world.json(&["endpoints", "resume", "products"]).await?;
    assert_eq!(answer["state"], "probing", "{answer}");
    wait_until("the pause over", SOON, || async { Ok(flow.world.db.number(OPEN).await? == 0) }).await?;
    wait_until("none parked", SOON, || async { Ok(flow.world.jobs_in(&["parked"]).await? == 0) }).await?;
    flow.settled().await?;
    assert_eq!(flow.world.jobs_in(&["failed"]).await?, failed);
    // What died before the pause is asked for again and comes.
    assert_eq!(
        i64::try_from(flow.archived(usize::try_from(failed).unwrap_or(0)).await?.len()).ok(),
        Some(failed)
    );
    wish_products(&flow).await?;
    flow.settled().await?;
    let endpoints = vec![Endpoint::ProductsSales, Endpoint::VisitorsView];
    let span = |mall| Span { endpoints: endpoints.clone(), ..Span::days(mall, day(FROM), day(TO)) };
    flow.world.exact(&MALLS.map(span)).await.map(drop)
}

#[tokio::test]
async fn a04_many_workers_that_see_a_broken_endpoint_pause_it_once() -> Result<()> {
    let flow = Flow::start(Setup::new(&MALLS).workers(4)).await?;
    flow.world.sim.order(broken(Endpoint::ProductsSales, FaultKind::MissingWrapper)).context("order")?;
    wish_products(&flow).await?;
    flow.settled().await?;
    assert!(flow.world.jobs_in(&["parked"]).await? > 0);
    assert_eq!(flow.world.db.number("SELECT count(*) FROM endpoint_pauses").await?, 1);
    let entries =
        "SELECT count(*) FROM audit_log WHERE action = 'endpoints.pause' AND actor = 'worker:breaker'";
    assert_eq!(flow.world.db.number(entries).await?, 1);
    let said = flow.workers.iter().flat_map(tests::harness::Program::events);
    assert_eq!(said.filter(|line| line["event"] == "contract.violation").count(), 1);
    Ok(())
}

#[tokio::test]
async fn a04_one_mall_alone_pauses_its_endpoint_for_nobody() -> Result<()> {
    let flow = Flow::start(Setup::new(&["one", "two", "three"])).await?;
    for mall in ["one", "two"] {
        flow.order(mall, None, FaultKind::MissingWrapper)?;
    }
    wish_products(&flow).await?;
    flow.settled().await?;
    // Two malls and 120 violations: still their own trouble.
    assert_eq!(flow.world.jobs_in(&["failed"]).await?, 2 * DAYS);
    assert_eq!(flow.world.jobs_in(&["done"]).await?, DAYS);
    assert_eq!(flow.world.db.number("SELECT count(*) FROM endpoint_pauses").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a04_a_path_that_is_not_there_pauses_its_endpoint_at_once_and_a_bad_probe_leaves_it() -> Result<()> {
    let flow = Flow::start(Setup::new(&MALLS).workers(2)).await?;
    flow.world.sim.order(broken(Endpoint::ProductsSales, status(404))).context("order")?;
    wish_products(&flow).await?;
    flow.settled().await?;
    let failed = flow.world.jobs_in(&["failed"]).await?;
    // What was under way when the first answer was committed: two of each mall a worker, for the time of a batch. On a
    // loaded machine that is long for answers that come at once, but never all of them.
    assert!((1..150).contains(&failed), "{failed} of 240 jobs are dead");
    assert_eq!(flow.world.jobs_in(&["parked"]).await?, 240 - failed);
    assert_eq!(flow.rows_of("SELECT cause FROM endpoint_pauses").await?, ["not_found"]);

    // Still broken: each probe is one letter, and nothing else runs.
    let sent = flow.world.sim.report().total.requests;
    assert_eq!(flow.world.json(&["endpoints", "resume", "products"]).await?["state"], "probing");
    wait_until("the probes over", SOON, || async {
        Ok(flow.world.db.number("SELECT cardinality(probes)::bigint FROM endpoint_pauses").await? == 0)
    })
    .await?;
    flow.settled().await?;
    assert_eq!(flow.world.sim.report().total.requests, sent + 3);
    assert_eq!(flow.world.jobs_in(&["failed"]).await?, failed + 3);
    let listed = flow.cli(&["endpoints", "list"]).await?;
    assert!(listed.stdout.contains("probe failed; HTTP 404"), "{}", listed.stdout);

    flow.world.sim.clear_faults();
    assert_eq!(flow.world.json(&["endpoints", "resume", "products", "--now"]).await?["state"], "active");
    wait_until("none parked", SOON, || async { Ok(flow.world.jobs_in(&["parked"]).await? == 0) }).await?;
    flow.settled().await?;
    assert_eq!(flow.world.jobs_in(&["done"]).await?, 240 - failed - 3);
    Ok(())
}

#[tokio::test]
async fn a04_a_body_that_is_no_json_pauses_nothing() -> Result<()> {
    let flow = Flow::start(Setup::new(&MALLS)).await?;
    let rule = FaultRule { times: Some(40), ..broken(Endpoint::ProductsSales, FaultKind::NotJson) };
    flow.world.sim.order(rule).context("order")?;
    wish_products(&flow).await?;
    flow.settled().await?;
    assert_eq!(flow.world.jobs_in(&["done"]).await?, 4 * DAYS);
    assert_eq!(flow.world.db.number("SELECT count(*) FROM endpoint_pauses").await?, 0);
    Ok(())
}

#[tokio::test]
async fn h02_a_paused_endpoint_of_a_mall_sends_nothing_a_second_later_and_resumes_by_itself() -> Result<()> {
    let flow = at_work().await?;
    let paused = Instant::now();
    let pause = ["malls", "pause", "one", "--endpoint", "products", "--reason", "shop is moving"];
    flow.cli(&pause).await?.success()?;
    tokio::time::sleep(STOPS.saturating_sub(paused.elapsed())).await;
    let (held, others) = (calls(&flow, "one", Endpoint::ProductsSales)?, flow.requests("one")?);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(calls(&flow, "one", Endpoint::ProductsSales)?, held, "requests a second after the pause");
    assert!(flow.requests("one")? > others + 10, "its other endpoints stopped, too");
    flow.settled().await?;
    let waits =
        "SELECT count(*) FROM jobs WHERE work_state = 'parked' AND mall_id = 'one' AND endpoint = 'products'";
    let waiting = flow.world.db.number(waits).await?;
    assert!(waiting > 10, "{waiting} jobs wait");
    assert_eq!(flow.world.jobs_in(&["parked"]).await?, waiting);
    assert_eq!(calls(&flow, "two", Endpoint::ProductsSales)?, 60);

    let shown = flow.world.json(&["malls", "show", "one"]).await?;
    assert_eq!(
        (&shown["jobs"]["parked"], &shown["paused"][0]["reason"]),
        (&waiting.into(), &"shop is moving".into())
    );
    assert_eq!(shown["audit"][0]["action"], "malls.pause", "{shown}");
    let listed = flow.world.json(&["malls", "list"]).await?;
    let listed = &listed["items"][0];
    for said in ["mall_id", "status", "why", "do"] {
        let same = if listed[said] == "" {
            shown[said].is_null() || shown[said] == ""
        } else {
            listed[said] == shown[said]
        };
        assert!(same, "{said}: {listed}, {shown}");
    }
    assert_eq!(shown["coverage"].as_array().map(Vec::len), Some(4), "{shown}");
    // A wish made now waits as well, the plan says so; a mall that is paused and resumed keeps the endpoint's pause.
    let plan = flow.cli(&["enqueue", "--mall", "one", "--last", "1d", "--dry-run"]).await?.stdout;
    assert!(plan.contains("1 job waits: nothing is sent for") && plan.contains("shop is moving"), "{plan}");
    flow.cli(&["malls", "pause", "one"]).await?.success()?;
    flow.cli(&["malls", "resume", "one"]).await?.success()?;
    assert_eq!(flow.world.db.number(waits).await?, waiting);

    // Resumed, and paused again for two seconds; that pause ends without a person.
    flow.cli(&["malls", "resume", "one", "--endpoint", "products"]).await?.success()?;
    flow.cli(&["malls", "pause", "one", "--endpoint", "products"]).await?.success()?;
    flow.run_sql("UPDATE endpoint_pauses SET until = now() + interval '2 seconds' WHERE ended_at IS NULL")
        .await?;
    wait_until("the pause over", SOON, || async { Ok(flow.world.db.number(OPEN).await? == 0) }).await?;
    flow.settled().await?;
    assert_eq!(flow.world.jobs_in(&["done"]).await?, 8 * DAYS);
    flow.world.exact(&["one", "two"].map(|mall| Span::days(mall, day(FROM), day(TO)))).await?;
    let audited = "SELECT action || ' ' || target || ' ' || (actor LIKE '%@%')::text FROM audit_log WHERE mall_id = 'one' ORDER BY entry_id";
    assert_eq!(
        flow.rows_of(audited).await?,
        [
            "malls.pause products true",
            "malls.pause one true",
            "malls.resume one true",
            "malls.resume products true",
            "malls.pause products true",
            "malls.resume products false",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn h02_a_mall_paused_for_a_time_resumes_by_itself() -> Result<()> {
    let flow = Flow::start(Setup::new(&["one"])).await?;
    flow.cli(&["malls", "pause", "one"]).await?.success()?;
    let again = flow.cli(&["malls", "pause", "one", "--until", "1h", "--reason", "shop is moving"]).await?;
    assert!(again.stdout.contains("it was paused without an end (paused by an operator)"), "{again:?}");
    flow.wish("one", "products", FROM, TO, &["--chunk-days", "1"]).await?;
    assert_eq!(flow.world.jobs_in(&["parked"]).await?, DAYS);
    flow.run_sql("UPDATE connectors SET paused_until = now() + interval '1 second'").await?;
    wait_until("active again", SOON, || async { Ok(flow.state_of("one").await? == "active") }).await?;
    flow.settled().await?;
    products_are_exact(&flow, &["one"]).await
}

#[tokio::test]
async fn h02_many_malls_paused_until_the_same_moment_are_all_resumed_each_with_its_entry() -> Result<()> {
    let flow = Flow::start(Setup::new(&["one"]).workers(0)).await?;
    // More than go at once, each with a job that waits; one endpoint's pause ends with them.
    flow.run_sql(
        "INSERT INTO connectors (mall_id, agency_id, dialect, limiter_key, config_json, state, paused_until) \
         SELECT 'mall' || i, agency_id, dialect, 'mall' || i, config_json, 'paused', now() + interval '1 hour' \
           FROM connectors, generate_series(1, 120) AS i WHERE mall_id = 'one'; \
         INSERT INTO runs (run_id, kind, wish) VALUES (gen_random_uuid(), 'enqueue', '{}'); \
         INSERT INTO jobs (job_id, run_id, limiter_key, mall_id, shop_no, endpoint, granularity, start_date, end_date, \
                           generation, lane, turn, work_state) \
         SELECT gen_random_uuid(), run_id, mall_id, mall_id, 1, 'products', 'day', '2025-03-01', '2025-03-01', 0, 'fresh', 1, \
                'parked' FROM connectors, runs WHERE state = 'paused'; \
         INSERT INTO endpoint_pauses (endpoint, cause, reason, paused_by, until) \
         VALUES ('products', 'operator', 'moving', 'kim@desk', now() + interval '1 hour')",
    )
    .await?;
    flow.run_sql("UPDATE connectors SET paused_until = now() WHERE paused_until IS NOT NULL").await?;
    wait_until("all active", SOON, || async {
        Ok(flow.world.db.number("SELECT count(*) FROM connectors WHERE state = 'active'").await? == 121)
    })
    .await?;
    assert_eq!(flow.world.jobs_in(&["parked"]).await?, 120, "the endpoint's pause still holds");
    flow.run_sql("UPDATE endpoint_pauses SET until = now()").await?;
    wait_until("none parked", SOON, || async { Ok(flow.world.jobs_in(&["parked"]).await? == 0) }).await?;
    let entries = "SELECT count(*) FROM audit_log WHERE actor = 'daemon:pauses'";
    assert_eq!(flow.world.db.number(entries).await?, 121);
    Ok(())
}

#[tokio::test]
async fn w01_a_probe_whose_worker_ended_before_it_told_ends_the_pause_all_the_same() -> Result<()> {
    let flow = Flow::start(Setup::new(&["one"])).await?;
    wish_products(&flow).await?;
    flow.settled().await?;
    // As it stands in the ledger: the probes' jobs are over, one of them well, and nobody said so.
    flow.run_sql(
        "INSERT INTO endpoint_pauses (endpoint, dialect, cause, reason, paused_by, probes, probed_at) \
         SELECT 'products', 'seed', 'not_found', 'HTTP 404', 'worker:breaker', array_agg(job_id), now() \
           FROM (SELECT job_id FROM jobs ORDER BY job_id LIMIT 2) AS j; \
         UPDATE jobs SET work_state = 'failed', error_class = 'invalid_request' \
          WHERE job_id = (SELECT probes[1] FROM endpoint_pauses); \
         UPDATE jobs SET finished_at = now() - interval '1 minute' WHERE job_id = ANY (SELECT unnest(probes) FROM endpoint_pauses)",
    )
    .await?;
    wait_until("the pause over", SOON, || async { Ok(flow.world.db.number(OPEN).await? == 0) }).await?;
    assert_eq!(flow.rows_of("SELECT ended_by FROM endpoint_pauses").await?, ["worker:probe"]);
    Ok(())
}

#[tokio::test]
async fn h02_an_endpoint_paused_for_all_malls_needs_a_yes_and_its_jobs_wait_until_it_is_resumed() -> Result<()>
{
    let flow = at_work().await?;
    // A mall that does not fetch it stops nothing with it.
    flow.run_sql("UPDATE connectors SET endpoints = '{visitors}' WHERE mall_id = 'one'").await?;
    let one = flow.cli(&["endpoints", "pause", "products", "--dry-run"]).await?;
    assert!(one.stdout.contains("nothing is sent for 1 mall;"), "{}", one.stdout);
    flow.run_sql("UPDATE connectors SET endpoints = '{visitors,products}' WHERE mall_id = 'one'").await?;
    let lacks = flow.cli(&["malls", "pause", "one", "--endpoint", "unique"]).await?;
    assert!(lacks.code == Some(2) && lacks.stderr.contains("E-MALL-05"), "{lacks:?}");
    assert_eq!(flow.world.db.number(OPEN).await?, 0);

    let refused = flow.cli(&["endpoints", "pause", "products"]).await?;
    assert_eq!(refused.code, Some(7), "{}", refused.stderr);
    assert!(refused.stdout.contains("2 malls"), "{}", refused.stdout);
    assert_eq!(flow.world.db.number(OPEN).await?, 0);

    let paused = Instant::now();
    flow.cli(&["endpoints", "pause", "products", "--yes", "--reason", "maintenance"]).await?.success()?;
    tokio::time::sleep(STOPS.saturating_sub(paused.elapsed())).await;
    let held = calls(&flow, "one", Endpoint::ProductsSales)? + calls(&flow, "two", Endpoint::ProductsSales)?;
    flow.settled().await?;
    let later = calls(&flow, "one", Endpoint::ProductsSales)? + calls(&flow, "two", Endpoint::ProductsSales)?;
    assert_eq!(later, held, "requests a second after the pause");
    let parked = flow.world.jobs_in(&["parked"]).await?;
    assert!(parked > 20, "{parked}");
    let listed = flow.world.json(&["endpoints", "list"]).await?;
    assert_eq!(
        (&listed["items"][0]["parked"], &listed["items"][0]["reason"]),
        (&parked.into(), &"maintenance".into())
    );
    let status = flow.world.json(&["status"]).await?;
    assert_eq!(
        (&status["endpoints_paused"][0]["endpoint"], &status["endpoints_paused"][0]["parked"]),
        (&"products".into(), &parked.into()),
        "{status}"
    );
    let text = flow.cli(&["status"]).await?.stdout;
    assert!(text.contains("! products   paused for all malls since "), "{text}");
    // Whoever waits for these days is told where it stands why they do not come.
    let wish = ["enqueue", "--all", "--endpoint", "products", "--from", FROM, "--to", TO, "--wait"];
    let waited = flow.cli(&wish).await?;
    assert!(
        waited.code == Some(8) && waited.stdout.contains(" paused → cafe24-sync endpoints list"),
        "{waited:?}"
    );

    flow.cli(&["endpoints", "resume", "products"]).await?.success()?;
    wait_until("none parked", SOON, || async { Ok(flow.world.jobs_in(&["parked"]).await? == 0) }).await?;
    flow.settled().await?;
    flow.world.exact(&["one", "two"].map(|mall| Span::days(mall, day(FROM), day(TO)))).await.map(drop)
}

/// Two malls with 240 jobs each, at 40 requests a second, in the midst of it.
async fn at_work() -> Result<Flow> {
    let mut setup = Setup::new(&["one", "two"]).workers(2).set("LIMITS__CAPACITY", "20");
    setup.sim.rate_multiplier = 20.0;
    let flow = Flow::start(setup.set("LIMITS__REFILL_PER_SECOND", "40")).await?;
    flow.enqueue(&["--all", "--from", FROM, "--to", TO, "--chunk-days", "1"]).await?;
    wait_until("the malls at work", LIMIT, || async {
        Ok(calls(&flow, "one", Endpoint::ProductsSales)? >= 5)
    })
    .await?;
    Ok(flow)
}
