//! The end of a connection: revoked at Cafe24 first, erased here after that.

use std::collections::BTreeMap;

use tests::harness::{Context as _, Result};
use tests::simulator::{FaultKind, FaultRule, Target};

use super::{SOON, Site, fault, json, page_of};

async fn audited(site: &Site, action: &str) -> Result<Vec<String>> {
    let sql = "SELECT details::text FROM audit_log WHERE action = $1 ORDER BY entry_id";
    let rows = site.world.db.client().query(sql, &[&action]).await.context(sql)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn revoked(site: &Site) -> Result<u64> {
    Ok(site.world.sim.mall_report("hanbit").context("a report")?.tokens.revoked)
}

fn away(site: &Site) -> Result<()> {
    let answer = FaultKind::Status { code: 503, headers: BTreeMap::new(), body: None, retry_after: None };
    let rule = FaultRule { endpoint: Some(Target::Revoke), ..FaultRule::always(answer) };
    site.world.sim.order(rule).context("a fault").map(drop)
}

#[tokio::test]
async fn a_disconnected_mall_has_no_tokens_anywhere_and_waits_for_a_consent() -> Result<()> {
    let site = Site::start(true).await?;
    let before = site.stored("hanbit").await?.context("a mall")?;
    site.wish_for_four_days().await?;

    // Looked at, and asked for without a yes: nothing is done.
    let looked = site.world.cli(&["disconnect", "hanbit", "--dry-run"]).await?;
    looked.success()?;
    assert!(looked.stdout.contains("4 queued jobs are paused"), "{}", looked.stdout);
    let asked = site.world.cli(&["disconnect", "hanbit"]).await?;
    assert_eq!(fault(&asked), (Some(7), "E-PLAN-01"), "{}", asked.stderr);
    assert_eq!((site.stored("hanbit").await?.as_ref(), revoked(&site)?), (Some(&before), 0));

    let done = site.world.cli(&["disconnect", "hanbit", "--yes"]).await?;
    done.success()?;
    assert!(done.stdout.starts_with("✓ hanbit: disconnected; tokens revoked and erased"), "{}", done.stdout);
    let after = site.stored("hanbit").await?.context("a mall")?;
    assert_eq!(
        (after.sealed, after.state.as_str(), after.version),
        (None, "needs_consent", before.version + 1)
    );
    assert_eq!(revoked(&site)?, 1);
    assert_eq!(site.world.jobs_in(&["parked"]).await?, 4);
    assert_eq!(audited(&site, "disconnect").await?, [r#"{"revoked": true, "had_tokens": true}"#]);
    let told = site
        .world
        .db
        .client()
        .query_one(
            "SELECT state_reason, refresh_expires_at IS NULL FROM connectors WHERE mall_id = 'hanbit'",
            &[],
        )
        .await
        .context("a row")?;
    assert!(told.get::<_, String>(0).starts_with("disconnected by ") && told.get::<_, bool>(1));

    // A new consent takes the jobs up again.
    let attempt = site.ask("hanbit", &["--json"]).await?;
    let (page, ended) = site.walk(attempt, &[]).await?;
    assert_eq!(page_of(&page), "connected");
    assert_eq!(json(&ended)["jobs_released"], 4, "{}", ended.stdout);
    let worker = site.world.programs.worker()?;
    site.world.settled(SOON).await?;
    assert_eq!(site.world.jobs_in(&["done"]).await?, 4);
    worker.stop(SOON).await.map(drop)
}

#[tokio::test]
async fn nothing_is_erased_while_cafe24_cannot_be_told_unless_forced() -> Result<()> {
    let site = Site::start(true).await?;
    let before = site.stored("hanbit").await?;
    away(&site)?;
    for command in [&["disconnect", "hanbit", "--yes"][..], &["malls", "remove", "hanbit", "--yes"]] {
        let ended = site.world.cli(command).await?;
        assert_eq!(fault(&ended), (Some(1), "E-AUTH-25"), "{}", ended.stderr);
        assert!(ended.stderr.contains("--force"), "{}", ended.stderr);
        assert_eq!(site.stored("hanbit").await?, before);
    }
    assert!(audited(&site, "disconnect").await?.is_empty());
    let forced = site.world.json(&["disconnect", "hanbit", "--yes", "--force"]).await?;
    assert_eq!((&forced["revoked"], &forced["had_tokens"]), (&false.into(), &true.into()), "{forced}");
    assert_eq!(site.stored("hanbit").await?.context("a mall")?.sealed, None);
    assert_eq!(audited(&site, "disconnect").await?, [r#"{"revoked": false, "had_tokens": true}"#]);
    Ok(())
}

#[tokio::test]
async fn a_removed_mall_is_revoked_first_and_its_removal_is_audited() -> Result<()> {
    let site = Site::start(true).await?;
    site.world.cli(&["malls", "remove", "hanbit", "--yes"]).await?.success()?;
    assert_eq!((site.stored("hanbit").await?, revoked(&site)?), (None, 1));
    assert_eq!(audited(&site, "malls.remove").await?, [r#"{"revoked": true, "had_tokens": true}"#]);
    Ok(())
}

#[tokio::test]
async fn a_pair_that_comes_while_the_old_one_is_revoked_is_revoked_too() -> Result<()> {
    let site = Site::start(true).await?;
    // Somebody refreshes: a lease on the stored pair, until it is let go.
    site.run_sql(
        "INSERT INTO token_leases (mall_id, version, holder, taken_at, until) \
         SELECT mall_id, token_version, 'test', now(), now() + interval '1 minute' FROM connectors WHERE mall_id = 'hanbit'",
    )
    .await?;
    let command = site.world.programs.cli_started(&["disconnect", "hanbit", "--yes"])?;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(command.is_running() && revoked(&site)? == 0, "it did not wait");
    // The new pair comes; the old one died with it at Cafe24.
    site.world.sim.issue_tokens("hanbit").context("tokens")?;
    site.world.import().await?;
    command.output(SOON).await?.success()?;
    assert_eq!((site.stored("hanbit").await?.context("a mall")?.sealed, revoked(&site)?), (None, 1));
    Ok(())
}
