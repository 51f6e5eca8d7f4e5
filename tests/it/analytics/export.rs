//! `export`: what leaves the installation, for whom, and that it is written down.

use serde_json::Value;
use tests::harness::{Context as _, Output, Result};

use super::{Agencies, FROM, TO};

const RANGE: [&str; 4] = ["--from", FROM, "--to", TO];

async fn export(agencies: &Agencies, arguments: &[&str]) -> Result<Output> {
    agencies.world.cli(&[&["export"], arguments, &RANGE].concat()).await
}

#[tokio::test]
async fn every_row_of_the_view_leaves_once_in_order_and_as_it_is() -> Result<()> {
    let agencies = Agencies::start().await?;
    for (view, key) in
        [("daily_store", "mall_id"), ("daily_products", "product_no"), ("daily_domains", "domain")]
    {
        let said = export(&agencies, &["--view", view, "--all"]).await?;
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        let lines: Vec<Value> = said
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
            .collect::<Result<_>>()?;
        let sql = format!(
            "SELECT to_jsonb(v) - 'fetched_at' - 'changed_at' FROM analytics.{view} v ORDER BY v.mall_id, v.day, v.shop_no, v.{key} COLLATE \"C\""
        );
        let rows = agencies.world.db.client().query(&sql, &[]).await.with_context(|| sql.clone())?;
        assert!(rows.len() > 10 && rows.len() == lines.len(), "{view}: {} and {}", rows.len(), lines.len());
        for (line, row) in lines.iter().zip(&rows) {
            let mut line = line.clone();
            let instants =
                ["fetched_at", "changed_at"].map(|name| line[name].take().as_str().map(str::to_owned));
            assert!(instants.iter().flatten().all(|text| text.ends_with("+09:00")), "{instants:?}");
            let fields = line.as_object_mut().context("an object")?;
            fields.remove("fetched_at");
            fields.remove("changed_at");
            assert_eq!(line, row.get::<_, Value>(0), "{view}");
        }
    }
    let csv = export(&agencies, &["--view", "daily_store", "--mall", "hanbit", "--format", "csv"]).await?;
    assert_eq!(csv.stdout.lines().count(), 5);
    assert!(csv.stdout.starts_with("mall_id,shop_no,day,visits,pageviews,"), "{}", csv.stdout);
    assert!(csv.stdout.contains(&format!("\nhanbit,1,{FROM},")), "{}", csv.stdout);
    Ok(())
}

#[tokio::test]
async fn a_mall_without_the_purpose_does_not_leave_and_what_left_is_in_the_audit_log() -> Result<()> {
    let agencies = Agencies::start().await?;
    agencies.world.cli(&["malls", "purposes", "hanbit", "--set", "ads"]).await?.success()?;
    let refused =
        export(&agencies, &["--view", "daily_store", "--mall", "hanbit", "narae", "--purpose", "ads"])
            .await?;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(7), ""), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("E-PURPOSE-01") && refused.stderr.contains("narae"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("  hanbit"), "{}", refused.stderr);
    let none =
        export(&agencies, &["--view", "daily_store", "--agency", "sejong", "--purpose", "ads"]).await?;
    assert_eq!(none.code, Some(7), "{}", none.stderr);
    assert_eq!(agencies.world.db.number("SELECT count(*) FROM audit_log WHERE action = 'export'").await?, 0);

    let all = export(&agencies, &["--view", "daily_store", "--all", "--purpose", "ads"]).await?;
    assert_eq!(all.code, Some(0), "{}", all.stderr);
    assert_eq!(all.stdout.lines().count(), 4);
    assert!(all.stdout.lines().all(|line| line.starts_with("{\"mall_id\":\"hanbit\",")), "{}", all.stdout);
    assert!(all.stderr.contains("3 malls not approved for ads left out"), "{}", all.stderr);
    let entry = "SELECT details ->> 'purpose' || ' ' || (details ->> 'malls') || ' ' || target || ' ' || mall_id FROM audit_log WHERE action = 'export'";
    let row = agencies.world.db.client().query_one(entry, &[]).await.context(entry)?;
    assert_eq!(row.get::<_, String>(0), format!("ads 1 daily_store {FROM}…{TO} hanbit"));
    let nobody = export(&agencies, &["--view", "store", "--agency", "nobody"]).await?;
    assert!(nobody.code == Some(1) && nobody.stderr.contains("E-AGENCY-01"), "{}", nobody.stderr);
    Ok(())
}
