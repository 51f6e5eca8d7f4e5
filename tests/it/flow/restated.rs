//! A later answer replaces the earlier one: what vanished goes, what others own stays, what is equal is not written.

use serde_json::json;
use tests::harness::{Context as _, Result, Span};
use tests::simulator::{Endpoint, FaultKind, FaultRule, Granularity};

use super::{Flow, Setup, day, rows};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-05";

#[tokio::test]
async fn d04_vanished_products_and_domains_go_and_the_slices_are_restated() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.enqueue(&["--all", "--from", FROM, "--to", TO]).await?;
    flow.settled().await?;
    let whole = [Span::days("hanbit", day(FROM), day(TO))];
    let before = flow.world.exact(&whole).await?;
    for endpoint in [Endpoint::ProductsSales, Endpoint::VisitpathsDomains] {
        flow.restate("hanbit", endpoint, FROM, "2025-03-03")?;
        let truth =
            |serial| flow.world.sim.truth_at("hanbit", 1, endpoint, Granularity::Day, day(FROM), serial);
        let ids =
            |serial| truth(serial).map(|rows| rows.into_iter().map(|row| row.entity_id).collect::<Vec<_>>());
        let (old, new) = (ids(0).context("truth")?, ids(1).context("truth")?);
        assert!(old.iter().any(|id| !new.contains(id)), "nothing vanished from {endpoint}");
    }
    let was = flow.rows_of("SELECT date || entity_type || entity_id FROM metrics_daily ORDER BY 1").await?;
    flow.enqueue(&["--all", "--from", FROM, "--to", TO, "--force"]).await?;
    flow.settled().await?;
    let after = flow.world.exact(&whole).await?;
    let is = flow.rows_of("SELECT date || entity_type || entity_id FROM metrics_daily ORDER BY 1").await?;
    assert!(was.iter().any(|row| !is.contains(row)) && is.iter().any(|row| !was.contains(row)));
    assert!(before.equal > 300 && after.equal > 300);

    let restated = "SELECT count(*) FROM slices WHERE data_state = 'restated' AND date <= '2025-03-03' \
                    AND endpoint IN ('products', 'domains')";
    assert_eq!(flow.world.db.number(restated).await?, 6);
    assert_eq!(flow.world.db.number("SELECT count(*) FROM slices WHERE data_state = 'restated'").await?, 6);
    Ok(())
}

#[tokio::test]
async fn an_endpoint_changes_only_its_own_columns_of_a_row_that_it_shares() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.enqueue(&["--all", "--from", FROM, "--to", FROM]).await?;
    flow.settled().await?;
    let others = "SELECT (clicks, conversions, conversion_value, spend)::text FROM metrics_daily \
                  ORDER BY entity_type, entity_id";
    let untouched = flow.rows_of(others).await?;
    flow.restate("hanbit", Endpoint::VisitorsView, FROM, FROM)?;
    flow.fetch("hanbit", "visitors", FROM, FROM, &["--force"]).await?;
    flow.world.exact(&[Span::days("hanbit", day(FROM), day(FROM))]).await?;
    assert_eq!(flow.rows_of(others).await?, untouched);

    // The store vanishes from one endpoint: its row stays for the other one, and goes with it.
    let store = "SELECT impressions IS NULL, clicks IS NULL FROM metrics_daily WHERE entity_type = 'store'";
    for (endpoint, wire, left) in [
        ("visitors", Endpoint::VisitorsView, Some((true, false))),
        ("pageviews", Endpoint::VisitorsPageview, None),
    ] {
        let rule = FaultRule { endpoint: Some(wire.into()), ..FaultRule::once(rows(&json!([]))) };
        flow.world.sim.order(rule).context("order")?;
        flow.fetch("hanbit", endpoint, FROM, FROM, &["--force"]).await?;
        let row = flow.world.db.client().query_opt(store, &[]).await.context(store)?;
        assert_eq!(row.map(|row| (row.get(0), row.get(1))), left, "{endpoint}");
    }
    let zero = "SELECT count(*) FROM slices WHERE rows = 0 AND data_state = 'restated'";
    assert_eq!(flow.world.db.number(zero).await?, 2, "an empty list is a true zero");
    Ok(())
}

#[tokio::test]
async fn unchanged_figures_are_not_written_again_but_known_to_be_fresh() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let wish = ["--all", "--from", FROM, "--to", TO, "--force"];
    flow.enqueue(&wish).await?;
    flow.settled().await?;
    let written = "SELECT m::text || ctid::text || xmin::text FROM metrics_daily m ORDER BY 1";
    let named = "SELECT p::text || ctid::text || xmin::text FROM products p ORDER BY 1";
    let changed =
        "SELECT endpoint || date || changed_at || first_fetched_at || data_state FROM slices ORDER BY 1";
    let fetched = "SELECT endpoint || date || fetched_at FROM slices ORDER BY 1";
    let mut before = Vec::new();
    for sql in [written, named, changed, fetched] {
        before.push(flow.rows_of(sql).await?);
    }
    flow.enqueue(&wish).await?;
    flow.settled().await?;
    assert_eq!(flow.requests("hanbit")?, 8);
    for (sql, before) in [written, named, changed].into_iter().zip(&before) {
        assert_eq!(flow.rows_of(sql).await?, *before, "{sql}");
    }
    let after = flow.rows_of(fetched).await?;
    assert_eq!(after.len(), 20);
    assert!(after.iter().all(|row| !before[3].contains(row)), "fetched_at stands still");
    Ok(())
}

#[tokio::test]
async fn the_newest_name_of_a_product_wins_whatever_day_is_fetched_last() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    // (day fetched, name that the answer has, name that must stand then)
    let steps = [
        ("2025-03-05", "린넨 셔츠", "린넨 셔츠"),
        ("2025-03-02", "old shirt", "린넨 셔츠"),
        ("2025-03-07", "린넨 셔츠 v2", "린넨 셔츠 v2"),
        ("2025-03-09", "린넨 셔츠 v2", "린넨 셔츠 v2"),
        ("2025-03-06", "린넨 셔츠", "린넨 셔츠 v2"),
        ("2025-03-09", "린넨 셔츠 v3", "린넨 셔츠 v3"),
    ];
    for (date, name, stands) in steps {
        let row = json!({ "date": date, "productNo": 7, "productName": name, "orderCount": 1, "salesAmount": "1200.50" });
        flow.order("hanbit", Some(1), rows(&json!([row])))?;
        flow.fetch("hanbit", "products", date, date, &["--force"]).await?;
        let names = flow.rows_of("SELECT name FROM products WHERE product_no = '7'").await?;
        assert_eq!(names, [stands], "after {name} of {date}");
    }
    let amount = "SELECT count(*) FROM metrics_daily WHERE conversion_value = 1200.50";
    assert_eq!(flow.world.db.number(amount).await?, 5);
    Ok(())
}

#[tokio::test]
async fn a_failed_fetch_of_known_days_leaves_them_as_they_are() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.fetch("hanbit", "products", FROM, TO, &[]).await?;
    let sql = "SELECT m::text || ctid::text || xmin::text FROM metrics_daily m ORDER BY 1";
    let before = flow.rows_of(sql).await?;
    flow.order("hanbit", Some(1), FaultKind::MissingWrapper)?;
    flow.fetch("hanbit", "products", FROM, TO, &["--force"]).await?;
    assert_eq!(flow.rows_of(sql).await?, before);
    let states = "SELECT count(*) FROM slices WHERE data_state = 'complete'";
    assert_eq!(flow.world.db.number(states).await?, 5);
    Ok(())
}
