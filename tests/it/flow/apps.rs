//! Malls of several apps, and what is sealed for whom.

use tests::harness::{Context as _, Result, World, WorldConfig};
use tests::simulator::SimConfig;

use super::{Flow, Setup, spec};

const FROM: &str = "2025-03-01";

#[tokio::test]
async fn a_mall_with_an_app_of_its_own_is_refreshed_with_that_apps_secret() -> Result<()> {
    // The configuration's app is not the one the mall consented to: with it each refresh is refused.
    let setup = Setup::new(&["hanbit"]);
    let sim = SimConfig { extra_malls: setup.malls, ..setup.sim };
    let mut env = setup.env;
    env.push(("CAFE24_ANALYTICS_CLIENT_ID".to_owned(), "another-app".to_owned()));
    env.push(("CAFE24_ANALYTICS_CLIENT_SECRET".to_owned(), "another-secret".to_owned()));
    let world = World::start_with(WorldConfig { sim, env, ..WorldConfig::default() }).await?;
    let flow = Flow { workers: vec![world.programs.worker()?], daemon: Some(world.programs.serve()?), world };
    let secret = flow.world.programs.logs().join("app.secret");
    let known = flow.world.sim.config();
    std::fs::write(&secret, format!("{}\n", known.client_secret)).context("the secret's file")?;
    let secret = secret.to_string_lossy().into_owned();
    let set = ["apps", "set", "brand-b", "--client-id", &known.client_id, "--client-secret-file", &secret];
    flow.cli(&set).await?.success()?;
    let file = flow.world.programs.logs().join("app.csv");
    std::fs::write(&file, "mall_id,agency,mode,app\nhanbit,agency-1,api,brand-b\n").context("a file")?;
    flow.cli(&["malls", "import", &file.to_string_lossy()]).await?.success()?;

    flow.world.sim.expire_access("hanbit").context("expire")?;
    flow.fetch("hanbit", "visitors", FROM, FROM, &[]).await?;
    let tokens = flow.world.sim.mall_report("hanbit").context("report")?.tokens;
    assert_eq!((tokens.refreshes, tokens.invalid_client), (1, 0), "{tokens:?}");

    let listed = flow.world.json(&["apps", "list"]).await?;
    assert_eq!(listed["items"][0]["malls"], 1, "{listed}");
    assert_eq!(flow.cli(&["apps", "remove", "brand-b", "--yes"]).await?.code, Some(1), "a mall names it");
    let stored = flow.rows_of("SELECT client_secret::text FROM apps").await?;
    assert!(!stored[0].contains(&known.client_secret), "{stored:?}");
    let audited = flow.rows_of("SELECT action || ' ' || target FROM audit_log").await?;
    assert!(audited.contains(&"apps.set brand-b".to_owned()), "{audited:?}");
    Ok(())
}

#[tokio::test]
async fn x6_a_mall_takes_its_tokens_to_no_other_agency() -> Result<()> {
    let sim = SimConfig { malls: 0, extra_malls: vec![spec("hanbit")], ..SimConfig::default() };
    let world = World::start_with(WorldConfig { sim, ..WorldConfig::default() }).await?;
    let file = world.programs.logs().join("moved.csv");
    std::fs::write(&file, "mall_id,agency,mode\nhanbit,agency-2,api\n").context("a file")?;
    let moved = world.cli(&["malls", "import", &file.to_string_lossy()]).await?;
    assert_eq!(moved.code, Some(1));
    assert!(
        moved.stderr.contains("line 2") && moved.stderr.contains("belongs to agency 'agency-1'"),
        "{moved:?}"
    );
    Ok(())
}
