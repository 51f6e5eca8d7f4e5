//! Two hundred malls and a year: read a mall at a time, in well under a second for all.

use std::time::Instant;

use tests::harness::{Context as _, Result};

use crate::flow::{Flow, Setup};

const FLEET: &str = "
    INSERT INTO connectors (mall_id, agency_id, dialect, limiter_key, config_json, wanted_from, created_at)
    SELECT 'mall' || lpad(n::text, 4, '0'), (SELECT agency_id FROM agencies LIMIT 1), 'seed', 'mall' || n, '{\"mode\": \"api\"}',
           (now() AT TIME ZONE 'Asia/Seoul')::date - 365, now() - interval '400 days'
      FROM generate_series(1, 200) AS n;
    INSERT INTO slices (mall_id, shop_no, endpoint, granularity, date, data_state, job_id, fence, rows, checksum)
    SELECT mall_id, 1, endpoint, 'day', day::date, 'complete', gen_random_uuid(), 1, 10, 0
      FROM connectors, unnest(endpoints) AS endpoint,
           generate_series((now() AT TIME ZONE 'Asia/Seoul')::date - 365, (now() AT TIME ZONE 'Asia/Seoul')::date - 1, interval '1 day') AS day
     WHERE mall_id LIKE 'mall%' AND NOT (mall_id = 'mall0007' AND endpoint = 'products' AND day > now() - interval '4 days');
    ANALYZE";

/// Far more than it takes on a busy machine, far less than with a scan of all slices for each mall.
const LIMIT_MS: u128 = 20_000;

#[tokio::test]
async fn a_year_of_two_hundred_malls_is_told_by_the_worst_first() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(0).without_daemon()).await?;
    flow.run_sql(FLEET).await?;
    let client = flow.world.db.client();
    client.batch_execute("SET jit = off").await.context("jit")?;
    for (what, sql) in [
        ("how fresh 200 malls are, a year each", "SELECT count(*) FROM mall_freshness"),
        ("292,800 slices with their two facts", "SELECT count(data_state || work_state) FROM slice_coverage"),
        (
            "one mall's year",
            "SELECT count(data_state || work_state) FROM slice_coverage WHERE mall_id = 'mall0042'",
        ),
        (
            "one day of all malls",
            "SELECT count(data_state || work_state) FROM slice_coverage WHERE date = current_date - 7",
        ),
    ] {
        let began = Instant::now();
        let rows: i64 = client.query_one(sql, &[]).await.context(sql)?.get(0);
        let took = began.elapsed().as_millis();
        figure(what, &format!("{took} ms, {rows} rows"));
        assert!(rows > 0 && took < LIMIT_MS, "{what}: {took} ms, {rows} rows");
    }
    // One mall reads its own slices only, by the key.
    let plan = "EXPLAIN SELECT * FROM slice_coverage WHERE mall_id = 'mall0042'";
    let rows = client.query(plan, &[]).await.context(plan)?;
    let plan: String = rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect();
    assert!(plan.contains("slices_pkey") && !plan.contains("Seq Scan on slices"), "{plan}");

    let began = Instant::now();
    let check = flow.cli(&["coverage", "--all", "--check"]).await?;
    figure("coverage --all --check, the whole program", &format!("{} ms", began.elapsed().as_millis()));
    assert_eq!(check.code, Some(3));
    let lines: Vec<&str> = check.stdout.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("MALL")).context("a table")? + 1;
    assert!(lines[first].starts_with("hanbit    needs you"), "{}", check.stdout);
    assert!(lines[first + 1].starts_with("mall0007  late"), "{}", check.stdout);
    assert!(check.stdout.contains("151 more that are better"), "{}", check.stdout);

    // Pages by key: what one document ends with, the next begins after.
    let page = flow.world.json(&["coverage", "--limit", "3", "--after", "mall0005"]).await?;
    assert_eq!((page["items"].as_array().map(Vec::len), &page["next"]), (Some(12), &"mall0008".into()));
    Ok(())
}

/// A mall's year of slices changes at once, with and without the trigger that keeps what they were.
const CHANGE: &str = "UPDATE slices SET checksum = checksum + 1, fence = fence + 1, changed_at = now(), fetched_at = now() \
                      WHERE mall_id = 'mall0042'";
const ROUNDS: usize = 7;

#[tokio::test]
async fn what_a_change_costs_for_its_history_is_little_and_first_figures_cost_none() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(0).without_daemon()).await?;
    flow.run_sql(FLEET).await?;
    let client = flow.world.db.client();
    assert_eq!(flow.world.db.number("SELECT count(*) FROM slice_versions").await?, 0, "first figures");
    let mut medians = Vec::new();
    for (what, trigger) in [("without", "DISABLE"), ("with", "ENABLE")] {
        flow.run_sql(&format!("ALTER TABLE slices {trigger} TRIGGER slice_changed")).await?;
        let mut took = Vec::new();
        let mut slices = 0;
        for _ in 0..ROUNDS {
            let began = Instant::now();
            slices = client.execute(CHANGE, &[]).await.context(CHANGE)?;
            took.push(began.elapsed().as_micros());
        }
        took.sort_unstable();
        let each = took[ROUNDS / 2] / u128::from(slices.max(1));
        figure(&format!("{slices} changed slices {what} their history"), &format!("{each} µs a slice"));
        medians.push(each);
    }
    let kept = flow.world.db.number("SELECT count(*) FROM slice_versions").await?;
    assert_eq!(kept, 1_460 * i64::try_from(ROUNDS).context("rounds")?);
    // A change rewrites its metric rows as well, some hundred of them for products: next to that it is nothing.
    assert!(medians[1] < 1_000, "{medians:?} µs a slice");
    Ok(())
}

#[expect(clippy::print_stderr, reason = "only this macro is captured by the test runner")]
fn figure(what: &str, figure: &str) {
    eprintln!("figure: {what}: {figure}");
}
