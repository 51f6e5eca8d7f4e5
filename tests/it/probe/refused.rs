//! A mall that may not send is not probed, and without the bucket nothing is sent.

use tests::harness::{Context as _, Result};

use super::{LIVE, SEED, requests, world, world_with};

#[tokio::test(flavor = "multi_thread")]
async fn a_mall_that_sends_nothing_is_not_probed_and_the_way_out_is_said() -> Result<()> {
    let world = world().await?;
    let cases = [
        ("state = 'paused'", 1, "cafe24-sync malls resume hanbit"),
        ("state = 'needs_consent'", 4, "cafe24-sync connect hanbit"),
        ("state = 'needs_scope'", 4, "cafe24-sync connect hanbit"),
        ("state = 'forbidden'", 1, "then cafe24-sync malls resume hanbit"),
        (
            "state = 'active', config_json = config_json || '{\"mode\": \"off\"}'",
            1,
            "cafe24-sync malls set hanbit mode=api",
        ),
    ];
    for (change, code, way_out) in cases {
        let sql = format!("UPDATE connectors SET {change} WHERE mall_id = '{SEED}'");
        world.db.client().batch_execute(&sql).await.context(sql)?;
        let refused = world.cli(&["probe", SEED]).await?;
        assert_eq!(refused.code, Some(code), "{change}: {refused:?}");
        assert!(refused.stdout.is_empty() && refused.stderr.contains("E-MALL-03"), "{refused:?}");
        assert!(refused.stderr.contains(way_out), "{change}: {}", refused.stderr);
    }
    assert_eq!(requests(&world, SEED)?, 0);
    let unknown = world.cli(&["probe", "nobody"]).await?;
    assert!(unknown.code == Some(1) && unknown.stderr.contains("E-MALL-01"), "{unknown:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_a_person_paused_is_left_out() -> Result<()> {
    let world = world().await?;
    world.cli(&["malls", "pause", LIVE, "--endpoint", "products"]).await?.success()?;
    let (code, document) = super::probe(&world, LIVE, &[]).await?;
    assert_eq!((code, document.to_string().contains("\"products\"")), (Some(0), false), "{document:#}");
    let nothing = world.cli(&["probe", LIVE, "--endpoint", "products"]).await?;
    assert!(nothing.code == Some(1) && nothing.stderr.contains("E-MALL-04"), "{nothing:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn r02_without_redis_nothing_is_sent() -> Result<()> {
    let world = world_with(&[("REDIS_URL", "redis://127.0.0.1:9")]).await?;
    let refused = world.cli(&["probe", SEED]).await?;
    assert!(refused.code == Some(5) && refused.stderr.contains("nothing was sent"), "{refused:?}");
    assert_eq!(requests(&world, SEED)?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_ended_is_renewed_once_for_all_calls() -> Result<()> {
    let world = world().await?;
    world.sim.expire_access(LIVE).context("expire")?;
    let (code, document) = super::probe(&world, LIVE, &[]).await?;
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(world.sim.mall_report(LIVE).context("report")?.tokens.refreshes, 1);
    Ok(())
}
