//! The master key: rotated while programs run, killed in the middle, refused at the end.

use std::path::PathBuf;

use tests::harness::{Context as _, Result, World, WorldConfig, wait_until};
use tests::simulator::{MallSpec, SimConfig};

use super::{SOON, spec};

const MALLS: usize = 250;

fn mall(number: usize) -> String {
    format!("mall{number:03}")
}

async fn world(malls: usize) -> Result<World> {
    let extra_malls: Vec<MallSpec> = (0..malls).map(|number| spec(&mall(number))).collect();
    let sim = SimConfig { malls: 0, extra_malls, ..SimConfig::default() };
    World::start_with(WorldConfig { sim, ..WorldConfig::default() }).await
}

fn key_file(world: &World) -> Result<PathBuf> {
    let path = world.programs.environment().get("CAFE24_SYNC__OAUTH__MASTER_KEY_FILE").context("a key")?;
    Ok(PathBuf::from(path))
}

async fn sealed_by(world: &World, key: &str) -> Result<i64> {
    let sql =
        format!("SELECT count(*) FROM connectors WHERE config_json -> 'oauth_tokens' ->> 'kid' = '{key}'");
    world.db.number(&sql).await
}

async fn refreshes(world: &World, mall: &str) -> Result<bool> {
    Ok(world.cli(&["tokens", "refresh", mall]).await?.code == Some(0))
}

#[tokio::test]
async fn x06_a_key_is_rotated_across_a_kill_and_the_old_one_is_refused_at_the_end() -> Result<()> {
    let world = world(MALLS).await?;
    let old_text = std::fs::read_to_string(key_file(&world)?).context("the key")?;
    let keys = "SELECT DISTINCT token_key_id FROM connectors";
    let old: String = world.db.client().query_one(keys, &[]).await.context(keys)?.get(0);

    let plan = world.cli(&["tokens", "rotate-key", "--new-key", "--dry-run"]).await?;
    assert!(plan.stdout.contains("250 secrets to be sealed again"), "{plan:?}");
    assert_eq!(world.cli(&["tokens", "rotate-key", "--new-key"]).await?.code, Some(7), "nobody said yes");
    assert_eq!(std::fs::read_to_string(key_file(&world)?).context("the key")?, old_text);

    // Killed while it waits for a row in its second batch: the first is sealed, the second is not.
    let (lock, _connection) = world.db.connect().await?;
    let row = format!("BEGIN; SELECT FROM connectors WHERE mall_id = '{}' FOR UPDATE", mall(150));
    lock.batch_execute(&row).await.context("lock")?;
    let rotation = world.programs.cli_started(&["tokens", "rotate-key", "--new-key", "--yes"])?;
    wait_until("the first batch", SOON, || async { Ok(sealed_by(&world, &old).await? == 150) }).await?;
    rotation.kill().await?;
    lock.batch_execute("ROLLBACK").await.context("unlock")?;
    assert_eq!(sealed_by(&world, &old).await?, 150, "a killed batch is rolled back as a whole");
    // During the change both keys open.
    assert!(refreshes(&world, &mall(10)).await? && refreshes(&world, &mall(200)).await?);

    // Taken up; a refresh at the same time is not overwritten.
    lock.batch_execute(&row).await.context("lock")?;
    let rotation = world.programs.cli_started(&["tokens", "rotate-key", "--yes", "--json"])?;
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    wait_until("it waits", SOON, || async { Ok(world.db.number(waits).await? > 0) }).await?;
    assert!(refreshes(&world, &mall(180)).await?);
    lock.batch_execute("ROLLBACK").await.context("unlock")?;
    let report = rotation.output(SOON).await?.json()?;
    assert_eq!(
        (&report["changed"], &report["unused_keys"]),
        (&1.into(), &serde_json::json!([old])),
        "{report}"
    );
    assert_eq!(sealed_by(&world, &old).await?, 0);
    assert!(refreshes(&world, &mall(180)).await?, "its new pair is the stored one");

    // The old key may go; alone, it opens nothing.
    let both = std::fs::read_to_string(key_file(&world)?).context("the keys")?;
    let new_text = both.replace(old_text.trim(), "");
    std::fs::write(key_file(&world)?, &new_text).context("the new key")?;
    assert!(refreshes(&world, &mall(3)).await?);
    std::fs::write(key_file(&world)?, &old_text).context("the old key")?;
    let refused = world.cli(&["tokens", "refresh", &mall(3)]).await?;
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("is missing: add it to `oauth.master_key_file`"), "{refused:?}");
    let audited = world
        .db
        .number("SELECT count(*) FROM audit_log WHERE action IN ('tokens.rotate-key', 'tokens.new-key')");
    assert!(audited.await? >= 3);
    Ok(())
}

#[tokio::test]
async fn x06_a_pair_copied_to_another_mall_or_agency_opens_nowhere() -> Result<()> {
    let world = world(3).await?;
    let copy = "UPDATE connectors c SET config_json = other.config_json FROM connectors other \
                WHERE c.mall_id = 'mall001' AND other.mall_id = 'mall000'; \
                INSERT INTO agencies VALUES ('thief'); \
                UPDATE connectors SET agency_id = 'thief' WHERE mall_id = 'mall002'";
    world.db.client().batch_execute(copy).await.context(copy)?;
    for stolen in ["mall001", "mall002"] {
        let refused = world.cli(&["tokens", "refresh", stolen]).await?;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("moved here from another agency, mall or app"), "{refused:?}");
    }
    let tokens = world.sim.report().total.tokens;
    assert_eq!(tokens.refreshes + tokens.invalid_grant, 0, "nothing was sent: {tokens:?}");
    let rotated = world.cli(&["tokens", "rotate-key", "--new-key", "--yes", "--json"]).await?;
    assert_eq!(rotated.code, Some(8), "{rotated:?}");
    assert!(rotated.stdout.contains("mall001") && rotated.stdout.contains("mall002"), "{rotated:?}");
    assert!(refreshes(&world, "mall000").await?);
    Ok(())
}
