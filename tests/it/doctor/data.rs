//! What is in Postgres: the schema, the role's rights, the numbers of fetches, keys and consents.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use tests::harness::{Context as _, Result, World, WorldConfig};

use super::{Answer, healthy};

const LIMIT: Duration = Duration::from_secs(30);

async fn sql(world: &World, statement: &str) -> Result<()> {
    world.db.client().batch_execute(statement).await.with_context(|| statement.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn p08_an_older_and_a_newer_schema_are_told_with_what_helps() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    sql(
        &world,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (299912312359, 'of tomorrow', true, '', 0)",
    )
    .await?;
    let (what, remedy) = Answer::of(&world, &["--offline"]).await?.only("problem", "postgres");
    assert!(what.contains("299912312359") && remedy.contains("upgrade"), "{what} → {remedy}");
    sql(&world, "DELETE FROM _sqlx_migrations WHERE version = 299912312359").await?;

    let known = world.db.number("SELECT count(*) FROM _sqlx_migrations").await?;
    sql(&world, "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .await?;
    let (what, remedy) = Answer::of(&world, &["--offline"]).await?.only("problem", "postgres");
    assert_eq!((what, remedy.as_str()), (format!("schema {}/{known}", known - 1), "cafe24-sync db migrate"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_rights_is_told_what_it_lacks() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let role = format!("poor_{:08x}", rand::random::<u32>());
    sql(&world, &format!("CREATE ROLE {role} LOGIN IN ROLE cafe24_producer")).await?;
    let url = world.db.url().replacen("postgres://postgres", &format!("postgres://{role}"), 1);
    let programs = world.programs.clone().set("DATABASE_URL", url);
    let doctor = async || programs.cli(&["doctor", "--offline"], LIMIT).await;
    let rich = doctor().await?;
    assert_eq!(rich.code, Some(0), "{}", rich.stdout);

    // Rights of its own, as somebody may have given them who knew only the tables.
    sql(
        &world,
        &format!(
            "REVOKE cafe24_producer FROM {role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}; \
             GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO {role}; GRANT USAGE ON SCHEMA analytics TO {role}; \
             REVOKE INSERT, UPDATE ON jobs FROM {role}"
        ),
    )
    .await?;
    let poor = doctor().await?;
    assert_eq!(poor.code, Some(3), "{}", poor.stdout);
    for part in [
        format!("role {role} lacks"),
        "SELECT, USAGE on fences".into(),
        "INSERT, UPDATE on jobs".into(),
        "a rule of row-level security on metrics_daily".into(),
        format!("GRANT cafe24_producer TO {role}"),
    ] {
        assert!(poor.stdout.contains(&part), "{part} in {}", poor.stdout);
    }
    sql(&world, &format!("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")).await?;
    let poorest = doctor().await?;
    assert!(poorest.stdout.contains("and ") && poorest.stdout.contains(" more"), "{}", poorest.stdout);
    assert!(poorest.stdout.contains("· malls      not looked at"), "{}", poorest.stdout);
    sql(&world, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn p06_after_a_copy_was_put_back_fetches_are_numbered_above_all_before() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    world.cli(&["enqueue", "--all", "--last", "1d", "--yes"]).await?.success()?;
    sql(&world, "SELECT setval('fences', 5000)").await?;
    sql(&world, "UPDATE jobs SET fence = next_fence() WHERE job_id = (SELECT job_id FROM jobs ORDER BY job_id LIMIT 1)").await?;
    // Nothing waits for programs that do not run here.
    sql(&world, "UPDATE jobs SET work_state = 'cancelled', finished_at = now()").await?;
    Answer::of(&world, &["--offline"]).await?.all_well();
    // As after a restore: the sequence is an older one.
    sql(&world, "SELECT setval('fences', 17)").await?;
    let (what, remedy) = Answer::of(&world, &["--offline"]).await?.only("problem", "postgres");
    assert!(what.contains("the numbers of fetches went back"), "{what}");
    assert_eq!(remedy, "cafe24-sync doctor --after-restore");

    let highest = "SELECT max(fence) FROM jobs";
    let before = world.db.number(highest).await?;
    world.cli(&["doctor", "--after-restore"]).await?.success()?;
    Answer::of(&world, &["--offline"]).await?.all_well();
    let next = world.db.number("SELECT next_fence()").await?;
    assert!(next > before + 999_999_999, "{next} after {before}");
    assert_eq!(
        world.db.number("SELECT count(*) FROM audit_log WHERE action = 'doctor.after-restore'").await?,
        1
    );

    // A dump loaded into a new cluster: what is stored is of a later timeline than the server's.
    sql(&world, &format!("UPDATE jobs SET fence = (7::bigint << 40) + 123 WHERE fence = {before}")).await?;
    assert_eq!(Answer::of(&world, &["--offline"]).await?.code, Some(3));
    world.cli(&["doctor", "--after-restore"]).await?.success()?;
    Answer::of(&world, &["--offline"]).await?.all_well();
    let (first, second) =
        (world.db.number("SELECT next_fence()").await?, world.db.number("SELECT next_fence()").await?);
    assert!(first > (7 << 40) + 123 && second > first, "{first}, {second}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn x06_a_missing_key_is_named_with_the_malls_that_it_sealed() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let malls: Vec<String> = world.sim.malls().into_iter().map(|mall| mall.mall_id).collect();
    let old =
        world.programs.environment().get("CAFE24_SYNC__OAUTH__MASTER_KEY_FILE").context("the key")?.clone();
    let keys = |name: &str, text: &str| -> Result<String> {
        let path = world.programs.logs().join(name);
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).context("a key")?;
        Ok(path.to_string_lossy().into_owned())
    };
    let other = format!("{:064x}", 7);
    let doctor = async |file: &str| {
        let programs = world.programs.clone().set("CAFE24_SYNC__OAUTH__MASTER_KEY_FILE", file);
        programs.cli(&["doctor", "--offline"], LIMIT).await
    };
    let lost = doctor(&keys("other.key", &other)?).await?;
    assert_eq!(lost.code, Some(3), "{}", lost.stdout);
    let said = lost.stdout.lines().find(|line| line.contains("✗ keys")).context("said")?;
    assert!(said.contains("2 secrets do not open: the master key `"), "{said}");
    assert!(malls.iter().all(|mall| said.contains(mall)), "{said}");
    assert!(lost.stdout.contains("to the file of oauth.master_key_file"), "{}", lost.stdout);

    // Both keys, the other one first: everything opens, and is due for the new key.
    let old = std::fs::read_to_string(old).context("the key")?;
    let both = doctor(&keys("both.keys", &format!("{other}\n{old}\n"))?).await?;
    assert_eq!(both.code, Some(3), "{}", both.stdout);
    assert!(both.stdout.contains("! keys       2 secrets are sealed with an older key"), "{}", both.stdout);

    // A pair copied into another mall's row.
    sql(
        &world,
        "UPDATE connectors SET config_json = (SELECT config_json FROM connectors ORDER BY mall_id LIMIT 1)",
    )
    .await?;
    let (what, remedy) = Answer::of(&world, &["--offline"]).await?.only("problem", "keys");
    assert!(what.contains("1 secret does not open: the sealed text was changed, or moved here"), "{what}");
    assert!(remedy.contains("connect"), "{remedy}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn malls_that_need_a_person_and_tokens_that_end_are_told() -> Result<()> {
    let world = healthy(WorldConfig::default()).await?;
    let mall = world.sim.malls().into_iter().map(|mall| mall.mall_id).min().context("a mall")?;
    sql(
        &world,
        &format!(
            "UPDATE connectors SET refresh_expires_at = now() + interval '2 days' WHERE mall_id = '{mall}'"
        ),
    )
    .await?;
    let (what, _) = Answer::of(&world, &["--offline"]).await?.only("warning", "malls");
    assert_eq!(what, format!("1 mall whose refresh token ends within 3 days: {mall}"));
    sql(&world, &format!("UPDATE connectors SET state = 'needs_consent' WHERE mall_id = '{mall}'")).await?;
    let (what, remedy) = Answer::of(&world, &["--offline"]).await?.only("problem", "malls");
    assert_eq!(what, format!("1 mall without a living consent: {mall}"));
    assert_eq!(remedy, format!("cafe24-sync connect {mall}"));
    Ok(())
}
