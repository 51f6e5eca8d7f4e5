//! Malls that go: to another agency, or away.

use tests::harness::{Result, wait_until};

use super::{Agencies, FROM, HANOK, LIMIT, SEJONG, TO};

#[tokio::test]
async fn x04_a_mall_that_changes_its_agency_takes_no_older_day_along() -> Result<()> {
    let agencies = Agencies::start().await?;
    let (hanok, sejong) = (agencies.reader("hanok", None).await?, agencies.reader("sejong", None).await?);
    agencies.reimport("narae", |line| line["agency"] = "sejong".into()).await?;
    // At once, for both, in sessions that are open.
    for view in ["daily_store", "daily_products", "daily_domains", "freshness", "coverage"] {
        assert_eq!(hanok.malls_in(&format!("analytics.{view}")).await?, ["hanbit"], "{view}");
        let old = format!("SELECT count(*) FROM analytics.{view} WHERE mall_id = 'narae'");
        let days = match view {
            "freshness" => " AND complete_through IS NOT NULL",
            "coverage" => " AND data_state <> 'missing'",
            _ => "",
        };
        assert_eq!(sejong.number(&format!("{old}{days}")).await?, 0, "{view}");
    }
    // What is fetched from the day of the move on is seen; today's figures are there, and partial.
    let today = "SELECT (now() AT TIME ZONE 'Asia/Seoul')::date::text";
    let row = agencies.world.db.client().query_one(today, &[]).await;
    let today: String = row.map(|row| row.get(0)).unwrap_or_default();
    agencies.fetch(&["--mall", "narae"], &today, &today).await?;
    let seen = "SELECT count(*) FROM analytics.daily_store WHERE mall_id = 'narae' AND NOT is_final";
    wait_until("today's figures are seen", LIMIT, || async { Ok(sejong.number(seen).await? == 1) }).await?;
    assert_eq!(
        sejong
            .number(
                "SELECT count(*) FROM public.metrics_daily WHERE mall_id = 'narae' AND date < '2025-12-31'"
            )
            .await?,
        0
    );
    // Older days are released by an operator only, and that is written down.
    agencies.world.cli(&["malls", "purposes", "narae", "--shown-from", FROM]).await?.success()?;
    let old = format!(
        "SELECT count(*) FROM analytics.daily_store WHERE mall_id = 'narae' AND day BETWEEN '{FROM}' AND '{TO}'"
    );
    assert_eq!(sejong.number(&old).await?, 4);
    let audited =
        "SELECT count(*) FROM audit_log WHERE action = 'malls.purposes.shown-from' AND mall_id = 'narae'";
    assert_eq!(agencies.world.db.number(audited).await?, 1);
    // And back: the first agency does not get its old days again by itself either.
    agencies.reimport("narae", |line| line["agency"] = "hanok".into()).await?;
    assert_eq!(sejong.malls_in("analytics.daily_store").await?, SEJONG);
    assert_eq!(hanok.number(&old).await?, 0);
    Ok(())
}

#[tokio::test]
async fn x04_a_removed_mall_is_seen_by_nobody_and_its_name_brings_nothing_to_another_agency() -> Result<()> {
    let agencies = Agencies::start().await?;
    let (hanok, sejong) = (agencies.reader("hanok", None).await?, agencies.reader("sejong", None).await?);
    agencies.sql("DELETE FROM connectors WHERE mall_id = 'narae'").await?;
    assert_eq!(hanok.malls_in("analytics.daily_store").await?, ["hanbit"]);
    assert_eq!(hanok.malls_in("public.metrics_daily").await?, ["hanbit"]);
    // Its figures stay, and belong to whom they belonged.
    agencies.reimport("narae", |line| line["agency"] = "sejong".into()).await?;
    assert_eq!(sejong.malls_in("analytics.daily_store").await?, SEJONG);
    agencies.sql("DELETE FROM connectors WHERE mall_id = 'hanbit'").await?;
    agencies.reimport("hanbit", |line| line["agency"] = "hanok".into()).await?;
    assert_eq!(
        hanok.malls_in("analytics.daily_store").await?,
        [HANOK[0]],
        "the same agency has its days again"
    );
    Ok(())
}
