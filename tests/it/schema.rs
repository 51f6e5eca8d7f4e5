//! The schema: one way to make it, and no program that runs against another.

use std::time::Duration;

use tests::harness::{Context as _, Result, Servers, TestDb, World, WorldConfig};

async fn bare() -> Result<World> {
    World::start_with(WorldConfig { no_import: true, ..WorldConfig::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn p08_two_migrations_at_once_make_one_schema() -> Result<()> {
    let world = bare().await?;
    let name = format!("cafe24_test_{}_p08_{:08x}", std::process::id(), rand::random::<u32>());
    let empty = TestDb::create_empty(&Servers::from_env()?.database, &name).await?;
    let programs = world.programs.clone().set("DATABASE_URL", empty.url());
    let limit = Duration::from_secs(30);
    let migrate = ["db", "migrate"];
    let (one, two) = tokio::join!(programs.cli(&migrate, limit), programs.cli(&migrate, limit));
    one?.success()?;
    two?.success()?;
    let applied = empty.number("SELECT count(*) FROM _sqlx_migrations WHERE success").await?;
    assert_eq!(applied, world.db.number("SELECT count(*) FROM _sqlx_migrations WHERE success").await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn p08_programs_refuse_an_older_and_a_newer_schema_and_say_what_to_do() -> Result<()> {
    let world = bare().await?;
    let limit = Duration::from_secs(15);
    let changes = [
        (
            "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)",
            "db migrate",
        ),
        (
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (299912312359, 'of tomorrow', true, '', 0)",
            "upgrade",
        ),
    ];
    for (change, remedy) in changes {
        world.db.client().batch_execute(change).await.context("another schema")?;
        let worker = world.programs.worker()?.quiet();
        assert_eq!(worker.wait(limit).await?.code(), Some(3), "{remedy}");
        assert!(worker.log().contains(remedy), "{}", worker.log());
        let enqueue = world.cli(&["enqueue", "--all", "--last", "1d"]).await?;
        assert_eq!(enqueue.code, Some(1), "{}", enqueue.stderr);
        assert!(enqueue.stderr.contains(remedy), "{}", enqueue.stderr);
        let serve = world.programs.serve()?.quiet();
        assert_eq!(serve.wait(limit).await?.code(), Some(1), "{remedy}");
    }
    Ok(())
}
